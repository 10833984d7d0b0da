/** Sampling: which packets are copied to the CPU, and what the bits S and D of an authentic packet do. */
import { PKT_META_EGRESS_SAMPLED, PKT_META_INGRESS_SAMPLED } from '../../gateway/pipeline/packet-meta.js';
import { opensslEngine } from '../../psp/aead-openssl.js';
import { encryptStart, FLAG_D, FLAG_S, PSP_FLAGS, PSP_ICV_OCTETS, PSP_SPI } from '../../psp/header.js';
import { frameOf } from '../inner-packets.js';
import { flowOf, idsOf } from '../packets.js';
import { must, mustEqual, type Property, property, Violation } from '../property.js';
import type { Rig } from '../rig.js';
import { drawRigCase, optionsText, pspOffset, type RigCase } from '../rig-cases.js';

const PACKETS = 96;
/** Of PACKETS, at one of two: less than once in a billion runs it is outside. */
const [SAMPLED_MIN, SAMPLED_MAX] = [PACKETS / 2 - 32, PACKETS / 2 + 32];

export const isSampled = (frame: Uint8Array, psp: number) => (frame[psp + PSP_FLAGS]! & FLAG_S) !== 0;

/** The frame with other flags, authenticated under the session's key as a peer that wants them so would. */
export function withFlags(frame: Uint8Array, psp: number, flags: number, { key }: Rig): Uint8Array {
  const changed = frame.slice();
  const end = changed.length - PSP_ICV_OCTETS;
  const start = encryptStart(changed, psp, end);
  const nonce = changed.slice(psp + PSP_SPI, psp + PSP_SPI + 12);
  if (!opensslEngine.open(key, nonce, changed, psp, start, end))
    throw new Violation("the simulator's own packet does not open under the session's key");
  changed[psp + PSP_FLAGS] = (changed[psp + PSP_FLAGS]! & ~(FLAG_S | FLAG_D)) | flags;
  opensslEngine.seal(key, nonce, changed, psp, start, end);
  return changed;
}

interface FlagCase {
  readonly one: RigCase;
  readonly flags: number;
}

const flagsText = (flags: number) =>
  [...(flags & FLAG_S ? ['S'] : []), ...(flags & FLAG_D ? ['D'] : [])].join(' and ') || 'neither S nor D';

export const SAMPLING: readonly Property[] = [
  property<RigCase>({
    name: 'sampling-egress',
    group: 'sampling',
    title:
      'With one of two sampled, about half of what leaves has the S bit, and the CPU gets a copy of just these',
    cases: { quick: 2, usual: 8 },
    draw: (choose) =>
      drawRigCase(choose, {
        role: 'sender',
        packets: 1,
        options: { sampleRateLog2: 1, maintainOrder: choose.once(2), sampleBeforeEncryption: choose.once(2) },
      }),
    text: ({ options }) => `${PACKETS} datagrams of one flow; ${optionsText(options)}`,
    async check({ options }, world) {
      await using rig = await world.rig('sender', options);
      rig.a.takeRss();
      const frames = flowOf(options.innerFamily, PACKETS).map((packet) => frameOf(packet));
      const wire = await rig.encapsulate(frames);
      mustEqual('frames on the wire', wire.length, PACKETS);
      const psp = pspOffset(options);
      const sampled = wire.filter((frame) => isSampled(frame, psp)).length;
      must(
        sampled >= SAMPLED_MIN && sampled <= SAMPLED_MAX,
        `of ${PACKETS} packets ${sampled} have the S bit, at one of two`,
      );
      const copies = rig.a.takeRss();
      mustEqual('copies that the CPU got', copies.length, sampled);
      for (const { packetMeta } of copies) mustEqual('mark of a copy', packetMeta, PKT_META_EGRESS_SAMPLED);
    },
  }),
  property<FlagCase>({
    name: 'sampling-ingress',
    group: 'sampling',
    title:
      'An authentic packet with S is copied to the CPU, one with D is dropped; what was set on the way is not believed',
    cases: { quick: 4, usual: 16 },
    draw: (choose) => ({
      one: drawRigCase(choose, { role: 'receiver', packets: 1, options: { sampleRateLog2: 1 } }),
      flags: choose.pick([0, FLAG_S, FLAG_D, FLAG_S | FLAG_D]),
    }),
    text: ({ one, flags }) => `a packet with ${flagsText(flags)}; ${optionsText(one.options)}`,
    async check({ one, flags }, world) {
      await using rig = await world.rig('receiver', one.options);
      const psp = pspOffset(one.options);
      const [wire] = await rig.encapsulate(
        flowOf(one.options.innerFamily, 1).map((packet) => frameOf(packet)),
      );
      rig.b.takeRss();
      const delivered = await rig.decapsulate([withFlags(wire!, psp, flags, rig)]);
      mustEqual('packets delivered', delivered.length, flags & FLAG_D ? 0 : 1);
      if (delivered.length > 0) mustEqual("the packet's number", idsOf(delivered)[0]!, 0);
      const copies = rig.b.takeRss();
      mustEqual('copies that the CPU got', copies.length, flags & FLAG_S ? 1 : 0);
      for (const { packetMeta } of copies) mustEqual('mark of a copy', packetMeta, PKT_META_INGRESS_SAMPLED);
      const forged = withFlags(wire!, psp, 0, rig);
      forged[psp + PSP_FLAGS]! ^= FLAG_S;
      mustEqual(
        'packets delivered whose S bit was set on the way',
        (await rig.decapsulate([forged])).length,
        0,
      );
      mustEqual('copies of it', rig.b.takeRss().length, 0);
      mustEqual('packets counted as not authentic', (await rig.refused()).icvFail, 1);
    },
  }),
];
