/** TCP between two workloads in namespaces: through two gateways over the software DOCA, and over wireguard-go. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { World } from '../test/e2e/namespaces.js';

const SECONDS = 5;

/** Bits per second. undefined: this machine cannot run it. */
export interface TcpRates {
  readonly gateways: number;
  /** Absent where wireguard-go is not installed. */
  readonly wireguard?: number;
}

export async function benchTcp(): Promise<TcpRates | undefined> {
  if (process.getuid?.() !== 0 || !has('ip') || !has('iperf3')) return undefined;
  const gateways = await throughGateways();
  if (!has('wireguard-go') || !has('wg')) return { gateways };
  return { gateways, wireguard: await throughWireguard() };
}

function has(program: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${program}`], { stdio: 'ignore' }).status === 0;
}

async function throughGateways(): Promise<number> {
  await using world = await World.open();
  for (const index of [0, 1])
    await world.startGateway(index, 'doca', [`--static-tunnels=${world.sides[index]!.vip4}`]);
  const [one, two] = world.sides;
  // The first packets wait for ARP and for what the kernels learn of the path.
  await world.run(one!.workload, ['ping', '-q', '-c', '3', '-i', '0.2', two!.vip4]);
  return await iperf(world, one!.workload, two!.workload, two!.vip4);
}

async function throughWireguard(): Promise<number> {
  await using world = await World.open();
  const [one, two] = world.sides;
  const keys = world.sides.map(() => {
    const secret = execFileSync('wg', ['genkey'], { encoding: 'utf8' }).trim();
    return { secret, open: execFileSync('wg', ['pubkey'], { input: secret, encoding: 'utf8' }).trim() };
  });
  const programs = [];
  for (const [i, side] of world.sides.entries()) {
    const inside = (...command: string[]) => ['netns', 'exec', side.gateway, ...command];
    // Its control socket has the interface's name, in all namespaces.
    const name = `pspgw-wg${i}`;
    programs.push(spawn('ip', inside('wireguard-go', '-f', name), { stdio: 'ignore' }));
    await sleep(500);
    const peer = world.sides[1 - i]!;
    const secret = join(world.folder, `wireguard-${i}`);
    writeFileSync(secret, keys[i]!.secret, { mode: 0o600 });
    const own = ['listen-port', '51820', 'private-key', secret];
    const endpoint = ['allowed-ips', '192.168.9.0/24', 'endpoint', `[${peer.underlay}]:51820`];
    execFileSync('ip', inside('wg', 'set', name, ...own, 'peer', keys[1 - i]!.open, ...endpoint));
    execFileSync('ip', ['-n', side.gateway, 'addr', 'add', `192.168.9.${i + 1}/24`, 'dev', name]);
    execFileSync('ip', ['-n', side.gateway, 'link', 'set', name, 'up']);
  }
  try {
    await world.run(one!.gateway, ['ping', '-q', '-c', '3', '-i', '0.2', '192.168.9.2']);
    return await iperf(world, one!.gateway, two!.gateway, '192.168.9.2');
  } finally {
    for (const program of programs) program.kill();
  }
}

async function iperf(world: World, from: string, to: string, address: string): Promise<number> {
  const server = world.start(to, ['iperf3', '--server', '--one-off', '--forceflush']);
  await server.says(/listening/);
  const out = await world.run(from, ['iperf3', '--json', '--time', `${SECONDS}`, '--client', address]);
  return (JSON.parse(out) as { end: { sum_received: { bits_per_second: number } } }).end.sum_received
    .bits_per_second;
}
