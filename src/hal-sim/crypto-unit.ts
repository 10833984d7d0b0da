/**
 * Where PSP's cryptography happens: `decrypt` at once, at its place in the pipes; encryption as hardware does it,
 * late, when the packet leaves through a port or is copied by a mirror, so that header changes of later pipes (the
 * S bit) are authenticated.
 */
import { L4_UDP, SYNDROME_BAD_TRAILER, SYNDROME_ICV_FAIL, SYNDROME_OK } from '../hal/fields.js';
import { type PacketContext, UDP_LENGTH } from '../hal/packet/packet-context.js';
import { UDP_HEADER_OCTETS } from '../packet/udp.js';
import type { AeadEngine } from '../psp/aead.js';
import {
  checkPspHeader,
  encryptStart,
  framingProblem,
  PSP_HEADER_OCTETS,
  PSP_ICV_OCTETS,
  PSP_IV,
  PSP_NEXT_HEADER,
  PSP_NONCE_OCTETS,
  PSP_SPI,
  PSP_VERSION_MAX,
  type PspVersion,
  pspHeaderLengthOctets,
  pspSpi,
  pspVersion,
} from '../psp/header.js';
import { IvExhaustedError, type IvSource } from '../psp/iv.js';
import type { KeyStore } from './key-store.js';
import type { DeviceStatistics } from './statistics.js';

export class CryptoUnit {
  private readonly nonce = new Uint8Array(PSP_NONCE_OCTETS);

  constructor(
    private readonly engine: AeadEngine,
    private readonly keys: KeyStore,
    private readonly ivs: IvSource,
    readonly statistics: DeviceStatistics,
  ) {}

  /** Authenticates and decrypts in place and sets the syndrome; a packet that fails stays as it came. */
  decrypt(packet: PacketContext): void {
    packet.decrypted = false;
    packet.syndrome = this.open(packet);
  }

  private open(packet: PacketContext): number {
    const { frame, upperOffset: udp } = packet;
    const { statistics } = this;
    if (packet.l4Type !== L4_UDP) {
      statistics.rxError++;
      return SYNDROME_ICV_FAIL;
    }
    const at = udp + UDP_HEADER_OCTETS;
    // The datagram ends where UDP says it does; behind it may be Ethernet padding.
    const end = udp + ((frame[udp + UDP_LENGTH] << 8) | frame[udp + UDP_LENGTH + 1]);
    if (end < at || end > packet.ipEnd) {
      statistics.rxError++;
      return SYNDROME_ICV_FAIL;
    }
    const problem = checkPspHeader(frame, at, end);
    if (problem !== undefined) {
      if (problem === 'bad') statistics.rxBad++;
      else statistics.rxError++;
      return problem === 'truncated' ? SYNDROME_BAD_TRAILER : SYNDROME_ICV_FAIL;
    }
    const key = this.keys.receiveKey(pspSpi(frame, at), pspVersion(frame, at) as PspVersion);
    const payloadEnd = end - PSP_ICV_OCTETS;
    this.loadNonce(frame, at);
    if (!this.engine.open(key, this.nonce, frame, at, encryptStart(frame, at, payloadEnd), payloadEnd)) {
      statistics.rxAuthFail++;
      return SYNDROME_ICV_FAIL;
    }
    this.keys.keepReceiveKey();
    statistics.rxPackets++;
    statistics.rxOctets += payloadEnd - at - PSP_HEADER_OCTETS;
    packet.pspOffset = at;
    packet.enterPayload(frame[at + PSP_NEXT_HEADER], at + pspHeaderLengthOctets(frame, at), payloadEnd);
    return SYNDROME_OK;
  }

  /**
   * Draws the IV and encrypts a packet that has a key slot attached and is not sealed yet. False, and counted as txError, when that cannot
   * be done; the packet must be dropped then.
   */
  seal(packet: PacketContext): boolean {
    const sealed = this.trySeal(packet);
    if (!sealed) this.statistics.txError++;
    return sealed;
  }

  private trySeal(packet: PacketContext): boolean {
    const { frame, encapOffset: at } = packet;
    if (at < 0) return false;
    const version = pspVersion(frame, at);
    const payloadEnd = frame.length - PSP_ICV_OCTETS;
    if (version > PSP_VERSION_MAX || framingProblem(frame, at, payloadEnd) !== undefined) return false;
    const key = this.keys.slotKey(packet.cryptoId, version as PspVersion);
    if (key === null) return false;
    try {
      this.ivs.next(frame, at + PSP_IV);
    } catch (error) {
      if (error instanceof IvExhaustedError) return false;
      throw error;
    }
    this.loadNonce(frame, at);
    this.engine.seal(key, this.nonce, frame, at, encryptStart(frame, at, payloadEnd), payloadEnd);
    packet.sealed = true;
    this.statistics.txPackets++;
    this.statistics.txOctets += payloadEnd - at - PSP_HEADER_OCTETS;
    return true;
  }

  /** SPI and IV stand next to each other in the header, as in the nonce. */
  private loadNonce(frame: Uint8Array, at: number): void {
    const { nonce } = this;
    for (let i = 0; i < PSP_NONCE_OCTETS; i++) nonce[i] = frame[at + PSP_SPI + i];
  }
}
