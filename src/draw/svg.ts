/**
 * Boxes and lines as SVG. Where they stand is ELK's work (elkjs, layered layout); the drawing is ours, legible on
 * light and dark ground.
 */
import type { ElkExtendedEdge, ElkLabel, ElkNode } from 'elkjs/lib/elk.bundled.js';

/** Width of an average character of the usual fonts, at the size of the title and at the size of the rest. */
const TITLE_CHARACTER_WIDTH = 8.2;
export const CHARACTER_WIDTH = 6.3;
const LINE_HEIGHT = 16;
const PADDING = 10;
const LINE_CHARACTERS_MAX = 44;
/** Width of a text of the legend, including the gap to the next one. */
const SWATCH_WIDTH = 110;

/** Lines and plain texts. */
export const INK = '#777777';

export interface SvgBox {
  readonly name: string;
  /** Title first; the others are wrapped. */
  readonly lines: readonly string[];
  readonly color: string;
  /** With half circles at its sides. */
  readonly round: boolean;
}

export interface SvgLine {
  readonly from: string;
  readonly to: string;
  /** May have several lines. */
  readonly label: string;
  /** Texts at its ends, where it leaves and where it arrives. */
  readonly ends?: readonly [from: string, to: string];
  /** The line's stroke-dasharray; empty for a solid line. */
  readonly dash: string;
}

export interface SvgDrawing {
  readonly boxes: readonly SvgBox[];
  readonly lines: readonly SvgLine[];
  readonly direction: 'RIGHT' | 'DOWN';
  readonly arrows: boolean;
  /** Boxes side by side in their order where that crosses no more lines. */
  readonly keepOrder: boolean;
  /** Texts in their colours, and plain text after them. */
  readonly legend: {
    readonly swatches: readonly (readonly [text: string, color: string])[];
    readonly text: string;
  };
}

interface PlacedBox {
  readonly box: SvgBox;
  readonly lines: readonly string[];
  readonly width: number;
  readonly height: number;
}

/** When something is drawn: it is large, and loading it takes a quarter of a second. */
async function loadElk(): Promise<new () => { layout(graph: ElkNode): Promise<ElkNode> }> {
  const { default: elk } = await import('elkjs/lib/elk.bundled.js');
  // The package is CommonJS: its class is the default export, or that export's own default.
  const nested = (elk as unknown as { default?: typeof elk }).default;
  return (nested ?? elk) as unknown as new () => { layout(graph: ElkNode): Promise<ElkNode> };
}

/** The drawing as an SVG document. */
export async function drawSvg({
  boxes,
  lines,
  direction,
  arrows,
  keepOrder,
  legend,
}: SvgDrawing): Promise<string> {
  const placed = new Map(
    boxes.map((box) => [box.name, measure(box, Math.max(...endsWidths(box.name, lines)))] as const),
  );
  const Elk = await loadElk();
  const layout = await new Elk().layout({
    id: 'program',
    layoutOptions: {
      'elk.algorithm': 'layered',
      'elk.direction': direction,
      'elk.edgeRouting': 'ORTHOGONAL',
      'elk.layered.spacing.nodeNodeBetweenLayers': '50',
      'elk.spacing.nodeNode': '28',
      'elk.spacing.edgeLabel': '4',
      'elk.edgeLabels.inline': 'false',
      ...(keepOrder ? { 'elk.layered.considerModelOrder.strategy': 'PREFER_NODES' } : {}),
    },
    children: [...placed].map(([id, { width, height }]) => ({ id, width, height })),
    edges: lines.map(({ from, to, label, ends: [tail, head] = ['', ''] }, i) => ({
      id: String(i),
      sources: [from],
      targets: [to],
      labels: [...labelAt('TAIL', tail), ...labelAt('CENTER', label), ...labelAt('HEAD', head)],
    })),
  });
  const parts: string[] = [];
  for (const edge of layout.edges ?? []) parts.push(drawLine(edge, lines[Number(edge.id)]!.dash, arrows));
  for (const { id, x = 0, y = 0 } of layout.children ?? []) parts.push(drawBox(placed.get(id)!, x, y));
  const width = Math.max(Math.ceil(layout.width ?? 0), legendWidth(legend));
  const height = Math.ceil(layout.height ?? 0);
  const marker = `<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z" fill="${INK}"/></marker></defs>\n`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height + 24}" width="${width}" height="${height + 24}" font-family="ui-sans-serif, system-ui, sans-serif" font-size="11">
${arrows ? marker : ''}${parts.join('\n')}
${drawLegend(legend, height + 16)}
</svg>
`;
}

function labelAt(placement: 'TAIL' | 'CENTER' | 'HEAD', text: string): ElkLabel[] {
  if (text === '') return [];
  const layoutOptions = { 'elk.edgeLabels.placement': placement };
  return [{ text, layoutOptions, ...sizeOf(text.split('\n')) }];
}

function sizeOf(lines: readonly string[]): { width: number; height: number } {
  return {
    width: Math.ceil(Math.max(...lines.map((line) => line.length)) * CHARACTER_WIDTH),
    height: lines.length * 13,
  };
}

/**
 * What the texts at the ends of a box's lines take side by side, on the side where lines leave and on that where they arrive:
 * lines leave and arrive at even distances. For drawings downwards.
 */
function endsWidths(box: string, lines: readonly SvgLine[]): [from: number, to: number] {
  const width = (texts: readonly string[]) =>
    texts.length === 0 ? 0 : (texts.length + 1) * (sizeOf(texts).width + PADDING);
  const textsOf = (end: 'from' | 'to', i: 0 | 1) =>
    lines.flatMap((line) => (line[end] === box && line.ends !== undefined ? [line.ends[i]] : []));
  return [width(textsOf('from', 0)), width(textsOf('to', 1))];
}

function measure(box: SvgBox, widthMin: number): PlacedBox {
  const [title, ...rest] = box.lines;
  const lines = [title!, ...rest.flatMap(wrap)];
  const widest = Math.max(
    title!.length * TITLE_CHARACTER_WIDTH,
    ...lines.slice(1).map((l) => l.length * CHARACTER_WIDTH),
  );
  return {
    box,
    lines,
    width: Math.max(widthMin, Math.ceil(widest) + 2 * PADDING),
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

/** Characters that XML 1.0 cannot represent (section 2.2). */
// biome-ignore lint/suspicious/noControlCharactersInRegex: those are what is looked for.
const NOT_XML = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Surrogate}/gu;

/** A text as content of an element. */
export const escapeXml = (text: string) =>
  text.replace(NOT_XML, '\ufffd').replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

function drawBox({ box, lines, width, height }: PlacedBox, x: number, y: number): string {
  const { color } = box;
  const radius = box.round ? height / 2 : 5;
  const texts = lines.map((line, i) => {
    const weight = i === 0 ? ' font-weight="600" font-size="13"' : '';
    return `<text x="${x + PADDING}" y="${y + LINE_HEIGHT * (i + 1)}"${weight} fill="${i === 0 ? color : INK}">${escapeXml(line)}</text>`;
  });
  return `<rect x="${x}" y="${y}" width="${width}" height="${height}" rx="${radius}" fill="${color}" fill-opacity="0.1" stroke="${color}" stroke-width="1.4"/>${texts.join('')}`;
}

function drawLine(edge: ElkExtendedEdge, dash: string, arrow: boolean): string {
  const paths = (edge.sections ?? []).map(({ startPoint, bendPoints = [], endPoint }) => {
    const points = [startPoint, ...bendPoints, endPoint].map(({ x, y }) => `${x} ${y}`);
    const dashed = dash === '' ? '' : ` stroke-dasharray="${dash}"`;
    const head = arrow ? ' marker-end="url(#arrow)"' : '';
    return `<path d="M${points.join('L')}" fill="none" stroke="${INK}" stroke-width="1.2"${dashed}${head}/>`;
  });
  const labels = (edge.labels ?? []).flatMap(({ text = '', x = 0, y = 0 }) =>
    text
      .split('\n')
      .map((line, i) => `<text x="${x}" y="${y + 10 + i * 13}" fill="${INK}">${escapeXml(line)}</text>`),
  );
  return [...paths, ...labels].join('');
}

function drawLegend({ swatches, text }: SvgDrawing['legend'], y: number): string {
  const texts = swatches.map(
    ([name, color], i) =>
      `<text x="${PADDING + i * SWATCH_WIDTH}" y="${y}" fill="${color}" font-weight="600">${escapeXml(name)}</text>`,
  );
  return `${texts.join('')}<text x="${2 * PADDING + swatches.length * SWATCH_WIDTH}" y="${y}" fill="${INK}">${escapeXml(text)}</text>`;
}

const legendWidth = ({ swatches, text }: SvgDrawing['legend']) =>
  Math.ceil(3 * PADDING + swatches.length * SWATCH_WIDTH + text.length * CHARACTER_WIDTH);
