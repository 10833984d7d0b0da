import { beforeEach, describe, expect, test } from 'vitest';
import { BringUp } from '../../../src/gateway/bring-up.js';
import { Peer } from '../../../src/gateway/peers.js';
import { newSession, type Session } from '../../../src/gateway/session.js';
import { TokenBucket } from '../../../src/gateway/token-bucket.js';
import { RpcError } from '../../../src/gateway/transport.js';
import type { TunnelClient } from '../../../src/gateway/tunnel-client.js';
import { seededRandom } from '../../../src/hal/random.js';
import { createVirtualClock, type VirtualClock } from '../../../src/hal/virtual-clock.js';
import { parseIp } from '../../../src/packet/address.js';

const PEERS = 40;
const RPC_MS = 10;
const AT_ONCE = 16;

/** Stands for the exchange of RPCs: takes its time, and ends as `outcome` says. */
class Exchanges {
  readonly asked: { readonly peer: Peer; readonly atMs: number }[] = [];
  underWay = 0;
  mostUnderWay = 0;
  outcome: (peer: Peer) => Error | undefined = () => undefined;

  constructor(
    private readonly clock: VirtualClock,
    private readonly signal: AbortSignal,
  ) {}

  exchange(peer: Peer, sessions: readonly Session[]): Promise<void> {
    this.asked.push({ peer, atMs: this.clock.nowMs() });
    this.mostUnderWay = Math.max(this.mostUnderWay, ++this.underWay);
    return new Promise((resolve, reject) => {
      let ended = false;
      const end = (error: Error | undefined) => {
        if (ended) return;
        ended = true;
        this.underWay--;
        if (error !== undefined) return reject(error);
        for (const session of sessions) session.state = 'established';
        resolve();
      };
      this.clock.setTimer(() => end(this.outcome(peer)), RPC_MS);
      this.signal.addEventListener('abort', () => end(new RpcError('CANCELLED', 'stopped')), { once: true });
    });
  }
}

let clock: VirtualClock;
let stopping: AbortController;
let exchanges: Exchanges;
let bringUp: BringUp;
let sessions: Session[];
beforeEach(() => {
  clock = createVirtualClock();
  stopping = new AbortController();
  exchanges = new Exchanges(clock, stopping.signal);
  bringUp = new BringUp({
    client: exchanges as unknown as TunnelClient,
    clock,
    random: seededRandom(1),
    logger: { log: () => {}, enabled: () => false },
    limits: { tunnelsPerRequest: 100, backoffMinMs: 100, backoffMaxMs: 1000 } as never,
    signal: stopping.signal,
  });
  sessions = Array.from({ length: PEERS }, (_, i): Session => sessionWith(i + 1));
});

function sessionWith(number: number): Session {
  const serviceAddress = { host: parseIp(`10.0.0.${number}`), port: 3000 };
  const bucket = new TokenBucket(1, 1, () => 0);
  const peer = new Peer(serviceAddress, [], undefined, bucket);
  return newSession(parseIp('192.168.0.1'), parseIp(`192.168.1.${number}`), peer);
}

describe('bringing up many sessions', () => {
  test('asks every peer once, so many at a time and not all at the start', async () => {
    const done = bringUp.establish(sessions);
    await clock.advance(1000);
    await done;
    expect(new Set(exchanges.asked.map(({ peer }) => peer)).size).toBe(PEERS);
    expect(exchanges.asked).toHaveLength(PEERS);
    expect(exchanges.mostUnderWay).toBe(AT_ONCE);
    expect(exchanges.asked[0]!.atMs).toBeGreaterThan(0);
    expect(exchanges.asked[0]!.atMs).toBeLessThan(100);
    expect(sessions.every(({ wanted }) => !wanted)).toBe(true);
  });

  test('asks none for what the peer has established in the meantime', async () => {
    const done = bringUp.establish(sessions);
    for (const session of sessions.slice(5)) session.state = 'established';
    await clock.advance(1000);
    await done;
    expect(new Set(exchanges.asked.map(({ peer }) => peer))).toEqual(
      new Set(sessions.slice(0, 5).map(({ peer }) => peer)),
    );
  });

  test('asks a peer that fails again, later, and the others in the meantime', async () => {
    const failing = sessions[3]!.peer;
    let failures = 2;
    exchanges.outcome = (peer) =>
      peer === failing && failures-- > 0 ? new RpcError('UNAVAILABLE', 'not yet') : undefined;
    const done = bringUp.establish(sessions);
    await clock.advance(5000);
    await done;
    const times = exchanges.asked.filter(({ peer }) => peer === failing).map(({ atMs }) => atMs);
    expect(times).toHaveLength(3);
    expect(times[1]! - times[0]!).toBeGreaterThanOrEqual(RPC_MS + 50);
    expect(exchanges.asked).toHaveLength(PEERS + 2);
  });

  test('asks nobody any more once the gateway stops', async () => {
    const done = bringUp.establish(sessions);
    while (exchanges.underWay < AT_ONCE) await clock.advance(1);
    stopping.abort();
    await clock.advance(5000);
    await done;
    expect(exchanges.asked).toHaveLength(AT_ONCE);
    expect(exchanges.underWay).toBe(0);
  });
});
