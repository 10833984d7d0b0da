/**
 * The addon (native/addon) as TypeScript sees it. Everything that waits for the device is a promise; a rejection is
 * an Error with DOCA's name of the failure as its `code`.
 */
import { type DocaErrorName, HalError } from '../hal/errors.js';
import type { NativeGuard } from '../hal/native-guard.js';
import { DOCA_ADDON, loadNativePart } from '../hal/native-parts.js';
import { type AddonField, checkAddonFields } from './addon-fields.js';

/** doca_flow_crypto_encap_net_type */
export const NET_TYPES = { 'psp-tunnel': 7, 'psp-over-ipv4': 8, 'psp-over-ipv6': 9 } as const;
/** doca_flow_pipe_domain */
export const DOMAINS = { default: 0, 'secure-ingress': 1, egress: 2, 'secure-egress': 3 } as const;
export const FORWARD_KINDS = { pipe: 0, port: 1, rss: 2, drop: 3, kernel: 4, entry: 5 } as const;

export interface NativeForward {
  readonly kind: number;
  /** Index of the pipe, or logical port. */
  readonly target: number;
}

/** Octets are in network order, as wide as the field; of 1-bit fields and types one octet. */
export interface NativeField {
  readonly name: string;
  readonly ofEntry: boolean;
  readonly value?: Uint8Array;
  readonly mask?: Uint8Array;
}

export interface NativeActions {
  readonly decrypt: boolean;
  readonly decap: boolean;
  readonly decapNetType: number;
  /** Absent: the entry's, in a tunnel. */
  readonly ethernetHeader?: Uint8Array;
  readonly set: readonly NativeField[];
  readonly encap: boolean;
  readonly encapNetType: number;
  readonly encapOctets: number;
  readonly encrypt: boolean;
  /** 0: the entry's. */
  readonly cryptoId: number;
}

export interface NativePipe {
  readonly name: string;
  readonly control: boolean;
  readonly domain: number;
  readonly isRoot: boolean;
  readonly sizeEntries: number;
  readonly missCounter: boolean;
  readonly counter: boolean;
  /** -1: none. */
  readonly mirror: number;
  readonly match: readonly NativeField[];
  readonly actions: readonly NativeActions[];
  readonly forward: NativeForward;
  readonly miss: NativeForward;
}

export interface NativeProgram {
  readonly pipes: readonly NativePipe[];
  readonly mirrors: readonly (readonly NativeForward[])[];
}

export interface NativeControlEntry {
  readonly priority: number;
  readonly match: readonly NativeField[];
  readonly condition?: { readonly field: string; readonly operation: string; readonly value: Uint8Array };
  readonly actions: NativeActions;
  readonly encapHeader?: Uint8Array;
  readonly forward: NativeForward;
  readonly counter: boolean;
  readonly mirror: number;
}

export interface NativeFailure {
  readonly code: DocaErrorName;
  readonly reason: string;
}

export interface NativeDevice {
  build(program: NativeProgram): Promise<void>;
  /** Takes a program away whose static entries could not be installed. */
  unbuild(): Promise<void>;
  /** A packed batch (batch.ts), and the control entries that it names. What failed, by position. */
  apply(
    batch: Uint8Array,
    controls: readonly NativeControlEntry[],
  ): Promise<(NativeFailure & { readonly index: number })[]>;
  /** Keys one after the other, of so many octets each. */
  setKeys(ids: Uint32Array, keys: Uint8Array, lengthsOctets: Uint8Array): Promise<(NativeFailure | null)[]>;
  clearKeys(ids: Uint32Array): Promise<void>;
  /** `gmac`: of AES-GMAC; older builds know nothing of it, and say that they have none. */
  generateKeys(
    keyOctets: number,
    count: number,
    gmac: boolean,
  ): Promise<{ spis: Uint32Array; keys: Uint8Array }>;
  rotateMasterKey(): Promise<void>;
  /** Pairs of pipe and slot (-1: misses, -2: all entries). Pairs of packets and octets. */
  counters(selectors: Int32Array): Promise<BigUint64Array>;
  /** Packets left to a kernel that is not there; null: nobody counts them. */
  kernelDrops(): Promise<bigint | null>;
  transmit(frames: readonly Uint8Array[], packetMetas: Uint32Array): number;
  close(): Promise<void>;
}

export interface NativePort {
  readonly name: string;
  readonly mac: Uint8Array;
  /** Empty: none. */
  readonly ipv4: Uint8Array;
  readonly ipv6: Uint8Array;
  readonly mtuOctets: number;
  readonly dpdkPort: number;
}

export interface NativeOptions {
  readonly pciAddress: string;
  readonly representor: string;
  readonly rssQueues: number;
  readonly keySlots: number;
  readonly counters: number;
  readonly devices: number;
  readonly buffers: number;
  readonly ealArguments: readonly string[];
  /** 0: DPDK's default. */
  readonly memoryMegabytes: number;
  readonly logLevel: number;
  readonly pspWords: boolean;
}

export interface NativeAddon {
  /** native/guard; absent in older builds. */
  readonly guard?: NativeGuard;
  /** Its own table of PipeHAL's fields; absent in older builds. */
  readonly fields?: readonly AddonField[];
  /** Lines of DOCA's and DPDK's logs that standard output did not take; absent in older builds. */
  lostLogLines?(): number;
  openDevice(
    options: NativeOptions,
    receive: (packets: { frame: Uint8Array; packetMeta: number }[]) => void,
  ): Promise<{
    device: NativeDevice;
    ports: [NativePort, NativePort];
    release: string;
    /** Whether it generates keys of AES-GMAC; absent in older builds. */
    gmac?: boolean;
    /** Whether pipes look at words of the PSP header; absent in older builds. */
    pspWords?: boolean;
  }>;
}

/** Throws NativePartError, also when its fields are others than PipeHAL's. */
export function loadAddon(): NativeAddon {
  const { path, exports } = loadNativePart(DOCA_ADDON);
  const addon = exports as NativeAddon;
  checkAddonFields(path, addon.fields);
  return addon;
}

/** Turns an error of the addon into a HalError. */
export function halErrorOf(error: unknown): unknown {
  if (error instanceof HalError || !(error instanceof Error) || !('code' in error)) return error;
  return new HalError(error.code as DocaErrorName, error.message);
}
