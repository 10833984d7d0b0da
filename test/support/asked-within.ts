/**
 * What the compiled program does when it is asked within the test's own process: the same arguments, streams and exit status as of a
 * process of its own, without the start, which takes longer than most of what commands do. For commands that end by themselves. What
 * belongs to the process itself (signals, pipes that nobody reads, descriptors) a process has to show: `askedAlone`.
 */
import { spawnSync } from 'node:child_process';
import { Console } from 'node:console';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { ROOT } from './root.js';

const COMPILED = join(ROOT, 'dist/cli');
const MAIN = join(COMPILED, 'main.js');
const TIMEOUT_MS = 120_000;

export interface Answer {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}

/** Thrown in the place of the process's end. */
class Ended extends Error {}

/** vitest.config.ts leaves these to Node, as they are. */
const compiled = (name: string) => import(pathToFileURL(join(COMPILED, name)).href);

function collector() {
  const chunks: Buffer[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk);
      done();
    },
  });
  return { stream, text: () => Buffer.concat(chunks).toString() };
}

/** One at a time: folder, streams and exit status are the process's. */
export async function askedWithin(argv: readonly string[], cwd: string): Promise<Answer> {
  const { runProgram } = (await compiled('program.js')) as typeof import('../../src/cli/program.js');
  const { endAtOnce } = (await compiled('failure.js')) as typeof import('../../src/cli/failure.js');
  const [out, err] = [collector(), collector()];
  const before = {
    folder: process.cwd(),
    status: process.exitCode,
    exit: process.exit,
    console: globalThis.console,
    write: [process.stdout.write, process.stderr.write],
  } as const;
  process.chdir(cwd);
  process.exitCode = undefined;
  process.exit = (status) => {
    if (typeof status === 'number') process.exitCode = status;
    throw new Ended();
  };
  globalThis.console = new Console(out.stream, err.stream);
  process.stdout.write = out.stream.write.bind(out.stream) as typeof process.stdout.write;
  process.stderr.write = err.stream.write.bind(err.stream) as typeof process.stderr.write;
  try {
    await runProgram(argv).catch(endAtOnce);
  } catch (error) {
    if (!(error instanceof Ended)) throw error;
  } finally {
    [process.stdout.write, process.stderr.write] = before.write;
    globalThis.console = before.console;
    process.exit = before.exit;
    process.chdir(before.folder);
  }
  const status = Number(process.exitCode ?? 0);
  process.exitCode = before.status;
  return { status, out: out.text(), err: err.text() };
}

/** The same of a process of its own. */
export function askedAlone(argv: readonly string[], cwd: string): Answer {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...argv], {
    cwd,
    encoding: 'utf8',
    timeout: TIMEOUT_MS,
  });
  return { status, out: stdout, err: stderr };
}
