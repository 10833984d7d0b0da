/**
 * What test/native/leaks.test.ts and sanitizers.test.ts run: devices of hal-doca that are opened, used, used wrongly and closed.
 * Arguments: a folder for its mapping file, lines for that. The addon is the one that the environment names.
 */
import { buildPipeline } from '../../dist/gateway/pipeline/pipeline.js';
import { egressAclEntry, ingressAclEntry } from '../../dist/gateway/pipeline/pipeline-entries.js';
import { openDocaHal } from '../../dist/hal-doca/device.js';
import { PCI_ADDRESS, PORTS, startRingDevice } from './ring-device.mjs';

const DEVICES = 5;
const SESSIONS = 200;
/** Ethernet, IPv6, UDP, PSP with a cookie. */
const ENCAP_HEADER_OCTETS = 14 + 40 + 8 + 24;
const rings = startRingDevice(process.argv[2], [
  'ipv4 = 192.0.2.1',
  'ipv6 = 2001:db8::1',
  'buffers = 1024',
  'derived-keys = 256',
  ...process.argv.slice(3),
]);
const DEVICE = {
  pciAddress: PCI_ADDRESS,
  representor: 'vf0',
  rssQueues: 1,
  keySlots: 1024,
  counters: 1 << 16,
  devices: 4,
  buffers: 512,
};
const PIPELINE = {
  mode: 'tunnel',
  outerFamily: 6,
  innerFamilies: [4, 6],
  cookies: true,
  ingressAcl: true,
  sampleRateLog2: 0,
  maintainOrder: false,
  sampleBeforeEncryption: false,
  maxTunnels: SESSIONS,
  underlayMtuOctets: 1500,
  decapMacs: new Uint8Array(12),
};

const remoteVip = (i) => `10.1.${i >>> 8}.${i & 255}`;

async function life() {
  const hal = await openDocaHal(DEVICE);
  await hal.build(buildPipeline(PIPELINE));
  await refused('a second program', hal.build(buildPipeline(PIPELINE)));
  let received = 0;
  hal.onReceive((packets) => {
    received += packets.length;
  });
  const { spis, keys } = await hal.generateKeys(32, SESSIONS);
  const slots = Array.from(spis, (_, i) => ({ cryptoId: i + 1, key: keys.subarray(32 * i, 32 * i + 32) }));
  expectNone(await hal.setKeys(slots));
  const entries = Array.from(spis, (spi, i) => [
    ingressAclEntry(PIPELINE, {
      spi,
      remoteVip: remoteVip(i),
      localVip: '10.0.0.1',
      localVipId: 1,
      cookie: 1n,
      decapMacs: PIPELINE.decapMacs,
    }),
    egressAclEntry(PIPELINE, {
      localVip: '10.0.0.1',
      localVipId: 1,
      remoteVip: remoteVip(i),
      encapHeader: new Uint8Array(ENCAP_HEADER_OCTETS).fill(1),
      cryptoId: i + 1,
    }),
  ]).flat();
  const added = await hal.apply(entries);
  expectNone(added.map((result) => result.error));
  // Each of these is refused, some by the addon, some by the device.
  const again = await hal.apply(entries.slice(0, 2));
  const wrong = await hal.apply([
    { operation: 'remove', id: 12_345_678 },
    { operation: 'add', pipe: 'NO_SUCH_PIPE', entry: {} },
    { operation: 'add', pipe: 'EGR_ACL_IPV4', entry: { match: { 'outer.ip4.src_ip': new Uint8Array(3) } } },
  ]);
  for (const { error } of [...again, ...wrong])
    if (error === undefined) throw new Error('wrong, and accepted');
  const wrongKeys = await hal.setKeys([{ cryptoId: 1 << 30, key: new Uint8Array(32) }]);
  if (wrongKeys[0] === null) throw new Error('a slot that is not there was set');
  await hal.counters(added.map(({ id }) => ({ id })));
  await hal.statistics();
  rings.inject('p0v', [frame(), frame(), new Uint8Array(60)]);
  await hal.transmit([{ frame: frame(), packetMeta: 0 }]);
  rings.quiesce();
  while (received === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  await hal.rotateMasterKey();
  expectNone(
    (await hal.apply(added.slice(10).map(({ id }) => ({ operation: 'remove', id })))).map(
      ({ error }) => error,
    ),
  );
  await hal.clearKeys([1, 2, 3]);
  // With work under way.
  const late = hal.generateKeys(32, 1000).catch(() => undefined);
  rings.quiesce();
  for (const name of PORTS) rings.drain(name);
  await hal.close();
  await late;
  await refused('a closed device', hal.generateKeys(32, 1));
}

/** From an address that has no session, so that it misses. */
function frame() {
  const octets = new Uint8Array(60);
  octets.set([2, 0, 0, 0, 0, 0xd1, 2, 0, 0, 0, 0, 0xa0, 8, 0]);
  octets.set([0x45, 0, 0, 46, 0, 0, 0, 0, 64, 17, 0x65, 0xbf, 10, 0, 0, 9, 10, 1, 0, 1], 14);
  return octets;
}

function expectNone(errors) {
  const error = errors.find((one) => one !== undefined && one !== null);
  if (error !== undefined) throw error;
}

async function refused(what, promise) {
  const error = await promise.then(
    () => undefined,
    (reason) => reason,
  );
  if (error === undefined) throw new Error(`${what}: accepted`);
}

for (let i = 0; i < DEVICES; i++) await life();
process.stdout.write(`${DEVICES} devices opened and closed\n`);
