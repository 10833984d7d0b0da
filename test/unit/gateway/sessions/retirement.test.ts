/** How long an SPI stays open after a newer one took its place, where packets still come under it. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createVirtualClock } from '../../../../src/base/virtual-clock.js';
import { RETIREMENT_PERIODS_MAX, Retirement } from '../../../../src/gateway/sessions/retirement.js';
import { type IngressSpi, newSession, OPERATOR } from '../../../../src/gateway/sessions/session.js';
import { idsOf, LIMITS, TestNetwork, vip } from '../../../support/gateways.js';

const OPEN_MS_MAX = RETIREMENT_PERIODS_MAX * LIMITS.rekeyGraceMs;
/** Much shorter than a grace period, so that no look finds the SPI unused. */
const SEND_MS = 1_000;

let net: TestNetwork;
beforeEach(() => {
  net = new TestNetwork();
});
afterEach(() => net.stopAll());

test('an SPI under which a peer goes on sending is closed after so many grace periods all the same', async () => {
  const a = await net.start(1, [2]);
  const b = await net.start(2, [1]);
  net.send(b, 1, [1]);
  await net.run(100);
  // PSP has no replay protection: the packet is let in again for as long as its SPI is open.
  const old = net.wire.at(-1)!;
  const sendOld = async () => {
    net.arrive(a, [old.slice()]);
    await net.run(SEND_MS);
  };
  await Promise.all([a.gateway.rekey(), net.run(100)]);
  a.workload.takeSent();
  const closed = { type: 'spi-closed', spi: 1, localVip: vip(1), remoteVip: vip(2) };
  let sent = 0;
  for (; sent * SEND_MS < OPEN_MS_MAX; sent++) await sendOld();
  expect(a.events).toContainEqual(closed);
  expect(a.workload.takeSent().length).toBeLessThan(sent);
  // It was asked anew meanwhile, once in each period at most, and is not any more.
  const requests = () => a.events.filter(({ type }) => type === 'request-sent').length;
  const before = requests();
  expect(before).toBeLessThanOrEqual(RETIREMENT_PERIODS_MAX);
  for (sent = 0; sent * SEND_MS < OPEN_MS_MAX; sent++) await sendOld();
  net.send(b, 1, [2]);
  await net.run(100);
  expect(idsOf(a.workload.takeSent())).toEqual([2]);
  expect(requests()).toBe(before);
  expect(a.gateway.view().spisRetiring).toBe(0);
});

describe('an SPI that has a newer one', () => {
  const GRACE_MS = 1000;

  /** Sessions of which a test says what comes in under their SPIs; what is closed, and whose peers are told of, and when. */
  function open(pastMs = 0) {
    const clock = createVirtualClock(pastMs);
    const packets = new Map<number, bigint>();
    const device = { broken: false };
    const closed: string[] = [];
    const used: string[] = [];
    const at = () => clock.nowMs() - pastMs;
    const retirement = new Retirement(
      {
        counters: async (selectors: readonly { id: number }[]) => {
          if (device.broken) throw new Error('no counters');
          return selectors.map(({ id }) => ({ packets: packets.get(id) ?? 0n, octets: 0n }));
        },
      } as never,
      clock,
      {
        isOpen: ({ session, ingress }: { session: ReturnType<typeof sessionOf>; ingress: IngressSpi }) =>
          session.ingress.includes(ingress),
        close: async (closing: readonly { session: ReturnType<typeof sessionOf>; ingress: IngressSpi }[]) => {
          for (const { session, ingress } of closing) {
            session.ingress = session.ingress.filter((other) => other !== ingress);
            closed.push(`${ingress.spi} at ${at()}`);
          }
        },
      } as never,
      GRACE_MS,
      {
        onRekeyNeeded: (sessions) =>
          used.push(`${sessions.map(({ ingress }) => ingress[0]!.spi).join(' ')} at ${at()}`),
      },
    );
    return { clock, packets, device, closed, used, retirement, pastMs };
  }
  const spi = (number: number, more: Partial<IngressSpi> = {}): IngressSpi => ({
    spi: number,
    version: 1,
    entry: number as never,
    generation: 0,
    state: 'given',
    givenAtMs: 0,
    contested: false,
    clearAtMs: 0,
    packetsSeen: 0,
    packetsRead: 0,
    ...more,
  });
  const sessionOf = (...ingress: IngressSpi[]) =>
    Object.assign(newSession(vip(1), vip(2), {} as never, OPERATOR, 0), { ingress });

  test('is closed a grace period later when nothing comes under it, and is out of use until then', async () => {
    const { clock, closed, used, retirement } = open();
    const session = sessionOf(spi(1), spi(2, { state: 'doubtful' }), spi(3, { state: 'offered' }));
    await clock.advance(10);
    retirement.supersede(session, session.ingress[2]!);
    expect(session.ingress.map(({ state }) => state)).toEqual(['retiring', 'retiring', 'given']);
    expect(session.ingress[2]!.givenAtMs).toBe(10);
    expect(retirement.waiting).toBe(2);
    expect(retirement.waitOf(0)).toEqual({ dueMs: 10 + GRACE_MS, closedByMs: 10 + 2 * GRACE_MS });
    expect(retirement.waitOf(1)).toBeUndefined();
    await clock.advance(GRACE_MS - 1);
    expect(closed).toEqual([]);
    await clock.advance(1);
    expect(closed).toEqual(['1 at 1010', '2 at 1010']);
    expect(retirement.waiting).toBe(0);
    expect(used).toEqual([]);
  });

  test('stays when it is newer than the one that the peer has, or on offer', () => {
    const { retirement } = open();
    const session = sessionOf(spi(1, { state: 'offered' }), spi(2), spi(3, { state: 'doubtful' }));
    retirement.supersede(session, session.ingress[1]!);
    expect(session.ingress.map(({ state }) => state)).toEqual(['offered', 'given', 'doubtful']);
    expect(retirement.waiting).toBe(0);
    expect(retirement.waitOf(0)).toBeUndefined();
  });

  test('stays when the newer one has been closed meanwhile', () => {
    const { retirement } = open();
    const session = sessionOf(spi(1));
    const gone = spi(2, { state: 'offered' });
    retirement.supersede(session, gone);
    expect([session.ingress[0]!.state, gone.state]).toEqual(['given', 'offered']);
  });

  test('retires once, whatever else comes after it', async () => {
    const { clock, closed, retirement } = open();
    const session = sessionOf(spi(1), spi(2), spi(3));
    retirement.supersede(session, session.ingress[1]!);
    await clock.advance(GRACE_MS / 2);
    retirement.supersede(session, session.ingress[2]!);
    expect(retirement.waiting).toBe(2);
    await clock.advance(2 * GRACE_MS);
    expect(closed).toEqual(['1 at 1000', '2 at 1500']);
  });

  test('is kept while packets come under it, and its peer is asked anew after each period in which they do', async () => {
    const { clock, packets, closed, used, retirement } = open();
    const session = sessionOf(spi(1), spi(2));
    retirement.supersede(session, session.ingress[1]!);
    // Those before the first look may have been sent before the peer had the newer one.
    packets.set(1, 5n);
    await clock.advance(GRACE_MS);
    expect(used).toEqual([]);
    packets.set(1, 6n);
    await clock.advance(GRACE_MS);
    expect(used).toEqual(['1 at 2000']);
    expect(closed).toEqual([]);
    await clock.advance(GRACE_MS);
    expect(used).toEqual(['1 at 2000']);
    expect(closed).toEqual(['1 at 3000']);
  });

  test('is closed at last although packets come on and on', async () => {
    const { clock, packets, closed, used, retirement } = open();
    const session = sessionOf(spi(1), spi(2));
    retirement.supersede(session, session.ingress[1]!);
    for (let period = 1; period <= RETIREMENT_PERIODS_MAX; period++) {
      packets.set(1, BigInt(period));
      expect(closed).toEqual([]);
      await clock.advance(GRACE_MS);
    }
    expect(closed).toEqual([`1 at ${RETIREMENT_PERIODS_MAX * GRACE_MS}`]);
    expect(used).toHaveLength(RETIREMENT_PERIODS_MAX - 2);
  });

  test('is kept, and its peer asked anew, while an answer with it may come to the peer after our request did', async () => {
    const { clock, closed, used, retirement } = open(50_000);
    const contested = spi(1, { givenAtMs: 50_000 - 100 });
    const session = sessionOf(contested, spi(2));
    retirement.supersede(session, session.ingress[1]!, 50_000 - 50);
    expect(contested.contested).toBe(true);
    expect(session.ingress[1]!.givenAtMs).toBe(0);
    await clock.advance(GRACE_MS);
    expect(used).toEqual(['1 at 1000']);
    await clock.advance(GRACE_MS / 2);
    // Now the peer is done with all before: the grace begins with that.
    session.ingress.push(spi(3));
    retirement.supersede(session, session.ingress[2]!);
    expect(contested).toMatchObject({ contested: false, clearAtMs: 51_500 });
    await clock.advance(GRACE_MS / 2);
    expect([closed, used]).toEqual([[], ['1 at 1000']]);
    await clock.advance(GRACE_MS / 2);
    expect([closed.toSorted(), used]).toEqual([['1 at 2500', '2 at 2500'], ['1 at 1000']]);
  });

  test('is not kept where the answer with it was given long before our request', async () => {
    const { retirement } = open(50_000);
    const [late, early] = [
      spi(1, { givenAtMs: 50_000 - GRACE_MS + 1 }),
      spi(2, { givenAtMs: 50_000 - GRACE_MS }),
    ];
    const session = sessionOf(late, early, spi(3));
    retirement.supersede(session, session.ingress[2]!, 50_000);
    expect([late.contested, early.contested]).toEqual([true, false]);
    expect(early.clearAtMs).toBe(0);
  });

  test('without entries of its own, as with the ingress ACL off, is closed after one period', async () => {
    const { clock, closed, retirement } = open();
    const { entry: _, ...bare } = spi(1);
    const session = sessionOf(bare, spi(2));
    retirement.supersede(session, session.ingress[1]!);
    await clock.advance(GRACE_MS);
    expect(closed).toEqual(['1 at 1000']);
  });

  test('is closed also where the device tells nothing about packets', async () => {
    const { clock, device, closed, retirement } = open();
    const session = sessionOf(spi(1), spi(2));
    retirement.supersede(session, session.ingress[1]!);
    device.broken = true;
    await clock.advance(GRACE_MS);
    expect(closed).toEqual(['1 at 1000']);
  });

  test('that a rotation has closed waits no more, and nobody waits for that master key', async () => {
    const { clock, closed, retirement } = open();
    const [gone, here] = [sessionOf(spi(1), spi(2)), sessionOf(spi(3, { generation: 1 }), spi(4))];
    for (const session of [gone, here]) retirement.supersede(session, session.ingress[1]!);
    gone.ingress = gone.ingress.slice(1);
    retirement.forget(0);
    expect([retirement.waiting, retirement.waitOf(0)]).toEqual([1, undefined]);
    expect(retirement.waitOf(1)).toMatchObject({ dueMs: GRACE_MS });
    await clock.advance(GRACE_MS);
    expect(closed).toEqual(['3 at 1000']);
  });

  test('that was closed meanwhile is not closed again', async () => {
    const { clock, closed, used, retirement } = open();
    const session = sessionOf(spi(1), spi(2));
    retirement.supersede(session, session.ingress[1]!);
    session.ingress = session.ingress.slice(1);
    await clock.advance(GRACE_MS);
    expect([closed, used, retirement.waiting]).toEqual([[], [], 0]);
  });

  test('is looked at when it is due, although others that wait for longer were there before it', async () => {
    const { clock, closed, retirement } = open(50_000);
    const session = sessionOf(spi(1, { givenAtMs: 50_000 }), spi(2));
    const other = sessionOf(spi(11), spi(12));
    retirement.supersede(session, session.ingress[1]!, 50_000);
    await clock.advance(500);
    retirement.supersede(session, session.ingress[1]!);
    await clock.advance(400);
    retirement.supersede(other, other.ingress[1]!);
    await clock.advance(10 * GRACE_MS);
    expect(closed).toEqual(['1 at 1500', '11 at 1900']);
  });

  test('stays as it is after the stop', async () => {
    const { clock, closed, retirement } = open();
    const session = sessionOf(spi(1), spi(2));
    retirement.supersede(session, session.ingress[1]!);
    retirement.stop();
    expect(retirement.waiting).toBe(0);
    await clock.advance(10 * GRACE_MS);
    expect(closed).toEqual([]);
  });
});
