/** A device that fails now and then, over long: what a random case of differential.ts is too short to show. */
import { expect, test } from 'vitest';
import { Choose } from '../../src/base/choose.js';
import { buildPipeline } from '../../src/gateway/pipeline/pipeline.js';
import { egressAclEntry, egressValues } from '../../src/gateway/pipeline/pipeline-entries.js';
import { ProgramError } from '../../src/hal/errors.js';
import type { EntryId, EntryOperation, PipeHal } from '../../src/hal/hal.js';
import {
  type ActionValues,
  type BasicEntry,
  type Forward,
  UPLINK_PORT,
  VF_PORT,
} from '../../src/hal/program.js';
import { parseIp } from '../../src/packet/address.js';
import { pspSpi } from '../../src/psp/header.js';
import { type DocaRelease, startRings } from '../support/doca-harness.js';
import { describeOnDoca } from '../support/on-doca.js';
import { pipelineOptions } from '../support/pipelines.js';
import { tunnelHeader } from '../support/psp-program.js';
import { workloadFrame } from './session-packets.js';
import { varied } from './session-variants.js';

const TUNNELS = 8;
const PIPELINE = pipelineOptions({ maxTunnels: TUNNELS });
const PROGRAM = buildPipeline(PIPELINE);
/** More than an ordered list of hal-doca's has to spare. */
const BATCHES = 600;
const FAULTS_PER_THOUSAND = 300;
const LOCAL_VIP = parseIp('10.0.0.1');
const remoteVip = (session: number) => parseIp(`10.1.0.${session}`);
/** Behind Ethernet, IPv6 and UDP. */
const PSP_AT = 14 + 40 + 8;

function addOf(session: number) {
  return egressAclEntry(PIPELINE, {
    localVip: LOCAL_VIP,
    localVipId: 0,
    remoteVip: remoteVip(session),
    encapHeader: pspHeader(session),
    cryptoId: session,
  });
}

const pspHeader = (spi: number) => tunnelHeader({ outer: 'ipv6', innerFamily: 4, version: 1, spi });

const valuesOf = (cryptoId: number, spi: number) => egressValues(PIPELINE, pspHeader(spi), cryptoId);

/** What the workload of session 1 sends. */
const outgoing = () => workloadFrame(new Choose(1), { source: LOCAL_VIP, destination: remoteVip(1) });

const idsOf = async (hal: PipeHal, operations: EntryOperation[]) =>
  (await hal.apply(operations)).flatMap((result) => ('id' in result ? [result.id] : []));

export function describeFaults(release: DocaRelease): void {
  /** So many of 1000 operations are refused meanwhile, and of the rest as many fail later. */
  const withFaults = async <Result>(seed: number, perThousand: number, run: () => Promise<Result>) => {
    const { setFaults } = startRings(release);
    setFaults(seed, perThousand);
    try {
      return await run();
    } finally {
      setFaults(0, 0);
    }
  };

  describeOnDoca(release, (implementation) => {
    test('however many operations fail, a pipe has room for all of its entries', async () => {
      await using hal = (await implementation.open()).hal;
      await hal.build(PROGRAM);
      const choose = new Choose(1);
      const live = new Map<number, EntryId>();
      let failed = 0;
      await withFaults(1, FAULTS_PER_THOUSAND, async () => {
        for (let batch = 0; batch < BATCHES; batch++) {
          const sessions = Array.from({ length: TUNNELS }, (_, i) => i + 1);
          const operations = sessions.map((session): EntryOperation => {
            const id = live.get(session);
            if (id === undefined) return addOf(session);
            if (choose.once(2)) return { operation: 'remove', id };
            return { operation: 'update', id, values: addOf(session).entry.values! };
          });
          for (const [i, result] of (await hal.apply(operations)).entries()) {
            const { operation } = operations[i]!;
            if ('error' in result) {
              expect(result.error.code).toBe('DRIVER');
              failed++;
            } else if (operation === 'add') live.set(sessions[i]!, result.id);
            else if (operation === 'remove') live.delete(sessions[i]!);
          }
        }
      });
      expect(failed).toBeGreaterThan(BATCHES);
      const left = [...live.values()].map((id): EntryOperation => ({ operation: 'remove', id }));
      expect(await idsOf(hal, left)).toHaveLength(left.length);
      const all = Array.from({ length: TUNNELS + 1 }, (_, i) => addOf(i + 1));
      expect(await idsOf(hal, all)).toHaveLength(TUNNELS);
    });

    test('an entry that could not be removed goes on doing what it does', async () => {
      const harness = await implementation.open();
      await using hal = harness.hal;
      await hal.build(PROGRAM);
      await hal.setKeys([{ cryptoId: 1, key: new Uint8Array(32).fill(1) }]);
      let [id] = await idsOf(hal, [addOf(1)]);
      let refused = 0;
      for (let seed = 1; seed <= 40; seed++) {
        const remove: EntryOperation = { operation: 'remove', id: id! };
        const [result] = await withFaults(seed, FAULTS_PER_THOUSAND, () => hal.apply([remove]));
        if (!('error' in result!)) [id] = await idsOf(hal, [addOf(1)]);
        else refused++;
        harness.inject(VF_PORT, [outgoing()]);
        await harness.settle();
        expect(harness.takeSent(UPLINK_PORT)).toHaveLength(1);
      }
      expect(refused).toBeGreaterThan(10);
    });

    test('a counter that is asked for behind a removal that fails is that of the entry', async () => {
      const harness = await implementation.open();
      await using hal = harness.hal;
      await hal.build(PROGRAM);
      const counts = new Set<boolean>();
      for (let seed = 1; seed <= 10; seed++) {
        const [id] = await idsOf(hal, [addOf(1)]);
        await withFaults(seed, 500, async () => {
          const removed = hal.apply([{ operation: 'remove', id: id! }]);
          const counted = hal.counters([{ id: id! }]).then(
            () => true,
            () => false,
          );
          const [result] = await removed;
          expect(await counted).toBe('error' in result!);
          counts.add(await counted);
        });
        await hal.apply([{ operation: 'remove', id: id! }]);
      }
      expect(counts.size).toBe(2);
    });

    test('an update that failed in part leaves nothing for the next one', async () => {
      const harness = await implementation.open();
      await using hal = harness.hal;
      await hal.build(varied(PROGRAM, { ownForwards: true, ownMacs: false, copies: false }));
      await hal.setKeys([{ cryptoId: 1, key: new Uint8Array(32).fill(1) }]);
      const add = addOf(1);
      const forward = { to: 'port', port: UPLINK_PORT } as const;
      const [id] = await idsOf(hal, [{ ...add, entry: { ...(add.entry as BasicEntry), forward } }]);
      const change = async (perThousand: number, what: { values?: ActionValues; forward?: Forward }) => {
        const update: EntryOperation = { operation: 'update', id: id!, ...what };
        const done = await withFaults(1, perThousand, () => idsOf(hal, [update]));
        expect(done).toHaveLength(perThousand === 0 ? 1 : 0);
      };
      const spisOf = async () => {
        harness.inject(VF_PORT, [outgoing()]);
        await harness.settle();
        return harness.takeSent(UPLINK_PORT).map((sent) => pspSpi(sent, PSP_AT));
      };
      await change(1000, { values: valuesOf(1, 77) });
      await change(0, { forward });
      expect(await spisOf()).toEqual([1]);
      await change(1000, { forward: { to: 'drop' } });
      await change(0, { values: valuesOf(1, 78) });
      expect(await spisOf()).toEqual([78]);
      await change(0, { forward: { to: 'drop' } });
      expect(await spisOf()).toEqual([]);
    });

    test('an entry of a control pipe is what it was, after updates that failed', async () => {
      const harness = await implementation.open();
      await using hal = harness.hal;
      await hal.build({
        name: 'one-control-pipe',
        pipes: [
          {
            name: 'ROOT',
            type: 'control',
            domain: 'default',
            isRoot: true,
            sizeEntries: 2,
            miss: { to: 'drop' },
          },
        ],
      });
      const forward = { to: 'port', port: VF_PORT } as const;
      const [id] = await idsOf(hal, [
        { operation: 'add', pipe: 'ROOT', entry: { priority: 0, match: {}, forward } },
      ]);
      const failing: EntryOperation[] = [
        { operation: 'update', id: id!, forward: { to: 'rss' } },
        { operation: 'update', id: id!, forward: { to: 'drop' } },
      ];
      expect(await withFaults(1, 1000, () => idsOf(hal, failing))).toEqual([]);
      // An update of nothing brings what the entry is believed to be.
      expect(await idsOf(hal, [{ operation: 'update', id: id! }])).toEqual([id]);
      harness.inject(UPLINK_PORT, [new Uint8Array(60)]);
      await harness.settle();
      expect(harness.takeSent(VF_PORT)).toHaveLength(1);
    });

    test('a program that could not be built leaves nothing behind, and can be built again', async () => {
      await using hal = (await implementation.open()).hal;
      for (let seed = 1; seed <= 40; seed++) {
        const built = withFaults(seed, FAULTS_PER_THOUSAND, () => hal.build(PROGRAM));
        await expect(built).rejects.toThrow(ProgramError);
      }
      await hal.build(PROGRAM);
      expect(await idsOf(hal, [addOf(1)])).toHaveLength(1);
    });
  });
}
