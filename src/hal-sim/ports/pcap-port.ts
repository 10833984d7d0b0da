/** A port whose frames come out of a capture file, in order and as fast as the device takes them, and go into another. */

import { stat } from 'node:fs/promises';
import { Writable } from 'node:stream';
import type { Clock } from '../../base/clock.js';
import { markHandled } from '../../base/mark-handled.js';
import { FileReplacement } from '../../files/replace-file.js';
import { captureOctets, compressionFor, STANDARD_STREAM } from '../../packet/capture-stream.js';
import { wholeFrameOf } from '../../packet/link-type.js';
import { pcapHeader, pcapRecord, readCapture, SNAP_OCTETS_DEFAULT } from '../../packet/pcap.js';
import type { SimPort } from '../port.js';

/** What a capture file port is made of. */
export interface PcapPortOptions {
  readonly input: string;
  readonly output?: string;
  /** Octets of each frame that go into the output; 0: all. */
  readonly snapOctets?: number;
  readonly clock: Clock;
  readonly mtuOctets: number;
}

/** What a capture file port has carried. */
export interface PcapPortCounters {
  /** Frames given to the output's stream. */
  written: number;
  /** Frames that the output did not take: it failed, or was slower than the device by more than its buffer. */
  outputDropped: number;
  /** Frames of the input that did not come in, by reason: captured in part, of a link type that is not read, before it was cut (TSO). */
  readonly skipped: Map<string, number>;
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

/** A port between two capture files: what comes in is read from one, what goes out is written to the other. */
export function createPcapPort(options: PcapPortOptions): PcapPort {
  const { input, output, clock, mtuOctets } = options;
  const snapOctets = options.snapOctets || SNAP_OCTETS_DEFAULT;
  const counters: PcapPortCounters = { written: 0, outputDropped: 0, skipped: new Map() };
  let closed = false;
  let out: Writable | undefined;
  let finished: () => void;
  let failed: (error: unknown) => void;
  const done = new Promise<void>((resolve, reject) => {
    finished = resolve;
    failed = reject;
  });
  // Awaiting it is up to the caller.
  markHandled(done);

  const pump = async (receive: (frames: readonly Uint8Array[]) => void): Promise<void> => {
    let batch: Uint8Array[] = [];
    const deliver = async () => {
      const frames = batch;
      batch = [];
      await new Promise<void>((resolve) => clock.setTimer(resolve, 0));
      if (!closed && frames.length > 0) receive(frames);
    };
    for await (const record of readCapture(captureOctets(input))) {
      if (closed) return;
      const whole = wholeFrameOf(record);
      if ('reason' in whole)
        counters.skipped.set(whole.reason, (counters.skipped.get(whole.reason) ?? 0) + 1);
      else if (batch.push(whole.frame) === BATCH_FRAMES) await deliver();
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
        out.write(pcapRecord(timestampNs, frame.subarray(0, snapOctets), frame.length));
      }
    },
    async start(receive) {
      if (output !== undefined) {
        if (await isSameFile(input, output)) {
          throw new PcapPortError(`${output} is the capture that is read; write to another file`);
        }
        // There from the start, since it grows for as long as the gateway runs.
        const place = output === STANDARD_STREAM ? '/dev/stdout' : output;
        const file = await FileReplacement.open(place, { readers: 'private', live: true }).catch(
          (error: Error) => {
            throw new PcapPortError(`cannot write ${output}: ${error.message}`);
          },
        );
        const opening = streamInto(file, compressionFor(output));
        opening.on('error', (error) => {
          out = undefined;
          failed(error);
        });
        opening.write(pcapHeader(snapOctets));
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

/** Ends the file with its own end. */
function streamInto(file: FileReplacement, compress: (octets: Uint8Array) => Promise<Uint8Array>): Writable {
  const write = async (octets: Uint8Array) => file.write(await compress(octets));
  return new Writable({
    write: (octets: Uint8Array, _encoding, done) => void write(octets).then(() => done(), done),
    writev: (parts, done) =>
      void write(Buffer.concat(parts.map(({ chunk }) => chunk as Uint8Array))).then(() => done(), done),
    final: (done) => void file.finish().then(() => done(), done),
    destroy: (error, done) => void file.discard().then(() => done(error), done),
  });
}

/** Under whatever names; what is not there is no file yet. */
async function isSameFile(a: string, b: string): Promise<boolean> {
  const [first, second] = await Promise.all([a, b].map((path) => stat(path).catch(() => undefined)));
  return first !== undefined && first.ino === second?.ino && first.dev === second.dev;
}
