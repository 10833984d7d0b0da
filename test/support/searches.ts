/** Which networks and seeds the search finds each defect on purpose in: for the tests, and for the table in docs/search.md. */
import { readTopology } from '../../src/topology/file/read.js';
import type { Topology } from '../../src/topology/model.js';

/** As under `topology` of a file. */
export const SEARCHED = {
  mesh: 'full-mesh: {gateways: 4, static: false, flags: {inner: both}}',
  brisk:
    'full-mesh: {gateways: 4, static: false, flags: {inner: both, rekey-grace: 300, rotation-request-interval: 300}}',
  transport: 'full-mesh: {gateways: 3, static: false, flags: {mode: transport, cookie: true, inner: both}}',
} as const;

export interface Search {
  /** Of SABOTAGES. */
  readonly sabotage: string;
  readonly network: keyof typeof SEARCHED;
  /** Whether insiders, dead peers, small tables and the like are drawn. */
  readonly hostile: boolean;
  /** Where the tests begin to search, and how many seeds they may take. */
  readonly seed: number;
  readonly runs: number;
}

/** Seeds that a test may take, from the first one on. */
const RUNS = 30;

const search = (
  sabotage: string,
  network: Search['network'],
  draw: 'honest' | 'hostile',
  seed = 1,
): Search => ({ sabotage, network, hostile: draw === 'hostile', seed, runs: RUNS });

export const SEARCHES: readonly Search[] = [
  search('repeat-keys-after-rotation', 'mesh', 'honest'),
  search('clear-on-miss', 'mesh', 'honest'),
  search('resubmit-twice', 'mesh', 'honest'),
  search('acl-outlives-key', 'brisk', 'hostile', 13),
  search('ivs-end', 'mesh', 'honest'),
  search('blind-after-restart', 'mesh', 'hostile', 14),
  search('asks-for-rubbish', 'mesh', 'hostile', 8),
  search('sessions-never-age', 'mesh', 'hostile', 13),
  search('segment-in-clear', 'transport', 'hostile'),
  search('reverse-anywhere', 'mesh', 'hostile', 7),
  search('one-rotation-limit', 'mesh', 'hostile', 13),
  search('dhcp-budget', 'mesh', 'hostile', 4),
  search('no-budgets', 'mesh', 'hostile', 7),
];

export function searchedNetwork(network: Search['network']): Topology {
  return readTopology('base.yaml', () => `name: ${network}\ntopology:\n  ${SEARCHED[network]}\n`);
}
