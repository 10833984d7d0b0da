/** What an insider does, act by act, against a gateway that the test plays. */
import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../../../src/base/random.js';
import { createVirtualClock } from '../../../../src/base/virtual-clock.js';
import {
  decodeAnnouncement,
  encodeAnnouncementAnswer,
} from '../../../../src/gateway/rpc/announcement-messages.js';
import { MemoryNetwork } from '../../../../src/gateway/rpc/memory-transport.js';
import { RpcError, type RpcMethod } from '../../../../src/gateway/rpc/transport.js';
import {
  decodeKeyRotationRequest,
  decodeMultiTunnelRequest,
  decodeMultiTunnelResponse,
  decodeNewTunnelRequest,
  encodeKeyRotationResponse,
  encodeMultiTunnelRequest,
  encodeMultiTunnelResponse,
  encodeNewTunnelResponse,
  type TunnelParameters,
  type TunnelsRequest,
} from '../../../../src/gateway/rpc/tunnel-messages.js';
import { parseIp, parseMac } from '../../../../src/packet/address.js';
import { ETHER_TYPE_ARP, ETHER_TYPE_IPV6, etherType } from '../../../../src/packet/ethernet.js';
import { claimsToBeSegmentMessage, readSegmentMessage } from '../../../../src/packet/segment.js';
import { opensslEngine } from '../../../../src/psp/aead-openssl.js';
import { decapsulate } from '../../../../src/psp/decapsulate.js';
import { pspSpi } from '../../../../src/psp/header.js';
import { INSIDER_ACT_NAMES, type InsiderAct } from '../../../../src/topology/nodes/insider/acts.js';
import type { InsiderTarget } from '../../../../src/topology/nodes/insider/context.js';
import { Insider } from '../../../../src/topology/nodes/insider/insider.js';
import { addressOf, locatePsp } from '../../../../src/topology/packets.js';
import { CapturePort } from '../../../../src/verify/capture-port.js';
import { ANYBODY } from '../../../support/doorkeepers.js';
import { serviceOf } from '../../../support/topologies.js';

const ip = parseIp;
const target = (n: number): InsiderTarget => ({
  name: `h${n}`,
  serviceAddress: serviceOf(n),
  mac: parseMac(`02:00:00:00:00:0${n}`),
  workloadMac: parseMac(`02:00:00:00:01:0${n}`),
  underlay: [ip(`2001:db8::${n}`)],
  outerFamily: 6,
  mode: 'tunnel',
  virtualIps: [ip(`192.168.1.${n}`), ip(`fd00::${n}`)],
});
const OWN = [ip('192.168.1.9'), ip('fd00::9')];

/** An insider among two gateways, which grant what is asked for, under SPI 1, 2, ... */
async function play(does: readonly InsiderAct[], acts = 40, { grants = true, seed = 1, spoofs = true } = {}) {
  const clock = createVirtualClock();
  const network = new MemoryNetwork({ clock });
  const uplink = new CapturePort('p0', 1500);
  const targets = [target(1), target(2)];
  const insider = new Insider({
    plan: {
      kind: 'insider',
      name: 'm',
      serviceAddress: serviceOf(9),
      uplinkMac: parseMac('02:00:00:00:00:09'),
      underlay: { ipv6: ip('2001:db8::9') },
      addresses: OWN,
      silent: false,
      spoofs,
    },
    clock,
    random: seededRandom(seed),
    uplink,
    transport: network.transport(serviceOf(9)),
    targets,
    nextHop: () => undefined,
  });
  await insider.start();
  const requests: {
    method: RpcMethod;
    octets: Uint8Array;
    asked?: TunnelsRequest;
    issueNewKeys?: boolean;
  }[] = [];
  const keys = new Map<number, Uint8Array>();
  let spi = 0;
  const offer = (): TunnelParameters => {
    const key = new Uint8Array(16).fill(++spi);
    keys.set(spi, key);
    const { mac, underlay } = target(1);
    return { mac, underlayIp: underlay[0]!, pspVersion: 0, spi, key, cookie: 0n };
  };
  const transports = [1, 2].map((n) => network.transport(serviceOf(n)));
  for (const [i, transport] of transports.entries()) {
    await transport.listen(
      serviceOf(i + 1),
      async (method, octets) => {
        if (method === 'RequestKeyRotation') {
          const { requestId, issueNewKeys } = decodeKeyRotationRequest(octets);
          requests.push({ method, octets, issueNewKeys });
          return encodeKeyRotationResponse(requestId);
        }
        if (method === 'Announce') {
          requests.push({ method, octets });
          return encodeAnnouncementAnswer({ sessions: 0 });
        }
        const single = method === 'RequestTunnelParams';
        const asked = single ? decodeNewTunnelRequest(octets) : decodeMultiTunnelRequest(octets);
        requests.push({ method, octets, asked });
        if (!grants) throw new RpcError('PERMISSION_DENIED', 'no');
        return single
          ? encodeNewTunnelResponse(asked.requestId, offer())
          : encodeMultiTunnelResponse(asked.requestId, asked.tunnels.map(offer));
      },
      ANYBODY,
    );
  }
  const done = insider.run(does, 10, acts * 100);
  await clock.advance(acts * 100);
  const tunnels = () => requests.flatMap(({ asked }) => asked?.tunnels ?? []);
  /** What it has sent, opened with the keys that it was given. */
  const sent = () =>
    uplink.takeSent().map((frame) => {
      const psp = locatePsp(frame);
      const key = psp && keys.get(pspSpi(frame, psp.at));
      if (key === undefined) return { frame };
      const opened = decapsulate(frame, {
        engine: opensslEngine,
        deriveKeyInto: (_, __, out, offset) => out.set(key, offset),
      });
      if (!('frame' in opened)) return { frame };
      const family = opened.frame[12] === 8 ? 4 : 6;
      return {
        frame,
        source: addressOf(opened.frame, family, 'source'),
        to: addressOf(opened.frame, family, 'destination'),
      };
    });
  /** Gateway 1 asks it for a tunnel. */
  const askIt = async () => {
    const request = encodeMultiTunnelRequest('3.x', {
      requestId: 5n,
      versionsAccepted: [0],
      tunnels: [{ virtSource: ip('192.168.1.1'), virtDestination: OWN[0]!, reverse: offer() }],
    });
    const answer = transports[0]!
      .call(serviceOf(9), 'RequestMultipleTunnelParams', request, { deadlineMs: 5000 })
      .then((octets) => decodeMultiTunnelResponse(octets, 1)[0]!.underlayIp as string)
      .catch((error: RpcError) => error.code);
    await clock.advance(10_000);
    return answer;
  };
  return { insider, clock, uplink, requests, tunnels, sent, askIt, done };
}

describe('asking', () => {
  test('ask: its own tunnels, in every dialect, with a way back and without', async () => {
    const { requests, tunnels, insider } = await play(['ask'], 100);
    expect(new Set(requests.map(({ method }) => method))).toEqual(
      new Set(['RequestMultipleTunnelParams', 'RequestTunnelParams']),
    );
    for (const { virtSource, reverse } of tunnels()) {
      expect(OWN).toContain(virtSource);
      if (reverse !== undefined) expect(reverse.underlayIp).toBe('2001:db8::9');
    }
    expect(new Set(tunnels().map(({ reverse }) => reverse === undefined)).size).toBe(2);
    expect(insider.counters.granted).toBeGreaterThan(80);
  });

  test('batch: more tunnels in a request than there are pairs', async () => {
    const { requests } = await play(['batch']);
    expect(Math.max(...requests.map(({ asked }) => asked!.tunnels.length))).toBeGreaterThan(200);
  });

  test("claim: in another peer's name", async () => {
    const { tunnels, insider } = await play(['claim'], 40, { grants: false });
    expect(tunnels().length).toBeGreaterThan(30);
    for (const { virtSource } of tunnels()) expect(OWN).not.toContain(virtSource);
    expect(insider.counters.refused).toBeGreaterThan(30);
  });

  test('redirect: a way back to nobody, everybody, the gateway itself and a third party', async () => {
    const { tunnels } = await play(['redirect'], 200);
    const ways = new Set(tunnels().map(({ reverse }) => reverse!.underlayIp as string));
    for (const there of ['::', '::1', 'ff02::1', '2001:db8::1', '2001:db8::2']) expect(ways).toContain(there);
    expect(ways).not.toContain('2001:db8::9');
  });

  test('rotate: with new keys and without', async () => {
    const { requests } = await play(['rotate']);
    expect(new Set(requests.map(({ issueNewKeys }) => issueNewKeys))).toEqual(new Set([true, false]));
  });

  test('usurp: a rotation without new keys, then tunnels, and packets under their SPIs as everybody else', async () => {
    const { requests, sent } = await play(['usurp'], 30);
    const methods = requests.map(({ method }) => method);
    expect(methods[0]).toBe('RequestKeyRotation');
    expect(new Set(requests.flatMap(({ issueNewKeys }) => issueNewKeys ?? []))).toEqual(new Set([false]));
    expect(methods.filter((method) => method !== 'RequestKeyRotation').length).toBeGreaterThan(5);
    const packets = sent();
    expect(packets.length).toBeGreaterThan(20);
    for (const { source } of packets) expect(OWN).not.toContain(source);
  });

  test('abandon: requests that it hangs up on before they are answered, and after', async () => {
    const { requests, insider } = await play(['abandon'], 100);
    const { asked, granted, refused } = insider.counters;
    expect(asked).toBe(100);
    expect(granted).toBeGreaterThan(10);
    expect(refused).toBeGreaterThan(10);
    expect(granted + refused).toBe(asked);
    expect(requests.length).toBeGreaterThan(granted);
  });

  test('announce: a start that was none, and packets that do not get in', async () => {
    const { requests } = await play(['announce']);
    const said = requests.map(({ method, octets }) => {
      expect(method).toBe('Announce');
      return decodeAnnouncement(octets);
    });
    expect(new Set(said.map(({ packetsFail }) => packetsFail)).size).toBe(2);
    expect(new Set(said.map(({ ageMs }) => ageMs)).size).toBeGreaterThan(10);
    expect(new Set(said.map(({ servicePort }) => servicePort))).toEqual(new Set([3000]));
  });

  test('replay: the same octets again', async () => {
    const { requests } = await play(['ask', 'replay'], 100);
    expect(new Set(requests.map(({ octets }) => Buffer.from(octets).toString('hex'))).size).toBeLessThan(
      requests.length,
    );
  });
});

describe('sending', () => {
  test('send: as itself, under old keys too', async () => {
    const { sent } = await play(['ask', 'send'], 100);
    const packets = sent();
    expect(packets.length).toBeGreaterThan(20);
    for (const { source } of packets) expect(OWN).toContain(source);
  });

  test('smuggle: ARP and neighbor discovery with something else in them', async () => {
    const { uplink, insider } = await play(['smuggle'], 20);
    const frames = uplink.takeSent();
    expect(frames.length).toBe(insider.counters.smuggled);
    expect(new Set(frames.map(etherType))).toEqual(new Set([ETHER_TYPE_ARP, ETHER_TYPE_IPV6]));
    for (const frame of frames) {
      expect(claimsToBeSegmentMessage(frame)).toBe(true);
      expect(typeof readSegmentMessage(frame)).toBe('string');
    }
  });

  test("impersonate: under keys that it was given, from others' addresses", async () => {
    const { sent, insider } = await play(['ask', 'impersonate'], 100);
    const packets = sent();
    for (const { source } of packets) expect(OWN).not.toContain(source);
    expect(insider.counters.impersonating).toBe(packets.length);
    expect(packets.length).toBeGreaterThan(100);
  });

  test("flood: under nobody's keys, from addresses that it has and has not", async () => {
    const { sent, insider } = await play(['flood'], 10);
    const frames = sent();
    expect(frames).toHaveLength(200);
    expect(frames.every(({ source }) => source === undefined)).toBe(true);
    const from = new Set(frames.map(({ frame }) => addressOf(frame, 6, 'source') as string));
    for (const one of ['2001:db8::9', '2001:db8::1', '2001:db8::2']) expect(from).toContain(one);
    expect(from.size).toBeGreaterThan(10);
    expect(insider.counters.sent).toBe(200);
  });

  test('where it may not spoof, from its own address only', async () => {
    const { sent } = await play(['flood', 'ask', 'send', 'impersonate'], 60, { spoofs: false });
    const from = new Set(sent().map(({ frame }) => addressOf(frame, 6, 'source')));
    expect([...from]).toEqual(['2001:db8::9']);
  });
});

describe('answering', () => {
  test('as an honest peer, while it does not act and after it', async () => {
    const { askIt, done } = await play(['stall']);
    await done;
    expect(await askIt()).toBe('2001:db8::9');
  });

  test('stall: never, late, with a refusal or with rubbish', async () => {
    const outcomes = new Set<string>();
    for (let seed = 1; seed < 12; seed++) {
      const { insider, askIt } = await play(['ask'], 1, { seed });
      void insider.run(['stall'], 10, 60_000);
      outcomes.add(await askIt());
    }
    expect([...outcomes].sort()).toEqual([
      '2001:db8::9',
      'DEADLINE_EXCEEDED',
      'INVALID_ARGUMENT',
      'UNAVAILABLE',
    ]);
  });

  test("lie: with somebody else's address", async () => {
    const { insider, askIt } = await play(['ask'], 1);
    void insider.run(['lie'], 10, 60_000);
    expect(await askIt()).not.toBe('2001:db8::9');
  });
});

test('whatever it does follows from its seed', async () => {
  const all = async (seed: number) => {
    const { sent, requests } = await play(INSIDER_ACT_NAMES, 100, { seed });
    return JSON.stringify([sent().map(({ frame }) => [...frame]), requests.map(({ octets }) => [...octets])]);
  };
  const one = await all(7);
  expect(await all(7)).toBe(one);
  expect(await all(8)).not.toBe(one);
});
