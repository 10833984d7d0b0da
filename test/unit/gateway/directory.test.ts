/** How many tunnels a configuration names: what limits are made of before anything is known of the network. */
import { describe, expect, test } from 'vitest';
import {
  type AddressOwner,
  countPairs,
  countStatic,
  Directory,
  vipText,
} from '../../../src/gateway/directory.js';
import { parseIp } from '../../../src/packet/address.js';
import { parsePrefix } from '../../../src/packet/prefix.js';

const [ours, other, six] = ['10.0.0.1', '10.0.0.2', 'fd00::1'].map(parseIp) as [never, never, never];
const owner = (virtualIps: string[], prefixes: string[] = []): AddressOwner => ({
  virtualIps: virtualIps.map(parseIp),
  virtualPrefixes: prefixes.map(parsePrefix),
});
const [three, theirSix, prefix] = [
  owner(['10.1.0.1', '10.1.0.2', '10.1.0.3']),
  owner(['10.1.0.9', 'fd01::1']),
  owner([], ['10.2.0.0/29', 'fd02::/126']),
];
/** From a file of sessions. */
const paired: AddressOwner = {
  virtualIps: ['10.3.0.1', '10.3.0.2'].map(parseIp),
  pairs: [
    { localVip: other, remoteVip: parseIp('10.3.0.1') },
    { remoteVip: parseIp('10.3.0.2') },
    { localVip: other, remoteVip: parsePrefix('10.3.1.0/30') },
  ],
};

describe('pairs that a configuration names', () => {
  test('are of each local address with each of a peer, within a family', () => {
    expect(countPairs([three, theirSix], [ours, other])).toBe(2 * 4);
    expect(countPairs([three, theirSix], [ours, six])).toBe(4 + 1);
    expect(countPairs([prefix], [ours, other, six])).toBe(2 * 8 + 4);
    expect(countPairs([], [ours])).toBe(0);
  });

  test('are counted for one local address of each family as long as none is known', () => {
    expect(countPairs([three, theirSix, prefix], [])).toBe(3 + 2 + 8 + 4);
  });

  test('have the local address that a file of sessions gives, which is one of ours from then on', () => {
    expect(countPairs([paired], [ours])).toBe(1 + 2 + 4);
    expect(countPairs([paired], [])).toBe(1 + 1 + 4);
    expect(countPairs([paired, three], [])).toBe(6 + 3);
    expect([...new Directory([paired], [ours]).localVips].sort()).toEqual([ours, other]);
  });
});

describe('static tunnels', () => {
  const peers = [three, theirSix, paired];

  test('are none where none are asked for', () => {
    expect(countStatic({ peers }, [ours])).toBe(0);
  });

  test('are all pairs, or those of one address and those that a file of sessions names', () => {
    expect(countStatic({ peers, staticTunnels: 'all' }, [ours])).toBe(countPairs(peers, [ours]));
    // The others from the address alone; of the file one pair is from any local address: ours, the other one, and that.
    expect(countStatic({ peers, staticTunnels: ours }, [ours])).toBe(4 + 1 + 2 + 4);
    const another = parseIp('10.0.0.7');
    expect(countStatic({ peers, staticTunnels: another }, [ours])).toBe(4 + 1 + 3 + 4);
    expect(countStatic({ peers, staticTunnels: six }, [ours])).toBe(1 + 1 + 2 + 4);
  });
});

test('a virtual address or prefix has its text', () => {
  expect([ours, parsePrefix('10.2.0.0/29')].map(vipText)).toEqual(['10.0.0.1', '10.2.0.0/29']);
});
