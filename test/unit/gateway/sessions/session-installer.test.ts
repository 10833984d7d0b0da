/** Sessions in a device that is a map of entries and one of keys: each step whole or not at all, and nothing left behind. */
import { beforeEach, describe, expect, test } from 'vitest';
import { createVirtualClock, type VirtualClock } from '../../../../src/base/virtual-clock.js';
import type { GatewayEvent } from '../../../../src/gateway/events.js';
import type { GatewayLimits, GatewayOptions } from '../../../../src/gateway/options.js';
import type { Peer } from '../../../../src/gateway/peers.js';
import type { TunnelParameters } from '../../../../src/gateway/rpc/tunnel-messages.js';
import type { Offer } from '../../../../src/gateway/sessions/ingress-spis.js';
import { SLOT_REST_MS } from '../../../../src/gateway/sessions/key-slots.js';
import type { Wanted } from '../../../../src/gateway/sessions/places.js';
import {
  type Holder,
  type IngressSpi,
  OPERATOR,
  type Session,
} from '../../../../src/gateway/sessions/session.js';
import { SessionInstaller } from '../../../../src/gateway/sessions/session-installer.js';
import { HalError } from '../../../../src/hal/errors.js';
import type { EntryId, EntryOperation, EntryResult, KeySlot } from '../../../../src/hal/hal.js';
import { type IpAddress, parseIp } from '../../../../src/packet/address.js';
import { gatewayOptions, LIMITS } from '../../../support/gateways.js';
import { testPeer } from '../../../support/peers.js';

type Method = 'apply' | 'setKeys' | 'clearKeys' | 'generateKeys' | 'counters' | 'rotateMasterKey';

/** A device that does what it is told, or fails in what a test says. */
class Device {
  readonly entries = new Map<EntryId, { pipe: string; values: unknown }>();
  readonly packets = new Map<EntryId, bigint>();
  readonly keys = new Map<number, string>();
  readonly calls: string[] = [];
  /** These methods fail as a whole. */
  readonly failing = new Set<Method>();
  /** Operations on entries that are refused. */
  refuse: (operation: EntryOperation) => HalError | undefined = () => undefined;
  refuseKey: (slot: number) => HalError | null = () => null;
  readonly device = { limits: { keySlots: 1000, entriesPerPipe: 1 << 16, keysPerBatch: 1000 } };
  /** These SPIs come first; then one after the other. */
  spis: number[] = [];
  #next = 1;
  #spi = 0;

  /** The pipes of all entries, in order. */
  get pipes(): string[] {
    return [...this.entries.values()].map(({ pipe }) => pipe);
  }

  async apply(operations: readonly EntryOperation[]): Promise<EntryResult[]> {
    this.#call('apply');
    return operations.map((operation): EntryResult => {
      const error = this.refuse(operation);
      if (error !== undefined) return { error };
      if (operation.operation === 'add') {
        const id = this.#next++ as EntryId;
        const { pipe, entry } = operation;
        this.entries.set(id, { pipe, values: 'values' in entry ? entry.values : undefined });
        return { id };
      }
      const { id } = operation;
      const entry = this.entries.get(id);
      if (entry === undefined) return { error: new HalError('NOT_FOUND', 'no such entry') };
      if (operation.operation === 'remove') this.entries.delete(id);
      else entry.values = operation.values;
      return { id };
    });
  }

  async setKeys(slots: readonly KeySlot[]) {
    this.#call('setKeys');
    return slots.map(({ cryptoId, key }) => {
      const error = this.refuseKey(cryptoId);
      if (error === null) this.keys.set(cryptoId, key.join());
      return error;
    });
  }

  async clearKeys(slots: readonly number[]) {
    this.#call('clearKeys');
    for (const slot of slots) this.keys.delete(slot);
  }

  async generateKeys(octets: 16 | 32, count: number) {
    this.#call('generateKeys');
    const spis = Uint32Array.from({ length: count }, () => this.spis.shift() ?? ++this.#spi);
    const keys = new Uint8Array(count * octets);
    spis.forEach((spi, i) => {
      keys.fill(spi, i * octets, (i + 1) * octets);
    });
    return { spis, keys, keyLengthOctets: octets };
  }

  async counters(selectors: readonly { id: EntryId }[]) {
    this.#call('counters');
    return selectors.map(({ id }) => {
      if (!this.entries.has(id)) throw new HalError('NOT_FOUND', 'no such entry');
      return { packets: this.packets.get(id) ?? 0n, octets: 0n };
    });
  }

  async rotateMasterKey() {
    this.#call('rotateMasterKey');
  }

  #call(method: Method): void {
    this.calls.push(method);
    if (this.failing.has(method)) throw new HalError('DRIVER', `${method} failed`);
  }
}

let clock: VirtualClock;
let device: Device;
let events: GatewayEvent[];
let told: string[];
let logs: string[];
const [A, B, C] = [1, 2, 3].map((number) => testPeer(number)) as [Peer, Peer, Peer];
const local = (number: number, family: 4 | 6 = 4): IpAddress =>
  parseIp(family === 4 ? `192.168.0.${number}` : `fd00::${number}`);
const remote = (number: number, family: 4 | 6 = 4): IpAddress =>
  parseIp(family === 4 ? `192.168.9.${number}` : `fd09::${number}`);

function open({
  limits,
  isHeld = () => false,
  ...options
}: Partial<Omit<GatewayOptions, 'limits'>> & {
  limits?: Partial<GatewayLimits>;
  isHeld?: (peer: Peer, ip: IpAddress) => boolean;
} = {}) {
  const all: GatewayOptions = {
    ...gatewayOptions({ host: parseIp('10.0.0.9'), port: 3000 }, []),
    maxTunnels: 4,
    pspVersion: 0,
    ...options,
    limits: { ...LIMITS, ...limits },
  };
  return new SessionInstaller({
    hal: device as never,
    clock,
    logger: { log: (level, message) => logs.push(`${level} ${message}`), enabled: () => true },
    options: all,
    pipeline: { ...all, underlayMtuOctets: 1500, decapMacs: new Uint8Array(12) },
    uplink: { mac: '02:00:00:00:00:09' as never, ip: parseIp('2001:db8::9') },
    fillRandom: (octets) => octets.fill(1, 8),
    observe: (event) => events.push(event),
    shortageListener: {
      onSpisExhausted: () => told.push('exhausted'),
      onSpisLow: () => told.push('low'),
    },
    debugKey: (text, spi, key) => told.push(`${text} ${spi} ${key[0]}`),
    isHeld,
    sessionListener: {
      onStays: ({ remoteVip }) => told.push(`stays ${remoteVip}`),
      onVacated: ({ remoteVip }, reason) => told.push(`${reason} ${remoteVip}`),
    },
  });
}

beforeEach(() => {
  clock = createVirtualClock(5_000_000);
  device = new Device();
  events = [];
  told = [];
  logs = [];
});

const want = (number: number, peer: Peer = A, holder: Holder = peer, family: 4 | 6 = 4): Wanted => ({
  localVip: local(1, family),
  remoteVip: remote(number, family),
  peer,
  holder,
});
const parameters = (spi: number, more: Partial<TunnelParameters> = {}): TunnelParameters => ({
  mac: '02:00:00:00:00:02' as never,
  underlayIp: parseIp('2001:db8::2'),
  pspVersion: 0,
  spi,
  key: new Uint8Array(16).fill(spi),
  cookie: 0n,
  ...more,
});
/** Sessions that are established, one by one so that each is younger than the one before. */
async function establish(installer: SessionInstaller, wanted: readonly Wanted[]): Promise<Session[]> {
  const sessions: Session[] = [];
  for (const one of wanted) {
    const [session] = await installer.open([one]);
    const offers = await installer.offer([session!], 0);
    await installer.connect([{ session: session!, parameters: parameters(200 + sessions.length) }]);
    for (const { ingress } of offers) ingress.state = 'given';
    sessions.push(session!);
  }
  return sessions;
}
const arrives = (ingress: IngressSpi, packets = 1n) =>
  device.packets.set(ingress.entry!, (device.packets.get(ingress.entry!) ?? 0n) + packets);
const leaves = ({ egress }: Session, packets = 1n) =>
  device.packets.set(egress!.entry, (device.packets.get(egress!.entry) ?? 0n) + packets);
const states = (sessions: readonly Session[]) => sessions.map(({ state }) => state);
const outcome = (work: Promise<unknown>) =>
  work.then(
    () => 'done',
    ({ code }: { code: string }) => code,
  );

describe('opening sessions', () => {
  test('gives each pair its session, made or known, and nothing of the device for IPv4', async () => {
    const installer = open();
    const [one] = await installer.open([want(1)]);
    const again = await installer.open([want(2), want(1), want(2)]);
    expect(again).toEqual([installer.sessions.get(local(1), remote(2)), one, again[0]]);
    expect(installer.sessions.size).toBe(2);
    expect(one).toMatchObject({ state: 'idle', peer: A, holder: A, usedAtS: 1 });
    expect(device.calls).toEqual([]);
  });

  test('gives a local address of IPv6 its entries once, and takes them back with the last session', async () => {
    const installer = open();
    const [one, two] = await installer.open([want(1, A, A, 6), want(2, A, A, 6)]);
    expect(device.pipes).toEqual(['EGR_VIP_IPV6', 'INGR_VIP_IPV6']);
    await installer.remove([one!]);
    expect(device.pipes).toHaveLength(2);
    await installer.remove([two!]);
    expect(device.pipes).toEqual([]);
  });

  test('that the device refuses makes none of them', async () => {
    const installer = open();
    device.refuse = (operation) =>
      operation.operation === 'add' && operation.pipe === 'INGR_VIP_IPV6' && device.entries.size > 2
        ? new HalError('FULL', 'full')
        : undefined;
    const second = { ...want(1, A, A, 6), localVip: local(2, 6) };
    expect(await outcome(installer.open([want(1, A, A, 6), second]))).toBe('FULL');
    expect([installer.sessions.size, device.pipes]).toEqual([0, []]);
    expect(await outcome(installer.open([want(1, A, A, 6)]))).toBe('done');
  });

  test('of more than there are places for is refused, and nothing changes', async () => {
    const installer = open();
    const sessions = await establish(installer, [want(1)]);
    expect(await outcome(installer.open([2, 3, 4, 5, 6].map((i) => want(i))))).toBe('RESOURCE_EXHAUSTED');
    expect(installer.counters).toMatchObject({ refused: 5, refusedTooFast: 0 });
    expect(states(sessions)).toEqual(['established']);
    expect(await outcome(installer.open([1, 2, 3, 4].map((i) => want(i))))).toBe('done');
  });

  test('makes room in a full table: of the same holder the session that was used longest ago goes', async () => {
    const installer = open();
    const sessions = await establish(
      installer,
      [1, 2, 3, 4].map((i) => want(i)),
    );
    told.length = 0;
    await installer.open([want(5)]);
    expect(states(sessions)).toEqual(['dormant', 'established', 'established', 'established']);
    expect(sessions[0]!.egress).toBeUndefined();
    expect(installer.counters).toMatchObject({ replaced: 1, aboveShare: 0, idleInFullTable: 0 });
    expect(told).toEqual([`replaced ${remote(1)}`]);
    expect(events.at(-1)).toEqual({
      type: 'session-removed',
      reason: 'replaced',
      holder: A.name,
      localVip: local(1),
      remoteVip: remote(1),
    });
    expect(installer.sessions.get(local(1), remote(1))).toBe(sessions[0]);
    expect([installer.sessions.size, installer.sessions.dormant.size]).toEqual([4, 1]);
    // Its way out is gone, and the peer may send under its SPI still.
    expect(device.pipes.filter((pipe) => pipe === 'EGR_ACL_IPV4')).toHaveLength(3);
    expect(device.pipes.filter((pipe) => pipe === 'INGR_ACL_IPV4')).toHaveLength(4);
  });

  test('takes the room from a holder that has more than its share', async () => {
    const installer = open();
    const sessions = await establish(
      installer,
      [1, 2, 3, 4].map((i) => want(i)),
    );
    await installer.open([want(5, B)]);
    expect(states(sessions).filter((state) => state === 'dormant')).toHaveLength(1);
    expect(installer.counters).toMatchObject({ replaced: 0, aboveShare: 1 });
    expect(installer.share).toBe(2);
  });

  test('takes no place of a session that the request is about', async () => {
    const installer = open();
    const sessions = await establish(
      installer,
      [1, 2, 3, 4].map((i) => want(i)),
    );
    await installer.open([want(1), want(5)]);
    expect(states(sessions)).toEqual(['established', 'dormant', 'established', 'established']);
  });

  test('takes no place of a session that is being granted, until it is', async () => {
    const installer = open();
    const sessions = await establish(
      installer,
      [1, 2, 3].map((i) => want(i)),
    );
    const [granted] = await installer.open([want(4)], true);
    await installer.open([want(4)], true);
    await installer.granted([granted!]);
    expect(await outcome(installer.open([5, 6, 7].map((i) => want(i))))).toBe('done');
    expect(states([...sessions, granted!])).toEqual(['dormant', 'dormant', 'dormant', 'idle']);
    expect(await outcome(installer.open([8, 9, 10, 11].map((i) => want(i))))).toBe('RESOURCE_EXHAUSTED');
    installer.granted([granted!]);
    expect(await outcome(installer.open([8, 9, 10, 11].map((i) => want(i))))).toBe('done');
    expect(granted!.state).toBe('removed');
  });

  test('replaces sessions of its own no faster than it may', async () => {
    const installer = open({ limits: { sessionReplacementsPerSecond: 2 } });
    await establish(
      installer,
      [1, 2, 3, 4].map((i) => want(i)),
    );
    for (const number of [5, 6]) await installer.open([want(number)]);
    expect(installer.mayTakePlace(A)).toBe(false);
    expect(installer.counters).toMatchObject({ refused: 1, refusedTooFast: 1 });
    expect(await outcome(installer.open([want(7)]))).toBe('RESOURCE_EXHAUSTED');
    expect(installer.counters).toMatchObject({ refused: 2, refusedTooFast: 2, replaced: 2 });
    await clock.advance(500);
    expect(installer.mayTakePlace(A)).toBe(true);
    expect(await outcome(installer.open([want(7)]))).toBe('done');
  });

  test('takes places of idle sessions first, but not of those of which packets came since', async () => {
    const installer = open({ limits: { sessionIdleS: 10 } });
    const sessions = await establish(installer, [want(1), want(2), want(3, B), want(4, B)]);
    await clock.advance(11_000);
    arrives(sessions[0]!.ingress[0]!);
    leaves(sessions[2]!);
    expect(installer.mayTakePlace(A)).toBe(true);
    await installer.open([want(5), want(6)]);
    expect(states(sessions)).toEqual(['established', 'dormant', 'established', 'dormant']);
    expect(installer.counters).toMatchObject({ idleInFullTable: 2, replaced: 0, aboveShare: 0 });
  });

  test('finds idle ones also when most of those it looks at are in use', async () => {
    const installer = open({ maxTunnels: 8, limits: { sessionIdleS: 10 } });
    const sessions = await establish(
      installer,
      [1, 2, 3, 4, 5, 6, 7, 8].map((i) => want(i)),
    );
    await clock.advance(11_000);
    for (const session of sessions.slice(0, 3)) leaves(session);
    await installer.open([want(9)]);
    expect(states(sessions)[3]).toBe('dormant');
    expect(installer.counters.idleInFullTable).toBe(1);
  });

  test('wakes a session that has lost its place, with what it had', async () => {
    const installer = open();
    const sessions = await establish(
      installer,
      [1, 2, 3, 4].map((i) => want(i)),
    );
    await installer.open([want(5)]);
    sessions[0]!.asking = true;
    await clock.advance(3_000);
    const [woken] = await installer.open([want(1, B)]);
    expect(woken).toBe(sessions[0]);
    expect(woken).toMatchObject({ state: 'requesting', peer: B, holder: B, usedAtS: 4 });
    expect(woken!.ingress).toHaveLength(1);
    expect(installer.counters.woken).toBe(1);
    expect([...installer.sessions].at(-1)).toBe(woken);
    expect(installer.sessions.dormant.size).toBe(1);
  });

  test('lets no more sessions sleep than there are places; of the holder that has most the oldest goes', async () => {
    const installer = open({ maxTunnels: 2 });
    const [first] = await establish(installer, [want(1), want(2)]);
    await establish(
      installer,
      [3, 4].map((i) => want(i)),
    );
    expect(installer.sessions.dormant.size).toBe(2);
    await clock.advance(SLOT_REST_MS);
    await establish(installer, [want(5)]);
    expect(installer.counters.dormantDropped).toBe(1);
    expect([installer.sessions.dormant.size, first!.state]).toEqual([2, 'removed']);
    expect(installer.sessions.get(local(1), remote(1))).toBeUndefined();
    expect(device.pipes.filter((pipe) => pipe === 'INGR_ACL_IPV4')).toHaveLength(4);
  });

  test('does not keep sessions under which nothing can come in', async () => {
    const installer = open({ ingressAcl: false });
    const sessions = await establish(
      installer,
      [1, 2, 3, 4].map((i) => want(i)),
    );
    expect(sessions[0]!.ingress[0]).not.toHaveProperty('entry');
    await installer.open([want(5)]);
    expect(states(sessions)[0]).toBe('removed');
    expect(installer.sessions.dormant.size).toBe(0);
    expect(events.filter(({ type }) => type === 'session-removed')).toHaveLength(1);
  });

  test('fails when the device does not let go of a way out: that session stays, with all it has', async () => {
    const installer = open();
    const sessions = await establish(
      installer,
      [1, 2, 3, 4].map((i) => want(i)),
    );
    device.refuse = ({ operation }) =>
      operation === 'remove' ? new HalError('IO_FAILED', 'stuck') : undefined;
    expect(await outcome(installer.open([want(5)]))).toBe('IO_FAILED');
    expect(states(sessions)).toEqual(['established', 'established', 'established', 'established']);
    expect(sessions[0]!.egress).toBeDefined();
    expect(told.at(-1)).toBe(`stays ${remote(1)}`);
    expect(installer.counters.replaced).toBe(0);
    device.refuse = () => undefined;
    device.failing.add('apply');
    expect(await outcome(installer.open([want(5)]))).toBe('DRIVER');
    expect(sessions[0]!.egress).toBeDefined();
    device.failing.clear();
    // What is not there need not be removed.
    device.entries.delete(sessions[0]!.egress!.entry);
    expect(await outcome(installer.open([want(5)]))).toBe('done');
    expect(states(sessions)[0]).toBe('dormant');
  });
});

describe('whether a holder may have another place', () => {
  test('is so while there is room, or a session that seems idle', async () => {
    const installer = open({ limits: { sessionIdleS: 10, sessionReplacementsPerSecond: 0.001 } });
    await establish(
      installer,
      [1, 2, 3].map((i) => want(i)),
    );
    expect(installer.mayTakePlace(A)).toBe(true);
    await establish(installer, [want(4)]);
    expect(installer.mayTakePlace(A)).toBe(false);
    await clock.advance(12_000);
    expect(installer.mayTakePlace(A)).toBe(true);
  });

  test('is so within its share, and not when it would take from others what is theirs', async () => {
    const installer = open({ limits: { sessionReplacementsPerSecond: 0.001 } });
    await establish(installer, [want(1), want(2), want(3), want(4, B)]);
    expect(installer.mayTakePlace(B)).toBe(true);
    expect(installer.mayTakePlace(C)).toBe(true);
    expect(installer.mayTakePlace(A)).toBe(false);
    expect(installer.counters).toMatchObject({ refused: 1, refusedTooFast: 1 });
  });

  const SCARCE = { sessionReplacementsPerSecond: 0.001 };
  test.each([
    // Who holds the four places, who asks, and whether it is so although nobody may replace a session of its own.
    { held: [A, A, B, B], asks: C, may: true },
    { held: [A, A, A, B], asks: B, may: true },
    { held: [A, A, A, B], asks: A, may: false },
    { held: [A, A, B, B], asks: B, may: false },
    { held: [A, A, B, C], asks: B, may: false },
    { held: [A, A, A, OPERATOR], asks: B, may: true },
    { held: [A, A, OPERATOR, OPERATOR], asks: B, may: true },
    { held: [A, OPERATOR, OPERATOR, OPERATOR], asks: B, may: false },
    { held: [A, OPERATOR, OPERATOR, OPERATOR], asks: OPERATOR, may: false },
  ] as { held: Holder[]; asks: Holder; may: boolean }[])(
    'is $may in case $#',
    async ({ held, asks, may }) => {
      const installer = open({ limits: SCARCE });
      await establish(
        installer,
        held.map((holder, i) => want(i + 1, A, holder)),
      );
      expect(installer.mayTakePlace(asks)).toBe(may);
      expect(installer.counters.refused).toBe(may ? 0 : 1);
      // What it says comes true.
      expect(await outcome(installer.open([want(9, A, asks)]))).toBe(may ? 'done' : 'RESOURCE_EXHAUSTED');
    },
  );

  test('shares what the operator does not hold among the others', async () => {
    const installer = open({ maxTunnels: 7 });
    await establish(installer, [want(1, A, OPERATOR), want(2, A), want(3, B)]);
    expect(installer.share).toBe(3);
    await establish(installer, [want(4, C)]);
    expect(installer.share).toBe(2);
  });

  test('is not so when the operator has all', async () => {
    const installer = open();
    await establish(
      installer,
      [1, 2, 3, 4].map((i) => want(i, A, OPERATOR)),
    );
    expect(installer.share).toBe(1);
    expect(installer.mayTakePlace(B)).toBe(false);
    expect(installer.counters).toMatchObject({ refused: 1, refusedTooFast: 0 });
  });
});

describe('offering an SPI', () => {
  test('opens it, and gives its key, which is told of with --debug-keys', async () => {
    const installer = open();
    const sessions = await installer.open([want(1), want(2)]);
    const offers = await installer.offer(sessions, 0);
    expect(
      offers.map(({ parameters: { spi, key, mac, underlayIp, pspVersion, cookie } }) => [
        spi,
        key.join(),
        mac,
        underlayIp,
        pspVersion,
        cookie,
      ]),
    ).toEqual(
      [1, 2].map((spi) => [
        spi,
        new Uint8Array(16).fill(spi).join(),
        '02:00:00:00:00:09',
        '2001:db8::9',
        0,
        0n,
      ]),
    );
    expect(
      sessions.map(({ ingress }) => ingress.map(({ spi, state, generation }) => [spi, state, generation])),
    ).toEqual([[[1, 'offered', 0]], [[2, 'offered', 0]]]);
    expect(device.pipes).toEqual(['INGR_ACL_IPV4', 'INGR_ACL_IPV4']);
    expect(told).toEqual(['given out 1 1', 'given out 2 2']);
    expect(events.at(-1)).toEqual({
      type: 'ingress-opened',
      spi: 2,
      localVip: local(1),
      remoteVip: remote(2),
    });
    const [long] = await installer.offer(sessions.slice(0, 1), 1);
    expect(long!.parameters.key).toHaveLength(32);
  });

  test('with cookies gives random ones, and never 0, which says that there is none', async () => {
    const installer = open({ cookies: true });
    const offers = await installer.offer(await installer.open([want(1), want(2)]), 0);
    expect(offers.map(({ parameters: { cookie } }) => cookie)).toEqual([1n, 0x0101_0101_0101_0101n]);
  });

  test('that the device refuses leaves nothing open', async () => {
    const installer = open();
    const sessions = await installer.open([want(1), want(2)]);
    device.refuse = ({ operation }) =>
      operation === 'add' && device.entries.size === 1 ? new HalError('FULL', 'full') : undefined;
    expect(await outcome(installer.offer(sessions, 0))).toBe('FULL');
    expect([device.pipes, sessions.map(({ ingress }) => ingress)]).toEqual([[], [[], []]]);
    expect(told).toEqual([]);
    device.refuse = () => undefined;
    expect((await installer.offer(sessions, 0)).map(({ ingress: { spi } }) => spi)).toEqual([3, 4]);
  });

  test('to a session that has four closes the one that the peer needs least', async () => {
    const installer = open();
    const [session] = await installer.open([want(1)]);
    const states: IngressSpi['state'][] = ['given', 'doubtful', 'retiring', 'offered'];
    for (const state of states) {
      const [offer] = await installer.offer([session!], 0);
      offer!.ingress.state = state;
    }
    const spis = () => session!.ingress.map(({ spi }) => spi);
    await installer.offer([session!], 0);
    expect(spis()).toEqual([1, 2, 4, 5]);
    await installer.offer([session!], 0);
    expect(spis()).toEqual([1, 4, 5, 6]);
    // The one that packets come under is in use, whatever we know.
    arrives(session!.ingress[0]!);
    await installer.offer([session!], 0);
    expect(spis()).toEqual([1, 5, 6, 7]);
    arrives(session!.ingress[2]!);
    await installer.offer([session!], 0);
    expect(spis()).toEqual([5, 6, 7, 8]);
    expect(device.entries.size).toBe(4);
    expect(events.filter(({ type }) => type === 'spi-closed')).toHaveLength(4);
  });

  test('ends dormant sessions where the device has no entry left for it', async () => {
    const installer = open({ maxTunnels: 1 });
    const [first] = await establish(installer, [want(1)]);
    for (let i = 0; i < 3; i++) await installer.offer([first!], 0);
    const [second] = await installer.open([want(2)]);
    expect(first!.state).toBe('dormant');
    await installer.offer([second!], 0);
    expect([first!.state, device.pipes]).toEqual(['removed', ['INGR_ACL_IPV4']]);
    expect(installer.counters.dormantDropped).toBe(1);
  });

  test('ends no dormant session before there is need of its entry', async () => {
    const installer = open({ maxTunnels: 2 });
    await establish(installer, [want(1), want(2), want(3)]);
    const [two, three] = [...installer.sessions];
    // 8 entries in all: 3 are there.
    for (let i = 0; i < 3; i++) await installer.offer([two!], 0);
    for (let i = 0; i < 2; i++) await installer.offer([three!], 0);
    expect([
      device.pipes.filter((pipe) => pipe.startsWith('INGR')).length,
      installer.sessions.dormant.size,
    ]).toEqual([8, 1]);
    await installer.close([{ session: three!, ingress: three!.ingress[0]! }]);
    await installer.offer([three!], 0);
    expect(installer.sessions.dormant.size).toBe(1);
    await installer.offer([three!], 0);
    expect(installer.sessions.dormant.size).toBe(0);
  });
});

describe('closing SPIs', () => {
  test('takes them out of the device and their sessions, once', async () => {
    const installer = open();
    const sessions = await installer.open([want(1), want(2, B)]);
    const offers = await installer.offer(sessions, 0);
    expect(offers.every((offer) => installer.isOpen(offer))).toBe(true);
    await installer.close(offers);
    await installer.close(offers);
    expect(offers.some((offer) => installer.isOpen(offer))).toBe(false);
    expect(device.pipes).toEqual([]);
    expect(events.filter(({ type }) => type === 'spi-closed')).toEqual([
      { type: 'spi-closed', spi: 1, localVip: local(1), remoteVip: remote(1) },
      { type: 'spi-closed', spi: 2, localVip: local(1), remoteVip: remote(2) },
    ]);
  });

  test('that the device keeps are tried again each second, and named until they are gone', async () => {
    const installer = open();
    const offers = await installer.offer(await installer.open([want(1)]), 0);
    device.refuse = ({ operation }) =>
      operation === 'remove' ? new HalError('IO_FAILED', 'stuck') : undefined;
    await installer.close(offers);
    expect([installer.entriesLeft, installer.refusedByDevice.removals]).toEqual([1, 1]);
    expect(logs).toEqual(['warning the device does not take back entries or keys; trying again']);
    await clock.advance(999);
    expect(installer.refusedByDevice.removals).toBe(1);
    await clock.advance(1);
    expect(installer.refusedByDevice.removals).toBe(2);
    device.refuse = () => undefined;
    await clock.advance(1000);
    expect([installer.entriesLeft, device.pipes, logs.length]).toEqual([0, [], 2]);
    await clock.advance(10_000);
    expect(device.calls.filter((call) => call === 'apply')).toHaveLength(4);
  });

  test('that the device keeps are not tried again when that begins after the stop', async () => {
    const installer = open();
    const offers = await installer.offer(await installer.open([want(1)]), 0);
    installer.stop();
    device.refuse = ({ operation }) =>
      operation === 'remove' ? new HalError('IO_FAILED', 'stuck') : undefined;
    await installer.close(offers);
    await clock.advance(10_000);
    expect([installer.refusedByDevice.removals, logs]).toEqual([1, []]);
  });

  test('that the device keeps are given to nobody else meanwhile, through any number of rotations', async () => {
    const installer = open();
    const [session] = await installer.open([want(1)]);
    const offers = await installer.offer([session!], 0);
    device.refuse = ({ operation }) =>
      operation === 'remove' ? new HalError('IO_FAILED', 'stuck') : undefined;
    await installer.close(offers);
    for (let i = 0; i < 3; i++) await installer.rotate();
    device.spis = [1];
    expect((await installer.offer([session!], 0))[0]!.ingress.spi).toBe(2);
    expect(installer.refusedByDevice.spis).toBe(1);
    device.refuse = () => undefined;
    await clock.advance(1000);
    device.spis = [1];
    expect((await installer.offer([session!], 0))[0]!.ingress.spi).toBe(1);
  });

  test('ends what the next rotation would have waited for', async () => {
    const installer = open();
    const offers = await installer.offer(await installer.open([want(1), want(2)]), 0);
    await installer.rotate();
    await installer.close(offers.slice(0, 1));
    expect(installer.doomedSpis).toBe(1);
    await installer.close(offers.slice(1));
    expect(installer.doomedSpis).toBe(0);
  });

  test('that the device keeps are left after the stop', async () => {
    const installer = open();
    const offers = await installer.offer(await installer.open([want(1), want(2)]), 0);
    device.refuse = ({ operation }) =>
      operation === 'remove' ? new HalError('IO_FAILED', 'stuck') : undefined;
    await installer.close(offers.slice(0, 1));
    installer.stop();
    await installer.close(offers.slice(1));
    await clock.advance(10_000);
    expect([installer.refusedByDevice.removals, logs.length]).toEqual([2, 1]);
  });
});

describe('a rotation', () => {
  test('closes what was opened two keys ago, and gives the sessions that have nothing newer', async () => {
    const installer = open();
    const sessions = await installer.open([want(1), want(2), want(3)]);
    await installer.offer(sessions, 0);
    expect(installer.doomedSpis).toBe(0);
    expect(await installer.rotate()).toEqual([]);
    expect([installer.generation, installer.doomedSpis]).toEqual([1, 3]);
    await installer.offer(sessions.slice(1, 2), 0);
    sessions[2]!.ingress[0]!.state = 'retiring';
    const cut = await installer.rotate();
    expect(new Set(cut)).toEqual(new Set(sessions.slice(0, 2)));
    expect(sessions.map(({ ingress }) => ingress.map(({ spi }) => spi))).toEqual([[], [4], []]);
    expect([device.pipes.length, installer.doomedSpis]).toEqual([1, 1]);
  });

  test('does not wait for sessions that have lost their place, but ends their SPIs too', async () => {
    const installer = open({ maxTunnels: 2 });
    const [first] = await establish(installer, [want(1), want(2), want(3)]);
    await installer.rotate();
    expect([first!.state, installer.doomedSpis]).toEqual(['dormant', 2]);
    await clock.advance(SLOT_REST_MS);
    await establish(installer, [want(1)]);
    expect([first!.ingress.length, installer.doomedSpis]).toEqual([2, 2]);
    await installer.rotate();
    expect([first!.ingress.length, installer.doomedSpis]).toEqual([1, 1]);
  });

  test('waits for no SPI of a session that has no place, whatever becomes of that', async () => {
    const installer = open({ maxTunnels: 2 });
    const [first] = await establish(installer, [want(1), want(2), want(3)]);
    await installer.offer([first!], 0);
    await installer.rotate();
    expect([first!.ingress.length, installer.doomedSpis]).toEqual([2, 2]);
    await installer.close([{ session: first!, ingress: first!.ingress[0]! }]);
    expect(installer.doomedSpis).toBe(2);
    await installer.remove([first!]);
    expect(installer.doomedSpis).toBe(2);
  });

  test('that the device refuses changes nothing', async () => {
    const installer = open();
    await installer.offer(await installer.open([want(1)]), 0);
    device.failing.add('rotateMasterKey');
    expect(await outcome(installer.rotate())).toBe('DRIVER');
    expect([installer.generation, installer.doomedSpis, device.pipes.length]).toEqual([0, 0, 1]);
  });
});

describe('a way out', () => {
  test('has a key slot and an entry, and its key is in the slot and nowhere else', async () => {
    const installer = open();
    const [session] = await installer.open([want(1)]);
    session!.failures = 3;
    const way = parameters(77);
    await installer.connect([{ session: session!, parameters: way }]);
    expect(session).toMatchObject({
      state: 'established',
      failures: 0,
      egress: { cryptoId: 1, spi: 77, peerStart: 0, underlayIp: '2001:db8::2', held: false },
    });
    expect(session!.egress).not.toHaveProperty('encryptEntry');
    expect([...device.keys]).toEqual([[1, new Uint8Array(16).fill(77).join()]]);
    expect(way.key.every((octet) => octet === 0)).toBe(true);
    expect(device.pipes).toEqual(['EGR_ACL_IPV4']);
    expect(told).toEqual(['received 77 77']);
    expect(events.at(-1)).toEqual({
      type: 'egress-installed',
      spi: 77,
      cryptoId: 1,
      localVip: local(1),
      remoteVip: remote(1),
    });
    expect(installer.keySlotsUsed).toBe(1);
  });

  test('that takes the place of another is put into the same entry; the former key is wiped', async () => {
    const installer = open();
    const [session] = await establish(installer, [want(1)]);
    const { entry } = session!.egress!;
    session!.packetsSeen = 9;
    await installer.connect([{ session: session!, parameters: parameters(78) }]);
    expect(session!.egress).toMatchObject({ entry, cryptoId: 2, spi: 78 });
    expect(session!.packetsSeen).toBe(9);
    expect([...device.keys.keys()]).toEqual([2]);
    expect(device.entries.get(entry)!.values).toMatchObject({ cryptoId: 2 });
    expect(installer.keySlotsUsed).toBe(1);
  });

  test('is not made for a session that has lost its place meanwhile, whose key is wiped all the same', async () => {
    const installer = open();
    const [session] = await installer.open([want(1)]);
    await installer.remove([session!]);
    const way = parameters(77);
    await installer.connect([{ session: session!, parameters: way }]);
    expect([device.pipes, device.keys.size, way.key[0]]).toEqual([[], 0, 0]);
  });

  test.each([
    ['a key', 'INVALID_VALUE'],
    ['an entry', 'FULL'],
  ] as const)(
    'of which the device refuses %s is not made, nor those that were to come with it',
    async (what, code) => {
      const installer = open({ sampleRateLog2: 3 });
      const sessions = await installer.open([want(1), want(2)]);
      const error = new HalError(code, 'no');
      if (what === 'a key') device.refuseKey = (slot) => (slot === 2 ? error : null);
      else {
        device.refuse = ({ operation }) =>
          operation !== 'remove' && device.pipes.includes('EGR_ACL_IPV4') ? error : undefined;
      }
      const ways = sessions.map((session, i) => ({ session, parameters: parameters(70 + i) }));
      expect(await outcome(installer.connect(ways))).toBe(code);
      expect(states(sessions)).toEqual(['idle', 'idle']);
      expect([device.pipes, device.keys.size, installer.keySlotsUsed]).toEqual([[], 0, 0]);
      expect(ways.map(({ parameters: { key } }) => key[0])).toEqual([0, 0]);
    },
  );

  test('that could not be replaced is as it was before', async () => {
    const installer = open();
    const sessions = await establish(installer, [want(1), want(2)]);
    const before = structuredClone(device.entries);
    let updates = 0;
    device.refuse = ({ operation }) =>
      operation === 'update' && ++updates === 2 ? new HalError('IO_FAILED', 'no') : undefined;
    const ways = sessions.map((session, i) => ({ session, parameters: parameters(70 + i) }));
    expect(await outcome(installer.connect(ways))).toBe('IO_FAILED');
    expect(device.entries).toEqual(before);
    expect(sessions.map(({ egress }) => egress!.spi)).toEqual([200, 201]);
    expect([...device.keys.keys()]).toEqual([1, 2]);
  });

  test('waits for a key slot that rests, and is refused when all are taken', async () => {
    device.device.limits.keySlots = 2;
    const installer = open({ maxTunnels: 9 });
    expect(installer.capacity).toBe(1);
    const [session] = await establish(installer, [want(1)]);
    const connect = (spi: number) => installer.connect([{ session: session!, parameters: parameters(spi) }]);
    await connect(70);
    let done = false;
    void connect(71).then(() => (done = true));
    await clock.advance(SLOT_REST_MS - 1);
    expect(done).toBe(false);
    await clock.advance(1);
    expect(done).toBe(true);
    device.device.limits.keySlots = 1;
    const small = open();
    const [one] = await small.open([want(1)]);
    await small.connect([{ session: one!, parameters: parameters(1) }]);
    expect(await outcome(small.connect([{ session: one!, parameters: parameters(2) }]))).toBe(
      'RESOURCE_EXHAUSTED',
    );
    expect(one!.egress!.spi).toBe(1);
  });

  test('is encrypted by an entry of its own with sampling, which goes with it', async () => {
    const installer = open({ sampleRateLog2: 3 });
    const [session] = await establish(installer, [want(1)]);
    expect(device.pipes).toEqual(['INGR_ACL_IPV4', 'PSP_ENCRYPT', 'EGR_ACL_IPV4']);
    const { encryptEntry } = session!.egress!;
    expect(device.entries.get(encryptEntry!)!.pipe).toBe('PSP_ENCRYPT');
    await installer.connect([{ session: session!, parameters: parameters(78) }]);
    expect(device.entries.has(encryptEntry!)).toBe(false);
    expect(device.pipes.sort()).toEqual(['EGR_ACL_IPV4', 'INGR_ACL_IPV4', 'PSP_ENCRYPT']);
    await installer.remove([session!]);
    expect([device.pipes, device.keys.size]).toEqual([[], 0]);
  });

  test('whose key the device would not wipe keeps its slot until it does', async () => {
    const installer = open();
    const [session] = await establish(installer, [want(1)]);
    device.failing.add('clearKeys');
    await installer.remove([session!]);
    expect(installer.keySlotsUsed).toBe(1);
    expect(logs).toHaveLength(1);
    await clock.advance(1000);
    expect(installer.keySlotsUsed).toBe(1);
    device.failing.clear();
    await clock.advance(1000);
    expect([installer.keySlotsUsed, device.keys.size]).toEqual([0, 0]);
    await clock.advance(10_000);
    expect(logs).toHaveLength(2);
  });

  test('whose entry of PSP_ENCRYPT the device keeps leaves its slot to nobody until that is gone', async () => {
    const installer = open({ sampleRateLog2: 3 });
    const [session] = await establish(installer, [want(1)]);
    device.refuse = (operation) =>
      operation.operation === 'remove' && device.entries.get(operation.id)?.pipe === 'PSP_ENCRYPT'
        ? new HalError('IO_FAILED', 'stuck')
        : undefined;
    await installer.remove([session!]);
    expect([installer.keySlotsUsed, device.keys.size, installer.entriesLeft]).toEqual([1, 0, 1]);
    device.refuse = () => undefined;
    await clock.advance(1000);
    expect([installer.keySlotsUsed, installer.entriesLeft, device.pipes]).toEqual([0, 0, []]);
  });

  test('comes after what an attempt before has left in the device for the same pair', async () => {
    const installer = open();
    const sessions = await installer.open([want(1), want(2)]);
    const ways = (spi: number) =>
      sessions.map((session, i) => ({ session, parameters: parameters(spi + i) }));
    const stuck = new HalError('IO_FAILED', 'stuck');
    device.refuse = ({ operation }) =>
      operation === 'remove' || device.entries.size > 0 ? stuck : undefined;
    expect(await outcome(installer.connect(ways(5)))).toBe('IO_FAILED');
    expect([device.pipes, installer.entriesLeft, installer.keySlotsUsed]).toEqual([['EGR_ACL_IPV4'], 1, 1]);
    const done: string[] = [];
    device.refuse = ({ operation }) => {
      done.push(operation);
      return undefined;
    };
    await installer.connect(ways(7));
    expect(done).toEqual(['remove', 'add', 'add']);
    expect([installer.entriesLeft, installer.keySlotsUsed]).toEqual([0, 2]);
    await installer.connect(ways(9));
    expect(done.slice(3)).toEqual(['update', 'update']);
  });

  test('to an address that is not proved is held until it is', async () => {
    const proved = new Set<IpAddress>();
    const installer = open({ confirmUnderlay: true, isHeld: (_, ip) => !proved.has(ip) });
    const [one, two, other] = await establish(installer, [want(1), want(2)]).then(async (sessions) => {
      const [third] = await installer.open([want(3)]);
      await installer.connect([
        { session: third!, parameters: parameters(9, { underlayIp: parseIp('2001:db8::7') }) },
      ]);
      return [...sessions, third!];
    });
    expect(device.pipes.filter((pipe) => pipe === 'EGR_TRIAL')).toHaveLength(3);
    expect(one!.egress!.held).toBe(true);
    one!.packetsSeen = 5;
    // A way that is still held takes the place of another by an entry of its own.
    await installer.connect([{ session: two!, parameters: parameters(8) }]);
    expect(device.pipes.filter((pipe) => pipe === 'EGR_TRIAL')).toHaveLength(3);
    const ip = parseIp('2001:db8::2');
    expect(await installer.release(A, ip)).toEqual([]);
    proved.add(ip);
    expect(await installer.release(A, ip)).toEqual([one, two]);
    expect([one!.egress!.held, other!.egress!.held, one!.packetsSeen]).toEqual([false, true, 0]);
    expect(device.entries.get(one!.egress!.entry)!.pipe).toBe('EGR_ACL_IPV4');
    expect(device.pipes.filter((pipe) => pipe.startsWith('EGR')).sort()).toEqual([
      'EGR_ACL_IPV4',
      'EGR_ACL_IPV4',
      'EGR_TRIAL',
    ]);
    expect([...device.keys.keys()].sort()).toHaveLength(3);
    expect(await installer.release(A, ip)).toEqual([]);
  });

  test('to an address that is proved by now gets an entry of the other pipe, or stays as it is', async () => {
    const proved = new Set<IpAddress>();
    const installer = open({ confirmUnderlay: true, isHeld: (_, ip) => !proved.has(ip) });
    const sessions = await establish(installer, [want(1), want(2)]);
    proved.add(parseIp('2001:db8::2'));
    const ways = () => sessions.map((session, i) => ({ session, parameters: parameters(50 + i) }));
    const before = [...device.entries.keys()];
    device.refuse = ({ operation }) =>
      operation === 'add' && device.pipes.includes('EGR_ACL_IPV4') ? new HalError('FULL', 'full') : undefined;
    expect(await outcome(installer.connect(ways()))).toBe('FULL');
    expect([...device.entries.keys()]).toEqual(before);
    expect(sessions.map(({ egress }) => egress!.held)).toEqual([true, true]);
    device.refuse = () => undefined;
    await installer.connect(ways());
    expect(device.pipes.filter((pipe) => pipe.startsWith('EGR'))).toEqual(['EGR_ACL_IPV4', 'EGR_ACL_IPV4']);
    expect(sessions.map(({ egress }) => [egress!.held, egress!.spi])).toEqual([
      [false, 50],
      [false, 51],
    ]);
    expect([...device.keys.keys()]).toHaveLength(2);
  });

  test('of which nobody knows whether the device has it keeps its slot for good', async () => {
    const proved = new Set<IpAddress>();
    const installer = open({ confirmUnderlay: true, isHeld: (_, ip) => !proved.has(ip) });
    const [session] = await establish(installer, [want(1)]);
    proved.add(parseIp('2001:db8::2'));
    device.failing.add('apply');
    expect(await outcome(installer.release(A, parseIp('2001:db8::2')))).toBe('DRIVER');
    expect(session!.egress!.held).toBe(true);
    const [other] = await installer.open([want(2)]);
    expect(await outcome(installer.connect([{ session: other!, parameters: parameters(5) }]))).toBe('DRIVER');
    device.failing.clear();
    await installer.remove([session!, other!]);
    await clock.advance(10_000);
    // Their keys are gone all the same.
    expect([installer.keySlotsUsed, device.keys.size]).toEqual([2, 0]);
  });

  test('has the crypt offset that is asked for, or the usual one, and leaves by the next hop', async () => {
    const headerOf = async (options: Partial<GatewayOptions>, family: 4 | 6 = 4) => {
      device = new Device();
      const installer = open(options as never);
      const [session] = await establish(installer, [want(1, A, A, family)]);
      return (device.entries.get(session!.egress!.entry)!.values as { encapHeader: Uint8Array }).encapHeader;
    };
    const PSP = 14 + 40 + 8;
    const offset = (header: Uint8Array, psp = PSP) => header[psp + 2]! & 0x3f;
    expect(offset(await headerOf({}))).toBe(5);
    expect(offset(await headerOf({}, 6))).toBe(10);
    expect(offset(await headerOf({ cryptOffsetWords: 0 }))).toBe(0);
    expect(offset(await headerOf({ mode: 'transport' }), 8)).toBe(0);
    const plain = await headerOf({});
    const routed = await headerOf({ nexthopDmac: '02:00:00:00:00:77' as never });
    expect([plain[5], routed[5]]).toEqual([2, 0x77]);
  });
});

describe('removing sessions', () => {
  test('takes all of them that are still unwanted out of the device, dormant ones too', async () => {
    const installer = open();
    const sessions = await establish(
      installer,
      [1, 2, 3, 4].map((i) => want(i)),
    );
    await installer.open([want(5)]);
    told.length = 0;
    await installer.remove(sessions, ({ remoteVip }) => remoteVip !== remote(4));
    expect(states(sessions)).toEqual(['removed', 'removed', 'removed', 'established']);
    expect(told).toEqual([1, 2, 3].map((i) => `removed ${remote(i)}`));
    expect(events.filter(({ type }) => type === 'session-removed').slice(1)).toEqual(
      [2, 3].map((i) => ({
        type: 'session-removed',
        holder: A.name,
        localVip: local(1),
        remoteVip: remote(i),
      })),
    );
    await installer.remove(sessions);
    expect([device.pipes, device.keys.size, installer.keySlotsUsed]).toEqual([[], 0, 0]);
    expect(told).toHaveLength(4);
    expect(installer.doomedSpis).toBe(0);
  });

  test('fails when the device does not let go, and can be asked for again', async () => {
    const installer = open();
    const [session] = await establish(installer, [want(1)]);
    device.refuse = ({ operation }) =>
      operation === 'remove' ? new HalError('IO_FAILED', 'stuck') : undefined;
    expect(await outcome(installer.remove([session!]))).toBe('IO_FAILED');
    expect(session!.state).toBe('established');
    device.refuse = () => undefined;
    expect(await outcome(installer.remove([session!]))).toBe('done');
  });
});

describe('a look at what sessions carry', () => {
  test('takes the places of those that are idle for so long, and of none with idle time 0', async () => {
    const installer = open({ limits: { sessionIdleS: 10 } });
    const sessions = await establish(installer, [want(1), want(2), want(3, A, OPERATOR)]);
    await clock.advance(10_000);
    await installer.look(100);
    expect(states(sessions)).toEqual(['established', 'established', 'established']);
    leaves(sessions[0]!);
    await clock.advance(1_000);
    await installer.look(100);
    expect(states(sessions)).toEqual(['established', 'dormant', 'established']);
    expect([installer.counters.idle, told.at(-1)]).toEqual([1, `idle ${remote(2)}`]);
    await clock.advance(11_000);
    await installer.look(100);
    expect(states(sessions)).toEqual(['dormant', 'dormant', 'established']);
    const never = open();
    const [kept] = await establish(never, [want(1)]);
    await clock.advance(1e9);
    await never.look(100);
    expect(kept!.state).toBe('established');
  });

  test('keeps one that is being granted, and one for which a packet waits', async () => {
    const installer = open({ limits: { sessionIdleS: 10 } });
    const sessions = await establish(installer, [want(1), want(2), want(3)]);
    await installer.open([want(1)], true);
    await clock.advance(11_000);
    installer.touch(sessions[1]!);
    await installer.look(100);
    expect(states(sessions)).toEqual(['established', 'established', 'dormant']);
    installer.touch(sessions[2]!);
    expect(installer.sessions.dormant.oldest).toBe(sessions[2]);
    expect([...installer.sessions]).toEqual([sessions[0], sessions[1]]);
    expect(sessions.map(({ usedAtS }) => usedAtS)).toEqual([1, 12, 1]);
  });

  test('takes as many as it is told, and all in turn before the first again', async () => {
    const installer = open();
    const sessions = await establish(
      installer,
      [1, 2, 3, 4].map((i) => want(i)),
    );
    await clock.advance(2_000);
    for (const session of sessions) leaves(session);
    const looksUsed = () => sessions.map((session) => session.looksUsed);
    await installer.look(3);
    expect(looksUsed()).toEqual([1, 1, 1, 0]);
    await installer.look(3);
    expect(looksUsed()).toEqual([1, 1, 1, 1]);
    for (const session of sessions) leaves(session);
    await clock.advance(2_000);
    await installer.look(3);
    expect(looksUsed()).toEqual([2, 2, 2, 1]);
  });

  test('gives those that send and get nothing back: after 2, 4, 8, 16, 32 looks, and then each 32', async () => {
    const installer = open();
    const [session] = await establish(installer, [want(1)]);
    const asked: number[] = [];
    for (let look = 1; look <= 130; look++) {
      leaves(session!);
      await clock.advance(2_000);
      if ((await installer.look(10)).length > 0) asked.push(look);
    }
    expect(asked).toEqual([2, 4, 8, 16, 32, 64, 96, 128]);
    arrives(session!.ingress[0]!);
    await clock.advance(2_000);
    await installer.look(10);
    expect(session!.looksUnanswered).toBe(0);
  });

  test('asks on while the last exchange has failed although nothing more is sent, but not without the ingress ACL', async () => {
    const installer = open();
    const [session] = await establish(installer, [want(1)]);
    leaves(session!);
    const look = async (at = installer) => {
      await clock.advance(2_000);
      return (await at.look(10)).length;
    };
    expect(await look()).toBe(0);
    expect(await look()).toBe(0);
    expect(session!.looksUnanswered).toBe(1);
    session!.failures = 1;
    expect(await look()).toBe(1);
    expect(await look()).toBe(0);
    expect(await look()).toBe(1);
    const bare = open({ ingressAcl: false });
    const [other] = await establish(bare, [want(1)]);
    for (let i = 0; i < 4; i++) {
      leaves(other!);
      expect(await look(bare)).toBe(0);
    }
  });

  test('asks nobody for a session that has no way out, whatever it waited for before', async () => {
    const installer = open();
    const [session] = await installer.open([want(1)]);
    await installer.offer([session!], 0);
    Object.assign(session!, { failures: 1, looksUnanswered: 1 });
    await clock.advance(2_000);
    expect([await installer.look(10), session!.looksUnanswered]).toEqual([[], 2]);
  });

  test('wakes a dormant session under whose SPI packets come, where there is room', async () => {
    const installer = open({ limits: { sessionIdleS: 10 } });
    const sessions = await establish(installer, [want(1, A, B), want(2)]);
    await clock.advance(11_000);
    await installer.look(100);
    expect(states(sessions)).toEqual(['dormant', 'dormant']);
    await installer.open([5, 6, 7, 8].map((i) => want(i)));
    arrives(sessions[0]!.ingress[0]!);
    await clock.advance(2_000);
    await installer.look(100);
    expect(states(sessions)).toEqual(['dormant', 'dormant']);
    await installer.remove([installer.sessions.get(local(1), remote(5))!]);
    arrives(sessions[0]!.ingress[0]!);
    await clock.advance(2_000);
    await installer.look(100);
    expect(states(sessions)).toEqual(['idle', 'dormant']);
    expect([sessions[0]!.holder, installer.counters.woken]).toEqual([A, 1]);
  });

  test('takes a session whose entry the device has lost for unused, and the others for what they are', async () => {
    const installer = open({ limits: { sessionIdleS: 10 } });
    const sessions = await establish(
      installer,
      [1, 2, 3].map((i) => want(i)),
    );
    await clock.advance(11_000);
    device.entries.delete(sessions[1]!.ingress[0]!.entry!);
    leaves(sessions[2]!);
    await installer.look(100);
    expect(states(sessions)).toEqual(['dormant', 'dormant', 'established']);
  });

  test('fails with the device', async () => {
    const installer = open();
    await establish(installer, [want(1)]);
    device.failing.add('counters');
    await clock.advance(2_000);
    expect(await outcome(installer.look(10))).toBe('DRIVER');
  });

  test('takes a count that begins anew for none, and one that wrapped for what it is', async () => {
    const installer = open();
    const [session] = await establish(installer, [want(1)]);
    leaves(session!, (1n << 30n) + 7n);
    await clock.advance(2_000);
    await installer.look(10);
    expect([session!.packetsSeen, session!.looksUsed]).toEqual([7, 1]);
    device.packets.set(session!.egress!.entry, 0n);
    await clock.advance(2_000);
    await installer.look(10);
    expect([session!.packetsSeen, session!.looksUsed]).toEqual([0, 1]);
  });

  test('makes nothing idle after a clock that was set', async () => {
    let nowMs = 1e9;
    clock = { ...createVirtualClock(), nowMs: () => nowMs } as never;
    const installer = open({ limits: { sessionIdleS: 100 } });
    const [session] = await establish(installer, [want(1)]);
    nowMs += 1e6;
    await installer.look(10);
    nowMs -= 1e7;
    await installer.look(10);
    nowMs += 39_000;
    await installer.look(10);
    expect(session!.state).toBe('established');
    nowMs += 3_000;
    await installer.look(10);
    expect(session!.state).toBe('dormant');
  });
});

test('what concerns several peers waits for its turn like one of them', async () => {
  const installer = open();
  const sessions = await installer.open([want(1, A), want(2, B)]);
  const offers = await installer.offer(sessions, 0);
  const done: string[] = [];
  const close = (some: readonly Offer[], name: string) =>
    installer.close(some).finally(() => done.push(name));
  void close(offers.slice(0, 1), 'a1');
  void close(offers.slice(0, 1), 'a2');
  void close(offers, 'both');
  void close(offers.slice(1), 'b');
  void installer.remove(sessions.slice(0, 1)).finally(() => done.push('a3'));
  void close([], 'none');
  await installer.settled();
  expect(done).toEqual(['a1', 'both', 'b', 'a2', 'none', 'a3']);
});

test('steps of one peer follow each other, other peers take turns, and all are waited for', async () => {
  const installer = open();
  const done: string[] = [];
  const offer = (sessions: readonly Session[], name: string): Promise<Offer[]> =>
    installer.offer(sessions, 0).finally(() => done.push(name));
  const sessions = await installer.open([want(1, A), want(2, B)]);
  const [a, b] = [sessions.slice(0, 1), sessions.slice(1)];
  void offer(a, 'a1');
  void offer(a, 'a2');
  void offer(a, 'a3');
  void offer(b, 'b1');
  await installer.settled();
  expect(done).toEqual(['a1', 'b1', 'a2', 'a3']);
});
