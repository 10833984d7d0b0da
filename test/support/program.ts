/** Processes that a test starts, waits for and ends. */
import { type ChildProcess, spawn } from 'node:child_process';

/** A limit for what hangs: a gateway starts in one second, on a machine that many others use in half a minute. */
const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 10_000;

const running = new Set<ChildProcess>();

/** Ends what a test has left running, as one that failed does: it would have ports and processor time that others need. */
export function endPrograms(): void {
  for (const child of running) child.kill('SIGKILL');
}

/** A process beside the test, and what it has said so far. It does not outlive the test's file. */
export class Program {
  out = '';
  readonly ended: Promise<number | null>;
  readonly #child: ChildProcess;
  #alive = true;
  #onOutput: () => void = () => {};

  constructor(
    private readonly command: readonly string[],
    environment: Readonly<Record<string, string>> = {},
  ) {
    const [program, ...args] = command;
    this.#child = spawn(program!, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...environment },
    });
    running.add(this.#child);
    for (const stream of [this.#child.stdout!, this.#child.stderr!]) {
      stream.on('data', (chunk) => {
        this.out += chunk;
        this.#onOutput();
      });
    }
    this.ended = new Promise((resolve) => {
      this.#child.on('error', (error) => {
        this.out += error.message;
      });
      this.#child.on('close', (status) => {
        this.#alive = false;
        running.delete(this.#child);
        this.#onOutput();
        resolve(status);
      });
    });
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** Resolves when it has said so; rejects with all it said when it ends without, or takes too long. */
  async says(pattern: RegExp, timeoutMs = START_TIMEOUT_MS): Promise<void> {
    const said = new Promise<boolean>((resolve) => {
      const look = () => {
        if (pattern.test(this.out)) resolve(true);
        else if (!this.#alive) resolve(false);
      };
      this.#onOutput = look;
      look();
    });
    if (!(await inTime(said, timeoutMs))) {
      throw new Error(`${this.command.join(' ')} has not said ${pattern}, but:\n${this.out}`);
    }
  }

  /** Ends it, by force when it does not end in time; its exit status, null when it did not end by itself. */
  async stop(signal: NodeJS.Signals): Promise<number | null> {
    this.kill(signal);
    if ((await inTime(this.ended, STOP_TIMEOUT_MS)) === undefined) this.kill('SIGKILL');
    return this.ended;
  }

  kill(signal: NodeJS.Signals): void {
    if (this.#alive) this.#child.kill(signal);
  }
}

/** undefined when it is late. */
export async function inTime<T>(promise: Promise<T>, timeoutMs: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), timeoutMs);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
