/** The session file by itself: what it says, and every mistake in it with its place. */
import { describe, expect, test } from 'vitest';
import { Problems } from '../../../../src/gateway/config/problems.js';
import { parseSessionFile } from '../../../../src/gateway/config/session-file.js';
import { vipText } from '../../../../src/gateway/directory.js';

function read(text: string, pairsMax = 100) {
  const problems = new Problems();
  const file = parseSessionFile(text, 'f', pairsMax, problems);
  return { file, problems: problems.list };
}

/** What is wrong with a text, or with an object as the first peer's. */
const problemsOf = (text: string | object, pairsMax?: number) =>
  read(typeof text === 'string' ? text : JSON.stringify({ peers: [text] }), pairsMax).problems;

const PEER = { 'remote-grpc-address': '10.0.0.1', sessions: [{ 'remote-vips': ['10.1.0.1'] }] };

describe('a session file', () => {
  test('says where to serve, what our own address is, and all of each peer', () => {
    const { file, problems } = read(`{
      "config": { "local-grpc-address": "10.0.0.9:4000", "local-pip": "192.0.2.9" }, // as in the guide
      "peers": [
        {
          "remote-grpc-address": "[fd00::1]:5000", "may-rotate": true, "underlay": ["192.0.2.0/24", "2001:db8::/64"],
          "sessions": [
            { "local-vip": "10.2.0.1", "remote-vips": ["10.1.0.1", "10.1.1.0/24"] },
            { "remote-vips": ["10.1.0.1", "fd01::1"] },
          ],
        },
        { "remote-grpc-address": "10.0.0.2", "mayRotate": false, "sessions": [] },
      ]
    }`);
    expect(problems).toEqual([]);
    expect(file.localServiceAddress).toEqual({ host: '10.0.0.9', port: 4000 });
    expect(file.localPip).toEqual({ address: '192.0.2.9', where: 'f:2:71' });
    expect(file.at(0)).toBe('f:1:1');
    const [first, second] = file.peers;
    expect(first).toMatchObject({ serviceAddress: { host: 'fd00::1', port: 5000 }, mayRotate: true });
    expect(first!.underlay!.map(({ text }) => text)).toEqual(['192.0.2.0/24', '2001:db8::/64']);
    expect(file.at(first!.offset)).toBe('f:4:9');
    expect(
      first!.pairs.map(({ localVip, remoteVip, offset }) => [localVip, vipText(remoteVip), file.at(offset)]),
    ).toEqual([
      ['10.2.0.1', '10.1.0.1', 'f:7:56'],
      ['10.2.0.1', '10.1.1.0/24', 'f:7:68'],
      [undefined, '10.1.0.1', 'f:8:31'],
      [undefined, 'fd01::1', 'f:8:43'],
    ]);
    expect(second).toEqual({
      serviceAddress: { host: '10.0.0.2', port: 3000 },
      offset: second!.offset,
      pairs: [],
      mayRotate: false,
    });
    expect(Object.keys(read('{"peers":[]}').file).sort()).toEqual(['at', 'peers']);
    expect(Object.keys(read(JSON.stringify({ peers: [PEER] })).file.peers[0]!).sort()).toEqual([
      'offset',
      'pairs',
      'serviceAddress',
    ]);
  });

  test('that is no JSON has no peers, and its place is the file', () => {
    const { file, problems } = read('{"peers": [}');
    expect(problems.length).toBeGreaterThan(0);
    expect([file.peers, file.at(3)]).toEqual([[], 'f']);
  });
});

describe('is refused, with its place', () => {
  test.each<[string, string, string[]]>([
    ['a list', '[]', ['f:1:1: the file is not an object']],
    ['a file without peers', '{}', ['f:1:1: the file needs "peers"']],
    ['peers that are no list', '{"peers":{}}', ['f:1:10: peers is not a list']],
    ['a peer that is no object', '{"peers":[1]}', ['f:1:11: a peer is not an object']],
    [
      'a peer that says nothing',
      '{"peers":[{}]}',
      ['f:1:11: a peer needs "remote-grpc-address"', 'f:1:11: a peer needs "sessions"'],
    ],
    ['a key that is there twice', '{"peers":[],\n"peers":[]}', ['f:2:1: key "peers" is there twice']],
    [
      'an unknown key of a session',
      '{"peers":[{"remote-grpc-address":"10.0.0.1","sessions":[{"remote-vips":[],\n"vips":[]}]}]}',
      ['f:2:1: unknown key "vips" in a session; known are local-vip, remote-vips'],
    ],
    [
      'a session without addresses',
      '{"peers":[{"remote-grpc-address":"10.0.0.1","sessions":[\n{}]}]}',
      ['f:2:1: a session needs "remote-vips"'],
    ],
  ])('%s', (_, text, problems) => {
    expect(problemsOf(text)).toEqual(problems);
  });

  test('an unknown key of a peer or of the file', () => {
    expect(problemsOf({ ...PEER, toString: 1 })).toEqual([
      expect.stringMatching(
        /^f:1:\d+: unknown key "toString" in a peer; known are remote-grpc-address, sessions, /,
      ),
    ]);
    expect(problemsOf('{"peers":[],"x":1}')).toEqual([
      expect.stringMatching(/^f:1:13: unknown key "x" in the file; known are .*peers/),
    ]);
  });

  test.each<[string, object, string]>([
    ['a number as an address', { 'remote-grpc-address': 1 }, 'remote-grpc-address is not a text'],
    ['what is no address', { 'remote-grpc-address': 'x' }, 'remote-grpc-address: "x" is not an IP address'],
    ['sessions that are no list', { sessions: 'x' }, 'sessions is not a list'],
    ['a session that is no object', { sessions: [[]] }, 'a session is not an object'],
    [
      'addresses that are no list',
      { sessions: [{ 'remote-vips': '10.1.0.1' }] },
      'remote-vips is not a list',
    ],
    [
      'an address that is none',
      { sessions: [{ 'remote-vips': ['x'] }] },
      'remote-vips: "x" is not an IP address',
    ],
    ['an address that is a number', { sessions: [{ 'remote-vips': [1] }] }, 'remote-vips is not a text'],
    [
      'a local address that is none',
      { sessions: [{ 'local-vip': '127.0.0.1', 'remote-vips': ['10.1.0.1'] }] },
      'local-vip: 127.0.0.1 is loopback',
    ],
    ['a right that is neither', { 'may-rotate': 1 }, 'may-rotate is neither true nor false'],
    ['the same in its other spelling', { mayRotate: 'yes' }, 'mayRotate is neither true nor false'],
    ['a right in both', { 'may-rotate': true, mayRotate: true }, 'mayRotate and may-rotate are the same key'],
    ['an underlay that is no list', { underlay: '192.0.2.0/24' }, 'underlay is not a list'],
    ['an underlay of nothing', { underlay: [] }, 'underlay: 0 prefixes; give 1 to 16, or leave it out'],
    [
      'an underlay of too much',
      { underlay: Array(17).fill('192.0.2.0/24') },
      'underlay: 17 prefixes; give 1 to 16, or leave it out',
    ],
    ['a prefix that is none', { underlay: ['192.0.2.0/33'] }, 'underlay: '],
    [
      'addresses of two families',
      { sessions: [{ 'local-vip': 'fd00::1', 'remote-vips': ['10.1.0.0/24'] }] },
      '10.1.0.0/24 is not of the family of local-vip fd00::1',
    ],
  ])('%s', (_, change, problem) => {
    const problems = problemsOf({ ...PEER, ...change });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(/^f:1:\d+: /);
    expect(problems[0]!.replace(/^f:1:\d+: /, '').slice(0, problem.length)).toBe(problem);
  });

  test('what is wrong does not keep what is right from being read', () => {
    const { file } = read(
      JSON.stringify({
        peers: [
          { ...PEER, 'remote-grpc-address': 'x' },
          { ...PEER, sessions: [{ 'remote-vips': ['x', '10.1.0.2'] }], underlay: ['x', '192.0.2.0/24'] },
          { ...PEER, underlay: Array(16).fill('192.0.2.0/24') },
          { ...PEER, underlay: [] },
        ],
      }),
    );
    expect(
      file.peers.map(({ pairs, underlay }) => [pairs.map(({ remoteVip }) => remoteVip), underlay?.length]),
    ).toEqual([
      [['10.1.0.2'], 1],
      // The pair of the first peer, whose address is wrong, is there already.
      [[], 16],
      [[], undefined],
    ]);
  });

  test('a pair that is there twice, in one peer or in two', () => {
    const sessions = (...list: object[]) => ({ ...PEER, sessions: list });
    const once = { 'local-vip': '10.2.0.1', 'remote-vips': ['10.1.0.1'] };
    const any = { 'remote-vips': ['10.1.0.1'] };
    expect(problemsOf(sessions(once, any))).toEqual([]);
    const twice = (problems: readonly string[]) => problems.map((one) => one.replace(/\d+:\d+/g, 'n'));
    expect(twice(problemsOf(sessions(once, once)))).toEqual([
      'f:n: 10.2.0.1 and 10.1.0.1: the pair is there twice (f:n)',
    ]);
    expect(twice(problemsOf(sessions(any, any)))).toEqual(['f:n: 10.1.0.1: the pair is there twice (f:n)']);
    const text =
      '{"peers":[{"remote-grpc-address":"10.0.0.1","sessions":[{"remote-vips":\n["10.1.0.1",\n"10.1.0.1"]}]}]}';
    expect(problemsOf(text)).toEqual(['f:3:1: 10.1.0.1: the pair is there twice (f:2:2)']);
  });

  test('more pairs than fit, once, with the number that is needed', () => {
    const text =
      '{"peers":[{"remote-grpc-address":"10.0.0.1","sessions":[{"remote-vips":\n["10.1.0.1",\n"10.1.0.2",\n"10.1.0.3"]}]}]}';
    expect(problemsOf(text, 3)).toEqual([]);
    const { file, problems } = read(text, 1);
    expect(problems).toEqual([
      'f:3:1: 3 sessions are listed, and 1 fit; raise --max-tunnels to 3, or name prefixes',
    ]);
    expect(file.peers[0]!.pairs).toHaveLength(1);
  });

  test('an address to serve at, and one of our own, that are none', () => {
    const config = (members: string) => problemsOf(`{"peers":[],"config":{${members}}}`);
    expect(config('"local-grpc-address":"x"')[0]).toMatch(
      /^f:1:44: local-grpc-address: "x" is not an IP address/,
    );
    expect(config('"local-pip":"224.0.0.1"')[0]).toMatch(/^f:1:35: local-pip: 224.0.0.1 is multicast/);
    expect(config('"x":1')).toEqual([
      'f:1:23: unknown key "x" in config; known are local-grpc-address, local-pip',
    ]);
    // Where one serves may be all addresses.
    expect(config('"local-grpc-address":"0.0.0.0:3000"')).toEqual([]);
  });
});
