/**
 * Who owns an address, against a reading of the flags that looks at every prefix bit by bit; and the same peers, given as
 * flags, in tunnels files and in a session file.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ConfigError } from '../../src/gateway/config/problems.js';
import { readGatewayOptions } from '../../src/gateway/config/read-options.js';
import { countPairs, countStatic, Directory } from '../../src/gateway/directory.js';
import type { GatewayOptions, PeerOptions } from '../../src/gateway/options.js';
import { type IpAddress, ipFromOctets, parseIp } from '../../src/packet/address.js';
import { addressesOf, parseNetwork, prefixHolds, prefixSize } from '../../src/packet/prefix.js';
import { gatewayOf, problemsOf, topologyOf } from '../support/topology-text.js';

/** Few different bits, so that prefixes meet, contain each other and have common ends. */
const octetsOf = (family: 4 | 6) =>
  fc
    .tuple(fc.constantFrom(0, 1, 127, 128, 255), fc.constantFrom(0, 1, 3, 128, 254, 255))
    .map(([third, last]) =>
      family === 4
        ? Uint8Array.from([10, 0, third, last])
        : Uint8Array.from([0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, third, last]),
    );
const addresses = fc
  .constantFrom<4 | 6>(4, 6)
  .chain((family) => octetsOf(family).map((octets) => ipFromOctets(octets, 0, family)));
/** An address, or a prefix of up to 2^18 addresses, with bits behind its length or without. */
const vips = fc
  .tuple(addresses, fc.option(fc.integer({ min: 0, max: 18 }), { freq: 3 }))
  .map(([ip, bits]) => (bits === null ? ip : `${ip}/${(ip.includes(':') ? 128 : 32) - bits}`));
const owners = fc.array(fc.array(vips, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 4 });

const hostOf = (i: number) => `192.0.2.${i + 1}`;

/** Bits as text, so that a prefix is the beginning of one. */
function bitsOf(text: string): string {
  const [ip, length] = text.split('/');
  const value = ip!.includes(':')
    ? // Of the forms above: fd00::x:y or fd00::y.
      `fd00${'0'.repeat(24)}${(Number.parseInt(ip!.split(':').at(-1) || '0', 16) || 0).toString(16).padStart(4, '0')}`
    : ip!
        .split('.')
        .map((octet) => Number(octet).toString(16).padStart(2, '0'))
        .join('');
  const bits = [...value].map((digit) => Number.parseInt(digit, 16).toString(2).padStart(4, '0')).join('');
  return `${bits.length}:${bits.slice(0, length === undefined ? undefined : Number(length))}`;
}

/** The rival: the longest beginning among all that is listed; undefined for nobody, the first of those that have the same. */
function naiveOwner(lists: readonly (readonly string[])[], ip: string): number | undefined {
  const wanted = bitsOf(ip);
  let best: { owner: number; length: number } | undefined;
  lists.forEach((list, owner) => {
    for (const vip of list) {
      const bits = bitsOf(vip);
      if (wanted.startsWith(bits) && bits.length > (best?.length ?? 0)) best = { owner, length: bits.length };
    }
  });
  return best?.owner;
}

/** Whether two owners have the same prefix or address. */
function isContested(lists: readonly (readonly string[])[]): boolean {
  const owner = new Map<string, number>();
  return lists.some((list, i) =>
    list.some((vip) => {
      const bits = bitsOf(vip);
      const before = owner.get(bits) ?? i;
      owner.set(bits, before);
      return before !== i;
    }),
  );
}

type Way = (lists: readonly (readonly string[])[]) => { argv: string[]; files: Record<string, string> };
const WAYS: Record<string, Way> = {
  flags: (lists) => ({
    argv: lists.flatMap((list, i) => ['-t', `${hostOf(i)}:${list.join(',')}`]),
    files: {},
  }),
  'tunnels files': (lists) => ({
    argv: lists.flatMap((_, i) => ['-f', `f${i}`]),
    files: Object.fromEntries(lists.map((list, i) => [`f${i}`, `# peer\n${hostOf(i)}:${list.join(', ')}\n`])),
  }),
  'a session file': (lists) => ({
    argv: ['--config', 's'],
    files: {
      s: JSON.stringify({
        peers: lists.map((list, i) => ({
          'remote-grpc-address': hostOf(i),
          // What one peer has twice is a mistake there.
          sessions: [{ 'remote-vips': [...new Map(list.map((vip) => [bitsOf(vip), vip])).values()] }],
        })),
      }),
    },
  }),
};

function peersOf(
  way: Way,
  lists: readonly (readonly string[])[],
): readonly PeerOptions[] | readonly string[] {
  const { argv, files } = way(lists);
  try {
    return readGatewayOptions([...argv, '--insecure'], (path) => files[path]!).options.peers;
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

describe.each(Object.keys(WAYS))('peers given as %s', (name) => {
  test('own what the longest of their prefixes holds, and the same one twice is refused with both places', () => {
    fc.assert(
      fc.property(owners, fc.array(addresses, { minLength: 5, maxLength: 30 }), (lists, asked) => {
        const peers = peersOf(WAYS[name]!, lists);
        const isRefused = peers.some((peer) => typeof peer === 'string');
        expect(isRefused).toBe(isContested(lists));
        if (isRefused) {
          for (const problem of peers)
            expect(problem).toMatch(
              /^\S+: \S+ (belongs to 192\.0\.2\.\d:3000 already|the pair is there twice) \(\S+\)$/,
            );
          return;
        }
        const directory = new Directory(peers as readonly PeerOptions[], []);
        for (const ip of asked) {
          const owner = naiveOwner(lists, ip);
          const host = directory.ownerOf(ip)?.serviceAddress.host;
          expect(host, ip).toBe(owner === undefined ? undefined : hostOf(owner));
        }
      }),
      { numRuns: 300 },
    );
  });
});

test('an address is of a prefix when it is among its addresses, and these are as many as its size says', () => {
  fc.assert(
    fc.property(
      fc.tuple(addresses, fc.integer({ min: 0, max: 10 })),
      fc.array(addresses, { minLength: 5, maxLength: 20 }),
      ([ip, bits], asked) => {
        const prefix = parseNetwork(`${ip}/${(ip.includes(':') ? 128 : 32) - bits}`);
        const all = [...addressesOf(prefix)];
        expect(all).toHaveLength(prefixSize(prefix));
        const set = new Set(all);
        expect(set.size).toBe(all.length);
        expect(set.has(ip)).toBe(true);
        for (const one of asked) expect(prefixHolds(prefix, one)).toBe(set.has(one));
      },
    ),
    { numRuns: 100 },
  );
});

test('what is left out of a prefix is passed over whole, and the rest is there in order', () => {
  fc.assert(
    fc.property(
      fc.tuple(addresses, fc.integer({ min: 0, max: 10 })),
      fc.array(fc.tuple(addresses, fc.integer({ min: 0, max: 12 })), { maxLength: 6 }),
      ([ip, bits], blocks) => {
        const lengthOf = (of: IpAddress, behind: number) => (of.includes(':') ? 128 : 32) - behind;
        const prefix = parseNetwork(`${ip}/${lengthOf(ip, bits)}`);
        const out = blocks.map(([of, behind]) => parseNetwork(`${of}/${lengthOf(of, behind)}`));
        let asked = 0;
        const rest = addressesOf(prefix, (address) => {
          asked++;
          return out.find((block) => prefixHolds(block, address))?.bits;
        });
        const expected = [...addressesOf(prefix)].filter(
          (address) => !out.some((block) => prefixHolds(block, address)),
        );
        expect([...rest]).toEqual(expected);
        expect(asked).toBeLessThanOrEqual(expected.length + blocks.length * (blocks.length + 1));
      },
    ),
    { numRuns: 300 },
  );
});

test('prefixes that are too large to be gone through come to an end where nothing of them can be used', () => {
  const lists = [
    ['2001:db8::/32', '::/0', '0.0.0.0/0'],
    ['0.0.0.0/1', '::/1'],
    ['128.0.0.0/1', '8000::/1'],
  ];
  const peers: PeerOptions[] = lists.map((list, i) => ({
    serviceAddress: { host: parseIp(hostOf(i)), port: 3000 },
    virtualIps: [],
    virtualPrefixes: list.map(parseNetwork),
  }));
  const onlyFour = new Directory(peers, [parseIp('10.0.0.1')]);
  const first = (directory: Directory<PeerOptions>, peer: number) =>
    directory.pairsOf(peers[peer]!).next().value?.remoteVip;
  // Of the other family, or another's.
  expect([...onlyFour.pairsOf(peers[0]!)]).toEqual([]);
  expect(first(onlyFour, 2)).toBe('128.0.0.0');
  const onlySix = new Directory(peers, [parseIp('fd00::1')]);
  expect(first(onlySix, 0)).toBe('2001:db8::');
  expect(first(onlySix, 2)).toBe('8000::');
});

test('the pairs of all peers are each address of a peer once, no more than are counted, and as many where nothing overlaps', () => {
  const small = fc
    .tuple(addresses, fc.integer({ min: 0, max: 5 }))
    .map(([ip, bits]) => `${ip}/${(ip.includes(':') ? 128 : 32) - bits}`);
  const locals = fc.uniqueArray(
    addresses.map((ip) => ip.replace(/^10\./, '11.').replace(/^fd/, 'fe')),
    { maxLength: 3 },
  );
  fc.assert(
    fc.property(
      fc.array(fc.array(small, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 3 }),
      locals,
      (lists, ours) => {
        fc.pre(!isContested(lists));
        const peers = peersOf(WAYS.flags!, lists) as readonly PeerOptions[];
        const localVips = ours.map(parseIp);
        const directory = new Directory(peers, localVips);
        const expected = new Map<string, PeerOptions>();
        for (const peer of peers)
          for (const vip of [
            ...peer.virtualIps,
            ...(peer.virtualPrefixes ?? []).flatMap((one) => [...addressesOf(one)]),
          ])
            for (const local of localVips)
              if (local.includes(':') === vip.includes(':'))
                expected.set(`${local} ${vip}`, directory.ownerOf(vip)!);
        const pairs = peers.flatMap((peer) =>
          [...directory.pairsOf(peer)].map(
            ({ localVip, remoteVip }) => [`${localVip} ${remoteVip}`, peer] as const,
          ),
        );
        expect(new Map(pairs)).toEqual(expected);
        expect(pairs).toHaveLength(expected.size);
        if (localVips.length === 0) return;
        const counted = countPairs(peers, localVips);
        expect(counted).toBeGreaterThanOrEqual(pairs.length);
        expect(countStatic({ peers, staticTunnels: 'all' }, localVips)).toBe(counted);
        const first = localVips[0] as IpAddress;
        expect(countStatic({ peers, staticTunnels: first }, localVips)).toBe(countPairs(peers, [first]));
        const bits = lists.flat().map(bitsOf);
        const overlaps = bits.some((a, i) => bits.some((b, j) => i !== j && a.startsWith(b)));
        if (!overlaps) expect(counted).toBe(pairs.length);
      },
    ),
    { numRuns: 200 },
  );
});

test('pairs that name a local address have every address of their prefix that is the peer\u2019s, whatever lies between', () => {
  const locals = ['11.0.0.1', '11.0.0.2'].map(parseIp);
  // Addresses near each other, so that prefixes lie in prefixes, of the same peer and of others.
  const vips = fc
    .tuple(fc.integer({ min: 0, max: 63 }), fc.integer({ min: 26, max: 32 }))
    .map(([low, bits]) => parseNetwork(`10.0.0.${low}/${bits}`));
  const pair = fc.record({ localVip: fc.constantFrom(...locals), remoteVip: vips });
  const peersWithPairs = fc.array(fc.array(pair, { minLength: 1, maxLength: 4 }), {
    minLength: 2,
    maxLength: 4,
  });
  fc.assert(
    fc.property(peersWithPairs, (lists) => {
      // A prefix belongs to one peer.
      const holders = new Map<string, number>();
      lists.forEach((pairs, peer) => {
        for (const { remoteVip } of pairs) holders.set(remoteVip.text, holders.get(remoteVip.text) ?? peer);
      });
      fc.pre(
        lists.every((pairs, peer) => pairs.every(({ remoteVip }) => holders.get(remoteVip.text) === peer)),
      );
      const peers = lists.map((pairs) => {
        const [single, prefixes] = [true, false].map((isOne) =>
          pairs.map(({ remoteVip }) => remoteVip).filter(({ bits }) => (bits === 32) === isOne),
        );
        return {
          virtualIps: single!.map(({ text }) => parseIp(text)),
          virtualPrefixes: prefixes!,
          pairs: pairs.map(({ localVip, remoteVip }) => ({
            localVip,
            remoteVip: remoteVip.bits === 32 ? parseIp(remoteVip.text) : remoteVip,
          })),
        };
      });
      const directory = new Directory(peers, []);
      for (const peer of peers) {
        const expected = peer.pairs.flatMap(({ localVip, remoteVip }) =>
          (typeof remoteVip === 'string' ? [remoteVip] : [...addressesOf(remoteVip)])
            .filter((remote) => directory.ownerOf(remote) === peer)
            .map((remote) => `${localVip} ${remote}`),
        );
        const found = [...directory.pairsOf(peer)].map(
          ({ localVip, remoteVip }) => `${localVip} ${remoteVip}`,
        );
        expect(new Set(found)).toEqual(new Set(expected));
        if (peer.virtualPrefixes.length > 0) expect(found).toHaveLength(new Set(found).size);
      }
    }),
    { numRuns: 500 },
  );
});

test('what is said of a gateway of a topology is what a gateway says of the same flags, and both own the same', () => {
  fc.assert(
    fc.property(owners, fc.integer({ min: 1, max: 300_000 }), fc.boolean(), (lists, most, isStatic) => {
      const tunnel = lists.map((list, i) => `${hostOf(i)}:${list.join(',')}`);
      const flags = {
        tunnel,
        'max-tunnels': Math.min(most, 250_000),
        ...(isStatic ? { 'static-tunnels': '11.0.0.1' } : {}),
      };
      const text = JSON.stringify({
        name: 't',
        topology: {
          nodes: { a: { kind: 'gateway', flags, workloads: { v: ['11.0.0.1'] } }, b: { kind: 'gateway' } },
          links: [{ endpoints: ['a:p0', 'b:p0'] }],
        },
      });
      const inTopology = problemsOf(text).map((problem) =>
        problem.replace(/^t\.yaml:1: topology\.nodes\.a\.flags\.([a-z-]+):/, '--$1:'),
      );
      const file = JSON.stringify(flags);
      let alone: readonly string[] = [];
      let options: GatewayOptions | undefined;
      try {
        options = readGatewayOptions(['-j', 'f', '--insecure'], () => file).options;
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
        alone = error.problems;
      }
      expect(inTopology.length > 0, inTopology.join('\n')).toBe(alone.length > 0);
      if (options === undefined) return;
      const plan = gatewayOf(topologyOf(text), 'a').options;
      expect(plan.peers).toEqual(options.peers);
      expect(plan.maxTunnels).toBe(options.maxTunnels);
      expect(countStatic(plan, plan.localVirtualIps)).toBe(countStatic(options, [parseIp('11.0.0.1')]));
    }),
    { numRuns: 50 },
  );
});
