/** What is exposed of gateways between which packets went, and that the table of metrics keeps Prometheus' conventions. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  DOOR_REFUSAL_TEXTS,
  type DoorView,
  type ToldOneByOne,
} from '../../../src/gateway/doors/door-view.js';
import type { GatewaySummary } from '../../../src/gateway/view.js';
import { EventCounts } from '../../../src/metrics/event-counts.js';
import { expose, formatFor } from '../../../src/metrics/exposition.js';
import type { Scrape } from '../../../src/metrics/metric.js';
import { METRICS } from '../../../src/metrics/metrics.js';
import { PEERS_MAX } from '../../../src/metrics/session-metrics.js';
import { declaredIn, samplesOf } from '../../support/exposition.js';
import { TestNetwork, type TestNode } from '../../support/gateways.js';

let net: TestNetwork;
beforeEach(() => {
  net = new TestNetwork();
});
afterEach(() => net.stopAll());

async function scrapeOf({ gateway, events }: TestNode, changes: Partial<Scrape> = {}): Promise<Scrape> {
  const counts = new EventCounts(() => net.clock.nowMs());
  for (const event of events) counts.onEvent(event);
  return {
    gateway: gateway.summary(),
    device: await gateway.deviceCounters(),
    events: counts,
    program: {
      version: '1.2.3',
      startedAtS: 5,
      cpuS: 0.25,
      residentOctets: 1024,
      loopIterations: undefined,
      logLinesLost: 3,
      captures: { captures: 1n, capturesRefused: 2n, capturePacketsLeftOut: 9n },
    },
    connectionsRefused: 2,
    perPeer: false,
    ...changes,
  };
}

const textOf = async (node: TestNode, changes?: Partial<Scrape>) =>
  expose(await scrapeOf(node, changes), [], 'prometheus');

describe('what is exposed', () => {
  test('are the numbers of packets, sessions, keys and events', async () => {
    const a = await net.start(1, [2]);
    await net.start(2, [1]);
    net.send(a, 2, [1, 2, 3]);
    await net.run(100);
    net.send(a, 2, [4, 5]);
    net.send(a, 9, [1]);
    await net.run(100);
    await a.gateway.rotateMasterKey(true);
    await net.run(100);
    const samples = samplesOf(await textOf(a));
    const expected = {
      psp_gateway_tx_packets_total: 5,
      psp_gateway_tx_bytes_total: 5 * (20 + 64),
      psp_gateway_rx_packets_total: 0,
      'psp_gateway_pipe_hit_packets_total{pipe="EGR_ACL_IPV4"}': 5,
      'psp_gateway_pipe_hit_bytes_total{pipe="EGR_ACL_IPV4"}': 5 * (14 + 20 + 64),
      'psp_gateway_pipe_miss_packets_total{pipe="EGR_ACL_IPV4"}': 4,
      'psp_gateway_entry_packets_total{pipe="EMPTY",entry="ipv4-resubmitted"}': 3,
      'psp_gateway_dropped_packets_total{direction="out",reason="no-peer"}': 1,
      'psp_gateway_sessions{state="established"}': 1,
      'psp_gateway_sessions{state="requesting"}': 0,
      psp_gateway_sessions_limit: 256,
      'psp_gateway_tunnels_established_total{asked_by="us"}': 1,
      'psp_gateway_tunnels_rekeyed_total{asked_by="us"}': 1,
      psp_gateway_key_slots_used: a.gateway.view().keySlotsUsed,
      psp_gateway_key_slots_limit: 512,
      psp_gateway_spis_used: 1,
      psp_gateway_rotations_total: 1,
      psp_gateway_key_rotations_total: 1,
      psp_gateway_missed_packets_total: 4,
      psp_gateway_missed_packets_waiting: 0,
      psp_gateway_missed_packets_limit: 1024,
      'psp_gateway_peers{state="answering"}': 1,
      'psp_gateway_limit_refusals_total{limit="metrics-connections"}': 2,
      'psp_gateway_info{version="1.2.3",hal="sim"}': 1,
      psp_gateway_device_up: 1,
      psp_gateway_log_lines_lost_total: 3,
      psp_gateway_captures: 1,
      psp_gateway_captures_refused_total: 2,
      psp_gateway_capture_packets_left_out_total: 9,
      process_resident_memory_bytes: 1024,
    };
    expect(Object.fromEntries(Object.keys(expected).map((key) => [key, samples.get(key)]))).toEqual(expected);
    const rotatedS = samples.get('psp_gateway_last_rotation_timestamp_seconds')!;
    expect(rotatedS).toBeGreaterThan(net.clock.nowMs() / 1000 - 0.3);
    expect(rotatedS).toBeLessThanOrEqual(net.clock.nowMs() / 1000);
  });

  test('has no value for what is not known, and declares it all the same', async () => {
    const node = await net.start(1, [2]);
    const { psp, ...counters } = await node.gateway.deviceCounters();
    const cannotTell = { ...counters, psp: { ...psp, rxBad: null } };
    const unknown = await textOf(node, { device: undefined });
    for (const text of [unknown, await textOf(node, { device: cannotTell })]) {
      const names = [...samplesOf(text).keys()].map((key) => key.replace(/\{.*/, ''));
      expect(names).not.toContain('psp_gateway_rx_bad_total');
      expect(names).not.toContain('psp_gateway_last_rotation_timestamp_seconds');
      expect(names).not.toContain('psp_gateway_event_loop_iterations_total');
      expect(names).not.toContain('psp_gateway_certificate_expiry_timestamp_seconds');
      expect(declaredIn(text)).toContain('psp_gateway_rx_bad_total');
    }
    const samples = samplesOf(unknown);
    expect(samples.get('psp_gateway_device_up')).toBe(0);
    expect([...samples.keys()].filter((key) => /^psp_gateway_(rx|tx|pipe|entry)_/.test(key))).toEqual([]);
    expect(samples.get('psp_gateway_dropped_packets_total{direction="out",reason="no-peer"}')).toBe(0);
  });

  test('a sum below zero, as of a device that counts other octets, is not exposed', async () => {
    const node = await net.start(1, [2]);
    const { psp, ...counters } = await node.gateway.deviceCounters();
    const text = await textOf(node, { device: { ...counters, psp: { ...psp, txBytes: -1n } } });
    expect(samplesOf(text).has('psp_gateway_tx_bytes_total')).toBe(false);
  });

  test('of single peers only where it was asked for, and of so many', async () => {
    const a = await net.start(1, [2]);
    await net.start(2, [1]);
    net.send(a, 2, [1]);
    await net.run(100);
    const none = await textOf(a);
    expect(none).not.toContain('10.0.0.2');
    expect(declaredIn(none).filter((name) => name.startsWith('psp_gateway_peer_'))).toEqual([]);
    const samples = samplesOf(await textOf(a, { perPeer: true }));
    const of = (name: string) => samples.get(`psp_gateway_peer_${name}{peer="10.0.0.2:3000"}`);
    expect([of('established_sessions'), of('sessions'), of('up'), of('failures')]).toEqual([1, 1, 1, 0]);
    expect(of('last_authenticated_packet_timestamp_seconds')).toBeUndefined();

    const [peer] = a.gateway.summary().peers;
    const many = (count: number): GatewaySummary => ({
      ...a.gateway.summary(),
      peers: Array.from({ length: count }, (_, i) => ({ ...peer!, name: `peer ${i}` })),
    });
    for (const [count, leftOut] of [
      [PEERS_MAX, 0],
      [PEERS_MAX + 1, 1],
    ] as const) {
      const text = await textOf(a, { perPeer: true, gateway: many(count) });
      const keys = [...samplesOf(text).keys()];
      expect(keys.filter((key) => key.startsWith('psp_gateway_peer_up{'))).toHaveLength(PEERS_MAX);
      expect(samplesOf(text).get('psp_gateway_peers_left_out')).toBe(leftOut);
    }
  });

  test('every refusal of the doors is counted, as of a limit or of a caller', async () => {
    const node = await net.start(1, [2]);
    const others: Readonly<Record<ToldOneByOne, true>> = {
      handshakeFailures: true,
      untrusted: true,
      notPeers: true,
    };
    const names = Object.keys({ ...DOOR_REFUSAL_TEXTS, ...others });
    expect(names.length).toBeGreaterThan(10);
    const doors: Record<string, unknown> & { refused: Record<string, number> } = { refused: {} };
    for (const [i, name] of names.entries()) {
      const [, why] = /^refused\.(.+)$/.exec(name) ?? [];
      if (why === undefined) doors[name] = 1000 + i;
      else doors.refused[why] = 1000 + i;
    }
    const gateway = { ...node.gateway.summary(), doors: doors as unknown as DoorView };
    const samples = samplesOf(await textOf(node, { gateway }));
    const counted = [...samples]
      .filter(([key]) => /^psp_gateway_(limit_refusals|refused_callers)_total\{/.test(key))
      .map(([, value]) => value);
    expect(names.filter((_, i) => !counted.includes(1000 + i))).toEqual([]);
  });

  test('when a packet of a peer was last let in is when its counter has last risen', async () => {
    const a = await net.start(1, [2]);
    const b = await net.start(2, [1]);
    const sentMs = net.clock.nowMs();
    net.send(a, 2, [1]);
    await net.run(40_000);
    const [peer] = b.gateway.summary().peers;
    expect(peer!.receivedAtMs).toBeGreaterThan(sentMs);
    expect(peer!.receivedAtMs).toBeLessThan(sentMs + 31_000);
    expect(a.gateway.summary().peers[0]!.receivedAtMs).toBeUndefined();
    const text = await textOf(b, { perPeer: true });
    const key = 'psp_gateway_peer_last_authenticated_packet_timestamp_seconds{peer="10.0.0.1:3000"}';
    expect(samplesOf(text).get(key)).toBeCloseTo(peer!.receivedAtMs! / 1000, 3);
  });

  test('is the same in OpenMetrics, but for its own forms, however often and in which order they are asked for', async () => {
    const node = await net.start(1, [2]);
    const scrape = await scrapeOf(node);
    const { rpcDurations } = scrape.events;
    rpcDurations.observe({ side: 'client', method: 'Announce' }, 0.003);
    const [first, open, second] = [
      await expose(scrape, [rpcDurations], 'prometheus'),
      await expose(scrape, [rpcDurations], 'openmetrics'),
      await expose(scrape, [rpcDurations], 'prometheus'),
    ];
    expect(second).toBe(first);
    expect(open.endsWith('\n# EOF\n')).toBe(true);
    expect(open).toContain('# TYPE psp_gateway_tx_packets counter');
    expect(new Map(samplesOf(open))).toEqual(new Map(samplesOf(first)));
    expect(
      samplesOf(first).get('psp_gateway_rpc_duration_seconds_count{side="client",method="Announce"}'),
    ).toBe(1);
  });
});

describe('the table of metrics', () => {
  test('keeps conventions: prefix, base units, _total of counters alone, a sentence of help', () => {
    const names = METRICS.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const { name, kind, help, labels = [], perPeer } of METRICS) {
      expect(name).toMatch(/^(psp_gateway|process)_[a-z][a-z0-9_]*$/);
      expect(name.endsWith('_total'), name).toBe(kind === 'counter');
      expect(name).not.toMatch(/_(ms|milliseconds|octets|minutes|count|sum|bucket)(_|$)/);
      expect(help, name).toMatch(/^[A-Z`].*[.\d]$/);
      expect(help).not.toContain('\n');
      for (const label of labels) expect(label).toMatch(/^[a-z][a-z_]*$/);
      expect(labels.includes('peer')).toBe(perPeer === true && name !== 'psp_gateway_peers_left_out');
    }
  });
});

describe('the format', () => {
  test.each([
    [undefined, 'prometheus'],
    ['*/*', 'prometheus'],
    ['text/plain', 'prometheus'],
    ['application/openmetrics-text', 'openmetrics'],
    ['text/plain;q=0.5, application/openmetrics-text;version=1.0.0;q=0.75', 'openmetrics'],
    ['text/plain, Application/OpenMetrics-Text; version=0.0.1; q=0.75', 'prometheus'],
    ['application/openmetrics-text;q=0', 'prometheus'],
    ['application/openmetrics-text;q=x, */*;q=0.1', 'prometheus'],
    [
      'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1',
      'openmetrics',
    ],
  ] as const)('of an Accept header %s is %s', (accept, format) => {
    expect(formatFor(accept)).toBe(format);
  });
});
