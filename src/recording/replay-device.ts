/**
 * The calls of a recording, made on another device: what it answers, and what of its packets comes to the CPU, is compared with what was
 * recorded, up to the first difference.
 */
import { type Clock, sleep } from '../base/clock.js';
import { PKT_META_RESUBMITTED } from '../gateway/pipeline/packet-meta.js';
import { HalError } from '../hal/errors.js';
import type {
  CounterSelector,
  EntryOperation,
  EntryResult,
  KeyAlgorithm,
  KeyLengthOctets,
  KeySlot,
  PipeHal,
  RssPacket,
  SpiKeyBatch,
} from '../hal/hal.js';
import type { PipeProgram } from '../hal/program.js';
import { VF_PORT } from '../hal/program.js';
import { DeviceNames } from './device-names.js';
import { type Difference, shownError, shownValue } from './difference.js';
import { type ShownFrame, shownFrame } from './frames.js';
import type { RecordingFile } from './read-recording.js';
import {
  type CallRecord,
  type PacketsRecord,
  RecordingError,
  type ResultRecord,
  type ShownPacket,
} from './records.js';
import { AS_THEY_ARE } from './stand-ins.js';
import { type ErrorShape, encodedError, hexOf, octetsOf } from './values.js';

/** A call that has not ended by then does not end at all. */
export const CALL_TIMEOUT_MS = 60_000;
/** In which a packet comes to the CPU, or is taken again. */
const PACKET_TIMEOUT_MS = 2000;
const LOOK_INTERVAL_MS = 1;
/** Errors that follow from entries which a recording that has lost its beginning does not have. */
const OF_LOST_ENTRIES: readonly string[] = ['ALREADY_EXIST', 'FULL', 'NOT_FOUND'];

export interface ReplayDevice {
  readonly hal: PipeHal;
  /** Has a frame come in by the VF; absent: nobody can. */
  readonly inject?: (frame: Uint8Array) => void;
  readonly clock: Clock;
}

export interface DeviceReplay {
  /** Calls that were made, and results and packets that were compared. */
  readonly calls: number;
  readonly compared: number;
  /** What was neither, by reason. */
  readonly passedOver: ReadonlyMap<string, number>;
  readonly difference: Difference | undefined;
}

interface Settled {
  readonly value?: unknown;
  readonly error?: unknown;
}

interface Pending {
  readonly call: CallRecord;
  readonly settled: Promise<Settled>;
}

/** Both sides, where they differ. */
interface Sides {
  readonly what: string;
  readonly recorded: string;
  readonly here: string;
}

/** Throws RecordingError where the recording does not make sense. */
export async function replayOnDevice(recording: RecordingFile, device: ReplayDevice): Promise<DeviceReplay> {
  return new Replay(recording, device).run();
}

class Replay {
  readonly #names: DeviceNames;
  readonly #pending = new Map<number, Pending>();
  readonly #passedOver = new Map<string, number>();
  readonly #received: RssPacket[] = [];
  readonly #isWhole: boolean;
  #closing = false;
  #calls = 0;
  #compared = 0;

  constructor(
    private readonly recording: RecordingFile,
    private readonly device: ReplayDevice,
  ) {
    this.#isWhole = recording.lost === 0;
    this.#names = new DeviceNames(this.#isWhole, (what, count) => this.#passOver(what, count));
  }

  async run(): Promise<DeviceReplay> {
    const { head } = this.recording;
    const { hal } = this.device;
    hal.onReceive((packets) => void this.#received.push(...packets));
    let number = 0;
    let atS = 0;
    let found: Sides | undefined;
    if (head.build !== undefined) await this.#settled(this.#perform(head.build));
    for await (const { record } of this.recording.records()) {
      number++;
      if ('t' in record) atS = record.t / 1_000_000;
      if (record.k === 'call' && record.on === 'hal') found = await this.#call(record);
      else if (record.k === 'result') found = await this.#result(record);
      else if (record.k === 'packets') found = await this.#packets(record);
      else if (record.k === 'gap') this.#passOver('records that the recording lacks', record.n);
      if (found !== undefined) break;
    }
    return {
      calls: this.#calls,
      compared: this.#compared,
      passedOver: this.#passedOver,
      difference: found === undefined ? undefined : { record: number, atS, ...found },
    };
  }

  async #call(call: CallRecord): Promise<Sides | undefined> {
    if (call.m === 'transmit') return this.#transmit(call);
    if (call.c === undefined) {
      this.#passOver(`calls of ${call.m}`, 1);
      return undefined;
    }
    if (call.m === 'close') {
      const extra = await this.#left();
      if (extra !== undefined) return extra;
      this.#closing = true;
    }
    this.#calls++;
    this.#pending.set(call.c, { call, settled: this.#perform(call) });
    return undefined;
  }

  /** Begins a call. What it gives or fails with is looked at when its recorded result comes. */
  #perform(call: CallRecord): Promise<Settled> {
    let working: Promise<unknown>;
    try {
      working = this.#method(call);
    } catch (error) {
      if (error instanceof RecordingError) throw error;
      working = Promise.reject(error);
    }
    return working.then(
      (value) => ({ value }),
      (error: unknown) => ({ error }),
    );
  }

  #method({ m, a = [] }: CallRecord): Promise<unknown> {
    const { hal } = this.device;
    switch (m) {
      case 'build':
        return hal.build(a[0] as PipeProgram);
      case 'apply':
        return hal.apply(listOf(a[0], 'apply').map((one) => this.#names.operation(one as EntryOperation)));
      case 'setKeys':
        return hal.setKeys(listOf(a[0], 'setKeys').map((one) => this.#names.slot(one as KeySlot)));
      case 'clearKeys':
        return hal.clearKeys(a[0] as number[]);
      case 'generateKeys':
        return hal.generateKeys(a[0] as KeyLengthOctets, a[1] as number, a[2] as KeyAlgorithm | undefined);
      case 'rotateMasterKey':
        return hal.rotateMasterKey();
      case 'counters':
        return hal.counters(this.#names.selectors(listOf(a[0], 'counters') as CounterSelector[]));
      case 'statistics':
        return hal.statistics();
      case 'close':
        return hal.close();
      default:
        throw new RecordingError(`${m} is no method of a device`);
    }
  }

  async #settled(working: Promise<Settled>): Promise<Settled> {
    const timeout = new AbortController();
    const late = sleep(this.device.clock, CALL_TIMEOUT_MS, timeout.signal).then(
      (): Settled => ({ error: new HalError('TIME_OUT', `no result within ${CALL_TIMEOUT_MS} ms`) }),
      () => ({}),
    );
    try {
      return await Promise.race([working, late]);
    } finally {
      timeout.abort(new Error('it has ended'));
    }
  }

  async #result(record: ResultRecord): Promise<Sides | undefined> {
    const pending = this.#pending.get(record.c);
    // Of another part of the gateway, or of a call that the recording has lost.
    if (pending === undefined) return undefined;
    this.#pending.delete(record.c);
    const { call, settled } = pending;
    const { value, error } = await this.#settled(settled);
    if (this.#closing && call.m !== 'close') return undefined;
    this.#compared++;
    if (record.e !== undefined || error !== undefined) {
      const here = error === undefined ? undefined : encodedError(error);
      if (record.e?.code === here?.code && record.e !== undefined && here !== undefined) return undefined;
      return {
        what: call.m,
        recorded: record.e === undefined ? 'done' : shownError(record.e),
        here: here === undefined ? 'done' : shownError(here),
      };
    }
    switch (call.m) {
      case 'apply':
        return this.#applied(call, listOf(record.v, 'apply'), value as EntryResult[]);
      case 'setKeys':
        return sameErrors('setKeys, slot', listOf(record.v, 'setKeys'), value as (HalError | null)[]);
      case 'generateKeys':
        return this.#generated(record.v as SpiKeyBatch, value as SpiKeyBatch);
      case 'counters':
        return this.#isWhole
          ? sameLength('counters', listOf(record.v, 'counters'), value as unknown[])
          : undefined;
      default:
        return undefined;
    }
  }

  #applied(call: CallRecord, recorded: readonly unknown[], here: readonly EntryResult[]): Sides | undefined {
    const operations = call.a![0] as EntryOperation[];
    const length = sameLength('apply: results', recorded, here);
    if (length !== undefined) return length;
    for (const [i, one] of here.entries()) {
      const was = recorded[i] as { id?: number; error?: ErrorShape };
      const operation = operations[i]!;
      const what = `apply, operation ${i + 1} of ${here.length}: ${wordsOf(operation)}`;
      const shown = 'error' in one ? shownError(encodedError(one.error)) : 'done';
      const code = 'error' in one ? one.error.code : undefined;
      if (was?.error?.code !== code) {
        const codes = [was?.error?.code, code].filter((either) => either !== undefined);
        if (!this.#isWhole && codes.every((either) => OF_LOST_ENTRIES.includes(either))) {
          this.#passOver('results that depend on entries from before the recording', 1);
          continue;
        }
        return { what, recorded: was?.error === undefined ? 'done' : shownError(was.error), here: shown };
      }
      if ('id' in one && typeof was.id === 'number' && operation.operation === 'add')
        this.#names.ids.set(was.id, one.id);
    }
    return undefined;
  }

  #generated(recorded: SpiKeyBatch, here: SpiKeyBatch): Sides | undefined {
    const octets = here.keyLengthOctets;
    if (
      !(recorded.keys instanceof Uint8Array) ||
      !(recorded.spis instanceof Uint32Array) ||
      recorded.keys.length !== recorded.spis.length * octets
    )
      throw new RecordingError('generateKeys: its result has not the keys that were asked for');
    const length = sameLength('generateKeys: SPIs', [...recorded.spis], [...here.spis]);
    if (length !== undefined) return length;
    for (const [i, spi] of here.spis.entries()) {
      this.#names.spis.set(recorded.spis[i]!, spi);
      const standIn = hexOf(recorded.keys.subarray(i * octets, (i + 1) * octets));
      this.#names.keys.set(standIn, new Uint8Array(here.keys.subarray(i * octets, (i + 1) * octets)));
    }
    return undefined;
  }

  async #transmit(call: CallRecord): Promise<Sides | undefined> {
    const { hal, clock } = this.device;
    const packets = listOf(call.a?.[0], 'transmit').map((one) => {
      const { m } = one as ShownPacket;
      return { frame: frameOf(one as ShownPacket), ...(m === undefined ? {} : { packetMeta: m }) };
    });
    this.#calls++;
    const recorded = call.e === undefined ? Number(call.v) : 0;
    let taken = 0;
    try {
      for (let waitedMs = 0; ; waitedMs += LOOK_INTERVAL_MS) {
        taken += hal.transmit(packets.slice(taken, call.e === undefined ? recorded : packets.length));
        if (taken >= recorded || waitedMs >= PACKET_TIMEOUT_MS) break;
        await sleep(clock, LOOK_INTERVAL_MS);
      }
    } catch (error) {
      const here = encodedError(error);
      this.#compared++;
      if (call.e?.code === here.code) return undefined;
      const was = call.e === undefined ? `${recorded} packets taken` : shownError(call.e);
      return { what: 'transmit', recorded: was, here: shownError(here) };
    }
    this.#compared++;
    if (call.e !== undefined)
      return { what: 'transmit', recorded: shownError(call.e), here: `${taken} packets taken` };
    if (taken === recorded) return undefined;
    return {
      what: `transmit of ${packets.length} packets`,
      recorded: `${recorded} taken`,
      here: `${taken} taken within ${PACKET_TIMEOUT_MS} ms`,
    };
  }

  async #packets({ p }: PacketsRecord): Promise<Sides | undefined> {
    const { hal, inject } = this.device;
    for (const packet of p) {
      const { m = 0 } = packet;
      if (m !== 0 && m !== PKT_META_RESUBMITTED) {
        this.#passOver('packets from the underlay, and samples, which are not made again', 1);
        continue;
      }
      const frame = frameOf(packet);
      if (m === 0) {
        if (inject === undefined) {
          this.#passOver('packets of the workload: nobody can put them onto the port of this device', 1);
          continue;
        }
        let end: string;
        try {
          ({ end } = hal.lookup({ frame, port: VF_PORT }).end);
        } catch (error) {
          return {
            what: 'a packet of the workload',
            recorded: 'came to the CPU',
            here: shownError(encodedError(error)),
          };
        }
        if (end !== 'rss') {
          this.#passOver('packets of the workload that were on their way while their entry was made', 1);
          continue;
        }
        inject(frame);
      }
      const difference = await this.#awaited(packet, m);
      if (difference !== undefined) return difference;
    }
    return undefined;
  }

  async #awaited(recorded: ShownPacket, meta: number): Promise<Sides | undefined> {
    const what =
      meta === 0 ? 'a packet of the workload' : 'a packet that the CPU has sent and that misses again';
    for (let waitedMs = 0; waitedMs < PACKET_TIMEOUT_MS; waitedMs += LOOK_INTERVAL_MS) {
      const at = this.#received.findIndex(({ packetMeta }) => packetMeta === meta);
      if (at >= 0) {
        const [{ frame }] = this.#received.splice(at, 1) as [RssPacket];
        this.#compared++;
        const here = shownFrame(frame, recorded.l === undefined, AS_THEY_ARE);
        if (sameFrame(recorded, here)) return undefined;
        return { what, recorded: shownValue(recorded), here: shownValue(here) };
      }
      await sleep(this.device.clock, LOOK_INTERVAL_MS);
    }
    return { what, recorded: 'comes to the CPU', here: `does not within ${PACKET_TIMEOUT_MS} ms` };
  }

  /** Packets that have come to the CPU here only. */
  async #left(): Promise<Sides | undefined> {
    if (this.#isWhole) await sleep(this.device.clock, LOOK_INTERVAL_MS);
    const left = this.#received.find(({ packetMeta }) => packetMeta === PKT_META_RESUBMITTED);
    if (left === undefined || !this.#isWhole) return undefined;
    const here = shownFrame(left.frame, false, AS_THEY_ARE);
    return {
      what: 'a packet that the CPU has sent',
      recorded: 'does not come back',
      here: `misses again: ${shownValue(here)}`,
    };
  }

  #passOver(what: string, count: number): void {
    this.#passedOver.set(what, (this.#passedOver.get(what) ?? 0) + count);
  }
}

function listOf(value: unknown, what: string): unknown[] {
  if (!Array.isArray(value)) throw new RecordingError(`${what}: has no list`);
  return value;
}

/** What was left out of a frame is zero. */
function frameOf({ f, l }: ShownFrame): Uint8Array {
  const shown = octetsOf(f);
  const frame = new Uint8Array(Math.max(l ?? 0, shown.length));
  frame.set(shown);
  return frame;
}

function sameFrame(recorded: ShownFrame, here: ShownFrame): boolean {
  return recorded.f === here.f && recorded.l === here.l;
}

function sameLength(what: string, recorded: readonly unknown[], here: readonly unknown[]): Sides | undefined {
  if (recorded.length === here.length) return undefined;
  return { what, recorded: `${recorded.length}`, here: `${here.length}` };
}

function sameErrors(
  what: string,
  recorded: readonly unknown[],
  here: readonly (HalError | null)[],
): Sides | undefined {
  const length = sameLength(what, recorded, here);
  if (length !== undefined) return length;
  for (const [i, error] of here.entries()) {
    const was = recorded[i] as ErrorShape | null;
    if (was?.code === error?.code) continue;
    return {
      what: `${what} ${i + 1} of ${here.length}`,
      recorded: was === null ? 'done' : shownError(was),
      here: error === null ? 'done' : shownError(encodedError(error)),
    };
  }
  return undefined;
}

function wordsOf(operation: EntryOperation | null): string {
  if (typeof operation !== 'object' || operation === null) return shownValue(operation);
  if (operation.operation === 'add') return `add to ${operation.pipe} ${shownValue(operation.entry)}`;
  return `${operation.operation} of entry ${operation.id}`;
}
