/**
 * The workload side as a TAP interface: the kernel's own network stack, or a virtual machine's, is the workload. The
 * interface may be moved to another network namespace once it is open (`ip link set NAME netns WORKLOAD`).
 */
import { markHandled } from '../../base/mark-handled.js';
import { reasonOf } from '../../hal/errors.js';
import { type MacAddress, macFromOctets, macToOctets } from '../../packet/address.js';
import type { SimPort } from '../port.js';
import type { NativeTap, PortsAddon } from './ports-addon.js';

export interface TapPortOptions {
  readonly addon: Pick<PortsAddon, 'Tap'>;
  /** The interface's name. The interface is created when there is none, and `close` then removes it. */
  readonly name: string;
  /** The interface's own, that is the workload's; the kernel's choice when absent. */
  readonly mac?: MacAddress;
  /** 68 to 65,521; as it is when absent. */
  readonly mtuOctets?: number;
}

export interface TapPortCounters {
  received: number;
  sent: number;
  /** Not taken by the kernel: the interface is down, or gone. */
  sendErrors: number;
}

export interface TapPort extends SimPort {
  /** The workload's. */
  readonly mac: MacAddress;
  /** Resolves when the port is closed; rejects when somebody removes the interface before. */
  readonly done: Promise<void>;
  readonly counters: TapPortCounters;
}

/** The interface cannot be had. */
export class TapPortError extends Error {
  override readonly name = 'TapPortError';
}

/** Opens the interface; `start` brings it up. Throws TapPortError. */
export function openTapPort(options: TapPortOptions): TapPort {
  const { name } = options;
  const tap = orTapPortError(() => openTap(options));
  const counters: TapPortCounters = { received: 0, sent: 0, sendErrors: 0 };
  let closed: () => void;
  let gone: (error: Error) => void;
  const done = new Promise<void>((resolve, reject) => {
    closed = resolve;
    gone = reject;
  });
  // Awaiting it is up to the caller.
  markHandled(done);
  let open = true;
  return {
    name: `tap ${name}`,
    mtuOctets: tap.mtuOctets,
    mac: macFromOctets(tap.mac),
    done,
    counters,
    send(frames) {
      const sent = open ? tap.send(frames) : 0;
      counters.sent += sent;
      counters.sendErrors += frames.length - sent;
    },
    async start(receive) {
      const onFrames = (frames: readonly Uint8Array[]) => {
        counters.received += frames.length;
        receive(frames);
      };
      orTapPortError(() => tap.start(onFrames, (error) => gone(error)));
    },
    async close() {
      open = false;
      tap.close();
      closed();
    },
  };
}

function openTap({ addon, name, mac, mtuOctets }: TapPortOptions): NativeTap {
  const tap = new addon.Tap(name);
  try {
    if (mac !== undefined) tap.mac = macToOctets(mac);
    else keepMac(tap);
    if (mtuOctets !== undefined) tap.mtuOctets = mtuOctets;
    return tap;
  } catch (error) {
    tap.close();
    throw error;
  }
}

/** udev replaces MACs that the kernel chose, shortly after an interface appears, but none that somebody has set. */
function keepMac(tap: NativeTap): void {
  const own = tap.mac;
  try {
    tap.mac = own;
  } catch {
    // An interface that was prepared for an unprivileged user has its MAC already.
  }
}

function orTapPortError<Result>(work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    throw new TapPortError(reasonOf(error));
  }
}
