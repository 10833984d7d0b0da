/** An exchange of which one step fails at the device: all of it is taken back, and the next one succeeds. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { RpcError } from '../../src/gateway/rpc/transport.js';
import { HalError } from '../../src/hal/errors.js';
import type { EntryOperation, EntryResult, KeySlot, PipeHal } from '../../src/hal/hal.js';
import { type GatewayNetwork, idsOf, vip } from '../support/gateways.js';
import type { GatewaysUnderTest } from './gateways.js';

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i);

/** 'OK', or why it failed. */
const outcome = (call: Promise<unknown>) =>
  call.then(
    () => 'OK',
    (error: unknown) => (error as RpcError).code,
  );

export function describeSteps({ network }: GatewaysUnderTest): void {
  let net: GatewayNetwork;
  beforeEach(() => {
    net = network();
  });
  afterEach(() => net.stopAll());

  describe.each(['asking', 'asked'] as const)('whichever step of the device fails on the %s side', (side) => {
    test.each(numbers(12))(
      'the %ith: nothing is left of it, and the next attempt succeeds',
      async (failing) => {
        let step = -1;
        let armed = false;
        const breaks = () => armed && ++step === failing;
        const broken = new HalError('DRIVER', 'broken by the test');
        const wrapHal = (hal: PipeHal): PipeHal =>
          new Proxy(hal, {
            get(target, name) {
              if (name === 'apply') {
                return async (operations: readonly EntryOperation[]) => {
                  // Only what adds: what takes back must be possible. Counting who fails is no step of an exchange.
                  const adds = operations.filter(
                    (one) =>
                      one.operation !== 'remove' &&
                      !(one.operation === 'add' && one.pipe.startsWith('FAILED_SOURCE')),
                  ).length;
                  if (adds === 0) return target.apply(operations);
                  const results: EntryResult[] = [];
                  for (const one of operations) {
                    // What only watches holds up nobody: underlay-evidence.test.ts.
                    const watches = one.operation === 'add' && one.pipe === 'UNDERLAY_SEEN';
                    results.push(!watches && breaks() ? { error: broken } : (await target.apply([one]))[0]!);
                  }
                  return results;
                };
              }
              if (name === 'setKeys') {
                return async (slots: readonly KeySlot[]) =>
                  Promise.all(
                    slots.map(async (slot) => (breaks() ? broken : (await target.setKeys([slot]))[0]!)),
                  );
              }
              if (name === 'generateKeys') {
                return async (octets: 16 | 32, count: number) => {
                  if (breaks()) throw broken;
                  return target.generateKeys(octets, count);
                };
              }
              const value: unknown = Reflect.get(target, name, target);
              return typeof value === 'function' ? value.bind(target) : value;
            },
          });
        const options = { sampleRateLog2: 4, wrapHal };
        const a = await net.start(1, [2], side === 'asking' ? options : { sampleRateLog2: 4 });
        const b = await net.start(2, [1], side === 'asked' ? options : { sampleRateLog2: 4 });
        armed = true;
        const pairs = ([4, 6] as const).map((family) => ({
          localVip: vip(1, family),
          remoteVip: vip(2, family),
        }));
        const code = outcome(a.gateway.connectNow(pairs));
        await net.run(2000);
        const failed = (await code) !== 'OK';
        expect(failed).toBe(step >= failing);
        await net.run(60_000);
        if (failed) {
          const [broke, other] = side === 'asking' ? [a, b] : [b, a];
          for (const node of [broke, ...(side === 'asked' ? [other] : [])]) {
            expect(node.gateway.view()).toMatchObject({ keySlotsUsed: 0, spisRetiring: 0 });
            for (const { ingressSpis } of node.gateway.view().sessions) expect(ingressSpis).toEqual([]);
          }
        }
        net.send(a, 2, [1], 4);
        net.send(a, 2, [2], 6);
        await net.run(5000);
        expect(idsOf(b.workload.takeSent()).sort()).toEqual([1, 2]);
      },
    );
  });

  test('half a batch is rolled back: the device fills up in the middle, and nothing of the batch stays', async () => {
    // The first device of a process says how large others of hal-doca may be.
    const b = await net.start(2, [1]);
    const a = await net.start(1, [2], { keySlots: 1 });
    const { connectNow } = b.gateway;
    // Two sessions in one request, one key slot on the other side.
    const pairs = [4, 6].map((family) => ({ localVip: vip(2, family as 4), remoteVip: vip(1, family as 4) }));
    const code = outcome(connectNow.call(b.gateway, pairs));
    await net.run(100);
    expect(await code).toBe('RESOURCE_EXHAUSTED');
    await net.run(60_000);
    expect(a.gateway.view()).toMatchObject({ sessions: [], keySlotsUsed: 0, spisRetiring: 0 });
    expect(b.gateway.view()).toMatchObject({ keySlotsUsed: 0, spisRetiring: 0 });
    for (const { ingressSpis } of b.gateway.view().sessions) expect(ingressSpis).toEqual([]);
    // And the slot is still good.
    net.send(a, 2, [1]);
    await net.run(3000);
    expect(idsOf(b.workload.takeSent())).toEqual([1]);
  });
}
