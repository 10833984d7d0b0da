/**
 * What verification and the conformance tests need of a PipeHAL implementation: a device whose two ports they hold in their
 * hands. Written once against PipeHAL; every implementation is put under the same properties.
 */
import type { PipeHal, RssPacket } from '../hal/hal.js';

/** The port that the kernel is behind, beside UPLINK_PORT and VF_PORT, for what is put in and taken out (`kernel`). */
export const KERNEL_PORT = 2;

/** The machine that a device is in. */
export interface DevicePlace {
  readonly uplink: { readonly mac: string; readonly ipv4: string; readonly ipv6: string };
  readonly vf: {
    readonly mac: string;
    readonly workload?: { readonly mac: string; readonly addresses: readonly string[] };
  };
}

export interface HarnessOptions {
  /** Master keys 0 and 1, 32 octets each; key 0 is active. Absent: random. */
  readonly masterKeys?: readonly [Uint8Array, Uint8Array];
  /** Where the sequence of SPIs begins, its low 31 bits. */
  readonly firstSpi?: number;
  /** Absent: random. */
  readonly firstIv?: bigint;
  /** ANY_PLACE of sim-harness.ts when absent. */
  readonly place?: DevicePlace;
  /** 9000 when absent. */
  readonly uplinkMtuOctets?: number;
  readonly vfMtuOctets?: number;
  /** As many as the device has when absent. */
  readonly keySlots?: number;
  /** Whether a kernel is behind the uplink; absent: there is none. */
  readonly kernel?: boolean;
  /** For what the device draws at random; absent: random, but for the simulator's. */
  readonly randomSeed?: number;
}

export interface HalHarness {
  readonly hal: PipeHal;
  /** Frames come in by a port; the frames then belong to the device. */
  inject(portId: number, frames: Uint8Array[]): void;
  /** What has left by a port since the last call. */
  takeSent(portId: number): Uint8Array[];
  /** What has gone to RSS since the last call. */
  takeRss(): RssPacket[];
  /** Resolves when everything injected so far has had its fate. */
  settle(): Promise<void>;
}

export interface HalUnderTest {
  readonly name: string;
  open(options?: HarnessOptions): Promise<HalHarness>;
}
