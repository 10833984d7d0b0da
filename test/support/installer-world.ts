/** An installer over a device that is a map of entries and one of keys, with what a test sees and says of both. */
import { createVirtualClock, type VirtualClock } from '../../src/base/virtual-clock.js';
import type { GatewayEvent } from '../../src/gateway/events.js';
import type { GatewayLimits, GatewayOptions } from '../../src/gateway/options.js';
import type { Peer } from '../../src/gateway/peers.js';
import type { TunnelParameters } from '../../src/gateway/rpc/tunnel-messages.js';
import type { Wanted } from '../../src/gateway/sessions/places.js';
import type { Holder, IngressSpi, Session } from '../../src/gateway/sessions/session.js';
import { SessionInstaller } from '../../src/gateway/sessions/session-installer.js';
import { HalError } from '../../src/hal/errors.js';
import type { EntryId, EntryOperation, EntryResult, KeySlot } from '../../src/hal/hal.js';
import { type IpAddress, parseIp } from '../../src/packet/address.js';
import { gatewayOptions, LIMITS } from './gateways.js';
import { NOT_DRAINING, testPeer } from './peers.js';

type Method = 'apply' | 'setKeys' | 'clearKeys' | 'generateKeys' | 'counters' | 'rotateMasterKey';

/** A device that does what it is told, or fails in what a test says. */
export class MapDevice {
  readonly entries = new Map<EntryId, { pipe: string; match: unknown; values: unknown }>();
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
        const { match, values }: { match?: unknown; values?: unknown } = entry;
        this.entries.set(id, { pipe, match, values });
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

export type InstallerOptions = Partial<Omit<GatewayOptions, 'limits'>> & {
  limits?: Partial<GatewayLimits>;
  isHeld?: (peer: Peer, ip: IpAddress) => boolean;
};

/** A device, a clock, and what installers over them tell. */
export class InstallerWorld {
  clock: VirtualClock = createVirtualClock(5_000_000);
  device = new MapDevice();
  readonly events: GatewayEvent[] = [];
  /** Those of them that tell what the device does not take back. */
  get leftovers(): GatewayEvent[] {
    return this.events.filter(({ type }) => type === 'device-leftovers');
  }
  /** What is told of SPIs, keys and sessions. */
  readonly told: string[] = [];

  /** An installer over the device, as the clock and the device are now. */
  open({ limits, isHeld = () => false, ...options }: InstallerOptions = {}): SessionInstaller {
    const all: GatewayOptions = {
      ...gatewayOptions({ host: parseIp('10.0.0.9'), port: 3000 }, []),
      maxTunnels: 4,
      pspVersion: 0,
      ...options,
      limits: { ...LIMITS, ...limits },
    };
    const { told, events } = this;
    return new SessionInstaller({
      hal: this.device as never,
      clock: this.clock,
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
      drain: NOT_DRAINING,
      mayTalk: () => true,
      isHeld,
      sessionListener: {
        onStays: ({ remoteVip }) => told.push(`stays ${remoteVip}`),
        onVacated: ({ remoteVip }, reason) => told.push(`${reason} ${remoteVip}`),
      },
    });
  }

  /** Packets come in under an SPI. */
  arrives(ingress: IngressSpi, packets = 1n): void {
    this.#count(ingress.entry!, packets);
  }

  /** Packets of a session leave. */
  leaves({ egress }: Session, packets = 1n): void {
    this.#count(egress!.entry, packets);
  }

  #count(entry: EntryId, packets: bigint): void {
    const { packets: counts } = this.device;
    counts.set(entry, (counts.get(entry) ?? 0n) + packets);
  }
}

export const [A, B, C] = [1, 2, 3].map((number) => testPeer(number)) as [Peer, Peer, Peer];
export const local = (number: number, family: 4 | 6 = 4): IpAddress =>
  parseIp(family === 4 ? `192.168.0.${number}` : `fd00::${number}`);
export const remote = (number: number, family: 4 | 6 = 4): IpAddress =>
  parseIp(family === 4 ? `192.168.9.${number}` : `fd09::${number}`);

export const want = (number: number, peer: Peer = A, holder: Holder = peer, family: 4 | 6 = 4): Wanted => ({
  localVip: local(1, family),
  remoteVip: remote(number, family),
  peer,
  holder,
});
export const parameters = (spi: number, more: Partial<TunnelParameters> = {}): TunnelParameters => ({
  mac: '02:00:00:00:00:02' as never,
  underlayIp: parseIp('2001:db8::2'),
  pspVersion: 0,
  spi,
  key: new Uint8Array(16).fill(spi),
  cookie: 0n,
  ...more,
});

/** Sessions that are established, one by one so that each is younger than the one before. */
export async function establish(installer: SessionInstaller, wanted: readonly Wanted[]): Promise<Session[]> {
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

export const states = (sessions: readonly Session[]) => sessions.map(({ state }) => state);

export const outcome = (work: Promise<unknown>) =>
  work.then(
    () => 'done',
    ({ code }: { code: string }) => code,
  );
