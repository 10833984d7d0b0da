/**
 * Old SPIs are closed a grace period after a newer one took their place, when packets under them have left the
 * network. Where packets still come then, the peer goes by an older answer than we think (a request of ours that it
 * got late, an answer of ours that it never got): the SPI is kept for further periods, up to a limit, and the peer is
 * asked anew in each.
 */
import type { Clock, Timer } from '../hal/clock.js';
import { reasonOf } from '../hal/errors.js';
import type { PipeHal } from '../hal/hal.js';
import type { Logger } from './log.js';
import type { IngressSpi, Session } from './session.js';
import type { SessionInstaller } from './session-installer.js';

/** Grace periods after which an SPI is closed although packets still come under it. */
const PERIODS_MAX = 8;

interface Retiring {
  readonly session: Session;
  readonly ingress: IngressSpi;
  dueMs: number;
  periods: number;
  packets: bigint;
}

export class Retirement {
  /** In the order of dueMs, since all wait equally long. */
  #queue: Retiring[] = [];
  #timer: Timer | undefined;
  #stopped = false;

  constructor(
    private readonly hal: PipeHal,
    private readonly clock: Clock,
    private readonly installer: SessionInstaller,
    private readonly graceMs: number,
    /** Packets of this session still come under an SPI that should be out of use. */
    private readonly onStillUsed: (sessions: readonly Session[]) => void,
    private readonly logger: Logger,
  ) {}

  /** SPIs that wait to be closed. */
  get waiting(): number {
    return this.#queue.length;
  }

  /**
   * The peer has `current`: the session's older SPIs go, but for those that are on offer. Newer ones stay: when both
   * sides ask at once, nobody knows which of two answers the other one goes by.
   */
  supersede(session: Session, current: IngressSpi): void {
    current.state = 'given';
    for (const ingress of session.ingress.slice(0, session.ingress.indexOf(current))) {
      if (ingress.state !== 'offered') this.#retire(session, ingress);
    }
  }

  #retire(session: Session, ingress: IngressSpi): void {
    if (ingress.state === 'retiring') return;
    ingress.state = 'retiring';
    this.#enqueue({ session, ingress, dueMs: 0, periods: 0, packets: -1n });
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#queue = [];
  }

  #enqueue(retiring: Retiring): void {
    retiring.dueMs = this.clock.nowMs() + this.graceMs;
    this.#queue.push(retiring);
    this.#arm();
  }

  #arm(): void {
    const head = this.#queue[0];
    if (this.#timer !== undefined || head === undefined) return;
    this.#timer = this.clock.setTimer(
      () => {
        this.#timer = undefined;
        void this.#expire().then(() => this.#arm());
      },
      Math.max(0, head.dueMs - this.clock.nowMs()),
    );
  }

  async #expire(): Promise<void> {
    const now = this.clock.nowMs();
    const count = this.#queue.findIndex(({ dueMs }) => dueMs > now);
    const due = this.#queue.splice(0, count === -1 ? this.#queue.length : count);
    const open = due.filter(({ session, ingress }) => session.ingress.includes(ingress));
    const packets = await this.#packetsOf(open);
    const closing: Retiring[] = [];
    const stillUsed = new Set<Session>();
    open.forEach((retiring, i) => {
      const idle = packets[i] === retiring.packets || retiring.ingress.entry === undefined;
      if (idle || retiring.periods + 1 >= PERIODS_MAX) closing.push(retiring);
      else if (retiring.packets === -1n && packets[i] === 0n) closing.push(retiring);
      else {
        if (retiring.packets !== -1n) stillUsed.add(retiring.session);
        retiring.periods++;
        retiring.packets = packets[i]!;
        this.#enqueue(retiring);
      }
    });
    if (stillUsed.size > 0) this.onStillUsed([...stillUsed]);
    if (closing.length > 0) await this.#close(closing);
  }

  /** A device that fails is asked again a grace period later. */
  async #close(closing: readonly Retiring[]): Promise<void> {
    try {
      await this.installer.close(closing);
    } catch (error) {
      if (this.#stopped) return;
      this.logger.log('error', `SPIs could not be closed: ${reasonOf(error)}`, { spis: closing.length });
      for (const retiring of closing) this.#enqueue(retiring);
    }
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
