/** The answer of a device's `lookup` in words: a row for each pipe, and what becomes of the packet in the end. */
import type { FieldName, FieldValue } from '../../hal/fields.js';
import type {
  FailedTest,
  LookupBranch,
  LookupCondition,
  LookupDropReason,
  LookupEnd,
  LookupPath,
  LookupStep,
} from '../../hal/lookup/lookup.js';
import { type Forward, UPLINK_PORT } from '../../hal/program.js';
import { ipFromOctets, macFromOctets } from '../../packet/address.js';
import { isGmac, spiText } from '../../psp/header.js';

/** What happens in one pipe. */
export interface ExplainedStep {
  /** 0; and one more behind each condition, and for each copy. */
  readonly depth: number;
  readonly pipe: string;
  /** The entry that is hit; "miss" where none is; empty for a condition or a copy, which `why` tells. */
  readonly hit: string;
  /** Of a miss: why no entry is hit. */
  readonly why: string;
  /** What is done to the packet. */
  readonly effects: string;
  readonly goesTo: string;
}

/** Of a share in percent: a device draws with 32 bits. */
const DECIMALS_MAX = 9;

const DROPPED: Readonly<Record<LookupDropReason, string>> = {
  forward: 'the pipe says so',
  circle: 'it goes in circles',
  'not-decapsulated': 'it is not authentic, or carries no packet of its kind',
  'not-encapsulated': 'it cannot be put into an envelope',
  'second-key': 'it has been encrypted already',
  'not-encrypted': 'its key slot has no key for it',
  plaintext: 'it would leave unencrypted',
  'too-long': 'it is longer than the MTU of the port',
};

/** Rows of the whole path, those behind conditions and of copies one level deeper each. */
export function stepsOf(path: LookupPath, depth = 0): ExplainedStep[] {
  const rows = path.steps.flatMap((step) => [rowOf(step, depth), ...copiesOf(step, depth)]);
  const { end } = path;
  if (end.end !== 'fork') return rows;
  return [
    ...rows,
    ...end.branches.flatMap(({ condition, path: rest }) => [
      note(depth, `if ${conditionText(condition)}`),
      ...stepsOf(rest, depth + 1),
    ]),
  ];
}

/** What becomes of the packet, on one line. */
export function verdictOf({ steps, end }: LookupPath): string {
  if (end.end === 'fork') return end.branches.map(branchText).join('; ');
  return endText(end, steps.at(-1)?.pipe);
}

function branchText({ condition, path }: LookupBranch): string {
  return `if ${conditionText(condition)}: ${verdictOf(path)}`;
}

function endText(end: Exclude<LookupEnd, { end: 'fork' }>, lastPipe: string | undefined): string {
  switch (end.end) {
    case 'port': {
      const where = end.port === UPLINK_PORT ? 'leaves by the uplink' : 'is given to the workload';
      if (end.encrypted === undefined) return where;
      const { spi, cryptoId, version } = end.encrypted;
      const how = isGmac(version) ? 'authenticated, and READABLE ON ITS WAY,' : 'encrypted';
      return `${where}, ${how} under SPI ${spiText(spi)} of PSP version ${version} with key slot ${cryptoId}`;
    }
    case 'rss':
      return 'goes to the gateway itself';
    case 'kernel':
      return "is left to the host's own network stack";
    case 'drop':
      return `is dropped in ${lastPipe}: ${DROPPED[end.because]}`;
  }
}

function rowOf(step: LookupStep, depth: number): ExplainedStep {
  const { pipe, hit, failed, key, effects, forward } = step;
  return {
    depth,
    pipe,
    hit: hit === null ? 'miss' : (hit.label ?? 'an entry'),
    why: hit === null ? missText(failed, key) : '',
    effects: effects.map(({ effect }) => effect).join(', '),
    goesTo: forwardText(forward),
  };
}

function copiesOf({ pipe, mirror }: LookupStep, depth: number): ExplainedStep[] {
  if (mirror === undefined) return [];
  return mirror.copies.flatMap(({ target, path }) => [
    note(depth, `${pipe} copies it, the copy goes to ${forwardText(target)}`),
    ...stepsOf(path, depth + 1),
  ]);
}

const note = (depth: number, why: string): ExplainedStep => ({
  depth,
  pipe: '',
  hit: '',
  why,
  effects: '',
  goesTo: '',
});

function missText(failed: readonly FailedTest[], key: LookupStep['key']): string {
  const tests = failed.map(({ field, value, wanted }) => {
    const has = value === undefined ? 'is not there' : `is ${valueText(field, value)}`;
    return wanted === undefined ? `${field} ${has}` : `${field} ${has}, not ${valueText(field, wanted)}`;
  });
  if (tests.length > 0) return tests.join('; ');
  const asked = Object.entries(key) as [FieldName, FieldValue][];
  if (asked.length === 0) return '';
  return `no entry has ${asked.map(([field, value]) => `${field} ${valueText(field, value)}`).join(', ')}`;
}

function conditionText(condition: LookupCondition): string {
  if (condition.of === 'syndrome')
    return condition.syndrome === 0
      ? 'the packet is authentic'
      : `the packet is not authentic (syndrome ${condition.syndrome})`;
  return `chance has it in ${condition.pipe} (${percentText(condition.probability)} %)`;
}

/** With as many decimals as it takes to tell it from 0 and from 100. */
function percentText(probability: number): string {
  const percent = 100 * probability;
  const toCertainty = Math.min(percent, 100 - percent);
  const decimals = toCertainty === 0 || toCertainty >= 1 ? 0 : 1 + Math.ceil(-Math.log10(toCertainty));
  return percent.toFixed(Math.min(decimals, DECIMALS_MAX));
}

function forwardText(forward: Forward): string {
  switch (forward.to) {
    case 'pipe':
      return forward.pipe;
    case 'port':
      return forward.port === UPLINK_PORT ? 'uplink' : 'workload';
    case 'rss':
      return 'gateway';
    default:
      return forward.to;
  }
}

/** Addresses and SPIs as people write them, other numbers in decimal, other octets in hexadecimal. */
function valueText(field: FieldName, value: FieldValue): string {
  if (typeof value === 'number') {
    if (field === 'tun.psp.spi') return spiText(value);
    return /\.ip4\.(?:src|dst)_ip$/.test(field) ? ipFromOctets(octetsOf(value), 0, 4) : String(value);
  }
  if (/\.ip6\.(?:src|dst)_ip$/.test(field)) return ipFromOctets(value, 0, 6);
  return value.length === 6 ? macFromOctets(value) : Buffer.from(value).toString('hex');
}

function octetsOf(value: number): Uint8Array {
  const octets = new Uint8Array(4);
  new DataView(octets.buffer).setUint32(0, value);
  return octets;
}
