/** Defects on purpose, to see that the search finds such. */
import type { FuzzTarget } from './engine.js';

/** Options as DHCP has them, read without a look at where the message ends. */
function readOptions(octets: Uint8Array): number {
  let sum = 0;
  for (let at = 0; at < octets.length && octets[at] !== 255; ) {
    if (octets[at] === 0) {
      at++;
      continue;
    }
    const length = octets[at + 1]!;
    new DataView(octets.buffer, octets.byteOffset).setUint8(at + 1 + length, length);
    sum += length;
    at += 2 + length;
  }
  return sum;
}

/** Three conditions, one behind the other: by chance alone one input in 2^24 meets them. */
function afterThreeConditions(octets: Uint8Array): void {
  if (octets[0] === 0x50) {
    if (octets[1] === 0x53) {
      if (octets[2] === 0x50) throw new TypeError('planted');
    }
  }
}

const common = { dictionary: [], octetsMax: 64, executions: 0 };

export const PLANTED = {
  unchecked: {
    ...common,
    name: 'a length that is not checked',
    seeds: [Uint8Array.of(53, 1, 3, 0, 50, 4, 192, 0, 2, 1, 255)],
    run: (input) => void readOptions(input),
  },
  deep: {
    ...common,
    octetsMax: 5,
    name: 'a defect behind three conditions',
    seeds: [new Uint8Array(3)],
    run: afterThreeConditions,
  },
} satisfies Record<string, FuzzTarget>;
