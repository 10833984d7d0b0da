/**
 * What must hold whatever happens, watched at every gateway's two ports:
 *
 * - plaintext: nothing but PSP leaves for the underlay (in transport mode address resolution does too), and no payload
 *   of a workload can be read in it, but in packets of AES-GMAC of gateways that were told to (--psp-version 2 and 3);
 * - iv-reuse: under one SPI the IVs of a sender increase;
 * - key-reuse: no device gives the same key out twice, and no two senders, nor two incarnations of one, get the same key;
 * - impersonated: what a workload receives was encrypted under a key that was given to the peer who owns its source;
 * - unauthenticated: what a workload receives, some workload sent, octet for octet, to that address;
 * - delivered-twice: what is delivered twice came in twice by the underlay;
 * - unaccounted: every packet that goes into a device comes to exactly one end.
 *
 * PSP itself has no protection against replay (PSP specification, "Security"), hence the fifth in these words.
 */
import { FNV1A_START, fnv1aStep } from '../base/fnv1a.js';
import { PKT_META_RETURN_TO_VF } from '../gateway/pipeline/packet-meta.js';
import { delegateHal } from '../hal/delegate.js';
import type { PipeHal, SpiKeyBatch, TransmitPacket } from '../hal/hal.js';
import type { IpAddress } from '../packet/address.js';
import { DHCP_SERVER_PORT } from '../packet/dhcp.js';
import { ETHER_TYPE_ARP, ETHERNET_HEADER_OCTETS, etherType } from '../packet/ethernet.js';
import { isIcmpError } from '../packet/icmp.js';
import { ICMPV6_NEIGHBOR_ADVERTISEMENT, isIcmpv6Error } from '../packet/icmpv6.js';
import { upperLayerAt } from '../packet/ip.js';
import {
  IPV4_SOURCE,
  ipv4HeaderLength,
  ipv4IsFragment,
  ipv4Protocol,
  PROTOCOL_ICMP,
  PROTOCOL_ICMPV6,
  PROTOCOL_UDP,
} from '../packet/ipv4.js';
import { IPV6_SOURCE } from '../packet/ipv6.js';
import { readSegmentMessage } from '../packet/segment.js';
import { UDP_SOURCE_PORT } from '../packet/udp.js';
import { uint16At } from '../packet/uint16.js';
import { locateIpPacket } from '../psp/encapsulate.js';
import { encryptStart, isGmac, PSP_IV, pspSpi, pspVersion, spiText } from '../psp/header.js';
import type { Given } from './given-keys.js';
import { KnownKeys } from './known-keys.js';
import { type ExternalPlan, underlayAddresses } from './model.js';
import type { GatewayNode } from './nodes/gateway-node.js';
import type { Counts } from './nodes/incarnation.js';
import { Ownership } from './ownership.js';
import { addressOf, locatePsp, type PspPlace } from './packets.js';
import { Restraint, type RestraintDeps, type RestraintKind } from './restraint.js';
import { WORKLOAD_MARKER } from './traffic/payload.js';

/** What must never happen. */
export type ViolationKind =
  | 'plaintext'
  | 'iv-reuse'
  | 'key-reuse'
  | 'unauthenticated'
  | 'impersonated'
  | RestraintKind
  | 'delivered-twice'
  | 'unaccounted';

/** Something that must never happen, and did. */
export interface Violation {
  readonly kind: ViolationKind;
  readonly atMs: number;
  readonly node: string;
  readonly text: string;
}

/** Whoever encrypts with keys, in one of its lives. */
export type Encrypter = Pick<GatewayNode, 'name' | 'incarnations'>;

const MARKER = Buffer.from(WORKLOAD_MARKER);
/** Violations that are kept; the rest is counted. */
const VIOLATIONS_MAX = 100;

interface Packet {
  sent: number;
  delivered: number;
  /** Deliveries beyond those sent that the underlay excuses, by node. */
  readonly excused: string[];
}

export interface InvariantCheckerOptions {
  /** Sees keys as they are made. */
  readonly onKeys?: (node: GatewayNode, batch: SpiKeyBatch) => void;
  /** Gateways in processes of their own: what they answer themselves is told by its looks, and their keys come later than packets. */
  readonly remote?: (node: string) => boolean;
  /** The node that a workload's address is behind; absent: not asked whose packets are. */
  readonly ownerOf?: (address: IpAddress) => string | undefined;
  /** Nodes whose own keys, and what they send under these, are not checked. */
  readonly insiders?: ReadonlySet<string>;
  /** Gateways that somebody else runs, whose workloads are not seen. */
  readonly strangers?: ReadonlySet<string>;
  /** Needed to check the gateways' limits, which are not checked when absent. */
  readonly restraint?: Omit<RestraintDeps, 'nowMs' | 'violate'>;
}

export class InvariantChecker {
  readonly violations: Violation[] = [];
  /** All of them, those that are not kept included. */
  violationCount = 0;
  /** The last IV by sender's incarnation, receiver's underlay address and SPI. */
  readonly #ivs = new Map<string, bigint>();
  /** Keys that devices made, and who encrypts with each. */
  readonly #keys = new KnownKeys();
  /** Incarnations of gateways that encrypt; the key table has their places here, from 1. */
  readonly #incarnations: string[] = [];
  readonly #incarnationOf = new Map<Encrypter, { readonly start: number; readonly place: number }>();
  /** Packets sent by workloads, by fingerprint. */
  readonly #packets = new Map<number, Packet>();
  /** Frames that gateways themselves gave to their workloads, by hash. */
  readonly #own = new Map<number, number>();
  /** PSP packets that came in by the underlay: how often each, by receiving node, SPI and IV. */
  readonly #arrivals = new Map<string, number>();
  /** By node: repeated arrivals of PSP packets, less the deliveries that they account for. */
  readonly #repeats = new Map<string, number>();
  readonly #ownership: Ownership | undefined;
  readonly #restraint: Restraint | undefined;
  /** Keys that insiders gave out, perhaps to many. */
  readonly #insidersKeys = new Set<number>();

  constructor(
    private readonly nowMs: () => number,
    private readonly options: InvariantCheckerOptions = {},
  ) {
    if (options.restraint !== undefined)
      this.#restraint = new Restraint({
        ...options.restraint,
        nowMs,
        violate: (...args) => this.violate(...args),
      });
    if (options.ownerOf !== undefined) this.#ownership = new Ownership(options.ownerOf);
  }

  violate(kind: ViolationKind, node: string, text: string): void {
    this.violationCount++;
    if (this.violations.length < VIOLATIONS_MAX)
      this.violations.push({ kind, atMs: this.nowMs(), node, text });
  }

  onUplink(node: GatewayNode, direction: 'in' | 'out', frame: Uint8Array): void {
    const psp = locatePsp(frame);
    if (direction === 'out') this.#leaves(node, frame, psp);
    else if (psp !== undefined) this.#arrives(node, frame, psp.at);
  }

  onVf(node: GatewayNode, direction: 'in' | 'out', frame: Uint8Array): void {
    if (direction === 'in') {
      this.#remember(frame);
      this.#giveReason(node, frame, 'source', 'destination');
    } else this.#delivered(node, frame);
  }

  /**
   * A frame of a gateway that somebody else runs. What its kernel says by itself, ARP and the like, is its own business; packets of or
   * for workloads are to be PSP, and under one SPI no IV follows itself.
   */
  onExternal({ name, underlay }: Pick<ExternalPlan, 'name' | 'underlay'>, frame: Uint8Array): void {
    const psp = locatePsp(frame);
    if (psp === undefined) {
      const family = locateIpPacket(frame)?.family;
      if (family === undefined) return;
      const ends = [addressOf(frame, family, 'source'), addressOf(frame, family, 'destination')];
      const known = ends.find((ip) => this.options.ownerOf?.(ip) !== undefined);
      if (known !== undefined && !underlayAddresses(underlay).includes(known))
        this.violate('plaintext', name, `a packet from ${ends[0]} to ${ends[1]} left that is no PSP packet`);
      return;
    }
    const from = isGmac(pspVersion(frame, psp.at)) ? frame.length : encryptStart(frame, psp.at, frame.length);
    if (Buffer.from(frame.buffer, frame.byteOffset + from, frame.length - from).includes(MARKER))
      this.violate('plaintext', name, `a workload's payload can be read in a PSP packet to ${psp.to}`);
    const spi = pspSpi(frame, psp.at);
    const iv = ivOf(frame, psp.at);
    const key = `${name} ${psp.to} ${spi}`;
    if (this.#ivs.get(key) === iv)
      this.violate('iv-reuse', name, `SPI ${spiText(spi)} of ${psp.to}: IV ${iv} twice`);
    this.#ivs.set(key, iv);
  }

  /** A key that a gateway of somebody else tells: one that it was given and encrypts with, or one that its device has made. */
  keyTold(external: Encrypter, key: Uint8Array): void {
    const short = shortOf(key, 0);
    if (this.#keys.isMade(short)) this.keyUsed(external, key);
    else this.#keys.make(short);
  }

  /** A key crosses the OOB network. */
  onGiven(given: Given): void {
    this.#ownership?.onGiven(given);
    this.#restraint?.onGiven(given);
    if (this.options.insiders?.has(given.receiver) === true)
      this.#insidersKeys.add(shortOf(given.parameters.key, 0));
  }

  onRequest(...request: Parameters<Restraint['onRequest']>): void {
    this.#restraint?.onRequest(...request);
  }

  onGranted(...grant: Parameters<Restraint['onGranted']>): void {
    this.#restraint?.onGranted(...grant);
  }

  /** The device, with its keys and what the gateway itself sends watched. */
  wrapHal(node: GatewayNode, hal: PipeHal): PipeHal {
    this.starts(node);
    return delegateHal(hal, {
      generateKeys: async (...args) => {
        const batch = await hal.generateKeys(...args);
        this.keysMade(node, batch);
        return batch;
      },
      setKeys: (slots) => {
        for (const { key } of slots) this.keyUsed(node, key);
        return hal.setKeys(slots);
      },
      transmit: (packets) => {
        for (const packet of packets) this.#gatewaySends(packet);
        return hal.transmit(packets);
      },
    });
  }

  /** An incarnation starts: what it gave before opens nothing any more. */
  starts({ name, clock }: GatewayNode): void {
    this.#ownership?.forget(name);
    this.#restraint?.starts(name, clock);
  }

  /** Checks a device's counters when its incarnation or the run ends. */
  checkDevice(node: string, { in: packetsIn = 0, copies = 0, ...ends }: Counts): void {
    const sum = Object.values(ends).reduce((a, b) => a + b, 0);
    if (packetsIn + copies === sum) return;
    const text = `${packetsIn} packets in and ${copies} copies, but ${sum} ends: ${JSON.stringify(ends)}`;
    this.violate('unaccounted', node, text);
  }

  #leaves(node: GatewayNode, frame: Uint8Array, psp: PspPlace | undefined): void {
    if (psp === undefined) {
      if (isOfSegment(node, frame)) return;
      this.violate('plaintext', node.name, `a frame of ${frame.length} octets left that is no PSP packet`);
      return;
    }
    // A crypt offset that was asked for leaves in the clear what it leaves, and AES-GMAC all.
    const { cryptOffsetWords, pspVersion: asked } = node.plan.options;
    const readable = isGmac(pspVersion(frame, psp.at)) ? isGmac(asked) : cryptOffsetWords !== undefined;
    const from = readable ? encryptStart(frame, psp.at, frame.length) : 0;
    if (Buffer.from(frame.buffer, frame.byteOffset + from, frame.length - from).includes(MARKER)) {
      this.violate('plaintext', node.name, `a workload's payload can be read in a PSP packet to ${psp.to}`);
    }
    const spi = pspSpi(frame, psp.at);
    this.#restraint?.onLeaves(node.name, psp.to, spi);
    const iv = ivOf(frame, psp.at);
    const key = `${node.name} ${node.incarnations} ${psp.to} ${spi}`;
    const before = this.#ivs.get(key) ?? -1n;
    // Packets from other processes may arrive in another order than they were sealed in.
    if (this.#isRemote(node) ? iv === before : iv <= before)
      this.violate('iv-reuse', node.name, `SPI ${spiText(spi)} of ${psp.to}: IV ${iv} after ${before}`);
    this.#ivs.set(key, iv);
  }

  #arrives(node: GatewayNode, frame: Uint8Array, at: number): void {
    this.#ownership?.arrives(node.name, frame, at, fingerprintOf);
    const key = `${node.name} ${pspSpi(frame, at)} ${ivOf(frame, at)}`;
    const times = (this.#arrivals.get(key) ?? 0) + 1;
    this.#arrivals.set(key, times);
    if (times > 1) this.#repeats.set(node.name, (this.#repeats.get(node.name) ?? 0) + 1);
  }

  #remember(frame: Uint8Array): void {
    const fingerprint = fingerprintOf(frame);
    if (fingerprint === undefined) return;
    const packet = this.#packets.get(fingerprint);
    if (packet === undefined) {
      this.#packets.set(fingerprint, { sent: 1, delivered: 0, excused: [] });
      return;
    }
    packet.sent++;
    // A packet that is sent again, as TCP does, needs the excuse of its predecessor no longer.
    const node = packet.excused.pop();
    if (node !== undefined) this.#repeats.set(node, (this.#repeats.get(node) ?? 0) + 1);
  }

  #delivered(node: GatewayNode, frame: Uint8Array): void {
    const own = hashOf(frame, 0, frame.length, 0);
    const times = this.#own.get(own);
    if (times !== undefined) {
      if (times === 1) this.#own.delete(own);
      else this.#own.set(own, times - 1);
      return;
    }
    if (isOfSegment(node, frame)) return;
    if (this.#isRemote(node) && looksLikeAnswer(frame)) return;
    this.#giveReason(node, frame, 'destination', 'source');
    const place = locateIpPacket(frame);
    const fingerprint = fingerprintOf(frame) ?? -1;
    // Without the ingress ACL this is not promised.
    if (place !== undefined && node.plan.options.ingressAcl) {
      const source = addressOf(frame, place.family, 'source');
      const verdict = this.#ownership?.delivered(node.name, fingerprint, source);
      if (verdict !== undefined && 'impersonated' in verdict)
        this.violate('impersonated', node.name, verdict.impersonated);
      else if (verdict !== undefined && this.#sendsUnseen(verdict.owner)) return;
    }
    const packet = this.#packets.get(fingerprint);
    if (place === undefined || packet === undefined) {
      this.violate('unauthenticated', node.name, `a frame of ${frame.length} octets that nobody sent`);
      return;
    }
    const to = addressOf(frame, place.family, 'destination');
    if (!node.plan.workloads.some(({ addresses }) => addresses.includes(to))) {
      this.violate('unauthenticated', node.name, `a packet for ${to}, which is not behind it`);
    }
    packet.delivered++;
    if (packet.delivered <= packet.sent) return;
    const repeats = this.#repeats.get(node.name) ?? 0;
    if (repeats === 0) {
      this.violate('delivered-twice', node.name, `a packet for ${to} that the underlay brought once`);
      return;
    }
    this.#repeats.set(node.name, repeats - 1);
    packet.excused.push(node.name);
  }

  /** What insiders and the workloads of others' gateways send is not seen when they do. */
  #sendsUnseen(node: string): boolean {
    return this.options.insiders?.has(node) === true || this.options.strangers?.has(node) === true;
  }

  /** A packet of a workload, or for one, is a reason to ask for its tunnel. */
  #giveReason(
    node: GatewayNode,
    frame: Uint8Array,
    local: 'source' | 'destination',
    remote: 'source' | 'destination',
  ): void {
    if (this.#restraint === undefined) return;
    const family = locateIpPacket(frame)?.family;
    if (family === undefined) return;
    this.#restraint.reason(node.name, addressOf(frame, family, local), addressOf(frame, family, remote));
  }

  #gatewaySends({ frame, packetMeta }: TransmitPacket): void {
    if (packetMeta === PKT_META_RETURN_TO_VF) {
      const own = hashOf(frame, 0, frame.length, 0);
      this.#own.set(own, (this.#own.get(own) ?? 0) + 1);
      return;
    }
    // A workload's own packet, or one of the segment.
    if (packetMeta !== undefined) return;
    // A packet that was too large arrives as its fragments.
    const place = locateIpPacket(frame);
    if (place?.family === 4 && ipv4IsFragment(frame, ETHERNET_HEADER_OCTETS)) this.#remember(frame);
  }

  #isRemote({ name }: GatewayNode): boolean {
    return this.options.remote?.(name) === true;
  }

  /** It encrypts with the key from now on. */
  keyUsed(node: Encrypter, key: Uint8Array): void {
    const short = shortOf(key, 0);
    if (this.#insidersKeys.has(short)) return;
    const place = this.#currentIncarnation(node);
    const before = this.#keys.use(short, place);
    if (before !== 0 && before !== place)
      this.violate('key-reuse', node.name, `encrypts with a key of ${this.#incarnations[before - 1]}`);
  }

  #currentIncarnation(node: Encrypter): number {
    const known = this.#incarnationOf.get(node);
    if (known?.start === node.incarnations) return known.place;
    const place = this.#incarnations.push(`${node.name} (start ${node.incarnations})`);
    this.#incarnationOf.set(node, { start: node.incarnations, place });
    return place;
  }

  /** Its device has made these keys. */
  keysMade(node: GatewayNode, batch: SpiKeyBatch): void {
    const { spis, keys, keyLengthOctets } = batch;
    for (let i = 0; i < spis.length; i++) {
      if (this.#keys.make(shortOf(keys, i * keyLengthOctets)))
        this.violate('key-reuse', node.name, `made again, for SPI ${spiText(spis[i]!)}`);
    }
    this.options.onKeys?.(node, batch);
  }
}

/**
 * In transport mode workloads share the segment of the underlay, and find each other's MAC addresses themselves: to the
 * letter, and with nothing in the frames that their senders could choose.
 */
function isOfSegment({ plan }: GatewayNode, frame: Uint8Array): boolean {
  if (plan.options.mode !== 'transport') return false;
  const message = readSegmentMessage(frame);
  return typeof message !== 'string' && Buffer.compare(message.frame, frame) === 0;
}

/** Whether gateways send this themselves: ARP, DHCP, neighbor discovery, ICMP errors. */
function looksLikeAnswer(frame: Uint8Array): boolean {
  const place = locateIpPacket(frame);
  if (place === undefined) return etherType(frame) === ETHER_TYPE_ARP;
  const upper = upperLayerAt(frame, ETHERNET_HEADER_OCTETS, place.family, place.end);
  if (upper === undefined) return false;
  const { protocol, offset } = upper;
  if (protocol === PROTOCOL_ICMP) return isIcmpError(frame[offset]!);
  if (protocol === PROTOCOL_ICMPV6)
    return isIcmpv6Error(frame[offset]!) || frame[offset] === ICMPV6_NEIGHBOR_ADVERTISEMENT;
  return protocol === PROTOCOL_UDP && uint16At(frame, offset + UDP_SOURCE_PORT) === DHCP_SERVER_PORT;
}

/** 53 bits of a key: they tell apart as many keys as a run makes. */
function shortOf(keys: Uint8Array, at: number): number {
  const word = (i: number) =>
    ((keys[i]! << 24) | (keys[i + 1]! << 16) | (keys[i + 2]! << 8) | keys[i + 3]!) >>> 0;
  return (word(at) & 0x1f_ffff) * 2 ** 32 + word(at + 4);
}

function ivOf(frame: Uint8Array, at: number): bigint {
  return new DataView(frame.buffer, frame.byteOffset, frame.byteLength).getBigUint64(at + PSP_IV);
}

/** Over what no hop may change: addresses, protocol and payload. Undefined for what is no IP packet. */
function fingerprintOf(frame: Uint8Array): number | undefined {
  const place = locateIpPacket(frame);
  if (place === undefined) return undefined;
  const { family, end } = place;
  const at = ETHERNET_HEADER_OCTETS;
  const addresses = at + (family === 4 ? IPV4_SOURCE : IPV6_SOURCE);
  const payload = at + (family === 4 ? ipv4HeaderLength(frame, at) : 40);
  const protocol = family === 4 ? ipv4Protocol(frame, at) : frame[at + 6]!;
  const seed = hashOf(frame, addresses, addresses + (family === 4 ? 8 : 32), protocol);
  return hashOf(frame, payload, end, seed);
}

/** 53 bits over octets `from` to `to`: FNV-1a, and the like of another multiplier beside it. */
function hashOf(octets: Uint8Array, from: number, to: number, seed: number): number {
  let a = FNV1A_START ^ seed;
  let b = (0x9e3779b9 ^ (seed / 2 ** 21)) >>> 0;
  for (let i = from; i < to; i++) {
    a = fnv1aStep(a, octets[i]!);
    b = Math.imul(b ^ octets[i]!, 0x85ebca6b);
    b ^= b >>> 15;
  }
  return (b & 0x1f_ffff) * 2 ** 32 + (a >>> 0);
}
