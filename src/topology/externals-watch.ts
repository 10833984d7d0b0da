/** What gateways of somebody else do, held against what their nodes say, and told to the invariants. */
import type { Given } from './given-keys.js';
import type { Encrypter, InvariantChecker } from './invariant-checker.js';
import type { ExternalPlan } from './model.js';

export class ExternalsWatch {
  readonly #plans: ReadonlyMap<string, ExternalPlan>;
  readonly #wrongCookies = new Set<string>();
  /** As those who encrypt, each in one life. */
  readonly #encrypters = new Map<string, Encrypter>();

  /** @param fail called once of each that does otherwise than its node says */
  constructor(
    externals: readonly ExternalPlan[],
    private readonly invariants: Pick<InvariantChecker, 'onGiven' | 'keyTold'>,
    private readonly fail: (external: string, reason: string) => void,
  ) {
    this.#plans = new Map(externals.map((plan) => [plan.name, plan]));
  }

  /** A key crosses the OOB network; one of a gateway that somebody else runs is looked at more closely. */
  onGiven(given: Given): void {
    this.invariants.onGiven(given);
    const external = this.#plans.get(given.receiver);
    if (external?.cookies === undefined) return;
    const has = given.parameters.cookie !== 0n;
    if (has === external.cookies || this.#wrongCookies.has(external.name)) return;
    this.#wrongCookies.add(external.name);
    this.fail(external.name, `gives keys ${has ? 'with' : 'without'} cookies, and its node says otherwise`);
  }

  /** A key is in its keys file. */
  keyTold(name: string, key: Uint8Array): void {
    let encrypter = this.#encrypters.get(name);
    if (encrypter === undefined) {
      encrypter = { name, incarnations: 1 };
      this.#encrypters.set(name, encrypter);
    }
    this.invariants.keyTold(encrypter, key);
  }
}
