/** What stands in pkt_meta of packets between the device and the CPU, and between pipes. */

/** pkt_meta of sampled packets at RSS and of packets that return to the workload. */
export const PKT_META_INGRESS_SAMPLED = 0x65656565;
export const PKT_META_EGRESS_SAMPLED = 0x43434343;
export const PKT_META_RETURN_TO_VF = 0x78787878;
/** A number of the gateway's own choosing: a packet that comes back with it has missed its session a second time. */
export const PKT_META_RESUBMITTED = 0x32323232;
/** Transport mode: what belongs to the segment, from the underlay to the CPU, and from the CPU to the underlay. */
export const PKT_META_SEGMENT_IN = 0x21212121;
export const PKT_META_SEGMENT_OUT = 0x12121212;

/** Mark of a packet to an address that its peer has not proved: this in the first octet, and the key slot in the others. */
export const PKT_META_TRIAL = 0x5a00_0000;
export const PKT_META_TRIAL_MASK = 0xff00_0000;

/** pkt_meta of a packet for EGR_TRIAL. */
export function trialMark(cryptoId: number): number {
  return PKT_META_TRIAL + cryptoId;
}
