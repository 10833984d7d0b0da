/**
 * What gateways of this program tell each other besides tunnels (proto/psp_gateway_peer.proto), as checked values: that
 * one has started, so that the other asks for new keys by itself, and that one drains.
 */
import { Announcement, AnnouncementAnswer } from '../generated/psp_gateway_peer.js';
import { decodeMessage, type MessageShape, NO_CHILDREN } from './message-structure.js';

/** A gateway that makes no new tunnels. */
export interface DrainNotice {
  /** When that ends at the latest; 0: nobody has said. */
  readonly endsInMs: number;
}

export interface StartAnnouncement {
  /** Time since the sender's start, by its own monotonic clock. What it gave out before is void. */
  readonly ageMs: number;
  /** Port of the sender's service: several peers may share an address. */
  readonly servicePort: number;
  /** Packets from the receiver's underlay address are not let in, although the receiver knew of the start. */
  readonly packetsFail: boolean;
  /** Absent: the sender does not drain. */
  readonly drain?: DrainNotice | undefined;
}

export interface AnnouncementReply {
  /** Sessions for which the answering gateway asks for new keys. */
  readonly sessions: number;
  /** Absent: it does not drain. */
  readonly drain?: DrainNotice | undefined;
}

const DRAIN = { field: 'drain', shape: NO_CHILDREN, countMax: 1 };
const ANNOUNCEMENT: MessageShape = new Map([[4, DRAIN]]);
const ANSWER: MessageShape = new Map([[2, DRAIN]]);

const toWire = (drain: DrainNotice | undefined) =>
  drain && { endsInMs: BigInt(Math.max(0, Math.ceil(drain.endsInMs))) };

const fromWire = (drain: { readonly endsInMs: bigint } | undefined) =>
  drain === undefined ? {} : { drain: { endsInMs: Number(drain.endsInMs) } };

export function encodeAnnouncement(one: StartAnnouncement): Uint8Array {
  const { ageMs, servicePort, packetsFail, drain } = one;
  return Announcement.encode({
    ageMs: BigInt(Math.max(0, Math.ceil(ageMs))),
    servicePort,
    packetsFail,
    drain: toWire(drain),
  }).finish();
}

/** Throws RpcError INVALID_ARGUMENT. */
export function decodeAnnouncement(octets: Uint8Array): StartAnnouncement {
  const wire = decodeMessage(Announcement, octets, 'an Announcement', ANNOUNCEMENT);
  const { ageMs, servicePort, packetsFail, drain } = wire;
  return { ageMs: Number(ageMs), servicePort, packetsFail, ...fromWire(drain) };
}

export function encodeAnnouncementAnswer({ sessions, drain }: AnnouncementReply): Uint8Array {
  return AnnouncementAnswer.encode({ sessions, drain: toWire(drain) }).finish();
}

/** Throws RpcError INVALID_ARGUMENT. */
export function decodeAnnouncementAnswer(octets: Uint8Array): AnnouncementReply {
  const { sessions, drain } = decodeMessage(AnnouncementAnswer, octets, 'an AnnouncementAnswer', ANSWER);
  return { sessions, ...fromWire(drain) };
}
