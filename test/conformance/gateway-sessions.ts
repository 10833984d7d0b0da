/** Whole gateways on a virtual clock: what holds whatever the order and the fate of packets, requests and answers. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { RpcFate } from '../../src/gateway/rpc/memory-transport.js';
import type { PipeHal } from '../../src/hal/hal.js';
import { type GatewayNetwork, idsOf, type NodeOptions, type TestNode } from '../support/gateways.js';
import { HalLedger } from '../support/hal-ledger.js';
import type { GatewaysUnderTest } from './gateways.js';

const BURSTS_MS = 36;

const numbers = (count: number, from = 0) => Array.from({ length: count }, (_, i) => from + i);

/** A device that takes no more than `atOnce` packets per call. */
const slowTransmit = (atOnce: number) => (hal: PipeHal) =>
  new Proxy(hal, {
    get(target, name) {
      if (name === 'transmit') {
        return (packets: Parameters<PipeHal['transmit']>[0]) => target.transmit(packets.slice(0, atOnce));
      }
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });

const fateArbitrary = fc.record({
  delayMs: fc.oneof(
    fc.double({ min: 0, max: 5, noNaN: true }),
    fc.double({ min: 0, max: 3000, noNaN: true }),
  ),
  lost: fc.option(fc.constantFrom('request' as const, 'response' as const), { nil: undefined, freq: 3 }),
});

const stepArbitrary = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('send' as const), from: fc.constantFrom(1, 2) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('rekey' as const), from: fc.constantFrom(1, 2) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('rotate' as const), from: fc.constantFrom(1, 2) }) },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('wait' as const),
      ms: fc.oneof(fc.double({ min: 0, max: 5, noNaN: true }), fc.double({ min: 0, max: 2000, noNaN: true })),
    }),
  },
);

export function describeSessions({ network, runs }: GatewaysUnderTest): void {
  async function withNetwork(seed: number, work: (net: GatewayNetwork) => Promise<void>): Promise<void> {
    const net = network(seed);
    try {
      await work(net);
    } finally {
      await net.stopAll();
    }
  }

  test('N concurrent misses make one RPC and N deliveries in order, whatever the bursts, the delay and the device takes', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          seed: fc.nat(),
          bursts: fc.array(
            fc.record({
              count: fc.integer({ min: 1, max: 9 }),
              afterMs: fc.double({ min: 0, max: 3, noNaN: true }),
            }),
            { minLength: 1, maxLength: BURSTS_MS / 3 },
          ),
          rpcDelayMs: fc.double({ min: 0, max: 20, noNaN: true }),
          atOnce: fc.option(fc.integer({ min: 1, max: 8 }), { nil: undefined }),
        }),
        ({ seed, bursts, rpcDelayMs, atOnce }) =>
          withNetwork(seed, async (net) => {
            const limits = { missedPacketsPerSession: 200 };
            const a = await net.start(1, [2], {
              limits,
              ...(atOnce === undefined ? {} : { wrapHal: slowTransmit(atOnce) }),
            });
            const b = await net.start(2, [1]);
            // What comes when the session is there goes the fast way, and may overtake what a busy device did not take.
            net.network.fate = () => ({ delayMs: atOnce === undefined ? rpcDelayMs : BURSTS_MS });
            let next = 0;
            for (const { count, afterMs } of bursts) {
              net.send(a, 2, numbers(count, next));
              next += count;
              await net.run(afterMs);
            }
            await net.run(1000);
            expect(idsOf(b.workload.takeSent())).toEqual(numbers(next));
            expect(a.events.filter(({ type }) => type === 'request-sent')).toHaveLength(1);
          }),
      ),
      { numRuns: runs.sessions },
    );
  });

  test('crossing, late, lost and repeated requests of both sides end in one session that carries traffic both ways', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(),
        fc.array(fateArbitrary, { maxLength: 12 }),
        fc.array(stepArbitrary, { minLength: 1, maxLength: 25 }),
        (seed, fates, steps) =>
          withNetwork(seed, async (net) => {
            const nodes = [await net.start(1, [2]), await net.start(2, [1])] as const;
            const node = (number: number) => nodes[number - 1]!;
            let rpcs = 0;
            net.network.fate = (): RpcFate => {
              const fate = fates[rpcs++];
              if (fate === undefined) return { delayMs: 0.5 };
              return { delayMs: fate.delayMs, ...(fate.lost === undefined ? {} : { lost: fate.lost }) };
            };
            const sent: Record<number, number> = { 1: 0, 2: 0 };
            for (const step of steps) {
              if (step.kind === 'send') net.send(node(step.from), 3 - step.from, [sent[step.from]!++]);
              else if (step.kind === 'rekey') void node(step.from).gateway.rekey();
              else if (step.kind === 'rotate') void node(step.from).gateway.rotateMasterKey(true);
              else await net.run(step.ms);
            }
            // Everything under way comes to an end; then some traffic, as there always is.
            for (let i = 0; i < 40; i++) {
              for (const from of [1, 2]) net.send(node(from), 3 - from, [sent[from]!++]);
              await net.run(3000);
            }
            await net.run(120_000);
            for (const { gateway } of nodes) {
              const { sessions, keySlotsUsed, spisRetiring } = gateway.view();
              // Recovery may have made that of the other family as well.
              const ofPair = sessions.filter(({ localVip }) => !localVip.includes(':'));
              expect(ofPair).toMatchObject([{ state: 'established', waitingPackets: 0 }]);
              expect(keySlotsUsed).toBe(sessions.length);
              expect(spisRetiring).toBe(0);
              expect(ofPair[0]!.ingressSpis.length).toBeLessThanOrEqual(4);
            }
            for (const [from, to] of [
              [1, 2],
              [2, 1],
            ] as const) {
              const before = sent[from]!;
              net.send(node(from), to, [sent[from]!++]);
              await net.run(100);
              const ids = idsOf(node(to).workload.takeSent());
              expect(ids.at(-1)).toBe(before);
              // Each once, in order.
              expect(ids).toEqual([...new Set(ids)].sort((x, y) => x - y));
            }
          }),
      ),
      { numRuns: runs.sessions },
    );
  });

  test('without faults no packet is lost, whatever re-keys and rotations of both sides cross', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(),
        fc.double({ min: 0, max: 30, noNaN: true }),
        fc.array(stepArbitrary, { minLength: 1, maxLength: 30 }),
        (seed, rpcDelayMs, steps) =>
          withNetwork(seed, async (net) => {
            const nodes = [await net.start(1, [2]), await net.start(2, [1])] as const;
            const node = (number: number) => nodes[number - 1]!;
            net.network.fate = () => ({ delayMs: rpcDelayMs });
            const sent: Record<number, number> = { 1: 0, 2: 0 };
            const both = () => {
              for (const from of [1, 2]) net.send(node(from), 3 - from, [sent[from]!++]);
            };
            both();
            for (const step of steps) {
              both();
              if (step.kind === 'rekey') void node(step.from).gateway.rekey();
              else if (step.kind === 'rotate') void node(step.from).gateway.rotateMasterKey(true);
              else if (step.kind === 'wait') await net.run(step.ms);
            }
            await net.run(5000);
            both();
            await net.run(60_000);
            both();
            await net.run(1000);
            expect(idsOf(nodes[0].workload.takeSent())).toEqual(numbers(sent[2]!));
            expect(idsOf(nodes[1].workload.takeSent())).toEqual(numbers(sent[1]!));
          }),
      ),
      { numRuns: runs.sessions },
    );
  });

  test('once all sessions are removed, devices hold no entry and no key of theirs, whatever happened before', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(),
        fc.array(fateArbitrary, { maxLength: 8 }),
        fc.array(
          fc.oneof(
            stepArbitrary,
            fc.record({ kind: fc.constant('remove' as const), from: fc.constantFrom(1, 2) }),
          ),
          { minLength: 1, maxLength: 20 },
        ),
        fc.boolean(),
        (seed, fates, steps, sampling) =>
          withNetwork(seed, async (net) => {
            const ledgers = [new HalLedger(), new HalLedger()] as const;
            const options = (i: 0 | 1): NodeOptions => ({
              cookies: true,
              sampleRateLog2: sampling ? 3 : 0,
              wrapHal: (hal) => ledgers[i].wrap(hal),
            });
            const nodes = [await net.start(1, [2], options(0)), await net.start(2, [1], options(1))] as const;
            const node = (number: number) => nodes[number - 1]!;
            const removeAll = async ({ gateway }: TestNode) => {
              for (const { localVip, remoteVip } of gateway.view().sessions) {
                await gateway.removeSession(localVip, remoteVip);
              }
            };
            let rpcs = 0;
            net.network.fate = (): RpcFate => {
              const fate = fates[rpcs++];
              if (fate === undefined) return { delayMs: 0.5 };
              return { delayMs: fate.delayMs, ...(fate.lost === undefined ? {} : { lost: fate.lost }) };
            };
            let id = 0;
            for (const step of steps) {
              const family = id % 2 === 0 ? 4 : 6;
              if (step.kind === 'send') net.send(node(step.from), 3 - step.from, [id++], family);
              else if (step.kind === 'rekey') void node(step.from).gateway.rekey();
              else if (step.kind === 'rotate') void node(step.from).gateway.rotateMasterKey(false);
              else if (step.kind === 'remove') void removeAll(node(step.from));
              else await net.run(step.ms);
            }
            await net.run(200_000);
            for (const one of nodes) void removeAll(one);
            await net.run(200_000);
            for (const one of nodes) void removeAll(one);
            await net.run(1000);
            for (const [i, { gateway }] of nodes.entries()) {
              expect(gateway.view()).toMatchObject({ sessions: [], keySlotsUsed: 0, spisRetiring: 0 });
              // What is known of where peers are outlives their sessions.
              expect(ledgers[i]!.entries.filter((pipe) => !pipe.startsWith('FAILED_SOURCE'))).toEqual([]);
              expect(ledgers[i]!.keySlots).toEqual([]);
            }
          }),
      ),
      { numRuns: runs.sessions },
    );
  });
}
