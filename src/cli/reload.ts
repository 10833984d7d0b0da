/**
 * The gateway's command line and files, read again while it runs. All or nothing: when anything is wrong, or needs a restart,
 * nothing is changed, and all reasons are told.
 */
import type { ReloadOutcome } from '../admin/admin-service.js';
import { InputFileError, readTextFile } from '../files/read-file.js';
import { statOf } from '../files/stat.js';
import { FLAGS, type Flag } from '../gateway/config/flags.js';
import { ConfigError } from '../gateway/config/problems.js';
import type { FlagsRead, ReadSettings } from '../gateway/config/read-options.js';
import type { Gateway } from '../gateway/gateway.js';
import type { GatewayOptions } from '../gateway/options.js';
import type { ReconfigurationResult } from '../gateway/reconfiguration.js';
import { serviceText } from '../gateway/rpc/transport.js';
import { reasonOf } from '../hal/errors.js';
import type { ProgramLogger } from './log.js';
import { readOptions } from './read-options.js';
import { tlsMaterial } from './read-run-options.js';

/** Reasons that the log tells of one refusal. */
const REASONS_LOGGED_MAX = 20;

export interface ReloaderDeps {
  /** The command line that the gateway was started with, and what it said then. */
  readonly argv: readonly string[];
  readonly read: FlagsRead;
  readonly gateway: Pick<Gateway, 'problemsOf' | 'reconfigure'>;
  readonly logger: Pick<ProgramLogger, 'log' | 'setLevel'>;
}

export class Reloader {
  /** What the gateway goes by. */
  #read: FlagsRead;
  #last: Promise<unknown> = Promise.resolve();

  constructor(private readonly deps: ReloaderDeps) {
    this.#read = deps.read;
  }

  /** What the gateway goes by now. */
  get read(): FlagsRead {
    return this.#read;
  }

  /** One reload after the other; the gateway has been started. Tells the log as well. Does not reject. */
  reload(): Promise<ReloadOutcome> {
    const result = this.#last.then(() => this.#reload());
    this.#last = result;
    return result;
  }

  async #reload(): Promise<ReloadOutcome> {
    const { logger } = this.deps;
    try {
      return { changed: await this.#apply(await this.#readAgain()) };
    } catch (error) {
      const problems = error instanceof ConfigError ? error.problems : [reasonOf(error)];
      logger.log('error', 'reload refused: nothing has changed', { problems: problems.length });
      for (const problem of problems.slice(0, REASONS_LOGGED_MAX)) logger.log('error', problem);
      return { problems };
    }
  }

  /** Throws ConfigError with all reasons why it cannot be applied. */
  async #readAgain(): Promise<FlagsRead> {
    const { argv, gateway } = this.deps;
    const { options } = this.#read;
    const settings: ReadSettings = {
      maxTunnels: options.maxTunnels,
      check: (again, problem) => {
        for (const name of needRestart(this.#read, again))
          problem(name, 'cannot change while the gateway runs; restart it for that');
        const { peers } = again.options;
        for (const reason of gateway.problemsOf(peers))
          problem(again.flags.given('config') ? 'config' : 'tunnel', reason);
        // Who watches the files takes what is new in them; here nothing is to begin that could not go on.
        if (areRegular(again.options.tls)) tlsMaterial(again.options, problem);
      },
    };
    return readOptions(argv, settings, readRegularFile);
  }

  #apply(read: FlagsRead): Promise<ReconfigurationResult> {
    const { gateway, logger } = this.deps;
    this.#read = read;
    logger.setLevel(read.run.logLevel);
    return gateway.reconfigure(read.options);
  }
}

/** Flags that say something else than before, and that a running gateway cannot take. */
function needRestart(before: FlagsRead, again: FlagsRead): string[] {
  const names = FLAGS.filter((flag) => flag.live !== true && !isSame(flag, before, again)).map(
    ({ name }) => name,
  );
  // The session file may say these, too.
  const others: Readonly<Record<string, (options: GatewayOptions) => string | undefined>> = {
    'svc-addr': ({ serviceAddress }) => serviceText(serviceAddress),
    'local-pip': ({ localPip }) => localPip,
  };
  for (const [name, of] of Object.entries(others))
    if (of(before.options) !== of(again.options)) names.push(name);
  return [...new Set(names)];
}

function isSame({ name, kind }: Flag, before: FlagsRead, again: FlagsRead): boolean {
  const textOf = ({ flags }: FlagsRead) =>
    kind === 'boolean'
      ? String(flags.boolean(name))
      : JSON.stringify((flags.values.get(name) ?? [flags.text(name)]).map((value) => value?.text));
  return textOf(before) === textOf(again);
}

/** What was read through a pipe is not there a second time. */
function readRegularFile(path: string, octetsMax: number): string {
  if (isRegular(path)) return readTextFile(path, octetsMax);
  throw new InputFileError(
    path,
    'is no regular file, and can be read only once; restart the gateway for that',
  );
}

function isRegular(path: string): boolean {
  const stats = statOf(path);
  return stats.isFile() || stats.isDirectory();
}

/** Certificates that came through pipes stay as they are. */
function areRegular(tls: GatewayOptions['tls']): boolean {
  if (tls === undefined) return false;
  return [tls.caPath, tls.certificatePath, tls.keyPath].every((path) => {
    try {
      return isRegular(path);
    } catch {
      // Reading it says why.
      return true;
    }
  });
}
