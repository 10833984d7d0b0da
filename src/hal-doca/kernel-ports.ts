/**
 * The kernel's interfaces behind DPDK's ports (net_tap, net_af_packet), and whether they are still there. DPDK polls a
 * port whose interface was removed for ever and says nothing, so this looks at the process' own descriptors as the kernel
 * shows them: a TAP's fdinfo has no interface any more ("iff:"), a packet socket's line in /proc/net/packet the interface
 * -1. Both hold in whatever namespace the interface is, and tell "removed" from "closed by us". A device of hardware has
 * no such descriptors, nor have AF_XDP and memif; of those nothing is known here.
 */

import { readdirSync, readlinkSync } from 'node:fs';
import type { Clock, Timer } from '../base/clock.js';
import { markHandled } from '../base/mark-handled.js';
import { readTextFile } from '../files/read-file.js';
import type { PortStatus } from '../hal/hal.js';

/** Interval between two looks. */
export const PORT_WATCH_INTERVAL_MS = 500;
const TUN_DEVICE = '/dev/net/tun';
const FDINFO_OCTETS_MAX = 4096;
/** Limit on /proc/net/packet, which lists the packet sockets of the whole namespace. */
const SOCKETS_OCTETS_MAX = 1024 * 1024;
/** The interface number of a socket whose interface has been removed. */
const NO_INTERFACE = -1;

/** Access to /proc as proc(5) describes it. Tests replace it. */
export interface ProcFiles {
  /** Descriptors of the process, and what they are links to. */
  descriptors(): ReadonlyMap<string, string>;
  /** Throws where it is not there any more. */
  fdinfo(descriptor: string): string;
  packetSockets(): string;
  interfaceName(index: number): string;
}

export const PROC_FILES: ProcFiles = {
  descriptors() {
    const links = new Map<string, string>();
    for (const descriptor of readdirSync('/proc/self/fd')) {
      try {
        links.set(descriptor, readlinkSync(`/proc/self/fd/${descriptor}`));
      } catch {
        // Closed since it was listed: that of the listing itself, for one.
      }
    }
    return links;
  },
  fdinfo: (descriptor) => readTextFile(`/proc/self/fdinfo/${descriptor}`, FDINFO_OCTETS_MAX),
  packetSockets: () => readTextFile('/proc/self/net/packet', SOCKETS_OCTETS_MAX),
  interfaceName(index) {
    const names = readdirSync('/sys/class/net');
    const found = names.find(
      (name) => Number(readTextFile(`/sys/class/net/${name}/ifindex`, FDINFO_OCTETS_MAX)) === index,
    );
    return found ?? `number ${index}`;
  },
};

export interface KernelPortWatch {
  /** Rejects when an interface is gone; never resolves before `close`. */
  readonly done: Promise<void>;
  /** The interfaces that are watched, as they were at the last look. */
  states(): PortStatus[];
  close(): void;
}

/** Watches the interfaces that the process has now. */
export function watchKernelPorts(clock: Clock, proc: ProcFiles = PROC_FILES): KernelPortWatch {
  const taps = tapInterfaces(proc);
  const sockets = new Map([...packetInterfaces(proc)].filter(([, index]) => index > 0));
  const names = new Map([...sockets].map(([inode, index]) => [inode, proc.interfaceName(index)]));
  let timer: Timer | undefined;
  let closed = false;
  let gone: string | undefined;
  const done = new Promise<void>((resolve, reject) => {
    const look = () => {
      gone = goneTap(proc, taps) ?? goneSocket(proc, names);
      if (closed) resolve();
      else if (gone === undefined) timer = clock.setTimer(look, PORT_WATCH_INTERVAL_MS);
      else reject(new Error(`${gone}: it was removed`));
    };
    if (taps.size > 0 || sockets.size > 0) timer = clock.setTimer(look, PORT_WATCH_INTERVAL_MS);
  });
  // Awaiting it is up to the caller.
  markHandled(done);
  return {
    done,
    states: () =>
      [...new Set([...taps.values(), ...names.values()])].map((name) => ({
        name,
        state: name === gone ? 'gone' : 'present',
      })),
    close() {
      closed = true;
      timer?.cancel();
    },
  };
}

/** The interface's name, empty when it is removed; undefined: no TAP's. */
function interfaceOf(fdinfo: string): string | undefined {
  return /^iff:[ \t]*(.*)$/m.exec(fdinfo)?.[1];
}

/** Names by descriptor. */
function tapInterfaces(proc: ProcFiles): Map<string, string> {
  const names = new Map<string, string>();
  for (const [descriptor, link] of proc.descriptors()) {
    const name = link === TUN_DEVICE ? interfaceOf(proc.fdinfo(descriptor)) : undefined;
    if (name !== undefined && name !== '') names.set(descriptor, name);
  }
  return names;
}

function goneTap(proc: ProcFiles, taps: ReadonlyMap<string, string>): string | undefined {
  for (const [descriptor, name] of taps) {
    try {
      if (interfaceOf(proc.fdinfo(descriptor)) === '') return name;
    } catch {
      // The device closes its ports.
    }
  }
  return undefined;
}

/** Interfaces' numbers by inode, of the process' own packet sockets. */
function packetInterfaces(proc: ProcFiles): Map<string, number> {
  const own = new Set([...proc.descriptors().values()]);
  const numbers = new Map<string, number>();
  for (const line of proc.packetSockets().split('\n').slice(1)) {
    const [, , , , index, , , , inode] = line.trim().split(/\s+/);
    if (inode !== undefined && own.has(`socket:[${inode}]`)) numbers.set(inode, Number(index));
  }
  return numbers;
}

function goneSocket(proc: ProcFiles, names: ReadonlyMap<string, string>): string | undefined {
  if (names.size === 0) return undefined;
  for (const [inode, index] of packetInterfaces(proc)) {
    if (index === NO_INTERFACE && names.has(inode)) return names.get(inode);
  }
  return undefined;
}
