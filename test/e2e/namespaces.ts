/**
 * Network namespaces with two gateways between two workloads that are real kernel stacks:
 *
 *     w1 --TAP vf0-- g1 ==veth up0, IPv6, the underlay== g2 --TAP vf0-- w2
 *                     `---veth oob0, IPv4, gRPC---'
 *
 * or more of them, with bridges in the place of the cables.
 *
 * Namespaces are named after this process, and removed with everything in them, however the test ends.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeCertificates } from '../../src/cli/certificates.js';
import { DOCA_ADDON } from '../../src/hal/native-parts.js';
import { type DocaRelease, docaAddon } from '../support/doca-harness.js';
import { inTime, Program } from '../support/program.js';
import { PORTS_ADDON, ROOT } from '../support/root.js';

const MAIN = join(ROOT, 'dist/cli/main.js');
/** Name of the TAP interface of either gateway, each in a namespace of its own. */
const VF = 'vf0';
export const UPLINK = 'up0';
const OOB = 'oob0';
/** Of 'doca before a kernel'. */
export const KERNEL = 'kernel0';
/** For a command that prints its own result; a path that carries nothing is not waited for longer. */
const RUN_TIMEOUT_MS = 30_000;
const ENDING_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** One half of the picture above. */
export interface Side {
  readonly gateway: string;
  readonly workload: string;
  /** Of the underlay. */
  readonly underlay: string;
  /** The same for an outer IPv4 header. */
  readonly underlay4: string;
  readonly underlayMac: string;
  /** Where the gateway serves its peer. */
  readonly oob: string;
  readonly vip4: string;
  readonly vip6: string;
  /** Further addresses of the workload, of which its kernel knows nothing. */
  readonly moreVips: readonly string[];
}

export interface StartOptions {
  /** Family of the outer header; 6 when absent. */
  readonly outer?: 4 | 6;
  /** What comes before and around the program. */
  readonly before?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Whether flags name the peers; absent: they do. */
  readonly peerFlags?: boolean;
  /** Resolves when it has started; absent: when it says so. */
  readonly started?: (gateway: Program) => Promise<unknown>;
  /** Which of the sides are its peers; absent: all others. */
  readonly peers?: readonly number[];
  /** The program's main file, where it is another one than the compiled one. */
  readonly main?: string;
  /** The folder of its certificates and authority, where it has others than the rest. */
  readonly certificates?: string;
}

const vipsOf = ({ vip4, vip6, moreVips }: Side) => [vip4, vip6, ...moreVips].join();

interface Process {
  readonly flags: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

type ProcessOf = (side: Side, folder: string, peers: readonly Side[]) => Process;

/** What is particular to the gateway's process over one kind of HAL: the VF must be a TAP interface named `VF`. */
const KINDS = {
  sim: (side: Side): Process => ({
    flags: [`--sim-wire=udp:[${side.underlay}]`, `--sim-vf=tap:${VF},${vipsOf(side)}`],
    environment: { PSP_GATEWAY_PORTS: PORTS_ADDON },
  }),
  doca: onDoca(overVeth),
  'doca 3.1': onRelease('3.1'),
  'doca 3.3': onRelease('3.3'),
  /** With the kernel behind the uplink, as an interface that the device makes. */
  'doca before a kernel': onDoca(overVeth, [`kernel = net_tap1,iface=${KERNEL}`]),
  'doca over af_xdp': onDoca(() => `net_af_xdp0,iface=${UPLINK}`),
  /** From gateway to gateway through memory, past the underlay. */
  'doca over memif': onDoca(({ underlay }, folder, peers) => {
    const role = underlay < peers[0]!.underlay ? 'server' : 'client';
    return `net_memif0,role=${role},socket=${join(folder, 'memif.sock')},socket-abstract=no`;
  }),
} satisfies Record<string, ProcessOf>;

/** Two queues of the slow path, as the default has them, where there are two cores. */
const CORE_MASK = cpus().length > 1 ? '0x3' : '0x1';

function overVeth(): string {
  return `net_af_packet0,iface=${UPLINK}`;
}

/**
 * The underlay is the software DOCA's alone: the kernel has no addresses there, and answers nothing. `more`: lines for the device's
 * section of the mapping file.
 */
function onDoca(uplink: (...args: Parameters<ProcessOf>) => string, more: readonly string[] = []): ProcessOf {
  return (side, folder, peers) => {
    const { gateway, underlay, underlay4, underlayMac } = side;
    execFileSync('ip', ['netns', 'exec', gateway, 'sysctl', '-qw', `net.ipv6.conf.${UPLINK}.disable_ipv6=1`]);
    const mapping = join(folder, `${gateway}.conf`);
    writeFileSync(
      mapping,
      [
        '[device 0000:03:00.0]',
        `port = ${uplink(side, folder, peers)}`,
        'mtu = 1500',
        `mac = ${underlayMac}`,
        `ipv4 = ${underlay4}`,
        `ipv6 = ${underlay}`,
        ...more,
        '[representor vf0]',
        `port = net_tap0,iface=${VF}`,
        'mtu = 1500',
      ].join('\n'),
    );
    return {
      flags: [
        ...['--hal=doca', '--pci-addr=03:00.0', '--repr=[0]', `--core-mask=${CORE_MASK}`],
        `--local-virt-ip=${vipsOf(side)}`,
        // A peer with --sim-wire udp stands behind its kernel, whose MAC it does not know.
        ...(peers.length === 1 ? [`--nexthop-dmac=${peers[0]!.underlayMac}`] : []),
      ],
      environment: { DOCA_SOFT_CONFIG: mapping },
    };
  };
}

function onRelease(release: DocaRelease): ProcessOf {
  return (...args) => {
    const { flags, environment } = onDoca(overVeth)(...args);
    return { flags, environment: { ...environment, [DOCA_ADDON.variable]: docaAddon(release) } };
  };
}

export type Kind = keyof typeof KINDS;

let worlds = 0;

export class World implements AsyncDisposable {
  readonly sides: readonly Side[];
  readonly folder = mkdtempSync(join(tmpdir(), 'pspgw-'));
  readonly #name: string;
  readonly #namespaces: string[] = [];
  readonly #programs: Program[] = [];
  readonly #onExit = () => this.#removeAll();
  /** Without a handler a signal ends the process before it can exit. */
  readonly #onSignal = () => process.exit(1);

  private constructor(gateways: number, moreVips: number) {
    this.#name = `pspgw-${process.pid}-${++worlds}`;
    this.sides = Array.from({ length: gateways }, (_, i) => side(this.#name, i + 1, moreVips));
  }

  /** Namespaces, underlay and out-of-band network are there and up; no gateway runs yet. */
  static async open(gateways = 2, moreVips = 0): Promise<World> {
    const world = new World(gateways, moreVips);
    try {
      process.on('exit', world.#onExit);
      for (const signal of ENDING_SIGNALS) process.on(signal, world.#onSignal);
      world.#connect();
      await writeCertificates({ out: world.folder, host: world.sides.map(({ oob }) => oob), force: true });
      return world;
    } catch (error) {
      await world[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Starts a gateway and gives its workload the VF. */
  async startGateway(
    index: number,
    kind: Kind,
    more: readonly string[] = [],
    { outer = 6, before = [], environment: further = {}, started, ...options }: StartOptions = {},
  ): Promise<Program> {
    const own = this.sides[index]!;
    const { main = MAIN, certificates = this.folder, peerFlags = true } = options;
    const isPeer = (side: Side, i: number) => side !== own && options.peers?.includes(i) !== false;
    const peers = this.sides.filter(isPeer);
    const { flags, environment } = KINDS[kind](own, this.folder, peers);
    const gateway = this.start(
      own.gateway,
      [
        ...before,
        ...[
          process.execPath,
          main,
          `--outer-ip-type=ipv${outer}`,
          '--inner=both',
          `--svc-addr=${own.oob}:3000`,
        ],
        ...(peerFlags ? peers.map((peer) => `--tunnel=${peer.oob}:3000:${vipsOf(peer)}`) : []),
        `--tls-ca=${certificates}/ca.pem`,
        `--tls-cert=${certificates}/${own.oob}.pem`,
        `--tls-key=${certificates}/${own.oob}.key`,
        ...flags,
        ...more,
      ],
      { ...environment, ...further },
    );
    await (started === undefined ? gateway.says(/gateway started/) : started(gateway));
    ip('-n', own.gateway, 'link', 'set', VF, 'netns', own.workload);
    ip('-n', own.workload, 'addr', 'add', `${own.vip4}/24`, 'dev', VF);
    ip('-n', own.workload, 'addr', 'add', `${own.vip6}/64`, 'dev', VF, 'nodad');
    ip('-n', own.workload, 'link', 'set', VF, 'up');
    return gateway;
  }

  /** Whether a workload has its VF. */
  hasVf({ workload }: Side): boolean {
    return execFileSync('ip', ['-n', workload, '-br', 'link'], { encoding: 'utf8' }).includes(VF);
  }

  start(
    namespace: string,
    command: readonly string[],
    environment: Readonly<Record<string, string>> = {},
  ): Program {
    const program = new Program(['ip', 'netns', 'exec', namespace, ...command], environment);
    this.#programs.push(program);
    return program;
  }

  /** Runs a command to its end; what it printed. Rejects with that when it fails, or takes too long. */
  async run(namespace: string, command: readonly string[]): Promise<string> {
    const program = this.start(namespace, command);
    const status = await inTime(program.ended, RUN_TIMEOUT_MS);
    if (status === undefined) await program.stop('SIGKILL');
    if (status !== 0)
      throw new Error(`${command.join(' ')} ended with ${status ?? 'no result in time'}:\n${program.out}`);
    return program.out;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const program of this.#programs) program.kill('SIGKILL');
    await Promise.all(this.#programs.map(({ ended }) => ended));
    this.#removeAll();
    process.off('exit', this.#onExit);
    for (const signal of ENDING_SIGNALS) process.off(signal, this.#onSignal);
  }

  #connect(): void {
    for (const { gateway, workload } of this.sides) {
      for (const namespace of [gateway, workload]) this.#addNamespace(namespace);
    }
    if (this.sides.length === 2) this.#connectTwo();
    else this.#connectMany();
    for (const [index, { gateway, underlay, underlayMac, oob }] of this.sides.entries()) {
      ip('-n', gateway, 'link', 'set', UPLINK, 'address', underlayMac);
      ip('-n', gateway, 'addr', 'add', `${underlay}/64`, 'dev', UPLINK, 'nodad');
      ip('-n', gateway, 'addr', 'add', `${oob}/24`, 'dev', OOB);
      ip('-n', gateway, 'link', 'set', UPLINK, 'up');
      ip('-n', gateway, 'link', 'set', OOB, 'up');
      // A kernel's stack may be there on one side only: nobody need answer for the other.
      for (const peer of this.sides.filter((_, i) => i !== index)) {
        const neighbor = [peer.underlay, 'lladdr', peer.underlayMac, 'dev', UPLINK];
        ip('-n', gateway, 'neigh', 'add', ...neighbor, 'nud', 'permanent');
      }
    }
  }

  #addNamespace(namespace: string): void {
    ip('netns', 'add', namespace);
    this.#namespaces.push(namespace);
    ip('-n', namespace, 'link', 'set', 'lo', 'up');
  }

  /** A cable for each network. */
  #connectTwo(): void {
    const [one, two] = this.sides;
    for (const name of [UPLINK, OOB]) {
      const peer = ['peer', 'name', name, 'netns', two!.gateway];
      ip('link', 'add', name, 'netns', one!.gateway, 'type', 'veth', ...peer);
    }
  }

  /** A switch for each network. */
  #connectMany(): void {
    const switches = `${this.#name}-sw`;
    this.#addNamespace(switches);
    for (const name of [UPLINK, OOB]) {
      // Else it reports to multicast groups itself.
      ip('-n', switches, 'link', 'add', name, 'type', 'bridge', 'mcast_snooping', '0');
      ip('-n', switches, 'link', 'set', name, 'up');
      for (const [i, { gateway }] of this.sides.entries()) {
        const port = `${name}-${i}`;
        ip('link', 'add', port, 'netns', switches, 'type', 'veth', 'peer', 'name', name, 'netns', gateway);
        ip('-n', switches, 'link', 'set', port, 'master', name, 'up');
      }
    }
  }

  /** Also from the process's exit, so nothing here waits for anything. */
  #removeAll(): void {
    for (const program of this.#programs) program.kill('SIGKILL');
    // One that cannot be removed keeps no other.
    for (const namespace of this.#namespaces.splice(0)) {
      spawnSync('ip', ['netns', 'del', namespace], { stdio: ['ignore', 'ignore', 'inherit'] });
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function side(world: string, number: number, moreVips: number): Side {
  return {
    gateway: `${world}-g${number}`,
    workload: `${world}-w${number}`,
    underlay: `fd00:5:5::${number}`,
    underlay4: `10.55.5.${number}`,
    underlayMac: `02:00:00:05:05:0${number}`,
    oob: `10.5.5.${number}`,
    vip4: `192.168.1.${number}`,
    vip6: `fd00:1:1::${number}`,
    moreVips: Array.from({ length: moreVips }, (_, i) => `10.9.${number}.${i + 1}`),
  };
}

export function ip(...args: string[]): void {
  execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] });
}
