/** A gateway, and the file of its recording. */
import type { Clock } from '../base/clock.js';
import type { Random } from '../base/random.js';
import { fileReason } from '../files/file-problem.js';
import { RingFile } from '../files/ring-file.js';
import type { RecordOptions } from '../gateway/config/option-values.js';
import type { Gateway } from '../gateway/gateway.js';
import type { GatewayDeps } from '../gateway/surroundings.js';
import { reasonOf } from '../hal/errors.js';
import { recordedGateway } from './recorded-gateway.js';

/** So much of a recording the end of the process may take. */
const WRITE_DELAY_MS = 50;

export interface RecordSettings extends RecordOptions {
  /** Version of psp-gateway. */
  readonly program: string;
  /** When lines are written, whatever the gateway's clock is. */
  readonly clock: Clock;
  /** For what a recording draws itself: its name, and the salt of its hashes. */
  readonly random: Random;
}

export interface Recording extends AsyncDisposable {
  readonly gateway: Gateway;
}

/** Throws OutputFileError, and what the file system throws. */
export async function startRecording(deps: GatewayDeps, settings: RecordSettings): Promise<Recording> {
  const { path, withPayload, octetsMax, program, clock, random } = settings;
  const { logger } = deps;
  // What the gateway's making has asked for, until there is a file.
  const early: string[] = [];
  let ring: RingFile | undefined;
  const write = (line: string) => {
    if (ring === undefined) early.push(line);
    else ring.write(line);
  };
  const { gateway, head } = recordedGateway(deps, { program, withPayload, random, write });
  const file = await RingFile.open(path, {
    octetsMax,
    head,
    gap: (n) => JSON.stringify({ k: 'gap', n }),
    soon: (work) => void clock.setTimer(work, WRITE_DELAY_MS),
    onProblem: (error) =>
      logger.log('error', `--record: ${fileReason(error) ?? reasonOf(error)}; the gateway goes on without`),
  });
  for (const line of early) file.write(line);
  ring = file;
  logger.log('info', 'the gateway is recorded, without keys and cookies', { file: path, withPayload });
  return { gateway, [Symbol.asyncDispose]: () => file.close() };
}
