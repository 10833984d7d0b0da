/** Who is let in: an authentic packet alone is not enough. */
import { type IpAddress, ipFromOctets } from '../../packet/address.js';
import type { GatewayRigPipeline } from '../gateway-pipeline.js';
import { frameOf, type InnerPacket, ipPacketOf, V1 } from '../inner-packets.js';
import { mustBeFrames, mustEqual, type Property } from '../property.js';
import { install, type Rig } from '../rig.js';
import type { RigCase } from '../rig-cases.js';
import { mustRefuse, rigProperty } from './sessions.js';

const frameOfCase = ({ packets: [packet] }: RigCase) => [frameOf(packet!)];

/** The sender's entry from now on has another header. */
async function sendUnder(rig: Rig<GatewayRigPipeline>, header: Uint8Array): Promise<void> {
  await install(rig.a.hal, [
    { operation: 'update', id: rig.headerEntry, values: rig.pipeline.egressValues(header, rig.cryptoId) },
  ]);
}

/** Delivered as it is, so that what is refused afterwards is refused for its own sake. */
async function mustBeLetIn(rig: Rig, one: RigCase): Promise<void> {
  const delivered = await rig.decapsulate(await rig.encapsulate(frameOfCase(one)));
  mustBeFrames(
    'the IP packet of the session',
    delivered.map((frame) => frame.subarray(14)),
    one.packets.map(ipPacketOf),
  );
}

/** Somebody else's address, of the same family. */
function otherAddress(family: 4 | 6): { octets: Uint8Array; ip: IpAddress } {
  const octets = V1[family].slice();
  octets[octets.length - 1] = 0x66;
  return { octets, ip: ipFromOctets(octets, 0, family) };
}

export const ACCESS: readonly Property[] = [
  rigProperty(
    {
      name: 'acl-cookie',
      group: 'access',
      title: 'An authentic packet with another cookie than its session has is dropped, and counted',
      cases: { quick: 3, usual: 12 },
    },
    { role: 'receiver', packets: 1, options: { cookies: true } },
    async (one, world) => {
      await using rig = await world.rig('receiver', one.options);
      await mustBeLetIn(rig, one);
      const header = rig.encapHeader.slice();
      // The cookie is the header's end.
      header[header.length - 1 - (one.pick % 8)]! ^= 1 << ((one.pick >>> 3) & 7);
      await sendUnder(rig, header);
      const forged = await rig.encapsulate(frameOfCase(one));
      mustEqual('frames that the simulator sends', forged.length, 1);
      mustBeFrames('delivered with another cookie', await rig.decapsulate(forged), []);
      await mustRefuse(rig, { notAllowed: 1 });
    },
  ),
  rigProperty(
    {
      name: 'acl-spi',
      group: 'access',
      title:
        "An authentic packet under an SPI that was given out, and is no session's, is dropped, and counted",
      cases: { quick: 2, usual: 8 },
    },
    { role: 'receiver', packets: 1 },
    async (one, world) => {
      await using rig = await world.rig('receiver', one.options);
      await mustBeLetIn(rig, one);
      const { spis, keys } = await rig.b.hal.generateKeys(one.options.version === 0 ? 16 : 32, 1);
      await rig.a.hal.setKeys([{ cryptoId: rig.cryptoId, key: keys }]);
      await sendUnder(rig, rig.pipeline.encapHeader(spis[0]!));
      const forged = await rig.encapsulate(frameOfCase(one));
      mustEqual('frames that the simulator sends', forged.length, 1);
      mustBeFrames("delivered under nobody's SPI", await rig.decapsulate(forged), []);
      await mustRefuse(rig, { notAllowed: 1 });
    },
  ),
  rigProperty(
    {
      name: 'acl-source',
      group: 'access',
      title: "An authentic packet whose inner source is not its session's is dropped, and counted",
      cases: { quick: 2, usual: 8 },
    },
    { role: 'receiver', packets: 1 },
    async (one, world) => {
      await using rig = await world.rig('receiver', one.options);
      await mustBeLetIn(rig, one);
      const [packet] = one.packets;
      const { octets, ip } = otherAddress(packet!.family);
      const { encapHeader, cryptoId } = rig;
      await install(rig.a.hal, rig.pipeline.localVip(ip));
      // IPv6 addresses of the workload have an id, which the session's entry looks at.
      if (packet!.family === 4) {
        const session = { localVip: ip, remoteVip: rig.vips[1], encapHeader, cryptoId };
        await install(rig.a.hal, [rig.pipeline.egress(session).header]);
      }
      const forgery: InnerPacket = { ...packet!, source: octets };
      const forged = await rig.encapsulate([frameOf(forgery)]);
      mustEqual('frames that the simulator sends', forged.length, 1);
      mustBeFrames('delivered from another source', await rig.decapsulate(forged), []);
      await mustRefuse(rig, { notAllowed: 1 });
    },
  ),
  rigProperty(
    {
      name: 'acl-removed',
      group: 'access',
      title: 'A session whose entry is removed lets nothing in any more',
      cases: { quick: 1, usual: 6 },
    },
    { role: 'receiver', packets: 1 },
    async (one, world) => {
      await using rig = await world.rig('receiver', one.options);
      await mustBeLetIn(rig, one);
      const wire = await rig.encapsulate(frameOfCase(one));
      const removed = await rig.b.hal.apply([{ operation: 'remove', id: rig.ingressEntry! }]);
      for (const result of removed) if ('error' in result) throw result.error;
      mustBeFrames('delivered without the entry', await rig.decapsulate(wire), []);
      await mustRefuse(rig, { notAllowed: 1 });
    },
  ),
];
