/**
 * Defects on purpose, to see that the search finds them: a check that never fails proves nothing. They are made at a
 * gateway's device, below what watches it.
 */

import { delegateHal } from '../../hal/delegate.js';
import type { PipeHal, SpiKeyBatch, TransmitPacket } from '../../hal/hal.js';
import { type PipeProgram, UPLINK_PORT } from '../../hal/program.js';
import type { GatewayNode } from '../nodes/gateway-node.js';

export type Sabotage = (node: GatewayNode, hal: PipeHal) => PipeHal;

/** Rotations at a gateway's start, which are none of the scenario's. */
const ROTATIONS_AT_START = 2;

export const SABOTAGES: Readonly<Record<string, Sabotage>> = {
  /** After a rotation the device gives out keys that it has given out before. */
  'repeat-keys-after-rotation': (_node, hal) => {
    let rotations = 0;
    const given = new Map<number, SpiKeyBatch>();
    return delegateHal(hal, {
      rotateMasterKey: () => {
        rotations++;
        return hal.rotateMasterKey();
      },
      generateKeys: async (lengthOctets, count) => {
        const before = given.get(count);
        if (rotations > ROTATIONS_AT_START && before !== undefined)
          return { ...before, spis: before.spis.slice(), keys: before.keys.slice() };
        const batch = await hal.generateKeys(lengthOctets, count);
        given.set(count, { ...batch, spis: batch.spis.slice(), keys: batch.keys.slice() });
        return batch;
      },
    });
  },
  /** What has no session leaves as it is. */
  'clear-on-miss': (_node, hal) =>
    delegateHal(hal, {
      build: (program: PipeProgram) =>
        hal.build({
          ...program,
          pipes: program.pipes.map((pipe) =>
            pipe.type === 'basic' && pipe.name === 'RSS_MISS'
              ? { ...pipe, forward: { to: 'port' as const, port: UPLINK_PORT } }
              : pipe,
          ),
        }),
    }),
  /** A packet that waited for its session leaves twice. */
  'resubmit-twice': (_node, hal) =>
    delegateHal(hal, {
      transmit: (packets: readonly TransmitPacket[]) =>
        hal.transmit(
          packets.flatMap((packet) => (packet.packetMeta === undefined ? [packet, packet] : [packet])),
        ),
    }),
};
