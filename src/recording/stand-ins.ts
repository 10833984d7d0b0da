/**
 * What stands in a recording in the place of secrets. A stand-in has a number and the length of what it stands for, and the same
 * secret has the same one wherever it is met, so that it can be followed, and a replay can go on with it as if it were the secret.
 * No secret is kept here: they are known again by a hash that is salted with random octets.
 */
import { hash } from 'node:crypto';
import type { Random } from '../base/random.js';

/**
 * Of keys and of cookies each, secrets that are known again: the last so many for sure, twice as many at most. One that is met again
 * after so many others gets another number.
 */
export const SECRETS_KNOWN = 250_000;
/** Begins the stand-ins of keys. */
const NAME_OF_KEYS = 'key';
/** Of a hash in base64: 132 bits. */
const HASH_CHARACTERS = 22;
const SALT_OCTETS = 32;
/** Bits of an octet of protobuf's integers. */
const VARINT_BITS = 7n;
/** The cookie that DOCA's application announces always: it is public. */
const PUBLIC_COOKIES: readonly bigint[] = [0n, 0x7788_99aa_bbcc_ddeen];

class Numbers {
  #last = 0;
  #young = new Map<string, number>();
  #old = new Map<string, number>();

  of(hash: string): number {
    let number = this.#young.get(hash);
    if (number !== undefined) return number;
    number = this.#old.get(hash) ?? ++this.#last;
    this.#young.set(hash, number);
    if (this.#young.size >= SECRETS_KNOWN) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    return number;
  }
}

/** What replaces secrets. */
export type SecretsShown = Pick<StandIns, keyof StandIns>;

/** In a replay, whose secrets are stand-ins already. */
export const AS_THEY_ARE: SecretsShown = {
  key: (key) => new Uint8Array(key),
  keys: (keys) => new Uint8Array(keys),
  cookie: (cookie) => cookie,
  replaceCookie: () => {},
  privateKey: (pem) => pem,
};

export class StandIns {
  readonly #keys = new Numbers();
  readonly #cookies = new Numbers();
  readonly #privateKeys = new Numbers();
  readonly #salt = new Uint8Array(SALT_OCTETS);

  constructor(random: Pick<Random, 'fill'>) {
    random.fill(this.#salt);
  }

  /** `key` and a number, in as many characters as the key has octets. */
  key(key: Uint8Array): Uint8Array {
    return keyStandIn(this.#keys.of(this.#hash(key)), key.length);
  }

  /** Several keys of one length, one behind the other. */
  keys(keys: Uint8Array, lengthOctets: number): Uint8Array {
    const all = new Uint8Array(keys.length);
    for (let at = 0; at + lengthOctets <= keys.length; at += lengthOctets)
      all.set(this.key(keys.subarray(at, at + lengthOctets)), at);
    return all;
  }

  /** A number that takes as many octets as the cookie in protobuf's messages; 0 and DOCA's own stay what they are. */
  cookie(cookie: bigint): bigint {
    if (PUBLIC_COOKIES.includes(cookie)) return cookie;
    const number = BigInt(this.#cookies.of(this.#hash(octetsOfCookie(cookie))));
    const octets = BigInt(varintOctets(cookie));
    const least = octets === 1n ? 0n : 1n << (VARINT_BITS * (octets - 1n));
    const end = octets === 10n ? 1n << 64n : 1n << (VARINT_BITS * octets);
    // Short ones, which nobody draws by chance, may share a stand-in.
    return least + (number % (end - least));
  }

  /** Replaces a cookie of 8 octets in its place. */
  replaceCookie(octets: Uint8Array, at: number): void {
    const view = new DataView(octets.buffer, octets.byteOffset, octets.length);
    view.setBigUint64(at, this.cookie(view.getBigUint64(at)));
  }

  privateKey(pem: string): string {
    return `private key ${this.#privateKeys.of(this.#hash(Buffer.from(pem)))}`;
  }

  #hash(secret: Uint8Array): string {
    const salted = new Uint8Array(SALT_OCTETS + secret.length);
    salted.set(this.#salt);
    salted.set(secret, SALT_OCTETS);
    const digest = hash('sha256', salted, 'base64').slice(0, HASH_CHARACTERS);
    salted.fill(0);
    return digest;
  }
}

export function keyStandIn(number: number, lengthOctets: number): Uint8Array {
  const digits = String(number).padStart(lengthOctets - NAME_OF_KEYS.length, '0');
  return new Uint8Array(Buffer.from((NAME_OF_KEYS + digits).slice(0, lengthOctets)));
}

/** Octets that a number takes as an integer of protobuf. */
export function varintOctets(value: bigint): number {
  let octets = 1;
  for (let rest = value >> VARINT_BITS; rest > 0n; rest >>= VARINT_BITS) octets++;
  return octets;
}

function octetsOfCookie(cookie: bigint): Uint8Array {
  const octets = new Uint8Array(8);
  new DataView(octets.buffer).setBigUint64(0, cookie);
  return octets;
}
