/** A device of hal-doca that has more to do than it can: its queues are full, and it is closed in the middle of everything. */
import { expect, test } from 'vitest';
import { Choose } from '../../src/base/choose.js';
import { buildPipeline } from '../../src/gateway/pipeline/pipeline.js';
import { egressAclEntry } from '../../src/gateway/pipeline/pipeline-entries.js';
import { HalError } from '../../src/hal/errors.js';
import type { RssPacket } from '../../src/hal/hal.js';
import { UPLINK_PORT, VF_PORT } from '../../src/hal/program.js';
import { ipFromOctets, parseIp } from '../../src/packet/address.js';
import { type DocaRelease, openDocaHarness } from '../support/doca-harness.js';
import { describeOnDoca } from '../support/on-doca.js';
import { pipelineOptions } from '../support/pipelines.js';
import { tunnelHeader } from '../support/psp-program.js';
import { workloadFrame } from './session-packets.js';

const SESSIONS = 64;
/** Copies of every packet go to the CPU: mirrors. */
const PIPELINE = pipelineOptions({ maxTunnels: SESSIONS, sampleRateLog2: 1 });
/** More than the device's queues towards the CPU have room for together with the batches that wait for JavaScript. */
const FLOOD_FRAMES = 4000;
const ROUNDS = 4;
const LOCAL_VIP = parseIp('10.0.0.1');
const remoteVip = (session: number) => ipFromOctets(Uint8Array.of(10, 1, 0, session), 0, 4);

const addOf = (session: number) =>
  egressAclEntry(PIPELINE, {
    localVip: LOCAL_VIP,
    localVipId: 0,
    remoteVip: remoteVip(session),
    encapHeader: tunnelHeader({ outer: 'ipv6', innerFamily: 4, version: 1, spi: session }),
    cryptoId: session,
  });

/** Of sessions from `first` on; those behind the last one miss, and go to the CPU. */
const frames = (first: number, count: number) => {
  const choose = new Choose(first);
  return Array.from({ length: count }, (_, i) =>
    workloadFrame(choose, { source: LOCAL_VIP, destination: remoteVip(first + (i % SESSIONS)) }),
  );
};

export function describeLoad(release: DocaRelease): void {
  const open = () =>
    openDocaHarness(release, { keySlots: 2 * SESSIONS, mapping: ['queue-packets = 64', 'buffers = 8192'] });

  describeOnDoca(release, () => {
    test('queues that are full lose packets, and nothing else', async () => {
      const harness = await open();
      await using hal = harness.hal;
      await hal.build(buildPipeline(PIPELINE));
      let received = 0;
      hal.onReceive((packets: readonly RssPacket[]) => {
        received += packets.length;
      });
      // JavaScript takes none meanwhile.
      for (let i = 0; i < 4; i++) {
        harness.inject(VF_PORT, frames(SESSIONS + 1, FLOOD_FRAMES / 4));
        const until = performance.now() + 20;
        while (performance.now() < until);
      }
      await harness.settle();
      expect(received).toBeGreaterThan(0);
      // The way from the CPU likewise: what is not taken is dropped, and counted.
      const flood = frames(1, FLOOD_FRAMES).map((frame) => ({ frame, packetMeta: 0 }));
      await hal.transmit(flood);
      await harness.settle();
      const before = received;
      harness.inject(VF_PORT, frames(SESSIONS + 1, 1));
      await harness.settle();
      expect(received).toBe(before + 1);
    });

    test('a device that is closed under traffic, with calls under way, ends them all', async () => {
      let done = 0;
      let refused = 0;
      const more = frames(1, 100);
      for (let round = 0; round < ROUNDS; round++) {
        const harness = await open();
        const { hal } = harness;
        await hal.build(buildPipeline(PIPELINE));
        const slots = Array.from({ length: SESSIONS }, (_, i) => i + 1);
        await hal.setKeys(slots.map((cryptoId) => ({ cryptoId, key: new Uint8Array(32).fill(cryptoId) })));
        const ids = (await hal.apply(slots.map(addOf))).flatMap((result) =>
          'id' in result ? [result.id] : [],
        );
        expect(ids).toHaveLength(SESSIONS);
        const underWay = Promise.allSettled([
          hal.rotateMasterKey(),
          hal.generateKeys(32, 1000),
          hal.apply(ids.slice(0, SESSIONS / 2).map((id) => ({ operation: 'remove', id }))),
          hal.counters(ids.slice(SESSIONS / 2).map((id) => ({ id }))),
          hal.clearKeys(slots),
        ]);
        harness.inject(VF_PORT, frames(1, 1000));
        harness.inject(UPLINK_PORT, frames(1, 200));
        void hal.transmit(frames(1, 200).map((frame) => ({ frame, packetMeta: 0 })));
        // Now earlier, now later.
        for (let turn = 0; turn < round; turn++) await new Promise((resolve) => setImmediate(resolve));
        let closing = true;
        const closed = harness.closeAsItIs().finally(() => {
          closing = false;
        });
        const late = Promise.allSettled([hal.generateKeys(16, 10)]);
        while (closing) {
          try {
            harness.inject(VF_PORT, more);
          } catch {
            // The ring is full: the device takes none any more.
          }
          await new Promise((resolve) => setImmediate(resolve));
        }
        for (const result of [...(await underWay), ...(await late)]) {
          if (result.status === 'fulfilled') done++;
          else {
            expect(result.reason).toBeInstanceOf(HalError);
            refused++;
          }
        }
        await closed;
      }
      expect(done + refused).toBe(6 * ROUNDS);
      expect(refused).toBeGreaterThanOrEqual(ROUNDS);
    });
  });
}
