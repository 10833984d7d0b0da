/** A port whose frames come out of a capture file, in order and as fast as the device takes them, and go into another. */

import { once } from 'node:events';
import { createReadStream, createWriteStream, type WriteStream } from 'node:fs';
import type { Clock } from '../../hal/clock.js';
import { pcapHeader, pcapRecord, readCapture } from '../../packet/pcap.js';
import type { SimPort } from '../port.js';

export interface PcapPortOptions {
  readonly input: string;
  readonly output?: string;
  readonly clock: Clock;
  readonly mtuOctets: number;
}

export interface PcapPort extends SimPort {
  /** Resolves when all frames have come in; rejects when the file is damaged or cannot be read. */
  readonly done: Promise<void>;
}

const BATCH_FRAMES = 64;

export function createPcapPort({ input, output, clock, mtuOctets }: PcapPortOptions): PcapPort {
  let closed = false;
  let out: WriteStream | undefined;
  let finished: () => void;
  let failed: (error: unknown) => void;
  const done = new Promise<void>((resolve, reject) => {
    finished = resolve;
    failed = reject;
  });
  // Whoever wants to know awaits it; nobody has to.
  done.catch(() => {});

  const pump = async (receive: (frames: readonly Uint8Array[]) => void): Promise<void> => {
    let batch: Uint8Array[] = [];
    const deliver = async () => {
      const frames = batch;
      batch = [];
      await new Promise<void>((resolve) => clock.setTimer(resolve, 0));
      if (!closed && frames.length > 0) receive(frames);
    };
    for await (const { frame } of readCapture(createReadStream(input))) {
      if (closed) return;
      if (batch.push(frame) === BATCH_FRAMES) await deliver();
    }
    await deliver();
  };

  return {
    name: `pcap ${input}`,
    mtuOctets,
    done,
    send(frames) {
      const timestampNs = BigInt(Math.round(clock.nowMs() * 1000)) * 1000n;
      for (const frame of frames) out?.write(pcapRecord(timestampNs, frame));
    },
    async start(receive) {
      if (output !== undefined) {
        out = createWriteStream(output);
        await once(out, 'open');
        out.write(pcapHeader());
      }
      pump(receive).then(finished, failed);
    },
    async close() {
      if (closed) return;
      closed = true;
      const closing = out;
      out = undefined;
      if (closing !== undefined) await new Promise<void>((resolve) => closing.end(resolve));
    },
  };
}
