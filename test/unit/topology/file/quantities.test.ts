import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  BIT_RATE,
  formatBitRate,
  formatPacketRate,
  formatRatio,
  formatTime,
  PACKET_RATE,
  parseBitsPerSecond,
  parsePacketsPerSecond,
  parseRatio,
  parseSizeOctets,
  parseTimeMs,
  RATIO,
  SIZE,
  TIME,
} from '../../../../src/topology/file/quantities.js';

const number = fc.oneof(
  fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }),
  fc.double({ min: 0, max: 1, noNaN: true }),
  fc.nat(),
);

describe('a number that is written', () => {
  test.each([
    ['time', formatTime, parseTimeMs, TIME],
    ['ratio', formatRatio, parseRatio, RATIO],
    ['bit rate', formatBitRate, parseBitsPerSecond, BIT_RATE],
    ['packet rate', formatPacketRate, parsePacketsPerSecond, PACKET_RATE],
  ] as const)(
    'as %s has the form of the schema and reads back as the very same number',
    (_, format, parse, form) => {
      fc.assert(
        fc.property(number, (value) => {
          const text = format(value);
          expect(text).toMatch(new RegExp(form.pattern));
          expect(parse(text)).toBe(value);
        }),
        { numRuns: 2000 },
      );
    },
  );
});

describe('a text', () => {
  test.each([
    ['10us', 0.01],
    ['0.5us', 0.0005],
    ['1.1ms', 1.1],
    ['0.3s', 300],
    ['2s', 2000],
    ['1.5m', 90_000],
    ['2h', 7_200_000],
    ['7d', 604_800_000],
    [0, 0],
  ])('%s is %d ms', (text, ms) => expect(parseTimeMs(text)).toBe(ms));

  test.each([
    ['0.1%', 0.001],
    ['99.9%', 0.999],
    ['100%', 1],
    [0, 0],
  ])('%s is the share %d', (text, ratio) => expect(parseRatio(text)).toBe(ratio));

  test.each([
    ['9bps', 9],
    ['2.5kbps', 2500],
    ['1Mbps', 1e6],
    ['10Gbps', 1e10],
    [64_000, 64_000],
  ])('%s is %d bit/s', (text, rate) => expect(parseBitsPerSecond(text)).toBe(rate));

  test.each([
    ['1000/s', 1000],
    ['0.5/s', 0.5],
    [7, 7],
  ])('%s is %d packets per second', (text, rate) => expect(parsePacketsPerSecond(text)).toBe(rate));

  test.each([
    ['1B', 1],
    ['3kB', 3000],
    ['1MB', 1e6],
    ['2GB', 2e9],
    ['1KiB', 1024],
    ['1MiB', 1024 ** 2],
    ['1GiB', 1024 ** 3],
    [56, 56],
  ])('%s is %d octets', (text, octets) => expect(parseSizeOctets(text)).toBe(octets));

  test.each([
    ['time', TIME, ['10', '10 ms', '-1s', '1e3s', '.5s', '1.s', '10MS', '10ms ', '']],
    ['ratio', RATIO, ['10', '10 %', '-1%', '%']],
    ['bit rate', BIT_RATE, ['10gbps', '10G', '10 Gbps', '10Gbit']],
    ['packet rate', PACKET_RATE, ['10', '10pps', '10/ms', '/s']],
    ['size', SIZE, ['10', '1.5MB', '1mb', '1M']],
  ] as const)('that is no %s does not match its form', (_, form, texts) => {
    for (const text of texts) expect(text).not.toMatch(new RegExp(form.pattern));
  });
});
