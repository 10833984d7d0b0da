/** What the admin service says of whole gateways, over simulated devices. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Peer } from '../../../src/admin/admin-api.js';
import { AdminService } from '../../../src/admin/admin-service.js';
import { durationText, peerBlocks, statusBlocks, tunnelBlocks } from '../../../src/admin/tables.js';
import { encodeKeyRotationRequest } from '../../../src/gateway/rpc/tunnel-messages.js';
import type { Scrape } from '../../../src/metrics/metric.js';
import { SESSION_METRICS } from '../../../src/metrics/session-metrics.js';
import { parseIp } from '../../../src/packet/address.js';
import { NO_ADMIN_COUNTERS } from '../../support/admin-counters.js';
import { TestNetwork, type TestNode, vip } from '../../support/gateways.js';

let net: TestNetwork;
beforeEach(() => {
  net = new TestNetwork();
});
afterEach(() => net.stopAll());

const log = {
  docaLevel: 50,
  lostLines: 0,
  setLevel(level: number) {
    log.docaLevel = level;
  },
};
const serviceOf = ({ gateway }: TestNode) =>
  new AdminService({
    gateway,
    clock: net.clock,
    version: '1.2.3',
    hasTls: true,
    log,
    reload: async () => ({ problems: ['a.yaml:1: wrong'] }),
    counters: () => ({ ...NO_ADMIN_COUNTERS, connections: 1n }),
  });
/** Its answer, which may need that of peers. */
async function statusOf(service: AdminService) {
  let answer: Awaited<ReturnType<AdminService['status']>> | undefined;
  const asked = service.status().then((status) => (answer = status));
  while (answer === undefined) await net.run(10);
  return asked;
}
const causes = async (service: AdminService) =>
  (await statusOf(service)).problems.map(({ cause, about }) => [cause, about]);

test('a gateway that is well has nothing wrong, and its numbers add up', async () => {
  const a = await net.start(1, [2], { maxTunnels: 8 });
  const service = serviceOf(a);
  const b = await net.start(2, [1]);
  await Promise.all([a.gateway.connect([{ localVip: vip(1), remoteVip: vip(2) }]), net.run(1000)]);
  net.send(b, 1, [1, 2]);
  await net.run(1000);
  const status = await statusOf(service);
  expect(status).toMatchObject({
    service: '10.0.0.1:3000',
    peers: [{ name: '10.0.0.2:3000', reach: 'answers', established: 1n, sessions: 1n }],
    sessions: [{ state: 'established', sessions: 1n }],
    sessionsMax: 8n,
    keySlots: 16n,
    keySlotsUsed: 1n,
    problems: [],
  });
  expect(status.spisGiven + status.spisLeft).toBe(2n ** 31n - 1n);
  expect(Number(status.uptimeMs)).toBeGreaterThan(1999);
  const { tunnels } = await service.listTunnels({ selection: { peer: '10.0.0.2', vip: '' }, most: 0 });
  expect(tunnels).toMatchObject([{ localVip: vip(1), remoteVip: vip(2), in: { packets: 2n }, keySlot: 1 }]);
  expect(Number(tunnels[0]!.receivedAgoMs)).toBeLessThan(5000);
  expect(service.listPeers({ peer: '' }).peers).toMatchObject([
    { identity: 'certificate for 10.0.0.2', owns: [vip(2), vip(2, 6)], ownsMore: 0n, failure: '' },
  ]);
  service.close();
});

test('of three peers the one that is dead is named, and no other', async () => {
  const a = await net.start(1, [2, 3, 4]);
  const service = serviceOf(a);
  await net.start(2, [1]);
  await net.start(4, [1]);
  for (const peer of [2, 3, 4]) net.send(a, peer, [peer]);
  await net.run(3000);
  expect(await causes(service)).toEqual([['peer-silent', '10.0.0.3:3000']]);
  expect((await statusOf(service)).problems[0]).toMatchObject({
    text: expect.stringMatching(/has not answered yet, for 3 s: UNAVAILABLE/),
    advice: expect.stringContaining('whether it runs'),
  });
  const blocks = peerBlocks(service.listPeers({ peer: '' }));
  expect(blocks.filter((block) => typeof block === 'string' && block.startsWith('!'))).toEqual([
    expect.stringContaining('10.0.0.3:3000'),
  ]);
  // It comes, and nothing is wrong any more.
  await net.start(3, [1]);
  await net.run(5000);
  expect(await causes(service)).toEqual([]);
});

test('a peer that was silent and refuses now is silent nowhere any more', async () => {
  const a = await net.start(1, [2]);
  const service = serviceOf(a);
  const told = () => {
    const scrape = { gateway: a.gateway.summary() } as Scrape;
    const metric = (name: string) => SESSION_METRICS.find((one) => one.name === name)!.read(scrape);
    const [{ summary, silentForMs }] = service.listPeers({ peer: '' }).peers as [Peer];
    return {
      reach: summary!.reach,
      isSilent: silentForMs !== undefined,
      peers: metric('psp_gateway_peers'),
      up: metric('psp_gateway_peer_up'),
    };
  };
  const states = (answering: number, silent: number) => [
    [answering, 'answering'],
    [silent, 'silent'],
    [0, 'unknown'],
  ];
  net.send(a, 2, [1]);
  await net.run(1000);
  expect(told()).toEqual({
    reach: 'silent',
    isSilent: true,
    peers: states(0, 1),
    up: [[0, '10.0.0.2:3000']],
  });
  // It comes, and does not know us. It is told of our start much later, and does not call us.
  await net.start(2, []);
  net.send(a, 2, [1]);
  await net.run(2000);
  expect(told()).toEqual({
    reach: 'refuses',
    isSilent: false,
    peers: states(1, 0),
    up: [[1, '10.0.0.2:3000']],
  });
  expect(await causes(service)).toEqual([['peer-refuses', '10.0.0.2:3000']]);
});

test('a peer that was only told of our start is silent for a reason as well', async () => {
  const a = await net.start(1, [2]);
  const service = serviceOf(a);
  await net.run(10_000);
  expect((await statusOf(service)).problems).toMatchObject([
    { cause: 'peer-silent', text: expect.stringContaining('UNAVAILABLE') },
  ]);
});

test('peers that do not fit are told by both ends, each naming the other and the reason', async () => {
  const a = await net.start(1, [2], { cookies: true });
  const b = await net.start(2, [1]);
  const [here, there] = [serviceOf(a), serviceOf(b)];
  net.send(a, 2, [1]);
  await net.run(2000);
  expect(await causes(here)).toEqual([['peer-refuses', '10.0.0.2:3000']]);
  expect((await statusOf(here)).problems[0]!.text).toContain('runs without cookies');
  expect(await causes(there)).toEqual([['request-refused', expect.stringContaining('10.0.0.1')]]);
  expect((await statusOf(there)).problems[0]!.text).toContain('runs without cookies');
});

test('peers have the names that prove who they are, and what they were refused', async () => {
  const identities = [
    { type: 'uri', value: 'spiffe://example.org/gateway/2' },
    { type: 'dns', value: 'gw2.example.org' },
  ] as const;
  const [two, three] = [2, 3].map((number) => ({
    serviceAddress: { host: parseIp(`10.0.0.${number}`), port: 3000 },
    virtualIps: [vip(number)],
  }));
  const a = await net.start(1, [], {
    peers: [
      { ...two!, mayRotate: false },
      { ...three!, identities },
    ],
  });
  const service = serviceOf(a);
  const rows = () =>
    (peerBlocks(service.listPeers({ peer: '' }))[0] as string[][]).slice(1).map((row) => [row[1], row[6]]);
  const names = 'certificate for spiffe://example.org/gateway/2, gw2.example.org';
  expect(rows()).toEqual([
    ['certificate for 10.0.0.2', '0'],
    [names, '0'],
  ]);
  const text = async () =>
    statusBlocks(await statusOf(service))
      .flat(2)
      .join('\n');
  expect(await text()).not.toContain('requests of peers');
  const asked = net.network
    .transport(two!.serviceAddress)
    .call(a.service, 'RequestKeyRotation', encodeKeyRotationRequest(1n, false), { deadlineMs: 1000 });
  await Promise.all([expect(asked).rejects.toMatchObject({ code: 'PERMISSION_DENIED' }), net.run(100)]);
  expect(rows()[0]).toEqual(['certificate for 10.0.0.2', '1 (rotations: 1)']);
  expect(await text()).toContain('1 requests of peers, 1 of them for rotations');
  expect(await causes(service)).toContainEqual(['rotation-refused', '10.0.0.2:3000']);
});

test('packets that nobody takes are told with both addresses, for a minute', async () => {
  const a = await net.start(1, [2]);
  const service = serviceOf(a);
  await net.start(2, [1]);
  net.send(a, 77, [1, 2, 3]);
  await net.run(1000);
  expect(await causes(service)).toEqual([['no-peer-for-packets', vip(77)]]);
  expect((await statusOf(service)).problems[0]!.text).toContain('3 of late: no peer owns the destination');
  await net.run(61_000);
  expect(await causes(service)).toEqual([]);
});

test('ports and a full table are told', async () => {
  const a = await net.start(1, [2, 3], {
    maxTunnels: 1,
    ports: () => [{ name: 'p0', state: 'gone' }],
  });
  const service = serviceOf(a);
  await net.start(2, [1]);
  await Promise.all([a.gateway.connect([{ localVip: vip(1), remoteVip: vip(2) }]), net.run(1000)]);
  expect((await causes(service)).filter(([cause]) => cause !== 'peer-silent')).toEqual([
    ['port-gone', 'p0'],
    ['table-full', ''],
  ]);
  expect((await statusOf(service)).device!.ports).toContainEqual(
    expect.objectContaining({ name: 'p0', link: 'gone', mtuOctets: 0 }),
  );
});

test('tunnels are removed and re-keyed as chosen, and never all of them by a slip', async () => {
  const a = await net.start(1, [2, 3]);
  const service = serviceOf(a);
  for (const number of [2, 3]) await net.start(number, [1]);
  const pairs = [2, 3].map((number) => ({ localVip: vip(1), remoteVip: vip(number) }));
  await Promise.all([a.gateway.connect(pairs), net.run(1000)]);
  const to = (peer: string, all = false) => ({ selection: { peer, vip: '' }, all });
  await expect(service.removeTunnels(to(''))).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  await expect(service.rekeyTunnels(to(''))).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  await expect(service.removeTunnels(to('10.0.0.9'))).rejects.toMatchObject({ code: 'NOT_FOUND' });
  const spiOf = (number: number) =>
    a.gateway.view().sessions.find(({ remoteVip }) => remoteVip === vip(number))?.egressSpi;
  const before = [spiOf(2), spiOf(3)];
  const [rekeyed] = await Promise.all([service.rekeyTunnels(to('10.0.0.3')), net.run(2000)]);
  expect(rekeyed).toEqual({ tunnels: 1n, done: true });
  expect(spiOf(2)).toBe(before[0]);
  expect(spiOf(3)).not.toBe(before[1]);
  const [removed] = await Promise.all([service.removeTunnels(to('10.0.0.2')), net.run(100)]);
  expect(removed).toEqual({ tunnels: 1n, done: true });
  expect(a.gateway.view()).toMatchObject({ sessions: [{ remoteVip: vip(3) }], keySlotsUsed: 1 });
  // A peer that does not answer does not hold up the answer.
  await net.nodes.get(3)!.gateway.stop();
  const [late] = await Promise.all([service.rekeyTunnels(to('', true)), net.run(6000)]);
  expect(late).toEqual({ tunnels: 1n, done: false });
});

test('a rotation is begun and seen to happen; log levels are those that there are', async () => {
  const a = await net.start(1, [2]);
  const service = serviceOf(a);
  await net.start(2, [1]);
  expect(service.rotate()).toEqual({ rotations: 0n });
  await net.run(1000);
  expect((await statusOf(service)).rotations).toBe(1n);
  expect(service.setLogLevel({ level: undefined })).toEqual({ level: 50 });
  expect(service.setLogLevel({ level: 70 })).toEqual({ level: 70 });
  expect(log.docaLevel).toBe(70);
  expect(() => service.setLogLevel({ level: 55 })).toThrow(/is not one of 10, 20/);
});

test('that payload is readable, and who was refused for a version, stands in status, tunnels and diagnosis', async () => {
  const text = async (service: AdminService) =>
    statusBlocks(await statusOf(service))
      .flat(2)
      .join('\n');
  const a = await net.start(1, [2], { pspVersion: 3 });
  const encrypting = await net.start(3, [2]);
  const b = await net.start(2, [1, 3], { pspVersion: 2 });
  net.send(a, 2, [1]);
  net.send(b, 3, [2]);
  await net.run(200);
  const service = serviceOf(a);
  expect(await text(service)).toContain('READABLE in 1 tunnels: AES-GMAC does not encrypt');
  expect(await causes(service)).toContainEqual(['payload-readable', '']);
  const listed = await service.listTunnels({ selection: undefined, most: 0 });
  expect(listed.tunnels).toMatchObject([{ readable: true }]);
  expect(tunnelBlocks(listed).flat(2)).toContain('established, readable');
  const refusing = await text(serviceOf(encrypting));
  expect(refusing).toMatch(/[1-9]\d* requests and answers of peers, for their PSP version/);
  expect(refusing).not.toContain('READABLE');
});

test('tables show what is not known as such, and durations in their largest two units', async () => {
  const a = await net.start(1, [2]);
  const service = serviceOf(a);
  net.send(a, 2, [1]);
  await net.run(200);
  const [rows] = tunnelBlocks(await service.listTunnels({ selection: undefined, most: 0 }));
  expect(rows![0]).toHaveLength((rows as unknown[][])[1]!.length);
  expect((rows as unknown[][])[1]).toContain('-');
  expect(
    statusBlocks(await statusOf(service))
      .flat(2)
      .join(' '),
  ).toContain('room for 256');
  expect([0n, 999n, 1000n, 61_000n, 3_600_000n, 90_061_000n].map(durationText)).toEqual([
    '0 ms',
    '999 ms',
    '1 s',
    '1 min 1 s',
    '1 h',
    '1 d 1 h',
  ]);
});
