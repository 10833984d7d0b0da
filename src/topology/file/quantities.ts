/**
 * Times, ratios, rates and sizes as people write them: a number and its unit. Decimal digits are kept: what
 * `format...` writes, `parse...` reads back to the very same number.
 */

/** The form of a kind of value, for the schema, and a correct example for messages. */
export interface QuantityForm {
  readonly pattern: string;
  readonly hint: string;
}

const NUMBER = '\\d{1,400}(\\.\\d{1,400})?';

export const TIME: QuantityForm = {
  pattern: `^${NUMBER}(us|ms|s|m|h|d)$`,
  hint: 'write a time with its unit (us, ms, s, m, h, d), such as 10ms',
};
export const RATIO: QuantityForm = {
  pattern: `^${NUMBER}%$`,
  hint: 'write a share in percent, such as 0.1%',
};
export const BIT_RATE: QuantityForm = {
  pattern: `^${NUMBER}(bps|kbps|Mbps|Gbps)$`,
  hint: 'write bits per second, such as 10Gbps (bps, kbps, Mbps, Gbps)',
};
export const PACKET_RATE: QuantityForm = {
  pattern: `^${NUMBER}/s$`,
  hint: 'write packets per second, such as 1000/s',
};
export const SIZE: QuantityForm = {
  pattern: '^\\d{1,15}(B|kB|MB|GB|KiB|MiB|GiB)$',
  hint: 'write a number of octets, or such as 1MB (B, kB, MB, GB, KiB, MiB, GiB)',
};

/** A value that the schema lets through: text of the form above, or a number where the unit is clear. */
export type Quantity = string | number;

/** Powers of ten that a unit moves the decimal point by. */
type Shifts = Readonly<Record<string, number>>;

const TIME_SHIFTS: Shifts = { us: -3, ms: 0, s: 3 };
const LONG_TIMES_MS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };
const BIT_RATE_SHIFTS: Shifts = { bps: 0, kbps: 3, Mbps: 6, Gbps: 9 };
const SIZE_FACTORS: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
};

function split(text: string): [digits: string, unit: string] {
  const digits = /^[\d.]+/.exec(text)![0];
  return [digits, text.slice(digits.length)];
}

/** Milliseconds. */
export function parseTimeMs(value: Quantity): number {
  if (typeof value === 'number') return value;
  const [digits, unit] = split(value);
  const longMs = LONG_TIMES_MS[unit];
  return longMs === undefined ? Number(`${digits}e${TIME_SHIFTS[unit]}`) : Number(digits) * longMs;
}

/** 0 to 1, or more when more than 100 % is written. */
export function parseRatio(value: Quantity): number {
  return typeof value === 'number' ? value : Number(`${split(value)[0]}e-2`);
}

export function parseBitsPerSecond(value: Quantity): number {
  if (typeof value === 'number') return value;
  const [digits, unit] = split(value);
  return Number(`${digits}e${BIT_RATE_SHIFTS[unit]}`);
}

export function parsePacketsPerSecond(value: Quantity): number {
  return typeof value === 'number' ? value : Number(split(value)[0]);
}

export function parseSizeOctets(value: Quantity): number {
  if (typeof value === 'number') return value;
  const [digits, unit] = split(value);
  return Number(digits) * SIZE_FACTORS[unit]!;
}

/** The shortest decimal digits of a number that is not negative, times 10^places; without exponent. */
function shifted(value: number, places: number): string {
  const [mantissa, exponent = '0'] = String(value).split('e');
  const [whole, fraction = ''] = mantissa!.split('.');
  const point = whole!.length + Number(exponent) + places;
  const digits = `${whole}${fraction}`;
  const padded = `${'0'.repeat(Math.max(0, 1 - point))}${digits}${'0'.repeat(Math.max(0, point - digits.length))}`;
  const at = Math.max(1, point);
  return `${padded.slice(0, at)}.${padded.slice(at)}`.replace(/\.?0*$/, '').replace(/^0+(?=\d)/, '');
}

export function formatTime(ms: number): string {
  if (ms >= 1000 && Number.isInteger(ms / 1000)) return `${shifted(ms, -3)}s`;
  return ms > 0 && ms < 1 ? `${shifted(ms, 3)}us` : `${shifted(ms, 0)}ms`;
}

export function formatRatio(ratio: number): string {
  return `${shifted(ratio, 2)}%`;
}

export function formatBitRate(bitsPerSecond: number): string {
  const unit = ['Gbps', 'Mbps', 'kbps'].find((one) => bitsPerSecond >= 10 ** BIT_RATE_SHIFTS[one]!) ?? 'bps';
  return `${shifted(bitsPerSecond, -BIT_RATE_SHIFTS[unit]!)}${unit}`;
}

export function formatPacketRate(packetsPerSecond: number): string {
  return `${shifted(packetsPerSecond, 0)}/s`;
}
