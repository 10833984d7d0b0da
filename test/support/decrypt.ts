/** Captures made by tests, put through the decryption by keys. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DecryptCounts, decryptCapture } from '../../src/cli/pcap-decrypt.js';
import { captureOctets } from '../../src/packet/capture-stream.js';
import { type CaptureRecord, readCapture } from '../../src/packet/pcap.js';
import { type PcapngPacket, PcapngWriter } from '../../src/packet/pcapng.js';
import type { AeadEngine } from '../../src/psp/aead.js';
import { KeyRing } from '../../src/psp/key-ring.js';
import type { SaKey } from '../../src/psp/keys-file.js';

/** A record without the number of its interface, which is not promised. */
export type Out = Omit<CaptureRecord, 'interfaceIndex'>;

export const COUNTS: DecryptCounts = { decrypted: 0, noKey: 0, authFail: 0, malformed: 0, cut: 0, notPsp: 0 };

export class DecryptFolder {
  readonly path = mkdtempSync(join(tmpdir(), 'psp-gateway-decrypt-'));
  readonly output = join(this.path, 'out');

  /** Runs the octets of a capture through, and gives what was counted and what was written. */
  async decrypt(
    capture: Uint8Array,
    keys: readonly SaKey[],
    engine?: AeadEngine,
  ): Promise<{ counts: DecryptCounts; out: Out[] }> {
    const [input, keysPath] = [join(this.path, 'in'), join(this.path, 'keys')];
    writeFileSync(input, capture);
    writeFileSync(keysPath, '');
    const counts = await decryptCapture({
      ...{ input, output: this.output, keys: new KeyRing(keys), keysPath },
      ...(engine === undefined ? {} : { engine }),
    });
    const out: Out[] = [];
    for await (const { interfaceIndex, ...record } of readCapture(captureOctets(this.output))) {
      out.push(record);
    }
    return { counts, out };
  }

  close(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

export function pcapng(fill: (writer: PcapngWriter) => void): Uint8Array {
  const blocks: Uint8Array[] = [];
  fill(new PcapngWriter((octets) => blocks.push(octets)));
  return Buffer.concat(blocks);
}

/** A pcapng of one interface, `p0`. */
export function p0(...packets: readonly Omit<PcapngPacket, 'interfaceIndex' | 'timestampNs'>[]): Uint8Array {
  return pcapng((writer) => {
    const interfaceIndex = writer.addInterface('p0');
    for (const packet of packets) writer.write({ ...packet, interfaceIndex, timestampNs: 5n });
  });
}
