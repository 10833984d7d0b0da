/**
 * A gateway with a small table between peers and workloads that fill it as they like: whoever loses a place in it, every
 * loss is one that fair-share.ts allows; and when all have been quiet, every pair carries packets again, whoever begins.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { GatewayEvent } from '../../src/gateway/events.js';
import { idsOf, type TestNode } from '../support/gateways.js';
import { HalLedger } from '../support/hal-ledger.js';
import { addressOf, startWide, wideFrame } from '../support/wide-nodes.js';
import type { GatewaysUnderTest } from './gateways.js';

const IDLE_S = 20;
/** Node 1 has the small table and two addresses; the others have six each. */
const ADDRESSES = { 1: 2, 2: 6, 3: 6, 4: 6 };
const PEERS = [2, 3, 4] as const;

const pairArbitrary = fc.record({
  peer: fc.constantFrom(...PEERS),
  address: fc.nat({ max: 5 }),
  local: fc.nat({ max: 1 }),
});

const stepArbitrary = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constantFrom('in' as const, 'out' as const), pair: pairArbitrary }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('burst' as const), peer: fc.constantFrom(...PEERS) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('scan' as const), local: fc.nat({ max: 1 }) }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('busy' as const), seconds: fc.integer({ min: 1, max: 8 }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 10, max: 9000 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('rekey' as const), at: fc.constantFrom(1, 2, 3, 4) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('rotate' as const), at: fc.constantFrom(1, 2, 3, 4) }),
  },
);

/** What a removal is judged by: what was carried, and who held what. */
class Checker {
  readonly wrong: string[] = [];
  readonly #carriedMs = new Map<string, number>();
  /** Sessions that made room for others of their holder, which have not taken their places yet. */
  #replaced: { readonly pair: string; readonly holder: string | undefined }[] = [];

  constructor(
    private readonly nowMs: () => number,
    private readonly capacity: number,
  ) {}

  carried(localVip: string, remoteVip: string): void {
    this.#carriedMs.set(`${localVip} ${remoteVip}`, this.nowMs());
  }

  /** Places have been taken: who has replaced sessions of its own must have wanted more than its share. */
  taken(node: TestNode): void {
    const { sessions } = node.gateway.view();
    const held = new Set(sessions.map((session) => session.holder));
    const share = Math.max(1, Math.floor(this.capacity / held.size));
    for (const { pair, holder } of this.#replaced.splice(0)) {
      const own = sessions.filter((session) => session.holder === holder).length;
      if (own < share) this.wrong.push(`${pair} was replaced within the share of ${holder}`);
    }
  }

  removed(node: TestNode, event: GatewayEvent & { type: 'session-removed' }): void {
    const { reason, holder, localVip, remoteVip } = event;
    if (reason === undefined) return;
    const pair = `${localVip} ${remoteVip}`;
    const { sessions } = node.gateway.view();
    const held = new Set(sessions.map((session) => session.holder));
    const own = sessions.filter((session) => session.holder === holder).length + 1;
    if (holder !== undefined) held.add(holder);
    const quietMs = this.nowMs() - (this.#carriedMs.get(pair) ?? Number.NEGATIVE_INFINITY);
    const isIdle = reason === 'idle' || reason === 'idle-in-full-table';
    if (isIdle && quietMs < IDLE_S * 1000) this.wrong.push(`${pair} was used ${quietMs} ms ago: ${reason}`);
    // Whoever asks may be one more holder, or be there already.
    const leastShare = Math.max(1, Math.floor(this.capacity / (held.size + 1)));
    if (reason === 'above-share' && own <= leastShare)
      this.wrong.push(`${pair} was within the share of ${holder}`);
    if (reason === 'replaced') this.#replaced.push({ pair, holder });
  }
}

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i);

export function describeTables({ network, runs }: GatewaysUnderTest): void {
  test('whoever fills the table, nobody within its share loses a session in use, and nobody is cut off for good', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(),
        fc.integer({ min: 3, max: 12 }),
        fc.constantFrom(0, 10, 20, 60),
        fc.array(stepArbitrary, { minLength: 1, maxLength: 30 }),
        async (seed, capacity, peersIdleS, steps) => {
          const net = network(seed);
          try {
            const ledger = new HalLedger();
            const a = await startWide(net, 1, ADDRESSES, {
              maxTunnels: capacity,
              limits: { sessionIdleS: IDLE_S },
              wrapHal: (hal) => ledger.wrap(hal),
            });
            const nodes = new Map<number, TestNode>([[1, a]]);
            for (const peer of PEERS) {
              nodes.set(
                peer,
                await startWide(net, peer, ADDRESSES, { limits: { sessionIdleS: peersIdleS } }),
              );
            }
            const checker = new Checker(() => net.clock.nowMs(), capacity);
            const push = a.events.push.bind(a.events);
            a.events.push = (...events) => {
              for (const event of events) {
                if (event.type === 'session-removed') checker.removed(a, event);
                else if (event.type === 'ingress-opened') checker.taken(a);
              }
              return push(...events);
            };
            const pairsById: { localVip: string; remoteVip: string }[] = [];
            const send = (direction: 'in' | 'out', peer: number, address: number, local: number): number => {
              const [localVip, remoteVip] = [addressOf(1, local), addressOf(peer, address)];
              const id = pairsById.push({ localVip, remoteVip }) - 1;
              if (direction === 'in') nodes.get(peer)!.workload.inject([wideFrame(remoteVip, localVip, id)]);
              else a.workload.inject([wideFrame(localVip, remoteVip, id)]);
              return id;
            };
            const delivered = (): number[] => {
              const ids = [...nodes.values()].flatMap(({ workload }) => idsOf(workload.takeSent()));
              for (const id of ids) checker.carried(pairsById[id]!.localVip, pairsById[id]!.remoteVip);
              return ids;
            };
            const run = async (ms: number) => {
              for (let left = ms; left > 0; left -= 100) {
                await net.run(Math.min(100, left));
                delivered();
              }
            };
            for (const step of steps) {
              switch (step.kind) {
                case 'in':
                case 'out':
                  send(step.kind, step.pair.peer, step.pair.address, step.pair.local);
                  break;
                case 'burst':
                  for (const address of numbers(6))
                    for (const local of [0, 1]) send('in', step.peer, address, local);
                  break;
                case 'scan':
                  for (const peer of PEERS)
                    for (const address of numbers(6)) send('out', peer, address, step.local);
                  break;
                case 'busy':
                  for (let second = 0; second < step.seconds; second++) {
                    for (const { localVip, remoteVip } of a.gateway.view().sessions) {
                      const [, peer, , address] = remoteVip.split('.').map(Number);
                      send('in', peer!, address! - 1, Number(localVip.split('.')[3]) - 1);
                    }
                    await run(1000);
                  }
                  break;
                case 'wait':
                  await run(step.ms);
                  break;
                case 'rekey':
                  void nodes.get(step.at)!.gateway.rekey();
                  break;
                default:
                  void nodes.get(step.at)!.gateway.rotateMasterKey(true);
              }
              await run(100);
              const { sessions, tables, keySlotsUsed } = a.gateway.view();
              expect(sessions.length).toBeLessThanOrEqual(capacity);
              expect(tables.dormant).toBeLessThanOrEqual(capacity);
              expect(keySlotsUsed).toBeLessThanOrEqual(2 * capacity);
            }
            expect(checker.wrong).toEqual([]);
            // All have been quiet: there is room for everybody, and every way that anybody remembers leads somewhere.
            await run(30_000);
            for (const peer of PEERS) {
              for (const address of numbers(6)) {
                const direction = (seed + address) % 2 === 0 ? 'in' : 'out';
                // A peer that still has a session that is forgotten here learns it by what does not come back.
                let came = false;
                for (let second = 0; second < 100 && !came; second++) {
                  const id = send(direction, peer, address, address & 1);
                  await net.run(1000);
                  came = delivered().includes(id);
                }
                expect(came).toBe(true);
                const back = send(direction === 'in' ? 'out' : 'in', peer, address, address & 1);
                await net.run(200);
                expect(delivered()).toContain(back);
                await run(capacity < 8 ? 26_000 : 5_000);
              }
            }
            expect(checker.wrong).toEqual([]);
            // And nothing is left behind.
            await run(60_000);
            for (const { localVip, remoteVip } of a.gateway.view().sessions) {
              await a.gateway.removeSession(localVip, remoteVip);
            }
            expect(a.gateway.view()).toMatchObject({ keySlotsUsed: 0, sessions: [] });
            expect(ledger.keySlots).toEqual([]);
            expect(ledger.entries.filter((pipe) => pipe.startsWith('EGR_ACL'))).toEqual([]);
            const { dormant } = a.gateway.view().tables;
            expect(ledger.entries.length).toBeLessThanOrEqual(4 * dormant);
          } finally {
            await net.stopAll();
          }
        },
      ),
      { numRuns: runs.tables },
    );
  });
}
