import { expect, test } from 'vitest';
import { writePspHeader } from '../../../src/psp/header.js';
import { dissectPsp } from '../../../src/psp/inspect.js';

const AT = 5;
const HEADER = { nextHeader: 4, cryptOffsetWords: 3, version: 1, spi: 0x80000005, iv: 77n };

/** A datagram of header, payload and ICV, which is 00 01 … 0f, between other octets. */
function datagram(fields: Partial<Parameters<typeof writePspHeader>[2]> = {}, payloadOctets = 20) {
  const octets = new Uint8Array(200).fill(0xff);
  const end = AT + writePspHeader(octets, AT, { ...HEADER, ...fields }) + payloadOctets + 16;
  for (let i = 0; i < 16; i++) octets[end - 16 + i] = i;
  return { octets, end };
}

function look({ octets, end }: { octets: Uint8Array; end: number }, captured?: number) {
  const layers = dissectPsp(1000, octets, AT, end, captured);
  expect(layers).toHaveLength(1);
  const [{ name, summary, fields }] = layers as [NonNullable<typeof layers>[0]];
  expect(name).toBe('PSP');
  return { summary, ...Object.fromEntries(fields) };
}

const ICV = '000102030405060708090a0b0c0d0e0f';

test('a datagram is told with every field of its header, the length of its payload and its ICV', () => {
  expect(look(datagram())).toEqual({
    summary: 'SPI 0x80000005 IV 77 version 1, 20 octets',
    nextHeader: 4,
    hdrExtLen: 1,
    cryptOffset: 3,
    sample: false,
    drop: false,
    version: '1 (AES-GCM-256)',
    virtualizationCookie: 'none',
    spi: '0x80000005',
    iv: '77',
    payloadLength: 20,
    icv: ICV,
  });
});

test('flags, cookie, extension fields and the other algorithms are told', () => {
  expect(
    look(
      datagram({
        sample: true,
        cookie: 0xabcn,
        version: 0,
        extension: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8),
      }),
    ),
  ).toMatchObject({
    hdrExtLen: 3,
    sample: true,
    drop: false,
    version: '0 (AES-GCM-128)',
    virtualizationCookie: '0xabc',
    extension: '0102030405060708',
    payloadLength: 20,
  });
  expect(look(datagram({ drop: true, version: 2 }))).toMatchObject({
    sample: false,
    drop: true,
    version: '2 (AES-GMAC-128)',
  });
  expect(look(datagram({ version: 3 }))).toMatchObject({ version: '3 (AES-GMAC-256)' });
});

test('what goes to another port is not PSP', () => {
  const { octets, end } = datagram();
  for (const port of [0, 999, 1001]) expect(dissectPsp(port, octets, AT, end)).toBeUndefined();
});

test('what is wrong with a datagram is told', () => {
  const { octets } = datagram();
  const short = AT + 31;
  expect(look({ octets, end: short })).toEqual({
    summary: 'malformed: 31 octets are too few',
    problem: 'truncated',
  });
  expect(look({ octets, end: AT + 10 })).toEqual({
    summary: 'malformed: 10 octets are too few',
    problem: 'truncated',
  });
  const bad = 'malformed: reserved version or impossible SPI';
  expect(look(datagram({ version: 4 }))).toEqual({ summary: bad, problem: 'bad' });
  expect(look(datagram({ spi: 0 }))).toEqual({ summary: bad, problem: 'bad' });
  expect(look(datagram({}, 11))).toEqual({
    summary: 'malformed: lengths that contradict each other',
    problem: 'error',
  });
});

test('of a datagram that was captured in part, what is there is told, and what is not', () => {
  const whole = datagram({ cookie: 1n });
  const headerEnd = AT + 24;
  for (const captured of [AT, AT + 15, headerEnd - 1]) {
    expect(look(whole, captured)).toEqual({ summary: 'header not captured', problem: 'not captured' });
  }
  // One that says that it is shorter than what is in every header.
  const shorter = datagram();
  shorter.octets[AT + 1] = 0;
  expect(look(shorter, AT + 15)).toMatchObject({ problem: 'not captured' });
  expect(look(shorter, AT + 16)).toMatchObject({ problem: 'error' });
  for (const captured of [headerEnd, whole.end - 1]) {
    expect(look(whole, captured)).toMatchObject({ payloadLength: 20, icv: 'not captured' });
  }
  expect(look(whole, whole.end)).toMatchObject({ icv: ICV });
});
