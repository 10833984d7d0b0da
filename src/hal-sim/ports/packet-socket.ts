/**
 * An interface of this machine as a wire: what comes in at it comes out of the port, and the other way round. The interface
 * belongs to somebody else and is left as it is; what it offloads is done here, so that frames are as on a wire: trains cut,
 * checksums whole, VLAN tags where they belong.
 */
import type { Clock, Timer } from '../../base/clock.js';
import { reasonOf } from '../../hal/errors.js';
import { type MacAddress, macToOctets } from '../../packet/address.js';
import type { SimPort } from '../port.js';
import type { NativePacketCounters, NativePacketSocket, PortsAddon } from './ports-addon.js';

export interface PacketPortOptions {
  readonly addon: Pick<PortsAddon, 'PacketSocket'>;
  readonly clock: Clock;
  /** The interface's name. */
  readonly name: string;
  /** Of the wire; absent: the interface's. Larger packets that come in are dropped and counted. */
  readonly mtuOctets?: number;
  /** Takes frames for all MACs; absent: yes. */
  readonly promiscuous?: boolean;
  /** Without `promiscuous`: takes frames for this MAC besides the interface's own. */
  readonly mac?: MacAddress;
  /** Nothing goes through any more, with the reason; undefined: it does again. */
  readonly onState?: (trouble: string | undefined) => void;
}

export type PacketPortCounters = NativePacketCounters;

export interface PacketPort extends SimPort {
  /** The interface's own. */
  readonly interfaceMtuOctets: number;
  readonly counters: PacketPortCounters;
}

/** The interface cannot be had. */
export class PacketPortError extends Error {
  override readonly name = 'PacketPortError';
}

/** How soon is noticed that an interface goes away or comes back. */
const LOOK_INTERVAL_MS = 250;

/** Opens the interface. Throws PacketPortError. */
export function openPacketPort(options: PacketPortOptions): PacketPort {
  try {
    return new PacketSocketPort(options);
  } catch (error) {
    throw new PacketPortError(reasonOf(error));
  }
}

class PacketSocketPort implements PacketPort {
  readonly name: string;
  readonly mtuOctets: number;
  readonly interfaceMtuOctets: number;
  /** Undefined while the interface is not there. */
  #socket: NativePacketSocket | undefined;
  /** Of the sockets before. */
  #before: PacketPortCounters = NOTHING_COUNTED;
  #receive: ((frames: readonly Uint8Array[]) => void) | undefined;
  #trouble: string | undefined;
  #look: Timer | undefined;

  constructor(private readonly options: PacketPortOptions) {
    const { name, addon, promiscuous = true, mac } = options;
    this.name = `host ${name}`;
    this.mtuOctets = options.mtuOctets ?? mtuOf(addon, name);
    this.#open = () =>
      new addon.PacketSocket(name, {
        mtuOctets: this.mtuOctets,
        promiscuous,
        ...(mac === undefined ? {} : { mac: macToOctets(mac) }),
      });
    this.#socket = this.#open();
    this.interfaceMtuOctets = this.#socket.mtuOctets;
  }

  readonly #open: () => NativePacketSocket;

  get counters(): PacketPortCounters {
    return this.#socket === undefined ? { ...this.#before } : sum(this.#before, this.#socket.counters());
  }

  send(frames: readonly Uint8Array[]): void {
    if (this.#socket === undefined)
      this.#before = { ...this.#before, sendErrors: this.#before.sendErrors + frames.length };
    else this.#socket.send(frames);
  }

  async start(receive: (frames: readonly Uint8Array[]) => void): Promise<void> {
    this.#receive = receive;
    try {
      this.#listen();
    } catch (error) {
      throw new PacketPortError(reasonOf(error));
    }
    this.#lookLater(0);
  }

  async close(): Promise<void> {
    this.#receive = undefined;
    this.#look?.cancel();
    this.#leave();
  }

  #listen(): void {
    this.#socket?.start((memory, lengths) => {
      const frames = new Array<Uint8Array>(lengths.length);
      let at = 0;
      for (let i = 0; i < lengths.length; i++) {
        frames[i] = new Uint8Array(memory, at, lengths[i]);
        at += lengths[i]!;
      }
      this.#receive?.(frames);
    });
  }

  #leave(): void {
    this.#before = this.counters;
    this.#socket?.close();
    this.#socket = undefined;
  }

  #lookLater(delayMs: number): void {
    this.#look = this.options.clock.setTimer(() => {
      this.#lookNow();
      this.#lookLater(LOOK_INTERVAL_MS);
    }, delayMs);
  }

  /** An interface that is down comes back by itself; one that was removed is another one when its name comes back. */
  #lookNow(): void {
    let trouble: string | undefined = REMOVED;
    try {
      if (this.#socket?.trouble() === REMOVED) this.#leave();
      if (this.#socket === undefined) {
        this.#socket = this.#open();
        this.#listen();
      }
      trouble = this.#socket.trouble();
    } catch {
      // Not back yet, or not as it was.
      this.#leave();
    }
    if (trouble === this.#trouble) return;
    this.#trouble = trouble;
    this.options.onState?.(trouble);
  }
}

/** As the native part says it. */
const REMOVED = 'it was removed';

const NOTHING_COUNTED: PacketPortCounters = {
  received: 0,
  sent: 0,
  kernelDropped: 0,
  tooBig: 0,
  notUnderstood: 0,
  queueFull: 0,
  sendErrors: 0,
};

function sum(a: PacketPortCounters, b: PacketPortCounters): PacketPortCounters {
  const both = Object.keys(NOTHING_COUNTED) as (keyof PacketPortCounters)[];
  return Object.fromEntries(both.map((key) => [key, a[key] + b[key]])) as unknown as PacketPortCounters;
}

function mtuOf(addon: PacketPortOptions['addon'], name: string): number {
  const socket = new addon.PacketSocket(name, { mtuOctets: 0, promiscuous: false });
  try {
    return socket.mtuOctets;
  } finally {
    socket.close();
  }
}
