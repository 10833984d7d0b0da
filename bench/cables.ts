/**
 * `npm run bench:cables`: frames through a topology whose links end at interfaces of this machine, a switch between them and the
 * watch on, beside the same two sockets joined without a topology, in turns in the same run. Two veth pairs are the cables; two
 * senders in namespaces send as many frames a second as are asked for, each to the other's. Root, iproute2 and the native ports.
 */
import { execFileSync, fork } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../src/base/clock.js';
import { table } from '../src/cli/output.js';
import { openPacketPort } from '../src/hal-sim/ports/packet-socket.js';
import { loadPortsAddon } from '../src/hal-sim/ports/ports-addon.js';
import { readTopology } from '../src/topology/file/read.js';
import { openOutside } from '../src/topology/real-time/outside.js';
import { runTopology } from '../src/topology/run.js';
import { PORTS_ADDON } from '../test/support/root.js';

const RATES = [100_000, 200_000, 250_000];
const TARGET_PER_SECOND = 200_000;
/** Of the processor time of the raw forward, per frame. */
const TARGET_RATIO = 1.5;
const TURNS = 3;
const SECONDS = 2;
const PACKET_OCTETS = 1500;
const BATCH_FRAMES = 64;
/** The topology starts, and what is on its way arrives. */
const SETTLE_MS = 300;

const SPACES = ['pspbench-a', 'pspbench-b'];
const CABLES = ['pspbench0', 'pspbench1'];
const FAR = 'far';
const addon = () => loadPortsAddon(PORTS_ADDON);
const ip = (...args: string[]) => execFileSync('ip', args, { encoding: 'utf8' });

interface Sent {
  readonly sent: number;
  readonly seconds: number;
}

interface Measured {
  /** Per second, the less of both ways. */
  readonly perSecond: number;
  /** Share of what was sent that did not arrive. */
  readonly lost: number;
  readonly microsecondsPerFrame: number;
}

/** In a namespace: sends at an even pace, and says how much. */
async function send(which: number, perSecond: number): Promise<void> {
  const socket = new (addon().PacketSocket)(FAR, { mtuOctets: PACKET_OCTETS, promiscuous: false });
  const frame = new Uint8Array(PACKET_OCTETS + 14);
  frame.set([2, 0, 0, 0, 0, 2 - which, 2, 0, 0, 0, 0, 1 + which, 0x88, 0xb5]);
  const batch = new Array<Uint8Array>(BATCH_FRAMES).fill(frame);
  const startMs = performance.now();
  const elapsedMs = () => performance.now() - startMs;
  for (let given = 0; elapsedMs() < SECONDS * 1000; given += BATCH_FRAMES) {
    while (given > (elapsedMs() * perSecond) / 1000) await sleep(1);
    socket.send(batch);
  }
  const { sent } = socket.counters();
  socket.close();
  process.send!({ sent, seconds: elapsedMs() / 1000 } satisfies Sent);
  process.disconnect();
}

function senderIn(space: string, which: number, perSecond: number): Promise<Sent> {
  const [node, ...flags] = [process.execPath, ...process.execArgv];
  const child = fork(fileURLToPath(import.meta.url), ['send', String(which), String(perSecond)], {
    execPath: 'ip',
    execArgv: ['netns', 'exec', space, node, ...flags],
  });
  return new Promise((resolve, reject) => {
    child.on('message', (message) => resolve(message as Sent));
    child.on('exit', (status) => reject(new Error(`a sender ended with status ${status}`)));
  });
}

const arrivedAt = (space: string): number =>
  JSON.parse(ip('-n', space, '-s', '-j', 'link', 'show', FAR))[0].stats64.rx.packets;

async function measure(perSecond: number): Promise<Measured> {
  await sleep(SETTLE_MS);
  const before = SPACES.map(arrivedAt);
  const startCpu = process.cpuUsage();
  const sent = await Promise.all(SPACES.map((space, which) => senderIn(space, which, perSecond)));
  await sleep(SETTLE_MS);
  const { user, system } = process.cpuUsage(startCpu);
  const arrived = SPACES.map((space, i) => arrivedAt(space) - before[i]!);
  const total = arrived[0]! + arrived[1]!;
  return {
    perSecond: Math.min(...arrived.map((count, i) => count / sent[1 - i]!.seconds)),
    lost: 1 - total / (sent[0]!.sent + sent[1]!.sent),
    microsecondsPerFrame: (user + system) / total,
  };
}

async function raw(perSecond: number): Promise<Measured> {
  const [a, b] = CABLES.map((name) =>
    openPacketPort({ addon: addon(), clock: systemClock, name, mtuOctets: PACKET_OCTETS }),
  ) as [ReturnType<typeof openPacketPort>, ReturnType<typeof openPacketPort>];
  await a.start((frames) => b.send(frames));
  await b.start((frames) => a.send(frames));
  try {
    return await measure(perSecond);
  } finally {
    await a.close();
    await b.close();
  }
}

async function throughTopology(perSecond: number): Promise<Measured> {
  const topology = readTopology(
    'bench.yaml',
    () => `name: cables
topology:
  nodes: {s1: {kind: switch}}
  links:
    - {endpoints: ["s1:e1", "host:${CABLES[0]}"]}
    - {endpoints: ["s1:e2", "host:${CABLES[1]}"]}
scenario: {duration: ${SECONDS + 2}s}
`,
  );
  const run = runTopology(topology, { clock: systemClock, outside: await openOutside(topology, addon) });
  const measured = await measure(perSecond);
  const { report } = await run;
  if (!report.ok) throw new Error(`the run was not as it should be: ${JSON.stringify(report.violations)}`);
  return measured;
}

function addCables(): void {
  for (const [i, cable] of CABLES.entries()) {
    const space = SPACES[i]!;
    ip('netns', 'add', space);
    ip('link', 'add', cable, 'type', 'veth', 'peer', 'name', FAR, 'netns', space);
    ip('link', 'set', cable, 'addrgenmode', 'none', 'up');
    ip('-n', space, 'link', 'set', FAR, 'addrgenmode', 'none', 'up');
  }
}

function removeCables(): void {
  for (const space of SPACES) ip('netns', 'del', space);
}

const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[values.length >> 1]!;

function middle(all: readonly Measured[]): Measured {
  const of = (key: keyof Measured) => median(all.map((one) => one[key]));
  return {
    perSecond: of('perSecond'),
    lost: of('lost'),
    microsecondsPerFrame: of('microsecondsPerFrame'),
  };
}

async function main(): Promise<void> {
  addCables();
  try {
    const rows = [];
    for (const rate of RATES) {
      const turns: { raw: Measured; topology: Measured }[] = [];
      for (let turn = 0; turn < TURNS; turn++)
        turns.push({ raw: await raw(rate), topology: await throughTopology(rate) });
      rows.push({
        rate,
        raw: middle(turns.map((turn) => turn.raw)),
        topology: middle(turns.map((turn) => turn.topology)),
      });
    }
    print(rows);
    mkdirSync('out', { recursive: true });
    writeFileSync('out/bench-cables.json', `${JSON.stringify(rows, null, 2)}\n`);
  } finally {
    removeCables();
  }
}

function print(rows: readonly { rate: number; raw: Measured; topology: Measured }[]): void {
  const cells = ({ perSecond, lost, microsecondsPerFrame }: Measured) => [
    Math.round(perSecond),
    `${(100 * lost).toFixed(1)} %`,
    microsecondsPerFrame.toFixed(2),
  ];
  const ratioOf = ({ raw, topology }: (typeof rows)[0]) =>
    topology.microsecondsPerFrame / raw.microsecondsPerFrame;
  const head = [
    'sent/s each way',
    'raw/s',
    'lost',
    'us/frame',
    'topology/s',
    'lost',
    'us/frame',
    'times raw',
  ];
  const body = rows.map((row) => [
    row.rate,
    ...cells(row.raw),
    ...cells(row.topology),
    ratioOf(row).toFixed(2),
  ]);
  process.stdout.write(`${table([head, ...body])}\n\n`);
  const best = Math.max(...rows.map(({ topology }) => topology.perSecond));
  const ratio = median(rows.map(ratioOf));
  const verdict = (reached: boolean) => (reached ? 'reached' : 'MISSED');
  process.stdout.write(
    `${table([
      ['what', 'measured', 'target', ''],
      [
        'frames/s each way through the topology',
        Math.round(best),
        `at least ${TARGET_PER_SECOND}`,
        verdict(best >= TARGET_PER_SECOND),
      ],
      [
        'processor time per frame, times raw',
        ratio.toFixed(2),
        `at most ${TARGET_RATIO}`,
        verdict(ratio <= TARGET_RATIO),
      ],
    ])}\n`,
  );
}

const [what, which, rate] = process.argv.slice(2);
if (what === 'send') await send(Number(which), Number(rate));
else await main();
