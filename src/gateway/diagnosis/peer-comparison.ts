/** Answers what peers ask about the packets between us (Compare): of their own pairs only, and at a rate. */
import type { Clock } from '../../base/clock.js';
import type { PipeHal } from '../../hal/hal.js';
import { TokenBucket } from '../doors/token-bucket.js';
import type { Peer, Peers } from '../peers.js';
import {
  decodeComparison,
  encodeCompared,
  type GatewayMode,
  type ToldUse,
} from '../rpc/comparison-messages.js';
import { type CallerIdentity, RpcError } from '../rpc/transport.js';
import type { PeerListener } from '../sessions/listeners.js';
import type { Session } from '../sessions/session.js';
import { countersOfSessions } from '../sessions/session-counters.js';
import type { SessionTable } from '../sessions/session-table.js';
import { spisOf } from './pair-check.js';

/** Questions of one peer that are answered: so many at once, and so many in a second. A gateway asks some four times in three. */
export const COMPARISONS_BURST = 8;
const COMPARISONS_PER_SECOND = 2;

const NOTHING: ToldUse = { spis: [], outPackets: 0, outOctets: 0, inPackets: 0, inOctets: 0 };

export interface PeerComparisonDeps {
  readonly hal: Pick<PipeHal, 'counters'>;
  readonly clock: Clock;
  readonly peers: Peers;
  readonly sessions: SessionTable;
  readonly mode: GatewayMode;
  readonly peerListener: Pick<PeerListener, 'onHeardOf'>;
}

export class PeerComparison {
  readonly #rates = new WeakMap<Peer, TokenBucket>();

  constructor(private readonly deps: PeerComparisonDeps) {}

  /** Answers a Compare RPC. Throws RpcError. */
  async handle(octets: Uint8Array, caller: CallerIdentity): Promise<Uint8Array> {
    const { hal, clock, peers, sessions, mode, peerListener } = this.deps;
    const { servicePort, pairs } = decodeComparison(octets);
    const peer = peers.identifyService(caller, servicePort);
    if (!this.#rateOf(peer).take())
      throw new RpcError('RESOURCE_EXHAUSTED', 'too many comparisons; try again later');
    peerListener.onHeardOf(peer);
    const meant = pairs.map(({ sender, receiver }) => {
      const session = sessions.get(receiver, sender);
      return session?.peer === peer ? session : undefined;
    });
    const known = meant.filter((session) => session !== undefined);
    const counters = await countersOfSessions(hal, clock, known);
    const uses = new Map<Session, ToldUse>(
      known.map((session, i) => {
        const { out, in: came } = counters[i]!;
        const use = {
          spis: spisOf(session),
          outPackets: Number(out?.packets ?? 0n),
          outOctets: Number(out?.octets ?? 0n),
          inPackets: Number(came?.packets ?? 0n),
          inOctets: Number(came?.octets ?? 0n),
        };
        return [session, use];
      }),
    );
    return encodeCompared(
      clock.nowMs(),
      mode,
      meant.map((session) => (session === undefined ? NOTHING : (uses.get(session) ?? NOTHING))),
    );
  }

  #rateOf(peer: Peer): TokenBucket {
    let rate = this.#rates.get(peer);
    if (rate === undefined) {
      rate = new TokenBucket(COMPARISONS_PER_SECOND, COMPARISONS_BURST, () => this.deps.clock.nowMs());
      this.#rates.set(peer, rate);
    }
    return rate;
  }
}
