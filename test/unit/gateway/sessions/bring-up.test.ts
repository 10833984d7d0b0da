import { beforeEach, describe, expect, test } from 'vitest';
import { onAbort } from '../../../../src/base/abort.js';
import { seededRandom } from '../../../../src/base/random.js';
import { createVirtualClock, type VirtualClock } from '../../../../src/base/virtual-clock.js';
import type { GatewayEvent } from '../../../../src/gateway/events.js';
import type { Peer } from '../../../../src/gateway/peers.js';
import { RpcError } from '../../../../src/gateway/rpc/transport.js';
import { BringUp } from '../../../../src/gateway/sessions/bring-up.js';
import { newSession, type Session } from '../../../../src/gateway/sessions/session.js';
import type { TunnelClient } from '../../../../src/gateway/sessions/tunnel-client.js';
import { parseIp } from '../../../../src/packet/address.js';
import { testPeer } from '../../../support/peers.js';

const PEERS = 40;
const RPC_MS = 10;
const AT_ONCE = 16;

/** Stands for the exchange of RPCs: takes its time, and ends as `outcome` says. */
class Exchanges {
  readonly asked: { readonly peer: Peer; readonly atMs: number; readonly sessions: readonly Session[] }[] =
    [];
  underWay = 0;
  mostUnderWay = 0;
  outcome: (peer: Peer, sessions: readonly Session[]) => Error | undefined = () => undefined;
  durationMs: (peer: Peer) => number = () => RPC_MS;

  constructor(
    private readonly clock: VirtualClock,
    private readonly signal: AbortSignal,
  ) {}

  isHeldBack(): boolean {
    return false;
  }

  exchange(peer: Peer, sessions: readonly Session[]): Promise<void> {
    this.asked.push({ peer, atMs: this.clock.nowMs(), sessions });
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
      this.clock.setTimer(() => end(this.outcome(peer, sessions)), this.durationMs(peer));
      onAbort(this.signal, () => end(new RpcError('CANCELLED', 'stopped')));
    });
  }
}

let clock: VirtualClock;
let stopping: AbortController;
let exchanges: Exchanges;
let bringUp: BringUp;
let sessions: Session[];
let events: GatewayEvent[];
beforeEach(() => {
  events = [];
  clock = createVirtualClock();
  stopping = new AbortController();
  exchanges = new Exchanges(clock, stopping.signal);
  bringUp = new BringUp({
    client: exchanges as unknown as TunnelClient,
    clock,
    random: seededRandom(1),
    observe: (event) => void events.push(event),
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

describe('what a peer refuses', () => {
  const some = (count: number): Session[] => {
    const { peer } = sessions[0]!;
    return Array.from({ length: count }, (_, i) =>
      newSession(parseIp('192.168.0.1'), parseIp(`192.168.${2 + (i >> 8)}.${i & 255}`), peer, peer, 0),
    );
  };
  const counts = () => exchanges.asked.map((one) => one.sessions.length);
  const refusing = (bad: Session, error: Error) => {
    exchanges.outcome = (_, batch) => (batch.includes(bad) ? error : undefined);
  };
  const ended = async <T>(work: Promise<T>, durationMs = 60_000): Promise<T> => {
    await clock.advance(durationMs);
    return work;
  };

  test.each(['PERMISSION_DENIED', 'INVALID_ARGUMENT', 'NOT_FOUND', 'RESOURCE_EXHAUSTED'] as const)(
    'with %s is asked for in halves, so that one tunnel does not keep the others away',
    async (code) => {
      const own = some(8);
      refusing(own[5]!, new RpcError(code, 'not that one'));
      expect(await ended(bringUp.once(own[0]!.peer, own))).toEqual([own[5]]);
      expect(counts()).toEqual([8, 4, 4, 2, 1, 1, 2]);
      // One event for all its halves, and of what is left in the end.
      expect(events).toEqual([
        {
          type: 'exchange-failed',
          peer: own[0]!.peer.name,
          tunnels: 1,
          reason: expect.stringContaining('not that one'),
        },
      ]);
    },
  );

  test('because it does not answer, or for a fault of ours, is not asked for in halves', async () => {
    const own = some(8);
    const ours = Object.assign(new Error('a defect'), { code: 'PERMISSION_DENIED' });
    for (const error of [new RpcError('UNAVAILABLE', 'down'), ours]) {
      exchanges.asked.length = 0;
      refusing(own[5]!, error);
      expect(await ended(bringUp.once(own[0]!.peer, own))).toEqual(own);
      expect(counts()).toEqual([8]);
    }
  });

  test('for good is given back where only what is granted is wanted; the rest is asked for again', async () => {
    const own = some(8);
    const [never, later] = [own[2]!, own[6]!];
    let refusals = 0;
    exchanges.outcome = (_, batch) => {
      if (batch.includes(never)) return new RpcError('NOT_FOUND', 'no such address');
      if (batch.includes(later) && ++refusals < 6) return new RpcError('RESOURCE_EXHAUSTED', 'not now');
      return undefined;
    };
    expect(await ended(bringUp.establishGranted(own))).toEqual([never]);
    expect(own.filter(({ state }) => state !== 'established')).toEqual([never]);
    exchanges.asked.length = 0;
    never.state = 'established';
    expect(await ended(bringUp.establishGranted(own))).toEqual([]);
    expect(counts()).toEqual([]);
  });

  test('is given back only when it was refused, and not when nobody answered', async () => {
    const [one] = some(1);
    let calls = 0;
    exchanges.outcome = () => (++calls < 3 ? new RpcError('UNAVAILABLE', 'down') : undefined);
    expect(await ended(bringUp.establishGranted([one!]))).toEqual([]);
    expect(calls).toBe(3);
  });

  test('or grants comes in batches of as many as one request may have', async () => {
    const own = some(250);
    expect(await ended(bringUp.once(own[0]!.peer, own))).toEqual([]);
    expect(counts()).toEqual([100, 100, 50]);
    exchanges.asked.length = 0;
    for (const session of own) session.state = 'idle';
    await ended(bringUp.once(own[0]!.peer, own.slice(0, 100)));
    expect(counts()).toEqual([100]);
  });
});

describe('a session', () => {
  test('that somebody else is asking for counts as failed, and one that is gone does not', async () => {
    const [one, two, three] = sessions
      .slice(0, 3)
      .map((session) => Object.assign(session, { peer: sessions[0]!.peer }));
    two!.asking = true;
    three!.state = 'removed';
    const failed = bringUp.once(one!.peer, [one!, two!, three!]);
    await clock.advance(1000);
    expect(await failed).toEqual([two]);
    expect(exchanges.asked[0]!.sessions).toEqual([one]);
  });

  test('that is asked for by a later run is left to that one', async () => {
    const [session] = sessions;
    exchanges.outcome = () => new RpcError('UNAVAILABLE', 'down');
    let first = false;
    void bringUp.rekey([session!]).then(() => {
      first = true;
    });
    await clock.advance(500);
    const second = bringUp.rekey([session!]);
    await clock.advance(5_000);
    expect([first, session!.wanted]).toEqual([true, 2]);
    exchanges.outcome = () => undefined;
    await clock.advance(5_000);
    await second;
    expect(session!.wanted).toBe(0);
  });

  test('that is gone is asked for no more', async () => {
    const [session] = sessions;
    exchanges.outcome = () => new RpcError('UNAVAILABLE', 'down');
    const done = bringUp.rekey([session!]);
    await clock.advance(500);
    session!.state = 'removed';
    await clock.advance(5_000);
    await done;
    const { length } = exchanges.asked;
    await clock.advance(60_000);
    expect(exchanges.asked).toHaveLength(length);
  });
});

test('a start is spread over a tenth of a second, and over a millisecond per peer where there are many', async () => {
  const startOf = async (count: number) => {
    const begun = createVirtualClock();
    const at: number[] = [];
    const all = Array.from({ length: count }, (_, i) => sessionWith(i + 1));
    const run = new BringUp({
      client: {
        exchange: async () => void at.push(begun.nowMs()),
        isHeldBack: () => false,
      } as unknown as TunnelClient,
      clock: begun,
      random: { fill: () => {}, uint32: () => 249 },
      observe: () => {},
      limits: { tunnelsPerRequest: 100, backoffMinMs: 100, backoffMaxMs: 1000 } as never,
      signal: stopping.signal,
    }).rekey(all);
    await begun.advance(1000);
    await run;
    return at[0];
  };
  expect([await startOf(10), await startOf(250)]).toEqual([49, 249]);
});

describe('a wait for a peer', () => {
  test('ends with its time, or when the peer is heard of, but not when another one is', async () => {
    const ends: number[] = [];
    const wait = () => void bringUp.pause(sessions[0]!.peer, 1000).then(() => ends.push(clock.nowMs()));
    wait();
    wait();
    await clock.advance(300);
    bringUp.heardOf(sessions[1]!.peer);
    await clock.advance(100);
    expect(ends).toEqual([]);
    bringUp.heardOf(sessions[0]!.peer);
    await clock.advance(0);
    expect(ends).toEqual([400, 400]);
    wait();
    await clock.advance(999);
    // Not again within a second.
    bringUp.heardOf(sessions[0]!.peer);
    await clock.advance(0);
    expect(ends).toHaveLength(2);
    await clock.advance(1);
    expect(ends).toEqual([400, 400, 1400]);
    wait();
    bringUp.heardOf(sessions[0]!.peer);
    await clock.advance(0);
    expect(ends).toHaveLength(4);
  });

  test('ends with the gateway, which is no success', async () => {
    const waiting = bringUp.pause(sessions[0]!.peer, 1000);
    const outcome = waiting.then(
      () => 'over',
      () => 'stopped',
    );
    stopping.abort();
    expect(await outcome).toBe('stopped');
    await expect(bringUp.once(sessions[0]!.peer, sessions.slice(0, 1))).rejects.toThrow();
  });
});
