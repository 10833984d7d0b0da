/**
 * The format of recordings: lines of JSON, the first of which says what it is. docs/recordings.md describes it. What is added in a later
 * minor version an earlier reader does not look at; what an earlier reader would misunderstand is a major version.
 */
import type { GatewayOptions } from '../gateway/options.js';
import type { TlsSource } from '../gateway/rpc/transport.js';
import type { DeviceDescription } from '../hal/hal.js';
import type { ShownFrame } from './frames.js';
import { DEPTH_MAX, decoded, type ErrorShape, ValueError } from './values.js';

export const FORMAT_MAJOR = 1;
export const FORMAT_MINOR = 0;
/** Begins the first line of every part of a recording. */
export const FORMAT_BEGIN = '{"format":"psp-gateway-recording"';

/** The first line. */
export interface RecordingHead {
  readonly format: 'psp-gateway-recording';
  /** FORMAT_MAJOR and FORMAT_MINOR, with a point between. */
  readonly version: string;
  /** The same in all parts of a recording, and in no other one. */
  readonly id: string;
  /** 1 for the first part. */
  readonly part: number;
  /** Records of the parts before. */
  readonly recordsBefore: number;
  /** Of psp-gateway. */
  readonly program: string;
  readonly node: string;
  /** Microseconds since 1970, from which the times of records count. */
  readonly startedUs: number;
  readonly device: DeviceDescription;
  readonly options: GatewayOptions;
  /** Whether packets have their payload. */
  readonly payload: boolean;
  /** Whether the gateway has a state file. */
  readonly state: boolean;
  /** TLS files; the private key is a stand-in. */
  readonly tls?: Pick<TlsSource, 'files' | 'material'>;
  /** Methods that the transport has of those that one may lack. */
  readonly transport: readonly string[];
  /** The call by which the pipes were built, in parts after it. */
  readonly build?: CallRecord;
}

/** Whose methods are called by the gateway. */
export const SIDES = ['hal', 'transport', 'state', 'tls', 'random', 'log'] as const;
export type Side = (typeof SIDES)[number];

/** What the gateway asks for. */
export interface CallRecord {
  readonly k: 'call';
  readonly on: Side;
  readonly m: string;
  /** The arguments. */
  readonly a?: readonly unknown[];
  /** Number under which the result comes later; absent: the call has ended at once, with what stands here. */
  readonly c?: number;
  readonly v?: unknown;
  readonly e?: ErrorShape;
}

/** What the gateway has answered to a request of a peer. */
export interface AnswerRecord {
  readonly k: 'answer';
  /** Of the request. */
  readonly i: number;
  readonly v?: unknown;
  readonly e?: ErrorShape;
}

/** Everything that happens to a gateway has a time, in microseconds since the recording began. */
interface Timed {
  readonly t: number;
}

export interface ResultRecord extends Timed {
  readonly k: 'result';
  readonly c: number;
  readonly v?: unknown;
  readonly e?: ErrorShape;
}

export interface TimerRecord extends Timed {
  readonly k: 'timer';
  /** The how-manieth of the gateway's timers. */
  readonly i: number;
  /** For which it was set, in milliseconds. */
  readonly d: number;
}

export interface ShownPacket extends ShownFrame {
  /** pkt_meta; absent: 0. */
  readonly m?: number;
}

export interface PacketsRecord extends Timed {
  readonly k: 'packets';
  readonly p: readonly ShownPacket[];
}

export interface RequestRecord extends Timed {
  readonly k: 'request';
  readonly i: number;
  readonly m: string;
  /** Body, and who calls. */
  readonly a: readonly unknown[];
}

/** Something that the transport tells. */
export interface EventRecord extends Timed {
  readonly k: 'event';
  readonly v: unknown;
}

/** Something that an operator, or the program around the gateway, wants of it. */
export interface AskRecord extends Timed {
  readonly k: 'ask';
  readonly m: string;
  readonly a: readonly unknown[];
}

/** Here so many records are missing. */
export interface GapRecord {
  readonly k: 'gap';
  readonly n: number;
}

export type OutputRecord = CallRecord | AnswerRecord;
export type InputRecord =
  | ResultRecord
  | TimerRecord
  | PacketsRecord
  | RequestRecord
  | EventRecord
  | AskRecord;
export type RecordLine = OutputRecord | InputRecord | GapRecord;

/** A recording, or a line of one, that cannot be read. */
export class RecordingError extends Error {
  override readonly name = 'RecordingError';
}

type Check = (value: unknown) => boolean;
const isText: Check = (value) => typeof value === 'string';
const isCount: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const isNumber: Check = (value) => typeof value === 'number';
const isList: Check = Array.isArray;
const isObject: Check = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);
const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);
const isFrame: Check = (value) => {
  if (!isObject(value)) return false;
  const { f, l, m } = value as Record<string, unknown>;
  const isLong = l === undefined || (isCount(l) && (l as number) <= FRAME_OCTETS_MAX);
  if (!isText(f) || (f as string).length > 2 * FRAME_OCTETS_MAX || !HEX.test(f as string)) return false;
  return isLong && optional(isCount)(m);
};
const isError: Check = (value) =>
  isObject(value) && isText((value as ErrorShape).name) && isText((value as ErrorShape).reason);

const HEX = /^(?:[\da-f]{2})*$/;
/** Limit on a frame: an IP packet of 65,535 octets, and headers. */
const FRAME_OCTETS_MAX = 70_000;

/** The members of each kind of line. Others are of later minor versions. */
const MEMBERS: Readonly<Record<RecordLine['k'], Readonly<Record<string, Check>>>> = {
  call: {
    on: (value) => SIDES.includes(value as Side),
    m: isText,
    a: optional(isList),
    c: optional(isCount),
    e: optional(isError),
  },
  answer: { i: isCount, e: optional(isError) },
  result: { t: isCount, c: isCount, e: optional(isError) },
  timer: { t: isCount, i: isCount, d: isNumber },
  packets: { t: isCount, p: (value) => isList(value) && (value as unknown[]).every(isFrame) },
  request: { t: isCount, i: isCount, m: isText, a: isList },
  event: { t: isCount, v: isObject },
  ask: { t: isCount, m: isText, a: isList },
  gap: { n: isCount },
};

const HEAD: Readonly<Record<string, Check>> = {
  id: isText,
  part: isCount,
  recordsBefore: isCount,
  program: isText,
  node: isText,
  startedUs: isCount,
  device: isObject,
  options: isObject,
  payload: (value) => typeof value === 'boolean',
  state: (value) => typeof value === 'boolean',
  tls: optional(isObject),
  transport: isList,
  build: optional(isObject),
};

/** The first line of a recording. Throws RecordingError. */
export function readHead(line: string): RecordingHead {
  const value = parsed(line);
  if (value.format !== 'psp-gateway-recording')
    throw new RecordingError('is no recording of psp-gateway run --record');
  const version = /^(\d{1,4})\.(\d{1,4})$/.exec(String(value.version));
  if (version === null) throw new RecordingError('version: is no version of recordings');
  if (Number(version[1]) !== FORMAT_MAJOR) {
    throw new RecordingError(
      `is of version ${version[0]} of recordings, and this psp-gateway reads ${FORMAT_MAJOR}; read it with the one that has written it (${JSON.stringify(value.program)})`,
    );
  }
  check(value, HEAD);
  const head = decodedOf(value) as unknown as RecordingHead;
  checkDevice(head);
  if (head.build !== undefined) check(head.build as unknown as Record<string, unknown>, MEMBERS.call);
  return head;
}

/** A later line as it is read, and as it stands there. */
export interface ReadLine {
  readonly record: RecordLine;
  readonly raw: Readonly<Record<string, unknown>>;
}

/** A later line; undefined: it is of a kind that a later minor version has. Throws RecordingError. */
export function readRecord(line: string): ReadLine | undefined {
  const raw = parsed(line);
  const { k } = raw;
  if (typeof k !== 'string') throw new RecordingError('k: is missing');
  if (!Object.hasOwn(MEMBERS, k)) return undefined;
  check(raw, MEMBERS[k as RecordLine['k']]);
  // Frames are hexadecimal digits anyway, and there are many.
  const record = (k === 'packets' ? raw : decodedOf(raw)) as unknown as RecordLine;
  return { record, raw };
}

function parsed(line: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new RecordingError('is no JSON');
  }
  if (!isObject(value)) throw new RecordingError('is no object');
  return value as Record<string, unknown>;
}

function check(value: Record<string, unknown>, members: Readonly<Record<string, Check>>): void {
  for (const [name, isRight] of Object.entries(members))
    if (!isRight(value[name])) throw new RecordingError(`${name}: is missing, or not what it should be`);
}

function decodedOf(value: unknown): unknown {
  try {
    return decoded(value, DEPTH_MAX);
  } catch (error) {
    if (error instanceof ValueError) throw new RecordingError(error.message);
    throw error;
  }
}

/** Limit on what a device may be said to have room for. */
const DEVICE_LIMIT_MAX = 2 ** 26;
const isLimit: Check = (value) => isCount(value) && (value as number) <= DEVICE_LIMIT_MAX;
const isPort: Check = (value) => {
  if (!isObject(value)) return false;
  const { id, kind, name, mac, mtuOctets } = value as Record<string, unknown>;
  return [kind, name, mac].every(isText) && [id, mtuOctets].every(isCount);
};

/** A replay opens a device after it. */
function checkDevice({ device }: RecordingHead): void {
  const { hal, limits, ports } = device as Partial<DeviceDescription>;
  const isRight =
    isText(hal) &&
    isObject(limits) &&
    [limits?.keySlots, limits?.entriesPerPipe, limits?.keysPerBatch].every(isLimit) &&
    Array.isArray(ports) &&
    ports.every(isPort);
  if (!isRight) throw new RecordingError('device: is not what it should be');
}
