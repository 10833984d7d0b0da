/** What files say of peers, whichever format they have: the session file in JSON, and the YAML file of --config. */
import type { IpAddress } from '../../packet/address.js';
import type { IpPrefix } from '../../packet/prefix.js';
import type { Vip } from '../directory.js';
import type { PeerDialect } from '../options.js';
import type { CertificateName, ServiceAddress } from '../rpc/transport.js';
import type { FlagValue } from './flag-values.js';
import type { Problems } from './problems.js';

export const PEER_DIALECTS: readonly string[] = ['2.7', '2.8', '3.x'] satisfies PeerDialect[];

/** Something that a peer owns. `where`, here and below, gives the place in the file, for problems; it is found when asked for. */
export interface ConfiguredVip {
  readonly vip: Vip;
  readonly where: () => string;
}

/** A pair that talks. The peer owns its remote end. */
export interface ConfiguredPair {
  readonly localVip?: IpAddress;
  readonly remoteVip: Vip;
  readonly where: () => string;
}

export interface ConfiguredPeer {
  readonly serviceAddress: ServiceAddress;
  readonly where: () => string;
  /** What it owns besides the ends of pairs. */
  readonly owns: readonly ConfiguredVip[];
  /** Absent: the file names none, and any address of ours talks to any of the peer's. */
  readonly pairs?: readonly ConfiguredPair[];
  readonly dialect?: PeerDialect;
  /** See PeerOptions. */
  readonly identities?: readonly CertificateName[];
  readonly mayRotate?: boolean;
  /** See PeerOptions. */
  readonly underlay?: readonly IpPrefix[];
}

/** A file with flags and peers. */
export interface ConfigFile {
  /** By their long names, as texts. */
  readonly flags: ReadonlyMap<string, readonly FlagValue[]>;
  readonly peers: readonly ConfiguredPeer[];
  /** Whether its policy grants rotations to peers of which entries say nothing; absent: it has no key for a policy. */
  readonly mayRotate?: boolean;
}

/** Reads such a file's text; notes what is wrong and leaves it out. */
export type ConfigFileParser = (text: string, path: string, problems: Problems) => ConfigFile;

/** Whether a file of --config is one of flags and peers, by its name. */
export function isYaml(path: string): boolean {
  return /\.ya?ml$/i.test(path);
}
