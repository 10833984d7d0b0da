/**
 * kill -9 of a gateway between real workloads, with a large directory of peers that swallow everything: what flowed flows
 * again, over both HALs. Seconds are measured by hand (docs/security.md); here it is counted who was told, and how often.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { describeOnKernel } from '../support/kernel.js';
import { inTime, type Program } from '../support/program.js';
import { type Kind, World } from './namespaces.js';

const DEAD_PEERS = 1000;
const ADDRESSES_EACH = 10;
/** Where the dead peers' services would be; a device that swallows what is sent there. */
const DEAD_NET = '10.9.0.0/16';
const BACK_TIMEOUT_MS = 60_000;

/** A file of peers that are not there. */
function deadPeers(folder: string): string {
  const lines = Array.from({ length: DEAD_PEERS }, (_, i) => {
    const block = `${i >>> 8}.${i & 255}`;
    const vips = Array.from(
      { length: ADDRESSES_EACH },
      (__, j) => `172.${16 + (i >>> 8)}.${i & 255}.${j + 1}`,
    );
    return `10.9.${block}:3000:${vips.join(',')}`;
  });
  const path = join(folder, 'dead-peers.txt');
  writeFileSync(path, lines.join('\n'));
  return path;
}

describeOnKernel('a gateway that is killed and started again', ['ip', 'ping'], () => {
  test.each<[Kind, Kind]>([
    ['sim', 'sim'],
    ['doca', 'doca'],
  ])(
    '%s, to %s: traffic comes back past a thousand silent peers',
    async (...kinds) => {
      await using world = await World.open();
      const [own, other] = world.sides as [(typeof world.sides)[number], (typeof world.sides)[number]];
      const ip = (...argv: string[]) => world.run(own.gateway, ['ip', ...argv]);
      // Without ARP it sends everything to itself, and its other end takes none of it.
      await ip('link', 'add', 'dead0', 'arp', 'off', 'type', 'veth', 'peer', 'name', 'dead1');
      for (const end of ['dead0', 'dead1']) await ip('link', 'set', end, 'up');
      await ip('route', 'add', DEAD_NET, 'dev', 'dead0', 'src', own.oob);
      const flags = [
        `--tunnels-file=${deadPeers(world.folder)}`,
        `--state-file=${join(world.folder, 'state.json')}`,
      ];
      let gateway = await world.startGateway(0, kinds[0], flags);
      await world.startGateway(1, kinds[1]);
      // Traffic is the other side's: it goes on sending under what it was given.
      const pings = world.start(other.workload, ['ping', '-n', '-D', '-i', '0.05', own.vip4]);
      await pings.says(/icmp_seq=\d+ ttl/);
      await gateway.says(/state|started/);
      await stateNames(world, gateway, other.underlay);
      gateway.kill('SIGKILL');
      await gateway.ended;
      const before = replies(pings);
      gateway = await world.startGateway(0, kinds[0], flags);
      const back = new Promise<void>((resolve) => {
        const look = () => (replies(pings) > before + 3 ? resolve() : setTimeout(look, 10));
        look();
      });
      expect(
        await inTime(
          back.then(() => true),
          BACK_TIMEOUT_MS,
        ),
      ).toBe(true);
      expect(gateway.out).toMatch(/state of an earlier run taken over/);
      expect(gateway.out).not.toMatch(/ERROR|uncaught/i);
    },
    120_000,
  );
});

const replies = ({ out }: Program) => out.split(' ttl=').length - 1;

/** The state is kept a little after something was learnt. */
async function stateNames(world: World, gateway: Program, underlay: string): Promise<void> {
  const path = join(world.folder, 'state.json');
  const command = `for i in $(seq 200); do grep -q '${underlay}' ${path} && exit 0; sleep 0.05; done; exit 1`;
  await world.run(world.sides[0]!.gateway, ['sh', '-c', command]).catch((error: Error) => {
    throw new Error(`${error.message}\n${gateway.out}`);
  });
}
