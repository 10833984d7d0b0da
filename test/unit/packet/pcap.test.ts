import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  CaptureError,
  type CaptureRecord,
  INTERFACES_MAX,
  pcapHeader,
  pcapRecord,
  readCapture,
} from '../../../src/packet/pcap.js';

/** The octets in chunks of a given size: readers must not depend on where chunks end. */
async function* chunks(octets: Uint8Array, size: number) {
  for (let at = 0; at < octets.length; at += size) yield octets.slice(at, at + size);
}

function join(...parts: Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

async function read(octets: Uint8Array, size = 7): Promise<CaptureRecord[]> {
  const records: CaptureRecord[] = [];
  for await (const record of readCapture(chunks(octets, size))) records.push(record);
  return records;
}

const record = fc.record({
  timestampNs: fc.bigInt({ min: 0n, max: (2n ** 32n - 1n) * 1_000_000_000n }).map((ns) => ns - (ns % 1000n)),
  frame: fc.uint8Array({ maxLength: 100 }),
});

describe('classic pcap', () => {
  test('what is written is read back, whatever the chunks', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(record, { maxLength: 8 }),
        fc.integer({ min: 1, max: 64 }),
        async (records, size) => {
          const file = join(
            pcapHeader(),
            ...records.map(({ timestampNs, frame }) => pcapRecord(timestampNs, frame)),
          );
          const back = await read(file, size);
          expect(back.map(({ timestampNs, frame }) => ({ timestampNs, frame }))).toEqual(records);
        },
      ),
    );
  });

  test('nanosecond files keep every nanosecond', async () => {
    const stamp = 1_700_000_000_123_456_789n;
    const file = join(
      pcapHeader(undefined, 'nanoseconds'),
      pcapRecord(stamp, Uint8Array.of(1), undefined, 'nanoseconds'),
    );
    expect((await read(file)).map(({ timestampNs }) => timestampNs)).toEqual([stamp]);
  });

  test('the header is that of a little-endian microsecond file of Ethernet frames', () => {
    expect(Buffer.from(pcapHeader(9014)).toString('hex')).toBe(
      `d4c3b2a1${'02000400'}${'00000000'.repeat(2)}${'36230000'}${'01000000'}`,
    );
    expect(Buffer.from(pcapRecord(1_000_002_999n, Uint8Array.of(0xab))).toString('hex')).toBe(
      `01000000${'02000000'}${'01000000'.repeat(2)}ab`,
    );
  });

  test.each([
    ['big-endian microseconds', false, 0xa1b2c3d4, 1000n],
    ['big-endian nanoseconds', false, 0xa1b23c4d, 1n],
    ['little-endian nanoseconds', true, 0xa1b23c4d, 1n],
  ] as const)('%s', async (_, little, magic, unitNs) => {
    const file = new DataView(new ArrayBuffer(24 + 16 + 3));
    file.setUint32(0, magic, little);
    file.setUint16(4, 2, little);
    file.setUint32(20, 1, little);
    for (const [i, value] of [5, 6, 3, 60].entries()) file.setUint32(24 + 4 * i, value, little);
    const [only] = await read(new Uint8Array(file.buffer));
    expect(only).toMatchObject({
      timestampNs: 5_000_000_000n + 6n * unitNs,
      originalOctets: 60,
      linkType: 1,
    });
    expect(only!.frame).toHaveLength(3);
  });

  test('of another version than 2 is refused by its number, of 2 whatever comes behind it is read', async () => {
    const of = (major: number, minor: number, little: boolean) => {
      const file = new DataView(new ArrayBuffer(24));
      file.setUint32(0, 0xa1b2c3d4, little);
      file.setUint16(4, major, little);
      file.setUint16(6, minor, little);
      file.setUint32(20, 1, little);
      return new Uint8Array(file.buffer);
    };
    for (const little of [false, true]) {
      for (const minor of [0, 3, 4, 5]) expect(await read(of(2, minor, little))).toEqual([]);
      await expect(read(of(3, 1, little))).rejects.toThrow('pcap of version 3.1; 2.x is read (at octet 4)');
      await expect(read(of(1, 2, little))).rejects.toThrow('pcap of version 1.2; 2.x is read');
    }
  });
});

function block(type: number, body: number[], little: boolean): Uint8Array {
  const padded = [...body, ...new Array((4 - (body.length % 4)) % 4).fill(0)];
  const octets = new Uint8Array(12 + padded.length);
  const fields = new DataView(octets.buffer);
  fields.setUint32(0, type, little);
  fields.setUint32(4, octets.length, little);
  octets.set(padded, 8);
  fields.setUint32(octets.length - 4, octets.length, little);
  return octets;
}

const number = (value: number, size: 2 | 4, little: boolean) => {
  const fields = new DataView(new ArrayBuffer(size));
  if (size === 2) fields.setUint16(0, value, little);
  else fields.setUint32(0, value, little);
  return [...new Uint8Array(fields.buffer)];
};

describe.each([true, false])('pcapng, little-endian %s', (little) => {
  const u16 = (value: number) => number(value, 2, little);
  const u32 = (value: number) => number(value, 4, little);
  const section = block(
    0x0a0d0d0a,
    [...u32(0x1a2b3c4d), ...u16(1), ...u16(0), ...u32(-1), ...u32(-1)],
    little,
  );
  const option = (code: number, value: number[]) => [
    ...u16(code),
    ...u16(value.length),
    ...value,
    ...new Array((4 - (value.length % 4)) % 4).fill(0),
  ];
  const described = (options: number[]) => block(1, [...u16(1), ...u16(0), ...u32(0), ...options], little);
  const enhanced = (index: number, high: number, low: number, frame: number[]) =>
    block(6, [...u32(index), ...u32(high), ...u32(low), ...u32(frame.length), ...u32(99), ...frame], little);

  test('interfaces with names, resolutions and offsets; unknown blocks; several sections', async () => {
    const name = [...new TextEncoder().encode('uplink')];
    const offset = little ? [2, 0, 0, 0, 0, 0, 0, 0] : [0, 0, 0, 0, 0, 0, 0, 2];
    const records = await read(
      join(
        section,
        described([...option(2, name), ...option(9, [9]), ...option(14, offset), ...option(0, [])]),
        block(0x0bad, [1, 2, 3, 4], little),
        enhanced(0, 0, 5, [1, 2, 3]),
        section,
        described([]),
        enhanced(0, 0, 7, [4]),
        block(3, [...u32(2), 8, 9], little),
        block(2, [...u16(0), ...u16(0), ...u32(0), ...u32(8), ...u32(1), ...u32(1), 5], little),
      ),
    );
    expect(
      records.map(({ timestampNs, frame, interfaceName }) => [timestampNs, [...frame], interfaceName]),
    ).toEqual([
      [2_000_000_005n, [1, 2, 3], 'uplink'],
      [7000n, [4], undefined],
      [0n, [8, 9], undefined],
      [8000n, [5], undefined],
    ]);
    expect(records[0]!.originalOctets).toBe(99);
  });

  test.each([
    ['10^-9', 9, 1_500_000_000n],
    ['10^-3', 3, 1_500_000_000_000_000n],
    ['2^-30', 0x80 | 30, 1_396_983_861n],
    ['10^-20, finer than any clock', 20, 0n],
    ['2^-64', 0x80 | 64, 0n],
  ])('time stamps in units of %s', async (_, resolution, expected) => {
    const [only] = await read(
      join(section, described(option(9, [resolution])), enhanced(0, 0, 1_500_000_000, [1])),
    );
    expect(only!.timestampNs).toBe(expected);
  });

  test('comments of a packet, in order, as far as the options go', async () => {
    const comment = (text: string) => option(1, [...new TextEncoder().encode(text)]);
    const frame = [0xaa, 0xbb, 0xcc];
    const packet = (...options: number[]) =>
      block(6, [...u32(0), ...u32(0), ...u32(0), ...u32(3), ...u32(3), ...frame, 0, ...options], little);
    const records = await read(
      join(
        section,
        described([]),
        packet(...comment('one'), ...option(2, [0, 0, 0, 1]), ...comment(''), ...comment('\ufefftwo')),
        packet(...comment('before'), ...option(0, []), ...comment('behind the end')),
        packet(...u16(1), ...u16(400), 0x68, 0x69, 0x21, 0x21),
        packet(...option(2, [0, 0, 0, 1])),
        // A simple packet has none.
        block(3, [...u32(3), ...frame, 0, ...comment('no option')], little),
      ),
    );
    expect(records.map(({ comments }) => comments)).toEqual([
      ['one', '', '\ufefftwo'],
      ['before'],
      ['hi!!'],
      undefined,
      undefined,
    ]);
    expect(records.map((record) => [...record.frame])).toEqual(new Array(5).fill(frame));
  });

  test('a block whose two lengths differ is an error that says where, after the records before it', async () => {
    const bad = enhanced(0, 0, 2, [2]);
    bad[bad.length - (little ? 4 : 1)]! ^= 4;
    const good = join(section, described([]), enhanced(0, 0, 1, [1]));
    const records: CaptureRecord[] = [];
    const reading = (async () => {
      for await (const one of readCapture(chunks(join(good, bad), 9))) records.push(one);
    })();
    await expect(reading).rejects.toThrow(new RegExp(`lengths.*at octet ${good.length}\\)`));
    expect(records).toHaveLength(1);
  });

  test('a section of another major version is refused', async () => {
    const other = section.slice();
    other[little ? 12 : 13] = 2;
    await expect(read(other)).rejects.toThrow(/version 2/);
  });

  test('no more interfaces than the limit are kept', async () => {
    const file = join(section, described([]));
    const one = described([]);
    async function* endless() {
      yield file;
      for (let i = 0; i < INTERFACES_MAX; i++) yield one;
    }
    const reading = (async () => {
      for await (const _ of readCapture(endless()));
    })();
    await expect(reading).rejects.toThrow(/interfaces/);
  });

  test('a packet of an interface that was not described is an error', async () => {
    await expect(read(join(section, enhanced(0, 0, 0, [1])))).rejects.toThrow(/interface 0/);
  });
});

describe('the source', () => {
  const file = join(pcapHeader(), pcapRecord(1n, Uint8Array.of(1)), pcapRecord(2n, Uint8Array.of(2)));
  function watched(octets: Uint8Array) {
    const state = { closed: false };
    async function* source() {
      try {
        yield* chunks(octets, 24);
        yield new Uint8Array(0);
      } finally {
        state.closed = true;
      }
    }
    return { state, source: source() };
  }

  test('is closed when the reader of the records stops early', async () => {
    const { state, source } = watched(file);
    for await (const _ of readCapture(source)) break;
    expect(state.closed).toBe(true);
  });

  test('is closed when the file turns out to be damaged', async () => {
    const damaged = file.slice();
    damaged.fill(0xff, 24);
    const { state, source } = watched(damaged);
    await expect(readCapture(source).next()).rejects.toThrow(CaptureError);
    expect(state.closed).toBe(true);
  });
});

describe('damaged files', () => {
  test('a cut file gives its whole records, then an error that says where', async () => {
    const file = join(
      pcapHeader(),
      pcapRecord(1n, Uint8Array.of(1, 2, 3)),
      pcapRecord(2n, Uint8Array.of(4, 5, 6)),
    );
    const records: CaptureRecord[] = [];
    const reading = (async () => {
      for await (const one of readCapture(chunks(file.subarray(0, file.length - 1), 5))) records.push(one);
    })();
    await expect(reading).rejects.toThrow(new RegExp(`at octet ${file.length - 1}`));
    expect(records).toHaveLength(1);
  });

  test('arbitrary octets give records or a CaptureError, and nothing else', async () => {
    const start = fc.constantFrom(
      new Uint8Array(0),
      pcapHeader(),
      block(0x0a0d0d0a, [...number(0x1a2b3c4d, 4, true), ...new Array(12).fill(0)], true),
    );
    await fc.assert(
      fc.asyncProperty(start, fc.uint8Array({ maxLength: 200 }), async (head, tail) => {
        await read(join(head, tail)).catch((error: unknown) => expect(error).toBeInstanceOf(CaptureError));
      }),
      { numRuns: 500 },
    );
  });

  test('an insane length is refused, not allocated', async () => {
    const header = pcapRecord(0n, new Uint8Array(0));
    new DataView(header.buffer).setUint32(8, 0xffffffff, true);
    await expect(read(join(pcapHeader(), header))).rejects.toThrow(/damaged/);
  });
});
