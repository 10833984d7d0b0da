/**
 * The lines of a trace of the software DOCA (native/doca-soft/src/trace*.cc): a JSON object each. The schema is published as
 * schema/doca-trace.schema.json; readers check each line with it.
 */

/** The version of the lines that is read here. */
export const FORMAT = 1;
/** Octets of a line; the library writes none that is longer. */
export const LINE_OCTETS_MAX = 65_536;
/** How deep objects and lists of a line may be within each other. */
export const DEPTH_MAX = 32;

export type TraceValue = string | number | boolean | null | readonly TraceValue[] | TraceObject;
export interface TraceObject {
  readonly [name: string]: TraceValue;
}

/** Where packets go next, or have gone. */
export interface Target {
  readonly to: 'pipe' | 'port' | 'rss' | 'drop' | 'lost' | 'kernel' | 'nowhere';
  readonly pipe?: number;
  readonly name?: string;
  readonly port?: number;
}

export interface StartLine {
  readonly type: 'start';
  readonly format: number;
  readonly release: string;
  readonly program: string;
  readonly process: number;
  readonly time: string;
  readonly packets: number;
}

interface Timed {
  /** Seconds since the trace began. */
  readonly t: number;
}

export interface CallLine extends Timed {
  readonly type: 'call';
  readonly thread: number;
  readonly call: string;
  readonly arguments: TraceObject;
  readonly result?: TraceValue;
  readonly us: number;
  /** Calls like it that were not told since the last one that was. */
  readonly passed_over?: number;
}

interface OfPipe extends Timed {
  /** The pipe's number, and its name. */
  readonly pipe: number;
  readonly name: string;
}

export interface PipeLine extends OfPipe {
  readonly type: 'pipe';
  readonly change: 'made' | 'miss' | 'destroyed';
  readonly settings?: TraceObject;
  readonly forwards?: TraceObject;
}

export interface EntryLine extends OfPipe {
  readonly type: 'entry';
  readonly entry?: number;
  readonly change: 'added' | 'updated' | 'removed' | 'done' | 'failed';
  /** Of what is done or has failed. */
  readonly what?: string;
  readonly arguments?: TraceObject;
  readonly result?: TraceValue;
}

export interface Step {
  readonly pipe: number;
  readonly name: string;
  /** The entry that was hit, "miss", or "all" of a pipe that floods. */
  readonly entry: number | string;
  /** Fields before and after. */
  readonly changed: { readonly [name: string]: readonly [TraceValue, TraceValue] };
  readonly next: Target;
}

export interface PacketLine extends Timed {
  readonly type: 'packet';
  readonly packet: number;
  readonly copy?: boolean;
  /** The DPDK port by which it came. */
  readonly port: number;
  readonly length: number;
  readonly frame?: string;
  readonly fields: TraceObject;
  readonly way: readonly Step[];
  readonly end: Target;
  readonly encrypted: boolean;
  readonly lost?: string;
}

export interface CountersLine extends OfPipe {
  readonly type: 'counters';
  readonly hits: number;
  readonly hit_octets: number;
  readonly misses: number;
  readonly miss_octets: number;
  readonly next: readonly {
    readonly next: Target;
    readonly miss: boolean;
    readonly packets: number;
    readonly octets: number;
  }[];
}

interface LeftOut {
  readonly calls: number;
  readonly entries: number;
  readonly packets: number;
}

export interface LeftOutLine extends Timed, LeftOut {
  readonly type: 'left_out';
}

export interface TooLongLine extends Timed {
  readonly type: 'too_long';
  readonly octets: number;
  readonly begins: string;
}

export interface EndLine extends Timed {
  readonly type: 'end';
  readonly reason: string;
  readonly left_out: LeftOut;
}

export type TraceLine =
  | StartLine
  | CallLine
  | PipeLine
  | EntryLine
  | PacketLine
  | CountersLine
  | LeftOutLine
  | TooLongLine
  | EndLine;

// ---- The schema ----

type Schema = Readonly<Record<string, unknown>>;

const COUNT: Schema = { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER };
const TEXT: Schema = { type: 'string' };
const OBJECT: Schema = { type: 'object' };
const ANY: Schema = {};
const FLAG: Schema = { type: 'boolean' };
const said = (schema: Schema, description: string): Schema => ({ ...schema, description });

/** Members of newer traces of this format are passed over. */
const object = (
  description: string,
  properties: Record<string, Schema>,
  optional: readonly string[] = [],
) => ({
  type: 'object',
  description,
  required: Object.keys(properties).filter((name) => !optional.includes(name)),
  properties,
});

const TARGET = object(
  'where a packet goes',
  {
    to: { enum: ['pipe', 'port', 'rss', 'drop', 'lost', 'kernel', 'nowhere'] },
    pipe: said(COUNT, "the pipe's number"),
    name: said(TEXT, "the pipe's name"),
    port: said(COUNT, 'the DPDK port'),
  },
  ['pipe', 'name', 'port'],
);
const TIME = said({ type: 'number', minimum: 0 }, 'seconds since the trace began');
const OF_PIPE = { t: TIME, pipe: said(COUNT, "the pipe's number"), name: said(TEXT, "the pipe's name") };
const LEFT_OUT = { calls: COUNT, entries: COUNT, packets: COUNT };

const line = (
  type: TraceLine['type'],
  description: string,
  properties: Record<string, Schema>,
  optional: readonly string[] = [],
) => object(description, { type: { const: type }, ...properties }, optional);

/** The schema of a line by its type. */
export const LINE_SCHEMAS: Readonly<Record<TraceLine['type'], Schema>> = {
  start: line('start', 'the first line', {
    format: said(COUNT, 'the version of the lines'),
    release: said(TEXT, 'the version of DOCA'),
    program: TEXT,
    process: COUNT,
    time: TEXT,
    packets: said(COUNT, 'one of so many packets is told; 0: none'),
  }),
  call: line(
    'call',
    'a call of the API',
    {
      t: TIME,
      thread: COUNT,
      call: said(TEXT, 'the name of the function'),
      arguments: said(OBJECT, 'by their names; of structures what is not 0'),
      result: said(ANY, 'what it has returned'),
      us: said({ type: 'number', minimum: 0 }, 'microseconds that it took'),
      passed_over: said(COUNT, 'calls like it that were not told since the last one that was'),
    },
    ['result', 'passed_over'],
  ),
  pipe: line(
    'pipe',
    'a pipe that is made or destroyed, or whose miss is another',
    {
      ...OF_PIPE,
      change: { enum: ['made', 'miss', 'destroyed'] },
      settings: said(OBJECT, 'what doca_flow_pipe_cfg_set_* have said'),
      forwards: said(OBJECT, 'fwd and fwd_miss'),
    },
    ['settings', 'forwards'],
  ),
  entry: line(
    'entry',
    'a call on an entry, or that an operation on one is reported',
    {
      ...OF_PIPE,
      entry: said(COUNT, 'its slot in the pipe, which another entry may have once it is removed'),
      change: { enum: ['added', 'updated', 'removed', 'done', 'failed'] },
      what: said(TEXT, 'the operation that is done or has failed'),
      arguments: OBJECT,
      result: ANY,
    },
    ['entry', 'what', 'arguments', 'result'],
  ),
  packet: line(
    'packet',
    'the way of a packet',
    {
      t: TIME,
      packet: said(COUNT, 'its number among all'),
      copy: FLAG,
      port: said(COUNT, 'the DPDK port by which it came'),
      length: said(COUNT, 'octets of the frame when it came'),
      frame: said(TEXT, 'its first octets in hex'),
      fields: said(OBJECT, 'what is not 0 of the fields that matches see'),
      way: {
        type: 'array',
        items: object('a pipe', {
          pipe: COUNT,
          name: TEXT,
          entry: { type: ['integer', 'string'] },
          changed: {
            type: 'object',
            additionalProperties: { type: 'array', minItems: 2, maxItems: 2 },
            description: 'fields before and after; null: the packet has it not',
          },
          next: TARGET,
        }),
      },
      end: TARGET,
      encrypted: FLAG,
      lost: said(TEXT, "the device's counter of what was lost there"),
    },
    ['copy', 'frame', 'lost'],
  ),
  counters: line('counters', 'packets of a pipe so far', {
    ...OF_PIPE,
    hits: COUNT,
    hit_octets: COUNT,
    misses: COUNT,
    miss_octets: COUNT,
    next: {
      type: 'array',
      items: object('where they went', { next: TARGET, miss: FLAG, packets: COUNT, octets: COUNT }),
    },
  }),
  left_out: line('left_out', 'lines that the limit of a second has left out', { t: TIME, ...LEFT_OUT }),
  too_long: line('too_long', 'a line that would have been too long', {
    t: TIME,
    octets: COUNT,
    begins: TEXT,
  }),
  end: line('end', 'the last line', { t: TIME, reason: TEXT, left_out: object('of all lines', LEFT_OUT) }),
};

/** For editors and other programs. */
export const TRACE_SCHEMA: Schema = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  title: "a line of a trace of psp-gateway's software DOCA",
  oneOf: Object.values(LINE_SCHEMAS),
};
