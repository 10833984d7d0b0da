/**
 * What gateways of this program tell each other besides tunnels (proto/psp_gateway_peer.proto), as checked values: that
 * one has started, so that the other asks for new keys by itself.
 */
import { Announcement, AnnouncementAnswer } from '../generated/psp_gateway_peer.js';
import { checkMessageStructure, type MessageShape, MessageStructureError } from './message-structure.js';
import { RpcError } from './transport.js';

export interface StartAnnouncement {
  /** Time since the sender's start, by its own monotonic clock. What it gave out before is void. */
  readonly ageMs: number;
  /** Port of the sender's service: several peers may share an address. */
  readonly servicePort: number;
  /** Packets from the receiver's underlay address are not let in, although the receiver knew of the start. */
  readonly packetsFail: boolean;
}

const NO_CHILDREN: MessageShape = new Map();

function decode<T>(codec: { decode(octets: Uint8Array): T }, octets: Uint8Array, name: string): T {
  try {
    checkMessageStructure(octets, NO_CHILDREN);
    return codec.decode(octets);
  } catch (error) {
    const reason =
      error instanceof MessageStructureError ? error.message : 'the bytes are not valid protobuf';
    throw new RpcError('INVALID_ARGUMENT', `not an ${name}: ${reason}`);
  }
}

export function encodeAnnouncement({ ageMs, servicePort, packetsFail }: StartAnnouncement): Uint8Array {
  return Announcement.encode({
    ageMs: BigInt(Math.max(0, Math.ceil(ageMs))),
    servicePort,
    packetsFail,
  }).finish();
}

/** Throws RpcError INVALID_ARGUMENT. */
export function decodeAnnouncement(octets: Uint8Array): StartAnnouncement {
  const { ageMs, servicePort, packetsFail } = decode(Announcement, octets, 'Announcement');
  return { ageMs: Number(ageMs), servicePort, packetsFail };
}

/** @param sessions for which the answering gateway asks for new keys */
export function encodeAnnouncementAnswer(sessions: number): Uint8Array {
  return AnnouncementAnswer.encode({ sessions }).finish();
}

/** Decodes the number of sessions that the peer re-keys. Throws RpcError INVALID_ARGUMENT. */
export function decodeAnnouncementAnswer(octets: Uint8Array): number {
  return decode(AnnouncementAnswer, octets, 'AnnouncementAnswer').sessions;
}
