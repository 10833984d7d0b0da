/** What crosses the underlay of a World, as tcpdump sees it come to one of its gateways. */
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { readCapture } from '../../src/packet/pcap.js';
import type { Program } from '../support/program.js';
import { UPLINK, type World } from './namespaces.js';

/** So many of a frame tell a ping's contents from PSP. */
const CONTENTS_OCTETS = 256;

/** Whoever ends it must wait for that before it is read. What DPDK sends by its own is not seen where it is sent. */
export class UnderlayCapture {
  private constructor(
    private readonly file: string,
    private readonly program: Program,
  ) {}

  static async start(world: World, at = 0, frameOctets = CONTENTS_OCTETS): Promise<UnderlayCapture> {
    const file = join(world.folder, `underlay-${at}.pcap`);
    // As root, since the folder is. Without --immediate-mode the last packets would be lost at the end; with less than 128 MiB of
    // buffer those of a second in which tcpdump gets no processor.
    const options = ['-Z', 'root', '-s', `${frameOctets}`, '-B', '131072', '--immediate-mode'];
    const argv = ['tcpdump', ...options, '-i', UPLINK, '-U', '-w', file];
    const program = world.start(world.sides[at]!.gateway, argv);
    await program.says(/listening on/);
    return new UnderlayCapture(file, program);
  }

  /** Ends it; every frame that it has. */
  async *frames(): AsyncGenerator<Uint8Array> {
    await this.program.stop('SIGINT');
    for await (const { frame } of readCapture(createReadStream(this.file))) yield frame;
  }
}
