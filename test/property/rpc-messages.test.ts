/** The tunnel service's messages against bytes from anybody: every generation, mixed, cut, changed and inflated. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RpcError } from '../../src/gateway/rpc/transport.js';
import {
  decodeKeyRotationRequest,
  decodeMultiTunnelRequest,
  decodeMultiTunnelResponse,
  decodeNewTunnelRequest,
  decodeNewTunnelResponse,
  encodeKeyRotationRequest,
  encodeMultiTunnelRequest,
  encodeMultiTunnelResponse,
  encodeNewTunnelRequest,
  encodeNewTunnelResponse,
  type TunnelParameters,
  type TunnelRequest,
} from '../../src/gateway/rpc/tunnel-messages.js';
import { ipFromOctets, macFromOctets } from '../../src/packet/address.js';
import type { PspVersion } from '../../src/psp/header.js';

const octets = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const family = fc.constantFrom<4 | 6>(4, 6);
const ipOf = (of: 4 | 6) => octets(of === 4 ? 4 : 16).map((o) => ipFromOctets(o, 0, of));

const parameters: fc.Arbitrary<TunnelParameters> = fc
  .constantFrom<PspVersion>(0, 1, 2, 3)
  .chain((pspVersion) =>
    fc.record({
      mac: octets(6).map((o) => macFromOctets(o)),
      underlayIp: family.chain(ipOf),
      pspVersion: fc.constant(pspVersion),
      spi: fc.integer({ min: 1, max: 0xffffffff }).filter((spi) => (spi & 0x7fffffff) !== 0),
      key: octets(pspVersion % 2 === 0 ? 16 : 32),
      cookie: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    }),
  );
const tunnelWith = (reverse: fc.Arbitrary<TunnelParameters | undefined>): fc.Arbitrary<TunnelRequest> =>
  family.chain((of) => fc.record({ virtSource: ipOf(of), virtDestination: ipOf(of), reverse }));
const tunnels = fc.array(tunnelWith(parameters), { minLength: 1, maxLength: 4 });

/** [name, decoder, arbitrary of valid bytes] */
const messages: [string, (bytes: Uint8Array) => unknown, fc.Arbitrary<Uint8Array>][] = [
  ...(['2.8', '3.x'] as const).map((dialect): (typeof messages)[number] => [
    `MultiTunnelRequest ${dialect}`,
    decodeMultiTunnelRequest,
    tunnels.map((of) =>
      encodeMultiTunnelRequest(dialect, { requestId: 1n, versionsAccepted: [1], tunnels: of }),
    ),
  ]),
  [
    'MultiTunnelResponse',
    (bytes) => decodeMultiTunnelResponse(bytes, 2),
    fc.tuple(parameters, parameters).map((of) => encodeMultiTunnelResponse(1n, of)),
  ],
  [
    'NewTunnelRequest',
    decodeNewTunnelRequest,
    tunnelWith(parameters).map((of) => encodeNewTunnelRequest(1n, [1], of)),
  ],
  ['NewTunnelResponse', decodeNewTunnelResponse, parameters.map((of) => encodeNewTunnelResponse(1n, of))],
  [
    'KeyRotationRequest',
    decodeKeyRotationRequest,
    fc.boolean().map((issueNewKeys) => encodeKeyRotationRequest(1n, issueNewKeys)),
  ],
];

/** The refusal of `bytes`; undefined when they are taken. Anything but INVALID_ARGUMENT fails the test. */
function refusal(decoder: (bytes: Uint8Array) => unknown, bytes: Uint8Array): string | undefined {
  try {
    decoder(bytes);
    return undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(RpcError);
    expect((error as RpcError).code).toBe('INVALID_ARGUMENT');
    return (error as RpcError).details;
  }
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

describe.each(messages)('%s', (_, decoder, valid) => {
  test('changed, cut and lengthened bytes give a message or INVALID_ARGUMENT, of bounded length', () => {
    fc.assert(
      fc.property(
        valid,
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }),
        fc.nat(),
        (bytes, changes, cut) => {
          expect(refusal(decoder, bytes)).toBeUndefined();
          const changed = bytes.slice();
          for (const [at, value] of changes) changed[at % changed.length] = value;
          const end = cut % (2 * changed.length);
          for (const input of [
            changed,
            changed.subarray(0, end),
            Uint8Array.from([...changed, ...changed.subarray(0, end)]),
          ]) {
            expect((refusal(decoder, input) ?? '').length).toBeLessThan(4096);
          }
        },
      ),
    );
  });

  test('fields of later releases are passed over', () => {
    fc.assert(
      fc.property(
        valid,
        fc.integer({ min: 100, max: 1000 }),
        fc.uint8Array({ maxLength: 100 }),
        (bytes, field, value) => {
          const tag = (field << 3) | 2;
          const later = [(tag & 0x7f) | 0x80, tag >> 7, value.length, ...value];
          expect(decoder(Uint8Array.from([...bytes, ...later]))).toEqual(decoder(bytes));
        },
      ),
    );
  });

  test('thousands of fields where a handful belong are refused', () => {
    fc.assert(
      fc.property(valid, fc.integer({ min: 16, max: 30 }), (bytes, field) => {
        const tag = field << 3;
        const many = new Uint8Array(3 * 5000);
        for (let i = 0; i < many.length; i += 3) many.set([(tag & 0x7f) | 0x80, tag >> 7, 1], i);
        expect(refusal(decoder, Uint8Array.from([...bytes, ...many]))).toMatch(/more than/);
      }),
      { numRuns: 5 },
    );
  });
});

test('a request whose tunnels are of both forms is understood tunnel by tunnel', () => {
  fc.assert(
    fc.property(tunnels, tunnels, (early, late) => {
      const part = (dialect: '2.8' | '3.x', of: readonly TunnelRequest[]) =>
        encodeMultiTunnelRequest(dialect, { requestId: 0n, versionsAccepted: [], tunnels: of });
      // Concatenated encodings of a message are the encoding of the merged message.
      const decoded = decodeMultiTunnelRequest(
        Uint8Array.from([...part('2.8', early), ...part('3.x', late)]),
      );
      expect(decoded.tunnels).toEqual([...early, ...late]);
    }),
  );
});

test('reverse_params in both forms in one tunnel are refused by name', () => {
  fc.assert(
    fc.property(tunnelWith(parameters), (tunnel) => {
      const single = (dialect: '2.8' | '3.x') => {
        const bytes = encodeMultiTunnelRequest(dialect, {
          requestId: 0n,
          versionsAccepted: [],
          tunnels: [tunnel],
        });
        return bytes.subarray(bytes[1]! < 0x80 ? 2 : 3);
      };
      const inside = [...single('2.8'), ...single('3.x')];
      const both = Uint8Array.from([0x1a, (inside.length & 0x7f) | 0x80, inside.length >> 7, ...inside]);
      expect(refusal(decodeMultiTunnelRequest, both)).toContain('tunnels[0].reverse_params');
    }),
  );
});

test('a key is never in a refusal, and a decoded key is a copy', () => {
  fc.assert(
    fc.property(tunnels, octets(24), (of, badKey) => {
      const spoilt = of.map((tunnel) => ({ ...tunnel, reverse: { ...tunnel.reverse!, key: badKey } }));
      const request = (list: readonly TunnelRequest[]) =>
        encodeMultiTunnelRequest('3.x', { requestId: 1n, versionsAccepted: [1], tunnels: list });
      const details = refusal(decodeMultiTunnelRequest, request(spoilt))!;
      expect(details).toContain(`tunnels[${of.length - 1}].reverse_params.encryption_key`);
      for (const rendering of [hex(badKey), badKey.join(','), Buffer.from(badKey).toString('base64')]) {
        expect(details.toLowerCase()).not.toContain(rendering.toLowerCase());
      }
      const bytes = request(of);
      const before = hex(bytes);
      for (const { reverse } of decodeMultiTunnelRequest(bytes).tunnels) reverse!.key.fill(0);
      expect(hex(bytes)).toBe(before);
    }),
  );
});

test('problems are all named up to twenty, then counted', () => {
  const bad = (count: number) => {
    const one = Uint8Array.of(0x0a, 1, 0x78, 0x12, 7, ...Buffer.from('1.2.3.4'));
    return Uint8Array.from(Array.from({ length: count }, () => [0x1a, one.length, ...one]).flat());
  };
  const five = refusal(decodeMultiTunnelRequest, bad(5))!;
  expect([0, 1, 2, 3, 4].every((i) => five.includes(`tunnels[${i}].virt_src_ip`))).toBe(true);
  expect(five).not.toContain('more)');
  expect(refusal(decodeMultiTunnelRequest, bad(25))).toMatch(/virt_src_ip.*\(and 5 more\)$/);
  expect(refusal(decodeMultiTunnelRequest, bad(10_000))).toMatch(/\(and at least 180 more\)$/);
  expect(refusal(decodeMultiTunnelRequest, bad(65_537))).toMatch(/tunnels: more than 65536/);
});

test('more versions than a peer can mean are refused', () => {
  fc.assert(
    fc.property(tunnelWith(parameters), fc.integer({ min: 65, max: 5000 }), (tunnel, count) => {
      const versionsAccepted = new Array<number>(count).fill(1);
      const multi = encodeMultiTunnelRequest('3.x', { requestId: 1n, versionsAccepted, tunnels: [tunnel] });
      expect(refusal(decodeMultiTunnelRequest, multi)).toMatch(/^psp_versions_accepted/);
      const single = encodeNewTunnelRequest(1n, versionsAccepted, tunnel);
      expect(refusal(decodeNewTunnelRequest, single)).toMatch(/^psp_versions_accepted/);
    }),
    { numRuns: 20 },
  );
});

test('encap_type may be absent, and otherwise must be that of ip_addr', () => {
  fc.assert(
    fc.property(parameters, fc.integer({ min: 1, max: 127 }), (of, encapType) => {
      const bytes = encodeNewTunnelResponse(0n, of);
      // The message ends with encap_type: tag 0x38 and one octet.
      const changed = bytes.slice();
      changed[changed.length - 1] = encapType;
      const right = encapType === (of.underlayIp.includes(':') ? 6 : 4);
      expect(refusal(decodeNewTunnelResponse, changed) === undefined).toBe(right);
      const without = bytes.slice(0, -2);
      without[1]! -= 2;
      expect(decodeNewTunnelResponse(without)).toEqual(of);
    }),
  );
});
