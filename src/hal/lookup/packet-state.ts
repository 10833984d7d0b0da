/** A packet on its way through a lookup: what is known of it besides its headers, and what decryption and encryption make of it. */

import { UDP_HEADER_OCTETS } from '../../packet/udp.js';
import {
  checkPspHeader,
  encryptStart,
  framingProblem,
  keyLengthOctets,
  PSP_FLAGS,
  PSP_ICV_OCTETS,
  PSP_NEXT_HEADER,
  PSP_VERSION_MAX,
  PSP_WORD_6,
  PSP_WORD_9_END,
  type PspVersion,
  pspHeaderLengthOctets,
  pspSpi,
  pspVersion,
} from '../../psp/header.js';
import { L4_UDP, SYNDROME_BAD_TRAILER, SYNDROME_ICV_FAIL, SYNDROME_OK } from '../fields.js';
import { PacketContext, UDP_LENGTH } from '../packet/packet-context.js';
import { UPLINK_PORT } from '../program.js';
import type { LookupEncryption } from './lookup.js';

/** Octets of the key in a slot; 0: there is none. */
export type KeyLengthOf = (cryptoId: number) => number;

export class PacketState {
  readonly context = new PacketContext();
  /** The frame as it came; null once the packet has been rebuilt, so that what was assumed says nothing of it. */
  private came: Uint8Array | null;
  private readonly syndrome: number | undefined;

  constructor(frame: Uint8Array, port: number, packetMeta: number, syndrome: number | undefined) {
    this.came = new Uint8Array(frame);
    this.syndrome = syndrome;
    this.context.load(new Uint8Array(frame), port, packetMeta);
  }

  /** A copy as mirrors make them; and the packet itself, for one of several ways to go on. */
  copy(): PacketState {
    const { context, came, syndrome } = this;
    const copy = new PacketState(context.frame, context.portId, 0, syndrome);
    copy.came = came;
    copy.context.copyFrom(context);
    return copy;
  }

  /** An action has made another frame of it. */
  rebuilt(): void {
    this.came = null;
  }

  /** The SPI of its PSP header. */
  get spi(): number | undefined {
    const { frame, pspOffset } = this.context;
    return pspOffset < 0 ? undefined : pspSpi(frame, pspOffset);
  }

  /** What `decrypt` may find: one syndrome, or both that there are. */
  syndromes(): readonly number[] {
    const { frame, l4Type, upperOffset, exposed } = this.context;
    const datagram = this.datagram();
    if (l4Type !== L4_UDP || datagram === undefined) return [SYNDROME_ICV_FAIL];
    const at = upperOffset + UDP_HEADER_OCTETS;
    const problem = checkPspHeader(frame, at, datagram.end);
    if (problem !== undefined) return [problem === 'truncated' ? SYNDROME_BAD_TRAILER : SYNDROME_ICV_FAIL];
    if (this.came === null) return [SYNDROME_OK, SYNDROME_ICV_FAIL];
    if (isHeaderWritten(frame, this.came, at)) return [SYNDROME_ICV_FAIL];
    if (exposed) {
      // It was opened before: where that changed an octet, it does not fit its ICV any more.
      const payloadEnd = datagram.end - PSP_ICV_OCTETS;
      return [encryptStart(frame, at, payloadEnd) < payloadEnd ? SYNDROME_ICV_FAIL : SYNDROME_OK];
    }
    return this.syndrome === undefined ? [SYNDROME_OK, SYNDROME_ICV_FAIL] : [this.syndrome];
  }

  /** `decrypt` finds this. */
  decrypt(syndrome: number): void {
    const { context } = this;
    const { frame } = context;
    context.decrypted = false;
    context.syndrome = syndrome;
    if (syndrome !== SYNDROME_OK) return;
    const at = context.upperOffset + UDP_HEADER_OCTETS;
    const payload = at + pspHeaderLengthOctets(frame, at);
    context.pspOffset = at;
    context.enterPayload(frame[at + PSP_NEXT_HEADER]!, payload, this.datagram()!.end - PSP_ICV_OCTETS);
  }

  /** Where the UDP datagram ends, as its header says; undefined: not within the IP packet. */
  private datagram(): { readonly end: number } | undefined {
    const { frame, upperOffset, ipEnd } = this.context;
    const octets = (frame[upperOffset + UDP_LENGTH]! << 8) | frame[upperOffset + UDP_LENGTH + 1]!;
    const end = upperOffset + octets;
    return octets < UDP_HEADER_OCTETS || end > ipEnd ? undefined : { end };
  }

  /** Encrypts it, if it has a key slot and was not encrypted before. False: it cannot be, and is dropped. */
  seal(keyLengthOf: KeyLengthOf): boolean {
    const { context } = this;
    const { frame, cryptoId, encapOffset: at } = context;
    if (cryptoId === 0 || context.sealed) return true;
    if (at < 0) return false;
    const version = pspVersion(frame, at);
    if (version > PSP_VERSION_MAX) return false;
    if (framingProblem(frame, at, frame.length - PSP_ICV_OCTETS) !== undefined) return false;
    if (keyLengthOf(cryptoId) !== keyLengthOctets(version as PspVersion)) return false;
    context.sealed = true;
    return true;
  }

  /** What it has been encrypted with. */
  get encryption(): LookupEncryption | undefined {
    const { frame, cryptoId, encapOffset: at, sealed } = this.context;
    return sealed ? { cryptoId, spi: pspSpi(frame, at), version: pspVersion(frame, at) } : undefined;
  }

  /** Whether it is plaintext in an envelope of PSP, which may not leave by this port. */
  isHeldBack(port: number): boolean {
    const { exposed, encapOffset, sealed } = this.context;
    return port === UPLINK_PORT && (exposed || (encapOffset >= 0 && !sealed));
  }
}

/** Whether what actions can write of a PSP header, and is authenticated, is no more as it came: the flags, and words 6 to 9. */
function isHeaderWritten(frame: Uint8Array, came: Uint8Array, at: number): boolean {
  if (frame[at + PSP_FLAGS] !== came[at + PSP_FLAGS]) return true;
  const end = at + Math.min(pspHeaderLengthOctets(frame, at), PSP_WORD_9_END);
  for (let octet = at + PSP_WORD_6; octet < end; octet++) if (frame[octet] !== came[octet]) return true;
  return false;
}
