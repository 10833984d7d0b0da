/** Who is let in: an authentic packet alone is not enough. */
import { type IpAddress, ipFromOctets } from '../../packet/address.js';
import { keyLengthOctets } from '../../psp/header.js';
import type { GatewayRigPipeline } from '../gateway-pipeline.js';
import { frameOf, type InnerPacket, V1 } from '../inner-packets.js';
import { mustBeFrames, mustEqual, type Property } from '../property.js';
import { install, type Rig, type RigOptions, setKey } from '../rig.js';
import type { RigCase } from '../rig-cases.js';
import { remove, sendUnder } from '../rig-changes.js';
import { framesOf, mustBePackets, mustRefuse, rigProperty } from './sessions.js';

/** A property of a receiver that lets the session's packet in at first: what is refused afterwards is refused for its own sake. */
function accessProperty(
  given: Pick<Property, 'name' | 'title' | 'cases'>,
  options: Partial<RigOptions>,
  check: (rig: Rig<GatewayRigPipeline>, one: RigCase) => Promise<void>,
): Property {
  return rigProperty(
    { ...given, group: 'access' },
    { role: 'receiver', packets: 1, options },
    async (one, world) => {
      await using rig = await world.rig('receiver', one.options);
      const wire = await rig.encapsulate(framesOf(one));
      mustBePackets('the IP packet of the session', await rig.decapsulate(wire), one);
      await check(rig, one);
    },
  );
}

async function mustNotBeLetIn(rig: Rig, what: string, wire: Uint8Array[]): Promise<void> {
  mustEqual('frames that the simulator sends', wire.length, 1);
  mustBeFrames(`delivered ${what}`, await rig.decapsulate(wire), []);
  await mustRefuse(rig, { notAllowed: 1 });
}

/** Somebody else's address, of the same family. */
function otherAddress(family: 4 | 6): { octets: Uint8Array; ip: IpAddress } {
  const octets = V1[family].slice();
  octets[octets.length - 1] = 0x66;
  return { octets, ip: ipFromOctets(octets, 0, family) };
}

export const ACCESS: readonly Property[] = [
  accessProperty(
    {
      name: 'acl-cookie',
      title: 'An authentic packet with another cookie than its session has is dropped, and counted',
      cases: { quick: 3, usual: 12 },
    },
    { cookies: true },
    async (rig, one) => {
      const header = rig.encapHeader.slice();
      // The cookie is the header's end.
      header[header.length - 1 - (one.pick % 8)]! ^= 1 << ((one.pick >>> 3) & 7);
      await sendUnder(rig, header);
      await mustNotBeLetIn(rig, 'with another cookie', await rig.encapsulate(framesOf(one)));
    },
  ),
  accessProperty(
    {
      name: 'acl-spi',
      title:
        "An authentic packet under an SPI that was given out, and is no session's, is dropped, and counted",
      cases: { quick: 2, usual: 8 },
    },
    {},
    async (rig, one) => {
      const { spis, keys } = await rig.b.hal.generateKeys(keyLengthOctets(one.options.version), 1);
      await setKey(rig.a.hal, rig.cryptoId, keys);
      await sendUnder(rig, rig.pipeline.encapHeader(spis[0]!));
      await mustNotBeLetIn(rig, "under nobody's SPI", await rig.encapsulate(framesOf(one)));
    },
  ),
  accessProperty(
    {
      name: 'acl-source',
      title: "An authentic packet whose inner source is not its session's is dropped, and counted",
      cases: { quick: 2, usual: 8 },
    },
    {},
    async (rig, { packets: [packet] }) => {
      const { octets, ip } = otherAddress(packet!.family);
      const { encapHeader, cryptoId } = rig;
      await install(rig.a.hal, rig.pipeline.localVip(ip));
      // IPv6 addresses of the workload have an id, which the session's entry looks at.
      if (packet!.family === 4) {
        const session = { localVip: ip, remoteVip: rig.vips[1], encapHeader, cryptoId };
        await install(rig.a.hal, [rig.pipeline.egress(session).header]);
      }
      const forgery: InnerPacket = { ...packet!, source: octets };
      await mustNotBeLetIn(rig, 'from another source', await rig.encapsulate([frameOf(forgery)]));
    },
  ),
  accessProperty(
    {
      name: 'acl-removed',
      title: 'A session whose entry is removed lets nothing in any more',
      cases: { quick: 1, usual: 6 },
    },
    {},
    async (rig, one) => {
      const wire = await rig.encapsulate(framesOf(one));
      await remove(rig.b.hal, [rig.ingressEntry!]);
      await mustNotBeLetIn(rig, 'without the entry', wire);
    },
  ),
];
