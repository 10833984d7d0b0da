/** Decrypting captures by keys, packet by packet: what else is in captures, and what is wrong with it. */
import { readdirSync, rmSync } from 'node:fs';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type IpAddress, parseIp } from '../../../src/packet/address.js';
import { opensslEngine } from '../../../src/psp/aead-openssl.js';
import { encapsulate } from '../../../src/psp/encapsulate.js';
import type { SaKey } from '../../../src/psp/keys-file.js';
import { encapsulateAsReference } from '../../../src/psp/reference-tool.js';
import { frameOf, ipPacketOf, V2 } from '../../../src/verify/inner-packets.js';
import { COUNTS, DecryptFolder, type Out, p0, pcapng } from '../../support/decrypt.js';
import { innerPacket } from '../../support/inner-packets.js';
import { datagramTo, outerHeaderTo, UNDERLAY_MACS } from '../../support/psp-frames.js';
import { PING_FRAME, SYN_FRAME } from '../../support/real-frames.js';

let folder: DecryptFolder;
beforeAll(() => {
  folder = new DecryptFolder();
});
afterAll(() => folder.close());

describe('one packet', () => {
  const SYN_TO_1000 = SYN_FRAME.slice();
  SYN_TO_1000.set([3, 0xe8], 14 + 20 + 2);
  const inner = fc.sample(innerPacket(4), { numRuns: 1, seed: 1 })[0]!;
  const [R1, R2] = [parseIp('2001:db8::1'), parseIp('2001:db8::2')];
  const K1 = new Uint8Array(16).fill(1);
  const K2 = new Uint8Array(16).fill(2);
  const frameTo = (receiver: IpAddress, key: Uint8Array) =>
    encapsulate(frameOf(inner), {
      engine: opensslEngine,
      ...{ spi: 7, version: 0, key, iv: 1n, cryptOffsetWords: 0, sourcePort: 50_000 },
      outerHeader: outerHeaderTo(receiver),
    });
  const inside = Uint8Array.from([...UNDERLAY_MACS, 8, 0, ...ipPacketOf(inner)]);
  const saKey = (key: Uint8Array, ...receivers: IpAddress[]): SaKey => ({
    ...{ spi: 7, version: 0, key },
    ...(receivers.length === 0 ? {} : { receivers }),
  });
  const frames = (out: readonly Out[]) => out.map(({ frame }) => frame);

  test('under an SPI that two receivers gave out is decrypted by the key of the one it is for', async () => {
    const [one, two] = [frameTo(R1, K1), frameTo(R2, K2)];
    const capture = p0({ frame: one }, { frame: two });
    const { counts, out } = await folder.decrypt(capture, [saKey(K2, R2), saKey(K1, R1)]);
    expect(counts).toEqual({ ...COUNTS, decrypted: 2 });
    expect(frames(out)).toEqual([one, inside, two, inside]);
    const swapped = await folder.decrypt(capture, [saKey(K1, R2), saKey(K2, R1)]);
    expect(swapped.counts).toEqual({ ...COUNTS, authFail: 2 });
    expect(frames(swapped.out)).toEqual([one, two]);
  });

  test('under an SPI that was given out again after rotations is decrypted by the key that fits', async () => {
    const capture = p0({ frame: frameTo(R1, K1) }, { frame: frameTo(R1, K2) });
    const { counts } = await folder.decrypt(capture, [saKey(K1, R1), saKey(K2, R1)]);
    expect(counts).toEqual({ ...COUNTS, decrypted: 2 });
  });

  test('under a wrong outer IPv4 checksum: in tunnel mode opened, with a word about it; in transport mode not put right', async () => {
    const to = parseIp('192.0.2.9');
    const broken = (frame: Uint8Array) => {
      const copy = frame.slice();
      copy[24]! ^= 1;
      return copy;
    };
    const tunnel = frameTo(to, K1);
    const transport = encapsulateAsReference(frameOf(inner), {
      engine: opensslEngine,
      ...{ mode: 'transport', version: 0, spi: 7, key: K1, iv: 1n, cryptOffsetWords: 0, cookie: false },
    });
    const capture = p0(...[tunnel, transport].flatMap((frame) => [{ frame }, { frame: broken(frame) }]));
    const { counts, out } = await folder.decrypt(capture, [saKey(K1)]);
    expect(counts).toEqual({ ...COUNTS, decrypted: 3, malformed: 1 });
    expect(frames(out)).toEqual([
      ...[tunnel, inside, broken(tunnel), inside, transport],
      ...[expect.anything(), broken(transport)],
    ]);
    expect(out[3]!.comments).toEqual([
      expect.stringMatching(/; no gateway decrypts it: the outer IPv4 header checksum is wrong$/),
    ]);
    expect(out.at(-1)!.comments).toEqual([
      'PSP not decrypted: malformed: wrong IPv4 header checksum, which would be put right (transport mode)',
    ]);
  });

  test('with a wrong key, or an octet changed anywhere from the PSP header on, is not decrypted', async () => {
    const good = frameTo(R1, K1);
    const pspAt = 14 + 40 + 8;
    const bad = Array.from({ length: good.length - pspAt }, (_, i) => {
      const copy = good.slice();
      copy[pspAt + i]! ^= 0x10;
      return { frame: copy };
    });
    const { counts } = await folder.decrypt(p0({ frame: good }, ...bad), [saKey(K1)]);
    // Version, V, Header Extension Length, crypt offset and SPI change what is wrong with it, not that something is.
    expect(counts.decrypted).toBe(1);
    expect(counts.authFail + counts.noKey + counts.malformed).toBe(bad.length);
    expect(counts.authFail).toBeGreaterThan(bad.length - 10);
    const wrong = await folder.decrypt(p0({ frame: good }), [saKey(K2)]);
    expect(wrong.counts).toEqual({ ...COUNTS, authFail: 1 });
  });

  test('keeps its comments, and what is said about it comes behind them', async () => {
    const good = frameTo(R1, K1);
    const capture = p0({ frame: good, comment: ['one', 'two'] }, { frame: good });
    const known = await folder.decrypt(capture, [saKey(K1)]);
    expect(known.out.map(({ comments = [] }) => comments.length)).toEqual([2, 1, 0, 1]);
    expect(known.out[0]!.comments).toEqual(['one', 'two']);
    const unknown = await folder.decrypt(capture, []);
    expect(unknown.out.map(({ comments }) => comments)).toEqual([
      ['one', 'two', expect.stringContaining('no key')],
      [expect.stringContaining('no key')],
    ]);
  });

  test.each([
    ['is too short', datagramTo(R1, new Uint8Array(31)), 'lengths'],
    [
      'has a reserved version',
      datagramTo(R1, Uint8Array.from([4, 1, 0, 0x11, 0, 0, 0, 7, ...new Uint8Array(40)])),
      'version',
    ],
    ['has SPI 0', datagramTo(R1, Uint8Array.from([4, 1, 0, 1, ...new Uint8Array(44)])), 'SPI'],
    [
      'has a datagram longer than its packet',
      (() => {
        const frame = frameTo(R1, K1);
        frame[14 + 40 + 4] = 0xff;
        return frame;
      })(),
      'lengths',
    ],
  ])('that %s is malformed and says so', async (_name, frame, why) => {
    const { counts, out } = await folder.decrypt(p0({ frame }), [saKey(K1)]);
    expect(counts).toEqual({ ...COUNTS, malformed: 1 });
    expect(out).toHaveLength(1);
    expect(out[0]!.comments).toEqual([expect.stringMatching(`^PSP not decrypted: malformed.*${why}`)]);
  });

  test('that is authentic, but holds no IP packet where Next Header says so, is malformed', async () => {
    const noise = { ...inner, family: 6 as const, source: V2[6], destination: V2[6], protocol: 59 };
    const frame = encapsulate(frameOf(noise), {
      engine: opensslEngine,
      ...{ spi: 7, version: 2, key: K1, iv: 1n, cryptOffsetWords: 0, sourcePort: 50_000 },
    });
    // In transport mode there is no IP header inside. GMAC encrypts nothing, so the sender can say that there is.
    frame[14 + 40 + 8] = 4;
    const payloadEnd = frame.length - 16;
    opensslEngine.seal(K1, frame.slice(66, 78), frame, 62, payloadEnd, payloadEnd);
    const { counts, out } = await folder.decrypt(p0({ frame }), [{ ...saKey(K1), version: 2 }]);
    expect(counts).toEqual({ ...COUNTS, malformed: 1 });
    expect(out[0]!.comments).toEqual([expect.stringContaining('Next Header')]);
  });

  test('that was captured in part passes, and says so if it is PSP', async () => {
    const good = frameTo(R1, K1);
    const part = { frame: good.subarray(0, good.length - 1), originalOctets: good.length };
    const plain = frameOf(inner);
    const plainPart = { frame: plain.subarray(0, 40), originalOctets: plain.length };
    const endless = { frame: good.subarray(0, 60), originalOctets: 0xffff_ffff };
    const { counts, out } = await folder.decrypt(p0(part, plainPart, endless), [saKey(K1)]);
    expect(counts).toEqual({ ...COUNTS, cut: 1, notPsp: 2 });
    expect(out.map(({ comments }) => comments)).toEqual([
      ['PSP not decrypted: captured in part only'],
      undefined,
      undefined,
    ]);
    expect(out.map(({ originalOctets }) => originalOctets)).toEqual([good.length, plain.length, 0xffff_ffff]);
  });

  test('of which only the padding was not captured is decrypted', async () => {
    const good = frameTo(R1, K1);
    const { counts } = await folder.decrypt(p0({ frame: good, originalOctets: good.length + 4 }), [
      saKey(K1),
    ]);
    expect(counts).toEqual({ ...COUNTS, decrypted: 1 });
  });

  test('of another link type passes, whatever is in it', async () => {
    const frame = frameTo(R1, K1);
    const capture = pcapng((writer) => {
      const raw = writer.addInterface('tun0', 101);
      const ethernet = writer.addInterface('p0');
      for (const interfaceIndex of [raw, ethernet]) writer.write({ interfaceIndex, timestampNs: 5n, frame });
    });
    const { counts, out } = await folder.decrypt(capture, [saKey(K1)]);
    expect(counts).toEqual({ ...COUNTS, decrypted: 1, notPsp: 1 });
    expect(out.map(({ interfaceName, linkType }) => [interfaceName, linkType])).toEqual([
      ['tun0', 101],
      ['p0', 1],
      ['p0 decrypted', 1],
    ]);
  });

  test('finds its interface in a file of several sections', async () => {
    const frame = frameTo(R1, K1);
    const section = (name: string) =>
      pcapng((writer) => writer.write({ interfaceIndex: writer.addInterface(name), timestampNs: 5n, frame }));
    const capture = Buffer.concat([section('a'), section('b'), section('a')]);
    const { out } = await folder.decrypt(capture, [saKey(K1)]);
    expect(out.map(({ interfaceName }) => interfaceName)).toEqual(
      ['a', 'b', 'a'].flatMap((name) => [name, `${name} decrypted`]),
    );
  });

  test('finds room for names and comments that are not UTF-8 and grow when they are', async () => {
    const good = frameTo(R1, K1);
    const long = 'x'.repeat(65_535);
    const capture = Buffer.from(
      pcapng((writer) => {
        const interfaceIndex = writer.addInterface(long);
        writer.write({ interfaceIndex, timestampNs: 5n, frame: good, comment: long });
      }),
    );
    for (const at of [capture.indexOf(long), capture.lastIndexOf(long)])
      capture.fill(0xff, at, at + long.length);
    const { counts, out } = await folder.decrypt(capture, [saKey(K1)]);
    expect(counts).toEqual({ ...COUNTS, decrypted: 1 });
    expect(out[1]!.interfaceName).toMatch(/^\ufffd+ decrypted$/);
  });

  test('of the last interface that an output has room for passes; with one more there is no output', async () => {
    const sections = (count: number) =>
      Buffer.concat(
        Array.from({ length: count }, (_, i) =>
          pcapng((writer) => {
            const interfaceIndex = writer.addInterface(`i${i}`);
            writer.write({ interfaceIndex, timestampNs: BigInt(i), frame: new Uint8Array(60).fill(i) });
          }),
        ),
      );
    const { counts, out } = await folder.decrypt(sections(2048), []);
    expect(counts).toEqual({ ...COUNTS, notPsp: 2048 });
    expect(out.map(({ interfaceName, frame }) => `${interfaceName} ${frame[0]}`)).toEqual(
      Array.from({ length: 2048 }, (_, i) => `i${i} ${i & 0xff}`),
    );
    rmSync(folder.output);
    await expect(folder.decrypt(sections(2049), [])).rejects.toThrow(/more than 2048 interfaces/);
    expect(readdirSync(folder.path).sort()).toEqual(['in', 'keys']);
  });

  test.each([
    ['shorter on the wire than it was captured', { frame: PING_FRAME, originalOctets: 10 }],
    ['a UDP header that its packet has no room for', { frame: halfUdp() }],
    ['from port 1000 to another', { frame: datagramTo(R1, new Uint8Array(40), 1000, 1001) }],
    ['TCP to port 1000', { frame: SYN_TO_1000 }],
    ['no octets', { frame: new Uint8Array(0) }],
  ])('that is %s is not PSP', async (_name, packet) => {
    const { counts, out } = await folder.decrypt(p0(packet), [saKey(K1)]);
    expect(counts).toEqual({ ...COUNTS, notPsp: 1 });
    expect(out).toEqual([
      expect.objectContaining({
        frame: packet.frame,
        originalOctets: 'originalOctets' in packet ? packet.originalOctets : packet.frame.length,
      }),
    ]);
  });
});

/** Four octets of UDP, to port 1000; what stands behind them belongs to no packet. */
function halfUdp(): Uint8Array {
  const frame = datagramTo(parseIp('192.0.2.1'), new Uint8Array(40));
  frame.set([0, 24], 14 + 2);
  return frame;
}
