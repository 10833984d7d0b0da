/** The frames of the PSP reference implementation (test/vectors/psp-reference.json), as octets. */
import { readFileSync } from 'node:fs';
import type { PspVersion } from '../../src/psp/header.js';

export interface ReferenceCase {
  readonly title: string;
  readonly mode: 'tunnel' | 'transport';
  readonly version: PspVersion;
  readonly inner: 4 | 6;
  readonly cookie: boolean;
  readonly masterKeys: readonly [Uint8Array, Uint8Array];
  readonly spi: number;
  readonly cryptOffsetWords: number;
  readonly derivedKey: Uint8Array;
  readonly frames: readonly {
    readonly iv: bigint;
    readonly cleartext: Uint8Array;
    readonly encrypted: Uint8Array;
  }[];
}

export const fromHex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'));
export const toHex = (octets: Uint8Array): string => Buffer.from(octets).toString('hex');

interface RawCase {
  mode: 'tunnel' | 'transport';
  version: PspVersion;
  inner: 4 | 6;
  virtualizationCookie: boolean;
  masterKey0: string;
  masterKey1: string;
  spi: string;
  cryptOffsetWords: { transport: number; tunnelIpv4: number; tunnelIpv6: number };
  derivedKey: string;
  frames: { iv: number; cleartext: string; encrypted: string }[];
}

export function readVectors<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../vectors/${name}`, import.meta.url), 'utf8')) as T;
}

export function referenceCases(): ReferenceCase[] {
  return readVectors<{ cases: RawCase[] }>('psp-reference.json').cases.map((raw, i) => {
    const offsets = raw.cryptOffsetWords;
    const tunnelOffset = raw.inner === 4 ? offsets.tunnelIpv4 : offsets.tunnelIpv6;
    return {
      title: `${i}: ${raw.mode}, version ${raw.version}, IPv${raw.inner}${raw.virtualizationCookie ? ', cookie' : ''}`,
      mode: raw.mode,
      version: raw.version,
      inner: raw.inner,
      cookie: raw.virtualizationCookie,
      masterKeys: [fromHex(raw.masterKey0), fromHex(raw.masterKey1)],
      spi: Number.parseInt(raw.spi, 16),
      cryptOffsetWords: raw.mode === 'transport' ? offsets.transport : tunnelOffset,
      derivedKey: fromHex(raw.derivedKey),
      frames: raw.frames.map((frame) => ({
        iv: BigInt(frame.iv),
        cleartext: fromHex(frame.cleartext),
        encrypted: fromHex(frame.encrypted),
      })),
    };
  });
}
