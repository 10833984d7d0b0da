/**
 * The YAML file of --config: flags by their long names, and peers with what they own. Every problem has its line and its field.
 *
 *     flags:
 *       svc-addr: 10.0.0.1
 *       rekey-grace: 60000
 *     peers:
 *       - service: 10.0.0.2
 *         owns: [192.168.2.0/24, 192.168.3.7]
 *
 * The module loads the YAML library: it is imported where somebody names such a file.
 */
import { type IpAddress, ipFamily } from '../../packet/address.js';
import { type IpPrefix, parsePrefix } from '../../packet/prefix.js';
import { type Vip, vipFamily, vipText } from '../directory.js';
import type { PeerDialect } from '../options.js';
import type { CertificateName } from '../rpc/transport.js';
import { attempt, parseNetworkIp, parseServiceAddress, parseVip } from './addresses.js';
import {
  type ConfigFile,
  type ConfiguredPair,
  type ConfiguredPeer,
  PEER_DIALECTS,
} from './configured-peers.js';
import type { FlagValue } from './flag-values.js';
import { type Flag, flagNamed, flagNames, isInConfigFile, remarkOnName } from './flags.js';
import { parseIdentity } from './identities.js';
import { CONFIG_FILE_OCTETS_MAX, IDENTITIES_MAX, UNDERLAY_PREFIXES_MAX } from './limits.js';
import { ConfigError, type Problems, quoted, shortened } from './problems.js';
import { Suggestions } from './suggestions.js';
import { type Path, pathText, YamlSource } from './yaml-source.js';

export const FILE_KEYS = ['flags', 'policy', 'peers'] as const;
export const POLICY_KEYS = ['may-rotate'] as const;
export const PEER_KEYS = [
  'service',
  'owns',
  'pairs',
  'dialect',
  'identities',
  'may-rotate',
  'underlay',
] as const;
export const PAIR_KEYS = ['local', 'remote'] as const;

/**
 * Reads the file's text; notes what is wrong and leaves it out. What it may grow to is bounded by YAML's limits. Of a text that
 * is no YAML nothing is known: throws ConfigError with what is noted so far, since everything else would seem to be missing.
 */
export function parseConfigFile(text: string, path: string, problems: Problems): ConfigFile {
  let isYaml = true;
  const source = new YamlSource(text, {
    charactersMax: CONFIG_FILE_OCTETS_MAX,
    onProblem: (line, reason) => {
      isYaml = false;
      problems.add(`${path}:${line}`, reason);
    },
  });
  if (!isYaml && source.value === undefined) throw new ConfigError(problems.list);
  if (source.value === undefined) return { flags: new Map(), peers: [] };
  return new ConfigFileReader(source, path, problems).read();
}

class ConfigFileReader {
  readonly #suggestions = new Suggestions();
  /** Pairs, and the places at which they are. */
  readonly #seen = new Map<string, Path>();

  constructor(
    private readonly source: YamlSource,
    private readonly file: string,
    private readonly problems: Problems,
  ) {}

  read(): ConfigFile {
    const { value } = this.source;
    if (value === null) {
      this.#problem([], 'the file is empty; write flags: and peers:');
      return { flags: new Map(), peers: [] };
    }
    const whole = this.#map(value, [], FILE_KEYS, 'here');
    const flags = this.#flags(whole.flags);
    const mayRotate = this.#policy(whole.policy);
    const peers = this.#list(whole.peers, ['peers']).flatMap((peer, i) => this.#peer(peer, ['peers', i]));
    return { flags, peers, ...(mayRotate === undefined ? {} : { mayRotate }) };
  }

  /** Whether peers may rotate of which entries say nothing: not unless it says so; undefined: there is no policy. */
  #policy(value: unknown): boolean | undefined {
    if (value === undefined) return undefined;
    const policy = this.#map(value, ['policy'], POLICY_KEYS, 'in the policy');
    return this.#boolean(policy['may-rotate'], ['policy', 'may-rotate']) ?? false;
  }

  #flags(value: unknown): Map<string, FlagValue[]> {
    const values = new Map<string, FlagValue[]>();
    const flags = value === undefined ? {} : this.#mapOf(value, ['flags']);
    for (const [key, given] of Object.entries(flags)) {
      const path = ['flags', key];
      const flag = flagNamed(key);
      if (flag === undefined || !isInConfigFile(flag)) this.#unknownFlag(path, key, flag);
      else if (values.has(flag.name)) this.#problem(path, `is given twice, also as ${flag.name}`);
      else {
        const remark = remarkOnName(flag, key);
        if (remark !== undefined) this.problems.remark(`${this.file}:${this.source.line(path)}`, remark);
        values.set(flag.name, this.#flagValues(flag, given, path));
      }
    }
    return values;
  }

  #unknownFlag(path: Path, key: string, flag: Flag | undefined): void {
    if (flag !== undefined) {
      this.#problem(path, 'names another file of flags and peers; write here what is in it');
      return;
    }
    const near = this.#suggestions.near(key, flagNames());
    const hint = near === undefined ? '' : `; did you mean ${near}?`;
    this.#problem(['flags'], `there is no flag ${quoted(key)}${hint}`, this.source.line(path));
  }

  /** The texts that the command line would have had. */
  #flagValues(flag: Flag, value: unknown, path: Path): FlagValue[] {
    const mayRepeat = flag.kind === 'list' || flag.repeatable === true;
    if (mayRepeat && Array.isArray(value))
      return value.flatMap((item, i) => this.#flagValues({ ...flag, kind: 'text' }, item, [...path, i]));
    if (flag.kind === 'boolean' && typeof value !== 'boolean') {
      this.#problem(path, `${this.#shown(value, path)} is neither true nor false`);
      return [];
    }
    if (value !== null && typeof value === 'object') {
      this.#problem(path, mayRepeat ? 'is neither a text nor a list of texts' : `is not a ${flag.kind}`);
      return [];
    }
    const text = value === null ? '' : this.#textOf(value, path);
    if (text === '') {
      this.#problem(path, 'is empty; give it a value, or leave it out');
      return [];
    }
    return [{ text, where: this.#where(path) }];
  }

  #peer(value: unknown, path: Path): ConfiguredPeer[] {
    const peer = this.#map(value, path, PEER_KEYS, 'in a peer');
    if (peer.service === undefined && isMap(value)) this.#problem(path, 'needs the key service');
    const serviceAddress = this.#parsed(peer.service, [...path, 'service'], parseServiceAddress);
    const owns = this.#list(peer.owns, [...path, 'owns']).flatMap((one, i) => {
      const at = [...path, 'owns', i];
      const vip = this.#parsed(one, at, parseVip);
      return vip === undefined ? [] : [{ vip, where: () => this.#where(at) }];
    });
    const pairs =
      peer.pairs === undefined
        ? undefined
        : this.#list(peer.pairs, [...path, 'pairs']).flatMap((one, i) =>
            this.#pair(one, [...path, 'pairs', i]),
          );
    const dialect = this.#parsed(peer.dialect, [...path, 'dialect'], (text) => text);
    if (dialect !== undefined && !PEER_DIALECTS.includes(dialect))
      this.#problem([...path, 'dialect'], `${quoted(dialect)} is not one of ${PEER_DIALECTS.join(', ')}`);
    const identities = this.#identities(peer.identities, [...path, 'identities']);
    const mayRotate = this.#boolean(peer['may-rotate'], [...path, 'may-rotate']);
    const underlay = this.#underlay(peer.underlay, [...path, 'underlay']);
    if (serviceAddress === undefined) return [];
    return [
      {
        serviceAddress,
        where: () => this.#where(path),
        owns,
        ...(pairs === undefined ? {} : { pairs }),
        ...(dialect === undefined ? {} : { dialect: dialect as PeerDialect }),
        ...(identities === undefined ? {} : { identities }),
        ...(mayRotate === undefined ? {} : { mayRotate }),
        ...(underlay === undefined ? {} : { underlay }),
      },
    ];
  }

  #pair(value: unknown, path: Path): ConfiguredPair[] {
    const pair = this.#map(value, path, PAIR_KEYS, 'in a pair');
    if (pair.remote === undefined && isMap(value)) this.#problem(path, 'needs the key remote');
    const localVip = this.#parsed(pair.local, [...path, 'local'], parseNetworkIp);
    const remotes = Array.isArray(pair.remote) ? pair.remote : [pair.remote];
    return remotes.flatMap((remote, i) => {
      const at = Array.isArray(pair.remote) ? [...path, 'remote', i] : [...path, 'remote'];
      const remoteVip = this.#parsed(remote, at, parseVip);
      return remoteVip === undefined || !this.#isNewPair(localVip, remoteVip, at)
        ? []
        : [{ ...(localVip === undefined ? {} : { localVip }), remoteVip, where: () => this.#where(at) }];
    });
  }

  #isNewPair(localVip: IpAddress | undefined, remoteVip: Vip, path: Path): boolean {
    const text = vipText(remoteVip);
    if (localVip !== undefined && ipFamily(localVip) !== vipFamily(remoteVip)) {
      this.#problem(path, `${text} is not of the family of local ${localVip}`);
      return false;
    }
    const pair = `${localVip ?? ''} ${text}`;
    const first = this.#seen.get(pair);
    if (first !== undefined) {
      const what = localVip === undefined ? text : `${localVip} and ${text}`;
      this.#problem(path, `${what}: the pair is there twice (${this.#where(first)})`);
      return false;
    }
    this.#seen.set(pair, path);
    return true;
  }

  /** The names by which a peer is known. */
  #identities(value: unknown, path: Path): CertificateName[] | undefined {
    if (value === undefined) return undefined;
    const items = this.#list(value, path);
    if (Array.isArray(value) && (items.length === 0 || items.length > IDENTITIES_MAX))
      this.#problem(path, `${items.length} names; give 1 to ${IDENTITIES_MAX}, or leave it out`);
    return items.flatMap((item, i) => this.#parsed(item, [...path, i], parseIdentity) ?? []);
  }

  /** The prefixes of a peer's underlay; a few, since every address that it names is compared with all. */
  #underlay(value: unknown, path: Path): IpPrefix[] | undefined {
    if (value === undefined) return undefined;
    const items = this.#list(value, path);
    if (Array.isArray(value) && (items.length === 0 || items.length > UNDERLAY_PREFIXES_MAX)) {
      this.#problem(path, `${items.length} prefixes; give 1 to ${UNDERLAY_PREFIXES_MAX}, or leave it out`);
      return undefined;
    }
    return items.flatMap((item, i) => this.#parsed(item, [...path, i], parsePrefix) ?? []);
  }

  /** The values of the known keys; what is no map, and unknown keys, are noted. */
  #map<K extends string>(
    value: unknown,
    path: Path,
    known: readonly K[],
    where: string,
  ): Partial<Record<K, unknown>> {
    const map = this.#mapOf(value, path);
    for (const key of Object.keys(map)) {
      if (known.includes(key as K)) continue;
      const near = this.#suggestions.near(key, known);
      const hint = near === undefined ? `; known are ${known.join(', ')}` : `; did you mean ${near}?`;
      this.#problem(path, `there is no key ${quoted(key)} ${where}${hint}`, this.source.line([...path, key]));
    }
    return map as Partial<Record<K, unknown>>;
  }

  #mapOf(value: unknown, path: Path): Readonly<Record<string, unknown>> {
    if (isMap(value)) return value;
    this.#problem(path, path.length === 0 ? 'the file is not a map of flags and peers' : 'is not a map');
    return {};
  }

  #list(value: unknown, path: Path): readonly unknown[] {
    if (value === undefined) return [];
    if (Array.isArray(value)) return value;
    this.#problem(path, 'is not a list');
    return [];
  }

  #boolean(value: unknown, path: Path): boolean | undefined {
    if (value === undefined || typeof value === 'boolean') return value;
    this.#problem(path, `${this.#shown(value, path)} is neither true nor false`);
    return undefined;
  }

  #parsed<T>(value: unknown, path: Path, parse: (text: string) => T): T | undefined {
    if (value === undefined) return undefined;
    if (value === null || typeof value === 'object') {
      this.#problem(path, 'is not a text');
      return undefined;
    }
    const result = attempt(() => parse(this.#textOf(value, path)));
    if ('value' in result) return result.value;
    this.#problem(path, result.reason);
    return undefined;
  }

  /** As it is written, not as YAML understands it: 2.10 stays 2.10. */
  #textOf(value: unknown, path: Path): string {
    return typeof value === 'string' ? value : (this.source.written(path) ?? String(value));
  }

  #shown(value: unknown, path: Path): string {
    if (value === null) return 'nothing';
    if (typeof value === 'object') return Array.isArray(value) ? 'a list' : 'a map';
    return quoted(this.#textOf(value, path));
  }

  #where(path: Path): string {
    return `${this.file}:${this.source.line(path)}: ${shortened(pathText(path), FIELD_CHARACTERS_MAX)}`;
  }

  #problem(path: Path, reason: string, line = this.source.line(path)): void {
    const field = path.length === 0 ? '' : `: ${shortened(pathText(path), FIELD_CHARACTERS_MAX)}`;
    this.problems.add(`${this.file}:${line}${field}`, reason);
  }
}

/** Limit on a field's name in a problem: a key may be as long as a text. */
const FIELD_CHARACTERS_MAX = 120;

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}
