/** A gateway in a process of its own, over either device, for benches of its tunnel service: who is who, and how it is seen. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { systemClock } from '../src/base/clock.js';
import type { DoorView } from '../src/gateway/doors/door-view.js';
import { createThrowAwayAuthority } from '../src/gateway/rpc/certificates.js';
import type { TlsMaterial } from '../src/gateway/rpc/grpc-transport.js';
import { type IpAddress, parseIp } from '../src/packet/address.js';
import { type AskingPeer, askingPeer } from '../test/support/asking-peer.js';

export type HalName = 'sim' | 'doca';

export const SERVER = { host: parseIp('127.0.0.1'), port: 13_000 };
/** Two peers, and somebody with a certificate who is none. */
export const HONEST = parseIp('127.0.0.9');
export const GREEDY = parseIp('127.0.0.10');
export const NOBODY = parseIp('127.0.0.66');
export const LOCAL_VIP = parseIp('192.168.1.1');
export const HONEST_VIP = parseIp('192.168.2.1');
export const GREEDY_VIP = parseIp('192.168.3.1');
export const MESSAGE_OCTETS = 4 << 20;
export const DEADLINE_MS = 5_000;
const PCI = '0000:03:00.0';
const MAIN = 'dist/cli/main.js';
const ADDON = 'build/native/addon-3.3/Release/psp_gateway_doca.node';
const PROBE = 'test/e2e/soak/probe.mjs';

/** Certificates, and a folder for what gateways read. */
export interface Place {
  readonly folder: string;
  readonly tlsOf: (ip: IpAddress) => Promise<TlsMaterial>;
  close(): void;
}

export async function openPlace(): Promise<Place> {
  const folder = mkdtempSync(join(tmpdir(), 'psp-gateway-doors-'));
  const authority = await createThrowAwayAuthority();
  const tlsOf = async (ip: IpAddress): Promise<TlsMaterial> => ({
    caPem: authority.caPem,
    ...(await authority.issue({ commonName: ip, ips: [ip] })),
  });
  const own = await tlsOf(SERVER.host);
  for (const [name, text] of Object.entries({ ca: own.caPem, cert: own.certificatePem, key: own.keyPem })) {
    writeFileSync(join(folder, `${name}.pem`), text);
  }
  return { folder, tlsOf, close: () => rmSync(folder, { recursive: true }) };
}

/** Octets that a gateway's process holds after a garbage collection. */
export interface Held {
  readonly heapUsed: number;
  readonly external: number;
  readonly arrayBuffers: number;
  readonly doors: DoorView;
}

export interface GatewayProcess {
  /** Resident memory, megabytes. */
  rss(): number;
  /** Seconds that its main thread has run, and has waited for a core that others had. */
  cpu(): { readonly ran: number; readonly waited: number };
  held(): Promise<Held>;
  kill(): void;
}

export async function startGateway(hal: HalName, { folder }: Place): Promise<GatewayProcess> {
  const file = (name: string) => join(folder, name);
  const flags = [
    ...['-s', `${SERVER.host}:${SERVER.port}`],
    ...['-t', `${HONEST}:3000:${HONEST_VIP}`, '-t', `${GREEDY}:3000:${GREEDY_VIP}`],
    ...['--tls-ca', file('ca.pem'), '--tls-cert', file('cert.pem'), '--tls-key', file('key.pem')],
  ];
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    PSP_SOAK_PROBE: file('probe.sock'),
    PSP_SOAK_GATEWAY: pathToFileURL('dist/gateway/gateway.js').href,
  };
  if (hal === 'sim') {
    flags.push('--outer-ip-type', 'ipv4');
    flags.push('--sim-wire', 'udp:127.0.0.1:13001', '--sim-vf', `host:${LOCAL_VIP}`);
  } else {
    // Without no-rx net_null brings a frame whenever it is asked, and the device's thread never lets its core go.
    const devices = [
      `[device ${PCI}]`,
      'port = net_null9,no-rx=1',
      'ipv6 = 2001:db8::1',
      '[representor vf0]',
      'port = net_null10,no-rx=1',
      'mac = 02:00:00:00:00:b0',
    ];
    writeFileSync(file('mapping.conf'), `${devices.join('\n')}\n`);
    env.PSP_GATEWAY_DOCA_ADDON = join(process.cwd(), ADDON);
    env.DOCA_SOFT_CONFIG = file('mapping.conf');
    flags.push('--hal=doca', '-p', PCI, '-r', 'vf0', '-m', '0x1');
    flags.push('--decap-dmac', '02:00:00:00:00:b1', '--local-virt-ip', LOCAL_VIP);
  }
  const probe = `--import=${pathToFileURL(PROBE).href}`;
  const child = spawn(process.execPath, [probe, MAIN, ...flags], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  await started(child);
  const procFile = (name: string) => readFileSync(`/proc/${child.pid}/${name}`, 'utf8');
  return {
    rss: () => Math.round(Number(/^VmRSS:\s+(\d+) kB/m.exec(procFile('status'))![1]) / 1024),
    cpu() {
      const [ran, waited] = procFile('schedstat').split(' ').map(Number);
      return { ran: ran! / 1e9, waited: waited! / 1e9 };
    },
    held: () => probed(file('probe.sock')),
    kill: () => child.kill('SIGKILL'),
  };
}

/** Resolves at the line "gateway started"; what it says of refusals goes to our own standard error. */
function started(child: ChildProcess): Promise<void> {
  let said = '';
  return new Promise<void>((resolve, reject) => {
    const hear = (octets: Buffer) => {
      said += octets;
      if (said.includes('gateway started')) resolve();
      for (const line of String(octets).split('\n')) {
        if (line.includes('refused')) process.stderr.write(`gateway: ${line}\n`);
      }
    };
    child.stdout!.on('data', hear);
    child.stderr!.on('data', hear);
    child.once('exit', () => reject(new Error(said)));
  });
}

function probed(path: string): Promise<Held> {
  return new Promise((resolve, reject) => {
    let text = '';
    connect(path)
      .on('data', (octets) => {
        text += octets;
      })
      .once('error', reject)
      .once('end', () => {
        const { heapUsed, external, arrayBuffers, view } = JSON.parse(text);
        resolve({ heapUsed, external, arrayBuffers, doors: view.doors });
      });
  });
}

/** The peer that ought to be served whatever others do. */
export async function honestPeer(place: Place, connectsAnew: boolean): Promise<AskingPeer> {
  return askingPeer({
    tls: await place.tlsOf(HONEST),
    from: HONEST,
    gateway: SERVER,
    clock: systemClock,
    deadlineMs: DEADLINE_MS,
    virtualIp: HONEST_VIP,
    gatewayVirtualIp: LOCAL_VIP,
    connectsAnew,
  });
}

/** A share of sorted numbers below the one that is given. */
export function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}
