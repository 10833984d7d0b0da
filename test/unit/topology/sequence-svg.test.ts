import { describe, expect, test } from 'vitest';
import { drawSvg } from '../../../src/draw/svg.js';
import { sequenceSvg } from '../../../src/topology/sequence-svg.js';
import { textsOfXml } from '../../support/xml.js';

const STEPS = [
  { atMs: 0, from: 'v1', to: 'h1', text: 'one' },
  { atMs: 1.23456, from: 'h1', to: 'h2', text: 'two' },
  { atMs: 2, from: 'h2', to: 'h2', text: 'three, of its own' },
];

describe('a sequence diagram as SVG', () => {
  test('has everybody once, and each step with its time, from whom it comes to whom it goes', () => {
    const svg = sequenceSvg(STEPS);
    expect(textsOfXml(svg)).toEqual([
      ...['v1', 'h1', 'h2'],
      ...['0.000 ms', 'one', '1.235 ms', 'two', '2.000 ms', 'three, of its own'],
    ]);
    const lives = [...svg.matchAll(/<path d="M(\d+) 24L\1 \d+"/g)].map(([, x]) => Number(x));
    expect(lives).toHaveLength(3);
    const arrows = [...svg.matchAll(/<path d="M(\d+) [\d.]+L(\d+) [^"]*"[^>]*marker-end/g)];
    expect(arrows.map(([, from, to]) => [from, to].map((x) => lives.indexOf(Number(x))))).toEqual([
      [0, 1],
      [1, 2],
    ]);
  });

  test('is as wide as its texts, and says how many steps are not drawn', () => {
    const long = sequenceSvg([{ ...STEPS[0]!, text: 'x'.repeat(300) }], 12);
    expect(Number(/viewBox="0 0 (\d+) /.exec(long)![1])).toBeGreaterThan(300 * 6);
    expect(textsOfXml(long).at(-1)).toBe('12 more steps');
    expect(textsOfXml(sequenceSvg([]))).toEqual([]);
  });
});

describe('texts in drawings', () => {
  // What peers say stands in steps: it must not become markup, nor end the document.
  const HOSTILE = ['</text><script>&"\'', '&amp;', 'a\u0000b\u001bc\ufffe', '\ud800 alone', 'line\nline'];

  test.each(HOSTILE)('%j is text, and the document well-formed', async (text) => {
    const kept = ['\u0000', '\u001b', '\ufffe', '\ud800'].reduce(
      (all, one) => all.replaceAll(one, '\ufffd'),
      text,
    );
    const sequence = textsOfXml(sequenceSvg([{ atMs: 0, from: text, to: 'h1', text }]));
    expect(sequence).toContain(kept.replaceAll('\n', ' '));
    const drawing = textsOfXml(
      await drawSvg({
        boxes: [{ name: 'a', lines: [text], color: '#000000', round: false }],
        lines: [],
        direction: 'DOWN',
        arrows: false,
        keepOrder: true,
        legend: { swatches: [[text, '#000000']], text },
      }),
    );
    expect(drawing).toEqual([kept, kept, kept]);
  });

  test('the check of well-formedness finds what is not', () => {
    for (const broken of [
      '<a>',
      '<a></b>',
      '<a/><b/>',
      '<a>&</a>',
      '<a x=1/>',
      '<a x="1" x="2"/>',
      'a',
      '<a>\u0001</a>',
    ])
      expect(() => textsOfXml(broken), broken).toThrow();
  });
});
