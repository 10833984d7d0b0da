import { X509Certificate } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { parseServiceAddress } from '../../../src/gateway/config/addresses.js';
import type { PeerOptions } from '../../../src/gateway/options.js';
import { Peers } from '../../../src/gateway/peers.js';
import { createThrowAwayAuthority } from '../../../src/gateway/rpc/certificates.js';
import { certificateNames, serverIdentityProblem } from '../../../src/gateway/rpc/grpc-tls.js';
import type { CallerIdentity } from '../../../src/gateway/rpc/transport.js';
import { type IpAddress, parseIp } from '../../../src/packet/address.js';
import { peersAt } from '../../support/doorkeepers.js';
import { TEST_BUDGETS } from '../../support/peers.js';

const PEER = '127.0.0.3';

async function certificate(
  commonName: string,
  ips: string[],
  dnsNames: string[] = [],
): Promise<X509Certificate> {
  const authority = await createThrowAwayAuthority();
  const issued = await authority.issue({ commonName, ips: ips.map(parseIp), dnsNames });
  return new X509Certificate(issued.certificatePem);
}

const withCertificate = (one: X509Certificate, source = '192.0.2.1'): CallerIdentity => ({
  authenticated: true,
  names: certificateNames(one),
  source: parseIp(source),
  from: `${source}:1`,
});

const without = (source: string | undefined): CallerIdentity => ({
  authenticated: false,
  names: [],
  source: source === undefined ? undefined : parseIp(source),
  from: 'x',
});

/** Who a caller is taken for: by itself, and claiming the peer's virtual address. */
function outcomes(caller: CallerIdentity, hosts = [PEER]): string[] {
  const peers = peersAt(...hosts);
  return [
    () => peers.admit(caller),
    () => peers.identify(caller).name,
    () => peers.identify(caller, parseIp('10.1.0.1')).name,
  ].map((one) => {
    try {
      return one();
    } catch (error) {
      return (error as { code: string }).code;
    }
  });
}
const THE_PEER = [PEER, `${PEER}:3000`, `${PEER}:3000`];
const NOBODY = ['PERMISSION_DENIED', 'PERMISSION_DENIED', 'PERMISSION_DENIED'];

describe('names of a certificate are compared by their type', () => {
  const CASES: readonly (readonly [string, string, string[], string[], boolean])[] = [
    ['the address as an address', 'x', [PEER], [], true],
    ['the address among others', 'x', ['10.9.9.9', PEER], ['other.example'], true],
    ['the address as a DNS name', 'x', ['10.9.9.9'], [PEER], false],
    ['the address as a DNS name and nothing else', 'x', [], [PEER], false],
    ['the address as the common name', PEER, ['10.9.9.9'], [], false],
    ['the address as the common name and nothing else', PEER, [], ['x.example'], false],
    ['a list of names in a DNS name', 'x', ['10.9.9.9'], [`a, IP Address:${PEER}, b`], false],
    ['the address mapped into IPv6', 'x', [`::ffff:${PEER}`], [], false],
    ['a DNS name with a dot at its end', 'x', ['10.9.9.9'], [`${PEER}.`], false],
  ];
  test.each(CASES)('%s', async (_, commonName, ips, dnsNames, isPeer) => {
    const one = await certificate(commonName, ips, dnsNames);
    expect(outcomes(withCertificate(one))).toEqual(isPeer ? THE_PEER : NOBODY);
    // The calling end believes a server by the same rule.
    expect(serverIdentityProblem(parseIp(PEER), undefined, one.raw) === undefined).toBe(isPeer);
  });

  test('an IPv6 address is the same in all of its spellings', async () => {
    const one = await certificate('x', ['2001:DB8:0::00a']);
    expect(outcomes(withCertificate(one), ['2001:db8::a'])[0]).toBe('2001:db8::a');
    expect(serverIdentityProblem(parseIp('2001:db8::a'), undefined, one.raw)).toBeUndefined();
    expect(serverIdentityProblem(parseIp('2001:db8::b'), undefined, one.raw)).toBeDefined();
  });

  test('a certificate counts, not where its holder calls from', async () => {
    const one = await certificate('x', ['10.9.9.9']);
    expect(outcomes(withCertificate(one, PEER))).toEqual(NOBODY);
  });

  test('a refusal names what it was given, and not without end', async () => {
    const names = Array.from({ length: 100 }, (_, i) => `n${i}.example`);
    const caller = withCertificate(await certificate('x', [], names));
    expect(() => peersAt(PEER).identify(caller)).toThrow(
      /named dns:n0\.example, .*dns:n7\.example, 92 more$/,
    );
  });
});

describe('without certificates a caller is the peer at its source address', () => {
  test('and nobody from elsewhere, or from nowhere', () => {
    expect(outcomes(without(PEER))).toEqual(THE_PEER);
    expect(outcomes(without('127.0.0.4'))).toEqual(NOBODY);
    expect(outcomes(without('2001:db8::1'))).toEqual(NOBODY);
    expect(outcomes(without(undefined))).toEqual(NOBODY);
  });

  test('a virtual address is its owner’s alone', () => {
    const peers = peersAt('10.0.0.2', '10.0.0.3');
    expect(peers.identify(without('10.0.0.3'), parseIp('10.1.0.2')).name).toBe('10.0.0.3:3001');
    expect(() => peers.identify(without('10.0.0.3'), parseIp('10.1.0.1'))).toThrow(/does not belong to/);
    expect(() => peers.identify(without('10.0.0.3'), parseIp('10.1.0.77'))).toThrow(/does not belong to/);
  });
});

test('peers that share an address are one party, with the room of as many', () => {
  const peers = peersAt('10.0.0.2', '10.0.0.2', '10.0.0.3');
  expect(['10.0.0.2', '10.0.0.3', '10.0.0.4'].map((host) => peers.peersAt(parseIp(host)))).toEqual([2, 1, 0]);
  expect(peers.identify(without('10.0.0.2'), parseIp('10.1.0.1')).name).toBe('10.0.0.2:3000');
  expect(peers.identify(without('10.0.0.2'), parseIp('10.1.0.2')).name).toBe('10.0.0.2:3001');
});

test('a service address that is IPv4 in IPv6 is the IPv4 address, as it is on the wire', () => {
  const host = (text: string): IpAddress => parseServiceAddress(text).host;
  expect(['[::ffff:10.0.0.2]:3000', '::ffff:a00:2', '[::FFFF:0a00:0002]', '10.0.0.2:3000'].map(host)).toEqual(
    Array(4).fill('10.0.0.2'),
  );
  expect(host('[::ffff:0:1]:3000')).toBe('0.0.0.1');
  expect(host('::1')).toBe('::1');
  expect(host('::ffff:0:a00:2')).toBe('::ffff:0:a00:2');
});

test('a service is that of the caller that serves at the port, or the only one that it may be', () => {
  const peers = peersAt('10.0.0.2', '10.0.0.2', '10.0.0.3');
  const nameOf = (host: string, port: number) => peers.identifyService(without(host), port).name;
  expect(nameOf('10.0.0.2', 3001)).toBe('10.0.0.2:3001');
  expect(nameOf('10.0.0.3', 3002)).toBe('10.0.0.3:3002');
  // As through a relay, whose port is another one.
  expect(nameOf('10.0.0.3', 3999)).toBe('10.0.0.3:3002');
  expect(() => nameOf('10.0.0.2', 3002)).toThrow(
    /^PERMISSION_DENIED: port 3002: none of the 2 configured peers that are at 10\.0\.0\.2 serves there/,
  );
  expect(() => nameOf('10.0.0.4', 3000)).toThrow(/^PERMISSION_DENIED/);
});

test('who has a certificate of two peers is the one at whose address it is, and else neither', () => {
  const peers = new Peers({
    peers: ['10.0.0.2', '10.0.0.3'].map((host, i) => ({
      serviceAddress: { host: parseIp(host), port: 3000 },
      virtualIps: [parseIp(`10.1.0.${i + 1}`)],
    })),
    localVips: [],
    budgets: TEST_BUDGETS,
    mayRotate: true,
    nowMs: () => 0,
  });
  const names = ['10.0.0.2', '10.0.0.3', '10.0.0.2'].map((host) => ({
    type: 'ip' as const,
    value: parseIp(host),
  }));
  const nameOf = (source: string, port = 3000) =>
    peers.identifyService({ authenticated: true, names, source: parseIp(source), from: 'x' }, port).name;
  expect(['10.0.0.2', '10.0.0.3'].map((source) => nameOf(source))).toEqual([
    '10.0.0.2:3000',
    '10.0.0.3:3000',
  ]);
  expect(nameOf('10.0.0.3', 3999)).toBe('10.0.0.3:3000');
  expect(() => nameOf('10.0.0.4')).toThrow(/^PERMISSION_DENIED: port 3000/);
});

test('a refusal says where a caller without a certificate is, and of one with names which', async () => {
  const peers = peersAt(PEER);
  expect(() => peers.identify(without('10.0.0.9'))).toThrow(/no configured peer is at 10\.0\.0\.9$/);
  expect(() => peers.identify(without(undefined))).toThrow(/is at an address of its own$/);
  const two = withCertificate(await certificate('x', [], ['a.example', 'b.example']));
  expect(() => peers.identify(two)).toThrow(/named dns:a\.example, dns:b\.example$/);
  const none = { ...without(undefined), authenticated: true };
  expect(() => peers.identify(none)).toThrow(/named so: the certificate names nobody$/);
});

test('pairs of addresses with a peer are as many as are asked for', () => {
  const peers = peersAt(PEER);
  const [peer] = peers.all;
  const ours = ['192.168.1.1', '192.168.1.2', '192.168.1.3'].map((ip) => parseIp(ip));
  expect(peers.pairsOf(peer!, 2, ours)).toHaveLength(2);
  expect(peers.pairsOf(peer!, 3, ours)).toHaveLength(3);
  expect(peers.pairsOf(peer!, 99, ours)).toHaveLength(3 * peer!.virtualIps.length);
});

describe('a peer with identities', () => {
  const ID = 'spiffe://example.org/gateway/3';
  /** Peers at PEER and at 127.0.0.4, the first with identities; the second is told by its address. */
  const directory = (identities: PeerOptions['identities']) =>
    new Peers({
      peers: [
        {
          serviceAddress: { host: parseIp(PEER), port: 3000 },
          virtualIps: [parseIp('10.1.0.1')],
          ...(identities === undefined ? {} : { identities }),
        },
        { serviceAddress: { host: parseIp('127.0.0.4'), port: 3000 }, virtualIps: [parseIp('10.1.0.2')] },
      ],
      localVips: [parseIp('10.0.0.1')],
      budgets: TEST_BUDGETS,
      mayRotate: true,
      nowMs: () => 0,
    });
  const THREE = directory([
    { type: 'uri', value: ID },
    { type: 'dns', value: 'gw3.example.org' },
  ]);

  /** Which of the peers' addresses somebody with this certificate may ask for, at once or as a server. */
  async function mayHave(names: { ips?: string[]; dns?: string[]; uris?: string[] }, peers = THREE) {
    const authority = await createThrowAwayAuthority();
    const { ips = [], dns = [], uris = [] } = names;
    const issued = await authority.issue({ commonName: ID, ips: ips.map(parseIp), dnsNames: dns, uris });
    const one = new X509Certificate(issued.certificatePem);
    // From the peer's own address: that proves nothing.
    const caller = withCertificate(one, PEER);
    const owned = ['10.1.0.1', '10.1.0.2'].filter((vip) => {
      try {
        return peers.identify(caller, parseIp(vip)).virtualIps.includes(parseIp(vip));
      } catch (error) {
        expect(error).toMatchObject({ code: 'PERMISSION_DENIED' });
        return false;
      }
    });
    const { identities } = peers.all[0]!;
    const serves = serverIdentityProblem(parseIp(PEER), identities, one.raw) === undefined;
    expect(serves).toBe(owned.includes('10.1.0.1'));
    return owned;
  }

  test('is told by any of them, and has what it owns and nothing else', async () => {
    expect(await mayHave({ uris: [ID] })).toEqual(['10.1.0.1']);
    expect(await mayHave({ dns: ['GW3.example.org'] })).toEqual(['10.1.0.1']);
    expect(await mayHave({ uris: [ID], ips: ['192.0.2.9'] })).toEqual(['10.1.0.1']);
  });

  test('is nobody with a certificate of another name, were it that of its own address', async () => {
    expect(await mayHave({ ips: [PEER] })).toEqual([]);
    expect(await mayHave({ ips: ['127.0.0.4'] })).toEqual(['10.1.0.2']);
    expect(await mayHave({ uris: ['spiffe://example.org/gateway/4'] })).toEqual([]);
    expect(await mayHave({})).toEqual([]);
  });

  test.each<[string, { ips?: string[]; dns?: string[]; uris?: string[] }]>([
    ['the ID as a DNS name', { dns: [ID] }],
    ['the DNS name as a URI', { uris: ['gw3.example.org'] }],
    ['the ID in other letters', { uris: ['spiffe://Example.org/gateway/3'] }],
    ['the ID in other words', { uris: [`${ID}/`] }],
    ['with an octet escaped', { uris: ['spiffe://example.org/gateway/%33'] }],
    ['with a way round', { uris: ['spiffe://example.org/gateway/x/../3'] }],
    ['with a query', { uris: [`${ID}?`] }],
    ['behind a NUL', { uris: [`${ID}\0x`], dns: ['gw3.example.org\0.evil.example'] }],
    ['in a list in a name', { dns: [`x, URI:${ID}`, 'x, DNS:gw3.example.org'] }],
    ['a wildcard', { dns: ['*.example.org'] }],
    ['other scripts that look like it', { dns: ['xn--gw-3ja.example.org'] }],
    ['beside another ID, of which a certificate has one', { uris: [ID, 'spiffe://example.org/gateway/9'] }],
  ])('is not told by %s', async (_, names) => {
    expect(await mayHave(names)).toEqual([]);
  });

  test('and another one are both whoever has the names of both', async () => {
    expect(await mayHave({ uris: [ID], ips: ['127.0.0.4'] })).toEqual(['10.1.0.1', '10.1.0.2']);
  });

  test('is nobody any more where the names are others', async () => {
    expect(await mayHave({ uris: [ID] }, directory([{ type: 'uri', value: `${ID}0` }]))).toEqual([]);
    expect(await mayHave({ uris: [ID] }, directory(undefined))).toEqual([]);
    expect(await mayHave({ ips: [PEER] }, directory(undefined))).toEqual(['10.1.0.1']);
  });

  test('is not told by the address that it calls from, nor is another service at its address', () => {
    expect(() => THREE.admit(without(PEER))).toThrow(/no configured peer/);
    const shared = new Peers({
      peers: [3000, 3001].map((port, i) => ({
        serviceAddress: { host: parseIp(PEER), port },
        virtualIps: [parseIp(`10.1.0.${i + 1}`)],
        identities: [{ type: 'dns' as const, value: `gw${i}.example.org` }],
      })),
      localVips: [],
      budgets: TEST_BUDGETS,
      mayRotate: true,
      nowMs: () => 0,
    });
    const caller: CallerIdentity = {
      authenticated: true,
      names: [{ type: 'dns', value: 'gw1.example.org' }],
      source: parseIp(PEER),
      from: 'x',
    };
    expect(shared.identify(caller).serviceAddress.port).toBe(3001);
    expect(shared.identifyService(caller, 3000).serviceAddress.port).toBe(3001);
    expect(() => shared.identify(caller, parseIp('10.1.0.1'))).toThrow(/does not belong/);
  });
});

test('what peers prove when we call them is what the configuration says now', () => {
  const identities = [{ type: 'dns' as const, value: 'a.example' }];
  const at = { host: parseIp(PEER), port: 3000 };
  const peers = peersAt(PEER);
  expect(peers.identitiesOf(at)).toBeUndefined();
  const [before] = peers.all;
  peers.reconfigure([{ serviceAddress: at, virtualIps: [], identities }], TEST_BUDGETS);
  expect(peers.identitiesOf(at)).toEqual(identities);
  expect(peers.identitiesOf({ ...at, port: 1 })).toBeUndefined();
  expect(peers.all[0]).not.toBe(before);
});
