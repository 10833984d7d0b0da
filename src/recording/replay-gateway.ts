/**
 * The gateway's own code, over the device, the peers, the clock and the random numbers of a recording: what has happened to the recorded
 * gateway happens to it once more, in the same order, and what it asks for is compared with what that one has asked for, up to the
 * first difference.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Clock, Timer } from '../base/clock.js';
import type { GatewayObserver } from '../gateway/events.js';
import { Gateway } from '../gateway/gateway.js';
import type { LogFields, LogLevel } from '../gateway/log.js';
import type { StateStore } from '../gateway/recovery/state-keeper.js';
import type { CallerIdentity, ControlTransport, RpcHandler, RpcMethod } from '../gateway/rpc/transport.js';
import { delegateHal } from '../hal/delegate.js';
import { HalError, reasonOf } from '../hal/errors.js';
import type { PipeHal, RssPacket } from '../hal/hal.js';
import { type Difference, shownError, shownValue } from './difference.js';
import type { RecordingFile } from './read-recording.js';
import { AT_ONCE, IN_TURN } from './recorded-gateway.js';
import {
  type CallRecord,
  type InputRecord,
  type OutputRecord,
  type PacketsRecord,
  type ReadLine,
  RecordingError,
  type RecordingHead,
  type RecordLine,
  type ResultRecord,
  type Side,
  type TimerRecord,
} from './records.js';
import type { Input, Seam } from './seam.js';
import { seamedDeps } from './seamed-deps.js';
import { AS_THEY_ARE } from './stand-ins.js';
import { decodedError, type ErrorShape, octetsOf } from './values.js';

const MICROSECONDS = 1000;
const SECOND_US = 1_000_000;

export interface LogLine {
  /** Since the recording began. */
  readonly atS: number;
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: LogFields | undefined;
}

export interface GatewayReplay {
  /** What has happened to the gateway. */
  readonly inputs: number;
  /** What it has asked for, and was the same. */
  readonly compared: number;
  readonly difference: Difference | undefined;
}

/**
 * @param onLog is told the lines that the gateway logs
 * Throws RecordingError for a recording that is not whole, or makes no sense.
 */
export async function replayGateway(
  recording: RecordingFile,
  onLog: (line: LogLine) => void = () => {},
): Promise<GatewayReplay> {
  if (recording.lost > 0) throw notWhole(`its first ${recording.lost} records are lost, since it was full`);
  const replay = new Replay(recording.head, onLog);
  let input: Numbered<InputRecord> | undefined;
  let outputs: Numbered<OutputRecord>[] = [];
  let number = 0;
  for await (const line of recording.records()) {
    number++;
    const { record } = line;
    if (record.k === 'gap') throw notWhole(`it lacks ${record.n} records behind record ${number}`);
    if (isOutput(record)) outputs.push({ ...line, record, number });
    else {
      await replay.turn(input, outputs, false);
      if (replay.difference !== undefined) return replay;
      input = { ...line, record, number };
      outputs = [];
    }
  }
  await replay.turn(input, outputs, true);
  return replay;
}

interface Numbered<Line extends RecordLine> extends ReadLine {
  readonly record: Line;
  readonly number: number;
}

function notWhole(why: string): RecordingError {
  return new RecordingError(
    `${why}; the gateway's own code can only be run from its start, over a whole recording: give a larger --record-size to psp-gateway run`,
  );
}

const isOutput = (record: RecordLine): record is OutputRecord => record.k === 'call' || record.k === 'answer';

interface Waiting {
  readonly on: Side;
  readonly m: string;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

interface SetTimer {
  readonly callback: () => void;
  readonly delayMs: number;
}

class Replay implements Seam, GatewayReplay {
  readonly isOutside = false;
  readonly clock: Clock;
  inputs = 0;
  compared = 0;
  difference: Difference | undefined;
  #gateway: Gateway | undefined;
  #nowUs: number;
  #number = 0;
  #expected: readonly Numbered<OutputRecord>[] = [];
  #at = 0;
  /** In the last turn of a recording the gateway may go further than was written. */
  #isLast = false;
  #calls = 0;
  #timers = 0;
  readonly #setTimers = new Map<number, SetTimer>();
  readonly #waiting = new Map<number, Waiting>();
  readonly #enabled = new Map<LogLevel, boolean>();
  #receive: ((packets: RssPacket[]) => void) | undefined;
  #handler: RpcHandler | undefined;
  #observe: GatewayObserver | undefined;

  constructor(
    private readonly head: RecordingHead,
    private readonly onLog: (line: LogLine) => void,
  ) {
    this.#nowUs = head.startedUs;
    this.clock = {
      nowMs: () => this.#nowUs / MICROSECONDS,
      setTimer: (callback, delayMs) => this.#setTimer(callback, delayMs),
    };
  }

  /** What an input has the gateway do; none: its making. */
  async turn(
    input: Numbered<InputRecord> | undefined,
    outputs: readonly Numbered<OutputRecord>[],
    isLast: boolean,
  ): Promise<void> {
    this.#expected = outputs;
    this.#at = 0;
    this.#isLast = isLast;
    if (input === undefined) this.#gateway = this.#make();
    else {
      this.inputs++;
      this.#number = input.number;
      this.#nowUs = Math.max(this.#nowUs, this.head.startedUs + input.record.t);
      try {
        this.#deliver(input.record);
      } catch (error) {
        if (error instanceof RecordingError) throw error;
        this.#differ(input.number, 'what the gateway does', 'goes on', `throws ${reasonOf(error)}`);
      }
    }
    // All promise reactions have run by the next tick.
    await new Promise<void>((resolve) => process.nextTick(resolve));
    const missing = this.#expected[this.#at];
    if (missing !== undefined) this.#differ(missing.number, 'what the gateway does', missing.raw, 'nothing');
  }

  // What the gateway is handed: the seam.

  outside<T>(look: () => T): T {
    return look();
  }

  later(_record: () => Input, deliver: () => void): void {
    deliver();
  }

  output(record: OutputRecord): void {
    this.#match(record);
  }

  call<T>(on: Side, m: string, _work: () => T, args: readonly unknown[] = []): T {
    const recorded = this.#match({ k: 'call', on, m, a: args }) as CallRecord | undefined;
    if (recorded === undefined) return fallback(m, args) as T;
    if (recorded.e !== undefined) throw decodedError(recorded.e);
    return recorded.v as T;
  }

  asked<T>(on: Side, m: string, work: () => Promise<T>, args: readonly unknown[] = []): Promise<T> {
    const c = ++this.#calls;
    const recorded = this.#match({ k: 'call', on, m, a: args, c });
    // The stand-in for the transport notes who is to be told of requests.
    if (m === 'listen') void work();
    return new Promise<T>((resolve, reject) => {
      if (recorded === undefined) return;
      this.#waiting.set(c, { on, m, resolve: resolve as (value: unknown) => void, reject });
    });
  }

  isEnabled(level: LogLevel): boolean {
    const next = this.#expected[this.#at]?.record;
    if (next?.k === 'call' && next.on === 'log' && next.m === 'enabled' && next.a?.[0] === level) {
      this.#at++;
      this.#enabled.set(level, next.v === true);
    }
    return this.#enabled.get(level) ?? false;
  }

  #setTimer(callback: () => void, delayMs: number): Timer {
    const i = ++this.#timers;
    this.#setTimers.set(i, { callback, delayMs });
    return { cancel: () => void this.#setTimers.delete(i) };
  }

  #make(): Gateway {
    const { options, payload, state, tls } = this.head;
    const unused = () => Promise.reject(new Error('is not asked in a replay'));
    const store: StateStore = { load: unused, save: unused, isThere: unused };
    const deps = seamedDeps(
      {
        hal: this.#hal(),
        transport: this.#transport(),
        clock: this.clock,
        random: { fill: () => {}, uint32: () => 0 },
        logger: {
          log: (level, message, fields) =>
            this.onLog({ atS: (this.#nowUs - this.head.startedUs) / SECOND_US, level, message, fields }),
          enabled: () => false,
        },
        options,
        ...(state ? { state: store } : {}),
        ...(tls === undefined
          ? {}
          : {
              tls: {
                ...tls,
                stamps: unused,
                read: () => {
                  throw new Error('is not asked in a replay');
                },
              },
            }),
      },
      {
        seam: this,
        standIns: AS_THEY_ARE,
        withPayload: payload,
        onBuild: () => {},
      },
    );
    try {
      return new Gateway(deps);
    } catch (error) {
      throw new RecordingError(`its options make no gateway here: ${(error as Error).message}`);
    }
  }

  #hal(): PipeHal {
    const { device } = this.head;
    const hal = { device } as PipeHal;
    return delegateHal(hal, {
      onReceive: (handler) => {
        this.#receive = handler;
      },
      lookup: () => {
        throw new HalError('NOT_SUPPORTED', 'lookup: is not asked in a replay');
      },
    });
  }

  #transport(): ControlTransport {
    const { transport } = this.head;
    const has = (name: string) => transport.includes(name);
    const never = <T>() => new Promise<T>(() => {});
    return {
      listen: (_address, handler, _doorkeeper, observe) => {
        this.#handler = handler;
        this.#observe = observe;
        return never();
      },
      call: never,
      forget: () => {},
      close: never,
      ...(has('doors') ? { doors: () => undefined } : {}),
      ...(has('peersChanged') ? { peersChanged: () => {} } : {}),
      ...(has('disconnect') ? { disconnect: () => 0 } : {}),
      ...(has('reloadTls') ? { reloadTls: () => {} } : {}),
    };
  }

  // What happens to it.

  #deliver(record: InputRecord): void {
    switch (record.k) {
      case 'timer':
        this.#fire(record);
        break;
      case 'result':
        this.#settle(record);
        break;
      case 'packets':
        this.#receive?.(framesOf(record));
        break;
      case 'event':
        this.#observe?.(record.v as Parameters<GatewayObserver>[0]);
        break;
      case 'request': {
        const [body, caller] = record.a;
        if (!(body instanceof Uint8Array)) throw new RecordingError('a request has no body');
        this.#handler?.(record.m as RpcMethod, body, caller as CallerIdentity).catch(() => {});
        break;
      }
      case 'ask':
        this.#ask(record.m, record.a);
    }
  }

  #fire({ i, d }: TimerRecord): void {
    const timer = this.#setTimers.get(i);
    this.#setTimers.delete(i);
    if (timer?.delayMs === d) timer.callback();
    else {
      const here = timer === undefined ? 'it is not set' : `it is set for ${timer.delayMs} ms`;
      this.#differ(this.#number, `timer ${i}`, `fires after ${d} ms`, here);
    }
  }

  #ask(m: string, args: readonly unknown[]): void {
    if (!AT_ONCE.includes(m) && !IN_TURN.includes(m))
      throw new RecordingError(`nobody can ask a gateway for ${m}`);
    const method = this.#gateway![m as keyof Gateway] as unknown as (...all: unknown[]) => unknown;
    // Who has asked has heard what came of it.
    try {
      const given = method.apply(this.#gateway, [...args]);
      if (given instanceof Promise) given.catch(() => {});
      else (given as { done?: Promise<void> } | undefined)?.done?.catch(() => {});
    } catch {}
  }

  #settle({ c, v: value, e: error }: ResultRecord): void {
    const waiting = this.#waiting.get(c);
    if (waiting === undefined) throw new RecordingError(`a result is of no call: ${c}`);
    this.#waiting.delete(c);
    if (error !== undefined) waiting.reject(decodedError(error));
    else waiting.resolve(revived(waiting.on, waiting.m, value));
  }

  // What it asks for.

  /** The recorded output, where it is the same; undefined: this is a difference, or behind one, or behind the end. */
  #match(mine: OutputRecord): OutputRecord | undefined {
    if (this.difference !== undefined) return undefined;
    const next = this.#expected[this.#at];
    if (next === undefined) {
      if (!this.#isLast)
        this.#differ(this.#number, 'what the gateway does', 'nothing more at this point', comparable(mine));
      return undefined;
    }
    this.#at++;
    const here = JSON.parse(JSON.stringify(comparable(mine))) as unknown;
    const recorded = comparable(next.raw as unknown as OutputRecord);
    if (isDeepStrictEqual(here, recorded)) {
      this.compared++;
      return next.record;
    }
    this.#differ(next.number, 'what the gateway does', recorded, here);
    return undefined;
  }

  #differ(record: number, what: string, recorded: unknown, here: unknown): void {
    this.difference ??= {
      record,
      atS: (this.#nowUs - this.head.startedUs) / SECOND_US,
      what,
      recorded: sideOf(recorded),
      here: sideOf(here),
    };
  }
}

/** What of an output is compared: not what it was answered at once. */
function comparable(record: OutputRecord): unknown {
  if (record.k === 'answer') {
    const { k, i, v, e } = record;
    return { k, i, ...(v === undefined ? {} : { v }), ...(e === undefined ? {} : { e }) };
  }
  const { k, on, m, a = [] } = record;
  return { k, on, m, a };
}

function sideOf(side: unknown): string {
  if (typeof side === 'string') return side;
  const { k, on, m, a, i, v, e } = side as Record<string, unknown>;
  if (k === 'answer')
    return `answer to request ${i}: ${e === undefined ? shownValue(v) : shownError(e as ErrorShape)}`;
  return `${on}.${m} ${shownValue(a)}`;
}

/** What a call gives once there is a difference: something to get to the end of the turn with. */
function fallback(m: string, args: readonly unknown[]): unknown {
  if (m === 'fill') return new Uint8Array(args[0] as number);
  if (m === 'transmit') return (args[0] as unknown[]).length;
  if (m === 'read') throw new Error('the replay has ended');
  return 0;
}

/** Results as the gateway gets them. */
function revived(on: Side, m: string, value: unknown): unknown {
  if (on !== 'hal') return value;
  try {
    switch (m) {
      case 'apply':
        return (value as { error?: ErrorShape }[]).map((one) =>
          one.error === undefined ? one : { error: decodedError(one.error) },
        );
      case 'setKeys':
        return (value as (ErrorShape | null)[]).map((one) => (one === null ? null : decodedError(one)));
      case 'counters':
        return (value as [string, string][]).map(([packets, octets]) => ({
          packets: BigInt(packets),
          octets: BigInt(octets),
        }));
      default:
        return value;
    }
  } catch {
    throw new RecordingError(`the result of ${m} is not what it should be`);
  }
}

function framesOf({ p }: PacketsRecord): RssPacket[] {
  return p.map(({ f, l, m = 0 }) => {
    const shown = octetsOf(f);
    const frame = new Uint8Array(Math.max(l ?? 0, shown.length));
    frame.set(shown);
    return { frame, packetMeta: m };
  });
}
