import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type CaptureRecord, readCapture } from '../../../src/packet/pcap.js';
import { PcapngWriter } from '../../../src/packet/pcapng.js';

async function read(blocks: readonly Uint8Array[]): Promise<CaptureRecord[]> {
  async function* source() {
    yield* blocks;
  }
  const records: CaptureRecord[] = [];
  for await (const record of readCapture(source())) records.push(record);
  return records;
}

const packet = fc.record({
  interfaceIndex: fc.nat(1),
  timestampNs: fc.bigInt({ min: 0n, max: 2n ** 63n }),
  frame: fc.uint8Array({ maxLength: 70 }),
  originalOctets: fc.nat(65_535),
  direction: fc.constantFrom('in' as const, 'out' as const),
  comment: fc.oneof(
    fc.string({ unit: 'binary', maxLength: 9 }),
    fc.array(fc.string({ unit: 'binary', maxLength: 9 }), { maxLength: 3 }),
  ),
});

describe('PcapngWriter', () => {
  test('what is written is read back to the nanosecond, with its comments and the interface it came from', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(packet, { maxLength: 6 }), async (packets) => {
        const blocks: Uint8Array[] = [];
        const writer = new PcapngWriter((octets) => blocks.push(octets));
        const names = ['uplink', 'vf0'];
        const linkTypes = [1, 101];
        names.forEach((name, i) => {
          writer.addInterface(name, linkTypes[i]!);
        });
        for (const one of packets) writer.write(one);
        expect(blocks.every(({ length }) => length % 4 === 0)).toBe(true);
        expect(await read(blocks)).toEqual(
          packets.map(({ interfaceIndex, timestampNs, frame, originalOctets, comment }) => ({
            interfaceIndex,
            interfaceName: names[interfaceIndex],
            timestampNs,
            frame,
            originalOctets,
            linkType: linkTypes[interfaceIndex],
            ...(comment.length === 0 && typeof comment !== 'string' ? {} : { comments: [comment].flat() }),
          })),
        );
      }),
    );
  });

  test('a packet block is laid out as the format says, comment included', () => {
    const blocks: Uint8Array[] = [];
    const writer = new PcapngWriter((octets) => blocks.push(octets));
    writer.addInterface('p0');
    writer.write({
      interfaceIndex: 0,
      timestampNs: 0x0102030405060708n,
      frame: Uint8Array.of(0xaa, 0xbb, 0xcc, 0xdd, 0xee),
      originalOctets: 60,
      comment: 'lost',
    });
    expect(blocks.map((octets) => Buffer.from(octets).toString('hex'))).toEqual([
      '0a0d0d0a1c0000004d3c2b1a01000000ffffffffffffffff1c000000',
      '0100000028000000010000000000000002000200703000000900010009000000' + '0000000028000000',
      '06000000' +
        '34000000' +
        '00000000' +
        '0403020108070605' +
        '05000000' +
        '3c000000' +
        'aabbccddee000000' +
        '010004006c6f7374' +
        '00000000' +
        '34000000',
    ]);
  });

  test('with a snap length packets are cut to it, and say how long they were', async () => {
    const blocks: Uint8Array[] = [];
    const writer = new PcapngWriter((octets) => blocks.push(octets), 64);
    const interfaceIndex = writer.addInterface('p0');
    const lengths = [63, 64, 65, 1500];
    for (const length of lengths)
      writer.write({ interfaceIndex, timestampNs: 0n, frame: new Uint8Array(length) });
    // One that had been cut before.
    writer.write({ interfaceIndex, timestampNs: 0n, frame: new Uint8Array(70), originalOctets: 2000 });
    const source = (async function* () {
      yield* blocks;
    })();
    const read: [number, number][] = [];
    for await (const { frame, originalOctets } of readCapture(source))
      read.push([frame.length, originalOctets]);
    expect(read).toEqual([...lengths.map((length) => [Math.min(64, length), length]), [64, 2000]]);
    expect(blocks[1]!.slice(12, 16)).toEqual(Uint8Array.of(64, 0, 0, 0));
  });

  test('a packet of an interface that was not added is refused', () => {
    const writer = new PcapngWriter(() => {});
    const one = { timestampNs: 0n, frame: new Uint8Array(1) };
    expect(() => writer.write({ ...one, interfaceIndex: 0 })).toThrow(/interface 0; 0 have been added/);
    writer.addInterface('p0');
    expect(() => writer.write({ ...one, interfaceIndex: -1 })).toThrow(RangeError);
    expect(() => writer.write({ ...one, interfaceIndex: Number.NaN })).toThrow(RangeError);
  });

  test('a comment that does not fit its length field is refused', () => {
    const writer = new PcapngWriter(() => {});
    const one = { interfaceIndex: writer.addInterface('p0'), timestampNs: 0n, frame: new Uint8Array(1) };
    expect(() => writer.write({ ...one, comment: 'x'.repeat(65_536) })).toThrow(/at most 65535/);
    writer.write({ ...one, comment: 'x'.repeat(65_535) });
  });
});
