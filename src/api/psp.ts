/**
 * The PSP security protocol: its header, key derivation, encapsulation in tunnel and transport mode and the way back, IVs, and
 * keys files. No function here has a clock or a random source of its own.
 *
 * @packageDocumentation
 */
export type { AeadEngine } from '../psp/aead.js';
export { nobleEngine } from '../psp/aead-noble.js';
export { opensslEngine } from '../psp/aead-openssl.js';
export {
  type Association,
  associationOf,
  type DecapsulateFailure,
  type DecapsulateOptions,
  decapsulate,
} from '../psp/decapsulate.js';
export { type EncapsulateOptions, EncapsulationError, encapsulate } from '../psp/encapsulate.js';
export { flowEntropy } from '../psp/entropy.js';
export {
  algorithmName,
  checkPspHeader,
  keyLengthOctets,
  PSP_HEADER_OCTETS,
  PSP_ICV_OCTETS,
  PSP_UDP_PORT,
  type PspHeader,
  type PspHeaderProblem,
  type PspVersion,
  parsePspHeader,
  writePspHeader,
} from '../psp/header.js';
export { dissectPsp } from '../psp/inspect.js';
export { IvExhaustedError, IvSource, randomFirstIv } from '../psp/iv.js';
export { deriveKey, MASTER_KEY_OCTETS } from '../psp/key-derivation.js';
export { KeyRing, KeyRingError } from '../psp/key-ring.js';
export { formatSaKey, KeysFileError, parseKeysFile, type SaKey } from '../psp/keys-file.js';
export { MasterKeys, type MasterKeysOptions, SpiExhaustedError } from '../psp/master-keys.js';
