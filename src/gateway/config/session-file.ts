/** The session file: peers and the pairs of addresses that talk, as JSON with comments. Every error has its place. */
import { type Node, type ParseError, parseTree, printParseErrorCode } from 'jsonc-parser';
import { type IpAddress, ipFamily, ipFromOctets, ipToOctets, parseIp } from '../../packet/address.js';
import type { ServiceAddress } from '../transport.js';
import { attempt, parseServiceAddress } from './addresses.js';
import { jsonProblem, type Problems } from './problems.js';

export interface SessionFile {
  readonly localServiceAddress?: ServiceAddress;
  readonly peers: readonly {
    readonly serviceAddress: ServiceAddress;
    readonly pairs: readonly { readonly localVip?: IpAddress; readonly remoteVip: IpAddress }[];
  }[];
}

/** The shortest prefix that is expanded: 65,536 addresses. */
const EXPANDED_BITS_MAX = 16;

/** Reads a session file; notes what is wrong and leaves it out. `pairsMax` bounds what prefixes expand to. */
export function parseSessionFile(
  text: string,
  path: string,
  pairsMax: number,
  problems: Problems,
): SessionFile {
  const errors: ParseError[] = [];
  const root = parseTree(text, errors, { allowTrailingComma: true });
  const at = (offset: number) => {
    const before = text.slice(0, offset).split('\n');
    return `${path}:${before.length}:${before.at(-1)!.length + 1}`;
  };
  for (const error of errors) problems.add(at(error.offset), jsonProblem(printParseErrorCode(error.error)));
  if (root === undefined || errors.length > 0) return { peers: [] };
  return new SessionFileReader(at, pairsMax, problems).read(root);
}

class SessionFileReader {
  readonly #seen = new Set<string>();
  #pairs = 0;
  #overflow = false;

  constructor(
    private readonly at: (offset: number) => string,
    private readonly pairsMax: number,
    private readonly problems: Problems,
  ) {}

  read(root: Node): SessionFile {
    const file = this.#object(root, 'the file', { config: false, peers: true });
    const config = this.#object(file.config, 'config', { 'local-grpc-address': false });
    const local = this.#service(config['local-grpc-address'], 'local-grpc-address');
    const peers = this.#array(file.peers, 'peers').flatMap((node) => {
      const peer = this.#object(node, 'a peer', { 'remote-grpc-address': true, sessions: true });
      const serviceAddress = this.#service(peer['remote-grpc-address'], 'remote-grpc-address');
      const pairs = this.#array(peer.sessions, 'sessions').flatMap((session) => this.#session(session));
      return serviceAddress === undefined ? [] : [{ serviceAddress, pairs }];
    });
    return { ...(local === undefined ? {} : { localServiceAddress: local }), peers };
  }

  #session(node: Node): { localVip?: IpAddress; remoteVip: IpAddress }[] {
    const session = this.#object(node, 'a session', { 'local-vip': false, 'remote-vips': true });
    const localVip = this.#ip(session['local-vip'], 'local-vip');
    return this.#array(session['remote-vips'], 'remote-vips').flatMap((vip) =>
      this.#addresses(vip, 'remote-vips').flatMap((remoteVip) => {
        const pair = `${localVip ?? ''} ${remoteVip}`;
        if (localVip !== undefined && ipFamily(localVip) !== ipFamily(remoteVip)) {
          this.#problem(vip, `${remoteVip} is not of the family of local-vip ${localVip}`);
          return [];
        }
        if (this.#seen.has(pair)) {
          this.#problem(
            vip,
            `${localVip === undefined ? '' : `${localVip} and `}${remoteVip}: the pair is there twice`,
          );
          return [];
        }
        this.#seen.add(pair);
        if (++this.#pairs > this.pairsMax) {
          if (!this.#overflow)
            this.#problem(vip, `more than ${this.pairsMax} sessions in all; raise --max-tunnels`);
          this.#overflow = true;
          return [];
        }
        return [localVip === undefined ? { remoteVip } : { localVip, remoteVip }];
      }),
    );
  }

  /** One address, or those of a prefix; of IPv4 prefixes without network and broadcast address. */
  #addresses(node: Node, field: string): IpAddress[] {
    const text = this.#string(node, field);
    if (text === undefined) return [];
    const [address, length, ...rest] = text.split('/');
    const parsed = attempt(() => parseIp(address!));
    if ('reason' in parsed) {
      this.#problem(node, `${field}: ${parsed.reason}`);
      return [];
    }
    if (length === undefined) return [parsed.value];
    const octets = ipToOctets(parsed.value);
    const bits = octets.length * 8;
    const prefix = /^\d{1,3}$/.test(length) && rest.length === 0 ? Number(length) : -1;
    if (prefix < bits - EXPANDED_BITS_MAX || prefix > bits) {
      this.#problem(
        node,
        `${field}: "/${length}" is not a prefix length from ${bits - EXPANDED_BITS_MAX} to ${bits}`,
      );
      return [];
    }
    const count = 2 ** (bits - prefix);
    if (this.#pairs + count - 2 > this.pairsMax && count > 2) {
      this.#problem(
        node,
        `${field}: ${text} is ${count} addresses; more than ${this.pairsMax} sessions in all; raise --max-tunnels`,
      );
      return [];
    }
    const low = ((octets.at(-2)! << 8) | octets.at(-1)!) & ~(count - 1);
    const skipEnds = octets.length === 4 && count > 2;
    const addresses: IpAddress[] = [];
    for (let i = skipEnds ? 1 : 0; i < (skipEnds ? count - 1 : count); i++) {
      octets[octets.length - 2] = (low + i) >>> 8;
      octets[octets.length - 1] = low + i;
      addresses.push(ipFromOctets(octets, 0, octets.length === 4 ? 4 : 6));
    }
    return addresses;
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
      if (!(name in keys))
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

  #service(node: Node | undefined, what: string): ServiceAddress | undefined {
    return this.#parsed(node, what, parseServiceAddress);
  }

  #ip(node: Node | undefined, what: string): IpAddress | undefined {
    return this.#parsed(node, what, parseIp);
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
