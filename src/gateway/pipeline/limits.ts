/** Relations between the limits of sessions, pipes and the device, which are the same wherever a table is sized or filled. */

/** SPIs of one session that may be open at once: those of two exchanges that crossed, and of the two before, which retire. */
export const INGRESS_SPIS_PER_TUNNEL_MAX = 4;

/** Key slots of one session: the one in use, and one more while a re-key replaces it. */
export const KEY_SLOTS_PER_TUNNEL_MAX = 2;

/** Sizes that follow from the most sessions that there may be. */
export interface TunnelLimits {
  /** Sessions that the device has key slots for, at least 1. */
  readonly tunnels: number;
  readonly keySlots: number;
  /** Entries of each pipe that has one for each open SPI. */
  readonly ingressEntries: number;
}

/**
 * The sizes for `maxTunnels` sessions (from 1), on a device with `deviceKeySlots` key slots: where these are fewer than two for each
 * session, there are fewer sessions.
 */
export function tunnelLimits(
  maxTunnels: number,
  deviceKeySlots: number = Number.POSITIVE_INFINITY,
): TunnelLimits {
  const keySlots = Math.min(maxTunnels * KEY_SLOTS_PER_TUNNEL_MAX, deviceKeySlots);
  return {
    tunnels: Math.max(1, Math.floor(keySlots / KEY_SLOTS_PER_TUNNEL_MAX)),
    keySlots,
    ingressEntries: maxTunnels * INGRESS_SPIS_PER_TUNNEL_MAX,
  };
}
