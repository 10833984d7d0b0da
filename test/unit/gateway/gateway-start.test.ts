/** What a gateway needs of its device and options to start, what it makes of them, and what is left when it stops. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { PeerOptions } from '../../../src/gateway/options.js';
import type { RpcError } from '../../../src/gateway/rpc/transport.js';
import { encodeMultiTunnelRequest } from '../../../src/gateway/rpc/tunnel-messages.js';
import { GatewayStartError } from '../../../src/gateway/surroundings.js';
import { delegateHal } from '../../../src/hal/delegate.js';
import type { DeviceDescription, PipeHal, PortDescription } from '../../../src/hal/hal.js';
import {
  type IpAddress,
  type Ipv4Address,
  type MacAddress,
  macFromOctets,
  parseIp,
  parseMac,
} from '../../../src/packet/address.js';
import { BOOT_REQUEST, buildDhcp, DHCP_DISCOVER, parseDhcp } from '../../../src/packet/dhcp.js';
import { buildIpv4Packet, IPV4_HEADER_OCTETS_MIN } from '../../../src/packet/ipv4.js';
import { parsePrefix } from '../../../src/packet/prefix.js';
import { buildUdp, setUdpChecksum } from '../../../src/packet/udp.js';
import { WORKLOAD_MAC } from '../../../src/verify/inner-packets.js';
import { idsOf, type NodeOptions, TestNetwork, type TestNode, vip } from '../../support/gateways.js';

let net: TestNetwork;
beforeEach(() => {
  net = new TestNetwork();
});
afterEach(() => net.stopAll());

const serviceOf = (number: number) => ({ host: parseIp(`10.0.0.${number}`), port: 3000 });
/** The device says something else of its ports. */
const withPorts =
  (change: (port: PortDescription) => PortDescription | undefined) =>
  (hal: PipeHal): PipeHal => {
    const ports = hal.device.ports.flatMap((port) => change(port) ?? []);
    return delegateHal(hal, { device: { ...hal.device, ports } as DeviceDescription });
  };
const without = (kind: PortDescription['kind']) =>
  withPorts((port) => (port.kind === kind ? undefined : port));
const uplinkWith = (change: Partial<PortDescription>) =>
  withPorts((port) => (port.kind === 'uplink' ? { ...port, ...change } : port));
const noWorkload = withPorts(({ workload: _, ...port }) => port);
const uplinkWithout = (name: 'ipv4' | 'ipv6') =>
  withPorts((port) => {
    if (port.kind !== 'uplink') return port;
    const { [name]: _, ...rest } = port;
    return rest;
  });

describe('a gateway does not start', () => {
  test.each<[string, NodeOptions, RegExp]>([
    ['without an uplink', { wrapHal: without('uplink') }, /the device has no uplink port/],
    ['without a VF', { wrapHal: without('vf') }, /the device has no vf port/],
    ['behind a VF whose MAC nobody knows', { wrapHal: noWorkload }, /--decap-dmac/],
    [
      'on an uplink without an IPv6 address',
      { wrapHal: uplinkWithout('ipv6') },
      /no IPv6 address.*--local-pip.*--outer-ip-type/,
    ],
    [
      'on an uplink without an IPv4 address',
      { wrapHal: uplinkWithout('ipv4'), outerFamily: 4 },
      /no IPv4 address/,
    ],
    [
      'on an uplink whose packets are too small',
      { wrapHal: uplinkWith({ mtuOctets: 1300 }) },
      /the uplink: an MTU of 1300/,
    ],
    [
      'with AES-GMAC over a device that has none',
      {
        wrapHal: (hal) => delegateHal(hal, { device: { ...hal.device, gmac: false } }),
        pspVersion: 3,
      },
      /--psp-version=3: the device has no AES-GMAC-256; say --psp-version=1/,
    ],
  ])('%s, and says so', async (_, options, reason) => {
    const starting = net.start(1, [2], options);
    await expect(starting).rejects.toThrow(GatewayStartError);
    await expect(starting).rejects.toThrow(reason);
  });

  test.each<[string, NodeOptions]>([
    ['a MAC behind the VF that is given', { wrapHal: noWorkload, decapDmac: macFromOctets(WORKLOAD_MAC) }],
    [
      'an address of the underlay that is given',
      { wrapHal: uplinkWithout('ipv6'), localPip: parseIp('2001:db8::1') },
    ],
    ['no address of the family that is not used', { wrapHal: uplinkWithout('ipv4') }],
    [
      'small packets, where they are IPv4 only',
      { wrapHal: uplinkWith({ mtuOctets: 1300 }), innerFamilies: [4] },
    ],
  ])('but does with %s', async (_, options) => {
    const a = await net.start(1, [2], { ...options, localVirtualIps: [vip(1)] });
    const b = await net.start(2, [1]);
    net.send(a, 2, [1]);
    await net.run(50);
    expect(idsOf(b.workload.takeSent())).toEqual([1]);
    net.send(b, 1, [2]);
    await net.run(50);
    expect(idsOf(a.workload.takeSent())).toEqual([2]);
  });
});

describe('addresses', () => {
  test('what is delivered has the MAC of the workload, or the one that is given, and comes from the uplink', async () => {
    const decapDmac = parseMac('02:00:00:00:0d:0d');
    const a = await net.start(1, [2]);
    const b = await net.start(2, [1], { decapDmac });
    net.send(a, 2, [1]);
    await net.run(50);
    net.send(b, 1, [2]);
    await net.run(50);
    const macsOf = ({ workload }: TestNode) =>
      workload.takeSent().map((frame) => [macFromOctets(frame), macFromOctets(frame.subarray(6))]);
    expect(macsOf(b)).toEqual([[decapDmac, '02:00:00:00:01:02']]);
    expect(macsOf(a)).toEqual([[macFromOctets(WORKLOAD_MAC), '02:00:00:00:01:01']]);
  });

  test('what is sent comes from the uplink’s address, or the one that is given', async () => {
    const given = await net.start(1, [2], { localPip: parseIp('2001:db8::aaaa') });
    const own = await net.start(2, [1]);
    net.send(given, 2, [1]);
    await net.run(50);
    net.send(own, 1, [2]);
    await net.run(50);
    const sources = net.wire.map((frame) => Buffer.from(frame.subarray(22, 38)).toString('hex'));
    expect([...new Set(sources)]).toEqual([
      '20010db800000000000000000000aaaa',
      '20010db8000000000000000000000002',
    ]);
    // And that is where the peer is told to send to.
    expect(own.gateway.view().peers[0]!.underlay[0]!.address).toBe('2001:db8::aaaa');
  });

  test('of the workload are those that the device knows, those that are given, and that of static tunnels', async () => {
    const a = await net.start(1, [2], { localVirtualIps: [vip(40)], staticTunnels: vip(41) });
    const code = async (virtDestination: IpAddress) => (await ask(a, { virtDestination })).code;
    expect(await code(vip(1))).toBe('OK');
    expect(await code(vip(40))).toBe('OK');
    expect(await code(vip(41))).toBe('OK');
    expect(await code(vip(42))).toBe('PERMISSION_DENIED');
  });
});

/** Peer 2 asks for one tunnel; the status, and what was said. */
async function ask(
  to: TestNode,
  {
    virtDestination = vip(1),
    underlayIp = '2001:db8::2',
    mac = '02:00:00:00:01:02',
    cookie = 0n,
    spi = 77,
  }: { virtDestination?: IpAddress; underlayIp?: string; mac?: string; cookie?: bigint; spi?: number } = {},
  tunnels = 1,
): Promise<{ code: string; details: string }> {
  const reverse = {
    mac: mac as MacAddress,
    underlayIp: underlayIp as IpAddress,
    pspVersion: 1 as const,
    spi,
    key: new Uint8Array(32).fill(7),
    cookie,
  };
  const request = encodeMultiTunnelRequest('3.x', {
    requestId: 1n,
    versionsAccepted: [1],
    tunnels: Array.from({ length: tunnels }, () => ({ virtSource: vip(2), virtDestination, reverse })),
  });
  const call = net.network
    .transport(serviceOf(2))
    .call(to.service, 'RequestMultipleTunnelParams', request, { deadlineMs: 5000 });
  let answer: { code: string; details: string } | undefined;
  void call.then(
    () => {
      answer = { code: 'OK', details: '' };
    },
    (error: RpcError) => {
      answer = { code: error.code, details: error.details };
    },
  );
  while (answer === undefined) await net.run(50);
  return answer;
}

describe('parameters of a peer that do not fit what was built', () => {
  const V4 = '203.0.113.2';
  test('the outer family is that of the gateway in tunnel mode; in transport mode either is right', async () => {
    const [six, four, transport] = [
      await net.start(1, [2]),
      await net.start(3, [2], { outerFamily: 4 }),
      await net.start(4, [2], { mode: 'transport' }),
    ];
    expect(await ask(six, { underlayIp: V4 })).toEqual({
      code: 'INVALID_ARGUMENT',
      details:
        'tunnels[0].reverse_params.encap_type: the peer is reached over IPv4, this gateway encapsulates in IPv6',
    });
    expect(await ask(four, { virtDestination: vip(3) })).toEqual({
      code: 'INVALID_ARGUMENT',
      details:
        'tunnels[0].reverse_params.encap_type: the peer is reached over IPv6, this gateway encapsulates in IPv4',
    });
    expect((await ask(six)).code).toBe('OK');
    expect((await ask(four, { virtDestination: vip(3), underlayIp: V4 })).code).toBe('OK');
    expect((await ask(transport, { virtDestination: vip(4), underlayIp: V4 })).code).toBe('OK');
    expect((await ask(transport, { virtDestination: vip(4) })).code).toBe('OK');
    expect(six.gateway.view().refused).toEqual({ INVALID_ARGUMENT: 1 });
  });

  test('a cookie is refused by a gateway without them, but for the one that DOCA’s application always names', async () => {
    const [without, withCookies] = [await net.start(1, [2]), await net.start(3, [2], { cookies: true })];
    expect(await ask(without, { cookie: 1n })).toEqual({
      code: 'INVALID_ARGUMENT',
      details: 'tunnels[0].reverse_params.virt_cookie: this gateway runs without cookies (--cookie)',
    });
    expect((await ask(without, { cookie: 0n })).code).toBe('OK');
    expect((await ask(without, { cookie: 0x7788_99aa_bbcc_ddeen })).code).toBe('OK');
    expect((await ask(withCookies, { virtDestination: vip(3), cookie: 1n })).code).toBe('OK');
  });
});

describe('what peers may claim of the underlay', () => {
  test('is none of our own addresses, the uplink’s of either family and the service’s', async () => {
    const six = await net.start(1, [2]);
    const four = await net.start(3, [2], { outerFamily: 4, localPip: parseIp('203.0.113.99') });
    const details = async (to: TestNode, underlayIp: string) =>
      (await ask(to, { virtDestination: vip(to.number), underlayIp })).details;
    expect(await details(six, '2001:db8::1')).toContain("is this gateway's own");
    for (const ip of ['203.0.113.3', '203.0.113.99', '10.0.0.3']) {
      expect(await details(four, ip)).toContain("is this gateway's own");
    }
    expect(await details(four, '203.0.113.1')).toBe('');
  });

  test('is of the prefixes that are configured for the peer, if any', async () => {
    const peerWith = (underlay: string[]): PeerOptions => ({
      serviceAddress: serviceOf(2),
      virtualIps: [vip(2)],
      underlay: underlay.map(parsePrefix),
    });
    const a = await net.start(1, [], { peers: [peerWith(['2001:db8:7::/48'])] });
    expect((await ask(a)).code).toBe('PERMISSION_DENIED');
    expect((await ask(a, { underlayIp: '2001:db8:7::1' })).code).toBe('OK');
    expect(a.gateway.view().underlay).toMatchObject({ refused: { prefix: 1 }, watched: 0 });
  });
});

describe('DHCP', () => {
  const discover = () => {
    const message = buildDhcp({
      operation: BOOT_REQUEST,
      type: DHCP_DISCOVER,
      transactionId: 77,
      clientMac: macFromOctets(WORKLOAD_MAC),
    });
    const packet = buildIpv4Packet({
      source: '0.0.0.0' as Ipv4Address,
      destination: '255.255.255.255' as Ipv4Address,
      protocol: 17,
      ttl: 64,
      payload: buildUdp(68, 67, message),
    });
    setUdpChecksum(packet, 0, 4, IPV4_HEADER_OCTETS_MIN);
    return Uint8Array.from([...new Array(6).fill(0xff), ...WORKLOAD_MAC, 8, 0, ...packet]);
  };

  test('offers the workload its address, of a router whose address is neither its own nor a peer’s', async () => {
    const a = await net.start(1, [2, 3]);
    a.workload.inject([discover()]);
    await net.run(10);
    const [answer] = a.workload.takeSent();
    expect(macFromOctets(answer!.subarray(6))).toBe('02:00:00:00:01:01');
    const offer = parseDhcp(answer!.subarray(14 + 20 + 8));
    expect(offer).toMatchObject({ serverId: vip(4), transactionId: 77 });
    expect(Buffer.from(answer!.subarray(14 + 20 + 8 + 16, 14 + 20 + 8 + 20))).toEqual(
      Buffer.from([192, 168, 1, 1]),
    );
    expect(a.gateway.view().slowPath.answeredDhcp).toBe(1);
  });

  test('offers nothing to a workload without an IPv4 address', async () => {
    const onlyIpv6 = withPorts((port) =>
      port.workload === undefined
        ? port
        : { ...port, workload: { ...port.workload, addresses: [vip(1, 6)] } },
    );
    const a = await net.start(1, [2], { wrapHal: onlyIpv6 });
    a.workload.inject([discover()]);
    await net.run(10);
    expect(a.workload.takeSent()).toEqual([]);
    expect(a.gateway.view().slowPath.answeredDhcp).toBe(0);
  });
});

test('who is given every packet that comes to the CPU is told why it came', async () => {
  const seen: string[] = [];
  const a = await net.start(1, [2], { onReceived: (why, frame) => seen.push(`${why} ${frame.length > 0}`) });
  await net.start(2, [1]);
  net.send(a, 2, [1]);
  await net.run(50);
  expect(seen).toEqual(['left to the CPU true']);
});

test('a peer may ask at once for all of its sessions twice over, and then for no more than its rate', async () => {
  const limits = { tunnelsPerPeerPerSecond: 1 };
  const a = await net.start(1, [2], { maxTunnels: 2, limits });
  const codes: string[] = [];
  for (let i = 0; i < 5; i++) codes.push((await ask(a, { spi: 100 + i })).code);
  expect(codes).toEqual(['OK', 'OK', 'OK', 'OK', 'RESOURCE_EXHAUSTED']);
  expect(a.gateway.view().refusedOverBudget).toBe(1);
});

test('a peer may ask for rotations where it proves who it is', async () => {
  for (const insecure of [false, true]) {
    const a = await net.start(insecure ? 1 : 3, [2], { insecure });
    expect(a.gateway.view().peers.map(({ mayRotate }) => mayRotate)).toEqual([!insecure]);
  }
});

test.each([true, false])(
  'keys are in the log where that is asked for, and nowhere else: %s',
  async (debugKeys) => {
    const a = await net.start(1, [2], { debugKeys });
    await net.start(2, [1]);
    net.send(a, 2, [1]);
    await net.run(50);
    const lines = a.logs.filter(({ message }) => message.startsWith('key '));
    const keys = lines.map(({ fields }) => String(fields!.key));
    expect(keys.length > 0).toBe(debugKeys);
    for (const key of keys) expect(key).toMatch(/^[0-9a-f]{64}$/);
    const spis = lines.map(({ fields }) => fields!.spi);
    const { ingressSpis, egressSpi } = a.gateway.view().sessions[0]!;
    if (debugKeys) expect(spis).toEqual(expect.arrayContaining([...ingressSpis, egressSpi]));
  },
);

test('a gateway tells that it has started, over what, where it listens, and for how many peers', async () => {
  const a = await net.start(1, [2, 3]);
  expect(a.logs.filter(({ message }) => message === 'gateway started')).toEqual([
    {
      level: 'info',
      message: 'gateway started',
      fields: { hal: 'sim', service: '10.0.0.1 port 3000', peers: 2 },
    },
  ]);
  expect(a.gateway.serviceAddress).toEqual(serviceOf(1));
});

describe('a gateway that has stopped', () => {
  test('calls neither its device nor its peers any more, whatever it was about to do', async () => {
    let stopped = false;
    const late: string[] = [];
    const note = <T extends object>(of: T): T =>
      new Proxy(of, {
        get: (target, name) => {
          const value: unknown = Reflect.get(target, name);
          if (typeof value !== 'function') return value;
          return (...args: unknown[]) => {
            if (stopped) late.push(String(name));
            return value.apply(target, args) as unknown;
          };
        },
      });
    const saved: string[] = [];
    const peers: PeerOptions[] = [2, 3].map((number) => ({
      serviceAddress: serviceOf(number),
      virtualIps: [vip(number)],
    }));
    const a = await net.start(1, [], {
      peers,
      // Node 3 is not there: it is asked for, and asked for.
      staticTunnels: vip(1),
      limits: { rotationPeriodMs: 20_000, sessionIdleS: 10, rekeyGraceMs: 8_000 },
      wrapHal: (hal) => note(delegateHal(hal, {})),
      wrapTransport: note,
      state: {
        load: async () => undefined,
        save: async (text) => {
          if (stopped) late.push('save');
          saved.push(text);
        },
        isThere: async () => true,
      },
    });
    await net.start(2, [1]);
    await net.run(5_000);
    net.send(a, 3, [1]);
    await Promise.all([a.gateway.rekey(vip(2)), net.run(2_000)]);
    expect(a.gateway.view().spisRetiring).toBeGreaterThan(0);
    expect(a.gateway.view().underlay.watched).toBeGreaterThan(0);
    const stopping = a.gateway.stop();
    expect(a.gateway.stop()).toBe(stopping);
    await stopping;
    await a.gateway[Symbol.asyncDispose]();
    stopped = true;
    expect(saved.length).toBeGreaterThan(0);
    const { events, logs } = a;
    const before = [events.length, logs.length];
    await net.run(3_600_000);
    expect(late).toEqual([]);
    expect([events.length, logs.length]).toEqual(before);
    // It says of nothing that it has failed.
    expect(logs.filter(({ level }) => level === 'error')).toEqual([]);
    net.nodes.delete(1);
  });
});
