/** The keys file of a run: every key that a device gave out, with the addresses under which it receives. */
import type { SpiKeyBatch } from '../hal/hal.js';
import { formatSaKey } from '../psp/keys-file.js';
import type { Sink } from '../topology/captures.js';
import type { GatewayNode } from '../topology/nodes/gateway-node.js';

export const KEYS_FILE = 'keys.jsonl';

export class RunKeys {
  constructor(private readonly sink: Sink) {}

  add(node: GatewayNode, { spis, keys, keyLengthOctets }: SpiKeyBatch): void {
    const receivers = node.receivingAddresses;
    for (const [i, spi] of spis.entries()) {
      const key = keys.subarray(i * keyLengthOctets, (i + 1) * keyLengthOctets);
      const line = formatSaKey({
        spi,
        version: keyLengthOctets === 16 ? 0 : 1,
        key,
        receivers,
        node: node.name,
      });
      this.sink.write(KEYS_FILE, new TextEncoder().encode(line));
    }
  }
}
