import { beforeEach, describe, expect, test } from 'vitest';
import { BringUp } from '../../../src/gateway/bring-up.js';
import type { Peer } from '../../../src/gateway/peers.js';
import { newSession, type Session } from '../../../src/gateway/session.js';
import { RpcError } from '../../../src/gateway/transport.js';
import type { TunnelClient } from '../../../src/gateway/tunnel-client.js';
import { seededRandom } from '../../../src/hal/random.js';
import { createVirtualClock, type VirtualClock } from '../../../src/hal/virtual-clock.js';
import { parseIp } from '../../../src/packet/address.js';
import { testPeer } from '../../support/peers.js';

const PEERS = 40;
const RPC_MS = 10;
const AT_ONCE = 16;

/** Stands for the exchange of RPCs: takes its time, and ends as `outcome` says. */
class Exchanges {
  readonly asked: { readonly peer: Peer; readonly atMs: number }[] = [];
  underWay = 0;
  mostUnderWay = 0;
  outcome: (peer: Peer) => Error | undefined = () => undefined;
  durationMs: (peer: Peer) => number = () => RPC_MS;

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
      this.clock.setTimer(() => end(this.outcome(peer)), this.durationMs(peer));
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
  const peer = testPeer(number);
  return newSession(parseIp('192.168.0.1'), parseIp(`192.168.1.${number}`), peer, peer, 0);
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
    expect(sessions.every(({ wanted }) => wanted === 0)).toBe(true);
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

  test('asks a peer that was just heard of at once, although all turns are taken by others that are silent', async () => {
    const alive = sessions.slice(-2).map(({ peer }) => peer);
    // The rest keeps its turn until its deadline.
    exchanges.durationMs = (peer) => (alive.includes(peer) ? RPC_MS : 5_000);
    exchanges.outcome = (peer) =>
      alive.includes(peer) ? undefined : new RpcError('DEADLINE_EXCEEDED', 'silent');
    void bringUp.establish(sessions.slice(0, -2));
    await clock.advance(200);
    expect(exchanges.underWay).toBe(AT_ONCE);
    // One is heard of before it is asked for, the other while it waits among the silent ones.
    alive[0]!.heardAtMs = clock.nowMs();
    void bringUp.establish(sessions.slice(-2));
    await clock.advance(150);
    expect(exchanges.asked.map(({ peer }) => peer)).toContain(alive[0]);
    expect(exchanges.asked.map(({ peer }) => peer)).not.toContain(alive[1]);
    alive[1]!.heardAtMs = clock.nowMs();
    bringUp.heardOf(alive[1]!);
    await clock.advance(1);
    expect(exchanges.asked.at(-1)!.peer).toBe(alive[1]);
    stopping.abort();
    await clock.advance(1);
  });

  test('asks others at once, whatever waits for one that is silent', async () => {
    const silent = testPeer(1);
    exchanges.durationMs = (peer) => (peer === silent ? 60_000 : RPC_MS);
    // Each is a request of its own, as for sessions whose old SPIs are still used.
    for (let i = 0; i < 64; i++) {
      void bringUp.once(silent, [
        newSession(parseIp('192.168.0.1'), parseIp(`10.0.0.${i}`), silent, silent, 0),
      ]);
    }
    const other = sessions.at(-1)!;
    const asked = bringUp.once(other.peer, [other]);
    await clock.advance(2 * RPC_MS);
    expect(await asked).toEqual([]);
    expect(exchanges.asked.filter(({ peer }) => peer === silent)).toHaveLength(2);
  });

  test('ends the wait of a peer that failed once it is heard of, and not more often than once a second', async () => {
    const { peer } = sessions[0]!;
    exchanges.outcome = () => new RpcError('UNAVAILABLE', 'not yet');
    void bringUp.rekey(sessions.slice(0, 1));
    await clock.advance(10_000);
    const before = exchanges.asked.length;
    for (let i = 0; i < 3_000; i++) {
      bringUp.heardOf(peer);
      await clock.advance(1);
    }
    // Its own back-off is half a second at least by now.
    expect(exchanges.asked.length - before).toBeLessThanOrEqual(3 + 6);
    expect(exchanges.asked.length - before).toBeGreaterThanOrEqual(3);
    stopping.abort();
    await clock.advance(1);
  });

  test('asks once where nobody is to be asked again, and gives what failed', async () => {
    const { peer } = sessions[0]!;
    const own = Array.from({ length: 40 }, (_, i) =>
      newSession(parseIp('192.168.0.1'), parseIp(`192.168.2.${i}`), peer, peer, 0),
    );
    exchanges.outcome = () => new RpcError('RESOURCE_EXHAUSTED', 'full');
    const once = bringUp.once(peer, own);
    await clock.advance(60_000);
    expect(await once).toHaveLength(own.length);
    // The batch, and halves of it a few times.
    expect(exchanges.asked.length).toBeLessThanOrEqual(1 + 2 * 4);
  });
});
