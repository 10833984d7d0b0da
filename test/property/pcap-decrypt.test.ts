/** Captures decrypted by keys files: what comes out is what was put in, in its place. */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DecryptCounts } from '../../src/cli/pcap-decrypt.js';
import { type IpAddress, ipFromOctets, parseIp } from '../../src/packet/address.js';
import { pcapHeader, pcapRecord } from '../../src/packet/pcap.js';
import { opensslEngine } from '../../src/psp/aead-openssl.js';
import { encapsulate } from '../../src/psp/encapsulate.js';
import { keyLengthOctets, type PspVersion } from '../../src/psp/header.js';
import type { SaKey } from '../../src/psp/keys-file.js';
import { type Family, frameOf, type InnerPacket, ipPacketOf, V2 } from '../../src/verify/inner-packets.js';
import { COUNTS, DecryptFolder, type Out, pcapng } from '../support/decrypt.js';
import { innerPacket } from '../support/inner-packets.js';
import { outerHeaderTo, UNDERLAY_MACS } from '../support/psp-frames.js';

let folder: DecryptFolder;
beforeAll(() => {
  folder = new DecryptFolder();
});
afterAll(() => folder.close());

const RECEIVERS = ['192.0.2.1', '192.0.2.2', '2001:db8::1', '2001:db8::2'].map(parseIp);
/** A direction of a tunnel, and whether the keys file knows it. */
interface Session {
  readonly spi: number;
  readonly version: PspVersion;
  readonly key: Uint8Array;
  /** Absent: transport mode, where the receiver is whom the packet is for. */
  readonly receiver: IpAddress | undefined;
  readonly node: string | undefined;
  readonly known: 'no' | 'by receiver' | 'for any';
}

const session: fc.Arbitrary<Session> = fc
  .record({
    // Few, so that receivers give out the same ones.
    spi: fc.constantFrom(1, 2, 0x8000_0001),
    version: fc.constantFrom<PspVersion>(0, 1, 2, 3),
    octets: fc.uint8Array({ minLength: 32, maxLength: 32 }),
    receiver: fc.option(fc.constantFrom(...RECEIVERS), { nil: undefined }),
    node: fc.option(fc.constant('h2'), { nil: undefined }),
    known: fc.constantFrom<Session['known']>('no', 'by receiver', 'by receiver', 'for any'),
  })
  .map(({ octets, ...rest }) => ({ ...rest, key: octets.slice(0, keyLengthOctets(rest.version)) }));

const receiverOf = ({ receiver }: Session, family: Family) => receiver ?? ipFromOctets(V2[family], 0, family);

function saKeys(sessions: readonly Session[]): SaKey[] {
  return sessions
    .filter(({ known }) => known !== 'no')
    .map(({ spi, version, key, receiver, node, known }) => ({
      spi,
      version,
      key,
      ...(node === undefined ? {} : { node }),
      ...(known === 'for any'
        ? {}
        : {
            receivers:
              receiver === undefined
                ? [receiverOf({ receiver } as Session, 4), receiverOf({ receiver } as Session, 6)]
                : [receiver],
          }),
    }));
}

interface Sent {
  readonly session: number;
  readonly inner: InnerPacket;
  readonly iv: bigint;
  readonly cryptOffsetWords: number;
  readonly cookie: bigint | undefined;
  readonly extension: Uint8Array | undefined;
  readonly corrupt: boolean;
  readonly plain: boolean;
  readonly interface: 0 | 1;
}

const sent = (sessions: number): fc.Arbitrary<Sent> =>
  fc.record({
    session: fc.nat(sessions - 1),
    inner: fc.constantFrom<Family>(4, 6).chain((family) => innerPacket(family)),
    iv: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    cryptOffsetWords: fc.nat(12),
    cookie: fc.option(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), { nil: undefined }),
    extension: fc.option(fc.constant(new Uint8Array(8)), { nil: undefined }),
    corrupt: fc.constantFrom(false, false, false, true),
    plain: fc.constantFrom(false, false, false, true),
    interface: fc.constantFrom(0, 1),
  });

function onTheWire(packet: Sent, { spi, version, key, receiver }: Session): Uint8Array {
  const { inner, cookie, extension, iv, cryptOffsetWords, corrupt } = packet;
  const frame = encapsulate(frameOf(inner), {
    engine: opensslEngine,
    ...{ spi, version, key, iv, cryptOffsetWords, sourcePort: 50_000 },
    ...(cookie === undefined ? {} : { cookie }),
    ...(extension === undefined ? {} : { extension }),
    ...(receiver === undefined ? {} : { outerHeader: outerHeaderTo(receiver) }),
  });
  if (corrupt) frame[frame.length - 1]! ^= 1;
  return frame;
}

/** Tunnel mode keeps the underlay's MAC addresses, transport mode the packet's own. */
function insideOf({ inner }: Sent, { receiver }: Session): Uint8Array {
  if (receiver === undefined) return frameOf(inner);
  const type = inner.family === 4 ? [8, 0] : [0x86, 0xdd];
  return Uint8Array.from([...UNDERLAY_MACS, ...type, ...ipPacketOf(inner)]);
}

test('every packet of every session stands decrypted behind its encrypted one, and the others say why not', async () => {
  const traffic = fc.array(session, { minLength: 1, maxLength: 8 }).chain((sessions) =>
    fc.record({
      sessions: fc.constant(sessions),
      packets: fc.array(sent(sessions.length), { maxLength: 30 }),
      format: fc.constantFrom('pcap', 'pcapng'),
    }),
  );
  const all = { ...COUNTS };
  await fc.assert(
    fc.asyncProperty(traffic, async ({ sessions, packets, format }) => {
      const keys = saKeys(sessions);
      const expected: Out[] = [];
      const counts = { ...COUNTS };
      const records = packets.map((packet, i) => {
        const of = sessions[packet.session]!;
        const frame = packet.plain ? frameOf(packet.inner) : onTheWire(packet, of);
        const name = format === 'pcap' ? 'interface 0' : ['uplink', 'vf0'][packet.interface]!;
        const timestampNs = 1_700_000_000_000_000_000n + BigInt(i);
        const common = { timestampNs, linkType: 1 };
        const original = { ...common, frame, originalOctets: frame.length, interfaceName: name };

        const { spi, version } = of;
        const receiver = receiverOf(of, packet.inner.family);
        const what = `SPI 0x${spi.toString(16).padStart(8, '0')}, version ${version} `;
        const fitting = keys.filter(
          (key) => key.spi === spi && key.version === version && (key.receivers?.includes(receiver) ?? true),
        );
        if (packet.plain) {
          counts.notPsp++;
          expected.push(original);
        } else if (fitting.length === 0) {
          counts.noKey++;
          expected.push({
            ...original,
            comments: [expect.stringContaining(`not decrypted: no key for ${what}`)],
          });
        } else if (packet.corrupt || of.known === 'no') {
          counts.authFail++;
          expected.push({
            ...original,
            comments: [expect.stringContaining('not decrypted: the ICV does not')],
          });
        } else {
          counts.decrypted++;
          const inside = insideOf(packet, of);
          expected.push(original, {
            ...common,
            frame: inside,
            originalOctets: inside.length,
            interfaceName: `${name} decrypted`,
            comments: [
              expect.stringMatching(
                `^PSP decrypted: ${what}.* of ${receiver}${of.node === undefined ? '' : ` \\(${of.node}\\)`}$`,
              ),
            ],
          });
        }
        return { timestampNs, frame, interfaceIndex: packet.interface };
      });
      const capture =
        format === 'pcap'
          ? Buffer.concat([
              pcapHeader(65_535, 'nanoseconds'),
              ...records.map(({ timestampNs, frame }) =>
                pcapRecord(timestampNs, frame, frame.length, 'nanoseconds'),
              ),
            ])
          : pcapng((writer) => {
              for (const name of ['uplink', 'vf0']) writer.addInterface(name);
              for (const record of records) writer.write(record);
            });
      const result = await folder.decrypt(capture, keys);
      expect(result.out).toEqual(expected);
      expect(result.counts).toEqual(counts);
      for (const name of Object.keys(all) as (keyof DecryptCounts)[]) all[name] += counts[name];
    }),
  );
  // Whatever the seed, every fate that sessions can have was met.
  expect(all).toMatchObject({
    ...{ decrypted: expect.toSatisfy(Boolean), noKey: expect.toSatisfy(Boolean) },
    ...{ authFail: expect.toSatisfy(Boolean), notPsp: expect.toSatisfy(Boolean) },
  });
});
