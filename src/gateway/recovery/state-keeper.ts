/** Keeps the state file up to date: soon after something was learnt, and not often, however much is learnt. */
import type { Clock, Timer } from '../../base/clock.js';
import { reasonOf } from '../../hal/errors.js';
import type { GatewayObserver } from '../events.js';
import type { Logger } from '../log.js';
import type { Peer, Peers } from '../peers.js';
import type { UnderlayAddresses } from '../underlay/underlay-addresses.js';
import { applyState, encodeState } from './state-file.js';

/** Age of what a crash may lose of what was learnt. */
const SAVE_INTERVAL_MS = 2_000;

/** The place of the state; the program reads and writes it. */
export interface StateStore {
  /** Undefined: there is none yet. Rejects when there is one that cannot be read. */
  load(): Promise<string | undefined>;
  save(text: string): Promise<void>;
  /** Whether what was saved last is there still. */
  isThere(): Promise<boolean>;
}

export interface StateKeeperDeps {
  readonly store: StateStore;
  readonly clock: Clock;
  /** For what is told once, at the start. */
  readonly logger: Logger;
  readonly observe: GatewayObserver;
  readonly peers: Peers;
  readonly addresses: UnderlayAddresses;
}

export class StateKeeper {
  /** When peers answered in earlier lives; undefined: not read yet, or not to be read. */
  #formerly: ReadonlyMap<Peer, number> | undefined;
  #saved = '';
  /** Why it could not be written when that was tried last. */
  #problem: string | undefined;
  #timer: Timer | undefined;
  #stopped = false;

  constructor(private readonly deps: StateKeeperDeps) {}

  /** Why the state cannot be written; undefined: it can. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /**
   * Takes over what is kept; when each peer answered last. A bad state is told of and stays as it is: it may be a file of
   * somebody's that was named by mistake.
   */
  async load(): Promise<ReadonlyMap<Peer, number>> {
    const { store, logger, peers, addresses } = this.deps;
    try {
      const text = await store.load();
      let formerly: ReadonlyMap<Peer, number> = new Map();
      if (text !== undefined) {
        formerly = applyState(text, peers, addresses);
        logger.log('info', 'state of an earlier run taken over', {
          peers: formerly.size,
          underlayAddresses: addresses.size,
        });
      }
      this.#formerly = formerly;
      return formerly;
    } catch (error) {
      logger.log('warning', `--state-file: neither read nor written: ${reasonOf(error)}`);
      return new Map();
    }
  }

  start(): void {
    if (this.#stopped) return;
    this.#timer = this.deps.clock.setTimer(() => {
      void this.#save().then(() => this.start());
    }, SAVE_INTERVAL_MS);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    await this.#save();
  }

  async #save(): Promise<void> {
    const { store, observe, peers, addresses } = this.deps;
    // A state that has not been read is not replaced.
    if (this.#formerly === undefined) return;
    const text = encodeState(peers, addresses, this.#formerly);
    // Whose folder is gone is to know it before there is something to be kept, which may be long after.
    if (text === this.#saved && (await store.isThere())) return;
    try {
      await store.save(text);
      this.#saved = text;
      this.#problem = undefined;
    } catch (error) {
      const before = this.#problem;
      this.#problem = reasonOf(error);
      if (before === undefined) observe({ type: 'state-not-written', reason: this.#problem });
    }
  }
}
