/** The box of one pipe: measured before the layout, drawn at (0, 0), with the heights at which its ways out begin. */
import { describeCounter } from './counters.js';
import type { ExitRow, GraphEdge, PipeNode } from './render-graph.js';
import { FONT_PX } from './render-svg-style.js';

export const TITLE_HEIGHT = 26;
const LINE_HEIGHT = 16;
const DETAIL_HEIGHT = 14;
const PADDING = 10;
const WIDTH_MIN = 170;
/** Characters of a line of details before it wraps. */
const DETAIL_COLUMNS = 42;
/** Ways out of one row are this far apart. */
const EXIT_SPACING = 6;

/** Advance of a character in ems: of the usual monospace fonts, and generously of sans serifs. */
const MONO_EM = 0.602;
const SANS_EM = 0.54;

export interface Box {
  readonly width: number;
  readonly height: number;
  readonly svg: string;
  /** Where each of the pipe's edges (positions in the graph's list) leaves the right side. */
  readonly exits: readonly { readonly edge: number; readonly y: number }[];
}

export function textWidth(text: string, font: keyof typeof FONT_PX): number {
  return text.length * FONT_PX[font] * (font === 'description' ? SANS_EM : MONO_EM);
}

export function escapeXml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** Joins texts by commas into lines of at most `columns` characters; one text is never split. */
function wrap(texts: readonly string[], columns: number, separator = ', '): string[] {
  const lines: string[] = [];
  for (const text of texts) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + separator.length + text.length <= columns) {
      lines[lines.length - 1] = last + separator + text;
    } else {
      if (last !== undefined) lines[lines.length - 1] = (last + separator).trimEnd();
      lines.push(text);
    }
  }
  return lines;
}

interface Line {
  readonly className: string;
  readonly text: string;
  readonly font: keyof typeof FONT_PX;
  readonly height: number;
  readonly right?: { readonly text: string; readonly className: string };
  /** Begins a new section, with a rule above. */
  readonly ruled?: boolean;
  /** The exit that leaves here. */
  readonly exit?: number;
}

function rowOf({ kind, label, endsIn, counter }: ExitRow, exit: number, ruled: boolean): Line {
  const ends = endsIn === undefined ? '' : `→ ${endsIn}`;
  const counted = counter === undefined ? '' : describeCounter(counter);
  const right = [counted, ends].filter((text) => text !== '').join('  ');
  return {
    className: kind === 'miss' ? 'miss-label' : 'label',
    text: label,
    font: 'text',
    height: LINE_HEIGHT,
    exit,
    ...(ruled ? { ruled } : {}),
    ...(right === '' ? {} : { right: { text: right, className: counted === '' ? 'ends' : 'counter' } }),
  };
}

function linesOf({ pipe, match, actions, exits }: PipeNode): Line[] {
  const lines: Line[] = [];
  if (pipe.description !== undefined) {
    for (const text of wrap(pipe.description.split(' '), DETAIL_COLUMNS, ' ')) {
      lines.push({ className: 'description', text, font: 'description', height: LINE_HEIGHT });
    }
  }
  for (const [i, text] of match.entries()) {
    lines.push({
      className: 'match',
      text,
      font: 'text',
      height: LINE_HEIGHT,
      ...(i === 0 ? { ruled: true } : {}),
    });
  }
  for (const [i, action] of actions.entries()) {
    const ruled = i === 0 && match.length === 0 ? { ruled: true } : {};
    lines.push({ className: 'action', text: `▸ ${action}`, font: 'text', height: LINE_HEIGHT, ...ruled });
  }
  for (const [i, exit] of exits.entries()) {
    lines.push(rowOf(exit, i, true));
    for (const text of wrap(exit.details, DETAIL_COLUMNS)) {
      lines.push({ className: 'detail', text, font: 'detail', height: DETAIL_HEIGHT });
    }
  }
  return lines;
}

export function boxOf(node: PipeNode, edges: readonly GraphEdge[]): Box {
  const lines = linesOf(node);
  const { name, sizeEntries, type } = node.pipe;
  const size = type === 'control' ? 'control' : sizeEntries === 1 ? '1 entry' : `${sizeEntries} entries`;
  const widths = lines.map(
    ({ text, font, right }) =>
      textWidth(text, font) + (right === undefined ? 0 : textWidth(right.text, 'text') + 2 * PADDING),
  );
  const titleWidth = textWidth(name, 'title') + textWidth(size, 'detail') + 2 * PADDING;
  const width = Math.ceil(Math.max(WIDTH_MIN, titleWidth, ...widths) + 2 * PADDING);

  const body: string[] = [];
  const exits: { edge: number; y: number }[] = [];
  let y = TITLE_HEIGHT + 4;
  for (const [i, line] of lines.entries()) {
    if (line.ruled === true && i > 0) {
      body.push(`<path class="rule" d="M0 ${y + 3} H${width}"/>`);
      y += 6;
    }
    const baseline = y + line.height - 4;
    body.push(
      `<text class="${line.className}" x="${PADDING}" y="${baseline}">${escapeXml(line.text)}</text>`,
    );
    if (line.right !== undefined) {
      const { className, text } = line.right;
      body.push(
        `<text class="${className}" x="${width - PADDING}" y="${baseline}">${escapeXml(text)}</text>`,
      );
    }
    if (line.exit !== undefined) {
      const leaving = edges.flatMap(({ from, exit }, edge) =>
        from === node.id && exit === line.exit ? [edge] : [],
      );
      const first = y + line.height / 2 - ((leaving.length - 1) * EXIT_SPACING) / 2;
      for (const [at, edge] of leaving.entries()) exits.push({ edge, y: first + at * EXIT_SPACING });
    }
    y += line.height;
  }
  const height = y + 8;
  const round = 7;
  const title = `<path class="title" d="M0 ${TITLE_HEIGHT} V${round} Q0 0 ${round} 0 H${width - round} Q${width} 0 ${width} ${round} V${TITLE_HEIGHT} z"/>`;
  const svg = [
    `<rect class="box" width="${width}" height="${height}" rx="${round}"/>`,
    title,
    `<text class="name" x="${PADDING}" y="${TITLE_HEIGHT - 8.5}">${escapeXml(name)}</text>`,
    `<text class="size" x="${width - PADDING}" y="${TITLE_HEIGHT - 9}">${size}</text>`,
    ...body,
  ].join('\n');
  return { width, height, svg, exits };
}
