/**
 * A simulator that opens what a device opens, though nobody knows that device's master keys: by the keys that the device has
 * given out for its SPIs.
 */

import type { KeyLengthOctets, PipeHal } from '../hal/hal.js';
import type { AeadEngine } from '../psp/aead.js';
import { opensslEngine } from '../psp/aead-openssl.js';
import type { PspVersion } from '../psp/header.js';
import { PSP_FLAGS } from '../psp/header.js';
import type { PeerKeys } from './random/random-packets.js';
import { openSimHarness, type SimHarness } from './sim-harness.js';

interface Known {
  readonly spi: number;
  readonly version: PspVersion;
  readonly key: Uint8Array;
  /** Of the master key that it is of. */
  readonly rotation: number;
}

const LENGTHS: readonly (readonly [PspVersion, KeyLengthOctets])[] = [
  [0, 16],
  [1, 32],
];

/** The keys that a device has given out, and how long they open packets. */
export class DeviceKeys {
  readonly #known: Known[] = [];
  #rotation = 0;

  /** Asks the device for so many of each length. */
  async ask(hal: PipeHal, count: number): Promise<void> {
    for (const [version, octets] of LENGTHS) {
      const { spis, keys } = await hal.generateKeys(octets, count);
      for (const [i, spi] of spis.entries()) {
        const key = keys.slice(i * octets, (i + 1) * octets);
        this.#known.push({ spi, version, key, rotation: this.#rotation });
      }
    }
  }

  /** The device has rotated its master key. */
  rotated(): void {
    this.#rotation++;
  }

  /** Those of the last rotation. */
  readonly peers: PeerKeys = {
    draw: (choose) => choose.pick(this.#known.filter(({ rotation }) => rotation === this.#rotation)),
  };

  /** The header of a packet stands where its associated data begin, and the nonce begins with the SPI. */
  readonly engine: AeadEngine = {
    name: opensslEngine.name,
    seal: opensslEngine.seal,
    open: (key, nonce, frame, aadStart, encryptStart, end) => {
      const spi = new DataView(nonce.buffer, nonce.byteOffset).getUint32(0);
      const version = (frame[aadStart + PSP_FLAGS]! >>> 2) & 0x0f;
      const known = this.#known.find((one) => one.spi === spi && one.version === version);
      const isAlive = known !== undefined && this.#rotation - known.rotation <= 1;
      return opensslEngine.open(isAlive ? known.key : key, nonce, frame, aadStart, encryptStart, end);
    },
  };

  /** A simulator with ports like the device's. */
  judge(keySlots: number, mtuOctets: number): Promise<SimHarness> {
    return openSimHarness({
      aead: this.engine,
      keySlots,
      uplinkMtuOctets: mtuOctets,
      vfMtuOctets: mtuOctets,
    });
  }
}
