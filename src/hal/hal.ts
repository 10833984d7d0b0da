/**
 * PipeHAL: the one interface between the gateway and a device with match-action pipes and PSP, be it a
 * BlueField-3 (src/hal-doca) or the simulator (src/hal-sim). Everything above is written against this file. Who writes
 * another implementation writes a PipeDevice (pipe-device.ts), of which CheckedHal (checked-hal.ts) makes a PipeHal.
 *
 * Life: an implementation opens the device and gives a PipeHal; `build` installs one PipeProgram, once; then
 * packets flow, and the rest of the interface may be used in any order until `close`. After `close` every method
 * rejects or throws HalError SHUTDOWN and no handler is called again; calls that were under way end, or reject with SHUTDOWN, which a `build`
 * always does.
 *
 * Keys of an earlier run: master keys may outlive a process in the device. Whoever opens the device sees to it that none is
 * left when there is a PipeHal (two rotations replace both), so that no packet is ever opened with one; callers do nothing.
 *
 * Ownership: what a caller passes in may be reused by it after the returned promise settles (for `transmit`,
 * after it returns). What a handler receives belongs to the handler.
 *
 * Order: operations of one batch take effect in the order of the batch; batches in the order of the calls. Counters are those of
 * the entries that there are when all calls before have taken effect, and none that came later.
 * Nothing here blocks the event loop for long.
 *
 * Before `build`, while it is under way, and after one that failed, everything but `apply`, `counters`, `lookup` and `transmit` may
 * be used; those four answer BAD_STATE then. After one that failed `build` may be tried again. Packets that come in before a program is built are not taken.
 *
 * Errors: those of each method are at the method. A device may fail in any of them (DRIVER, OPERATING_SYSTEM, NO_MEMORY,
 * TIME_OUT and others of its own); what has failed has changed nothing unless the method says otherwise. A method that answers
 * one result per item never rejects because of an item. An argument, or a part of one, that is of another type than it should be is
 * INVALID_VALUE and changes nothing, in every method.
 */
import type { HalError } from './errors.js';
import type { LookupPacket, LookupPath } from './lookup/lookup.js';
import type { ActionValues, BasicEntry, ControlEntry, Forward, PipeProgram } from './program.js';

/** Handle of an installed entry. Never reused within the life of a PipeHal. */
export type EntryId = number & { readonly __brand: 'EntryId' };

/** One change of a pipe's entries. */
export type EntryOperation =
  | { readonly operation: 'add'; readonly pipe: string; readonly entry: BasicEntry | ControlEntry }
  /** Replaces action values, and the forward where the entry has its own; in place, no packet sees a gap. */
  | {
      readonly operation: 'update';
      readonly id: EntryId;
      readonly values?: ActionValues;
      readonly forward?: Forward;
    }
  | { readonly operation: 'remove'; readonly id: EntryId };

/** An entry's id after add and update; of a removed entry, its former id. A failed operation has changed nothing. */
export type EntryResult = { readonly id: EntryId } | { readonly error: HalError };

/** Which counter is meant. `total`: all entries of a pipe together, removed ones included. */
export type CounterSelector =
  | { readonly id: EntryId }
  | { readonly pipe: string; readonly label: string }
  | { readonly pipe: string; readonly miss: true }
  | { readonly pipe: string; readonly total: true };

/** Packets, and octets of whole frames (without FCS). On hardware up to a second old. */
export interface Counter {
  readonly packets: bigint;
  readonly octets: bigint;
}

/** Key lengths of the device: 16 octets for PSP versions 0 and 2, 32 for 1 and 3. */
export type KeyLengthOctets = 16 | 32;

/**
 * What a key is for: AES-GCM, PSP versions 0 and 1, or AES-GMAC, versions 2 and 3, under which packets are authenticated and not
 * encrypted. Keys of the one do not open packets of the other, since the version is part of their derivation.
 */
export type KeyAlgorithm = 'gcm' | 'gmac';

/** A key and the slot that it goes to. */
export interface KeySlot {
  /** crypto_id, 1 to limits.keySlots. */
  readonly cryptoId: number;
  /** 16 or 32 octets. */
  readonly key: Uint8Array;
}

/** `count` SPIs and their keys; key i is keys[i * keyLengthOctets ...]. The caller wipes `keys` when done. */
export interface SpiKeyBatch {
  readonly spis: Uint32Array;
  readonly keys: Uint8Array;
  readonly keyLengthOctets: KeyLengthOctets;
}

/** A packet that a pipe forwarded to RSS. */
export interface RssPacket {
  /** The frame as it was when it was forwarded. */
  readonly frame: Uint8Array;
  /** meta.pkt_meta, 0 when no action wrote it. */
  readonly packetMeta: number;
}

/** A packet for the egress root. */
export interface TransmitPacket {
  readonly frame: Uint8Array;
  /** meta.pkt_meta as the egress root will see it; 0 when absent. */
  readonly packetMeta?: number;
}

/** A port of a device. */
export interface PortDescription {
  /** UPLINK_PORT or VF_PORT. */
  readonly id: number;
  readonly kind: 'uplink' | 'vf';
  readonly name: string;
  /** aa:bb:cc:dd:ee:ff */
  readonly mac: string;
  readonly ipv4?: string;
  readonly ipv6?: string;
  /** Largest IP packet that the port carries. */
  readonly mtuOctets: number;
  /** VF only, where known: the MAC and the addresses of the workload behind it. */
  readonly workload?: { readonly mac: string; readonly addresses: readonly string[] };
}

/**
 * `present`: there, as far as is known; `gone`: removed, damaged or refused for good; `waited-for`: cannot carry anything
 * now, and works again by itself; `unwatched`: nothing would tell when it is gone.
 */
export type PortState = 'present' | 'gone' | 'waited-for' | 'unwatched';

/** A port, or what the kernel has behind it, and whether it is there. */
export interface PortStatus {
  readonly name: string;
  readonly state: PortState;
}

/** What a device says of itself. */
export interface DeviceDescription {
  /** 'sim' or 'doca'. */
  readonly hal: string;
  /** For people: model, library version, AEAD engine. */
  readonly text: string;
  readonly ports: readonly PortDescription[];
  readonly limits: DeviceLimits;
  /** Whether it generates keys of AES-GMAC; absent: it does not. */
  readonly gmac?: boolean;
}

/** What a device has room for. */
export interface DeviceLimits {
  /** Highest crypto_id. */
  readonly keySlots: number;
  /** Largest sizeEntries of a pipe. */
  readonly entriesPerPipe: number;
  /** Most pairs per generateKeys. */
  readonly keysPerBatch: number;
  /** Whether pipes look at words of the PSP header, the fields tun.psp.dw6 to dw9; absent: programs with these are not valid there. */
  readonly pspWords?: boolean;
}

/**
 * Counters that the PSP specification asks of a device, under the names that Linux's PSP uses. Octets: from the
 * first octet after the IV to the end of the payload. null: this device cannot tell.
 */
export interface PspStatistics {
  readonly rxPackets: bigint | null;
  readonly rxBytes: bigint | null;
  /** ICV did not match. */
  readonly rxAuthFail: bigint | null;
  /** Length or framing wrong. */
  readonly rxError: bigint | null;
  /** Reserved version, SPI of no valid master key. */
  readonly rxBad: bigint | null;
  readonly txPackets: bigint | null;
  readonly txBytes: bigint | null;
  /** Could not be encrypted, and was dropped. */
  readonly txError: bigint | null;
  readonly keyRotations: bigint;
  /**
   * RSS packets that nobody fetched in time, and were dropped; of a device whose queues have no counter, only those that had left
   * these and waited for a handler.
   */
  readonly rssDropped: bigint | null;
  /** Frames that a port could not carry (larger than its MTU, queue full), and were dropped. */
  readonly portDropped: bigint | null;
  /** Frames left to the kernel behind the uplink, and dropped because there is none. */
  readonly kernelDropped: bigint | null;
}

/** A device with match-action pipes and PSP; what holds of its calls stands at the head of src/hal/hal.ts. */
export interface PipeHal extends AsyncDisposable {
  readonly device: DeviceDescription;

  /**
   * Validates and installs the program with its static entries. Rejects with ProgramError, having installed
   * nothing, when it is not valid or the device cannot build it; with HalError BAD_STATE the second time.
   */
  build(program: PipeProgram): Promise<void>;

  /**
   * Adds, updates and removes entries. Resolves when the device has finished all of them, with one result per
   * operation, in order; one that fails does not stop the others. Errors: NOT_FOUND (no such pipe or entry; also of an
   * id that is no number that was ever given out), ALREADY_EXIST (equal key, or label), FULL (pipe), INVALID_VALUE (names the
   * field). Each is checked when those before it have been handed to the device, as if none of them were going to fail: where
   * one fails in the end, NOT_FOUND, ALREADY_EXIST and FULL of operations behind it may have been for its sake, and may be tried again.
   * Rejects with BAD_STATE before `build`, and with the device's error when that does not answer any more. Then each operation may
   * have been done or not: an entry that was added has no id that anybody knows, and keeps its place, its key and its label until
   * `close`; one that was removed is there still under its id and may be removed again, which answers NOT_FOUND if it had gone. An
   * entry that was added may have taken the place of one that was removed: then only the removed one is there, key and label of the
   * other are free, and to remove it takes away whichever of the two the device has. Until then packets may hit either, and an add with
   * the key of the other may fail.
   */
  apply(operations: readonly EntryOperation[]): Promise<EntryResult[]>;

  /**
   * Sets key slots, new or in use (re-key in place). One result per slot, null for success. Errors: INVALID_VALUE for a slot out
   * of range and for a key of another length than 16 or 32 octets.
   */
  setKeys(slots: readonly KeySlot[]): Promise<(HalError | null)[]>;

  /**
   * Wipes key slots. Packets that still name one are never sent in clear nor under the former key: they are dropped and
   * counted as txError or, on devices that cannot empty a slot, leave under a random key that nobody has. Slots that are out of
   * range, or hold no key, are passed over.
   */
  clearKeys(cryptoIds: readonly number[]): Promise<void>;

  /**
   * Derives `count` fresh SPI/key pairs from the active master key. SPIs are never given out twice within a
   * master key's life. Rejects with EMPTY, giving out none, when fewer than `count` are left, with INVALID_VALUE for a
   * `count` outside of 1 to limits.keysPerBatch or another length, and with NOT_SUPPORTED for AES-GMAC where the device has none.
   *
   * @param algorithm AES-GCM when absent
   */
  generateKeys(
    keyLengthOctets: KeyLengthOctets,
    count: number,
    algorithm?: KeyAlgorithm,
  ): Promise<SpiKeyBatch>;

  /**
   * Replaces the inactive master key by a fresh random one and makes it the active one. Keys of the former
   * active one still decrypt until the next rotation.
   */
  rotateMasterKey(): Promise<void>;

  /**
   * One counter per selector, in order. Rejects with NOT_FOUND, naming it, when one does not exist, and with BAD_STATE before
   * `build`.
   */
  counters(selectors: readonly CounterSelector[]): Promise<Counter[]>;

  /**
   * What would become of a packet: which entry it would hit in which pipe, what each action would do to it, and where it would end. Found
   * without the device; see lookup/lookup.ts. Throws BAD_STATE before `build`, and for a packet that would be transmitted where the
   * program has no egress root; INVALID_VALUE for a port, mark or syndrome that there is not; TOO_BIG beyond LOOKUP_STEPS_MAX steps.
   */
  lookup(packet: LookupPacket): LookupPath;

  /** The device's own counters, as they are now. */
  statistics(): Promise<PspStatistics>;

  /**
   * Installs the one handler for RSS packets (again: replaces it). Called with 1 to 256 packets at a time, in
   * order of arrival; never from within a call of this interface. Packets wait in a bounded queue before.
   */
  onReceive(handler: (packets: RssPacket[]) => void): void;

  /**
   * Sends packets into the egress root, in order. Returns how many were taken, from the first on, as far as the device has room now; the
   * rest stays with the caller, who may try again later. A taken packet's fate shows in the counters only. A frame
   * that exceeds the uplink's MTU may be dropped before the egress root sees it. Throws BAD_STATE before `build`, and where the
   * program has no egress root.
   */
  transmit(packets: readonly TransmitPacket[]): number;

  /** Stops ports, wipes all keys, releases the device. Idempotent. Rejects with what a port's closing rejects with. */
  close(): Promise<void>;
}
