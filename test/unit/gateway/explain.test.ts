/** What gateways say would become of a packet: what does become of one that is sent, in every kind of tunnel. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { verdictOf } from '../../../src/gateway/explain/path-words.js';
import { parseIp } from '../../../src/packet/address.js';
import { idsOf, TestNetwork, type TestNode, vip } from '../../support/gateways.js';

let net: TestNetwork;
beforeEach(() => {
  net = new TestNetwork();
});
afterEach(() => net.stopAll());

const ICMP = { protocol: 'icmp', sourcePort: 0, destinationPort: 0 } as const;

function explain({ gateway }: TestNode, from: number, to: number, family: 4 | 6, protocol = ICMP) {
  return gateway.explain({ source: vip(from, family), destination: vip(to, family), ...protocol });
}

describe('in every kind of tunnel', () => {
  test.each([
    ['outer IPv6', {}],
    ['outer IPv4', { outerFamily: 4 as const }],
    ['cookies', { cookies: true }],
    ['PSP version 0', { pspVersion: 0 as const }],
    ['transport mode', { mode: 'transport' as const }],
    ['transport mode with cookies', { mode: 'transport' as const, cookies: true }],
    ['ingress ACL off', { ingressAcl: false }],
    ['sampling', { sampleRateLog2: 1 }],
    ['a crypt offset of 0', { cryptOffsetWords: 0 }],
  ])('%s: the first packet goes to the gateway, later ones are encrypted and let in', async (_, options) => {
    const a = await net.start(1, [2], options);
    const b = await net.start(2, [1], options);
    for (const family of [4, 6] as const) {
      const { direction, verdict, facts, steps } = await explain(a, 1, 2, family);
      expect({ direction, verdict }).toEqual({
        direction: 'out',
        verdict: 'goes to the gateway itself, where it waits until peer 10.0.0.2:3000 has given a tunnel',
      });
      expect(facts).toContain(`${vip(2, family)} belongs to peer 10.0.0.2:3000`);
      expect(facts.join()).toMatch(/there is no tunnel for this pair/);
      expect(steps.filter(({ hit, why }) => hit === 'miss' && why === '')).toEqual([]);
      expect(await explain(b, 1, 2, family)).toMatchObject({
        direction: 'in',
        verdict: expect.stringContaining('not let in'),
      });
      const pair = { localVip: vip(1, family), remoteVip: vip(2, family) };
      await Promise.all([a.gateway.connect([pair]), net.run(1000)]);
      const { egressSpi, keySlot } = a.gateway
        .view()
        .sessions.find(({ localVip }) => localVip === vip(1, family))!;
      const events = a.events.length + b.events.length;
      const selectors = [
        { pipe: 'ROOT', total: true },
        { pipe: `EGR_ACL_IPV${family}`, total: true },
      ] as const;
      const counters = await a.hal.counters(selectors);
      const out = await explain(a, 1, 2, family);
      expect(out.verdict).toContain(
        `leaves by the uplink, encrypted under SPI 0x${egressSpi!.toString(16).padStart(8, '0')} of PSP version ${'pspVersion' in options ? 0 : 1} with key slot ${keySlot}`,
      );
      expect(out.facts.join()).toContain('the tunnel is established');
      const into = await explain(b, 1, 2, family);
      expect(into.verdict).toContain('is given to the workload');
      expect(into.steps.at(-1)?.goesTo ?? '').toMatch(/workload|gateway/);
      // Nothing was sent, counted or told by that.
      expect(a.events.length + b.events.length).toBe(events);
      expect(await a.hal.counters(selectors)).toEqual(counters);
      expect(b.workload.takeSent()).toEqual([]);
    }
  });
});

test('addresses that are nobody’s are told, with the nearest that is somebody’s', async () => {
  const a = await net.start(1, [2, 3]);
  const { verdict, facts } = await a.gateway.explain({
    source: vip(1),
    destination: parseIp('192.168.1.77'),
    ...ICMP,
  });
  expect(verdict).toBe('goes to the gateway itself, which drops it: no peer owns the destination');
  expect(facts).toEqual([
    expect.stringMatching(
      /^no peer owns 192\.168\.1\.77; nearest: peer 10\.0\.0\.\d:3000 owns 192\.168\.1\.\d/,
    ),
  ]);
  expect(await explain(a, 9, 2, 4)).toMatchObject({
    direction: 'out',
    verdict: 'goes to the gateway itself, which drops it: the source is no address of ours',
    facts: expect.arrayContaining([`${vip(9)} is no address of our workload`]),
  });
});

test('a dead peer, and a tunnel that waits for it, are told with the reason and the times', async () => {
  const a = await net.start(1, [2]);
  net.send(a, 2, [1]);
  await net.run(8000);
  const { facts } = await explain(a, 1, 2, 4);
  expect(facts.join('\n')).toMatch(/peer 10\.0\.0\.2:3000 does not answer, for \d+ s: UNAVAILABLE/);
  expect(facts.join('\n')).toMatch(/exchanges for it have failed in a row/);
});

test.each([
  ['udp', 4],
  ['udp', 6],
  ['tcp', 4],
  ['tcp', 6],
] as const)('%s over IPv%i goes the same way as what is sent', async (protocol, family) => {
  const a = await net.start(1, [2]);
  const b = await net.start(2, [1]);
  net.send(a, 2, [1], family);
  await net.run(1000);
  expect(idsOf(b.workload.takeSent())).toEqual([1]);
  const question = { protocol, sourcePort: 4000, destinationPort: 443 };
  expect((await explain(a, 1, 2, family, question as never)).verdict).toContain('encrypted under SPI');
  const { verdict, facts } = await explain(b, 1, 2, family, question as never);
  expect(verdict).toBe('is given to the workload');
  // The counters were read for it.
  expect(facts.join('\n')).toMatch(/packets of the peer were last seen to be let in \d s ago/);
});

test('before the start it is refused, and says so', async () => {
  const a = await net.start(1, [2]);
  await a.gateway.stop();
  await expect(explain(a, 1, 2, 4)).rejects.toThrow(/BAD_STATE|SHUTDOWN/);
});

test.each([
  [1, '100'],
  [0, '0'],
  [0.5, '50'],
  [0.004, '0.40'],
  [0.999, '99.900'],
  [1 / 1024, '0.098'],
  [1023 / 1024, '99.902'],
  [1 - 2 ** -32, '99.999999977'],
])('a chance of %d is told as %s per cent', (probability, percent) => {
  const end = { end: 'rss' } as const;
  const condition = { of: 'random', pipe: 'EGR_SAMPL', probability } as const;
  const path = { steps: [], end: { end: 'fork', branches: [{ condition, path: { steps: [], end } }] } };
  expect(verdictOf(path as never)).toBe(
    `if chance has it in EGR_SAMPL (${percent} %): goes to the gateway itself`,
  );
});
