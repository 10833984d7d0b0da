/**
 * Transport mode: workload and underlay are one segment, on which hosts find each other in clear (ARP, neighbor discovery).
 * What of it passes between the two ports passes here: to the letter (src/packet/segment.ts), built anew so that nothing else
 * is in it, from senders that say what they may say, and not faster than hosts need it. Everything else is dropped and counted.
 */
import type { IpAddress, MacAddress } from '../../packet/address.js';
import { ipKind } from '../../packet/address-kind.js';
import { readSegmentMessage } from '../../packet/segment.js';
import type { SegmentFault, SegmentKind, SegmentMessage } from '../../packet/segment-message.js';
import { SourceRates } from '../doors/source-rates.js';
import type { GatewayObserver } from '../events.js';
import { WorkloadAddresses } from './workload-addresses.js';

/** Direction: from the workload to the underlay, or the other way. */
export type SegmentDirection = 'out' | 'in';

/**
 * Why a message did not pass: a fault of it; `router`: what only routers say, from none that --allow-router names;
 * `not-ours`: the workload speaks for an address or from a MAC that is not its own; `ours`: somebody on the underlay speaks for
 * an address that is the workload's; `probe`: somebody there asks whether such an address is free; `rate`: too many.
 */
export type SegmentDrop = SegmentFault | ToldSegmentDrop | 'rate';

/** Refusals that are told of. */
export type ToldSegmentDrop = 'router' | 'not-ours' | 'ours' | 'probe';

/** Messages by direction: those that passed, and those that did not, by reason. */
export interface SegmentCounters {
  readonly passed: Readonly<Record<SegmentDirection, number>>;
  readonly dropped: Readonly<Record<SegmentDirection, Readonly<Partial<Record<SegmentDrop, number>>>>>;
}

export interface SegmentOptions {
  /** Routers whose advertisements, redirects and queries pass. */
  readonly allowRouters: readonly IpAddress[];
  /** The workload's addresses, but for link-local ones. */
  readonly localVips: ReadonlySet<IpAddress>;
  /** The one MAC that the workload sends from. */
  readonly workloadMac: MacAddress;
  /** Messages per second that pass in one direction: of one source, and of all. */
  readonly perSource: number;
  readonly total: number;
  readonly nowMs: () => number;
  readonly observe: GatewayObserver;
}

/** Time for a host that was asked to answer: as long as a host goes on asking (RFC 4861, section 10). */
const ANSWER_MS = 3_000;
/** Questions of the workload that may be open. */
const QUESTIONS_MAX = 1024;

const ROUTERS_ONLY: readonly SegmentKind[] = ['router-advertisement', 'redirect'];
const QUESTIONS: readonly SegmentKind[] = ['arp-request', 'neighbor-solicitation'];
const ANSWERS: readonly SegmentKind[] = ['arp-reply', 'neighbor-advertisement'];
/** Offset of an advertisement's flags in a frame, and its router flag (RFC 4861, section 4.4). */
const ADVERTISEMENT_FLAGS = 14 + 40 + 4;
const ROUTER_FLAG = 0x80;

export class Segment {
  readonly #passed: Record<SegmentDirection, number> = { out: 0, in: 0 };
  readonly #dropped: Record<SegmentDirection, Partial<Record<SegmentDrop, number>>> = { out: {}, in: {} };
  readonly #routers: ReadonlySet<IpAddress>;
  readonly #own: WorkloadAddresses;
  readonly #out: SourceRates;
  readonly #in: SourceRates;
  /** Answers to the workload's own questions, which a flood of anything else must not drown. */
  readonly #answers: SourceRates;
  /** When the workload asked for an address last, oldest first. */
  readonly #asked = new Map<IpAddress, number>();

  constructor(private readonly options: SegmentOptions) {
    const { perSource, total, nowMs } = options;
    this.#routers = new Set(options.allowRouters);
    this.#own = new WorkloadAddresses(options.localVips, options.workloadMac, nowMs);
    this.#out = new SourceRates(perSource, total, nowMs);
    this.#in = new SourceRates(perSource, total, nowMs);
    this.#answers = new SourceRates(perSource, total, nowMs);
  }

  get counters(): SegmentCounters {
    return {
      passed: { ...this.#passed },
      dropped: { out: { ...this.#dropped.out }, in: { ...this.#dropped.in } },
    };
  }

  /** The frame to send on in place of a frame that came from one side; undefined: none. */
  pass(direction: SegmentDirection, frame: Uint8Array): Uint8Array | undefined {
    const message = readSegmentMessage(frame);
    if (typeof message === 'string') return this.#drop(direction, message);
    const objection = direction === 'out' ? this.#objectionOut(message) : this.#objectionIn(message);
    if (objection !== undefined) return this.#drop(direction, objection, message);
    if (!this.#take(direction, message)) return this.#drop(direction, 'rate');
    this.#passed[direction]++;
    return this.#withoutRouterFlag(message);
  }

  #objectionOut(message: SegmentMessage): SegmentDrop | undefined {
    const { kind, source, sourceMac, target, linkLayer } = message;
    // With any other MAC, a workload would have more sources to be counted by, and six octets to send in clear.
    if (sourceMac !== this.options.workloadMac) return 'not-ours';
    if (linkLayer !== undefined && linkLayer !== sourceMac) return 'not-ours';
    const named = this.#routers.has(source);
    // A workload that is a router asks for listeners, too.
    if ((ROUTERS_ONLY.includes(kind) || kind === 'mld-query') && !named) return 'router';
    if (named) return undefined;
    const own = this.#own;
    if (ipKind(source) === 'unspecified')
      return target === undefined || own.mayProbe(target) ? undefined : 'not-ours';
    if (kind === 'neighbor-advertisement' && !own.maySpeakFor(target!)) return 'not-ours';
    return own.maySpeakFor(source) ? undefined : 'not-ours';
  }

  #objectionIn({ kind, source, target }: SegmentMessage): SegmentDrop | undefined {
    if (ROUTERS_ONLY.includes(kind) && !this.#routers.has(source)) return 'router';
    const own = this.#own;
    if (own.has(source) || (kind === 'neighbor-advertisement' && own.has(target!))) return 'ours';
    // On such a question a host that is about to take the address, too, gives it up (RFC 4862, section 5.4.3; RFC 5227,
    // section 2.1.1). A question for the address from somebody who has one is how neighbors find the workload.
    const probed = ipKind(source) === 'unspecified' && target !== undefined && own.has(target);
    return probed ? 'probe' : undefined;
  }

  #take(direction: SegmentDirection, message: SegmentMessage): boolean {
    const { kind, source, sourceMac, target } = message;
    const key = `${sourceMac} ${source}`;
    if (direction === 'in') {
      const answers = ANSWERS.includes(kind) && this.#wasAsked(target!);
      return (answers ? this.#answers : this.#in).take(key);
    }
    if (!this.#out.take(key)) return false;
    if (QUESTIONS.includes(kind)) this.#ask(target!);
    return true;
  }

  #ask(target: IpAddress): void {
    this.#asked.delete(target);
    this.#asked.set(target, this.options.nowMs());
    if (this.#asked.size > QUESTIONS_MAX) this.#asked.delete(this.#asked.keys().next().value!);
  }

  #wasAsked(target: IpAddress): boolean {
    const atMs = this.#asked.get(target);
    return atMs !== undefined && this.options.nowMs() - atMs <= ANSWER_MS;
  }

  /** An advertisement that says "router" of an address that none is named with says so no longer. */
  #withoutRouterFlag({ kind, target, source, frame }: SegmentMessage): Uint8Array {
    const says = kind === 'neighbor-advertisement' && (frame[ADVERTISEMENT_FLAGS]! & ROUTER_FLAG) !== 0;
    if (says && !this.#routers.has(target!) && !this.#routers.has(source)) clearFlag(frame);
    return frame;
  }

  #drop(direction: SegmentDirection, why: SegmentDrop, message?: SegmentMessage): undefined {
    const counts = this.#dropped[direction];
    counts[why] = (counts[why] ?? 0) + 1;
    if (message === undefined || !isTold(why)) return undefined;
    const { kind, source, sourceMac: mac, target } = message;
    const side = direction === 'out' ? 'workload' : 'underlay';
    const about = target === undefined ? {} : { target };
    this.options.observe({ type: 'segment-dropped', side, kind, why, source, mac, ...about });
    return undefined;
  }
}

const TOLD: readonly SegmentDrop[] = ['router', 'not-ours', 'ours', 'probe'] satisfies ToldSegmentDrop[];

function isTold(why: SegmentDrop): why is ToldSegmentDrop {
  return TOLD.includes(why);
}

/** Takes the router flag out of a frame that was just built, and mends its checksum (RFC 1624). */
function clearFlag(frame: Uint8Array): void {
  const checksum = ADVERTISEMENT_FLAGS - 2;
  frame[ADVERTISEMENT_FLAGS]! &= ~ROUTER_FLAG;
  const grown = ((frame[checksum]! << 8) | frame[checksum + 1]!) + (ROUTER_FLAG << 8);
  const folded = (grown & 0xffff) + (grown >>> 16);
  frame[checksum] = folded >>> 8;
  frame[checksum + 1] = folded;
}
