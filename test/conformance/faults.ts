/** A device that fails now and then, over long: what a random case of differential.ts is too short to show. */
import { expect, test } from 'vitest';
import { buildEncapHeader } from '../../src/gateway/encap-header.js';
import { buildPipeline } from '../../src/gateway/pipeline.js';
import { egressAclEntry, egressValues } from '../../src/gateway/pipeline-entries.js';
import { ProgramError } from '../../src/hal/errors.js';
import type { EntryId, EntryOperation, PipeHal } from '../../src/hal/hal.js';
import {
  type ActionValues,
  type BasicEntry,
  type Forward,
  UPLINK_PORT,
  VF_PORT,
} from '../../src/hal/program.js';
import { parseIp, parseIpv4, parseMac } from '../../src/packet/address.js';
import { buildIpv4Packet } from '../../src/packet/ipv4.js';
import { pspSpi } from '../../src/psp/header.js';
import { Choose } from '../support/choose.js';
import { type DocaRelease, startRings } from '../support/doca-harness.js';
import { describeOnDoca } from '../support/on-doca.js';
import { pipelineOptions } from '../support/pipelines.js';
import { varied } from './session-variants.js';

const TUNNELS = 8;
const PIPELINE = pipelineOptions({ maxTunnels: TUNNELS });
const PROGRAM = buildPipeline(PIPELINE);
/** More than an ordered list of hal-doca's has to spare. */
const BATCHES = 600;
const FAULTS_PER_THOUSAND = 300;
/** Behind Ethernet, IPv6 and UDP. */
const PSP_AT = 14 + 40 + 8;

function addOf(session: number) {
  return egressAclEntry(PIPELINE, {
    localVip: parseIp('10.0.0.1'),
    localVipId: 0,
    remoteVip: parseIp(`10.1.0.${session}`),
    encapHeader: pspHeader(session),
    cryptoId: session,
  });
}

/** What a workload of session 1 sends. */
function workloadFrame(): Uint8Array {
  const packet = buildIpv4Packet({
    source: parseIpv4('10.0.0.1'),
    destination: parseIpv4('10.1.0.1'),
    protocol: 17,
    ttl: 64,
    payload: new Uint8Array(40),
  });
  return Uint8Array.from([...new Uint8Array(12).fill(2), 8, 0, ...packet]);
}

/** Of tunnel mode over IPv6, version 1. */
function pspHeader(spi: number): Uint8Array {
  return buildEncapHeader(
    {
      mac: parseMac('02:00:00:00:00:b0'),
      underlayIp: parseIp('2001:db8::2'),
      pspVersion: 1,
      spi,
      key: new Uint8Array(32),
      cookie: 0n,
    },
    {
      mode: 'tunnel',
      innerFamily: 4,
      cryptOffsetWords: 0,
      cookies: false,
      sourceMac: parseMac('02:00:00:00:00:a0'),
      sourceIp: parseIp('2001:db8::1'),
    },
  );
}

const valuesOf = (cryptoId: number, spi: number) => egressValues(PIPELINE, pspHeader(spi), cryptoId);

const idsOf = async (hal: PipeHal, operations: EntryOperation[]) =>
  (await hal.apply(operations)).flatMap((result) => ('id' in result ? [result.id] : []));

export function describeFaults(release: DocaRelease): void {
  describeOnDoca(release, (implementation) => {
    test('however many operations fail, a pipe has room for all of its entries', async () => {
      const { setFaults } = startRings(release);
      await using hal = (await implementation.open()).hal;
      await hal.build(PROGRAM);
      const choose = new Choose(1);
      const live = new Map<number, EntryId>();
      let failed = 0;
      try {
        setFaults(1, FAULTS_PER_THOUSAND);
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
      } finally {
        setFaults(0, 0);
      }
      expect(failed).toBeGreaterThan(BATCHES);
      const left = [...live.values()].map((id): EntryOperation => ({ operation: 'remove', id }));
      expect(await idsOf(hal, left)).toHaveLength(left.length);
      const all = Array.from({ length: TUNNELS + 1 }, (_, i) => addOf(i + 1));
      expect(await idsOf(hal, all)).toHaveLength(TUNNELS);
    });

    test('an entry that could not be removed goes on doing what it does', async () => {
      const { setFaults } = startRings(release);
      const harness = await implementation.open();
      await using hal = harness.hal;
      await hal.build(PROGRAM);
      await hal.setKeys([{ cryptoId: 1, key: new Uint8Array(32).fill(1) }]);
      let [id] = await idsOf(hal, [addOf(1)]);
      let refused = 0;
      for (let seed = 1; seed <= 40; seed++) {
        setFaults(seed, FAULTS_PER_THOUSAND);
        const [result] = await hal.apply([{ operation: 'remove', id: id! }]);
        setFaults(0, 0);
        if (!('error' in result!)) [id] = await idsOf(hal, [addOf(1)]);
        else refused++;
        harness.inject(VF_PORT, [workloadFrame()]);
        await harness.settle();
        expect(harness.takeSent(UPLINK_PORT)).toHaveLength(1);
      }
      expect(refused).toBeGreaterThan(10);
    });

    test('an update that failed in part leaves nothing for the next one', async () => {
      const { setFaults } = startRings(release);
      const harness = await implementation.open();
      await using hal = harness.hal;
      await hal.build(varied(PROGRAM, { ownForwards: true, ownMacs: false, copies: false }));
      await hal.setKeys([{ cryptoId: 1, key: new Uint8Array(32).fill(1) }]);
      const add = addOf(1);
      const forward = { to: 'port', port: UPLINK_PORT } as const;
      const [id] = await idsOf(hal, [{ ...add, entry: { ...(add.entry as BasicEntry), forward } }]);
      const change = async (perThousand: number, what: { values?: ActionValues; forward?: Forward }) => {
        setFaults(1, perThousand);
        const done = await idsOf(hal, [{ operation: 'update', id: id!, ...what }]);
        setFaults(0, 0);
        expect(done).toHaveLength(perThousand === 0 ? 1 : 0);
      };
      const spisOf = async () => {
        harness.inject(VF_PORT, [workloadFrame()]);
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
      const { setFaults } = startRings(release);
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
      try {
        setFaults(1, 1000);
        const failing: EntryOperation[] = [
          { operation: 'update', id: id!, forward: { to: 'rss' } },
          { operation: 'update', id: id!, forward: { to: 'drop' } },
        ];
        expect(await idsOf(hal, failing)).toEqual([]);
      } finally {
        setFaults(0, 0);
      }
      // An update of nothing brings what the entry is believed to be.
      expect(await idsOf(hal, [{ operation: 'update', id: id! }])).toEqual([id]);
      harness.inject(UPLINK_PORT, [new Uint8Array(60)]);
      await harness.settle();
      expect(harness.takeSent(VF_PORT)).toHaveLength(1);
    });

    test('a program that could not be built leaves nothing behind, and can be built again', async () => {
      const { setFaults } = startRings(release);
      await using hal = (await implementation.open()).hal;
      try {
        for (let seed = 1; seed <= 40; seed++) {
          setFaults(seed, FAULTS_PER_THOUSAND);
          await expect(hal.build(PROGRAM)).rejects.toThrow(ProgramError);
        }
      } finally {
        setFaults(0, 0);
      }
      await hal.build(PROGRAM);
      expect(await idsOf(hal, [addOf(1)])).toHaveLength(1);
    });
  });
}
