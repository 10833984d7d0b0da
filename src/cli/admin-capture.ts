/** `psp-gateway capture`: packets of a running gateway as pcapng, until Ctrl-C or a count. */
import { Command, InvalidArgumentError, Option } from 'commander';
import type { CaptureMessage, CaptureTally } from '../admin/admin-api.js';
import type { AdminClient } from '../admin/admin-client.js';
import { fileProblem } from '../files/file-problem.js';
import { AddressError, parseIp } from '../packet/address.js';
import { STANDARD_STREAM } from '../packet/capture-stream.js';
import { PcapngWriter } from '../packet/pcapng.js';
import { formatSaKey, type SaKey } from '../psp/keys-file.js';
import { type AdminFlags, printAnswer, withAdminFlags, withGateway } from './admin-call.js';
import { GrowingFile } from './capture-file.js';
import { failAtFile } from './failure.js';
import { FlagProblems } from './flag-problems.js';
import { complain } from './output.js';
import { outputProblem } from './replaceable.js';
import { snapLengthOption } from './snap-length.js';

interface Flags extends AdminFlags {
  readonly port?: string;
  readonly pair?: readonly string[];
  readonly dropped?: true;
  readonly count?: number;
  readonly snaplen: number;
  readonly keys?: string;
  readonly write?: string;
}

/** Interfaces of the capture, in this order. */
const PLACES = ['uplink', 'vf', 'cpu'] as const;

const EXAMPLES = `Packets as they come in and go out, each with its direction; one that did not get through has the reason as its comment (frame.comment).
The interface "cpu" has what was seen, or lost, on the CPU. Over --hal=doca that is all that can be seen, and the command says so.
What is more than --capture-rate of the gateway, or not read in time, is left out, and the command tells at its end how much that was.
In PSP packets --pair means those of the pair's tunnel. With --keys, "psp-gateway pcap decrypt" opens the capture.

  psp-gateway capture -w packets.pcapng
  psp-gateway capture --dropped -w - | tshark -r - -T fields -e frame.interface_name -e ip.dst -e frame.comment
  psp-gateway capture --pair 192.168.1.33 192.168.1.55 --count 100 -w pair.pcapng
  psp-gateway capture --port uplink --keys keys.jsonl -w encrypted.pcapng`;

export function captureCommand(): Command {
  const command = withAdminFlags(
    new Command('capture')
      .description(
        'write packets of a running gateway as pcapng, until Ctrl-C, and why some did not get through',
      )
      .addOption(
        new Option('--port <kind>', 'only what comes in or goes out by it').choices(['uplink', 'vf']),
      )
      .addOption(
        new Option('--pair <ip...>', 'only between these two virtual addresses, either way').argParser(
          pairOf,
        ),
      )
      .option('--dropped', 'only what did not get through')
      .addOption(new Option('--count <n>', 'end after so many packets').argParser(countOf))
      .addOption(snapLengthOption())
      .option(
        '--keys <file>',
        'write the keys of tunnels too, where the gateway runs with its flag debug-keys',
      )
      .option('-w, --write <file>', 'where the capture goes; - is standard output'),
    EXAMPLES,
  );
  const wrong = new FlagProblems(command);
  return command.action(async (flags: Flags) => {
    const problems = await problemsOf(flags, wrong);
    await withGateway(command, flags, (client) => capture(client, flags), problems);
  });
}

function countOf(text: string): number {
  if (/^\d{1,15}$/.test(text) && Number(text) > 0) return Number(text);
  throw new InvalidArgumentError('expected a number of packets, from 1');
}

function pairOf(text: string, before: readonly string[] = []): readonly string[] {
  try {
    return [...before, parseIp(text)];
  } catch (error) {
    if (!(error instanceof AddressError)) throw error;
    throw new InvalidArgumentError('expected an IP address');
  }
}

/** What is wrong with the flags together, and with files. */
async function problemsOf({ pair, write, keys, json }: Flags, wrong: FlagProblems): Promise<string[]> {
  const problems: string[] = [];
  if (pair !== undefined && pair.length !== 2 && !wrong.has('--pair'))
    problems.push(`--pair: needs two addresses, not ${pair.length}`);
  if (write === undefined) {
    if (!wrong.has('--write')) problems.push('--write: is needed: a file, or - for standard output');
  } else if (write !== STANDARD_STREAM) {
    problems.push(...listed(await outputProblem(write, 'capture', '--write')));
  } else if (process.stdout.isTTY) {
    problems.push('--write: standard output is a terminal, which shows no captures; name a file');
  } else if (json === true) problems.push('--json: standard output has the capture; name a file');
  if (keys !== undefined) problems.push(...listed(await outputProblem(keys, 'keys', '--keys')));
  if (keys !== undefined && keys === write) problems.push('--keys: is the capture itself; name another file');
  return problems;
}

const listed = (problem: string | undefined) => (problem === undefined ? [] : [problem]);

async function capture(client: AdminClient, flags: Flags): Promise<void> {
  const { port = '', pair = [], dropped = false, count = 0, snaplen, keys, write } = flags;
  const end = endAtSignal(client);
  const files: { packets?: CapturePackets; keys?: GrowingFile } = {};
  let packets = 0n;
  let tally: CaptureTally | undefined;
  try {
    const messages = client.capture({
      port,
      pair: [...pair],
      droppedOnly: dropped,
      count: BigInt(count),
      snapOctets: snaplen,
      keys: keys !== undefined,
    });
    for await (const { begun, packet, key, ended } of messages) {
      if (begun !== undefined) {
        // Not before: a gateway that refuses leaves files as they are.
        files.packets = await CapturePackets.open(write!, snaplen);
        if (keys !== undefined) files.keys = await GrowingFile.open(keys);
        for (const line of begun.cannotShow) complain(`not shown: ${line}`);
        complain('capturing; Ctrl-C ends it');
        end.known(begun.id);
      } else if (packet !== undefined) {
        await files.packets!.append(packet);
        packets++;
      } else if (key !== undefined) {
        const { spi, pspVersion, key: octets } = key;
        const line = formatSaKey({ spi, version: pspVersion as SaKey['version'], key: octets });
        await files.keys!.append(Buffer.from(line));
      } else tally = ended;
    }
    tell(tally!, flags);
    if (!end.asked && (count === 0 || tally!.packets < BigInt(count))) {
      const { NoGatewayError } = await import('../admin/admin-client.js');
      throw new NoGatewayError('the gateway has ended');
    }
  } catch (error) {
    if (tally === undefined && files.packets !== undefined)
      complain(`${packets} packets captured until this happened:`);
    // A client's errors have their own words and statuses.
    if (fileProblem(error) !== undefined) failAtFile(error, write);
    else throw error;
  } finally {
    end.off();
    await files.packets?.close();
    await files.keys?.close();
  }
}

/** The first signal ends the capture in order, a second one the program. */
function endAtSignal(client: AdminClient) {
  let id: bigint | undefined;
  const state = {
    asked: false,
    known(of: bigint) {
      id = of;
      if (state.asked) ask();
    },
    off() {
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, onSignal);
    },
  };
  // A gateway that does not answer ends the stream as well.
  const ask = () => void client.call('EndCapture', { id: id! }).catch(() => {});
  const onSignal = () => {
    state.off();
    state.asked = true;
    if (id !== undefined) ask();
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, onSignal);
  return state;
}

/** The capture file, a block for each packet. */
class CapturePackets {
  #blocks: Uint8Array[] = [];
  readonly #writer: PcapngWriter;

  private constructor(
    private readonly file: GrowingFile,
    snapOctets: number,
  ) {
    this.#writer = new PcapngWriter((octets) => this.#blocks.push(octets), snapOctets);
    for (const place of PLACES) this.#writer.addInterface(place);
  }

  static async open(path: string, snapOctets: number): Promise<CapturePackets> {
    const made = new CapturePackets(await GrowingFile.open(path), snapOctets);
    await made.#flush();
    return made;
  }

  async append(packet: NonNullable<CaptureMessage['packet']>): Promise<void> {
    const {
      atUnixNs: timestampNs,
      place,
      direction,
      frame,
      octets: originalOctets,
      comments: comment,
    } = packet;
    this.#writer.write({
      interfaceIndex: PLACES.indexOf(place as (typeof PLACES)[number]),
      timestampNs,
      frame,
      originalOctets,
      direction: direction === 'in' ? 'in' : 'out',
      comment,
    });
    await this.#flush();
  }

  close(): Promise<void> {
    return this.file.close();
  }

  async #flush(): Promise<void> {
    const octets = Buffer.concat(this.#blocks);
    this.#blocks = [];
    await this.file.append(octets);
  }
}

function tell(tally: CaptureTally, flags: Flags): void {
  const { packets, leftOutByRate, leftOutUnread, keysLeftOut } = tally;
  if (flags.json === true) {
    printAnswer(flags, tally, () => []);
    return;
  }
  complain(`${packets} packets captured`);
  if (leftOutByRate > 0n)
    complain(`${leftOutByRate} left out: more than --capture-rate of the gateway allows`);
  if (leftOutUnread > 0n) complain(`${leftOutUnread} left out: they were not read in time`);
  if (keysLeftOut > 0n) complain(`${keysLeftOut} keys left out: they were not read in time`);
}
