/** The implementations of PSP's AEADs, by name. All of them give the same octets; they differ in speed and in who wrote them. */
import type { AeadEngine } from './aead.js';
import { nobleEngine } from './aead-noble.js';
import { opensslEngine } from './aead-openssl.js';

export const AEAD_ENGINES: Readonly<Record<AeadEngine['name'], AeadEngine>> = {
  openssl: opensslEngine,
  noble: nobleEngine,
};

export const AEAD_ENGINE_NAMES = Object.keys(AEAD_ENGINES) as AeadEngine['name'][];

export const AEAD_ENGINE_DEFAULT: AeadEngine['name'] = 'openssl';

/** The flag's meaning, for help. */
export const AEAD_ENGINES_MEANING =
  'implementation of AES-GCM: openssl (fast), or noble, the reference in TypeScript, which gives the same octets';
