import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  MultiTunnelRequest,
  MultiTunnelResponse,
  NewTunnelResponse,
  TunnelParameters as WireParameters,
} from '../../../../src/gateway/generated/psp_gateway.js';
import { RpcError } from '../../../../src/gateway/rpc/transport.js';
import {
  decodeKeyRotationRequest,
  decodeMultiTunnelRequest,
  decodeMultiTunnelResponse,
  decodeNewTunnelRequest,
  decodeNewTunnelResponse,
  encodeKeyRotationRequest,
  encodeKeyRotationResponse,
  encodeMultiTunnelRequest,
  encodeMultiTunnelResponse,
  encodeNewTunnelRequest,
  encodeNewTunnelResponse,
  type TunnelParameters,
  type TunnelRequest,
} from '../../../../src/gateway/rpc/tunnel-messages.js';
import {
  type IpAddress,
  ipFromOctets,
  type MacAddress,
  macFromOctets,
} from '../../../../src/packet/address.js';
import type { PspVersion } from '../../../../src/psp/header.js';
import { toHex } from '../../../support/reference-vectors.js';

const octets = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const ipOf = (family: 4 | 6) => octets(family === 4 ? 4 : 16).map((o) => ipFromOctets(o, 0, family));
const anyIp = fc.constantFrom(4 as const, 6 as const).chain(ipOf);

const parameters: fc.Arbitrary<TunnelParameters> = fc
  .constantFrom<PspVersion>(0, 1, 2, 3)
  .chain((pspVersion) =>
    fc.record({
      mac: octets(6).map((o) => macFromOctets(o)),
      underlayIp: anyIp,
      pspVersion: fc.constant(pspVersion),
      spi: fc.integer({ min: 1, max: 0xffffffff }).filter((spi) => (spi & 0x7fffffff) !== 0),
      key: octets(pspVersion % 2 === 0 ? 16 : 32),
      cookie: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    }),
  );

const tunnel: fc.Arbitrary<TunnelRequest> = fc.constantFrom(4 as const, 6 as const).chain((family) =>
  fc.record({
    virtSource: ipOf(family),
    virtDestination: ipOf(family),
    reverse: fc.option(parameters, { nil: undefined }),
  }),
);

const addressed = {
  mac: '02:00:00:00:00:01' as MacAddress,
  underlayIp: '10.0.0.1' as IpAddress,
  spi: 1,
  key: new Uint8Array(16),
  cookie: 0n,
};

const requestId = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });

describe('messages survive the wire', () => {
  test.each(['2.8', '3.x'] as const)('MultiTunnelRequest in the form of %s', (dialect) => {
    fc.assert(
      fc.property(requestId, fc.array(tunnel, { minLength: 1, maxLength: 5 }), (id, tunnels) => {
        const bytes = encodeMultiTunnelRequest(dialect, { requestId: id, versionsAccepted: [1, 0], tunnels });
        const decoded = decodeMultiTunnelRequest(bytes);
        expect(decoded).toMatchObject({ requestId: id, versionsAccepted: [1, 0], tunnels });
        const showsForm = dialect === '3.x' || tunnels.some((t) => t.reverse !== undefined);
        expect(decoded.dialect).toBe(showsForm ? dialect : undefined);
      }),
    );
  });

  test('NewTunnelRequest', () => {
    fc.assert(
      fc.property(requestId, tunnel, (id, one) => {
        const decoded = decodeNewTunnelRequest(encodeNewTunnelRequest(id, [0], one));
        expect(decoded).toEqual({ requestId: id, versionsAccepted: [0], tunnels: [one] });
      }),
    );
  });

  test('both responses', () => {
    fc.assert(
      fc.property(requestId, fc.array(parameters, { maxLength: 5 }), parameters, (id, many, one) => {
        expect(decodeMultiTunnelResponse(encodeMultiTunnelResponse(id, many), many.length)).toEqual(many);
        expect(decodeNewTunnelResponse(encodeNewTunnelResponse(id, one))).toEqual(one);
      }),
    );
  });

  test('KeyRotationRequest', () => {
    fc.assert(
      fc.property(requestId, fc.boolean(), (id, issueNewKeys) => {
        const bytes = encodeKeyRotationRequest(id, issueNewKeys);
        expect(decodeKeyRotationRequest(bytes)).toEqual({ requestId: id, issueNewKeys });
      }),
    );
  });
});

describe('the bytes, put together by hand from the field numbers', () => {
  const reverse: TunnelParameters = {
    mac: '02:00:00:00:00:01' as MacAddress,
    underlayIp: '10.0.0.1' as IpAddress,
    pspVersion: 0,
    spi: 0x80000001,
    key: new Uint8Array(16).fill(0xab),
    cookie: 5n,
  };
  const one: TunnelRequest = {
    virtSource: '1.2.3.4' as IpAddress,
    virtDestination: '5.6.7.8' as IpAddress,
    reverse,
  };
  const text = (value: string) => toHex(new TextEncoder().encode(value));
  // TunnelParameters: 1 mac, 2 ip, (3 version 0 is left out), 4 spi, 5 key, 6 cookie, 7 encap_type
  const wireReverse =
    `0a11${text('02:00:00:00:00:01')}1208${text('10.0.0.1')}` +
    `208180808008${`2a10${'ab'.repeat(16)}`}30053804`;
  const reverseLength = (wireReverse.length / 2).toString(16).padStart(2, '0');
  const addresses = `0a07${text('1.2.3.4')}1207${text('5.6.7.8')}`;
  const wrap = (single: string) =>
    `08071201011a${(single.length / 2).toString(16).padStart(2, '0')}${single}`;
  const request = { requestId: 7n, versionsAccepted: [1], tunnels: [one] };

  test('2.8: reverse_params is field 3', () => {
    const expected = wrap(`${addresses}1a${reverseLength}${wireReverse}`);
    expect(toHex(encodeMultiTunnelRequest('2.8', request))).toBe(expected);
  });

  test('3.x: inner_type is field 3, reverse_params field 4', () => {
    const expected = wrap(`${addresses}180422${reverseLength}${wireReverse}`);
    expect(toHex(encodeMultiTunnelRequest('3.x', request))).toBe(expected);
  });

  test('2.7: one tunnel, reverse_params is field 5', () => {
    const expected = `080712010${'1'}1a07${text('1.2.3.4')}2207${text('5.6.7.8')}2a${reverseLength}${wireReverse}`;
    expect(toHex(encodeNewTunnelRequest(7n, [1], one))).toBe(expected);
  });

  test('responses and rotation', () => {
    expect(toHex(encodeMultiTunnelResponse(7n, [reverse]))).toBe(`080712${reverseLength}${wireReverse}`);
    expect(toHex(encodeNewTunnelResponse(7n, reverse))).toBe(`080712${reverseLength}${wireReverse}`);
    expect(toHex(encodeKeyRotationRequest(7n, true))).toBe('08071001');
    expect(toHex(encodeKeyRotationResponse(7n))).toBe('0807');
  });
});

describe('what is wrong is refused, by field, all at once, without key material', () => {
  test('a request with several problems', () => {
    const bad = {
      virtSource: '10.0.0.1' as IpAddress,
      virtDestination: 'fd00::1' as IpAddress,
      reverse: {
        mac: 'nonsense' as MacAddress,
        underlayIp: '10.0.0.9' as IpAddress,
        pspVersion: 1 as const,
        spi: 0x80000000,
        key: new Uint8Array(16).fill(0x5a),
        cookie: 0n,
      },
    };
    const bytes = encodeMultiTunnelRequest('3.x', { requestId: 1n, versionsAccepted: [1], tunnels: [bad] });
    const message = messageOf(() => decodeMultiTunnelRequest(bytes));
    for (const field of ['virt_dst_ip', 'reverse_params.mac_addr', 'reverse_params.spi', 'encryption_key']) {
      expect(message).toContain(`tunnels[0].${field.startsWith('enc') ? `reverse_params.${field}` : field}`);
    }
    expect(message).not.toMatch(/5a5a/i);
  });

  test('a response with another number of tunnels', () => {
    expect(messageOf(() => decodeMultiTunnelResponse(encodeMultiTunnelResponse(1n, []), 2))).toContain(
      '2 tunnels',
    );
  });

  const wire: WireParameters = {
    macAddr: '02:00:00:00:00:01',
    ipAddr: '10.0.0.1',
    pspVersion: 1,
    spi: 1,
    encryptionKey: new Uint8Array(32),
    virtCookie: 0n,
    encapType: 4,
  };
  const answer = (...tunnelsParams: WireParameters[]) =>
    messageOf(() => {
      const bytes = MultiTunnelResponse.encode({ requestId: 0n, tunnelsParams }).finish();
      decodeMultiTunnelResponse(bytes, tunnelsParams.length);
    });

  test.each<[string, Partial<WireParameters>, string]>([
    ['a reserved version', { pspVersion: 4 }, 'psp_version: 4 is reserved'],
    [
      'a key that is too short',
      { encryptionKey: new Uint8Array(16) },
      'encryption_key: 16 octets; version 1 takes 32',
    ],
    [
      'a key that is too long',
      { pspVersion: 2, encryptionKey: new Uint8Array(17) },
      'encryption_key: 17 octets; version 2 takes 16',
    ],
    ['no SPI', { spi: 0 }, 'spi: the low 31 bits must not be zero'],
    [
      'an SPI of nothing but the bit of the master key',
      { spi: 0x8000_0000 },
      'spi: the low 31 bits must not be zero',
    ],
    ['the family of another address', { encapType: 6 }, 'encap_type: 6 does not go with ip_addr 10.0.0.1'],
    [
      'an address that is none',
      { ipAddr: 'there' },
      'ip_addr: "there" is not an IP address (expected a form such as 192.0.2.1 or 2001:db8::1)',
    ],
    [
      'a MAC address that is none',
      { macAddr: '02:00' },
      'mac_addr: "02:00" is not a MAC address (expected six octets such as 02:00:00:00:00:01)',
    ],
  ])('parameters with %s', (_, change, problem) => {
    expect(answer({ ...wire, ...change })).toBe(`INVALID_ARGUMENT: tunnels_params[0].${problem}`);
  });

  test('parameters of which only one is wrong, or each, are told one by one', () => {
    const bad = { ...wire, macAddr: 'x', ipAddr: 'y', encapType: 0 };
    const texts = answer(bad, bad, wire, bad).match(/tunnels_params\[\d\]\.\w+/g);
    expect(texts).toEqual(
      [0, 1, 3].flatMap((i) => ['mac_addr', 'ip_addr'].map((field) => `tunnels_params[${i}].${field}`)),
    );
  });

  test('what a peer wrote is told shortened, and without what would disturb a log', () => {
    const told = answer({ ...wire, macAddr: '\u0007é\n' });
    expect(told).toContain('mac_addr: "???" is not a MAC address');
    const [, long] = answer({ ...wire, ipAddr: 'x'.repeat(1000) }).split('ip_addr: ');
    expect(long).toMatch(/^"x{90}\.\.\." is not an IP address /);
    expect(long).toHaveLength(120);
  });

  const addresses = { virtSrcIp: '10.0.0.1', virtDstIp: '10.0.0.2', innerType: 0, reverseParams: undefined };
  const asked = (tunnel: object, pspVersionsAccepted: number[] = []) =>
    MultiTunnelRequest.encode({
      requestId: 0n,
      pspVersionsAccepted,
      tunnels: [{ ...addresses, ...tunnel }],
    }).finish();
  /** Field 3 as 2.8 has it, of nothing. */
  const early = { [(3 << 3) | 2]: [Uint8Array.of(0)] };

  test.each<[string, object, string]>([
    [
      'addresses of two families',
      { virtDstIp: 'fd00::2' },
      'tunnels[0].virt_dst_ip: fd00::2 is not of the family of 10.0.0.1',
    ],
    [
      'another family than its addresses',
      { innerType: 6 },
      'tunnels[0].inner_type: 6 does not go with virt_src_ip 10.0.0.1',
    ],
    [
      'an address that is none',
      { virtSrcIp: '' },
      'tunnels[0].virt_src_ip: "" is not an IP address (expected a form such as 192.0.2.1 or 2001:db8::1)',
    ],
  ])('a request of %s', (_, tunnel, problem) => {
    expect(messageOf(() => decodeMultiTunnelRequest(asked(tunnel)))).toBe(`INVALID_ARGUMENT: ${problem}`);
  });

  test.each<[string, object]>([
    ['reverse_params', { reverseParams: wire }],
    ['inner_type', { innerType: 4 }],
  ])('a tunnel in the form of 2.8 with the %s of 3.x', (_, late) => {
    const both = asked({ ...late, _unknownFields: early });
    expect(messageOf(() => decodeMultiTunnelRequest(both))).toContain(
      'tunnels[0].reverse_params: in the form of 2.8 and in that of 3.x at once',
    );
  });

  test('a tunnel in the form of 2.8 may have parameters of more than 127 octets, with fields of later releases', () => {
    const later = { [(15 << 3) | 2]: [Uint8Array.from([100, ...new Uint8Array(100)])] };
    const own = WireParameters.encode({ ...wire, _unknownFields: later } as WireParameters).finish();
    expect(own.length).toBeGreaterThan(127);
    const raw = Uint8Array.from([(own.length & 0x7f) | 0x80, own.length >> 7, ...own]);
    const [tunnel] = decodeMultiTunnelRequest(asked({ _unknownFields: { [(3 << 3) | 2]: [raw] } })).tunnels;
    expect(tunnel?.reverse).toMatchObject({ mac: wire.macAddr, underlayIp: wire.ipAddr, spi: 1 });
  });

  test('a tunnel in the form of 2.8, whose parameters are no message', () => {
    const cut = asked({ _unknownFields: { [(3 << 3) | 2]: [Uint8Array.of(1, 0x0a)] } });
    expect(messageOf(() => decodeMultiTunnelRequest(cut))).toBe(
      'INVALID_ARGUMENT: not a MultiTunnelRequest: tunnels[0].reverse_params: a tag or length does not end',
    );
  });

  test('versions, of which sixty-four are looked at', () => {
    expect(decodeMultiTunnelRequest(asked({}, Array(64).fill(1))).versionsAccepted).toHaveLength(64);
    expect(messageOf(() => decodeMultiTunnelRequest(asked({}, Array(65).fill(1))))).toBe(
      'INVALID_ARGUMENT: psp_versions_accepted: 65 of them; at most 64 are looked at',
    );
  });

  test('an answer to another request; one that names none is for who reads it', () => {
    const parameters = { ...addressed, pspVersion: 0 as const };
    for (const [decoder, encoded] of [
      [
        (bytes: Uint8Array, id?: bigint) => decodeMultiTunnelResponse(bytes, 1, id),
        (id: bigint) => encodeMultiTunnelResponse(id, [parameters]),
      ],
      [decodeNewTunnelResponse, (id: bigint) => encodeNewTunnelResponse(id, parameters)],
    ] as const) {
      for (const [answered, request] of [
        [7n, 7n],
        [0n, 7n],
        [8n, undefined],
      ] as const) {
        expect(() => decoder(encoded(answered), request)).not.toThrow();
      }
      expect(messageOf(() => decoder(encoded(8n), 7n))).toBe(
        'INVALID_ARGUMENT: request_id: 8; the request was 7',
      );
    }
  });

  test('an answer with other parameters than were asked for, or none', () => {
    expect(messageOf(() => decodeMultiTunnelResponse(encodeMultiTunnelResponse(1n, []), 2))).toBe(
      'INVALID_ARGUMENT: tunnels_params: 0 of them; 2 tunnels were asked for',
    );
    const none = NewTunnelResponse.encode({ requestId: 1n, params: undefined }).finish();
    expect(messageOf(() => decodeNewTunnelResponse(none))).toMatch(
      /^INVALID_ARGUMENT: params: missing; params\./,
    );
  });

  test('as many as twenty problems are named, one more is counted, and of two hundred the end is not looked for', () => {
    const problems = (count: number) => answer(...Array<WireParameters>(count).fill({ ...wire, spi: 0 }));
    const named = (count: number) => problems(count).split('; ').length;
    expect([named(20), problems(20).includes('more')]).toEqual([20, false]);
    expect([named(21), problems(21).endsWith(' (and 1 more)')]).toEqual([20, true]);
    expect(problems(199)).toMatch(/ \(and 179 more\)$/);
    expect(problems(200)).toMatch(/ \(and at least 180 more\)$/);
  });

  const decoders: [string, (bytes: Uint8Array) => unknown][] = [
    ['MultiTunnelRequest', decodeMultiTunnelRequest],
    ['NewTunnelRequest', decodeNewTunnelRequest],
    ['MultiTunnelResponse', (bytes) => decodeMultiTunnelResponse(bytes, 1)],
    ['NewTunnelResponse', decodeNewTunnelResponse],
    ['KeyRotationRequest', decodeKeyRotationRequest],
  ];
  test.each(decoders)('bytes that are no message are told as no %s', (name, decoder) => {
    const cut = Uint8Array.of(0x0a, 0xff);
    expect(messageOf(() => decoder(cut))).toBe(
      `INVALID_ARGUMENT: not a ${name}: message: a tag or length does not end`,
    );
  });

  test.each(decoders)('arbitrary bytes into %s give INVALID_ARGUMENT or a message', (_, decoder) => {
    const valid = encodeMultiTunnelRequest('2.8', { requestId: 1n, versionsAccepted: [1], tunnels: [] });
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(200), (bytes, at) => {
        for (const input of [bytes, Uint8Array.from([...valid.subarray(0, at), ...bytes])]) {
          try {
            decoder(input);
          } catch (error) {
            expect(error).toBeInstanceOf(RpcError);
            expect((error as RpcError).code).toBe('INVALID_ARGUMENT');
          }
        }
      }),
      { numRuns: 1000 },
    );
  });
});

function messageOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('nothing was thrown');
}
