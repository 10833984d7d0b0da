/**
 * `psp-gateway demo`: the two hosts of the documents, H1 with workload V1 and H2 with V2. Replays a capture of real
 * traffic through two gateways, shows the slow path as it happens, counts the fast path, and checks that each
 * workload received exactly what the other one sent.
 */
import { createServer } from 'node:net';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { systemClock } from '../base/clock.js';
import { printable } from '../base/printable.js';
import { systemRandom } from '../base/random.js';
import { collectCounters, renderMermaid } from '../draw/render.js';
import { renderSvg } from '../draw/render-svg.js';
import { mustTakeFiles } from '../files/folders.js';
import { type NewFile, replaceFiles } from '../files/replace-file.js';
import type { GatewayEvent } from '../gateway/events.js';
import { buildPipeline } from '../gateway/pipeline/pipeline.js';
import { createLink } from '../hal-sim/ports/link.js';
import { observePort } from '../hal-sim/ports/observe.js';
import { ipFromOctets } from '../packet/address.js';
import { captureOctets } from '../packet/capture-stream.js';
import { CaptureError, readCapture } from '../packet/pcap.js';
import { locateIpPacket } from '../psp/encapsulate.js';
import { type SequenceStep, sequenceMermaid, stepOf } from '../topology/sequence.js';
import { sequenceSvg } from '../topology/sequence-svg.js';
import { type CapturedFrame, type Replay, replayOf } from '../topology/traffic/replay-frames.js';
import { DemoCaptures, type DemoFile } from './demo-captures.js';
import { type DemoHost, H1, H2, type HostPlan, newAuthority, startHost } from './demo-hosts.js';
import { failAtFile } from './failure.js';
import { FlagProblems } from './flag-problems.js';
import { createLogger } from './log.js';
import { colorsFor, complain, EXIT_FAILED, EXIT_USAGE, table } from './output.js';
import { mustBeReplaceable, type OutputKind } from './replaceable.js';
import { snapLengthOption } from './snap-length.js';

const TRAFFIC = fileURLToPath(new URL('../../examples/traffic/v1-v2.pcap', import.meta.url));
/** The capture is held whole. */
const TRAFFIC_FRAMES_MAX = 100_000;
const UNDERLAY_MTU_OCTETS = 1500;
const ETHERNET_OCTETS = 14;
/** Frames that a workload hands over at once. */
const BURST_FRAMES = 64;
const DELIVERY_DEADLINE_MS = 10_000;

/** Packets of one direction and family: what was sent, and what came out at the other end. */
interface Flow {
  readonly from: string;
  readonly to: string;
  readonly family: 4 | 6;
  readonly sent: Uint8Array[];
  readonly received: Uint8Array[];
}

/** A capture without a packet from one workload to the other: that all of none arrived would say nothing. */
class NothingToReplayError extends Error {
  override readonly name = 'NothingToReplayError';

  constructor(leftOut: Replay['leftOut']) {
    const reasons = Object.entries(leftOut).map(([reason, count]) => `${count}: ${reason}`);
    const has = reasons.length === 0 ? 'it has no frames' : `left out are ${reasons.join('; ')}`;
    super(`nothing to replay: ${has}; name a capture of what V1 and V2 send each other`);
  }
}

interface Flags {
  readonly output: string;
  readonly traffic: string;
  readonly snaplen: number;
}

export function demoCommand(): Command {
  const command = new Command('demo')
    .description('two gateways, real gRPC over mutual TLS, recorded traffic: see it work')
    .option('-o, --output <folder>', 'where captures and drawings go', 'out/demo')
    .option(
      '--traffic <file>',
      'capture to replay, between 192.168.1.33, fd00:0:0:1::33 and .55, ::55',
      TRAFFIC,
    )
    .addOption(snapLengthOption())
    .addHelpText(
      'after',
      '\nExit status: 0 every packet arrived unchanged, 1 not, 2 wrong usage, or a file that is wrong.',
    );
  const wrong = new FlagProblems(command);
  return command.action(demo);

  async function demo({ output, traffic, snaplen }: Flags): Promise<void> {
    for (const problem of wrong.list) complain(problem);
    if (wrong.list.length > 0) process.exitCode = EXIT_USAGE;
    const replay = await readTraffic(traffic).catch((error: unknown) => {
      if (!(error instanceof CaptureError || error instanceof NothingToReplayError))
        return failAtFile(error, traffic);
      complain(`psp-gateway: ${traffic}: ${error.message}`);
      process.exitCode = EXIT_USAGE;
    });
    const isPlace = takesDemo(output);
    if (replay === undefined || !isPlace || wrong.list.length > 0) return;
    await runDemo(output, replay, snaplen).catch(failAtFile);
  }
}

/** The folder's files, which another demo may have written. */
export const DEMO_OUTPUTS: Readonly<Record<string, OutputKind>> = {
  'wire.pcap': 'capture',
  'delivered.pcap': 'capture',
  'opened.pcapng': 'capture',
  'keys.jsonl': 'keys',
  'pipes.svg': 'drawing',
  'pipes.mmd': 'drawing',
  'sequence.svg': 'drawing',
  'sequence.mmd': 'drawing',
};

/** False: something is wrong with the folder, or files in it are not a demo's, and all of that has been said. */
function takesDemo(folder: string): boolean {
  try {
    mustTakeFiles(folder);
  } catch (error) {
    failAtFile(error);
    return false;
  }
  let takes = true;
  for (const [name, kind] of Object.entries(DEMO_OUTPUTS)) {
    try {
      mustBeReplaceable(join(folder, name), kind);
    } catch (error) {
      failAtFile(error);
      takes = false;
    }
  }
  return takes;
}

async function runDemo(folder: string, { frames, leftOut }: Replay, snapOctets: number): Promise<void> {
  const records = frames.map(({ frame }) => frame);
  const colors = colorsFor(process.stdout);
  const say = (text = '') => process.stdout.write(`${text}\n`);
  const startedMs = performance.now();
  say(colors.bold('PSP gateway demo: H1 (V1 behind it) and H2 (V2 behind it), simulated devices, real gRPC'));
  say();

  const captures = new DemoCaptures();
  const link = createLink({
    clock: systemClock,
    random: systemRandom(),
    name: 'underlay',
    mtuOctets: UNDERLAY_MTU_OCTETS,
  });
  const [wire1, wire2] = link.ports;
  const flows = newFlows();
  const onDelivered = (plan: HostPlan) => (frames: readonly Uint8Array[]) => {
    for (const frame of frames) {
      captures.onDelivered(frame);
      flowOf(flows, frame, (flow) => flow.to === plan.name)?.received.push(ipPacket(frame));
    }
  };
  const ports = [await freePort(H1.service), await freePort(H2.service)] as const;
  const authority = await newAuthority();
  const logger = createLogger(40, 'text');
  const sequence = new Sequence();
  const tapped = observePort(wire1, (_, frame) => captures.onWire(frame));
  const host1 = await startHost(
    H1,
    H2,
    { own: ports[0], peer: ports[1] },
    tapped,
    authority,
    logger,
    (event) => sequence.add('H1', event),
    onDelivered(H1),
    (batch) => captures.onKeys(H1, batch),
  );
  const host2 = await startHost(
    H2,
    H1,
    { own: ports[1], peer: ports[0] },
    wire2,
    authority,
    logger,
    (event) => sequence.add('H2', event),
    onDelivered(H2),
    (batch) => captures.onKeys(H2, batch),
  );
  try {
    say(
      `H1 serves ${H1.service}:${ports[0]}, H2 serves ${H2.service}:${ports[1]}: mutual TLS, a throw-away authority`,
    );
    say(`V1 ${H1.workloadIps.join(', ')}   V2 ${H2.workloadIps.join(', ')}`);
    say();
    say(colors.bold('Slow path: the first packet of each family'));
    sequence.begin();
    const rest = await sendFirstPackets(host1, host2, records, flows);
    for (const line of sequence.lines(colors.dim)) say(line);
    say();

    const slowBefore = await cpuPackets(host1, host2);
    const fastMs = performance.now();
    await replay(host1, host2, rest, flows);
    const seconds = (performance.now() - fastMs) / 1000;
    const packets = flows.reduce((sum, { sent }) => sum + sent.length, 0);
    say(colors.bold('Fast path: the rest of the capture'));
    const slow = (await cpuPackets(host1, host2)) - slowBefore;
    say(`${rest.length} packets in ${seconds.toFixed(2)} s; ${slow} of them came to a CPU`);
    for (const [reason, count] of Object.entries(leftOut))
      say(colors.dim(`${count} frames of the capture are left out: ${reason}`));
    say();
    say(await pipeTable(host1, host2));
    say();

    const files = await writeFiles(folder, host1, captures.files(snapOctets), sequence);
    const failures = flows.filter((flow) => !sameSequence(flow.sent, flow.received));
    say(colors.bold('Checks'));
    for (const flow of flows) {
      const ok = !failures.includes(flow);
      const mark = ok ? colors.green('ok') : colors.red('FAILED');
      const verdict = ok
        ? 'received as sent, in order, to the octet'
        : `sent, ${flow.received.length} received`;
      say(
        `  ${mark}  V${flow.from[1]} to V${flow.to[1]} IPv${flow.family}: ${flow.sent.length} packets ${verdict}`,
      );
    }
    say();
    say(colors.bold('Files'));
    for (const [path, what] of files) say(`  ${printable(relative('.', path))}  ${colors.dim(what)}`);
    say();
    say(`${packets} packets, ${((performance.now() - startedMs) / 1000).toFixed(1)} s`);
    if (failures.length > 0) process.exitCode = EXIT_FAILED;
  } finally {
    await host1.gateway.stop();
    await host2.gateway.stop();
  }
}

/** Packets between V1 and V2 in the capture. Address resolution is left out, since gateways answer it themselves. */
async function readTraffic(path: string): Promise<Replay> {
  const capture: CapturedFrame[] = [];
  for await (const record of readCapture(captureOctets(path))) {
    if (capture.length === TRAFFIC_FRAMES_MAX)
      throw new CaptureError(`more than ${TRAFFIC_FRAMES_MAX} frames; replay a part of it`, 0);
    capture.push({ ...record, atMs: 0 });
  }
  const replay = replayOf([...H1.workloadIps, ...H2.workloadIps], capture);
  const frames = replay.frames.filter(({ frame }) => flowOf(newFlows(), frame, () => true) !== undefined);
  const elsewhere = replay.frames.length - frames.length;
  const leftOut = elsewhere === 0 ? replay.leftOut : { ...replay.leftOut, 'to other addresses': elsewhere };
  if (frames.length === 0) throw new NothingToReplayError(leftOut);
  return { ...replay, frames, leftOut };
}

function newFlows(): Flow[] {
  return [
    [H1, H2],
    [H2, H1],
  ].flatMap(([from, to]) =>
    ([4, 6] as const).map((family) => ({ from: from!.name, to: to!.name, family, sent: [], received: [] })),
  );
}

/** The flow that a frame belongs to, by its addresses. */
function flowOf(
  flows: readonly Flow[],
  frame: Uint8Array,
  accept: (flow: Flow) => boolean,
): Flow | undefined {
  const packet = locateIpPacket(frame);
  if (packet === undefined) return undefined;
  const { family } = packet;
  const octets = family === 4 ? 4 : 16;
  const at = ETHERNET_OCTETS + (family === 4 ? 12 : 8);
  const source = ipFromOctets(frame, at, family);
  const destination = ipFromOctets(frame, at + octets, family);
  const owner = (ip: string) =>
    [H1, H2].find(({ workloadIps }) => workloadIps.some((own) => own === ip))?.name;
  return flows.find(
    (flow) =>
      flow.family === family && flow.from === owner(source) && flow.to === owner(destination) && accept(flow),
  );
}

function ipPacket(frame: Uint8Array): Uint8Array {
  return frame.slice(ETHERNET_OCTETS, locateIpPacket(frame)!.end);
}

function hand(host1: DemoHost, host2: DemoHost, frames: readonly Uint8Array[], flows: readonly Flow[]): void {
  for (const frame of frames) {
    const flow = flowOf(flows, frame, () => true)!;
    flow.sent.push(ipPacket(frame));
    (flow.from === 'H1' ? host1 : host2).workload.send([frame.slice()]);
  }
}

/** Sends the first packet of each family and waits for it, so that its way can be shown; gives the rest. */
async function sendFirstPackets(
  host1: DemoHost,
  host2: DemoHost,
  records: readonly Uint8Array[],
  flows: readonly Flow[],
): Promise<Uint8Array[]> {
  const rest = [...records];
  for (const family of [4, 6]) {
    const at = rest.findIndex((frame) => locateIpPacket(frame)!.family === family);
    if (at < 0) continue;
    hand(host1, host2, rest.splice(at, 1), flows);
    await arrival(flows);
  }
  return rest;
}

async function replay(
  host1: DemoHost,
  host2: DemoHost,
  records: readonly Uint8Array[],
  flows: readonly Flow[],
): Promise<void> {
  for (let at = 0; at < records.length; at += BURST_FRAMES) {
    hand(host1, host2, records.slice(at, at + BURST_FRAMES), flows);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await arrival(flows);
}

/** Resolves when everything sent has arrived, or it has taken too long. */
async function arrival(flows: readonly Flow[]): Promise<void> {
  const deadlineMs = performance.now() + DELIVERY_DEADLINE_MS;
  const missing = () => flows.some(({ sent, received }) => received.length < sent.length);
  while (missing() && performance.now() < deadlineMs) await new Promise((resolve) => setTimeout(resolve, 1));
}

function sameSequence(sent: readonly Uint8Array[], received: readonly Uint8Array[]): boolean {
  return (
    sent.length === received.length && sent.every((packet, i) => Buffer.compare(packet, received[i]!) === 0)
  );
}

/** Packets that the pipes have left to a CPU so far. */
async function cpuPackets(...hosts: readonly DemoHost[]): Promise<bigint> {
  const counters = await Promise.all(
    hosts.map(({ hal }) => hal.counters([{ pipe: 'RSS_MISS', total: true }])),
  );
  return counters.reduce((sum, [counter]) => sum + counter!.packets, 0n);
}

async function pipeTable(host1: DemoHost, host2: DemoHost): Promise<string> {
  const program = buildPipeline(host1.gateway.pipelineOptions);
  const [counters1, counters2] = [
    await collectCounters(host1.hal, program),
    await collectCounters(host2.hal, program),
  ];
  const rows = program.pipes.map(({ name }) => [
    name,
    ...[counters1, counters2].flatMap((counters) => [
      counters.get(`${name}/total`)?.packets ?? 0n,
      counters.get(`${name}/miss`)?.packets ?? 0n,
    ]),
  ]);
  const statistics = [await host1.hal.statistics(), await host2.hal.statistics()] as const;
  const both = (pick: (s: (typeof statistics)[0]) => bigint | null) => statistics.map((s) => String(pick(s)));
  return `${table([['pipe', 'H1 hits', 'H1 misses', 'H2 hits', 'H2 misses'], ...rows])}

${table([
  ['counter', 'H1', 'H2'],
  ['tx-packets', ...both((s) => s.txPackets)],
  ['rx-packets', ...both((s) => s.rxPackets)],
  ['rx-auth-fail', ...both((s) => s.rxAuthFail)],
  ['tx-error', ...both((s) => s.txError)],
])}`;
}

async function writeFiles(
  folder: string,
  host: DemoHost,
  captures: readonly DemoFile[],
  sequence: Sequence,
): Promise<[path: string, what: string][]> {
  const program = buildPipeline(host.gateway.pipelineOptions);
  const counters = await collectCounters(host.hal, program);
  const drawings: DemoFile[] = [
    ['pipes.svg', "H1's pipe program with packet counts", await renderSvg(program, counters)],
    ['pipes.mmd', 'the same as Mermaid', renderMermaid(program, counters)],
    ['sequence.svg', 'the slow path as a sequence diagram', sequenceSvg(sequence.steps)],
    ['sequence.mmd', 'the same as Mermaid', sequenceMermaid(sequence.steps)],
  ];
  await replaceFiles(folder, [...filesFor(captures, 'private'), ...filesFor(drawings, 'public')], 'private');
  return [...captures, ...drawings].map(([name, what]) => [join(folder, name), what]);
}

const filesFor = (files: readonly DemoFile[], readers: 'private' | 'public'): NewFile[] =>
  files.map(([name, , content]) => ({ name, content, options: { readers } }));

/** The slow path as a sequence of steps between V1, H1, H2 and V2. */
class Sequence {
  readonly #steps: SequenceStep[] = [];
  #startMs = 0;

  begin(): void {
    this.#startMs = performance.now();
  }

  add(host: 'H1' | 'H2', event: GatewayEvent): void {
    if (this.#startMs === 0) return;
    const step = describe(host, event);
    if (step !== undefined) this.#steps.push({ ...step, atMs: performance.now() - this.#startMs });
  }

  lines(dim: (text: string) => string): string[] {
    return this.#steps.map(({ atMs, from, to, text }) => {
      const way = from === to ? from : `${from} > ${to}`;
      return `  ${dim(`${atMs.toFixed(2).padStart(7)} ms`)}  ${way.padEnd(7)}  ${text}`;
    });
  }

  get steps(): readonly SequenceStep[] {
    return this.#steps;
  }
}

function describe(host: 'H1' | 'H2', event: GatewayEvent): Omit<SequenceStep, 'atMs'> | undefined {
  const peer = host === 'H1' ? 'H2' : 'H1';
  const workload = host === 'H1' ? 'V1' : 'V2';
  switch (event.type) {
    case 'miss':
    case 'ingress-opened':
    case 'egress-installed':
      return stepOf(host, event, { peer: () => peer, workload: () => workload });
    case 'request-sent':
      return {
        from: host,
        to: peer,
        text: `${event.method}: ${event.tunnels} tunnel, with the key for the way back`,
      };
    case 'request-granted':
      return { from: host, to: peer, text: 'answer: SPI and key' };
    case 'resubmitted':
      return { from: host, to: host, text: `${event.packets} kept packet sent again, leaves encrypted` };
    default:
      return undefined;
  }
}

/** A port that nobody uses on a loopback address. */
async function freePort(host: string): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, host, resolve);
  });
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}
