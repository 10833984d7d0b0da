/** What every reader must hold, whatever it is given. */
import { isDeepStrictEqual } from 'node:util';

/** A property that does not hold. */
export class OracleError extends Error {
  override readonly name = 'OracleError';
}

export function must(holds: boolean, what: string): void {
  if (!holds) throw new OracleError(what);
}

/** What is written of a value that was read is read back to an equal one. */
export function mustBeEqual(again: unknown, value: unknown): void {
  must(isDeepStrictEqual(again, value), 'written and read again, it is another');
}

type ErrorClass = abstract new (...args: never[]) => Error;

/** A reader's result; undefined when it refuses with one of its own errors, which is bounded itself. Throws any other. */
export function orRefused<T>(read: () => T, ...declared: readonly ErrorClass[]): T | undefined {
  try {
    return read();
  } catch (error) {
    checkRefusal(error, declared);
    return undefined;
  }
}

/** A refusal may quote, but not without end. */
const MESSAGE_CHARACTERS_MAX = 1_000_000;

export function checkRefusal(error: unknown, declared: readonly ErrorClass[]): void {
  if (!declared.some((one) => error instanceof one)) throw error;
  must(
    (error as Error).message.length <= MESSAGE_CHARACTERS_MAX,
    'a refusal longer than a million characters',
  );
}
