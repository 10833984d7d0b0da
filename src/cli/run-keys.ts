/** The keys files of runs: every key that a device gave out, with the addresses under which it receives. */
import type { SpiKeyBatch } from '../hal/hal.js';
import type { IpAddress } from '../packet/address.js';
import { formatSaKey, type SaKey } from '../psp/keys-file.js';
import type { Sink } from '../topology/captures.js';
import type { GatewayNode } from '../topology/nodes/gateway-node.js';

export const KEYS_FILE = 'keys.jsonl';

export class RunKeys {
  constructor(private readonly sink: Sink) {}

  add({ receivingAddresses, name }: GatewayNode, batch: SpiKeyBatch): void {
    for (const key of keysOf(batch, receivingAddresses, name))
      this.sink.write(KEYS_FILE, new TextEncoder().encode(formatSaKey(key)));
  }
}

/** The keys are views of the batch's own octets. */
export function keysOf(
  { spis, keys, keyLengthOctets }: SpiKeyBatch,
  receivers: readonly IpAddress[],
  node: string,
): SaKey[] {
  return Array.from(spis, (spi, i) => ({
    spi,
    version: keyLengthOctets === 16 ? 0 : 1,
    key: keys.subarray(i * keyLengthOctets, (i + 1) * keyLengthOctets),
    receivers,
    node,
  }));
}
