/** What has a name in the file, and what is said when a name is not there. */
import { suggestion } from '../../gateway/config/flags.js';
import type { Place } from './source.js';

export class Names<T> {
  readonly #values = new Map<string, T>();

  /**
   * @param kind such as "workload", for problems
   * @param declared whether a name may be in the file and not here because its definition is wrong, which was said
   */
  constructor(
    readonly kind: string,
    readonly declared: (name: string) => boolean,
  ) {}

  add(name: string, value: T): void {
    this.#values.set(name, value);
  }

  get(name: string): T | undefined {
    return this.#values.get(name);
  }

  /** In the order of the file. */
  get all(): ReadonlyMap<string, T> {
    return this.#values;
  }

  /** The value of a name; undefined with the problem noted. */
  find(name: string, place: Place): T | undefined {
    const value = this.#values.get(name);
    if (value === undefined && !this.declared(name)) place.problem(this.missing(name));
    return value;
  }

  missing(name: string): string {
    const near = suggestion(name, this.#values.keys());
    return `there is no ${this.kind} "${name}"${near === undefined ? '' : `; did you mean "${near}"?`}`;
  }
}
