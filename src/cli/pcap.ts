/** `psp-gateway pcap encrypt|decrypt|inspect`: PSP on capture files, with the reference tool's flags and files. */
import { readFile } from 'node:fs/promises';
import { Command } from 'commander';
import { describeFrame, renderTree, summarize } from '../packet/describe.js';
import { CaptureError, readCapture } from '../packet/pcap.js';
import { dissectPsp } from '../psp/inspect.js';
import { EXIT_FAILED, EXIT_USAGE, progressLine } from './output.js';
import { PcapConfigError, parseDecryptConfig, parseEncryptConfig } from './pcap-config.js';
import {
  countingStream,
  decryptStep,
  encryptStep,
  type FrameStep,
  PcapUsageError,
  processCapture,
} from './pcap-process.js';

interface CryptFlags {
  readonly config: string;
  readonly input: string;
  readonly output: string;
  readonly verbose?: boolean;
  readonly error?: boolean;
  readonly json?: boolean;
}

export function pcapCommand(): Command {
  const command = new Command('pcap').description('encrypt, decrypt and inspect capture files');
  command
    .command('encrypt')
    .description('encrypt every IP packet of a capture')
    .option('-c, --config <file>', 'configuration file', 'psp_encrypt.cfg')
    .option('-i, --input <file>', 'capture to read (pcap or pcapng)', 'cleartext.pcap')
    .option('-o, --output <file>', 'capture to write', 'psp_encrypt.pcap')
    .option('-v, --verbose', 'say what happens to each packet')
    .option('-e, --error', 'force a bit error into every packet, so that none authenticates')
    .option('--json', 'print the result as JSON')
    .addHelpText('after', CONFIG_HELP)
    .action((flags: CryptFlags) =>
      crypt(flags, 'encrypted', (text) =>
        encryptStep(parseEncryptConfig(text, flags.config), flags.error === true),
      ),
    );
  command
    .command('decrypt')
    .description('decrypt a capture; drops what fails and exits with 1 if anything did')
    .option('-c, --config <file>', 'configuration file; only the master keys are read', 'psp_decrypt.cfg')
    .option('-i, --input <file>', 'capture to read (pcap or pcapng)', 'psp_encrypt.pcap')
    .option('-o, --output <file>', 'capture to write', 'psp_decrypt.pcap')
    .option('-v, --verbose', 'say what happens to each packet')
    .option('--json', 'print the result as JSON')
    .addHelpText('after', CONFIG_HELP)
    .action((flags: CryptFlags) =>
      crypt(flags, 'decrypted', (text) => decryptStep(parseDecryptConfig(text, flags.config))),
    );
  command
    .command('inspect')
    .description('print the decoded headers of each packet')
    .argument('[file]', 'capture to read (pcap or pcapng)')
    .option('-i, --input <file>', 'the same as the argument')
    .option('-V, --tree', 'all fields, as a tree')
    .option('--json', 'one JSON object per packet')
    .action(inspect);
  return command;
}

const CONFIG_HELP = `
The configuration file holds, separated by white space: master key 0 and master key 1 (32 hex octets each), the SPI
in hex, "transport" or "tunnel", "aes-gcm-128" or "aes-gcm-256", the crypt offsets for transport mode, IPv4 tunnels
and IPv6 tunnels (decimal, in units of 4 octets), "vc" or "no-vc".

Exit status: 0 all packets were processed, 1 some were not or the capture is damaged, 2 wrong usage or configuration.`;

async function crypt(flags: CryptFlags, done: string, makeStep: (text: string) => FrameStep): Promise<void> {
  const progress = progressLine(process.stderr);
  try {
    const step = makeStep(await readFile(flags.config, 'utf8'));
    const { written, failed } = await processCapture({
      input: flags.input,
      output: flags.output,
      step,
      onProgress: (octets, total) =>
        progress.update(`${done} ${Math.floor((octets * 100) / Math.max(1, total))} %`),
      ...(flags.verbose === true
        ? { onPacket: (n, fate) => process.stderr.write(`packet ${n}: ${fate}\n`) }
        : {}),
    });
    progress.clear();
    const failures = [...failed.values()].reduce((sum, count) => sum + count, 0);
    if (flags.json === true) {
      console.log(
        JSON.stringify({ output: flags.output, [done]: written, failed: Object.fromEntries(failed) }),
      );
    } else {
      const left = done === 'encrypted' ? 'skipped' : 'dropped';
      console.log(`${done} ${written} packets in ${flags.output}, ${left} ${failures} packets`);
      for (const [reason, count] of failed) console.log(`  ${count}: ${reason}`);
    }
    // The reference tool skips packets without calling it a failure.
    if (failures > 0 && done === 'decrypted') process.exitCode = EXIT_FAILED;
  } catch (error) {
    progress.clear();
    fail(error);
  }
}

async function inspect(
  argument: string | undefined,
  flags: { input?: string; tree?: boolean; json?: boolean },
): Promise<void> {
  const path = argument ?? flags.input;
  try {
    if (path === undefined) throw new PcapUsageError('no capture given: psp-gateway pcap inspect FILE');
    let number = 0;
    let firstNs: bigint | undefined;
    for await (const record of readCapture(countingStream(path, () => {}))) {
      number++;
      firstNs ??= record.timestampNs;
      const seconds = (Number(record.timestampNs - firstNs) / 1e9).toFixed(6);
      const layers = describeFrame(record.frame, dissectPsp);
      if (flags.json === true) {
        const json = layers.map(({ name, fields }) => ({ layer: name, ...Object.fromEntries(fields) }));
        console.log(
          JSON.stringify({
            number,
            timestampNs: String(record.timestampNs),
            length: record.originalOctets,
            layers: json,
          }),
        );
      } else if (flags.tree === true) {
        console.log(`packet ${number}, ${seconds} s, ${record.originalOctets} octets\n${renderTree(layers)}`);
      } else console.log(`${String(number).padStart(6)} ${seconds.padStart(12)} ${summarize(layers)}`);
    }
  } catch (error) {
    fail(error);
  }
}

function fail(error: unknown): void {
  const usage =
    error instanceof PcapConfigError ||
    error instanceof PcapUsageError ||
    (error as NodeJS.ErrnoException).code === 'ENOENT';
  if (!usage && !(error instanceof CaptureError) && (error as NodeJS.ErrnoException).code === undefined)
    throw error;
  console.error(`psp-gateway pcap: ${(error as Error).message}`);
  process.exitCode = usage ? EXIT_USAGE : EXIT_FAILED;
}
