/**
 * The configuration file of the PSP reference tool: whitespace-separated values. All that is wrong with it is
 * reported at once, with the line.
 */
import type { PspVersion } from '../psp/header.js';
import { CRYPT_OFFSET_WORDS_MAX, SPI_LOW_MASK } from '../psp/header.js';
import { MASTER_KEY_OCTETS } from '../psp/key-derivation.js';

/** Limit on a whole file: 71 values, and as many blanks as people may want between them. */
export const CONFIG_OCTETS_MAX = 64 * 1024;
/** Those of AES-GMAC are ours: the reference tool does not know them. */
const ALGORITHMS: Readonly<Record<string, PspVersion>> = {
  'aes-gcm-128': 0,
  'aes-gcm-256': 1,
  'aes-gmac-128': 2,
  'aes-gmac-256': 3,
};
/** Limit on a value that is quoted. */
const SHOWN_CHARACTERS = 40;

export interface DecryptConfig {
  readonly masterKeys: readonly [Uint8Array, Uint8Array];
}

export interface EncryptConfig extends DecryptConfig {
  readonly spi: number;
  readonly mode: 'transport' | 'tunnel';
  readonly version: PspVersion;
  /** Crypt offsets in units of 4 octets. */
  readonly cryptOffsetWords: {
    readonly transport: number;
    readonly tunnelIpv4: number;
    readonly tunnelIpv6: number;
  };
  readonly cookie: boolean;
}

/** Everything that is wrong with a configuration file. */
export class PcapConfigError extends Error {
  override readonly name = 'PcapConfigError';
  constructor(
    path: string,
    readonly problems: readonly string[],
  ) {
    super(problems.map((problem) => `${path}:${problem}`).join('\n'));
  }
}

interface Token {
  readonly text: string;
  readonly line: number;
}

/** A value, quoted for a sentence. */
function quoted({ text }: Token): string {
  return text.length <= SHOWN_CHARACTERS ? `"${text}"` : `"${text.slice(0, SHOWN_CHARACTERS)}..."`;
}

function tokenize(text: string): Token[] {
  return text.split('\n').flatMap((content, i) =>
    content
      .split(/\s+/)
      .filter((part) => part !== '')
      .map((part) => ({ text: part, line: i + 1 })),
  );
}

/** Takes the values one by one and remembers what was wrong. */
class ConfigReader {
  readonly problems: string[] = [];
  readonly #tokens: Token[];
  #at = 0;

  constructor(text: string) {
    this.#tokens = tokenize(text);
  }

  #next(field: string): Token | undefined {
    const token = this.#tokens[this.#at++];
    if (token === undefined) this.problems.push(`${this.#lastLine()}: ${field} is missing`);
    return token;
  }

  #lastLine(): number {
    return this.#tokens.at(-1)?.line ?? 1;
  }

  masterKey(field: string): Uint8Array {
    const key = new Uint8Array(MASTER_KEY_OCTETS);
    for (let i = 0; i < MASTER_KEY_OCTETS; i++) {
      const token = this.#next(`octet ${i + 1} of ${field}`);
      if (token === undefined) return key;
      // Not the text itself: it may be half a key.
      if (!/^(0x)?[0-9a-f]{1,2}$/i.test(token.text)) {
        this.problems.push(`${token.line}: octet ${i + 1} of ${field} is not a hex octet`);
      } else key[i] = Number.parseInt(token.text, 16);
    }
    return key;
  }

  spi(): number {
    const token = this.#next('the SPI');
    if (token === undefined) return 1;
    const spi = /^(0x)?[0-9a-f]{1,8}$/i.test(token.text) ? Number.parseInt(token.text, 16) : Number.NaN;
    if (Number.isNaN(spi)) this.problems.push(`${token.line}: SPI ${quoted(token)} is not 32 bits in hex`);
    else if ((spi & SPI_LOW_MASK) === 0)
      this.problems.push(`${token.line}: SPI: its low 31 bits must not be zero`);
    return spi;
  }

  word<T>(field: string, values: Readonly<Record<string, T>>): T {
    const token = this.#next(field);
    const names = Object.keys(values);
    const value = token !== undefined && Object.hasOwn(values, token.text) ? values[token.text] : undefined;
    if (token !== undefined && value === undefined) {
      this.problems.push(`${token.line}: ${field} ${quoted(token)} is not one of ${names.join(', ')}`);
    }
    return value ?? values[names[0]!]!;
  }

  offset(field: string): number {
    const token = this.#next(field);
    if (token === undefined) return 0;
    const value = /^\d+$/.test(token.text) ? Number(token.text) : Number.NaN;
    if (!(value <= CRYPT_OFFSET_WORDS_MAX)) {
      this.problems.push(
        `${token.line}: ${field} ${quoted(token)} is not a number from 0 to ${CRYPT_OFFSET_WORDS_MAX}`,
      );
    }
    return value;
  }
}

/** Reads the two master keys; what follows them is not looked at. Throws PcapConfigError. */
export function parseDecryptConfig(text: string, path: string): DecryptConfig {
  const reader = new ConfigReader(text);
  const masterKeys = [reader.masterKey('master key 0'), reader.masterKey('master key 1')] as const;
  if (reader.problems.length > 0) throw new PcapConfigError(path, reader.problems);
  return { masterKeys };
}

/** Reads the whole file. Throws PcapConfigError. */
export function parseEncryptConfig(text: string, path: string): EncryptConfig {
  const reader = new ConfigReader(text);
  const config: EncryptConfig = {
    masterKeys: [reader.masterKey('master key 0'), reader.masterKey('master key 1')],
    spi: reader.spi(),
    mode: reader.word('the mode', { transport: 'transport', tunnel: 'tunnel' } as const),
    version: reader.word<PspVersion>('the algorithm', ALGORITHMS),
    cryptOffsetWords: {
      transport: reader.offset('the crypt offset for transport mode'),
      tunnelIpv4: reader.offset('the crypt offset for IPv4 tunnels'),
      tunnelIpv6: reader.offset('the crypt offset for IPv6 tunnels'),
    },
    cookie: reader.word('the cookie', { 'no-vc': false, vc: true }),
  };
  if (reader.problems.length > 0) throw new PcapConfigError(path, reader.problems);
  return config;
}
