/**
 * Pairs of gateways that are well, each pair started anew, that carry packets, change keys, read their files again and end. They share
 * one process, the compiled program, since its start takes longer than all else of a run; in `lanes` as many pairs run at once.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeCertificates } from '../../src/cli/certificates.js';
import { loopback } from '../support/loopback.js';
import { inTime, Program } from '../support/program.js';
import {
  clientOf,
  hasTraffic,
  NAMED_WITHIN_MS,
  type Problem,
  patiently,
  TOO_BUSY,
  TOO_BUSY_FLAG,
} from './status-watch.js';

const LANES = 4;

/** Runs the pairs of each lane, one after another, and the lanes at once. */
const SCRIPT = `
import { runProgram } from './dist/cli/program.js';
process.setMaxListeners(0);
process.stdout.setMaxListeners(0);
await Promise.all(
  JSON.parse(process.argv[2]).map(async (runs) => {
    for (const pair of runs) await Promise.all(pair.map((argv) => runProgram(argv)));
  }),
);
`;

interface Run {
  readonly number: number;
  readonly sockets: readonly [string, string];
  readonly flags: readonly [readonly string[], readonly string[]];
}

/**
 * @param main the compiled program's main file, in a folder that may be written to
 * @returns what any of them has said was wrong, with the run's number
 */
export async function healthyRuns(main: string, folder: string, count: number): Promise<string[]> {
  const hosts = Array.from({ length: 2 * LANES }, (_, i) => loopback(i + 1, 1));
  await writeCertificates({ out: folder, host: hosts, force: true });
  const runs = Array.from({ length: count }, (_, i) => runOf(i, folder, hosts));
  const laneOf = (lane: number) => runs.filter(({ number }) => number % LANES === lane);
  const lanes = Array.from({ length: LANES }, (_, lane) => laneOf(lane));
  const script = join(main, '../../../healthy.mjs');
  writeFileSync(script, SCRIPT);
  const program = new Program([
    ...[process.execPath, script],
    JSON.stringify(lanes.map((lane) => lane.map(({ flags }) => flags))),
  ]);
  try {
    const said = await Promise.all(
      lanes.map(async (lane) => {
        const wrong: string[] = [];
        for (const run of lane) wrong.push(...(await watchRun(run, program)));
        return wrong;
      }),
    );
    if ((await inTime(program.ended, NAMED_WITHIN_MS)) === undefined) throw new Error(program.out);
    return said.flat();
  } finally {
    await program.stop('SIGKILL');
  }
}

/** Some have cookies, some longer keys. */
function runOf(number: number, folder: string, hosts: readonly string[]): Run {
  const at = 2 * (number % LANES);
  const ends = [hosts[at]!, hosts[at + 1]!] as const;
  const vips = [`10.21.${number}.1`, `10.21.${number}.2`] as const;
  const sockets = [join(folder, `run-${number}-a.sock`), join(folder, `run-${number}-b.sock`)] as const;
  const flagsOf = (own: 0 | 1, other: 0 | 1) => [
    ...['--outer-ip-type=ipv4', '--log-level=20', TOO_BUSY_FLAG, `--admin=${sockets[own]}`],
    ...[`-s${ends[own]}:3980`, `-t${ends[other]}:3980:${vips[other]}`],
    ...[`--sim-wire=udp:${ends[own]}:10980`, `--sim-vf=host:${vips[own]}`],
    ...[`--tls-ca=${folder}/ca.pem`, `--tls-cert=${folder}/${ends[own]}.pem`],
    ...[`--tls-key=${folder}/${ends[own]}.key`, `--ping=${vips[other]}`, '--ping-count=100000'],
    ...(number % 2 === 0 ? ['--cookie'] : []),
    ...(number % 3 === 0 ? ['--psp-version=1'] : []),
  ];
  return { number, sockets, flags: [flagsOf(0, 1), flagsOf(1, 0)] };
}

async function watchRun({ number, sockets }: Run, program: Program): Promise<string[]> {
  const clients = await Promise.all(sockets.map((socket) => clientOf(socket, program)));
  const wrong: string[] = [];
  const look = async () => {
    for (const client of clients) {
      const { problems } = await patiently(() => client.call('Status', { unchecked: false }));
      wrong.push(...problems.filter(({ text }) => !TOO_BUSY.test(text)).map((one) => textOf(number, one)));
    }
  };
  await Promise.all(clients.map(hasTraffic));
  await look();
  const [one, other] = number % 4 < 2 ? clients : [...clients].reverse();
  await patiently(() => one!.call('Rotate', {}));
  await look();
  const { problems } = await patiently(() => other!.call('Reload', {}));
  wrong.push(...problems.map((text) => `${number}: ${text}`));
  await look();
  // Those that drain say so.
  for (const client of clients) {
    await client.call('Drain', { timeoutMs: 1n, noStop: false });
    client.close();
  }
  return wrong;
}

const textOf = (number: number, { cause, about, text }: Problem) => `${number}: ${cause} [${about}] ${text}`;
