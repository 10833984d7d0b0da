/**
 * Decrypting a capture by a keys file: every record of the input as it is, and right behind a PSP packet whose key is
 * known what was inside, on an interface of its own with the same time. What was done with a PSP packet stands in a
 * comment. The output is a pcapng, and stands under its name only when it is complete.
 */
import { captureOctets } from '../packet/capture-stream.js';
import { CUT, ethernetFrameOf } from '../packet/link-type.js';
import { type CaptureRecord, INTERFACES_MAX, readCapture } from '../packet/pcap.js';
import { OPTION_OCTETS_MAX, PcapngWriter } from '../packet/pcapng.js';
import { withoutTags } from '../packet/tags.js';
import type { AeadEngine } from '../psp/aead.js';
import { opensslEngine } from '../psp/aead-openssl.js';
import { type Association, associationOf, decapsulate } from '../psp/decapsulate.js';
import { algorithmName, spiText } from '../psp/header.js';
import type { KeyRing } from '../psp/key-ring.js';
import { OutputFileError, writeOutputFile } from './output-file.js';
import { CHECKSUM_LOST, hasWrongChecksum, sizeOf } from './pcap-process.js';

/** Ethernet header and the longest IP packet there is. */
const FRAME_OCTETS_MAX = 14 + 40 + 65_535;

/** Counts of the packets by fate. Their sum is the number of the input's packets. */
export interface DecryptCounts {
  decrypted: number;
  noKey: number;
  /** There was a key, and the ICV does not match. */
  authFail: number;
  malformed: number;
  /** PSP that was captured in part only. */
  cut: number;
  notPsp: number;
}

type Fate =
  | { readonly count: 'decrypted'; readonly comment: string; readonly frame: Uint8Array }
  | { readonly count: 'noKey' | 'authFail' | 'malformed' | 'cut'; readonly comment: string }
  | { readonly count: 'notPsp' };

const NOT_PSP: Fate = { count: 'notPsp' };

export interface DecryptOptions {
  readonly input: string;
  readonly output: string;
  readonly keys: KeyRing;
  /** File from which the keys were read: it must not be replaced. */
  readonly keysPath: string;
  /** OpenSSL's when absent. */
  readonly engine?: AeadEngine;
  /** Gets octets read so far and in all, now and then. */
  readonly onProgress?: (octets: number, totalOctets: number) => void;
  /** Gets each PSP packet's number in the input, from 1 on, and its comment. */
  readonly onPacket?: (number: number, comment: string) => void;
}

/** Throws CaptureError, OutputFileError, and what the file system throws. */
export async function decryptCapture(options: DecryptOptions): Promise<DecryptCounts> {
  const { input, output, keys, keysPath, engine } = options;
  const totalOctets = await sizeOf(input);
  const counts: DecryptCounts = { decrypted: 0, noKey: 0, authFail: 0, malformed: 0, cut: 0, notPsp: 0 };
  await writeOutputFile(output, { inputs: [input, keysPath], readers: 'private' }, async (file) => {
    const decrypting = new Decrypting(new PcapngWriter((octets) => file.write(octets)), keys, engine);
    let number = 0;
    const source = captureOctets(input, (octets) => options.onProgress?.(octets, totalOctets));
    for await (const record of readCapture(source)) {
      number++;
      const fate = decrypting.add(record);
      counts[fate.count]++;
      if ('comment' in fate) options.onPacket?.(number, fate.comment);
      await file.flush();
    }
  });
  return counts;
}

/** Writes records, and behind each what was inside. */
export class Decrypting {
  readonly #interfaces: Interfaces;

  constructor(
    private readonly writer: PcapngWriter,
    private readonly keys: KeyRing,
    private readonly engine: AeadEngine = opensslEngine,
  ) {
    this.#interfaces = new Interfaces(writer);
  }

  add(record: CaptureRecord): Fate {
    const fate = fateOf(record, this.keys, this.engine);
    const { timestampNs, frame, originalOctets, comments = [] } = record;
    const own = this.#interfaces.of(record);
    // What is decrypted says so on the inner packet, the others on their own.
    const undone = 'comment' in fate && !('frame' in fate) ? [fate.comment] : [];
    const comment = [...comments.map((text) => fitting(text, OPTION_OCTETS_MAX)), ...undone];
    this.writer.write({ interfaceIndex: own.encrypted, timestampNs, frame, originalOctets, comment });
    if ('frame' in fate) {
      const inner = { interfaceIndex: own.decrypted, timestampNs, frame: fate.frame };
      this.writer.write({ ...inner, comment: fate.comment });
    }
    return fate;
  }
}

const DECRYPTED = ' decrypted';

/** What is not UTF-8 grows when it is read and written again; so long a text is cut to what surely fits. */
function fitting(text: string, octetsMax: number): string {
  return Buffer.byteLength(text) <= octetsMax ? text : text.slice(0, Math.floor(octetsMax / 3));
}

/** Two interfaces of the output for each of the input, as packets need them. */
class Interfaces {
  readonly #writer: PcapngWriter;
  readonly #known = new Map<string, { encrypted: number; decrypted: number }>();

  constructor(writer: PcapngWriter) {
    this.#writer = writer;
  }

  of({ interfaceIndex, interfaceName, linkType }: CaptureRecord): { encrypted: number; decrypted: number } {
    // Every section of a pcapng numbers its interfaces anew.
    const place = `${interfaceIndex} ${linkType} ${interfaceName ?? ''}`;
    let pair = this.#known.get(place);
    if (pair === undefined) {
      if (2 * this.#known.size + 2 > INTERFACES_MAX) {
        throw new OutputFileError(
          `packets of more than ${INTERFACES_MAX / 2} interfaces do not fit one output`,
        );
      }
      const room = OPTION_OCTETS_MAX - DECRYPTED.length;
      const name = fitting(interfaceName ?? `interface ${interfaceIndex}`, room);
      pair = {
        encrypted: this.#writer.addInterface(name, linkType),
        decrypted: this.#writer.addInterface(`${name}${DECRYPTED}`),
      };
      this.#known.set(place, pair);
    }
    return pair;
  }
}

function fateOf(record: CaptureRecord, keys: KeyRing, engine: AeadEngine): Fate {
  const ethernet = ethernetFrameOf(record);
  if (ethernet === undefined) return NOT_PSP;
  const frame = withoutTags(ethernet);
  const association = associationOf(frame);
  if (association === 'not-psp') {
    const missingOctets = record.originalOctets - record.frame.length;
    return isCutPsp(frame, frame.length + missingOctets) ? undone('cut', CUT) : NOT_PSP;
  }
  if (association === 'bad') return undone('malformed', 'malformed: reserved version or impossible SPI');
  if (association === 'error') return undone('malformed', 'malformed: lengths that contradict each other');
  return decrypt(frame, association, keys, engine);
}

function undone(count: 'noKey' | 'authFail' | 'malformed' | 'cut', why: string): Fate {
  return { count, comment: `PSP not decrypted: ${why}` };
}

function decrypt(frame: Uint8Array, association: Association, keys: KeyRing, engine: AeadEngine): Fate {
  const { receiver, spi, version } = association;
  const what = `SPI ${spiText(spi)}, version ${version} (${algorithmName(version)})`;
  const candidates = keys.find(association);
  if (candidates.length === 0) return undone('noKey', `no key for ${what} of ${receiver}`);
  for (const { key, node } of candidates) {
    const result = decapsulate(frame, {
      engine,
      deriveKeyInto: (_spi, _version, out, offset) => out.set(key, offset),
    });
    if ('frame' in result) {
      const isWrong = hasWrongChecksum(frame);
      if (isWrong && result.mode === 'transport') return undone('malformed', `malformed: ${CHECKSUM_LOST}`);
      const of = node === undefined ? receiver : `${receiver} (${node})`;
      const but = isWrong ? '; no gateway decrypts it: the outer IPv4 header checksum is wrong' : '';
      return { count: 'decrypted', comment: `PSP decrypted: ${what} of ${of}${but}`, frame: result.frame };
    }
    if (result.failure !== 'auth-fail') {
      return undone('malformed', `malformed: authentic, but not what its Next Header says; ${what}`);
    }
  }
  return undone('authFail', `the ICV does not match; ${what} of ${receiver}`);
}

/** Whether a frame's first octets are PSP's, and more of it was on the wire. */
function isCutPsp(frame: Uint8Array, originalOctets: number): boolean {
  if (frame.length >= originalOctets || originalOctets > FRAME_OCTETS_MAX) return false;
  const whole = new Uint8Array(originalOctets);
  whole.set(frame);
  return associationOf(whole) !== 'not-psp';
}
