/**
 * Addresses of gateways on the loopback device, for processes whose ports are fixed. This process is in them, so that tests of two
 * checkouts on one machine do not take them from each other.
 */

/** @param number 1 to 254, of one test of its network alone */
export function loopback(number: number, network: 0 | 1 = 0): string {
  const mine = (2 * process.pid + network) % (255 * 256);
  // 127.0 is left to what people run by hand, and documents show.
  return `127.${1 + (mine >> 8)}.${mine & 255}.${number}`;
}
