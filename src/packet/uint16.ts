/** The big-endian number in the two octets at `at`. */
export const uint16At = (octets: Uint8Array, at: number): number => (octets[at]! << 8) | octets[at + 1]!;
