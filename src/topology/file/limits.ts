/** The bounds of a topology file. Everything that a file can make grow has one. */

/** Limit on a file, and so also on the characters of its text: each takes an octet or more. */
export const FILE_OCTETS_MAX = 32 * 1024 * 1024;
/** Limit on the pieces that YAML's parser works on: marks, texts, blanks between them, ends of lines. */
export const LEXEMES_MAX = 1_500_000;
/** Limit on one text, comment or blank. */
export const LEXEME_CHARACTERS_MAX = 65_536;
/** The format's own depth is 9. The parser calls itself for each level, and ends the process when it has no stack left. */
export const DEPTH_MAX = 32;
/** Tags (!a); the format has none. Anchors (&a), and aliases (*a). */
export const TAGS_MAX = 100;
export const ANCHORS_MAX = 1000;
export const ALIASES_MAX = 1000;
/** Maps, lists and texts, those behind an alias counted wherever it stands. */
export const VALUES_MAX = 1_000_000;
/** Limit on the errors that YAML's parser may find. */
export const SYNTAX_ERRORS_MAX = 1000;
/** In a file of more values the first wrong one ends the check: all of them could not be kept. */
export const VALUES_CHECKED_WHOLE_MAX = 50_000;
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
/** That are said. */
export const PROBLEMS_MAX = 1000;
/** That are kept, to be put in order. */
export const PROBLEMS_KEPT_MAX = 10_000;

/** Limit on a run, and on every time in the file. */
export const TIME_MAX_MS = 7 * 24 * 3600_000;
export const SEED_MAX = 0xffff_ffff;
export const MTU_OCTETS = [576, 9216] as const;
export const BITS_PER_SECOND_MAX = 1e12;
export const PACKETS_PER_SECOND_MAX = 10_000_000;
export const PINGS_MAX = 10_000_000;
/** Largest payload behind IPv6 and UDP or ICMP headers in a packet of 9000 octets. */
export const PAYLOAD_OCTETS_MAX = 8952;
export const TRANSFER_OCTETS_MAX = 10_000_000_000;
