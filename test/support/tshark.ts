/** tshark over captures that tests make. */
import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type PcapngPacket, PcapngWriter } from '../../src/packet/pcapng.js';
import { describeNeeding, inPath } from './needs.js';
import { ROOT } from './root.js';

/** Debian's and most others' user without rights. */
const NOBODY = 65_534;
const OUTPUT_OCTETS_MAX = 1 << 28;

export function describeWithTshark(name: string, body: () => void): void {
  describeNeeding(name, inPath('tshark') ? [] : ['tshark'], body);
}

/** A folder that tshark can read, with the dissector in it. Later releases of Wireshark load no script for root. */
export class TsharkFolder {
  readonly path = mkdtempSync(join(tmpdir(), 'psp-gateway-tshark-'));
  readonly script = this.file('psp.lua');

  constructor() {
    chmodSync(this.path, 0o755);
    copyFileSync(join(ROOT, 'wireshark/psp.lua'), this.script);
  }

  file(name: string): string {
    return join(this.path, name);
  }

  /** A pcapng of these packets, one after the other a microsecond later. */
  capture(
    name: string,
    packets: readonly Pick<PcapngPacket, 'frame' | 'originalOctets' | 'comment'>[],
  ): string {
    const blocks: Uint8Array[] = [];
    const writer = new PcapngWriter((octets) => blocks.push(octets));
    const interfaceIndex = writer.addInterface('p0');
    packets.forEach((packet, i) => {
      writer.write({
        ...packet,
        interfaceIndex,
        timestampNs: 1_700_000_000_000_000_000n + BigInt(i) * 1000n,
      });
    });
    writeFileSync(this.file(name), Buffer.concat(blocks));
    return this.file(name);
  }

  /** What tshark prints. Throws when it fails, or says something that is not about who runs it. */
  run(...argv: string[]): string {
    const root = process.getuid?.() === 0;
    const result = spawnSync('tshark', argv, {
      encoding: 'utf8',
      maxBuffer: OUTPUT_OCTETS_MAX,
      env: { ...process.env, HOME: this.path, XDG_CONFIG_HOME: this.path },
      ...(root ? { uid: NOBODY, gid: NOBODY } : {}),
    });
    if (result.error !== undefined) throw result.error;
    if (result.status !== 0 || result.stderr !== '' || /Lua Error/.test(result.stdout)) {
      throw new Error(`tshark ${argv.join(' ')}: status ${result.status}\n${result.stderr}`);
    }
    return result.stdout;
  }

  /** As `run`, with the dissector; a line per packet, of the fields' texts. */
  fields(capture: string, names: readonly string[], ...argv: string[]): string[][] {
    // Captures are for their owner alone, and so are folders of runs; tshark runs as somebody else here.
    chmodSync(capture, 0o644);
    chmodSync(dirname(capture), 0o755);
    const columns = names.flatMap((name) => ['-e', name]);
    const script = ['-X', `lua_script:${this.script}`];
    const out = this.run(...script, '-r', capture, '-T', 'fields', ...columns, ...argv);
    return out
      .split('\n')
      .slice(0, -1)
      .map((line) => line.split('\t'));
  }

  close(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
