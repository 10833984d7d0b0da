/** A port whose frames come out of a capture file, in order and as fast as the device takes them, and go into another. */

import { once } from 'node:events';
import { createReadStream, createWriteStream, type WriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Clock } from '../../hal/clock.js';
import { pcapHeader, pcapRecord, readCapture } from '../../packet/pcap.js';
import type { SimPort } from '../port.js';

export interface PcapPortOptions {
  readonly input: string;
  readonly output?: string;
  readonly clock: Clock;
  readonly mtuOctets: number;
}

export interface PcapPortCounters {
  /** Frames given to the output's stream. */
  written: number;
  /** Frames that the output did not take: it failed, or was slower than the device by more than its buffer. */
  outputDropped: number;
}

export interface PcapPort extends SimPort {
  /** Resolves when all frames have come in; rejects when a file is damaged, or cannot be read or written. */
  readonly done: Promise<void>;
  readonly counters: PcapPortCounters;
}

/** The capture files cannot be used as they were given. */
export class PcapPortError extends Error {
  override readonly name = 'PcapPortError';
}

const BATCH_FRAMES = 64;
/** Octets that may wait to be written. */
const OUTPUT_BUFFER_OCTETS_MAX = 16 * 1024 * 1024;

export function createPcapPort({ input, output, clock, mtuOctets }: PcapPortOptions): PcapPort {
  const counters: PcapPortCounters = { written: 0, outputDropped: 0 };
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
    counters,
    send(frames) {
      if (output === undefined || closed) return;
      const timestampNs = BigInt(Math.round(clock.nowMs() * 1000)) * 1000n;
      for (const frame of frames) {
        if (out === undefined || out.writableLength + frame.length > OUTPUT_BUFFER_OCTETS_MAX) {
          counters.outputDropped++;
          continue;
        }
        counters.written++;
        out.write(pcapRecord(timestampNs, frame));
      }
    },
    async start(receive) {
      if (output !== undefined) {
        if (await isSameFile(input, output)) {
          throw new PcapPortError(`${output} is the capture that is read; write to another file`);
        }
        const opening = createWriteStream(output);
        await once(opening, 'open').catch((error: Error) => {
          throw new PcapPortError(`cannot write ${output}: ${error.message}`);
        });
        opening.on('error', (error) => {
          out = undefined;
          failed(error);
        });
        opening.write(pcapHeader());
        out = opening;
      }
      pump(receive).then(finished, failed);
    },
    async close() {
      if (closed) return;
      closed = true;
      const closing = out;
      out = undefined;
      // The callback comes on failure, too; that has been told through `done`.
      if (closing !== undefined) await new Promise<void>((resolve) => closing.end(() => resolve()));
    },
  };
}

/** Under whatever names; what is not there is no file yet. */
async function isSameFile(a: string, b: string): Promise<boolean> {
  const [first, second] = await Promise.all([a, b].map((path) => stat(path).catch(() => undefined)));
  return first !== undefined && first.ino === second?.ino && first.dev === second.dev;
}
