/**
 * A PipeProgram as SVG. Where the boxes stand is ELK's work (elkjs, layered layout); the drawing is ours: forwards
 * solid, misses dashed, copies dotted, a colour per domain, legible on light and dark ground.
 */
import ElkModule, { type ElkExtendedEdge, type ElkNode } from 'elkjs/lib/elk.bundled.js';
import type { PipeProgram } from './program.js';
import { type EdgeKind, type GraphNode, type ProgramCounters, programGraph } from './render.js';

const TITLE_CHARACTER_WIDTH = 8.2;
const CHARACTER_WIDTH = 6.3;
const LINE_HEIGHT = 16;
const PADDING = 10;
const LINE_CHARACTERS_MAX = 44;

const COLORS: Readonly<Record<GraphNode['domain'], string>> = {
  default: '#4c78a8',
  'secure-ingress': '#3a9a6b',
  egress: '#b8860b',
  'secure-egress': '#c0504d',
  terminal: '#808080',
};
const DASHES: Readonly<Record<EdgeKind, string>> = { forward: '', miss: '6 4', mirror: '2 4' };
const INK = '#777777';

interface Box {
  readonly node: GraphNode;
  readonly lines: readonly string[];
  readonly width: number;
  readonly height: number;
}

/** The drawing as an SVG document. */
export async function renderSvg(program: PipeProgram, counters?: ProgramCounters): Promise<string> {
  const { nodes, edges } = programGraph(program, counters);
  const boxes = new Map(nodes.map((node) => [node.name, boxOf(node)]));
  // The package is CommonJS: its class is the default export, or that export's own default.
  const Elk = (ElkModule as unknown as { default?: typeof ElkModule }).default ?? ElkModule;
  const layout = await new (
    Elk as unknown as new () => { layout(graph: ElkNode): Promise<ElkNode> }
  )().layout({
    id: 'program',
    layoutOptions: {
      'elk.algorithm': 'layered',
      'elk.direction': 'RIGHT',
      'elk.edgeRouting': 'ORTHOGONAL',
      'elk.layered.spacing.nodeNodeBetweenLayers': '50',
      'elk.spacing.nodeNode': '28',
      'elk.spacing.edgeLabel': '4',
      'elk.edgeLabels.inline': 'false',
    },
    children: [...boxes].map(([id, { width, height }]) => ({ id, width, height })),
    edges: edges.map(({ from, to, label }, i) => ({
      id: String(i),
      sources: [from],
      targets: [to],
      labels: label === '' ? [] : [{ text: label, ...sizeOf(label.split('\n')) }],
    })),
  });
  const parts: string[] = [];
  for (const edge of layout.edges ?? []) parts.push(drawEdge(edge, edges[Number(edge.id)]!.kind));
  for (const { id, x = 0, y = 0 } of layout.children ?? []) parts.push(drawBox(boxes.get(id)!, x, y));
  const width = Math.ceil(layout.width ?? 0);
  const height = Math.ceil(layout.height ?? 0);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height + 24}" width="${width}" height="${height + 24}" font-family="ui-sans-serif, system-ui, sans-serif" font-size="11">
<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z" fill="${INK}"/></marker></defs>
${parts.join('\n')}
${legend(height + 16)}
</svg>
`;
}

function sizeOf(lines: readonly string[]): { width: number; height: number } {
  return {
    width: Math.ceil(Math.max(...lines.map((line) => line.length)) * CHARACTER_WIDTH),
    height: lines.length * 13,
  };
}

function boxOf(node: GraphNode): Box {
  const [title, ...rest] = node.lines;
  const lines = [title!, ...rest.flatMap(wrap)];
  const widest = Math.max(
    title!.length * TITLE_CHARACTER_WIDTH,
    ...lines.slice(1).map((l) => l.length * CHARACTER_WIDTH),
  );
  return {
    node,
    lines,
    width: Math.ceil(widest) + 2 * PADDING,
    height: lines.length * LINE_HEIGHT + PADDING,
  };
}

function wrap(text: string): string[] {
  const lines: string[] = [''];
  for (const word of text.split(' ')) {
    const last = lines.at(-1)!;
    if (last !== '' && last.length + word.length > LINE_CHARACTERS_MAX) lines.push(word);
    else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`;
  }
  return lines;
}

const escapeXml = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

function drawBox({ node, lines, width, height }: Box, x: number, y: number): string {
  const color = COLORS[node.domain];
  const radius = node.domain === 'terminal' ? height / 2 : 5;
  const texts = lines.map((line, i) => {
    const weight = i === 0 ? ' font-weight="600" font-size="13"' : '';
    return `<text x="${x + PADDING}" y="${y + LINE_HEIGHT * (i + 1)}"${weight} fill="${i === 0 ? color : INK}">${escapeXml(line)}</text>`;
  });
  return `<rect x="${x}" y="${y}" width="${width}" height="${height}" rx="${radius}" fill="${color}" fill-opacity="0.1" stroke="${color}" stroke-width="1.4"/>${texts.join('')}`;
}

function drawEdge(edge: ElkExtendedEdge, kind: EdgeKind): string {
  const paths = (edge.sections ?? []).map(({ startPoint, bendPoints = [], endPoint }) => {
    const points = [startPoint, ...bendPoints, endPoint].map(({ x, y }) => `${x} ${y}`);
    const dash = DASHES[kind] === '' ? '' : ` stroke-dasharray="${DASHES[kind]}"`;
    return `<path d="M${points.join('L')}" fill="none" stroke="${INK}" stroke-width="1.2"${dash} marker-end="url(#arrow)"/>`;
  });
  const labels = (edge.labels ?? []).flatMap(({ text = '', x = 0, y = 0 }) =>
    text
      .split('\n')
      .map((line, i) => `<text x="${x}" y="${y + 10 + i * 13}" fill="${INK}">${escapeXml(line)}</text>`),
  );
  return [...paths, ...labels].join('');
}

function legend(y: number): string {
  const domains = Object.entries(COLORS).filter(([domain]) => domain !== 'terminal');
  const swatches = domains.map(
    ([domain, color], i) =>
      `<text x="${10 + i * 110}" y="${y}" fill="${color}" font-weight="600">${domain}</text>`,
  );
  const lines = `<text x="${20 + domains.length * 110}" y="${y}" fill="${INK}">solid: forward, dashed: miss, dotted: copy</text>`;
  return swatches.join('') + lines;
}
