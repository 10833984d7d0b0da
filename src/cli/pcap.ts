/**
 * `psp-gateway pcap encrypt|decrypt|inspect`: PSP on capture files, with the reference tool's flags and files, or with a
 * keys file.
 */
import { readFile } from 'node:fs/promises';
import { Command } from 'commander';
import { describeFrame, renderTree, summarize } from '../packet/describe.js';
import { CaptureError, readCapture } from '../packet/pcap.js';
import { dissectPsp } from '../psp/inspect.js';
import { KeyRing } from '../psp/key-ring.js';
import { KeysFileError } from '../psp/keys-file.js';
import { readKeysFile, writeKeysFile } from './keys-file.js';
import { EXIT_FAILED, EXIT_USAGE, progressLine, table } from './output.js';
import { OutputFileError } from './output-file.js';
import { PcapConfigError, parseDecryptConfig, parseEncryptConfig } from './pcap-config.js';
import { decryptCapture } from './pcap-decrypt.js';
import {
  countingStream,
  decryptStep,
  encryptionKey,
  encryptStep,
  type FrameStep,
  processCapture,
} from './pcap-process.js';

interface CryptFlags {
  readonly config: string;
  readonly input: string;
  readonly output: string;
  readonly verbose?: boolean;
  readonly error?: boolean;
  readonly json?: boolean;
  readonly writeKeys?: string;
}

interface DecryptFlags extends CryptFlags {
  readonly keys?: string;
}

/** Flags or arguments that do not go together. */
class PcapUsageError extends Error {
  override readonly name = 'PcapUsageError';
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
    .option('--write-keys <file>', 'write the key to a keys file, for decrypt --keys')
    .option('--json', 'print the result as JSON')
    .addHelpText('after', CONFIG_HELP)
    .action(encrypt);
  command
    .command('decrypt')
    .description(
      'decrypt a capture, by master keys (drops what fails, and exits with 1 then) or by a keys file',
    )
    .argument('[input]', 'with --keys: capture to read (pcap or pcapng)')
    .argument('[output]', 'with --keys: capture to write (pcapng)')
    .option('-k, --keys <file>', 'keys file; what is decrypted goes beside what was encrypted')
    .option('-c, --config <file>', 'configuration file; only the master keys are read', 'psp_decrypt.cfg')
    .option('-i, --input <file>', 'capture to read (pcap or pcapng)', 'psp_encrypt.pcap')
    .option('-o, --output <file>', 'capture to write', 'psp_decrypt.pcap')
    .option('-v, --verbose', 'say what happens to each packet')
    .option('--json', 'print the result as JSON')
    .addHelpText('after', CONFIG_HELP + KEYS_HELP)
    .action(decrypt);
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

const KEYS_HELP = `

With --keys FILE INPUT OUTPUT every packet of the input goes to the output as it is, and right behind a PSP packet
whose key is in the file what was inside, on an interface of its own ("NAME decrypted"), at the same time. Comments
on the packets say what was done, or why not. The exit status is 1 when a packet had a key and did not authenticate.

A keys file holds one JSON object per line, such as
  {"spi":"0x80000001","version":0,"key":"<32 hex digits>","receiver":["2001:db8::1"],"node":"h2"}
"receiver" are the underlay addresses under which the SPI is received, "node" a name; both may be left out.

Example: psp-gateway pcap decrypt --keys keys.jsonl wire.pcap decrypted.pcapng`;

async function encrypt(flags: CryptFlags): Promise<void> {
  await guarded(flags.input, async () => {
    const config = parseEncryptConfig(await readFile(flags.config, 'utf8'), flags.config);
    await crypt(flags, 'encrypted', encryptStep(config, flags.error === true));
    if (flags.writeKeys !== undefined) await writeKeysFile(flags.writeKeys, [encryptionKey(config)]);
  });
}

async function decrypt(
  input: string | undefined,
  output: string | undefined,
  flags: DecryptFlags,
  command: Command,
): Promise<void> {
  await guarded(input ?? flags.input, async () => {
    if (flags.keys === undefined) {
      if (input !== undefined) throw new PcapUsageError('without --keys, name the files by -i and -o');
      await crypt(
        flags,
        'decrypted',
        decryptStep(parseDecryptConfig(await readFile(flags.config, 'utf8'), flags.config)),
      );
      return;
    }
    const given = ['config', 'input', 'output'].some((name) => command.getOptionValueSource(name) === 'cli');
    if (given || input === undefined || output === undefined) {
      throw new PcapUsageError(
        'with --keys, say: psp-gateway pcap decrypt --keys FILE INPUT OUTPUT, and no -c, -i, -o',
      );
    }
    await decryptByKeys(flags, flags.keys, input, output);
  });
}

async function decryptByKeys(flags: DecryptFlags, keysPath: string, input: string, output: string) {
  const keys = new KeyRing(await readKeysFile(keysPath));
  const counts = await withProgress('decrypted', (onProgress) =>
    decryptCapture({ input, output, keys, keysPath, onProgress, ...onEachPacket(flags) }),
  );
  if (flags.json === true) console.log(JSON.stringify({ output, ...counts }));
  else {
    const { decrypted, noKey, authFail, malformed, cut, notPsp } = counts;
    console.log(
      table([
        ['decrypted', decrypted],
        ['no key', noKey],
        ['ICV does not match', authFail],
        ['malformed', malformed],
        ['captured in part', cut],
        ['not PSP', notPsp],
      ]),
    );
    console.log(`written to ${output}`);
  }
  if (counts.authFail > 0) process.exitCode = EXIT_FAILED;
}

function onEachPacket(flags: CryptFlags): { onPacket?: (number: number, fate: string) => void } {
  if (flags.verbose !== true) return {};
  return { onPacket: (number, fate) => process.stderr.write(`packet ${number}: ${fate}\n`) };
}

async function withProgress<T>(
  done: string,
  work: (onProgress: (octets: number, totalOctets: number) => void) => Promise<T>,
): Promise<T> {
  const progress = progressLine(process.stderr);
  try {
    return await work((octets, total) =>
      progress.update(`${done} ${Math.floor((octets * 100) / Math.max(1, total))} %`),
    );
  } finally {
    progress.clear();
  }
}

async function crypt(flags: CryptFlags, done: string, step: FrameStep): Promise<void> {
  const { input, output } = flags;
  const { written, failed } = await withProgress(done, (onProgress) =>
    processCapture({ input, output, step, onProgress, ...onEachPacket(flags) }),
  );
  const failures = [...failed.values()].reduce((sum, count) => sum + count, 0);
  if (flags.json === true) {
    console.log(JSON.stringify({ output, [done]: written, failed: Object.fromEntries(failed) }));
  } else {
    const left = done === 'encrypted' ? 'skipped' : 'dropped';
    console.log(`${done} ${written} packets in ${output}, ${left} ${failures} packets`);
    for (const [reason, count] of failed) console.log(`  ${count}: ${reason}`);
  }
  // The reference tool skips packets without calling it a failure.
  if (failures > 0 && done === 'decrypted') process.exitCode = EXIT_FAILED;
}

async function inspect(
  argument: string | undefined,
  flags: { input?: string; tree?: boolean; json?: boolean },
): Promise<void> {
  const path = argument ?? flags.input;
  await guarded(path ?? '', async () => {
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
  });
}

/** Turns errors that users can do something about into a message and a status. */
async function guarded(capture: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const damaged = error instanceof CaptureError;
    const usage =
      error instanceof PcapConfigError ||
      error instanceof KeysFileError ||
      error instanceof OutputFileError ||
      error instanceof PcapUsageError ||
      code === 'ENOENT';
    if (!usage && !damaged && code === undefined) throw error;
    console.error(`psp-gateway pcap: ${damaged ? `${capture}: ` : ''}${(error as Error).message}`);
    process.exitCode = usage ? EXIT_USAGE : EXIT_FAILED;
  }
}
