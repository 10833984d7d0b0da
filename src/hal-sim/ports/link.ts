/**
 * A link between two ports in memory, with the impairments of netlab's names: delay, jitter, loss, duplicate,
 * reorder, corrupt, rate. All of them can be changed while it runs. Deterministic on an injected clock and random
 * source.
 */
import type { Clock, Timer } from '../../base/clock.js';
import { chance, type Random, uniform } from '../../base/random.js';
import type { SimPort } from '../port.js';

/** What a link does to the frames on it. */
export interface Impairments {
  /** Propagation delay. */
  readonly delayMs: number;
  /** Added to it: uniform from 0 to this. Frames then may overtake each other only as far as `reorderRatio` says. */
  readonly jitterMs: number;
  /** Share of frames that are lost, twice delivered, sent ahead of those before them, or with one bit flipped. */
  readonly lossRatio: number;
  readonly duplicateRatio: number;
  readonly reorderRatio: number;
  /**
   * The bit is one behind the two MAC addresses. The FCS tells every single bit error on a wire (IEEE 802.3, 3.2.9), and the
   * receiver drops the frame: that is loss. What arrives changed was changed where frames have no FCS, in the
   * buffer of a device that had read the addresses before and computed the FCS after. So no switch learns from it.
   */
  readonly corruptRatio: number;
  /** Bandwidth; 0 for no limit. */
  readonly rateBitsPerSecond: number;
}

/** A link that loses nothing and takes no time. */
export const NO_IMPAIRMENTS: Impairments = {
  delayMs: 0,
  jitterMs: 0,
  lossRatio: 0,
  duplicateRatio: 0,
  reorderRatio: 0,
  corruptRatio: 0,
  rateBitsPerSecond: 0,
};

/** What a link is made of. */
export interface LinkOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly name: string;
  readonly mtuOctets: number;
  readonly impairments?: Partial<Impairments>;
  /** Octets that may be on the way in one direction; more are dropped. */
  readonly queueOctetsMax?: number;
  /** First octet that may arrive changed; absent: the EtherType, behind the MAC addresses, by which switches learn. */
  readonly corruptibleFrom?: number;
  /** Sees every frame that is sent into port `from`, and what the link makes of it. The frame is only lent. */
  readonly observe?: (from: 0 | 1, frame: Uint8Array, fate: LinkFate) => void;
}

/** `carried`: perhaps late. `duplicated`: an extra copy, the frame itself follows. `corrupted`: with the bit flipped. */
export type LinkFate = 'carried' | 'lost' | 'duplicated' | 'corrupted' | 'queue-dropped';

/** Frames of one direction. sent + duplicated = delivered + lost + queueDropped + closed + those on the way. */
export interface LinkCounters {
  sent: number;
  delivered: number;
  lost: number;
  duplicated: number;
  reordered: number;
  corrupted: number;
  queueDropped: number;
  /** The far end was not there, or no more. */
  closed: number;
}

/** A link between two ports. */
export interface Link {
  /** Port i is one end; what is sent into it comes out of the other. */
  readonly ports: readonly [SimPort, SimPort];
  /** Counts of the direction that begins at port i. */
  readonly counters: readonly [LinkCounters, LinkCounters];
  /** From now on it does this to frames; what is not named stays. */
  setImpairments(impairments: Partial<Impairments>): void;
  /** Frames on the way, both directions. */
  readonly onTheWay: number;
}

const QUEUE_OCTETS_DEFAULT = 16 * 1024 * 1024;
const CORRUPTIBLE_FROM_DEFAULT = 12;

interface End {
  receive: ((frames: readonly Uint8Array[]) => void) | undefined;
  closed: boolean;
}

/** A new link, not impaired unless the options say so. */
export function createLink(options: LinkOptions): Link {
  let impairments: Impairments = { ...NO_IMPAIRMENTS, ...options.impairments };
  const ends: [End, End] = [
    { receive: undefined, closed: false },
    { receive: undefined, closed: false },
  ];
  const counters: [LinkCounters, LinkCounters] = [newCounters(), newCounters()];
  const directions = [
    createDirection(options, 0, ends[1], counters[0], () => impairments),
    createDirection(options, 1, ends[0], counters[1], () => impairments),
  ] as const;
  const port = (index: 0 | 1): SimPort => ({
    name: `${options.name}:${index}`,
    mtuOctets: options.mtuOctets,
    send: (frames) => {
      if (!ends[index].closed) directions[index].send(frames);
    },
    async start(receive) {
      ends[index].receive = receive;
    },
    async close() {
      ends[index].closed = true;
      ends[index].receive = undefined;
    },
  });
  return {
    ports: [port(0), port(1)],
    counters,
    setImpairments(change) {
      impairments = { ...impairments, ...change };
    },
    get onTheWay() {
      return directions[0].onTheWay() + directions[1].onTheWay();
    },
  };
}

function newCounters(): LinkCounters {
  return {
    sent: 0,
    delivered: 0,
    lost: 0,
    duplicated: 0,
    reordered: 0,
    corrupted: 0,
    queueDropped: 0,
    closed: 0,
  };
}

interface Direction {
  send(frames: readonly Uint8Array[]): void;
  /** Frames. */
  onTheWay(): number;
}

function createDirection(
  options: LinkOptions,
  from: 0 | 1,
  to: End,
  counters: LinkCounters,
  impairmentsNow: () => Impairments,
): Direction {
  const { clock, random, observe } = options;
  const { queueOctetsMax = QUEUE_OCTETS_DEFAULT, corruptibleFrom = CORRUPTIBLE_FROM_DEFAULT } = options;
  let onTheWayOctets = 0;
  /** When the link has finished sending what it was given. */
  let idleAtMs = 0;
  /** Arrival of the last frame that was not reordered. */
  let lastArrivalMs = 0;
  /** Frames on the way, by arrival. They share one timer, since timers of the system's clock do not fire in order. */
  let onTheWay: { readonly arrivalMs: number; readonly frame: Uint8Array }[] = [];
  let timer: Timer | undefined;

  const deliver = (frames: readonly Uint8Array[]) => {
    for (const frame of frames) onTheWayOctets -= frame.length;
    if (to.receive === undefined) {
      counters.closed += frames.length;
      return;
    }
    counters.delivered += frames.length;
    to.receive(frames);
  };

  const deliverDue = () => {
    const now = clock.nowMs();
    const firstLater = onTheWay.findIndex(({ arrivalMs }) => arrivalMs > now);
    const due = firstLater === -1 ? onTheWay : onTheWay.slice(0, firstLater);
    onTheWay = firstLater === -1 ? [] : onTheWay.slice(firstLater);
    timer = undefined;
    waitForFirst();
    if (due.length > 0) deliver(due.map(({ frame }) => frame));
  };

  const waitForFirst = () => {
    timer?.cancel();
    const first = onTheWay[0];
    timer = first && clock.setTimer(deliverDue, Math.max(0, first.arrivalMs - clock.nowMs()));
  };

  const arriveAt = (arrivalMs: number, frame: Uint8Array) => {
    let at = onTheWay.length;
    while (at > 0 && onTheWay[at - 1]!.arrivalMs > arrivalMs) at--;
    if (at === onTheWay.length) onTheWay.push({ arrivalMs, frame });
    else onTheWay.splice(at, 0, { arrivalMs, frame });
    if (at === 0) waitForFirst();
  };

  const launch = (frame: Uint8Array, impairments: Impairments, fate: LinkFate, now: number) => {
    if (onTheWayOctets + frame.length > queueOctetsMax) {
      observe?.(from, frame, 'queue-dropped');
      counters.queueDropped++;
      return;
    }
    observe?.(from, frame, fate);
    onTheWayOctets += frame.length;
    const { delayMs, jitterMs, rateBitsPerSecond, reorderRatio } = impairments;
    const sendMs = rateBitsPerSecond === 0 ? 0 : (frame.length * 8 * 1000) / rateBitsPerSecond;
    idleAtMs = Math.max(idleAtMs, now) + sendMs;
    const jitter = jitterMs === 0 ? 0 : uniform(random, jitterMs);
    let arrivalMs = idleAtMs + delayMs + jitter;
    if (chance(random, reorderRatio)) {
      counters.reordered++;
      arrivalMs = idleAtMs;
    } else {
      arrivalMs = Math.max(arrivalMs, lastArrivalMs);
      lastArrivalMs = arrivalMs;
    }
    arriveAt(arrivalMs, frame);
  };

  const send = (frames: readonly Uint8Array[]) => {
    const impairments = impairmentsNow();
    const now = clock.nowMs();
    for (const frame of frames) {
      counters.sent++;
      if (chance(random, impairments.lossRatio)) {
        observe?.(from, frame, 'lost');
        counters.lost++;
        continue;
      }
      if (chance(random, impairments.duplicateRatio)) {
        counters.duplicated++;
        launch(frame.slice(), impairments, 'duplicated', now);
      }
      let fate: LinkFate = 'carried';
      if (chance(random, impairments.corruptRatio) && frame.length > corruptibleFrom) {
        counters.corrupted++;
        fate = 'corrupted';
        const bit = random.uint32() % ((frame.length - corruptibleFrom) * 8);
        frame[corruptibleFrom + (bit >>> 3)]! ^= 1 << (bit & 7);
      }
      launch(frame, impairments, fate, now);
    }
  };
  return { send, onTheWay: () => onTheWay.length };
}
