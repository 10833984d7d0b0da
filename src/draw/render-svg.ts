/** A PipeProgram as SVG: forwards solid, misses dashed, copies dotted, a colour per domain. */
import type { PipeProgram } from '../hal/program.js';
import {
  type EdgeKind,
  type GraphNode,
  type ProgramCounters,
  type ProgramGraph,
  programGraph,
} from './render.js';
import { drawSvg } from './svg.js';

const COLORS: Readonly<Record<GraphNode['domain'], string>> = {
  default: '#4c78a8',
  'secure-ingress': '#3a9a6b',
  egress: '#b8860b',
  'secure-egress': '#c0504d',
  terminal: '#808080',
};
const DASHES: Readonly<Record<EdgeKind, string>> = { forward: '', miss: '6 4', mirror: '2 4' };

/** The drawing as an SVG document. */
export const renderSvg = (program: PipeProgram, counters?: ProgramCounters): Promise<string> =>
  svgOf(programGraph(program, counters));

/** The same of any graph. */
export function svgOf({ nodes, edges }: ProgramGraph): Promise<string> {
  return drawSvg({
    boxes: nodes.map(({ name, lines, domain }) => ({
      name,
      lines,
      color: COLORS[domain],
      round: domain === 'terminal',
    })),
    lines: edges.map(({ from, to, label, kind }) => ({ from, to, label, dash: DASHES[kind] })),
    direction: 'RIGHT',
    arrows: true,
    keepOrder: false,
    legend: {
      swatches: Object.entries(COLORS).filter(([domain]) => domain !== 'terminal'),
      text: 'solid: forward, dashed: miss, dotted: copy',
    },
  });
}
