/** The options of a gateway from a command line and the files that it names, with all that is wrong with them. */
import { systemClock } from '../base/clock.js';
import type { FlagsRead, ProblemOf } from '../gateway/config/read-options.js';
import type { GatewayOptions } from '../gateway/options.js';
import { readTlsFiles, TlsFilesError } from '../gateway/rpc/grpc-tls.js';
import type { TlsMaterial } from '../gateway/rpc/transport.js';
import { checkRun } from './check-run.js';
import { readOptions } from './read-options.js';

export interface RunOptionsRead extends FlagsRead {
  /** The contents of the TLS files; absent with --insecure. */
  readonly material?: TlsMaterial;
}

/** Reads options and certificates, and looks at what this machine lacks of them. Throws ConfigError with all problems. */
export async function readRunOptions(argv: readonly string[]): Promise<RunOptionsRead> {
  // A key may come through a pipe, which can be read once.
  let material: TlsMaterial | undefined;
  const read = await readOptions(argv, {
    check(options, problem) {
      material = tlsMaterial(options.options, problem);
      checkRun(options, problem);
    },
  });
  return { ...read, ...(material === undefined ? {} : { material }) };
}

const TLS_FLAGS = { authority: 'tls-ca', certificate: 'tls-cert', key: 'tls-key' } as const;

/** The contents of the TLS files; undefined where there are none, or with what is wrong noted. */
export function tlsMaterial({ tls }: GatewayOptions, problem: ProblemOf): TlsMaterial | undefined {
  if (tls === undefined) return undefined;
  try {
    return readTlsFiles(tls, systemClock.nowMs());
  } catch (error) {
    if (!(error instanceof TlsFilesError)) throw error;
    for (const { what, reason } of error.found) problem(TLS_FLAGS[what], reason);
    return undefined;
  }
}
