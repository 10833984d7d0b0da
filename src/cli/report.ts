/** `psp-gateway report`: what somebody needs who is to find out what was wrong with a gateway, in one archive without secrets. */
import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { Command } from 'commander';
import type { AdminClient } from '../admin/admin-client.js';
import { printable } from '../base/printable.js';
import { fileProblem, fileReason } from '../files/file-problem.js';
import { InputFileError, readBegin, readTextFile } from '../files/read-file.js';
import { replaceFile } from '../files/replace-file.js';
import { OLDER_PART } from '../files/ring-file.js';
import { lstatIfThere, statIfThere } from '../files/stat.js';
import { tarOf } from '../files/tar.js';
import { ConfigError } from '../gateway/config/problems.js';
import { RpcError } from '../gateway/rpc/transport.js';
import { FORMAT_BEGIN, RecordingError, readHead } from '../recording/records.js';
import { logWithoutSecrets, ReportContents } from '../recording/report-files.js';
import { type AdminFlags, jsonText, printAnswer, withAdminFlags, withGateway } from './admin-call.js';
import { failAtFile } from './failure.js';
import { FlagProblems, flagProblemsOf } from './flag-problems.js';
import { complain, EXIT_USAGE } from './output.js';
import { readOptions } from './read-options.js';
import { VERSION } from './version.js';

/** Limit on a file that is read for a report. */
const FILE_OCTETS_MAX = 256 * 1024 * 1024;
/** Files of a folder that are looked at. */
const FOLDER_FILES_MAX = 1000;
const TUNNELS_MAX = 1000;
const CONTENTS = 'CONTENTS.txt';
/** In the archive, so that it is unpacked into one. */
const FOLDER = 'psp-gateway-report';
const DEFAULT_OUTPUT = 'psp-gateway-report.tar.gz';

interface Flags extends AdminFlags {
  readonly output: string;
  readonly log: readonly string[];
  readonly force?: true;
}

const EXAMPLES = `Of a running gateway: its status, peers, tunnels and pipes, its effective configuration, versions, and its recording where it has --record. The log is
where you have it written; of what is in a folder: recordings, logs (*.log) and configuration files (*.yaml). No keys: those of --debug-keys, and the
octets of packets (--sampled-octets), are taken out of logs, and of keys and certificates there are names of files alone. Addresses and names stay.

  psp-gateway report --log /var/log/psp-gateway.log
  psp-gateway report -O report.tar.gz --socket /run/psp-gateway/10.0.0.1-3000.sock
  psp-gateway report evidence/ -O report.tar.gz`;

export function reportCommand(): Command {
  const command = withAdminFlags(
    new Command('report')
      .description(
        'put what is known of a gateway into one archive without secrets, for who is to find a fault',
      )
      .argument('[folder]', 'take what is in it, and ask no gateway')
      .option('-O, --output <file>', 'the archive', DEFAULT_OUTPUT)
      .option('--log <file>', "the gateway's log; may be given many times", collect, [])
      .option('--force', 'replace an archive that is there'),
    EXAMPLES,
  );
  new FlagProblems(command);
  return command.action((folder: string | undefined, flags: Flags) => report(command, folder, flags));
}

const collect = (text: string, before: readonly string[]): string[] => [...before, text];

async function report(command: Command, folder: string | undefined, flags: Flags): Promise<void> {
  const problems = unfit(folder, flags);
  const contents = new ReportContents();
  contents.add('versions.txt', 'of what has made this report', versions());
  try {
    if (folder === undefined) {
      await withGateway(
        command,
        flags,
        async (client) => {
          await askGateway(client, contents);
          await finish(contents, flags);
        },
        problems,
      );
      return;
    }
    const all = [...flagProblemsOf(command), ...problems];
    for (const problem of all) complain(problem);
    if (all.length > 0) {
      process.exitCode = EXIT_USAGE;
      return;
    }
    await takeFolder(folder, contents);
    await finish(contents, flags);
  } catch (error) {
    failAtFile(error);
  }
}

function unfit(folder: string | undefined, { output, log, socket, force }: Flags): string[] {
  const problems: string[] = [];
  if (folder !== undefined && socket !== undefined)
    problems.push('--socket: does not go together with a folder, for which no gateway is asked');
  if (force !== true && lstatIfThere(output) !== undefined)
    problems.push(`--output: ${output} exists; --force replaces it`);
  for (const path of log) {
    try {
      if (readBegin(path, 1) === undefined) problems.push(`--log: ${path} is no regular file; name one`);
    } catch (error) {
      const text = fileProblem(error, path)?.text;
      if (text === undefined) throw error;
      problems.push(`--log: ${text}`);
    }
  }
  return problems;
}

const versions = () =>
  `psp-gateway ${VERSION}\nNode ${process.version}, ${process.platform} ${process.arch}\n`;

async function askGateway(client: AdminClient, contents: ReportContents): Promise<void> {
  contents.add(
    'status.json',
    'psp-gateway status --json',
    json(await client.call('Status', { unchecked: false })),
  );
  contents.add('peers.json', 'psp-gateway peers --json', json(await client.call('ListPeers', { peer: '' })));
  const tunnels = await client.call('ListTunnels', { selection: undefined, most: TUNNELS_MAX });
  contents.add('tunnels.json', `the ${TUNNELS_MAX} tunnels that were used last, at most`, json(tunnels));
  contents.add(
    'pipes.json',
    "the device's pipes, with counters",
    json(await client.call('Pipes', { withProgram: false })),
  );
  try {
    const { version, runtime, configuration, recording } = await client.call('About', {});
    contents.add('gateway.txt', 'versions of the gateway', `psp-gateway ${version}\n${runtime}\n`);
    contents.add('gateway.yaml', 'its effective configuration, which --config reads', configuration);
    if (recording === '') contents.leaveOut('a recording', 'the gateway runs without --record');
    else takeRecording(recording, contents);
  } catch (error) {
    if (!(error instanceof RpcError) || error.code !== 'UNIMPLEMENTED') throw error;
    contents.leaveOut('configuration and recording', 'this gateway is older than psp-gateway report');
  }
}

const json = (answer: object): string => `${jsonText(answer)}\n`;

/** Both parts. The newer one first: while it is read the older one may be replaced. */
function takeRecording(path: string, contents: ReportContents): void {
  const newer = recordingAt(path, contents);
  if (newer === undefined || statIfThere(path + OLDER_PART) === undefined) return;
  recordingAt(path + OLDER_PART, contents);
}

function recordingAt(path: string, contents: ReportContents): string | undefined {
  return taken(path, contents, (text) => {
    const end = text.indexOf('\n');
    const { part, program } = readHead(end === -1 ? text : text.slice(0, end));
    const what = `part ${part} of a recording of psp-gateway ${program}, for psp-gateway replay`;
    contents.add(basename(path), what, text);
  });
}

function takeLog(path: string, contents: ReportContents): void {
  taken(path, contents, (text) => {
    const log = logWithoutSecrets(text);
    const without = log.takenOut === 0 ? '' : `, without ${log.takenOut} keys and octets of packets`;
    contents.add(basename(path), `a log${without}`, log.text);
  });
}

/** Reads a file for `take`; what cannot be read or used is left out, with the reason. */
function taken(path: string, contents: ReportContents, take: (text: string) => void): string | undefined {
  try {
    const text = readTextFile(path, FILE_OCTETS_MAX);
    take(text);
    return text;
  } catch (error) {
    const isKnown = error instanceof RecordingError || error instanceof InputFileError;
    const reason = isKnown ? error.message : fileReason(error);
    if (reason === undefined) throw error;
    contents.leaveOut(path, reason);
    return undefined;
  }
}

async function takeFolder(folder: string, contents: ReportContents): Promise<void> {
  const names = readdirSync(folder).sort();
  for (const name of names.slice(0, FOLDER_FILES_MAX)) {
    const path = join(folder, name);
    const there = lstatIfThere(path);
    if (there?.isFile() !== true) contents.leaveOut(path, 'it is no regular file');
    else if (readBegin(path, FORMAT_BEGIN.length)?.toString('utf8') === FORMAT_BEGIN)
      recordingAt(path, contents);
    else if (/\.log$/i.test(name)) takeLog(path, contents);
    else if (/\.ya?ml$/i.test(name)) await takeConfiguration(path, contents);
    else contents.leaveOut(path, 'it is no recording, no log (*.log) and no configuration file (*.yaml)');
  }
  if (names.length > FOLDER_FILES_MAX)
    contents.leaveOut(`${names.length - FOLDER_FILES_MAX} files`, `${FOLDER_FILES_MAX} are looked at`);
}

/** Not the file itself, in whose comments may be anything, but what is read of it. */
async function takeConfiguration(path: string, contents: ReportContents): Promise<void> {
  const argv = ['--config', path];
  try {
    const read = await readOptions(argv);
    const { configText } = await import('../gateway/config/config-text.js');
    contents.add(basename(path), 'a configuration, as psp-gateway config show prints it', configText(read));
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    contents.leaveOut(path, `it is no configuration of a gateway: ${error.problems[0]}`);
  }
}

async function finish(contents: ReportContents, flags: Flags): Promise<void> {
  for (const path of flags.log) takeLog(path, contents);
  const files = [{ name: CONTENTS, content: Buffer.from(contents.text()) }, ...contents.files];
  const inFolder = files.map((file) => ({ ...file, name: `${FOLDER}/${file.name}` }));
  const archive = gzipSync(tarOf(inFolder));
  try {
    await replaceFile(flags.output, archive, { readers: 'private', replace: flags.force === true });
  } catch (error) {
    failAtFile(error, flags.output);
    return;
  }
  const { about: inIt, leftOut } = contents;
  printAnswer(flags, { archive: flags.output, files: inIt, leftOut }, () => [
    [['file', 'octets', 'what'], ...inIt.map(({ name, octets, what }) => [printable(name), octets, what])],
    ...leftOut.map(({ what, why }) => printable(`left out: ${what}: ${why}`)),
    `${flags.output}: ${archive.length} octets; look through it before you give it away`,
  ]);
}
