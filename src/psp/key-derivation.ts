/**
 * PSP's key derivation (PSP Architecture Specification, "Key Derivation"): NIST SP 800-108 in counter mode with
 * AES-256-CMAC (NIST SP 800-38B, RFC 4493) as the PRF, one 16-octet block per 128 bits of key:
 *
 *     counter (4 octets: 1, 2) | label "Pv" (50 76), version digit, 00 | SPI (4) | key length in bits (4)
 *
 * A CMAC over exactly one block is one AES operation on (block XOR subkey K1).
 */
import { createCipheriv } from 'node:crypto';
import { cmac } from '@noble/ciphers/aes.js';
import { keyLengthOctets, type PspVersion } from './header.js';
import { moveSecret, secretCopy, secretOctets } from './secret.js';

/** A master key, whatever the version. */
export const MASTER_KEY_OCTETS = 32;
const BLOCK_OCTETS = 16;
/** Each octet of a block of padding (RFC 5652, section 6.3). */
const PADDING = BLOCK_OCTETS;
const COUNTER_OCTETS = 4;
const LABEL_P = 0x50;
const LABEL_V = 0x76;
const LABEL_DIGIT_ZERO = 0x30;
/** The constant of CMAC's subkey generation for 128-bit blocks, R_128. */
const CMAC_R128 = 0x87;

function writeBlock(block: Uint8Array, counter: number, spi: number, version: number): void {
  block[0] = 0;
  block[1] = 0;
  block[2] = 0;
  block[3] = counter;
  block[4] = LABEL_P;
  block[5] = LABEL_V;
  block[6] = LABEL_DIGIT_ZERO | version;
  block[7] = 0;
  block[8] = spi >>> 24;
  block[9] = spi >>> 16;
  block[10] = spi >>> 8;
  block[11] = spi;
  const lengthBits = (version & 1) === 0 ? 128 : 256;
  block[12] = 0;
  block[13] = 0;
  block[14] = lengthBits >>> 8;
  block[15] = lengthBits & 0xff;
}

/**
 * NIST SP 800-108 (KDF in counter mode) with CMAC-AES and a 32-bit counter before the fixed input.
 *
 * @param lengthBits a multiple of 8
 */
export function kdfCounterMode(key: Uint8Array, fixedInput: Uint8Array, lengthBits: number): Uint8Array {
  const out = new Uint8Array(Math.ceil(lengthBits / 8 / BLOCK_OCTETS) * BLOCK_OCTETS);
  const input = new Uint8Array(COUNTER_OCTETS + fixedInput.length);
  input.set(fixedInput, COUNTER_OCTETS);
  for (let at = 0; at < out.length; at += BLOCK_OCTETS) {
    new DataView(input.buffer).setUint32(0, at / BLOCK_OCTETS + 1);
    out.set(cmac(input, key), at);
  }
  return out.slice(0, lengthBits / 8);
}

/**
 * The key of one SPI, by @noble/ciphers alone: the reference.
 *
 * @param masterKey 32 octets
 * @returns 16 or 32 octets, by version
 */
export function deriveKey(masterKey: Uint8Array, spi: number, version: PspVersion): Uint8Array {
  const block = new Uint8Array(BLOCK_OCTETS);
  writeBlock(block, 0, spi, version);
  return kdfCounterMode(masterKey, block.subarray(COUNTER_OCTETS), keyLengthOctets(version) * 8);
}

/** Derives keys of one master key by OpenSSL. Holds the master key until `wipe`. */
export class KeyDeriver {
  readonly #masterKey: Uint8Array;
  readonly #subkey: Uint8Array;
  readonly #iv = secretOctets(BLOCK_OCTETS).fill(PADDING);
  #wiped = false;

  /** @param masterKey 32 octets; copied */
  constructor(masterKey: Uint8Array) {
    if (masterKey.length !== MASTER_KEY_OCTETS) {
      throw new RangeError(`master key of ${masterKey.length} octets; it has ${MASTER_KEY_OCTETS}`);
    }
    this.#masterKey = secretCopy(masterKey);
    const encryptedZero = encryptPadding(this.#masterKey, this.#iv);
    this.#subkey = cmacSubkey1(encryptedZero);
    encryptedZero.fill(0);
  }

  /** Writes the key of one SPI to `out` at `offset`: 16 or 32 octets, by version. */
  deriveInto(spi: number, version: number, out: Uint8Array, offset: number): void {
    if (this.#wiped) throw new Error('the master key has been wiped');
    const blocks = keyLengthOctets(version as PspVersion) / BLOCK_OCTETS;
    for (let i = 0; i < blocks; i++) {
      this.#prepare(i + 1, spi, version);
      moveSecret(encryptPadding(this.#masterKey, this.#iv), out, offset + i * BLOCK_OCTETS);
    }
  }

  /** The keys of all `spis`, one after the other. The caller wipes them. */
  deriveMany(spis: Uint32Array, version: PspVersion): Uint8Array {
    const perKey = keyLengthOctets(version);
    const keys = secretOctets(spis.length * perKey);
    for (let i = 0; i < spis.length; i++) this.deriveInto(spis[i]!, version, keys, i * perKey);
    return keys;
  }

  /** Overwrites the master key; the deriver cannot be used any more. */
  wipe(): void {
    this.#wiped = true;
    this.#masterKey.fill(0);
    this.#subkey.fill(0);
    this.#iv.fill(0);
  }

  /** Makes the IV with which the padding becomes the block XOR subkey. */
  #prepare(counter: number, spi: number, version: number): void {
    const iv = this.#iv;
    writeBlock(iv, counter, spi, version);
    const subkey = this.#subkey;
    for (let i = 0; i < BLOCK_OCTETS; i++) iv[i]! ^= subkey[i]! ^ PADDING;
  }
}

/**
 * AES-256 of one block, which is the IV XOR the block of padding that CBC encrypts when it was given nothing. `update` of Node's
 * ciphers would do it faster, but gives a copy of what OpenSSL wrote, and frees that without overwriting it: keys would stay in
 * memory. `final` copies nothing when it gives a whole block.
 */
function encryptPadding(key: Uint8Array, iv: Uint8Array): Uint8Array {
  return createCipheriv('aes-256-cbc', key, iv).final();
}

/** K1 of CMAC: AES(0) doubled in GF(2^128) (RFC 4493, section 2.3). */
function cmacSubkey1(encryptedZero: Uint8Array): Uint8Array {
  const subkey = secretOctets(BLOCK_OCTETS);
  for (let i = 0; i < BLOCK_OCTETS; i++) {
    const next = i + 1 < BLOCK_OCTETS ? encryptedZero[i + 1]! : 0;
    subkey[i] = (encryptedZero[i]! << 1) | (next >>> 7);
  }
  if ((encryptedZero[0]! & 0x80) !== 0) subkey[BLOCK_OCTETS - 1]! ^= CMAC_R128;
  return subkey;
}
