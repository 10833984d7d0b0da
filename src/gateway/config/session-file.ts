/** The session file: peers and the pairs of addresses that talk, as JSON with comments. Every error has its place. */
import type { Node } from 'jsonc-parser';
import { type IpAddress, ipFamily } from '../../packet/address.js';
import { type IpPrefix, parsePrefix } from '../../packet/prefix.js';
import { type Vip, vipFamily, vipText } from '../directory.js';
import type { ServiceAddress } from '../rpc/transport.js';
import {
  attempt,
  parseListenAddress,
  parseNetworkIp,
  parseOwnIp,
  parseServiceAddress,
  parseVip,
} from './addresses.js';
import { parseBoundedJson } from './bounded-json.js';
import type { ConfiguredPeer } from './configured-peers.js';
import { UNDERLAY_PREFIXES_MAX } from './limits.js';
import type { Problems } from './problems.js';

/** A pair, and where in the file it stands. */
export interface SessionPair {
  readonly localVip?: IpAddress;
  readonly remoteVip: Vip;
  readonly offset: number;
}

export interface SessionFile {
  readonly localServiceAddress?: ServiceAddress;
  readonly localPip?: { readonly address: IpAddress; readonly where: string };
  /** file:line:column of an offset. */
  readonly at: (offset: number) => string;
  readonly peers: readonly {
    readonly serviceAddress: ServiceAddress;
    readonly offset: number;
    readonly pairs: readonly SessionPair[];
    readonly mayRotate?: boolean;
    /** See PeerOptions. */
    readonly underlay?: readonly IpPrefix[];
  }[];
}

/** Reads a session file; notes what is wrong and leaves it out. `pairsMax` bounds how many pairs it may name. */
export function parseSessionFile(
  text: string,
  path: string,
  pairsMax: number,
  problems: Problems,
): SessionFile {
  const source = parseBoundedJson(text, path, problems);
  if (source === undefined) return { at: () => path, peers: [] };
  return new SessionFileReader(source.at, pairsMax, problems).read(source.root);
}

/** Its peers, as files of either format have them. */
export function* peersOfSessions({ peers, at }: SessionFile): Generator<ConfiguredPeer> {
  for (const { offset, pairs, ...peer } of peers)
    yield {
      ...peer,
      where: () => at(offset),
      owns: [],
      pairs: pairs.map(({ offset: ofPair, ...pair }) => ({ ...pair, where: () => at(ofPair) })),
    };
}

class SessionFileReader {
  /** Pairs, and the offsets at which they are. */
  readonly #seen = new Map<string, number>();
  #pairs = 0;
  /** The first pair that is one too many. */
  #overflow: Node | undefined;

  constructor(
    private readonly at: (offset: number) => string,
    private readonly pairsMax: number,
    private readonly problems: Problems,
  ) {}

  read(root: Node): SessionFile {
    const file = this.#object(root, 'the file', { config: false, peers: true });
    const config = this.#object(file.config, 'config', { 'local-grpc-address': false, 'local-pip': false });
    const local = this.#parsed(config['local-grpc-address'], 'local-grpc-address', parseListenAddress);
    const pipNode = config['local-pip'];
    const pip = this.#parsed(pipNode, 'local-pip', parseOwnIp);
    const peers = this.#array(file.peers, 'peers').flatMap((node) => {
      const peer = this.#object(node, 'a peer', {
        'remote-grpc-address': true,
        sessions: true,
        'may-rotate': false,
        mayRotate: false,
        underlay: false,
      });
      const serviceAddress = this.#parsed(
        peer['remote-grpc-address'],
        'remote-grpc-address',
        parseServiceAddress,
      );
      const pairs = this.#array(peer.sessions, 'sessions').flatMap((session) => this.#session(session));
      const mayRotate = this.#spelledTwice(peer, 'may-rotate', 'mayRotate', (node, what) =>
        this.#boolean(node, what),
      );
      const underlay = this.#underlay(peer.underlay);
      if (serviceAddress === undefined) return [];
      return [
        {
          serviceAddress,
          offset: node.offset,
          pairs,
          ...(mayRotate === undefined ? {} : { mayRotate }),
          ...(underlay === undefined ? {} : { underlay }),
        },
      ];
    });
    if (this.#overflow !== undefined) {
      this.#problem(
        this.#overflow,
        `${this.#pairs} sessions are listed, and ${this.pairsMax} fit; raise --max-tunnels to ${this.#pairs}, or name prefixes`,
      );
    }
    return {
      ...(local === undefined ? {} : { localServiceAddress: local }),
      ...(pip === undefined ? {} : { localPip: { address: pip, where: this.at(pipNode!.offset) } }),
      at: this.at,
      peers,
    };
  }

  /** The prefixes of a peer's underlay; a few, since every address that it names is compared with all. */
  #underlay(node: Node | undefined): IpPrefix[] | undefined {
    if (node === undefined) return undefined;
    const items = this.#array(node, 'underlay');
    if (node.type === 'array' && (items.length === 0 || items.length > UNDERLAY_PREFIXES_MAX)) {
      this.#problem(
        node,
        `underlay: ${items.length} prefixes; give 1 to ${UNDERLAY_PREFIXES_MAX}, or leave it out`,
      );
      return undefined;
    }
    return items.flatMap((item) => this.#parsed(item, 'underlay', parsePrefix) ?? []);
  }

  #session(node: Node): SessionPair[] {
    const session = this.#object(node, 'a session', { 'local-vip': false, 'remote-vips': true });
    const localVip = this.#parsed(session['local-vip'], 'local-vip', parseNetworkIp);
    return this.#array(session['remote-vips'], 'remote-vips').flatMap((vip) => {
      const remoteVip = this.#parsed(vip, 'remote-vips', parseVip);
      if (remoteVip === undefined) return [];
      const text = vipText(remoteVip);
      const pair = `${localVip ?? ''} ${text}`;
      if (localVip !== undefined && ipFamily(localVip) !== vipFamily(remoteVip)) {
        this.#problem(vip, `${text} is not of the family of local-vip ${localVip}`);
        return [];
      }
      const first = this.#seen.get(pair);
      if (first !== undefined) {
        const what = localVip === undefined ? text : `${localVip} and ${text}`;
        this.#problem(vip, `${what}: the pair is there twice (${this.at(first)})`);
        return [];
      }
      this.#seen.set(pair, vip.offset);
      if (++this.#pairs > this.pairsMax) {
        this.#overflow ??= vip;
        return [];
      }
      return [{ ...(localVip === undefined ? {} : { localVip }), remoteVip, offset: vip.offset }];
    });
  }

  #problem(node: Node, reason: string): void {
    this.problems.add(this.at(node.offset), reason);
  }

  /** An object's members by key; unknown ones and those that are missing are noted. */
  #object<K extends string>(
    node: Node | undefined,
    what: string,
    keys: Readonly<Record<K, boolean>>,
  ): Partial<Record<K, Node>> {
    if (node === undefined) return {};
    if (node.type !== 'object') {
      this.#problem(node, `${what} is not an object`);
      return {};
    }
    const members: Partial<Record<K, Node>> = {};
    for (const property of node.children ?? []) {
      const [key, value] = property.children ?? [];
      const name = key!.value as K;
      if (!Object.hasOwn(keys, name))
        this.#problem(key!, `unknown key "${name}" in ${what}; known are ${Object.keys(keys).join(', ')}`);
      else if (members[name] !== undefined) this.#problem(key!, `key "${name}" is there twice`);
      else members[name] = value!;
    }
    for (const [name, required] of Object.entries(keys) as [K, boolean][]) {
      if (required && members[name] === undefined) this.#problem(node, `${what} needs "${name}"`);
    }
    return members;
  }

  #array(node: Node | undefined, what: string): Node[] {
    if (node === undefined) return [];
    if (node.type === 'array') return node.children ?? [];
    this.#problem(node, `${what} is not a list`);
    return [];
  }

  #string(node: Node | undefined, what: string): string | undefined {
    if (node === undefined) return undefined;
    if (node.type === 'string') return node.value as string;
    this.#problem(node, `${what} is not a text`);
    return undefined;
  }

  #boolean(node: Node | undefined, what: string): boolean | undefined {
    if (node === undefined) return undefined;
    if (node.type === 'boolean') return node.value as boolean;
    this.#problem(node, `${what} is neither true nor false`);
    return undefined;
  }

  /** A key that may be written in two ways, but not in both. */
  #spelledTwice<K extends string, T>(
    members: Partial<Record<K, Node>>,
    name: K,
    otherName: K,
    read: (node: Node | undefined, what: string) => T | undefined,
  ): T | undefined {
    const other = members[otherName];
    if (members[name] === undefined) return read(other, otherName);
    if (other !== undefined) this.#problem(other, `${otherName} and ${name} are the same key`);
    return read(members[name], name);
  }

  #parsed<T>(node: Node | undefined, what: string, parse: (text: string) => T): T | undefined {
    const text = this.#string(node, what);
    if (text === undefined) return undefined;
    const result = attempt(() => parse(text));
    if ('value' in result) return result.value;
    this.#problem(node!, `${what}: ${result.reason}`);
    return undefined;
  }
}
