/**
 * Brings up many sessions, or re-keys them: peer by peer, in batches, several peers at once. A peer that fails is
 * asked again after the others, later and later; it holds up nobody else.
 */
import { type Clock, sleep } from '../hal/clock.js';
import { reasonOf } from '../hal/errors.js';
import type { Random } from '../hal/random.js';
import { backoffMs } from './backoff.js';
import type { Logger } from './log.js';
import type { GatewayLimits } from './options.js';
import type { Peer } from './peers.js';
import { mayAsk, type Session } from './session.js';
import { RpcError } from './transport.js';
import type { TunnelClient } from './tunnel-client.js';

/** Peers that are asked at the same time. */
const PEERS_AT_ONCE = 16;
/** What a peer says when it does not want a request as it is: one tunnel of it may be why, or there are too many. */
const REFUSALS: readonly string[] = [
  'PERMISSION_DENIED',
  'INVALID_ARGUMENT',
  'NOT_FOUND',
  'RESOURCE_EXHAUSTED',
];
/** Refused batches that are tried in halves, per pass. */
const SPLITS_MAX = 64;
/** A mesh whose gateways start together begins with its requests spread over this time, and more in a large one. */
const SPREAD_MIN_MS = 100;
const SPREAD_PER_PEER_MS = 1;

export interface BringUpDeps {
  readonly client: TunnelClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly limits: GatewayLimits;
  readonly signal: AbortSignal;
}

/** Whether a session needs no exchange of ours any more. */
type Settled = (session: Session) => boolean;

export class BringUp {
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(private readonly deps: BringUpDeps) {}

  /** Re-keys: resolves when every session has had an exchange that succeeded, was removed, or the gateway stops. */
  rekey(sessions: readonly Session[]): Promise<void> {
    return this.#run(sessions, () => false);
  }

  /** Likewise, but whom the peer's own exchange has given a way out needs none of ours. */
  establish(sessions: readonly Session[]): Promise<void> {
    return this.#run(sessions, ({ state }) => state === 'established');
  }

  async #run(sessions: readonly Session[], settled: Settled): Promise<void> {
    const { clock, random, logger, signal } = this.deps;
    for (const session of sessions) session.wanted = true;
    const byPeer = [...groupByPeer(sessions)];
    const spreadMs = Math.max(SPREAD_MIN_MS, byPeer.length * SPREAD_PER_PEER_MS);
    const running: Promise<void>[] = [];
    try {
      await sleep(clock, random.uint32() % spreadMs, signal);
      for (const [peer, list] of shuffled(byPeer, random)) {
        if (peer.serviceAddress === undefined) {
          logger.log('warning', 'a peer in no directory cannot be asked for tunnels', {
            sessions: list.length,
          });
          continue;
        }
        await this.#takeTurn();
        if (list.every(settled)) this.#giveTurn();
        else running.push(this.#runPeer(peer, list, settled));
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
    await Promise.all(running);
    for (const session of sessions) session.wanted = false;
  }

  /** Has its turn when it is called, and gives it back. */
  async #runPeer(peer: Peer, sessions: readonly Session[], settled: Settled): Promise<void> {
    const { clock, random, limits, signal } = this.deps;
    let pending = sessions;
    let failures = 0;
    try {
      for (;;) {
        const failed = await this.#onePass(peer, pending, settled).finally(() => this.#giveTurn());
        pending = failed.filter(({ state }) => state !== 'removed');
        if (pending.length === 0) return;
        failures++;
        await sleep(clock, backoffMs(failures, limits.backoffMinMs, limits.backoffMaxMs, random), signal);
        await this.#takeTurn();
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  /** Asks for all once, in batches; gives those that failed. */
  async #onePass(peer: Peer, sessions: readonly Session[], settled: Settled): Promise<Session[]> {
    const { limits } = this.deps;
    const failed: Session[] = [];
    const pass = { settled, splits: SPLITS_MAX };
    for (let at = 0; at < sessions.length; at += limits.tunnelsPerRequest) {
      failed.push(...(await this.#ask(peer, sessions.slice(at, at + limits.tunnelsPerRequest), pass)));
    }
    return failed;
  }

  /** Asks for one batch, where the peer refuses it for its halves; gives those that failed. */
  async #ask(
    peer: Peer,
    sessions: readonly Session[],
    pass: { readonly settled: Settled; splits: number },
  ): Promise<Session[]> {
    const { client, logger } = this.deps;
    const open = sessions.filter((session) => !pass.settled(session));
    const batch = open.filter(mayAsk);
    // For these somebody else is asking just now.
    const failed = open.filter((session) => session.state !== 'removed' && !mayAsk(session));
    if (batch.length === 0) return failed;
    try {
      await client.exchange(peer, batch);
      return failed;
    } catch (error) {
      logger.log('warning', `tunnel request failed: ${reasonOf(error)}`, {
        peer: peer.name,
        tunnels: batch.length,
      });
      const refused = error instanceof RpcError && REFUSALS.includes(error.code);
      if (!refused || batch.length === 1 || pass.splits === 0) return [...failed, ...batch];
    }
    pass.splits--;
    const middle = batch.length >> 1;
    failed.push(...(await this.#ask(peer, batch.slice(0, middle), pass)));
    failed.push(...(await this.#ask(peer, batch.slice(middle), pass)));
    return failed;
  }

  /** Throws the signal's reason when the gateway stops. */
  async #takeTurn(): Promise<void> {
    const { signal } = this.deps;
    if (this.#running >= PEERS_AT_ONCE) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#running++;
    if (!signal.aborted) return;
    this.#giveTurn();
    throw signal.reason;
  }

  #giveTurn(): void {
    this.#running--;
    this.#waiting.shift()?.();
  }
}

/** Sessions of each peer, in order. */
export function groupByPeer(sessions: readonly Session[]): Map<Peer, Session[]> {
  const byPeer = new Map<Peer, Session[]>();
  for (const session of sessions) {
    const list = byPeer.get(session.peer);
    if (list === undefined) byPeer.set(session.peer, [session]);
    else list.push(session);
  }
  return byPeer;
}

function shuffled<T>(items: readonly T[], random: Random): T[] {
  const all = [...items];
  for (let i = all.length - 1; i > 0; i--) {
    const j = random.uint32() % (i + 1);
    [all[i], all[j]] = [all[j]!, all[i]!];
  }
  return all;
}
