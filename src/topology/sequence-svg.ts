/** The slow path as a sequence diagram in SVG, legible on light and dark ground: sequence.ts has the same as Mermaid. */
import { CHARACTER_WIDTH, escapeXml, INK } from '../draw/svg.js';
import { participantsOf, type SequenceStep } from './sequence.js';

const COLOR = '#4c78a8';
const TIME_WIDTH = 84;
const COLUMN_WIDTH_MIN = 120;
const HEAD_HEIGHT = 24;
const ROW_HEIGHT = 26;
const PADDING = 10;
/** Size of the loop of a step from a participant to itself. */
const BOW_WIDTH = 14;
const BOW_HEIGHT = 10;

const widthOf = (text: string) => Math.ceil(text.length * CHARACTER_WIDTH);

/** @param left steps that are not drawn. */
export function sequenceSvg(steps: readonly SequenceStep[], left = 0): string {
  const names = participantsOf(steps);
  const columnWidth = Math.max(COLUMN_WIDTH_MIN, ...names.map((name) => widthOf(name) + 4 * PADDING));
  const xOf = new Map(names.map((name, i) => [name, TIME_WIDTH + columnWidth * (i + 0.5)]));
  const bottom = HEAD_HEIGHT + ROW_HEIGHT * (steps.length + 1);
  const rows = steps.map((step, i) =>
    drawStep(step, xOf.get(step.from)!, xOf.get(step.to)!, HEAD_HEIGHT + ROW_HEIGHT * (i + 1.5)),
  );
  const note = left === 0 ? '' : `${left} more steps`;
  const width = Math.max(
    TIME_WIDTH + columnWidth * names.length,
    PADDING + widthOf(note),
    ...rows.map(({ right }) => right),
  );
  const height = bottom + (note === '' ? PADDING : ROW_HEIGHT);
  const parts = [
    ...names.map((name) => drawParticipant(name, xOf.get(name)!, bottom)),
    ...rows.map(({ svg }) => svg),
    ...(note === '' ? [] : [textAt(PADDING, bottom + 14, note)]),
  ];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="ui-sans-serif, system-ui, sans-serif" font-size="11">
<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z" fill="${INK}"/></marker></defs>
${parts.join('\n')}
</svg>
`;
}

const textAt = (x: number, y: number, text: string) =>
  `<text x="${x}" y="${y}" fill="${INK}">${escapeXml(text)}</text>`;

function drawParticipant(name: string, x: number, bottom: number): string {
  const width = widthOf(name) + 2 * PADDING;
  const box = `<rect x="${x - width / 2}" y="2" width="${width}" height="${HEAD_HEIGHT - 2}" rx="5" fill="${COLOR}" fill-opacity="0.1" stroke="${COLOR}" stroke-width="1.4"/>`;
  const text = `<text x="${x - width / 2 + PADDING}" y="17" font-weight="600" fill="${COLOR}">${escapeXml(name)}</text>`;
  const incarnation = `<path d="M${x} ${HEAD_HEIGHT}L${x} ${bottom}" fill="none" stroke="${INK}" stroke-opacity="0.4" stroke-dasharray="2 4"/>`;
  return `${box}${text}${incarnation}`;
}

/** The text stands on its arrow from the left end on, and may go beyond it. */
function drawStep({ atMs, text }: SequenceStep, from: number, to: number, y: number) {
  const line = text.replaceAll('\n', ' ');
  const isOwn = from === to;
  const x = Math.min(from, to) + (isOwn ? BOW_WIDTH : 0) + 6;
  const path = isOwn
    ? `M${from} ${y - BOW_HEIGHT}h${BOW_WIDTH}v${BOW_HEIGHT}h${2 - BOW_WIDTH}`
    : `M${from} ${y}L${to} ${y}`;
  const arrow = `<path d="${path}" fill="none" stroke="${INK}" stroke-width="1.2" marker-end="url(#arrow)"/>`;
  const svg = `${textAt(PADDING, y, `${atMs.toFixed(3)} ms`)}${arrow}${textAt(x, y - (isOwn ? 2 : 4), line)}`;
  return { svg, right: x + widthOf(line) + PADDING };
}
