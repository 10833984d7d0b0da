/** Records the demo: the underlay, packets that workloads receive, and the keys that open the former. */

import { systemClock } from '../base/clock.js';
import type { SpiKeyBatch } from '../hal/hal.js';
import { LINK_TYPE_ETHERNET, pcapHeader, pcapRecord, SNAP_OCTETS_DEFAULT } from '../packet/pcap.js';
import { PcapngWriter } from '../packet/pcapng.js';
import { KeyRing } from '../psp/key-ring.js';
import { formatSaKey, type SaKey } from '../psp/keys-file.js';
import type { HostPlan } from './demo-hosts.js';
import { Decrypting } from './pcap-decrypt.js';
import { KEYS_FILE, keysOf } from './run-keys.js';

interface Recorded {
  readonly timestampNs: bigint;
  readonly frame: Uint8Array;
}

/** A file of the demo: its name, what it is, its content. */
export type DemoFile = readonly [name: string, what: string, content: string | Uint8Array];

export class DemoCaptures {
  readonly #wire: Recorded[] = [];
  readonly #delivered: Recorded[] = [];
  readonly #keys: SaKey[] = [];

  onWire(frame: Uint8Array): void {
    this.#wire.push(stamped(frame));
  }

  onDelivered(frame: Uint8Array): void {
    this.#delivered.push(stamped(frame));
  }

  /** The gateway wipes the batch. */
  onKeys({ name, uplinkIpv6 }: HostPlan, batch: SpiKeyBatch): void {
    this.#keys.push(...keysOf({ ...batch, keys: batch.keys.slice() }, [uplinkIpv6], name));
  }

  /** @param snapOctets of each frame; 0: all. */
  files(snapOctets: number): DemoFile[] {
    return [
      ['wire.pcap', 'what crossed the underlay: PSP only', pcapOf(this.#wire, snapOctets)],
      ['delivered.pcap', 'what V1 and V2 received', pcapOf(this.#delivered, snapOctets)],
      [
        'opened.pcapng',
        'wire.pcap, and behind each packet what was inside: for Wireshark',
        this.#opened(snapOctets),
      ],
      [
        KEYS_FILE,
        'the keys of all packets, by which `pcap decrypt` opens wire.pcap',
        this.#keys.map(formatSaKey).join(''),
      ],
    ];
  }

  #opened(snapOctets: number): Uint8Array {
    const blocks: Uint8Array[] = [];
    const writer = new PcapngWriter((octets) => blocks.push(octets), snapOctets);
    const decrypting = new Decrypting(writer, new KeyRing(this.#keys));
    for (const { timestampNs, frame } of this.#wire)
      decrypting.add({
        timestampNs,
        frame,
        originalOctets: frame.length,
        linkType: LINK_TYPE_ETHERNET,
        interfaceIndex: 0,
        interfaceName: 'underlay',
      });
    return Buffer.concat(blocks);
  }
}

const stamped = (frame: Uint8Array): Recorded => ({
  timestampNs: BigInt(Math.round(systemClock.nowMs() * 1000)) * 1000n,
  frame: frame.slice(),
});

function pcapOf(records: readonly Recorded[], snapOctets: number): Uint8Array {
  const snap = snapOctets || SNAP_OCTETS_DEFAULT;
  return Buffer.concat([
    pcapHeader(snap),
    ...records.map(({ timestampNs, frame }) =>
      pcapRecord(timestampNs, frame.subarray(0, snap), frame.length),
    ),
  ]);
}
