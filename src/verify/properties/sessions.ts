/** Sessions: what one end seals the other opens, the device being either, and nothing but that. */
import { UPLINK_PORT, VF_PORT } from '../../hal/program.js';
import { contains, frameOf, ipPacketOf, MARKER } from '../inner-packets.js';
import { MASTER_KEYS } from '../master-keys.js';
import { must, mustBeFrames, mustEqual, type Property, property } from '../property.js';
import { type Rig, setKey } from '../rig.js';
import {
  drawRigCase,
  pspOffset,
  type RigCase,
  type RigDraw,
  rigCaseText,
  smallerRigCases,
} from '../rig-cases.js';
import { openSimHarness } from '../sim-harness.js';
import { cutBehindUdp, normalized } from '../wire.js';
import type { World } from '../world.js';

/** A property of a session with packets. */
export function rigProperty(
  given: Pick<Property, 'name' | 'group' | 'title' | 'cases'>,
  drawn: RigDraw,
  check: (one: RigCase, world: World) => Promise<void>,
): Property {
  return property<RigCase>({
    ...given,
    draw: (choose) => drawRigCase(choose, drawn),
    text: rigCaseText,
    smaller: smallerRigCases,
    check,
  });
}

export const framesOf = ({ packets }: RigCase) => packets.map((packet) => frameOf(packet));
/** Without Ethernet's header. */
const ipOf = (frames: readonly Uint8Array[]) => frames.map((frame) => frame.subarray(14));

export async function mustRefuse(
  rig: Rig,
  expected: Partial<Awaited<ReturnType<Rig['refused']>>>,
): Promise<void> {
  const counted = await rig.refused();
  const all = { icvFail: 0, badTrailer: 0, notAllowed: 0, ...expected };
  mustEqual('packets counted as not authentic', counted.icvFail, all.icvFail);
  mustEqual('packets counted as too short for PSP', counted.badTrailer, all.badTrailer);
  mustEqual('packets counted as authentic and not allowed', counted.notAllowed, all.notAllowed);
}

/** What is delivered are the case's packets. */
export function mustBePackets(what: string, frames: readonly Uint8Array[], { packets }: RigCase): void {
  mustBeFrames(what, ipOf(frames), packets.map(ipPacketOf));
}

/** Sent and delivered whole, sealed on the wire. Returns what was on the wire. */
async function mustArrive(rig: Rig, one: RigCase): Promise<Uint8Array[]> {
  const wire = await rig.encapsulate(framesOf(one));
  mustEqual('frames on the wire', wire.length, one.packets.length);
  for (const frame of wire) must(!contains(frame, MARKER), 'the payload is on the wire in clear');
  mustBePackets('IP packets delivered', await rig.decapsulate(wire), one);
  await mustRefuse(rig, {});
  return wire;
}

export const SESSIONS: readonly Property[] = [
  ...(['sender', 'receiver'] as const).map((role) =>
    rigProperty(
      {
        name: `sessions-${role}`,
        group: 'sessions',
        title:
          role === 'sender'
            ? 'What the device encrypts, the simulator decrypts to the same packets, in both modes and families'
            : 'What the simulator encrypts, the device decrypts to the same packets, in both modes and families',
        cases: { quick: 12, usual: 60 },
      },
      { role },
      async (one, world) => {
        await using rig = await world.rig(role, one.options);
        await mustArrive(rig, one);
      },
    ),
  ),
  rigProperty(
    {
      name: 'wire-format',
      group: 'sessions',
      title:
        'What the device puts on the wire is what the simulator does, but for the fields that PSP leaves to a device',
      cases: { quick: 8, usual: 40 },
    },
    { role: 'sender' },
    async (one, world) => {
      await using rig = await world.rig('sender', one.options);
      const frames = framesOf(one);
      const wire = await rig.encapsulate(frames);
      const judge = await openSimHarness({ masterKeys: MASTER_KEYS });
      await using hal = judge.hal;
      const { program } = rig.pipeline;
      await hal.build(program);
      const [localVip, remoteVip] = rig.vips;
      await setKey(hal, rig.cryptoId, rig.key);
      const { encapHeader, cryptoId } = rig;
      const { header, more } = rig.pipeline.egress({ localVip, remoteVip, encapHeader, cryptoId });
      await hal.apply([...rig.pipeline.localVip(localVip), header, ...more]);
      judge.inject(
        VF_PORT,
        frames.map((frame) => frame.slice()),
      );
      await judge.settle();
      const keys = [rig.key];
      mustBeFrames(
        'frames on the wire, opened',
        wire.map((frame) => normalized(frame, keys)),
        judge.takeSent(UPLINK_PORT).map((frame) => normalized(frame, keys)),
      );
    },
  ),
  rigProperty(
    {
      name: 'damaged',
      group: 'sessions',
      title:
        'A bit that was changed anywhere from the PSP header to the ICV has the packet dropped, and counted',
      cases: { quick: 6, usual: 40 },
    },
    { role: 'receiver', packets: 1 },
    async (one, world) => {
      await using rig = await world.rig('receiver', one.options);
      const [wire] = await rig.encapsulate(framesOf(one));
      const start = pspOffset(one.options);
      const bits = [one.pick % 128, one.pick % ((wire!.length - start) * 8)];
      const damaged = bits.map((bit) => {
        const frame = wire!.slice();
        frame[start + (bit >>> 3)]! ^= 1 << (bit & 7);
        return frame;
      });
      mustBeFrames('frames delivered', await rig.decapsulate(damaged), []);
      await mustRefuse(rig, { icvFail: bits.length });
      mustBePackets('the same undamaged', await rig.decapsulate([wire!]), one);
    },
  ),
  rigProperty(
    {
      name: 'truncated',
      group: 'sessions',
      title:
        'A datagram without room for PSP header and ICV is counted as too short, one with room as not authentic',
      cases: { quick: 3, usual: 15 },
    },
    { role: 'receiver', packets: 1 },
    async (one, world) => {
      await using rig = await world.rig('receiver', one.options);
      const [wire] = await rig.encapsulate(framesOf(one));
      // The header has 16 octets, and the ICV too.
      for (const [octets, expected] of [
        [31, { badTrailer: 1 }],
        [32, { icvFail: 1, badTrailer: 1 }],
      ] as const) {
        const cut = cutBehindUdp(wire!, pspOffset(one.options) - 8, octets);
        mustBeFrames('frames delivered', await rig.decapsulate([cut]), []);
        await mustRefuse(rig, expected);
      }
    },
  ),
];
