/** The bounds of a topology file. Everything that a file can make grow has one. */

export const FILE_CHARACTERS_MAX = 32 * 1024 * 1024;
/** What aliases stand for, aliases in it counted too. */
export const ALIASES_MAX = 10_000;
export const NODES_MAX = 2000;
export const LINKS_MAX = 10_000;
/** Behind one gateway, and of one workload. */
export const WORKLOADS_PER_GATEWAY_MAX = 1000;
export const WORKLOADS_MAX = 20_000;
export const ADDRESSES_PER_WORKLOAD_MAX = 16;
export const FLOWS_MAX = 100_000;
/** Ordered pairs of workloads that traffic with lists or "*" may look at. */
export const PAIRS_MAX = 4_000_000;
export const EVENTS_MAX = 100_000;
export const EXPECTATIONS_MAX = 10_000;
export const PROBLEMS_MAX = 1000;

/** Of a run, and of every time in the file. */
export const TIME_MAX_MS = 7 * 24 * 3600_000;
export const SEED_MAX = 0xffff_ffff;
export const MTU_OCTETS = [576, 9216] as const;
export const BITS_PER_SECOND_MAX = 1e12;
export const PACKETS_PER_SECOND_MAX = 10_000_000;
export const PINGS_MAX = 10_000_000;
/** What fits behind IPv6 and UDP or ICMP headers into a packet of 9000 octets. */
export const PAYLOAD_OCTETS_MAX = 8952;
export const TRANSFER_OCTETS_MAX = 10_000_000_000;
