/**
 * Certificates that change, end and vanish under gateways that run: two processes, kernels as workloads, traffic that goes on.
 */
import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createThrowAwayAuthority, type ThrowAwayAuthority } from '../../src/gateway/rpc/certificates.js';
import { parseIp } from '../../src/packet/address.js';
import { describeOnKernel } from '../support/kernel.js';
import type { Program } from '../support/program.js';
import { type Kind, World } from './namespaces.js';

/**
 * The master keys of both rotate all the time, so that new keys pass over the control plane. A machine that has other tests to run takes more
 * than a second for them now and then.
 */
const ROTATING = ['--rekey-grace=2500', '--rotation-period=5000', '--rotation-request-interval=100'];
const PINGS_PER_SECOND = 50;

/** Writes as certificate helpers do: aside, then renamed. */
function put(path: string, content: string): void {
  writeFileSync(`${path}.new`, content, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

/** Certificates in the place of those that the world has made. */
class Certificates {
  constructor(private readonly world: World) {}

  path(index: number, ending: 'pem' | 'key'): string {
    return join(this.world.folder, `${this.world.sides[index]!.oob}.${ending}`);
  }

  trust(...authorities: readonly ThrowAwayAuthority[]): void {
    put(join(this.world.folder, 'ca.pem'), authorities.map(({ caPem }) => caPem).join(''));
  }

  async issue(index: number, authority: ThrowAwayAuthority, lifeMs?: number): Promise<void> {
    const { certificatePem, keyPem } = await this.made(index, authority, lifeMs);
    put(this.path(index, 'pem'), certificatePem);
    put(this.path(index, 'key'), keyPem);
  }

  made(index: number, authority: ThrowAwayAuthority, lifeMs?: number) {
    const { oob } = this.world.sides[index]!;
    const end = lifeMs === undefined ? {} : { notAfter: new Date(Date.now() + lifeMs) };
    return authority.issue({ commonName: `gateway ${index + 1}`, ips: [parseIp(oob)], ...end });
  }
}

const count = ({ out }: Program, pattern: RegExp) => out.match(new RegExp(pattern, 'g'))?.length ?? 0;

/** Resolves when it has said so `times` times. */
async function says(program: Program, pattern: RegExp, times: number): Promise<void> {
  const told = () => count(program, pattern) >= times;
  await expect
    .poll(told, { timeout: 60_000, message: `${times} times ${pattern}:\n${program.out}` })
    .toBe(true);
}

const TAKEN = /new certificates are in use/;
const REKEYED = /tunnel re-keyed/;

/** A ping that has begun to be answered; `lost` ends it. */
async function traffic(world: World) {
  const [from, to] = world.sides;
  const pings = world.start(from!.workload, ['ping', '-n', '-i', String(1 / PINGS_PER_SECOND), to!.vip4]);
  await pings.says(/icmp_seq=\d+ ttl/);
  return {
    replies: () => count(pings, / ttl=/),
    async lost() {
      // The last one's answer has a moment to come.
      await pings.stop('SIGINT');
      const [, sent, received] = /(\d+) packets transmitted, (\d+) received/.exec(pings.out)!;
      expect(Number(received)).toBeGreaterThan(0);
      return Math.max(0, Number(sent) - Number(received) - 1);
    },
  };
}

/** New keys have come to both after now. */
async function rekeysGoOn(gateways: readonly Program[]): Promise<void> {
  for (const gateway of gateways) await says(gateway, REKEYED, count(gateway, REKEYED) + 2);
}

describeOnKernel('gateways whose certificates change', ['ip', 'ping'], () => {
  test.each<[Kind, Kind]>([
    ['sim', 'sim'],
    ['doca', 'doca'],
  ])(
    '%s, to %s: go over to another authority under traffic, and lose no packet',
    async (...kinds) => {
      await using world = await World.open();
      const files = new Certificates(world);
      const [before, after] = [await createThrowAwayAuthority(), await createThrowAwayAuthority()];
      files.trust(before);
      for (const index of [0, 1]) await files.issue(index, before);
      const gateways = [
        await world.startGateway(0, kinds[0], ROTATING),
        await world.startGateway(1, kinds[1], ROTATING),
      ];
      const pings = await traffic(world);
      const step = async (times: number, change: () => void | Promise<void>) => {
        await change();
        for (const gateway of gateways) await says(gateway, TAKEN, times);
        await rekeysGoOn(gateways);
      };
      await step(1, () => files.trust(before, after));
      await step(2, async () => {
        for (const index of [0, 1]) await files.issue(index, after);
      });
      await step(3, () => files.trust(after));
      expect(await pings.lost()).toBe(0);
      for (const { out } of gateways) {
        expect(out.match(/endsConnections=\w+/g)).toEqual([
          'endsConnections=false',
          'endsConnections=false',
          'endsConnections=true',
        ]);
        expect(out).not.toMatch(/ERROR|cannot be used/);
      }
    },
    240_000,
  );

  test('one whose certificate ends in the night is kept out from that moment on, and comes back by itself when it has a new one', async () => {
    await using world = await World.open();
    const files = new Certificates(world);
    const authority = await createThrowAwayAuthority();
    files.trust(authority);
    await files.issue(0, authority);
    await files.issue(1, authority, 25_000);
    const gateways = [
      await world.startGateway(0, 'sim', ROTATING),
      await world.startGateway(1, 'sim', ROTATING),
    ];
    const pings = await traffic(world);
    expect(gateways[1]!.out).toMatch(/WARNING.*our certificate ends soon; renew it/);
    await rekeysGoOn(gateways);
    await gateways[1]!.says(/ERROR.*our certificate has ended/);
    // From here on nobody gives it a key, over connections that were up or over new ones: what it has lasts a little longer.
    const since = gateways.map(({ out }) => out.length);
    await gateways[0]!.says(/tunnel request failed|peer does not answer/);
    await gateways[1]!.says(/tunnel request failed|peer does not answer/);
    for (const [i, { out }] of gateways.entries()) expect(out.slice(since[i]! + 2000)).not.toMatch(REKEYED);
    await files.issue(1, authority);
    await says(gateways[1]!, TAKEN, 1);
    await rekeysGoOn(gateways);
    const replies = pings.replies();
    await expect.poll(pings.replies, { timeout: 20_000 }).toBeGreaterThan(replies + PINGS_PER_SECOND);
    await pings.lost();
  }, 240_000);

  test('take a folder that is swapped under a link, and nothing that does not fit or is not there', async () => {
    await using world = await World.open();
    const files = new Certificates(world);
    const authority = await createThrowAwayAuthority();
    files.trust(authority);
    for (const index of [0, 1]) await files.issue(index, authority);
    // As kubelet does it: files are links into ..data, which is a link to a folder that is replaced.
    const data = join(world.folder, '..data');
    const swap = (name: string, certificatePem: string, keyPem: string) => {
      mkdirSync(join(world.folder, name));
      writeFileSync(join(world.folder, name, 'tls.crt'), certificatePem);
      writeFileSync(join(world.folder, name, 'tls.key'), keyPem, { mode: 0o600 });
      symlinkSync(name, `${data}_tmp`);
      renameSync(`${data}_tmp`, data);
    };
    const [pem, key] = [files.path(0, 'pem'), files.path(0, 'key')];
    swap('..1', readFileSync(pem, 'utf8'), readFileSync(key, 'utf8'));
    for (const [path, target] of [
      [pem, '..data/tls.crt'],
      [key, '..data/tls.key'],
    ] as const) {
      rmSync(path);
      symlinkSync(target, path);
    }
    const gateways = [
      await world.startGateway(0, 'sim', ROTATING),
      await world.startGateway(1, 'sim', ROTATING),
    ];
    const pings = await traffic(world);
    const [one, two] = [await files.made(0, authority), await files.made(0, authority)];
    swap('..2', one.certificatePem, one.keyPem);
    await says(gateways[0]!, TAKEN, 1);
    await rekeysGoOn(gateways);
    swap('..3', two.certificatePem, one.keyPem);
    await gateways[0]!.says(
      /WARNING.*cannot be used, the old ones stay: key .*10\.5\.5\.1\.key: not the key of certificate/,
    );
    await rekeysGoOn(gateways);
    swap('..4', two.certificatePem.slice(0, 300), two.keyPem);
    await gateways[0]!.says(/WARNING.*cannot be used.*10\.5\.5\.1\.pem: not PEM/);
    rmSync(data);
    await gateways[0]!.says(/WARNING.*cannot be used.*there is no file .*10\.5\.5\.1\.pem/);
    await rekeysGoOn(gateways);
    swap('..5', two.certificatePem, two.keyPem);
    await says(gateways[0]!, TAKEN, 2);
    await rekeysGoOn(gateways);
    expect(await pings.lost()).toBe(0);
    expect(count(gateways[0]!, /cannot be used/)).toBe(3);
    expect(count(gateways[1]!, /new certificates/)).toBe(0);
    for (const { out } of gateways) expect(out).not.toMatch(/ERROR/);
  }, 240_000);
});
