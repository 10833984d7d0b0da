/** Named things of the file, and the problem of a name that is not there. */
import { Suggestions } from '../../gateway/config/suggestions.js';
import type { Place } from './source.js';

export class Names<T> {
  readonly #values = new Map<string, T>();
  readonly #suggestions = new Suggestions();

  /**
   * @param kind such as "workload", for problems
   * @param declared names in the file, also those whose definition is wrong: that was said, and is not said again
   * @param incomplete nobody knows all the names, because a generator is wrong
   */
  constructor(
    readonly kind: string,
    private readonly declared: ReadonlySet<string>,
    private readonly incomplete = false,
  ) {}

  add(name: string, value: T): void {
    this.#values.set(name, value);
  }

  get(name: string): T | undefined {
    return this.#values.get(name);
  }

  /** All of them, in the order of the file. */
  get all(): ReadonlyMap<string, T> {
    return this.#values;
  }

  /** Whether a name's definition may be there, right or wrong. A link may be named by both ends. */
  isDeclared(name: string): boolean {
    if (this.incomplete || this.#values.has(name)) return true;
    // The flows that a list of workloads makes are not known where its traffic is wrong.
    const traffic = name.split('/', 1)[0]!;
    if (traffic !== name && this.declared.has(traffic)) return !this.#values.has(traffic);
    const parts = name.split(' ');
    // Both ends in links that are right, and no link between them: that is a wrong name.
    return parts.every((part) => this.declared.has(part)) && parts.some((part) => !this.#values.has(part));
  }

  /** Some names are not here because their definition is wrong. */
  get missesSome(): boolean {
    return this.incomplete || [...this.declared].some((name) => !this.#values.has(name));
  }

  /** The value of a name; undefined with the problem noted. */
  find(name: string, place: Place): T | undefined {
    const value = this.#values.get(name);
    if (value === undefined && !this.isDeclared(name)) place.problem(this.#missing(name));
    return value;
  }

  #missing(name: string): string {
    const near = this.#suggestions.near(name, this.#values.keys());
    return `there is no ${this.kind} "${name}"${near === undefined ? '' : `; did you mean "${near}"?`}`;
  }
}
