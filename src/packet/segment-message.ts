/** Messages by which hosts of one segment find each other, read to the letter and written anew. */
import type { IpAddress, MacAddress } from './address.js';

export type SegmentKind =
  | 'arp-request'
  | 'arp-reply'
  | 'router-solicitation'
  | 'router-advertisement'
  | 'neighbor-solicitation'
  | 'neighbor-advertisement'
  | 'redirect'
  | 'mld-query'
  | 'mld-report'
  | 'mld-done';

/**
 * Why a frame is not one of them. `size`: too short, too long, or its lengths contradict each other; `padding`: octets
 * behind it that are not zero; `header`: fields that have one value only have another; `addresses`: of Ethernet or IP
 * that do not go together or cannot be; `scope`: from or to where such a message does not go; `options`: of no length,
 * of the wrong length, or twice; `group`: a report of groups that address resolution does not need.
 */
export type SegmentFault =
  | 'kind'
  | 'size'
  | 'padding'
  | 'header'
  | 'hop-limit'
  | 'checksum'
  | 'code'
  | 'options'
  | 'addresses'
  | 'scope'
  | 'group';

/** A message that is to the letter. */
export interface SegmentMessage {
  readonly kind: SegmentKind;
  /** Source of the Ethernet header. */
  readonly sourceMac: MacAddress;
  /** The sender's address; 0.0.0.0 or :: while it has none. */
  readonly source: IpAddress;
  /** The address that is asked for or claimed, where the kind has one. */
  readonly target?: IpAddress;
  /** The MAC that it says belongs to the sender, or to the target of an advertisement. */
  readonly linkLayer?: MacAddress;
  /**
   * The same message, built anew from what it means: nothing that its sender could choose besides addresses and, in routers'
   * messages, what routers announce.
   */
  readonly frame: Uint8Array;
}
