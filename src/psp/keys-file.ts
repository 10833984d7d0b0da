/**
 * The keys file: the keys of PSP's security associations, one JSON object per line, for whoever decrypts captures.
 *
 *     {"spi":"0x80000001","version":1,"key":"<64 hex digits>","receiver":["2001:db8::1"],"node":"h2"}
 *
 * `receiver` are the underlay addresses under which the SPI is received, since an SPI is unique per receiver only; without
 * it the key is for any receiver. `node` is the receiver's name, for people. Both may be absent. The same SPI may stand
 * there several times: after two rotations a receiver gives it out again, with another key.
 */
import { loneReturnsProblem } from '../base/lone-returns.js';
import { type IpAddress, parseWrittenIp } from '../packet/address.js';
import { keyLengthOctets, PSP_VERSION_MAX, type PspVersion, SPI_LOW_MASK, spiText } from './header.js';

/** The key of one association. */
export interface SaKey {
  /** Unsigned, 32 bits. */
  readonly spi: number;
  readonly version: PspVersion;
  /** 16 or 32 octets, by version. */
  readonly key: Uint8Array;
  /** Not empty. Absent: any. */
  readonly receivers?: readonly IpAddress[];
  /** Up to 255 characters. */
  readonly node?: string;
}

/** Limit on a whole file, enough for two million keys. */
export const KEYS_FILE_OCTETS_MAX = 384 * 1024 * 1024;
/** A key with all that may stand beside it is less. */
const LINE_CHARACTERS_MAX = 4096;
const KEYS_MAX = 2_000_000;
const RECEIVERS_MAX = 16;
const NODE_CHARACTERS_MAX = 255;
const FIELDS = ['spi', 'version', 'key', 'receiver', 'node'];
/** A file that is no keys file at all has a problem in every line. */
const PROBLEMS_SHOWN_MAX = 50;

/** Everything that is wrong with a keys file. Says where, and never what stands there: it may be a key. */
export class KeysFileError extends Error {
  override readonly name = 'KeysFileError';
  constructor(
    path: string,
    /** Line, a colon, and what is wrong there. */
    readonly problems: readonly string[],
    /** How many more problems there are. */
    more = 0,
  ) {
    const shown = problems.map((problem) => `${path}:${problem}`);
    super([...shown, ...(more > 0 ? [`${path}: and ${more} more`] : [])].join('\n'));
  }
}

/** Reads a whole file; empty lines are skipped. Throws KeysFileError with the problems, of very many the first ones. */
export function parseKeysFile(text: string, path: string, keysMax = KEYS_MAX): SaKey[] {
  const problems: string[] = [];
  let more = 0;
  const keys: SaKey[] = [];
  let number = 0;
  // Not split: a file of empty lines would be a far larger list.
  for (let start = 0; start < text.length; ) {
    const newline = text.indexOf('\n', start);
    const end = newline < 0 ? text.length : newline;
    number++;
    const wrong: string[] = [];
    const key = end - start > LINE_CHARACTERS_MAX ? tooLong(wrong) : parseLine(text.slice(start, end), wrong);
    if (key !== undefined && wrong.length === 0) keys.push(key);
    if (keys.length > keysMax)
      throw new KeysFileError(path, [`${number}: more than ${keysMax} keys up to here`]);
    for (const problem of wrong) {
      if (problems.length < PROBLEMS_SHOWN_MAX) problems.push(`${number}: ${problem}`);
      else more++;
    }
    start = end + 1;
  }
  if (problems.length > 0) throw new KeysFileError(path, problems, more);
  return keys;
}

function tooLong(wrong: string[]): undefined {
  wrong.push(`the line is longer than ${LINE_CHARACTERS_MAX} characters`);
}

/** One line, newline included. */
export function formatSaKey({ spi, version, key, receivers, node }: SaKey): string {
  return `${JSON.stringify({
    spi: spiText(spi),
    version,
    key: Buffer.from(key.buffer, key.byteOffset, key.length).toString('hex'),
    receiver: receivers,
    node,
  })}\n`;
}

/** Undefined for an empty line, or with what is wrong noted. */
function parseLine(line: string, wrong: string[]): SaKey | undefined {
  if (line.trim() === '') return undefined;
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    // The parser's own words quote the line.
    wrong.push(loneReturnsProblem(line)?.reason ?? 'not JSON');
    return undefined;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    wrong.push('not a JSON object');
    return undefined;
  }
  const fields = value as Readonly<Record<string, unknown>>;
  if (Object.keys(fields).some((name) => !FIELDS.includes(name))) {
    wrong.push(`a field that is none of ${FIELDS.join(', ')}`);
  }
  const spi = parseSpi(fields.spi, wrong);
  const version = parseVersion(fields.version, wrong);
  const key = parseKey(fields.key, version, wrong);
  const receivers = parseReceivers(fields.receiver, wrong);
  const node = parseNode(fields.node, wrong);
  return {
    spi,
    version: version ?? 0,
    key,
    ...(receivers === undefined ? {} : { receivers }),
    ...(node === undefined ? {} : { node }),
  };
}

function parseSpi(value: unknown, wrong: string[]): number {
  if (typeof value !== 'string' || !/^0x[0-9a-f]{1,8}$/i.test(value)) {
    wrong.push('spi: expected 32 bits in hex and in quotes, such as "0x80000001"');
    return 0;
  }
  const spi = Number.parseInt(value, 16);
  if ((spi & SPI_LOW_MASK) === 0) wrong.push('spi: its low 31 bits must not be zero');
  return spi;
}

function parseVersion(value: unknown, wrong: string[]): PspVersion | undefined {
  if (Number.isInteger(value) && (value as number) >= 0 && (value as number) <= PSP_VERSION_MAX) {
    return value as PspVersion;
  }
  wrong.push(`version: expected a number from 0 to ${PSP_VERSION_MAX}`);
  return undefined;
}

function parseKey(value: unknown, version: PspVersion | undefined, wrong: string[]): Uint8Array {
  const lengths = version === undefined ? [16, 32] : [keyLengthOctets(version)];
  const isHex = typeof value === 'string' && /^[0-9a-f]*$/i.test(value);
  if (!isHex || !lengths.includes(value.length / 2)) {
    const digits = lengths.map((octets) => octets * 2).join(' or ');
    wrong.push(
      `key: expected ${digits} hex digits in quotes${version === undefined ? '' : `, for version ${version}`}`,
    );
    return new Uint8Array(0);
  }
  return Uint8Array.from(Buffer.from(value, 'hex'));
}

function parseReceivers(value: unknown, wrong: string[]): IpAddress[] | undefined {
  if (value === undefined) return undefined;
  if (!Array.isArray(value) || value.length === 0 || value.length > RECEIVERS_MAX) {
    wrong.push('receiver: expected a list of IP addresses (16 at most), such as ["2001:db8::1"]');
    return undefined;
  }
  return value.flatMap((item, i) => {
    try {
      if (typeof item === 'string') return [parseWrittenIp(item)];
    } catch {
      // Said below, without the text.
    }
    wrong.push(`receiver: item ${i + 1} is not an IP address`);
    return [];
  });
}

function parseNode(value: unknown, wrong: string[]): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'string' && value.length >= 1 && value.length <= NODE_CHARACTERS_MAX) return value;
  wrong.push(`node: expected a name in quotes, of up to ${NODE_CHARACTERS_MAX} characters`);
  return undefined;
}
