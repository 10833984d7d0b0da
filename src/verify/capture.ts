/** The frames of a case as a capture: pcapng, an interface for each port and one for the CPU. */
import { PcapngWriter } from '../packet/pcapng.js';
import type { RecordedFrame } from './world.js';

const NAMES = ['uplink', 'vf', 'cpu'] as const;
const COMMENTS: Readonly<Record<RecordedFrame['direction'], string>> = {
  in: 'to the device',
  out: 'from the device',
};

export function captureOf(frames: readonly RecordedFrame[]): Uint8Array {
  const blocks: Uint8Array[] = [];
  const writer = new PcapngWriter((octets) => blocks.push(octets));
  for (const name of NAMES) writer.addInterface(name);
  for (const { where, direction, frame, timeMs } of frames) {
    writer.write({
      interfaceIndex: NAMES.indexOf(where),
      timestampNs: BigInt(Math.round(timeMs * 1e3)) * 1000n,
      frame,
      direction,
      comment: COMMENTS[direction],
    });
  }
  return Buffer.concat(blocks);
}
