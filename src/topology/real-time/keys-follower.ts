/** Keys files of gateways that somebody else runs, read while they grow. */
import type { Clock, Timer } from '../../base/clock.js';
import { reasonOf } from '../../hal/errors.js';
import { KEYS_FILE_OCTETS_MAX, parseKeysFile } from '../../psp/keys-file.js';
import type { ExternalPlan } from '../model.js';

const LOOK_INTERVAL_MS = 250;

/** Gives the text of a file, undefined while there is none. Throws what the file system throws. */
export type ReadText = (path: string, octetsMax: number) => string | undefined;

export class KeysFollower {
  readonly #problems: string[] = [];
  #read = 0;
  #timer: Timer | undefined;
  /** Whether the file has been there. */
  #found = false;

  constructor(
    private readonly plan: Pick<ExternalPlan, 'name'> & { readonly keysPath: string },
    private readonly deps: {
      readonly clock: Clock;
      readonly readText: ReadText;
      /** Gets each key once. */
      readonly onKey: (key: Uint8Array) => void;
    },
  ) {
    this.#lookLater();
  }

  /** Looks once more, and for the last time: what was wrong. */
  end(): readonly string[] {
    this.#timer?.cancel();
    this.#look();
    if (!this.#found) this.#problems.push(`${this.plan.name}: ${this.plan.keysPath} has never been there`);
    return this.#problems;
  }

  #lookLater(): void {
    this.#timer = this.deps.clock.setTimer(() => {
      this.#look();
      if (this.#problems.length === 0) this.#lookLater();
    }, LOOK_INTERVAL_MS);
  }

  #look(): void {
    const { keysPath, name } = this.plan;
    try {
      const text = this.deps.readText(keysPath, KEYS_FILE_OCTETS_MAX);
      if (text === undefined) return;
      this.#found = true;
      // A line that is being written is read when it is whole.
      const whole = text.slice(this.#read, text.lastIndexOf('\n') + 1);
      this.#read += whole.length;
      for (const { key } of parseKeysFile(whole, keysPath)) this.deps.onKey(key);
    } catch (error) {
      if (this.#problems.length > 0) return;
      this.#problems.push(`${name}: its keys are not checked any more: ${reasonOf(error)}`);
    }
  }
}
