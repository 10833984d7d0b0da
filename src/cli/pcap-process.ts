/**
 * Encrypting and decrypting captures record by record, as the PSP reference tool does it. The input is streamed;
 * the output stands under its name only when it is complete.
 */
import { stat } from 'node:fs/promises';
import { captureOctets, STANDARD_STREAM } from '../packet/capture-stream.js';
import { IPV4_PROTOCOL, ipv4ChecksumOk, PROTOCOL_TCP, PROTOCOL_UDP } from '../packet/ipv4.js';
import { IPV6_NEXT_HEADER } from '../packet/ipv6.js';
import { wholeFrameOf } from '../packet/link-type.js';
import { pcapHeader, pcapRecord, readCapture } from '../packet/pcap.js';
import { notIpReason } from '../packet/tags.js';
import type { AeadEngine } from '../psp/aead.js';
import { opensslEngine } from '../psp/aead-openssl.js';
import { decapsulate } from '../psp/decapsulate.js';
import { EncapsulationError, locateIpPacket } from '../psp/encapsulate.js';
import {
  CRYPT_OFFSET_UNIT_OCTETS,
  isGmac,
  keyLengthOctets,
  NEXT_HEADER_IPV4,
  NEXT_HEADER_IPV6,
} from '../psp/header.js';
import { KeyDeriver } from '../psp/key-derivation.js';
import type { SaKey } from '../psp/keys-file.js';
import { encapsulateAsReference } from '../psp/reference-tool.js';
import { writeOutputFile } from './output-file.js';
import type { DecryptConfig, EncryptConfig } from './pcap-config.js';

/** The reference tool's largest frame, and the snap length of its files. */
export const SNAP_OCTETS = 9014;
/** The bit of the Crypt Offset octet that the reference tool flips to force an authentication failure. */
const RESERVED_BIT = 0x80;
const ETHERNET_HEADER_OCTETS = 14;

/** Packets that did not make it, by reason. */
export type Reasons = Map<string, number>;

export interface PcapResult {
  readonly written: number;
  readonly failed: Reasons;
}

/** The result of a step for one frame: the new frame, or the reason why there is none. */
export type FrameStep = (frame: Uint8Array) => { readonly frame: Uint8Array } | { readonly reason: string };

/** The key that a configuration encrypts with. */
export function encryptionKey({ masterKeys, spi, version }: EncryptConfig): SaKey {
  const deriver = new KeyDeriver(masterKeys[spi >>> 31 === 0 ? 0 : 1]);
  const key = new Uint8Array(keyLengthOctets(version));
  deriver.deriveInto(spi, version, key, 0);
  deriver.wipe();
  return { spi, version, key };
}

/** Encrypts as configured; with `corrupt` every packet gets a bit error, so that none authenticates. */
export function encryptStep(
  config: EncryptConfig,
  corrupt: boolean,
  engine: AeadEngine = opensslEngine,
): FrameStep {
  const { mode, cookie, cryptOffsetWords } = config;
  const { spi, version, key } = encryptionKey(config);
  let iv = 1n;
  return (frame) => {
    const unfit = notIpReason(frame);
    if (unfit !== undefined) return { reason: unfit };
    const packet = locateIpPacket(frame)!;
    const tunnelOffset = packet.family === 4 ? cryptOffsetWords.tunnelIpv4 : cryptOffsetWords.tunnelIpv6;
    const given = mode === 'transport' ? cryptOffsetWords.transport : tunnelOffset;
    // AES-GMAC encrypts nothing, and has no offset.
    const offset = isGmac(version) ? 0 : given;
    const skip = skipReason(frame, packet, mode, offset);
    if (skip !== undefined) return { reason: skip };
    try {
      const options = {
        engine,
        mode,
        version,
        spi,
        key,
        iv,
        cryptOffsetWords: offset,
        cookie,
      };
      const encrypted = encapsulateAsReference(frame, options);
      if (encrypted.length > SNAP_OCTETS)
        return { reason: `larger than ${SNAP_OCTETS} octets when encrypted` };
      iv += 1n;
      if (corrupt) encrypted[pspOffset(encrypted)]! |= RESERVED_BIT;
      return { frame: encrypted };
    } catch (error) {
      if (error instanceof EncapsulationError) return { reason: error.message };
      throw error;
    }
  };
}

/** Reason to skip a packet: the reference tool leaves it out, or it would not come back as it was. */
function skipReason(
  frame: Uint8Array,
  packet: { family: 4 | 6; end: number },
  mode: 'transport' | 'tunnel',
  offsetWords: number,
): string | undefined {
  const ipOctets = packet.family === 4 ? (frame[ETHERNET_HEADER_OCTETS]! & 0x0f) * 4 : 40;
  const payloadAt = mode === 'transport' ? ETHERNET_HEADER_OCTETS + ipOctets : ETHERNET_HEADER_OCTETS;
  if (offsetWords * CRYPT_OFFSET_UNIT_OCTETS > packet.end - payloadAt) return 'crypt offset past the end';
  // Transport mode writes the header's checksum anew, twice: what was broken on the way would come out as if it were whole.
  if (mode === 'transport' && hasWrongChecksum(frame)) return CHECKSUM_LOST;
  const protocol = frame[ETHERNET_HEADER_OCTETS + (packet.family === 4 ? IPV4_PROTOCOL : IPV6_NEXT_HEADER)]!;
  const isTcpOrUdp = protocol === PROTOCOL_TCP || protocol === PROTOCOL_UDP;
  if (mode === 'transport' && packet.family === 6 && !isTcpOrUdp) {
    return 'neither TCP nor UDP directly behind the IPv6 header (transport mode)';
  }
  // Transport mode has the protocol as Next Header, and these two there are what tunnel mode has.
  if (mode === 'transport' && (protocol === NEXT_HEADER_IPV4 || protocol === NEXT_HEADER_IPV6)) {
    return 'IP in IP, which would be taken for a tunnel (transport mode)';
  }
  return undefined;
}

/** The Crypt Offset octet of an encrypted frame. */
function pspOffset(frame: Uint8Array): number {
  const ip = ETHERNET_HEADER_OCTETS;
  const ipOctets = frame[ip]! >>> 4 === 4 ? (frame[ip]! & 0x0f) * 4 : 40;
  return ip + ipOctets + 8 + 2;
}

/** Reason to skip a packet in transport mode, when encrypting and when decrypting. */
export const CHECKSUM_LOST = 'wrong IPv4 header checksum, which would be put right (transport mode)';

/** Of an IP packet's (outer) header; no gateway decrypts such a packet: ROOT takes it for none of PSP's. */
export function hasWrongChecksum(frame: Uint8Array): boolean {
  const isIpv4 = frame[ETHERNET_HEADER_OCTETS]! >>> 4 === 4;
  return isIpv4 && !ipv4ChecksumOk(frame, ETHERNET_HEADER_OCTETS);
}

const FAILURES: Readonly<Record<string, string>> = {
  'not-psp': 'not a PSP packet',
  'auth-fail': 'authentication failed',
  error: 'malformed',
  bad: 'reserved version or impossible SPI',
};

export function decryptStep(config: DecryptConfig, engine: AeadEngine = opensslEngine): FrameStep {
  const derivers = config.masterKeys.map((masterKey) => new KeyDeriver(masterKey));
  return (frame) => {
    const result = decapsulate(frame, {
      engine,
      deriveKeyInto: (spi, version, out, offset) =>
        derivers[spi >>> 31]!.deriveInto(spi, version, out, offset),
    });
    if ('failure' in result) return { reason: FAILURES[result.failure]! };
    // Tunnel mode leaves the header away, and what was inside is as it was.
    return result.mode === 'transport' && hasWrongChecksum(frame)
      ? { reason: CHECKSUM_LOST }
      : { frame: result.frame };
  };
}

export interface ProcessOptions {
  readonly input: string;
  readonly output: string;
  readonly step: FrameStep;
  /** Gets octets read so far and in all, now and then; 0: that is not known. */
  readonly onProgress?: (octets: number, totalOctets: number) => void;
  /** Gets each packet's number, from 1 on, and fate. */
  readonly onPacket?: (number: number, fate: string) => void;
}

/** Runs a step over a capture. Nothing stands under the output's name unless all of it was read and written. */
export async function processCapture(options: ProcessOptions): Promise<PcapResult> {
  const { input, output, step } = options;
  const totalOctets = await sizeOf(input);
  return writeOutputFile(output, { inputs: [input], readers: 'private' }, async (file) => {
    const failed: Reasons = new Map();
    let written = 0;
    let number = 0;
    file.write(pcapHeader(SNAP_OCTETS));
    const source = captureOctets(input, (octets) => options.onProgress?.(octets, totalOctets));
    for await (const record of readCapture(source)) {
      number++;
      const whole = wholeFrameOf(record);
      const result = 'frame' in whole ? step(whole.frame) : whole;
      if ('frame' in result) {
        written++;
        file.write(pcapRecord(record.timestampNs, result.frame));
        await file.flush();
      } else failed.set(result.reason, (failed.get(result.reason) ?? 0) + 1);
      options.onPacket?.(number, 'frame' in result ? 'ok' : result.reason);
    }
    return { written, failed };
  });
}

/** Octets of a capture's file; 0: that is not known. */
export async function sizeOf(path: string): Promise<number> {
  return path === STANDARD_STREAM ? 0 : (await stat(path)).size;
}
