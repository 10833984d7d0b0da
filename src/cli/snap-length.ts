/** `--snaplen` of commands that write captures. */
import { InvalidArgumentError, Option } from 'commander';
import { SNAP_OCTETS_DEFAULT, SNAP_OCTETS_MIN } from '../packet/pcap.js';

export function snapLengthOption(): Option {
  return new Option('--snaplen <octets>', 'octets of each frame that captures get; 0: all')
    .argParser(parseSnapLength)
    .default(0);
}

function parseSnapLength(text: string): number {
  const octets = Number(text);
  if (/^\d+$/.test(text) && (octets === 0 || (octets >= SNAP_OCTETS_MIN && octets <= SNAP_OCTETS_DEFAULT)))
    return octets;
  throw new InvalidArgumentError(
    `expected a number from ${SNAP_OCTETS_MIN} (an Ethernet header) to ${SNAP_OCTETS_DEFAULT}, or 0 for whole frames.`,
  );
}
