/**
 * Whether a delivered packet was encrypted under the key that was given to the peer who owns its inner source. Arrivals are
 * opened here, with the keys that crossed the OOB network, and remembered until they are delivered.
 */
import type { IpAddress } from '../packet/address.js';
import { spiText } from '../psp/header.js';
import type { Given, Opened } from './given-keys.js';
import { GivenKeys } from './given-keys.js';

/** Arrivals that are remembered of a gateway; what is not delivered, as it fits no entry, is forgotten in the end. */
const ARRIVALS_MAX = 65_536;

/** Whose a delivered packet is: the holder of the key that opened it, or why it should not have been delivered. */
export type Verdict =
  | { readonly owner: string }
  | { readonly impersonated: string }
  /** No arrival is known that held it. */
  | undefined;

export class Ownership {
  readonly #keys = new GivenKeys();
  /** Arrivals by receiver and by fingerprint of the inner packet. */
  readonly #arrivals = new Map<string, Map<number, Opened[]>>();

  constructor(
    /** The node that a workload's address is behind; undefined: nobody's. */
    private readonly ownerOf: (address: IpAddress) => string | undefined,
  ) {}

  onGiven(given: Given): void {
    this.#keys.give(given);
  }

  /** The gateway has started anew: its keys are gone. */
  forget(receiver: string): void {
    this.#keys.forget(receiver);
    this.#arrivals.delete(receiver);
  }

  /** A PSP packet came in, whose header is at octet `at`. */
  arrives(
    receiver: string,
    frame: Uint8Array,
    at: number,
    fingerprintOf: (inner: Uint8Array) => number | undefined,
  ): void {
    const opened = this.#keys.open(receiver, frame, at);
    if (opened === undefined) return;
    const fingerprint = fingerprintOf(opened.inner);
    if (fingerprint === undefined) return;
    let arrivals = this.#arrivals.get(receiver);
    if (arrivals === undefined) {
      arrivals = new Map();
      this.#arrivals.set(receiver, arrivals);
    }
    const alike = arrivals.get(fingerprint);
    if (alike !== undefined) {
      alike.push(opened);
      return;
    }
    if (arrivals.size === ARRIVALS_MAX) arrivals.delete(arrivals.keys().next().value!);
    arrivals.set(fingerprint, [opened]);
  }

  /** A packet from `source` is delivered; an arrival answers for one delivery. */
  delivered(receiver: string, fingerprint: number, source: IpAddress): Verdict {
    const arrivals = this.#arrivals.get(receiver);
    const alike = arrivals?.get(fingerprint);
    if (alike === undefined) return undefined;
    const owner = this.ownerOf(source);
    const rightful = alike.findIndex(({ holder }) => holder === owner);
    const [opened] = alike.splice(Math.max(0, rightful), 1);
    if (alike.length === 0) arrivals!.delete(fingerprint);
    if (rightful !== -1) return { owner: owner! };
    const { spi, holder } = opened!;
    return {
      impersonated: `a packet from ${source}, which is ${owner === undefined ? "nobody's" : `behind ${owner}`}, came under SPI ${spiText(spi)}, whose key was given to ${holder}`,
    };
  }
}
