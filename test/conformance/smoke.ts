/**
 * A gateway's program over a release of the software DOCA that no long test runs over: whatever differs between the releases is
 * used once. How each release sets a device up the test over it says.
 */
import { describe, expect, test } from 'vitest';
import { UPLINK_PORT, VF_PORT } from '../../src/hal/program.js';
import { DOMAINS } from '../../src/hal-doca/native.js';
import { type IpAddress, ipFromOctets, parseIp } from '../../src/packet/address.js';
import { buildIpv4Packet, PROTOCOL_UDP } from '../../src/packet/ipv4.js';
import { pspHeaderLengthOctets } from '../../src/psp/header.js';
import { gatewayPipeline, openGatewayRig } from '../../src/verify/gateway-pipeline.js';
import type { HalUnderTest } from '../../src/verify/harness.js';
import { V1, V2 } from '../../src/verify/inner-packets.js';
import { COUNTERS, install, RIG_DEFAULTS } from '../../src/verify/rig.js';
import { type DocaRelease, openDocaHarness, startRings } from '../support/doca-harness.js';
import { describeOnDoca } from '../support/on-doca.js';
import { referenceCases, toHex } from '../support/reference-vectors.js';
import { describeExtension } from './extension.js';

const RSS_QUEUES = 2;
/** Enough for some to be sampled, and some not. */
const PACKETS = 24;
const KEY_OCTETS = 32;
const EXTENSION_RUNS = 3;
/** A representor before the device's own in the mapping file: which one is meant the device has to say. */
const OTHER_REPRESENTOR = ['[representor vf7]', 'port = net_null7,no-rx=1'];

function datagram(source: IpAddress, destination: IpAddress, number: number): Uint8Array {
  const payload = Uint8Array.from([
    0x30,
    number,
    0x13,
    0x88,
    0,
    24,
    0,
    0,
    ...new Uint8Array(16).fill(number),
  ]);
  const addresses = { source: source as never, destination: destination as never };
  return Uint8Array.from([
    ...[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0],
    ...buildIpv4Packet({ ...addresses, protocol: PROTOCOL_UDP, ttl: 64, payload, dontFragment: true }),
  ]);
}

/** `setUp`: what a device shows of how the addon has set it up. */
export function describeSmoke(
  release: DocaRelease,
  setUp: { readonly defaultRss: readonly number[]; readonly egressRoot: keyof typeof DOMAINS },
): void {
  describeOnDoca(release, (implementation) => {
    const withOther: HalUnderTest = {
      ...implementation,
      open: (options) => openDocaHarness(release, { ...options, randomSeed: 1, mapping: OTHER_REPRESENTOR }),
    };
    describeExtension(implementation, EXTENSION_RUNS);
    describe(`${implementation.name}, under the gateway's pipeline`, () => {
      test('a device is set up as NVIDIA’s own gateway of the release does it', async () => {
        const { hal } = await openDocaHarness(release, { rssQueues: RSS_QUEUES, keySlots: 4 });
        await hal.build(gatewayPipeline.of(RIG_DEFAULTS).program);
        expect(startRings(release).setUp(hal.dpdkPorts[0]!)).toEqual({
          promiscuous: true,
          defaultRss: setUp.defaultRss,
          egressRootDomain: DOMAINS[setUp.egressRoot],
        });
        await hal.close();
      });

      // One of either mode, family and version.
      const vectors = referenceCases().filter(
        ({ mode, inner, version, cookie }) =>
          !cookie && (mode === 'tunnel' ? inner === 4 && version === 1 : inner === 6 && version === 0),
      );
      test.each(vectors)("the reference implementation's frames come and go: $title", async (vector) => {
        const { mode, inner, masterKeys, derivedKey } = vector;
        const options = { ...RIG_DEFAULTS, mode, outerFamily: inner, innerFamily: inner };
        const [{ iv, cleartext, encrypted }] = vector.frames as [(typeof vector.frames)[number]];
        const own = gatewayPipeline.of({ ...options, ingressAcl: false });
        const { hal, ...device } = await withOther.open({ masterKeys, firstIv: iv });
        await hal.build(own.program);

        device.inject(UPLINK_PORT, [encrypted.slice()]);
        await device.settle();
        expect(device.takeSent(VF_PORT).map((frame) => toHex(frame.subarray(14)))).toEqual([
          toHex(cleartext.subarray(14)),
        ]);

        expect(await hal.setKeys([{ cryptoId: 1, key: derivedKey }])).toEqual([null]);
        const [source, destination] = inner === 4 ? [26, 30] : [22, 38];
        const localVip = ipFromOctets(cleartext, source!, inner);
        const remoteVip = ipFromOctets(cleartext, destination!, inner);
        const udp = 14 + (inner === 4 ? 20 : 40);
        const pspEnd = udp + 8 + pspHeaderLengthOctets(encrypted, udp + 8);
        const encapHeader = encrypted.slice(mode === 'tunnel' ? 0 : udp, pspEnd);
        const { header, more } = own.egress({ localVip, remoteVip, encapHeader, cryptoId: 1 });
        await install(hal, [...own.localVip(localVip), header, ...more]);
        device.inject(VF_PORT, [cleartext.slice()]);
        await device.settle();
        const [sent] = device.takeSent(UPLINK_PORT);
        // The source port is each implementation's own measure of the flow.
        sent?.set(encrypted.subarray(udp, udp + 2), udp);
        expect(sent === undefined ? 'dropped' : toHex(sent)).toBe(toHex(encrypted));
        await hal.close();
      });

      test('a session samples, counts, is re-keyed, and ends two rotations later', async () => {
        await using rig = await openGatewayRig(withOther, { sampleRateLog2: 1 });
        const { a, b, pipeline } = rig;
        const [local, remote] = [ipFromOctets(V1[4], 0, 4), ipFromOctets(V2[4], 0, 4)];
        const frames = Array.from({ length: PACKETS }, (_, i) => datagram(local, remote, i));
        const payloads = frames.map((frame) => toHex(frame.subarray(14)));
        const exchanged = async () => {
          const delivered = await rig.decapsulate(await rig.encapsulate(frames));
          return delivered.map((frame) => toHex(frame.subarray(14)));
        };

        expect(await exchanged()).toEqual(payloads);
        // The sender copies what it marks, and the receiver what is marked.
        const copies = a.takeRss().length;
        expect(copies).toBeGreaterThan(0);
        expect(copies).toBeLessThan(PACKETS);
        expect(b.takeRss()).toHaveLength(copies);
        expect((await b.hal.counters([COUNTERS.decrypted]))[0]!.packets).toBe(BigInt(PACKETS));

        // What has no session goes to the CPU.
        a.inject(VF_PORT, [datagram(local, parseIp('203.0.113.9'), 0)]);
        await a.settle();
        expect(a.takeRss()).toHaveLength(1);

        // A key of the next master key, in another slot, while the former one is valid.
        await b.hal.rotateMasterKey();
        expect(await exchanged()).toEqual(payloads);
        const { spis, keys } = await b.hal.generateKeys(KEY_OCTETS, 1);
        await install(b.hal, [pipeline.ingress({ spi: spis[0]!, localVip: remote, remoteVip: local })]);
        expect(await a.hal.setKeys([{ cryptoId: 2, key: keys }])).toEqual([null]);
        const next = pipeline.egress({
          localVip: local,
          remoteVip: remote,
          encapHeader: pipeline.encapHeader(spis[0]!),
          cryptoId: 2,
        });
        await install(a.hal, next.more);
        const values = pipeline.egressValues(pipeline.encapHeader(spis[0]!), 2);
        await install(a.hal, [{ operation: 'update', id: rig.headerEntry, values }]);
        await b.hal.rotateMasterKey();
        expect(await exchanged()).toEqual(payloads);

        await b.hal.rotateMasterKey();
        expect(await exchanged()).toEqual([]);
        expect((await rig.refused()).icvFail).toBe(PACKETS);
      });
    });
  });
}
