/**
 * What two gateways leave of dead keys in a gateway's memory, all of it: over gRPC, TLS and Node. The other gateway says in its
 * log which keys there were (--debug-keys); this one does not, and is stopped while it is looked into.
 */
import { expect, test } from 'vitest';
import { describeOnKernel } from '../support/kernel.js';
import { countKeys, countMasterKeys, type GivenKey } from '../support/memory-search.js';
import type { Program } from '../support/program.js';
import { type Kind, World } from './namespaces.js';

const ROTATION_MS = 2000;
/** Longer than a gateway that waits for a processor takes to go by an answer: then no ping is lost (test/conformance/rotation.ts). */
const GRACE_MS = 1000;
const FLAGS = [`--rotation-period=${ROTATION_MS}`, `--rekey-grace=${GRACE_MS}`];
const ROTATIONS = 7;
const PINGS = 60;
const KINDS: readonly Kind[] = ['sim', 'doca'];

/** The peer's view: what it gave out, we send under; what it received, was derived from our master keys. */
interface Said extends GivenKey {
  readonly at: string;
  readonly how: 'given out' | 'received';
}

function keysOf(peer: Program): Said[] {
  const lines = peer.out.matchAll(/^(\S+) INFO +key (given out|received) spi=(\d+) key=([0-9a-f]{64})$/gm);
  return [...lines].map(([, at, how, spi, key]) => ({
    at: at!,
    how: how as Said['how'],
    spi: Number(spi),
    key: Buffer.from(key!, 'hex'),
  }));
}

/**
 * When the rotation before the last three was. What is older has been dead for a rotation: until then Node, TLS and HTTP/2 may have
 * copies that they have not freed yet, as docs/security.md says.
 */
function deadBefore(gateway: Program): string {
  const rotations = [...gateway.out.matchAll(/^(\S+) INFO +master key rotated/gm)];
  return rotations.at(-4)![1]!;
}

const rotated = (times: number) => new RegExp(`master key rotated rotations=${times} `, 'm');
const sum = (counts: readonly number[]) => counts.reduce((total, count) => total + count, 0);

describeOnKernel("a gateway's memory", ['ip', 'ping'], () => {
  test.each(KINDS)(
    'over hal=%s holds the keys in use, and no dead one',
    async (kind) => {
      await using world = await World.open();
      const [one, two] = world.sides;
      const gateway = await world.startGateway(0, kind, FLAGS);
      const peer = await world.startGateway(1, 'sim', [...FLAGS, '--debug-keys']);
      const ping = ['ping', '-n', '-q', '-c', String(PINGS), '-i', '0.15', two!.vip4];
      expect(await world.run(one!.workload, ping)).toContain(`${PINGS} received`);
      await gateway.says(rotated(ROTATIONS), 60_000);
      await peer.says(rotated(ROTATIONS), 60_000);
      // `ip` has become the gateway.
      const { pid } = gateway;
      process.kill(pid, 'SIGSTOP');
      try {
        const said = keysOf(peer);
        const before = [gateway, peer].map(deadBefore).sort()[0]!;
        const dead = said.filter(({ at }) => at < before);
        const alive = said.filter(({ at }) => at >= before);
        expect(dead.length).toBeGreaterThanOrEqual(6);
        // That the look finds what is there.
        expect(
          sum(
            countKeys(
              pid,
              alive.map(({ key }) => key),
            ),
          ),
        ).toBeGreaterThan(0);
        expect(
          countKeys(
            pid,
            dead.map(({ key }) => key),
          ),
        ).toEqual(dead.map(() => 0));
        const derived = (keys: readonly Said[]) => keys.filter(({ how }) => how === 'received');
        expect(sum(countMasterKeys(pid, derived(alive)))).toBeGreaterThan(0);
        expect(sum(countMasterKeys(pid, derived(dead)))).toBe(0);
      } finally {
        process.kill(pid, 'SIGCONT');
      }
    },
    300_000,
  );
});
