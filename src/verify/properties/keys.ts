/** Keys: slots that are set again or cleared, rotations of the master key, and IVs. */

import { contains, frameOf, MARKER } from '../inner-packets.js';
import { flowOf } from '../packets.js';
import { must, mustBeFrames, mustEqual, type Property } from '../property.js';
import { install, setKey } from '../rig.js';
import { pspOffset } from '../rig-cases.js';
import { reKey, remove, sendUnder } from '../rig-changes.js';
import { ivOf } from '../wire.js';
import { framesOf, mustBePackets, mustRefuse, rigProperty } from './sessions.js';

/** Packets under one key, between two changes of it. */
const IV_PACKETS = 20;

export const KEYS: readonly Property[] = [
  rigProperty(
    {
      name: 'rotation',
      group: 'keys',
      title:
        "A session's packets are let in after one rotation of the receiver's master key, and not after two",
      cases: { quick: 3, usual: 12 },
    },
    { packets: 2 },
    async (one, world) => {
      await using rig = await world.rig(one.role, one.options);
      const wire = await rig.encapsulate(framesOf(one));
      const count = one.packets.length;
      mustEqual('packets delivered before', (await rig.decapsulate(wire)).length, count);
      await rig.b.hal.rotateMasterKey();
      mustEqual('packets delivered after one rotation', (await rig.decapsulate(wire)).length, count);
      await rig.b.hal.rotateMasterKey();
      mustEqual('packets delivered after two rotations', (await rig.decapsulate(wire)).length, 0);
      await mustRefuse(rig, { icvFail: count });
    },
  ),
  rigProperty(
    {
      name: 'spis',
      group: 'keys',
      title:
        'SPIs and keys that a device gives out are different ones, and their first bit changes with each rotation',
      cases: { quick: 1, usual: 3 },
    },
    { role: 'receiver', packets: 1 },
    async (_one, world) => {
      const { hal } = await world.open();
      await using _closed = { [Symbol.asyncDispose]: () => hal.close() };
      const spis = new Set<number>();
      const keys = new Set<string>();
      let bit: number | undefined;
      for (let life = 0; life < 3; life++) {
        if (life > 0) await hal.rotateMasterKey();
        for (const octets of [16, 32] as const) {
          const batch = await hal.generateKeys(octets, 8);
          for (const [i, spi] of batch.spis.entries()) {
            must(spi !== 0, 'an SPI is 0');
            spis.add(spi);
            keys.add(Buffer.from(batch.keys.subarray(i * octets, (i + 1) * octets)).toString('hex'));
          }
          const bits = [...new Set([...batch.spis].map((spi) => spi >>> 31))];
          mustEqual('master keys of one batch', bits.length, 1);
          if (octets === 16 && bit !== undefined) mustEqual('first bit after a rotation', bits[0]!, 1 - bit);
          if (octets === 32) bit = bits[0]!;
        }
      }
      mustEqual('different keys of 48', keys.size, 48);
      must(
        spis.size >= 32,
        `SPIs are given out twice in one life of a master key: ${spis.size} different of 48`,
      );
    },
  ),
  rigProperty(
    {
      name: 're-key',
      group: 'keys',
      title: 'From the moment that a key slot in use is set again, packets leave under the new key',
      cases: { quick: 3, usual: 15 },
    },
    { role: 'sender', packets: 2 },
    async (one, world) => {
      await using rig = await world.rig('sender', one.options);
      const frames = framesOf(one);
      mustEqual(
        'packets delivered before',
        (await rig.decapsulate(await rig.encapsulate(frames))).length,
        frames.length,
      );
      const { headerEntry: id, cryptoId, vips } = rig;
      await reKey(rig, one.options.version, { remoteVip: vips[1], id, cryptoId });
      const delivered = await rig.decapsulate(await rig.encapsulate(frames));
      await mustRefuse(rig, {});
      mustBePackets('IP packets delivered under the new key', delivered, one);
    },
  ),
  rigProperty(
    {
      name: 'key-gone',
      group: 'keys',
      title:
        'When the key or the entry is gone, nothing leaves in clear, and nothing that anybody could read',
      cases: { quick: 3, usual: 15 },
    },
    { packets: 2 },
    async (one, world) => {
      await using rig = await world.rig(one.role, one.options);
      const frames = framesOf(one);
      mustEqual('packets on the wire before', (await rig.encapsulate(frames)).length, frames.length);
      await rig.a.hal.clearKeys([rig.cryptoId]);
      // A device may encrypt them with a key that nobody has.
      const keyless = await rig.encapsulate(frames);
      for (const frame of keyless) must(!contains(frame, MARKER), 'a packet without a key left in clear');
      mustBeFrames('delivered without a key', await rig.decapsulate(keyless), []);
      await remove(rig.a.hal, rig.egressEntries);
      mustBeFrames('on the wire without the entry', await rig.encapsulate(frames), []);
    },
  ),
  rigProperty(
    {
      name: 'ivs',
      group: 'keys',
      title: 'No IV is used twice under a key, also when it is set again or moves to another slot',
      cases: { quick: 1, usual: 4 },
    },
    { role: 'sender', packets: 1, options: { innerFamily: 4 } },
    async (one, world) => {
      await using rig = await world.rig('sender', one.options);
      const { hal } = rig.a;
      const ivs: bigint[] = [];
      const frames = flowOf(4, IV_PACKETS).map((packet) => frameOf(packet));
      const send = async () => {
        for (const frame of await rig.encapsulate(frames)) ivs.push(ivOf(frame, pspOffset(one.options)));
      };
      await send();
      await setKey(hal, rig.cryptoId, rig.key);
      await send();
      const second = rig.cryptoId + 1;
      await setKey(hal, second, rig.key);
      const { more } = rig.pipeline.egress({
        localVip: rig.vips[0],
        remoteVip: rig.vips[1],
        encapHeader: rig.encapHeader,
        cryptoId: second,
      });
      await install(hal, more);
      await sendUnder(rig, rig.encapHeader, { id: rig.headerEntry, cryptoId: second });
      await send();
      mustEqual('packets on the wire', ivs.length, 3 * IV_PACKETS);
      mustEqual('different IVs', new Set(ivs).size, ivs.length);
    },
  ),
];
