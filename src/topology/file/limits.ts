/** The bounds of a topology file. Everything that a file can make grow has one. */
import type { EntriesMax } from '../../gateway/config/bounded-yaml.js';

/** Limit on a file, and so also on the characters of its text: each takes an octet or more. */
export const FILE_OCTETS_MAX = 32 * 1024 * 1024;
/** In a file of more values the first wrong one ends the check: all of them could not be kept. */
export const VALUES_CHECKED_WHOLE_MAX = 50_000;
export const NODES_MAX = 2000;
export const LINKS_MAX = 10_000;
/** Interfaces of this machine at their ends: the kernel keeps 16 MiB for each. */
export const OUTSIDE_MAX = 64;
/** Behind one gateway, and of one workload. */
export const WORKLOADS_PER_GATEWAY_MAX = 1000;
export const WORKLOADS_MAX = 20_000;
export const ADDRESSES_PER_WORKLOAD_MAX = 16;
export const FLOWS_MAX = 100_000;
/** Ordered pairs of workloads that traffic with lists or "*" may look at. */
export const PAIRS_MAX = 4_000_000;
export const EVENTS_MAX = 100_000;
export const EXPECTATIONS_MAX = 10_000;
/** Maps and lists by the keys that lead to them: in topologies, and in scenarios of their own. */
export const ENTRIES_MAX: EntriesMax = {
  'topology.nodes': ['topology: has', NODES_MAX],
  'topology.links': ['topology: has', LINKS_MAX],
  'scenario.traffic': ['scenario: has', FLOWS_MAX],
  'scenario.events': ['scenario: has', EVENTS_MAX],
  'scenario.expect': ['scenario: has', EXPECTATIONS_MAX],
  traffic: ['the scenario has', FLOWS_MAX],
  events: ['the scenario has', EVENTS_MAX],
  expect: ['the scenario has', EXPECTATIONS_MAX],
};
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
