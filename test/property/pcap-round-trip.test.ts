/** What `pcap encrypt` says it has encrypted, `pcap decrypt` brings back, to the octet; the rest is skipped, with a reason. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { EncryptConfig } from '../../src/cli/pcap-config.js';
import { CHECKSUM_LOST, decryptStep, encryptionKey, encryptStep } from '../../src/cli/pcap-process.js';
import { OFFLOADED } from '../../src/packet/tags.js';
import { opensslEngine } from '../../src/psp/aead-openssl.js';
import { associationOf, decapsulate } from '../../src/psp/decapsulate.js';

const octets = (minLength: number, maxLength: number) => fc.uint8Array({ minLength, maxLength });

/** Protocols with a meaning here, and all others. */
const protocol = fc.oneof(
  fc.constantFrom(1, 4, 6, 17, 41, 47, 50, 51, 58, 59, 132),
  fc.integer({ min: 0, max: 255 }),
);

const nowAndThen = fc.oneof(
  { weight: 9, arbitrary: fc.constant(false) },
  { weight: 1, arbitrary: fc.constant(true) },
);
/** Without one a sender has left cutting to its interface. */
const hasLength = nowAndThen.map((none) => !none);

function withChecksum(header: Uint8Array): Uint8Array {
  const view = new DataView(header.buffer);
  let sum = 0;
  for (let at = 0; at < header.length; at += 2) sum += view.getUint16(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  view.setUint16(10, ~sum & 0xffff);
  return header;
}

const ipv4 = fc
  .record({
    tos: fc.integer({ min: 0, max: 255 }),
    id: fc.integer({ min: 0, max: 0xffff }),
    // DF, MF, and a fragment offset now and then.
    flags: fc.oneof(fc.constantFrom(0, 0x4000), fc.integer({ min: 0, max: 0x7fff })),
    ttl: fc.integer({ min: 1, max: 255 }),
    protocol,
    addresses: octets(8, 8),
    // No-operation options: what stands in them does not matter here.
    optionWords: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 10 })),
    payload: octets(0, 120),
    hasLength,
    wrongChecksum: nowAndThen,
  })
  .map(
    ({
      tos,
      id,
      flags,
      ttl,
      protocol: next,
      addresses,
      optionWords,
      payload,
      hasLength: whole,
      wrongChecksum,
    }) => {
      const header = new Uint8Array(20 + 4 * optionWords).fill(1, 20);
      const view = new DataView(header.buffer);
      header.set([0x40 | (5 + optionWords), tos]);
      view.setUint16(2, whole ? header.length + payload.length : 0);
      view.setUint16(4, id);
      view.setUint16(6, flags);
      header.set([ttl, next], 8);
      header.set(addresses, 12);
      const packet = Uint8Array.from([...withChecksum(header), ...payload]);
      // Not all bits: 0 and 0xffff are the same sum.
      if (wrongChecksum) packet[11]! ^= 1;
      return { type: 0x0800, packet, hasLength: whole, wrongChecksum };
    },
  );

/** An extension header without its first octet, by its number. */
const extension = fc.oneof(
  fc.record({ number: fc.constantFrom(0, 43, 60), units: fc.integer({ min: 0, max: 2 }) }).map((header) => ({
    number: header.number,
    rest: Uint8Array.from([header.units, ...new Uint8Array(6 + 8 * header.units)]),
  })),
  octets(7, 7).map((rest) => ({ number: 44, rest })),
  // The jumbo payload option (RFC 2675).
  octets(2, 2).map((length) => ({ number: 0, rest: Uint8Array.from([0, 0xc2, 4, 0, 1, ...length]) })),
);

const ipv6 = fc
  .record({
    word: octets(3, 3),
    hopLimit: fc.integer({ min: 1, max: 255 }),
    addresses: octets(32, 32),
    chain: fc.array(extension, { maxLength: 3 }),
    protocol,
    payload: octets(0, 120),
    hasLength,
  })
  .map(({ word, hopLimit, addresses, chain, protocol: last, payload, hasLength: wanted }) => {
    const numbers = [...chain.map(({ number }) => number), last];
    const headers = chain.flatMap(({ rest }, i) => [numbers[i + 1]!, ...rest]);
    // No Next Header with length 0 is a packet of its own, and what follows is padding.
    const whole = wanted || numbers[0] === 59 || headers.length + payload.length === 0;
    const length = whole ? headers.length + payload.length : 0;
    const fixed = [0x60 | (word[0]! & 0x0f), word[1]!, word[2]!, 0, length >>> 8, length & 0xff];
    const packet = Uint8Array.from([...fixed, numbers[0]!, hopLimit, ...addresses, ...headers, ...payload]);
    return { type: 0x86dd, packet, hasLength: whole, wrongChecksum: false };
  });

const frames = fc.record({ macs: octets(12, 12), inside: fc.oneof(ipv4, ipv6), padding: octets(0, 20) });

const config: fc.Arbitrary<EncryptConfig> = fc.record({
  masterKeys: fc.tuple(octets(32, 32), octets(32, 32)),
  spi: fc.integer({ min: 0, max: 0xffff_ffff }).filter((spi) => (spi & 0x7fff_ffff) !== 0),
  mode: fc.constantFrom('tunnel' as const, 'transport' as const),
  version: fc.constantFrom(0 as const, 1 as const, 2 as const, 3 as const),
  cryptOffsetWords: fc.record({
    transport: fc.integer({ min: 0, max: 12 }),
    tunnelIpv4: fc.integer({ min: 0, max: 12 }),
    tunnelIpv6: fc.integer({ min: 0, max: 20 }),
  }),
  cookie: fc.boolean(),
});

test('by master keys, and by the key alone', () => {
  const counts = { encrypted: 0, skipped: 0, fragments: 0, noLength: 0, wrongChecksums: 0, broken: 0 };
  fc.assert(
    fc.property(frames, config, ({ macs, inside, padding }, how) => {
      const { type, packet } = inside;
      const whole = Uint8Array.from([...macs, type >>> 8, type & 0xff, ...packet]);
      const encrypted = encryptStep(how, false)(Uint8Array.from([...whole, ...padding]));
      if (!inside.hasLength) {
        counts.noLength++;
        // An IPv4 header and nothing else is just wrong.
        const isHeader = type === 0x0800 && packet.length + padding.length === 20;
        expect(encrypted).toEqual({ reason: isHeader ? 'malformed IP packet' : OFFLOADED });
        return;
      }
      if ('reason' in encrypted) {
        expect(encrypted.reason).not.toBe('');
        counts.skipped++;
        return;
      }
      counts.encrypted++;
      if (inside.wrongChecksum) counts.wrongChecksums++;
      if (type === 0x0800 && ((packet[6]! & 0x3f) | packet[7]!) !== 0) counts.fragments++;
      const back = decryptStep(how)(encrypted.frame);
      expect(back).toEqual({ frame: whole });
      const { spi, version, key } = encryptionKey(how);
      expect(associationOf(encrypted.frame)).toMatchObject({ spi, version });
      const opened = decapsulate(encrypted.frame, {
        engine: opensslEngine,
        deriveKeyInto: (_spi, _version, out, offset) => out.set(key, offset),
      });
      expect(opened).toEqual({ frame: whole, mode: how.mode });
      // Broken on the way: the outer header's checksum, which is not authenticated.
      const broken = encrypted.frame.slice();
      if (broken[14]! >>> 4 !== 4) return;
      broken[24]! ^= 0x55;
      counts.broken++;
      expect(decryptStep(how)(broken)).toEqual(
        how.mode === 'transport' ? { reason: CHECKSUM_LOST } : { frame: whole },
      );
    }),
    { numRuns: 3000 },
  );
  // Neither empty, nor all of one kind.
  expect(counts.encrypted).toBeGreaterThan(800);
  expect(counts.skipped).toBeGreaterThan(100);
  expect(counts.fragments).toBeGreaterThan(100);
  expect(counts.noLength).toBeGreaterThan(100);
  expect(counts.wrongChecksums).toBeGreaterThan(10);
  expect(counts.broken).toBeGreaterThan(100);
});
