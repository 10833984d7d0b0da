/**
 * Old SPIs are closed a grace period after a newer one took their place, when packets under them have left the
 * network. Where packets still come then, the peer goes by an older answer than we think (a request of ours that it
 * got late, an answer of ours that it never got): the SPI is kept for further periods, up to a limit, and the peer is
 * asked anew in each.
 */
import type { Clock, Timer } from '../../base/clock.js';
import type { PipeHal } from '../../hal/hal.js';
import type { RekeyListener } from './listeners.js';
import type { IngressSpi, Session } from './session.js';
import type { SessionInstaller } from './session-installer.js';

/** Grace periods after which an SPI is closed although packets still come under it, or may. */
export const RETIREMENT_PERIODS_MAX = 8;

interface Retiring {
  readonly session: Session;
  readonly ingress: IngressSpi;
  dueMs: number;
  periods: number;
  packets: bigint;
}

/** Wall times, in milliseconds. */
export interface RetirementWait {
  /** When the last one is looked at next. */
  readonly dueMs: number;
  /** When it is closed, if its peer does not use it any more. */
  readonly closedByMs: number;
}

export class Retirement {
  /** Retiring SPIs in the order of dueMs. */
  #queue: Retiring[] = [];
  /** Waits of a master key's SPIs, by its number. */
  readonly #waits = new Map<number, RetirementWait>();
  #timer: Timer | undefined;

  constructor(
    private readonly hal: PipeHal,
    private readonly clock: Clock,
    private readonly installer: SessionInstaller,
    private graceMs: number,
    private readonly rekeyListener: Pick<RekeyListener, 'onRekeyNeeded'>,
  ) {}

  /** The wait of a master key's SPIs that are to be closed; undefined: none waits. */
  waitOf(generation: number): RetirementWait | undefined {
    return this.#waits.get(generation);
  }

  /** A rotation has closed the SPIs of a master key. */
  forget(generation: number): void {
    this.#waits.delete(generation);
    this.#queue = this.#queue.filter((retiring) => this.installer.isOpen(retiring));
  }

  /** SPIs that wait to be closed. */
  get waiting(): number {
    return this.#queue.length;
  }

  /**
   * The peer has `current`: the session's older SPIs go, but for those that are on offer. Newer ones stay: when both
   * sides ask at once, nobody knows which of two answers the other one goes by. `askedAtMs`: when the request of ours began
   * that had it; undefined: a request of the peer's is answered with it, and the peer, which has one under way at a time, is
   * done with all before that.
   */
  supersede(session: Session, current: IngressSpi, askedAtMs?: number): void {
    // One that a rotation has closed since tells nothing of the others.
    if (!session.ingress.includes(current)) return;
    current.state = 'given';
    if (askedAtMs === undefined) current.givenAtMs = this.clock.nowMs();
    for (const ingress of session.ingress.slice(0, session.ingress.indexOf(current))) {
      if (ingress.state === 'offered') continue;
      // The answer that it went with may come to its end there after our request did.
      const contested = askedAtMs !== undefined && ingress.givenAtMs > askedAtMs - this.graceMs;
      if (ingress.contested && !contested) ingress.clearAtMs = this.clock.nowMs();
      ingress.contested = contested;
      this.#retire(session, ingress);
    }
  }

  #retire(session: Session, ingress: IngressSpi): void {
    if (ingress.state === 'retiring') return;
    ingress.state = 'retiring';
    this.#enqueue(
      { session, ingress, dueMs: 0, periods: 0, packets: -1n },
      this.clock.nowMs() + this.graceMs,
    );
  }

  /** Another grace from now on: for SPIs that retire later. */
  limit(graceMs: number): void {
    this.graceMs = graceMs;
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#queue = [];
  }

  #enqueue(retiring: Retiring, dueMs: number): void {
    retiring.dueMs = dueMs;
    const { generation } = retiring.ingress;
    const wait = this.#waits.get(generation) ?? { dueMs, closedByMs: dueMs };
    this.#waits.set(generation, {
      dueMs: Math.max(wait.dueMs, dueMs),
      // Where packets came at some time, the first look only counts them.
      closedByMs: Math.max(wait.closedByMs, dueMs + (retiring.periods === 0 ? this.graceMs : 0)),
    });
    const before = this.#queue.at(-1);
    this.#queue.push(retiring);
    if (before !== undefined && before.dueMs > dueMs) {
      this.#queue.sort((one, other) => one.dueMs - other.dueMs);
      this.#timer?.cancel();
      this.#timer = undefined;
    }
    this.#armTimer();
  }

  #armTimer(): void {
    const head = this.#queue[0];
    if (this.#timer !== undefined || head === undefined) return;
    this.#timer = this.clock.setTimer(
      () => {
        this.#timer = undefined;
        void this.#expire().then(() => this.#armTimer());
      },
      Math.max(0, head.dueMs - this.clock.nowMs()),
    );
  }

  async #expire(): Promise<void> {
    const now = this.clock.nowMs();
    const count = this.#queue.findIndex(({ dueMs }) => dueMs > now);
    const due = this.#queue.splice(0, count === -1 ? this.#queue.length : count);
    const open = due.filter((retiring) => this.installer.isOpen(retiring));
    const packets = await this.#packetsOf(open);
    const closing: Retiring[] = [];
    const stillUsed = new Set<Session>();
    open.forEach((retiring, i) => {
      const { contested, clearAtMs, entry } = retiring.ingress;
      // The grace of one that was contested begins with the exchange that made it clear.
      const graceOverMs = clearAtMs + this.graceMs;
      const waits = contested || graceOverMs > now;
      const unused =
        entry === undefined ||
        packets[i] === retiring.packets ||
        (retiring.packets === -1n && packets[i] === 0n);
      if ((unused && !waits) || retiring.periods + 1 >= RETIREMENT_PERIODS_MAX) closing.push(retiring);
      else {
        if (contested || (!waits && retiring.packets !== -1n)) stillUsed.add(retiring.session);
        retiring.periods++;
        retiring.packets = packets[i]!;
        this.#enqueue(retiring, !contested && waits ? graceOverMs : this.clock.nowMs() + this.graceMs);
      }
    });
    if (stillUsed.size > 0) this.rekeyListener.onRekeyNeeded([...stillUsed]);
    if (closing.length > 0) await this.installer.close(closing);
  }

  /** Packets let in under each SPI; 0 where its entry went meanwhile. */
  async #packetsOf(open: readonly Retiring[]): Promise<bigint[]> {
    try {
      const withEntry = open.filter(({ ingress }) => ingress.entry !== undefined);
      const counters = await this.hal.counters(withEntry.map(({ ingress }) => ({ id: ingress.entry! })));
      const byIngress = new Map(withEntry.map(({ ingress }, i) => [ingress, counters[i]!.packets]));
      return open.map(({ ingress }) => byIngress.get(ingress) ?? 0n);
    } catch {
      return open.map(() => 0n);
    }
  }
}
