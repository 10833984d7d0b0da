import { describe, expect, test } from 'vitest';
import type { GatewayEvent, Pair } from '../../../src/gateway/events.js';
import type { PipeProgram } from '../../../src/hal/program.js';
import { parseIp } from '../../../src/packet/address.js';
import { NodeLedger } from '../../../src/topology/ledger.js';
import type { IncarnationSnapshot } from '../../../src/topology/nodes/incarnation.js';

const pair = (remote = 2, local = 1): Pair => ({
  localVip: parseIp(`192.168.1.${local}`),
  remoteVip: parseIp(`192.168.1.${remote}`),
});
const miss = (p: Pair): GatewayEvent => ({ type: 'miss', waiting: 1, ...p });
const opened = (p: Pair): GatewayEvent => ({ type: 'ingress-opened', spi: 1, ...p });
const installed = (p: Pair): GatewayEvent => ({ type: 'egress-installed', spi: 1, cryptoId: 1, ...p });
const removed = (p: Pair): GatewayEvent => ({ type: 'session-removed', peer: 'h2', ...p });

function ledgerOf(...events: (readonly [number, GatewayEvent])[]): NodeLedger {
  const ledger = new NodeLedger();
  for (const [atMs, event] of events) ledger.onEvent(event, atMs);
  return ledger;
}

const SNAPSHOT: IncarnationSnapshot = {
  counts: { psp: { txPackets: 5 }, fates: { in: 7, drop: 2 }, slowPath: { missed: 1 } },
  held: { sessions: 0, keySlotsUsed: 0 },
  leaks: [],
  pipeCounters: new Map([['A/total', { packets: 3n, octets: 30n }]]),
  program: { pipes: [] } as unknown as PipeProgram,
};

describe('the time that a tunnel takes', () => {
  test('is from its first packet, or its first SPI, to the way out', () => {
    expect(ledgerOf([10, miss(pair())], [11, opened(pair())], [14, installed(pair())]).setUpMs).toEqual([4]);
    expect(ledgerOf([10, opened(pair())], [12, miss(pair())], [14, installed(pair())]).setUpMs).toEqual([4]);
    expect(ledgerOf([5, installed(pair())]).setUpMs).toEqual([0]);
  });

  test('is each pair’s own', () => {
    const ledger = ledgerOf(
      [0, miss(pair(2))],
      [1, miss(pair(3))],
      [2, miss(pair(2, 9))],
      [5, installed(pair(3))],
      [7, installed(pair(2))],
      [9, installed(pair(2, 9))],
    );
    expect(ledger.setUpMs).toEqual([4, 7, 7]);
    expect(ledger.events.egressUpdates).toBe(0);
  });

  test('another key for a tunnel that is there is an update, however it came to it', () => {
    const ledger = ledgerOf(
      [0, miss(pair())],
      [1, installed(pair())],
      [2, installed(pair())],
      [3, opened(pair())],
      [3, miss(pair())],
      [4, installed(pair())],
    );
    expect([ledger.setUpMs, ledger.events.egressUpdates]).toEqual([[1], 2]);
  });

  test('a session that was removed, or an incarnation that ended, begins anew', () => {
    const ledger = ledgerOf([0, miss(pair())], [1, installed(pair())], [2, removed(pair())]);
    ledger.onEvent(miss(pair()), 10);
    ledger.onEvent(installed(pair()), 15);
    ledger.close(SNAPSHOT);
    ledger.onEvent(miss(pair()), 20);
    ledger.onEvent(installed(pair()), 27);
    expect([ledger.setUpMs, ledger.events.egressUpdates]).toEqual([[1, 5, 7], 0]);
  });
});

test('requests, rotations and static tunnels are counted as they are reported', () => {
  const peer = '10.0.0.2:3000';
  const ledger = ledgerOf(
    ...(
      [
        { type: 'request-sent', peer, tunnels: 1, method: 'M' },
        { type: 'request-sent', peer, tunnels: 1, method: 'M' },
        { type: 'request-sent', peer, tunnels: 1, method: 'M' },
        { type: 'request-answered', peer, tunnels: 1 },
        { type: 'request-answered', peer, tunnels: 1 },
        { type: 'request-failed', peer, reason: 'late' },
        ...Array.from({ length: 5 }, () => ({ type: 'request-received', from: peer, tunnels: 1 }) as const),
        ...Array.from({ length: 4 }, () => ({ type: 'request-granted', from: peer, tunnels: 1 }) as const),
        { type: 'rotated', rotations: 1, spisGiven: 9 },
        { type: 'rotated', rotations: 2, spisGiven: 9 },
        { type: 'static-tunnels-up', tunnels: 3 },
        { type: 'resubmitted', packets: 1, ...pair() },
      ] satisfies GatewayEvent[]
    ).map((event) => [0, event] as const),
  );
  expect(ledger.rpcs).toEqual({ asked: 3, answered: 2, failed: 1, received: 5, granted: 4 });
  expect([ledger.events.rotations, ledger.staticTunnelsUp, ledger.events.egressUpdates]).toEqual([2, 1, 0]);
});

test('what incarnations have counted is added up, name by name; the program is that of the last', () => {
  const ledger = new NodeLedger();
  const program = { pipes: ['another'] } as unknown as PipeProgram;
  ledger.close(SNAPSHOT);
  ledger.close({
    ...SNAPSHOT,
    counts: { psp: { txPackets: 10, rxBad: 1 }, fates: { in: 1 }, slowPath: { missed: 4, tooBig: 2 } },
    pipeCounters: new Map([
      ['A/total', { packets: 1n, octets: 10n }],
      ['B/total', { packets: 2n, octets: 20n }],
    ]),
    program,
  });
  expect(ledger.counts.psp).toEqual({ txPackets: 15, rxBad: 1 });
  expect(ledger.counts.fates).toEqual({ in: 8, drop: 2 });
  expect(ledger.counts.slowPath).toEqual({ missed: 5, tooBig: 2 });
  expect([...ledger.pipeCounters]).toEqual([
    ['A/total', { packets: 4n, octets: 40n }],
    ['B/total', { packets: 2n, octets: 20n }],
  ]);
  expect(ledger.program).toBe(program);
});
