/** The slow path: what the CPU gets, and what it sends. */
import { PKT_META_RETURN_TO_VF } from '../../gateway/pipeline/packet-meta.js';
import { UPLINK_PORT, VF_PORT } from '../../hal/program.js';
import { frameOf, V1 } from '../inner-packets.js';
import { mustBeFrames, mustEqual, type Property } from '../property.js';
import { remove } from '../rig-changes.js';
import { framesOf, mustBePackets, rigProperty } from './sessions.js';

/** Who has the address's neighbor? Asked by the workload. */
function arpRequest(): Uint8Array {
  const frame = new Uint8Array(60);
  frame.fill(0xff, 0, 6);
  frame.set([2, 0, 0, 0, 0, 0x11], 6);
  frame.set([8, 6, 0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 0x11, ...V1[4]], 12);
  frame.set([192, 168, 1, 55], 38);
  return frame;
}

export const SLOW_PATH: readonly Property[] = [
  rigProperty(
    {
      name: 'miss-to-cpu',
      group: 'slow-path',
      title:
        "A workload's packet that has no session goes to the CPU as it is, and nowhere else; so does ARP",
      cases: { quick: 2, usual: 8 },
    },
    { role: 'sender', packets: 1 },
    async (one, world) => {
      await using rig = await world.rig('sender', one.options);
      await remove(rig.a.hal, rig.egressEntries);
      const frame = frameOf(one.packets[0]!);
      rig.a.takeRss();
      mustBeFrames('frames on the wire without a session', await rig.encapsulate([frame]), []);
      const [missed, ...others] = rig.a.takeRss();
      mustEqual('packets that the CPU got', (missed === undefined ? 0 : 1) + others.length, 1);
      mustBeFrames('what the CPU got', [missed!.frame], [frame]);
      if (one.options.mode !== 'tunnel') return;
      const request = arpRequest();
      mustBeFrames('frames on the wire for ARP', await rig.encapsulate([request]), []);
      mustBeFrames(
        'what the CPU got of ARP',
        rig.a.takeRss().map((packet) => packet.frame.subarray(0, 42)),
        [request.subarray(0, 42)],
      );
    },
  ),
  rigProperty(
    {
      name: 'transmit',
      group: 'slow-path',
      title:
        'What the CPU sends for a session leaves like a packet of the workload; what it returns arrives there',
      cases: { quick: 2, usual: 8 },
    },
    { role: 'sender', packets: 3 },
    async (one, world) => {
      await using rig = await world.rig('sender', one.options);
      const frames = framesOf(one);
      rig.a.takeSent(UPLINK_PORT);
      rig.a.takeSent(VF_PORT);
      const taken = rig.a.hal.transmit(frames.map((frame) => ({ frame: frame.slice() })));
      mustEqual('packets that transmit has taken', taken, frames.length);
      await rig.a.settle();
      const delivered = await rig.decapsulate(rig.a.takeSent(UPLINK_PORT));
      mustBePackets('IP packets delivered', delivered, one);
      rig.a.hal.transmit([{ frame: frames[0]!.slice(), packetMeta: PKT_META_RETURN_TO_VF }]);
      await rig.a.settle();
      mustBeFrames('what returned to the workload', rig.a.takeSent(VF_PORT), [frames[0]!]);
    },
  ),
];
