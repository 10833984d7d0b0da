/**
 * `psp-gateway pcap encrypt|decrypt|inspect`: PSP on capture files, with the reference tool's flags and files, or with a
 * keys file.
 */
import { Command, Option } from 'commander';
import { escapedInJson, printable } from '../base/printable.js';
import { readTextFile } from '../files/read-file.js';
import { isSameFile } from '../files/same-file.js';
import { captureOctets, STANDARD_STREAM } from '../packet/capture-stream.js';
import { describeRecord, renderTree, summarize } from '../packet/describe.js';
import { CaptureError, NoCaptureError, readCapture } from '../packet/pcap.js';
import type { AeadEngine } from '../psp/aead.js';
import {
  AEAD_ENGINE_DEFAULT,
  AEAD_ENGINE_NAMES,
  AEAD_ENGINES,
  AEAD_ENGINES_MEANING,
} from '../psp/aead-engines.js';
import { dissectPsp } from '../psp/inspect.js';
import { KeyRing, KeyRingError } from '../psp/key-ring.js';
import { KeysFileError } from '../psp/keys-file.js';
import { mustBeCapture } from './capture-check.js';
import { failAtFile } from './failure.js';
import { FlagProblems } from './flag-problems.js';
import { readKeysFile, withKeysFile } from './keys-file.js';
import { complain, EXIT_FAILED, EXIT_USAGE, progressLine, table } from './output.js';
import { CONFIG_OCTETS_MAX, PcapConfigError, parseDecryptConfig, parseEncryptConfig } from './pcap-config.js';
import { decryptCapture } from './pcap-decrypt.js';
import { decryptStep, encryptionKey, encryptStep, type FrameStep, processCapture } from './pcap-process.js';
import { mustTakeOutput, type OutputKind } from './replaceable.js';

interface CryptFlags {
  readonly config: string;
  readonly input: string;
  readonly output: string;
  readonly verbose?: boolean;
  readonly error?: boolean;
  readonly json?: boolean;
  readonly writeKeys?: string;
  readonly aead: AeadEngine['name'];
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
  const encrypting = command
    .command('encrypt')
    .description('encrypt every IP packet of a capture')
    .option('-c, --config <file>', 'configuration file', 'psp_encrypt.cfg')
    .option(
      '-i, --input <file>',
      'capture to read (pcap or pcapng, .gz too; - is standard input)',
      'cleartext.pcap',
    )
    .option(
      '-o, --output <file>',
      'capture to write (.gz: compressed; - is standard output)',
      'psp_encrypt.pcap',
    )
    .option('-v, --verbose', 'say what happens to each packet')
    .option('-e, --error', 'force a bit error into every packet, so that none authenticates')
    .option('--write-keys <file>', 'write the key to a keys file, for decrypt --keys')
    .addOption(aeadOption())
    .option('--json', 'print the result as JSON')
    .addHelpText('after', CONFIG_HELP + ENCRYPT_STATUS);
  const decrypting = command
    .command('decrypt')
    .description(
      'decrypt a capture, by master keys (drops what fails, and exits with 1 then) or by a keys file',
    )
    .argument('[input]', 'with --keys: capture to read (pcap or pcapng, .gz too; - is standard input)')
    .argument('[output]', 'with --keys: capture to write (pcapng; .gz, -)')
    .option('-k, --keys <file>', 'keys file; what is decrypted goes beside what was encrypted')
    .option('-c, --config <file>', 'configuration file; only the master keys are read', 'psp_decrypt.cfg')
    .option(
      '-i, --input <file>',
      'capture to read (pcap or pcapng, .gz too; - is standard input)',
      'psp_encrypt.pcap',
    )
    .option(
      '-o, --output <file>',
      'capture to write (.gz: compressed; - is standard output)',
      'psp_decrypt.pcap',
    )
    .option('-v, --verbose', 'say what happens to each packet')
    .addOption(aeadOption())
    .option('--json', 'print the result as JSON')
    .addHelpText('after', CONFIG_HELP + DECRYPT_STATUS + KEYS_HELP);
  const inspecting = command
    .command('inspect')
    .description('print the decoded headers of each packet')
    .argument('[file]', 'capture to read (pcap or pcapng, .gz too; - is standard input)')
    .option('-i, --input <file>', 'the same as the argument')
    .option('-V, --tree', 'all fields, as a tree')
    .option('--json', 'one JSON object per packet')
    .addHelpText('after', INSPECT_STATUS);
  const [wrongToEncrypt, wrongToDecrypt, wrongToInspect] = [encrypting, decrypting, inspecting].map(
    (one) => new FlagProblems(one),
  );
  encrypting.action((flags: CryptFlags) => encrypt(flags, wrongToEncrypt!));
  decrypting.action((input: string | undefined, output: string | undefined, flags: DecryptFlags) =>
    decrypt(input, output, flags, decrypting, wrongToDecrypt!),
  );
  inspecting.action((file: string | undefined, flags: InspectFlags) => inspect(file, flags, wrongToInspect!));
  return command;
}

function aeadOption(): Option {
  return new Option('--aead <engine>', AEAD_ENGINES_MEANING)
    .choices(AEAD_ENGINE_NAMES)
    .default(AEAD_ENGINE_DEFAULT);
}

const CONFIG_HELP = `
The configuration file holds, separated by white space: master key 0 and master key 1 (32 hex octets each), the SPI
in hex, "transport" or "tunnel", "aes-gcm-128" or "aes-gcm-256", the crypt offsets for transport mode, IPv4 tunnels
and IPv6 tunnels (decimal, in units of 4 octets), "vc" or "no-vc". "aes-gmac-128" and "aes-gmac-256", which the reference
tool does not know, authenticate without encrypting.`;

const ENCRYPT_STATUS = `

Packets that cannot be encrypted, such as ARP, are skipped and counted by reason.

Exit status: 0 all others were encrypted, 1 all were skipped or the capture is damaged, 2 wrong usage or
configuration, or a file that is no capture.`;

const DECRYPT_STATUS = `

Exit status: 0 all packets were decrypted, 1 some were not or the capture is damaged, 2 wrong usage or
configuration, or a file that is no capture.`;

const INSPECT_STATUS = `
Exit status: 0 all was printed, 1 the capture is damaged, 2 wrong usage, or a file that is no capture.`;

const KEYS_HELP = `

With --keys FILE INPUT OUTPUT every packet of the input goes to the output as it is, and right behind a PSP packet
whose key is in the file what was inside, on an interface of its own ("NAME decrypted"), at the same time. Comments
on the packets say what was done, or why not. The exit status is 1 when a packet had a key and did not authenticate.

A keys file holds one JSON object per line, such as
  {"spi":"0x80000001","version":0,"key":"<32 hex digits>","receiver":["2001:db8::1"],"node":"h2"}
"receiver" are the underlay addresses under which the SPI is received, "node" a name; both may be left out.

Example: psp-gateway pcap decrypt --keys keys.jsonl wire.pcap decrypted.pcapng`;

async function encrypt(flags: CryptFlags, wrong: FlagProblems): Promise<void> {
  const { input, output, writeKeys } = flags;
  await guarded(input, async () => {
    const config = await allRight(
      wrong,
      input,
      () => parseEncryptConfig(readTextFile(flags.config, CONFIG_OCTETS_MAX), flags.config),
      [input],
      [[output, 'capture'], ...(writeKeys === undefined ? [] : ([[writeKeys, 'keys']] as const))],
    );
    if (config === undefined) return;
    const work = () =>
      crypt(flags, 'encrypted', encryptStep(config, flags.error === true, AEAD_ENGINES[flags.aead]));
    if (writeKeys === undefined) await work();
    else await withKeysFile(writeKeys, [encryptionKey(config)], work);
  });
}

/** The result of `read`; undefined: the flags or the files have problems, and all of them have been told. */
async function allRight<T>(
  wrong: FlagProblems,
  capture: string,
  read: () => T,
  inputs: readonly string[],
  outputs: readonly (readonly [path: string, kind: OutputKind])[],
): Promise<T | undefined> {
  let right = !toldOf(wrong);
  const look = async <R>(work: () => R): Promise<Awaited<R> | undefined> => {
    try {
      return await work();
    } catch (error) {
      right = false;
      report(capture, error);
      return undefined;
    }
  };
  const result = await look(read);
  for (const path of inputs) await look(() => mustBeCapture(path));
  for (const [at, [path, kind]] of outputs.entries()) {
    if (path === STANDARD_STREAM && kind === 'capture') continue;
    await look(() => mustTakeOutput(path, kind));
    if (outputs.slice(0, at).some(([other]) => other !== STANDARD_STREAM && isSameFile(path, other)))
      await look(() => {
        throw new PcapUsageError(`two outputs go to ${path}; name two files`);
      });
  }
  return right ? result : undefined;
}

/** Says what is wrong with flags; false: nothing is. */
function toldOf({ list }: FlagProblems): boolean {
  for (const problem of list) complain(`psp-gateway pcap: ${problem}`);
  if (list.length > 0) process.exitCode = EXIT_USAGE;
  return list.length > 0;
}

async function decrypt(
  input: string | undefined,
  output: string | undefined,
  flags: DecryptFlags,
  command: Command,
  wrong: FlagProblems,
): Promise<void> {
  await guarded(input ?? flags.input, async () => {
    if (flags.keys === undefined) {
      if (input !== undefined) {
        toldOf(wrong);
        throw new PcapUsageError('without --keys, name the files by -i and -o');
      }
      const config = await allRight(
        wrong,
        flags.input,
        () => parseDecryptConfig(readTextFile(flags.config, CONFIG_OCTETS_MAX), flags.config),
        [flags.input],
        [[flags.output, 'capture']],
      );
      if (config !== undefined)
        await crypt(flags, 'decrypted', decryptStep(config, AEAD_ENGINES[flags.aead]));
      return;
    }
    const given = ['config', 'input', 'output'].some((name) => command.getOptionValueSource(name) === 'cli');
    if (given || input === undefined || output === undefined) {
      toldOf(wrong);
      throw new PcapUsageError(
        'with --keys, say: psp-gateway pcap decrypt --keys FILE INPUT OUTPUT, and no -c, -i, -o',
      );
    }
    await decryptByKeys(wrong, flags, flags.keys, input, output);
  });
}

async function decryptByKeys(
  wrong: FlagProblems,
  flags: DecryptFlags,
  keysPath: string,
  input: string,
  output: string,
) {
  const keys = await allRight(
    wrong,
    input,
    () => new KeyRing(readKeysFile(keysPath)),
    [input],
    [[output, 'capture']],
  );
  if (keys === undefined) return;
  const counts = await withProgress('decrypted', (onProgress) =>
    decryptCapture({
      input,
      output,
      keys,
      keysPath,
      engine: AEAD_ENGINES[flags.aead],
      onProgress,
      ...onEachPacket(flags),
    }),
  );
  const say = sayBeside(output);
  if (flags.json === true) say(escapedInJson(JSON.stringify({ output, ...counts })));
  else {
    const { decrypted, noKey, authFail, malformed, cut, notPsp } = counts;
    say(
      table([
        ['decrypted', decrypted],
        ['no key', noKey],
        ['ICV does not match', authFail],
        ['malformed', malformed],
        ['captured in part', cut],
        ['not PSP', notPsp],
      ]),
    );
    say(`written to ${nameOf(output)}`);
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
      progress.update(
        total === 0 ? `${done} ${octets} octets` : `${done} ${Math.floor((octets * 100) / total)} %`,
      ),
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
  const say = sayBeside(output);
  if (flags.json === true) {
    say(escapedInJson(JSON.stringify({ output, [done]: written, failed: Object.fromEntries(failed) })));
  } else {
    const left = done === 'encrypted' ? 'skipped' : 'dropped';
    say(`${done} ${written} packets in ${nameOf(output)}, ${left} ${failures} packets`);
    for (const [reason, count] of failed) say(`  ${count}: ${reason}`);
  }
  // Like the reference tool, encrypting takes it for no failure that a capture has ARP; an output without packets is one.
  if (failures > 0 && (done === 'decrypted' || written === 0)) process.exitCode = EXIT_FAILED;
}

/** Results go to standard output, or beside it when the capture does. */
function sayBeside(output: string): (text: string) => void {
  return output === STANDARD_STREAM ? console.error : console.log;
}

const nameOf = (output: string) => (output === STANDARD_STREAM ? 'standard output' : printable(output));

interface InspectFlags {
  readonly input?: string;
  readonly tree?: boolean;
  readonly json?: boolean;
}

async function inspect(
  argument: string | undefined,
  flags: InspectFlags,
  wrong: FlagProblems,
): Promise<void> {
  const path = argument ?? flags.input;
  const isWrong = toldOf(wrong);
  await guarded(path ?? '', async () => {
    if (path === undefined && wrong.has('--input')) return;
    if (path === undefined) throw new PcapUsageError('no capture given: psp-gateway pcap inspect FILE');
    mustBeCapture(path);
    if (isWrong) return;
    let number = 0;
    let firstNs: bigint | undefined;
    for await (const record of readCapture(captureOctets(path))) {
      number++;
      firstNs ??= record.timestampNs;
      const seconds = (Number(record.timestampNs - firstNs) / 1e9).toFixed(6);
      const layers = describeRecord(record, dissectPsp);
      if (flags.json === true) {
        const json = layers.map(({ name, fields }) => ({ layer: name, ...Object.fromEntries(fields) }));
        console.log(
          escapedInJson(
            JSON.stringify({
              number,
              timestampNs: String(record.timestampNs),
              length: record.originalOctets,
              ...(record.frame.length < record.originalOctets ? { captured: record.frame.length } : {}),
              layers: json,
            }),
          ),
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
    report(capture, error);
  }
}

function report(capture: string, error: unknown): void {
  const damaged = error instanceof CaptureError;
  const usage =
    error instanceof NoCaptureError ||
    error instanceof PcapConfigError ||
    error instanceof KeysFileError ||
    error instanceof KeyRingError ||
    error instanceof PcapUsageError;
  if (!usage && !damaged) {
    failAtFile(error, capture);
    return;
  }
  const text = `psp-gateway pcap: ${damaged ? `${capture}: ` : ''}${error.message}`;
  for (const line of text.split('\n')) complain(line);
  process.exitCode = usage ? EXIT_USAGE : EXIT_FAILED;
}
