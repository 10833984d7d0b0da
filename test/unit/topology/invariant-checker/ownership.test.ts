/** Whose a delivered packet is: the key that opened it was given to the peer who owns its inner source. */
import { describe, expect, test } from 'vitest';
import { createVirtualClock } from '../../../../src/base/virtual-clock.js';
import { MemoryNetwork } from '../../../../src/gateway/rpc/memory-transport.js';
import { RpcError, type RpcMethod, type ServiceAddress } from '../../../../src/gateway/rpc/transport.js';
import {
  encodeMultiTunnelRequest,
  encodeMultiTunnelResponse,
  encodeNewTunnelRequest,
  encodeNewTunnelResponse,
  type TunnelParameters,
} from '../../../../src/gateway/rpc/tunnel-messages.js';
import { parseIp, parseMac } from '../../../../src/packet/address.js';
import { type Given, watchTransport } from '../../../../src/topology/given-keys.js';
import { ANYBODY } from '../../../support/doorkeepers.js';
import { build, device, gateway, h1, h2, inner, psp } from '../../../support/invariants.js';
import { serviceOf } from '../../../support/topologies.js';

const keyOf = (n: number) => new Uint8Array(16).fill(n);
const parameters = (spi: number, key: number): TunnelParameters => ({
  mac: parseMac('02:00:00:00:00:02'),
  underlayIp: parseIp('2001:db8::2'),
  pspVersion: 0,
  spi,
  key: keyOf(key),
  cookie: 0n,
});
const OWNERS = new Map(
  [1, 2, 3].flatMap((n) => [`192.168.1.${n}`, `fd00::${n}`].map((ip) => [ip, `h${n}`] as const)),
);

describe('impersonated', () => {
  const watched = () => {
    const { watch, seen } = build({ ownerOf: (ip) => OWNERS.get(ip) });
    const give = (holder: string, spi: number, key: number) =>
      watch.onGiven({ receiver: 'h2', holder, parameters: parameters(spi, key) });
    /** `frame` comes in sealed so, and out to the workload. */
    const carry = (frame: Uint8Array, spi: number, key: number, to = h2) => {
      watch.onVf(h1, 'in', frame);
      watch.onUplink(to, 'in', psp({ frame, spi, key: keyOf(key) }));
      watch.onVf(to, 'out', frame);
      return watch.violations.splice(0).map(({ kind, text }) => `${kind}: ${text}`);
    };
    return { watch, seen, give, carry };
  };
  const foreign = (spi: string, holder: string) => [
    `impersonated: a packet from 192.168.1.1, which is behind h1, came under SPI ${spi}, whose key was given to ${holder}`,
  ];

  test.each([4, 6] as const)('IPv%d: under the key of the owner of its source it is sound', (family) => {
    const { give, carry } = watched();
    give('h1', 7, 1);
    expect(carry(inner({ family }), 7, 1)).toEqual([]);
  });

  test('under the key of another peer it is not, and all are named', () => {
    const { give, carry } = watched();
    give('h3', 7, 1);
    expect(carry(inner(), 7, 1)).toEqual(foreign('0x00000007', 'h3'));
  });

  test('where an SPI was given out again, it is the key that says whose a packet is', () => {
    const { give, carry } = watched();
    give('h1', 1, 1);
    give('h3', 1, 2);
    expect(carry(inner({ sequence: 1 }), 1, 1)).toEqual([]);
    expect(carry(inner({ sequence: 2 }), 1, 2)).toEqual(foreign('0x00000001', 'h3'));
    // More than once, as after many rotations.
    for (let key = 3; key < 9; key++) give(key % 2 === 0 ? 'h1' : 'h3', 1, key);
    expect(carry(inner({ sequence: 3 }), 1, 4)).toEqual([]);
    expect(carry(inner({ sequence: 4 }), 1, 3)).toEqual(foreign('0x00000001', 'h3'));
  });

  test("two that are alike: the owner's is delivered, the other one is not", () => {
    const { watch, seen, give } = watched();
    give('h1', 1, 1);
    give('h3', 2, 2);
    watch.onVf(h1, 'in', inner());
    for (const [spi, key] of [
      [2, 2],
      [1, 1],
    ] as const)
      watch.onUplink(h2, 'in', psp({ frame: inner(), spi, key: keyOf(key) }));
    watch.onVf(h2, 'out', inner());
    expect(seen()).toEqual([]);
    watch.onVf(h2, 'out', inner());
    expect(seen()).toEqual(['impersonated h2', 'delivered-twice h2']);
  });

  test('a source that nobody owns', () => {
    const { give, carry } = watched();
    give('h1', 1, 1);
    expect(carry(inner({ from: parseIp('192.0.2.1') }), 1, 1)[0]).toMatch(
      /^impersonated: a packet from 192.0.2.1, which is nobody's, came under SPI/,
    );
  });

  test("a former incarnation's keys are nobody's, and those of other gateways are not its own", async () => {
    const { watch, give, carry } = watched();
    give('h3', 1, 1);
    watch.onGiven({ receiver: 'h3', holder: 'h1', parameters: parameters(1, 1) });
    await device(watch, h2).make(1);
    expect(carry(inner(), 1, 1)).toEqual([]);
  });

  test('without ingress ACL, and where gateways run elsewhere, nobody is asked', () => {
    const { give, carry } = watched();
    give('h3', 1, 1);
    expect(carry(inner(), 1, 1, gateway(2, ['--disable-ingress-acl']))).toEqual([]);
    const { watch, seen } = build();
    watch.onGiven({ receiver: 'h2', holder: 'h3', parameters: parameters(1, 1) });
    watch.onVf(h1, 'in', inner());
    watch.onUplink(h2, 'in', psp({ frame: inner(), spi: 1, key: keyOf(1) }));
    watch.onVf(h2, 'out', inner());
    expect(seen()).toEqual([]);
  });
});

describe('what crosses the OOB network', () => {
  const tunnel = (spi: number, key: number) => ({
    virtSource: parseIp('192.168.1.1'),
    virtDestination: parseIp('192.168.1.2'),
    reverse: parameters(spi, key),
  });
  /** h1 calls h2, which answers so. */
  const exchange = async (
    method: RpcMethod,
    request: Uint8Array,
    answer: Uint8Array | RpcError,
    lost?: 'request' | 'response',
  ) => {
    const clock = createVirtualClock();
    const network = new MemoryNetwork({
      clock,
      fate: () => ({ delayMs: 1, ...(lost === undefined ? {} : { lost }) }),
    });
    const nameOf = ({ host }: ServiceAddress) => ({ '10.0.0.1': 'h1', '10.0.0.2': 'h2' })[host as string];
    const given: Given[] = [];
    const [caller, callee] = [1, 2].map((n) =>
      watchTransport(`h${n}`, network.transport(serviceOf(n)), { nameOf, onGiven: (one) => given.push(one) }),
    );
    await callee!.listen(
      serviceOf(2),
      async () => {
        if (answer instanceof RpcError) throw answer;
        return answer;
      },
      ANYBODY,
    );
    const called = caller!
      .call(serviceOf(2), method, request, { deadlineMs: 100 })
      .catch((error: RpcError) => error.code);
    await clock.advance(1000);
    const outcome = await called;
    return {
      outcome,
      given: given.map(({ receiver, holder, parameters: { spi, key } }) => [receiver, holder, spi, key[0]]),
    };
  };
  const many = (dialect: '2.8' | '3.x') =>
    encodeMultiTunnelRequest(dialect, {
      requestId: 1n,
      versionsAccepted: [0],
      tunnels: [tunnel(5, 50), tunnel(6, 60)],
    });
  const answers = encodeMultiTunnelResponse(1n, [parameters(7, 70), parameters(8, 80)]);
  const OFFERED = [
    ['h1', 'h2', 5, 50],
    ['h1', 'h2', 6, 60],
  ];

  test.each(['2.8', '3.x'] as const)('many tunnels as %s asks: offers and answers', async (dialect) => {
    const { given, outcome } = await exchange('RequestMultipleTunnelParams', many(dialect), answers);
    expect(outcome).toEqual(answers);
    expect(given).toEqual([...OFFERED, ['h2', 'h1', 7, 70], ['h2', 'h1', 8, 80]]);
  });

  test('one tunnel as 2.7 asks', async () => {
    const { given } = await exchange(
      'RequestTunnelParams',
      encodeNewTunnelRequest(1n, [0], tunnel(5, 50)),
      encodeNewTunnelResponse(1n, parameters(7, 70)),
    );
    expect(given).toEqual([
      ['h1', 'h2', 5, 50],
      ['h2', 'h1', 7, 70],
    ]);
  });

  test('an answer that is lost, or refuses, gives nobody a key; the request may have arrived', async () => {
    for (const lost of ['request', 'response'] as const) {
      const { given, outcome } = await exchange('RequestMultipleTunnelParams', many('3.x'), answers, lost);
      expect([outcome, given]).toEqual(['DEADLINE_EXCEEDED', OFFERED]);
    }
    const refusal = new RpcError('PERMISSION_DENIED', 'no');
    const { given } = await exchange('RequestMultipleTunnelParams', many('3.x'), refusal);
    expect(given).toEqual(OFFERED);
  });

  test('what is no message, and what asks for no tunnel, is carried all the same', async () => {
    const rubbish = Uint8Array.of(255, 255, 255);
    for (const method of [
      'RequestMultipleTunnelParams',
      'RequestTunnelParams',
      'RequestKeyRotation',
    ] as const)
      expect(await exchange(method, rubbish, rubbish)).toEqual({ outcome: rubbish, given: [] });
  });
});
