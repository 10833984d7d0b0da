/**
 * The errors of PipeHAL. Every failure says what was being done, to which pipe or entry, and why, under the
 * name that DOCA gives to that kind of failure (doca_error.h).
 */

/** DOCA's names, without the DOCA_ERROR_ prefix, of the failures that PipeHAL can report. */
export type DocaErrorName =
  | 'NOT_PERMITTED'
  | 'IN_USE'
  | 'NOT_SUPPORTED'
  | 'AGAIN'
  | 'INVALID_VALUE'
  | 'NO_MEMORY'
  | 'INITIALIZATION'
  | 'TIME_OUT'
  | 'SHUTDOWN'
  | 'NOT_FOUND'
  | 'IO_FAILED'
  | 'BAD_STATE'
  | 'OPERATING_SYSTEM'
  | 'DRIVER'
  | 'UNEXPECTED'
  | 'ALREADY_EXIST'
  | 'FULL'
  | 'EMPTY'
  | 'TOO_BIG'
  | 'BAD_CONFIG'
  | 'UNKNOWN';

/** The place of a failure in a program or a batch. Parts that do not apply are absent. */
export interface HalErrorPlace {
  readonly pipe?: string;
  /** An entry's label, or its position in the batch. */
  readonly entry?: string | number;
  readonly field?: string;
}

/** A failed operation of a PipeHAL. */
export class HalError extends Error {
  override readonly name = 'HalError';

  constructor(
    readonly code: DocaErrorName,
    /** The operation, why it failed and, where it helps, what to do. */
    readonly reason: string,
    readonly place: HalErrorPlace = {},
  ) {
    super(`DOCA_ERROR_${code}: ${describePlace(place)}${reason}`);
  }
}

/** A program that cannot be built: every problem found, not only the first. */
export class ProgramError extends HalError {
  constructor(
    program: string,
    readonly problems: readonly HalError[],
  ) {
    const lines = problems.map((problem) => `  ${describePlace(problem.place)}${problem.reason}`);
    super(
      'INVALID_VALUE',
      `pipe program "${program}" has ${problems.length} problem${problems.length === 1 ? '' : 's'}:\n${lines.join('\n')}`,
    );
  }
}

/** Notes a problem of one place: why, and which field; none, or '', where it is the whole. */
export type Report = (reason: string, field?: string) => void;

/** Collects problems of a place as INVALID_VALUE. */
export function reporter(problems: HalError[], place: HalErrorPlace): Report {
  return (reason, field) => {
    problems.push(
      new HalError(
        'INVALID_VALUE',
        reason,
        field === undefined || field === '' ? place : { ...place, field },
      ),
    );
  };
}

/** What every call says of a device that is closed; `doing`: what was asked for. */
export function shutDown(doing: string): HalError {
  return new HalError('SHUTDOWN', `${doing}: the device is closed`);
}

function describePlace(place: HalErrorPlace): string {
  const parts: string[] = [];
  if (place.pipe !== undefined) parts.push(`pipe ${place.pipe}`);
  if (place.entry !== undefined) parts.push(`entry ${place.entry}`);
  if (place.field !== undefined) parts.push(`field ${place.field}`);
  return parts.length === 0 ? '' : `${parts.join(', ')}: `;
}

/** The message of a caught value, which need not be an Error. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
