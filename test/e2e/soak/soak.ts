/**
 * Two gateways, one over the simulator and one over the software DOCA, in processes of their own between real kernel
 * stacks, for as long as somebody wants: master keys rotate every two seconds, workloads and strangers flood, processes are
 * killed and come back with other clocks. What they hold must stay flat, nothing may arrive twice or cross the underlay
 * readable, and packets may be lost around kills only.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import type { GatewayView } from '../../../src/gateway/view.js';
import { readCapture } from '../../../src/packet/pcap.js';
import { inTime, type Program } from '../../support/program.js';
import { ROOT } from '../../support/root.js';
import { ip, type Kind, type Side, UPLINK, World } from '../namespaces.js';
import { onUnderlay } from '../on-underlay.js';
import { attributeLosses, type Kill, type Loss } from './losses.js';
import { CONNECT, ECHO, FORGE, PROBER, SCAN, SOAK_MARK } from './scripts.js';

const KINDS: readonly [Kind, Kind] = ['sim', 'doca'];
const PROBE_INTERVAL_MS = 10;
/** Of each workload besides the two that its kernel has; more than `MAX_TUNNELS`. */
const MORE_VIPS = 200;
const MAX_TUNNELS = 64;
const FLAGS = [
  '--rotation-period=2000',
  '--rekey-grace=500',
  '--idle-timeout=10',
  `--max-tunnels=${MAX_TUNNELS}`,
];
/** A stranger's address on the out-of-band network, for each side: a gateway would drop what comes from an address of its own. */
const STRANGERS = ['10.5.5.77', '10.5.5.78'] as const;
/** A cycle: quiet and floods, then one kill of each gateway. */
const CYCLE_S_MAX = 600;
const KILLS_SHARE = 0.35;
const STEP_S = 5;
const PROGRESS_S = 30;
const STOP_MS_MAX = 10_000;
/** Lives too short to have settled are not judged. */
const SAMPLES_MIN = 9;
/** What may come on top from the second third of a life to the last one. */
const HEAP_GROWTH_OCTETS_MAX = 1_500_000;
const RSS_GROWTH_OCTETS_MAX = 16_000_000;
/** What V8 and the allocator keep grows for the first two minutes, and for longer on a loaded machine: until then, so much. */
const RSS_WARM_UP_OCTETS_MAX = 64_000_000;
const RSS_WARM_UP_SAMPLES = 72;
/** Those of calls that happen to be under way; what is left behind by each rotation is more by far. */
const HANDLES_GROWTH_MAX = 16;
/** A clock that has run for a while: days for the monotonic one, near the ends of 32-bit milliseconds and of 213.5 days. */
const UPTIMES_S = [4_294_960, 18_446_700, 86_400, 2_147_480] as const;

export interface Sample {
  readonly pid: number;
  readonly atMs: number;
  /** Since the sample before it: when the process's event loop did not come to its timers. */
  readonly stalls: readonly { readonly fromMs: number; readonly toMs: number; readonly ranMs: number }[];
  /** Since the sample before it: rotations, and what became of the tunnels that the prober's packets take. */
  readonly events: readonly { readonly atMs: number; readonly type: string }[];
  readonly heapUsed: number;
  readonly external: number;
  readonly rss: number;
  readonly fds: number;
  readonly resources: Readonly<Record<string, number>>;
  /** Undefined until the gateway has started. */
  readonly view?: GatewayView;
}

/** What the prober has counted so far. */
interface ProberCounts {
  readonly sent: number;
  /** There was no port to send by. */
  readonly unsent: number;
  readonly received: number;
  readonly duplicated: number;
  /** Came after they had been taken for lost. */
  readonly late: number;
  readonly waiting: number;
}

/** One gateway from its start to its end. */
interface Life {
  readonly index: number;
  readonly program: Program;
  readonly samples: Sample[];
}

export interface SoakResult {
  /** What must not be; empty: all is well. */
  readonly problems: readonly string[];
  /** For people. */
  readonly table: string;
}

export interface SoakOptions {
  readonly seconds: number;
  /** Gets a line now and then. */
  readonly progress: (line: string) => void;
  /** A folder for what the gateways have said, a file for each life; absent: it is not kept. */
  readonly logs?: string;
}

/** Programs that a soak needs. */
export const SOAK_PROGRAMS = ['ip', 'tcpdump', 'unshare'];

export async function soak(options: SoakOptions): Promise<SoakResult> {
  await using world = await World.open(2, MORE_VIPS);
  return await new Soak(world, options).run();
}

class Soak {
  readonly #problems: string[] = [];
  readonly #lives: Life[] = [];
  readonly #current: Life[] = [];
  readonly #kills: Kill[] = [];
  readonly #lost: Loss[] = [];
  #counts: ProberCounts = { sent: 0, unsent: 0, received: 0, duplicated: 0, late: 0, waiting: 0 };
  readonly #seen = { psp: 0, neighborDiscovery: 0, other: 0, readable: 0 };
  #floods = 0;
  #read = 0;

  constructor(
    private readonly world: World,
    private readonly options: SoakOptions,
  ) {}

  async run(): Promise<SoakResult> {
    const { world } = this;
    const { seconds, progress, logs } = this.options;
    const [one, two] = world.sides as [Side, Side];
    const capture = this.#capture(one);
    for (const [i, { gateway }] of world.sides.entries()) {
      ip('-n', gateway, 'addr', 'add', `${STRANGERS[i]}/32`, 'dev', 'oob0');
    }
    for (const index of [0, 1]) await this.#start(index);
    const echo = world.start(two.workload, [process.execPath, '-e', ECHO]);
    await echo.says(/ready udp4/);
    await echo.says(/ready udp6/);
    const prober = world.start(one.workload, [
      ...[process.execPath, '-e', PROBER, two.vip4, two.vip6, `${PROBE_INTERVAL_MS}`],
    ]);
    const startedMs = Date.now();
    const endMs = startedMs + seconds * 1000;
    const cycleMs = Math.min(seconds, CYCLE_S_MAX) * 1000;
    let nextProgressMs = startedMs + PROGRESS_S * 1000;
    for (let step = 0; Date.now() < endMs; step++) {
      const inCycleMs = (Date.now() - startedMs) % cycleMs;
      const killsFromMs = cycleMs * (1 - KILLS_SHARE);
      const cycle = Math.floor((Date.now() - startedMs) / cycleMs);
      const due = inCycleMs < killsFromMs ? 0 : inCycleMs < killsFromMs + (cycleMs - killsFromMs) / 2 ? 1 : 2;
      if (this.#kills.length < 2 * cycle + due) await this.#killAndReturn(this.#kills.length & 1);
      else if (step % 2 === 1) this.#flood();
      await sleep(STEP_S * 1000);
      for (const life of this.#current) await this.#sample(life);
      this.#readProber(prober);
      if (Date.now() >= nextProgressMs) {
        nextProgressMs += PROGRESS_S * 1000;
        progress(this.#line((Date.now() - startedMs) / 1000));
      }
    }
    prober.kill('SIGTERM');
    await prober.ended;
    this.#readProber(prober);
    for (const { program, index } of this.#current) {
      // Not the program that came before it.
      process.kill((await this.#ask(index)).pid, 'SIGTERM');
      const status = await inTime(program.ended, STOP_MS_MAX);
      if (status !== 0)
        this.#problems.push(`gateway ${index + 1} ended with ${status}:\n${program.out.slice(-2000)}`);
    }
    await capture.stop();
    if (logs !== undefined) {
      mkdirSync(logs, { recursive: true });
      this.#lives.forEach(({ index, program }, life) => {
        writeFileSync(join(logs, `gateway-${index + 1}-life-${life + 1}.log`), program.out);
      });
    }
    this.#judge();
    return { problems: this.#problems, table: this.#table() };
  }

  async #start(index: number, uptimeS?: number): Promise<void> {
    const { world } = this;
    const side = world.sides[index]!;
    const other = world.sides[1 - index]!;
    const probe = pathToFileURL(join(ROOT, 'test/e2e/soak/probe.mjs')).href;
    const program = await world.startGateway(index, KINDS[index]!, FLAGS, {
      before:
        uptimeS === undefined
          ? []
          : ['unshare', '-T', `--monotonic=${uptimeS}`, '--fork', '--kill-child=SIGKILL', '--'],
      environment: {
        NODE_OPTIONS: `--import=${probe}`,
        PSP_SOAK_PROBE: this.#socketOf(index),
        PSP_SOAK_PROBED: world.sides.flatMap(({ vip4, vip6 }) => [vip4, vip6]).join(' '),
        PSP_SOAK_GATEWAY: pathToFileURL(join(ROOT, 'dist/gateway/gateway.js')).href,
      },
    });
    ip(
      '-n',
      side.workload,
      'route',
      'replace',
      `${other.moreVips[0]!.replace(/\.\d+$/, '.0')}/24`,
      'via',
      other.vip4,
    );
    const life = { index, program, samples: [] };
    this.#lives.push(life);
    this.#current[index] = life;
  }

  #socketOf(index: number): string {
    return join(this.world.folder, `probe-${index}.sock`);
  }

  /** Kills a gateway as nobody can prepare for, and starts it again; every second time with another clock. */
  async #killAndReturn(index: number): Promise<void> {
    const { pid } = await this.#ask(index);
    const kill: Kill = { index, killedMs: Date.now(), upMs: Infinity };
    this.#kills.push(kill);
    process.kill(pid, 'SIGKILL');
    await this.#current[index]!.program.ended;
    const turn = this.#kills.length - 1;
    await this.#start(index, turn % 4 < 2 ? UPTIMES_S[(turn >> 1) % UPTIMES_S.length] : undefined);
    kill.upMs = Date.now();
  }

  /** One of the floods, of which none is to hurt anybody. */
  #flood(): void {
    const { world } = this;
    const [one, two] = world.sides as [Side, Side];
    const node = (namespace: string, script: string, ...args: string[]) =>
      world.start(namespace, [process.execPath, '-e', script, ...args]);
    const prefix = (side: Side) => side.moreVips[0]!.replace(/\.\d+$/, '');
    switch (this.#floods++ % 4) {
      case 0:
        node(one.workload, SCAN, prefix(two), '254');
        break;
      case 1:
        node(two.gateway, CONNECT, STRANGERS[1], one.oob, '300');
        node(one.gateway, CONNECT, STRANGERS[0], two.oob, '300');
        break;
      case 2:
        node(two.workload, SCAN, prefix(one), '254');
        break;
      default:
        // From where a kernel speaks on the underlay: to the other gateway, and to this one itself.
        node(one.gateway, FORGE, two.underlay, '1000');
        node(one.gateway, FORGE, one.underlay, '1000');
    }
  }

  async #sample(life: Life): Promise<void> {
    life.samples.push(await this.#ask(life.index));
  }

  #ask(index: number): Promise<Sample> {
    return new Promise((resolve, reject) => {
      let text = '';
      const socket = connect(this.#socketOf(index));
      socket.setEncoding('utf8');
      socket.on('data', (chunk) => {
        text += chunk;
      });
      socket.on('error', reject);
      socket.on('close', () => {
        try {
          resolve(JSON.parse(text) as Sample);
        } catch (error) {
          reject(error);
        }
      });
    });
  }

  #readProber(prober: Program): void {
    const lines = prober.out.slice(this.#read).split('\n');
    // The last one may not be whole.
    const whole = lines.slice(0, -1);
    this.#read += whole.join('\n').length + (whole.length > 0 ? 1 : 0);
    for (const line of whole) {
      if (!line.startsWith('{')) {
        if (line !== '') this.#problems.push(`the prober says: ${line}`);
        continue;
      }
      const { lost, ...counts } = JSON.parse(line) as ProberCounts & { lost: Loss[] };
      this.#counts = counts;
      this.#lost.push(...lost);
    }
  }

  /** Looks at every frame on the underlay, as it comes. */
  #capture(side: Side): { stop(): Promise<void> } {
    const argv = ['netns', 'exec', side.gateway, 'tcpdump', '-Z', 'root', '-B', '16384', '--immediate-mode'];
    const child = spawn('ip', [...argv, '-i', UPLINK, '-U', '-w', '-'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const read = (async () => {
      for await (const { frame } of readCapture(child.stdout)) {
        this.#seen[onUnderlay(frame) ?? 'other']++;
        if (Buffer.from(frame.buffer, frame.byteOffset, frame.length).includes(SOAK_MARK))
          this.#seen.readable++;
      }
    })();
    const ended = new Promise((resolve) => child.on('close', resolve));
    return {
      stop: async () => {
        child.kill('SIGINT');
        await Promise.all([ended, read]);
      },
    };
  }

  /** The packets that were lost, but not around a kill. */
  #lostOutside(): readonly Loss[] {
    return attributeLosses(this.#lost, this.#kills).outside;
  }

  #judge(): void {
    const { sent, duplicated } = this.#counts;
    const wrong = (what: string) => this.#problems.push(what);
    if (sent === 0) wrong('nothing was sent');
    if (duplicated > 0) wrong(`${duplicated} packets came twice`);
    const lost = this.#lostOutside();
    if (lost.length > 0) {
      wrong(
        `${lost.length} packets were lost, not around a kill: sent at ${timesOf(lost.map(({ sentMs }) => sentMs))}`,
      );
      for (const line of this.#around(lost)) wrong(line);
    }
    if (this.#seen.readable > 0) wrong(`${this.#seen.readable} frames on the underlay were readable`);
    if (this.#seen.other > 0)
      wrong(`${this.#seen.other} frames on the underlay were neither PSP nor neighbor discovery`);
    if (this.#seen.psp < sent) wrong(`${sent} packets were sent, but ${this.#seen.psp} crossed the underlay`);
    for (const index of [0, 1]) {
      const turnedAway = this.#lives
        .filter((life) => life.index === index)
        .map(({ samples }) => samples.at(-1)?.view?.doors?.refused)
        .reduce((sum, refused) => sum + (refused === undefined ? 0 : refused.source + refused.rate), 0);
      // The second flood, of which each gateway's doors let in a few.
      if (this.#floods > 1 && turnedAway === 0)
        wrong(`no stranger came to the doors of gateway ${index + 1}`);
    }
    for (const life of this.#lives) {
      const { index, samples } = life;
      const name = `gateway ${index + 1} (${KINDS[index]})`;
      for (const { view } of samples) {
        if (view === undefined) wrong(`${name} has no view`);
        else if (view.sessions.length > MAX_TUNNELS || view.keySlotsUsed > 2 * MAX_TUNNELS) {
          wrong(`${name} holds ${view.sessions.length} sessions and ${view.keySlotsUsed} key slots`);
        }
      }
      const complaint = /INTERNAL|ALREADY_EXIST|uncaught|unhandled/i.exec(life.program.out);
      if (complaint !== null) wrong(`${name} says: ${lineAround(life.program.out, complaint.index)}`);
      if (samples.length < SAMPLES_MIN) continue;
      const rssMax = samples.length < RSS_WARM_UP_SAMPLES ? RSS_WARM_UP_OCTETS_MAX : RSS_GROWTH_OCTETS_MAX;
      for (const [what, max, of] of [...MEASURES, ['RSS', rssMax, ({ rss }: Sample) => rss] as const]) {
        const [before, after] = thirds(samples.map(of));
        if (after - before > max) wrong(`${name}: ${what} rose from ${before} to ${after}`);
      }
    }
  }

  /**
   * What may explain losses: which family they were of, the stalls of processes, what became of the prober's tunnels, and what
   * the gateways counted meanwhile.
   */
  *#around(lost: readonly Loss[]): Generator<string> {
    const of = (family: number) => lost.filter((loss) => loss.family === family).length;
    const kills = this.#kills.map(
      ({ index, killedMs, upMs }) => `gateway ${index + 1} ${timeOf(killedMs)} to ${timeOf(upMs)}`,
    );
    yield `of these over IPv4 ${of(4)}, over IPv6 ${of(6)}; kills: ${kills.join(', ') || '-'}`;
    const times = lost.map(({ sentMs }) => sentMs);
    const fromMs = Math.min(...times) - 1000;
    const toMs = Math.max(...times) + 1000;
    for (const { index, samples } of this.#lives) {
      const stalls = samples
        .flatMap((sample) => sample.stalls)
        .filter((stall) => stall.toMs > fromMs && stall.fromMs < toMs)
        .map(
          (stall) =>
            `${timeOf(stall.fromMs)} for ${stall.toMs - stall.fromMs} ms, of which it ran ${stall.ranMs}`,
        );
      if (stalls.length > 0) yield `gateway ${index + 1} stalled at ${stalls.join('; ')}`;
      for (const sample of samples) {
        for (const { atMs, ...event } of sample.events) {
          if (atMs > fromMs && atMs < toMs)
            yield `gateway ${index + 1} ${timeOf(atMs)} ${JSON.stringify(event)}`;
        }
      }
      const before = samples.findLast(({ atMs }) => atMs <= fromMs);
      const after = samples.find(({ atMs }) => atMs >= toMs);
      if (before?.view === undefined || after?.view === undefined) continue;
      const changes = changesOf(before.view, after.view);
      yield `gateway ${index + 1} from ${timeOf(before.atMs)} to ${timeOf(after.atMs)}: ${changes.join(', ')}`;
    }
  }

  #line(atS: number): string {
    const { sent, received, duplicated } = this.#counts;
    const sizes = this.#current.map(({ samples }) => {
      const last = samples.at(-1);
      return last === undefined
        ? '-'
        : `heap ${megabytes(last.heapUsed)} rss ${megabytes(last.rss)} MB, ${last.fds} fds, ${last.view?.rotations} rotations`;
    });
    return `${Math.round(atS)} s: ${sent} sent, ${received} back, ${this.#lost.length} lost (${this.#lostOutside().length} not around kills), ${duplicated} twice; ${sizes.join('; ')}`;
  }

  #table(): string {
    const rows = [
      ['gateway', 'life', 'samples', 'heap MB', 'rss MB', 'fds', 'timers', 'sessions', 'rotations'],
    ];
    this.#lives.forEach(({ index, samples }, life) => {
      const range = (of: (sample: Sample) => number) => {
        const [before, after] = thirds(samples.map(of));
        return `${before} -> ${after}`;
      };
      if (samples.length === 0) return;
      rows.push([
        `${index + 1} ${KINDS[index]}`,
        `${life + 1}`,
        `${samples.length}`,
        range(({ heapUsed }) => Number(megabytes(heapUsed))),
        range(({ rss }) => Number(megabytes(rss))),
        range(({ fds }) => fds),
        range(({ resources }) => resources.Timeout ?? 0),
        range(({ view }) => view?.sessions.length ?? 0),
        `${samples.at(-1)!.view?.rotations}`,
      ]);
    });
    const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
    const lines = rows.map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    );
    const { sent, unsent, received, duplicated, late } = this.#counts;
    const { byKill, outside } = attributeLosses(this.#lost, this.#kills);
    const back = [...byKill].map(([{ index, upMs }, lost]) => {
      const untilMs = Math.max(0, ...lost.map(({ sentMs }) => sentMs - upMs));
      return `${KINDS[index]} ${lost.length}, until ${(untilMs / 1000).toFixed(1)} s after its return`;
    });
    return [
      ...lines,
      `packets: ${sent} sent, ${received} back, ${late} late, ${this.#lost.length} lost (${outside.length} not around kills), ${duplicated} twice, ${unsent} without a port`,
      `underlay: ${this.#seen.psp} PSP, ${this.#seen.neighborDiscovery} neighbor discovery, ${this.#seen.other} other, ${this.#seen.readable} readable`,
      `floods: ${this.#floods}; kills: ${this.#kills.length}, lost by them: ${back.join('; ') || '-'}`,
    ].join('\n');
  }
}

const MEASURES: readonly (readonly [string, number, (sample: Sample) => number])[] = [
  ['the heap', HEAP_GROWTH_OCTETS_MAX, ({ heapUsed }) => heapUsed],
  ['memory outside the heap', HEAP_GROWTH_OCTETS_MAX, ({ external }) => external],
  ['open files', HANDLES_GROWTH_MAX, ({ fds }) => fds],
  [
    'handles and timers',
    HANDLES_GROWTH_MAX,
    ({ resources }) => Object.values(resources).reduce((sum, count) => sum + count, 0),
  ],
  ['SPIs that wait to be closed', MAX_TUNNELS, ({ view }) => view?.spisRetiring ?? 0],
];

/** The medians of the second third and of the last one; the first one is for warming up. */
function thirds(numbers: readonly number[]): [number, number] {
  const third = Math.floor(numbers.length / 3);
  return [median(numbers.slice(third, 2 * third)), median(numbers.slice(-Math.max(1, third)))];
}

function median(numbers: readonly number[]): number {
  return [...numbers].sort((a, b) => a - b)[numbers.length >> 1] ?? 0;
}

/** The counters of `after` that differ from those of `before`, by their paths. */
function changesOf(before: object, after: object, path = ''): string[] {
  const former = new Map<string, unknown>(Object.entries(before));
  return Object.entries(after).flatMap(([name, value]) => {
    const at = path === '' ? name : `${path}.${name}`;
    const was = former.get(name);
    if (typeof value === 'number' && typeof was === 'number') {
      return value === was ? [] : [`${at} ${was} -> ${value}`];
    }
    if (Array.isArray(value) || typeof value !== 'object' || value === null) return [];
    return changesOf(typeof was === 'object' && was !== null ? was : {}, value, at);
  });
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString().slice(11, 23);
}

/** Seconds of the day, with how many of each. */
function timesOf(timesMs: readonly number[]): string {
  const counts = new Map<string, number>();
  for (const ms of timesMs) {
    const second = new Date(ms).toISOString().slice(11, 19);
    counts.set(second, (counts.get(second) ?? 0) + 1);
  }
  return [...counts].map(([second, count]) => `${second} (${count})`).join(', ');
}

function megabytes(octets: number): string {
  return (octets / 1e6).toFixed(1);
}

function lineAround(text: string, index: number): string {
  const start = text.lastIndexOf('\n', index) + 1;
  const end = text.indexOf('\n', index);
  return text.slice(start, end === -1 ? undefined : end);
}
