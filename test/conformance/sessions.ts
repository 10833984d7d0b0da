/**
 * The gateway's own pipeline with sessions in it, on the simulator and on hal-doca over the software DOCA: what random
 * programs (differential.ts) hardly ever reach. Packets hit, they come in bursts, and a burst has those of all
 * sessions; between bursts sessions are added, updated in place, removed, and keys set, cleared and rotated. Some of the
 * pipelines ask for more than the gateway does: session-variants.ts.
 */
import { expect } from 'vitest';
import { Choose } from '../../src/base/choose.js';
import { buildEncapHeader } from '../../src/gateway/pipeline/encap-header.js';
import { overheadOctets } from '../../src/gateway/pipeline/mtu.js';
import { PKT_META_RETURN_TO_VF } from '../../src/gateway/pipeline/packet-meta.js';
import { buildPipeline } from '../../src/gateway/pipeline/pipeline.js';
import {
  egressAclEntry,
  egressValues,
  ingressAclEntry,
  localVipEntries,
  pspEncryptEntry,
} from '../../src/gateway/pipeline/pipeline-entries.js';
import { type PipelineOptions, sentExtension } from '../../src/gateway/pipeline/pipeline-options.js';
import { SYNDROME_OK } from '../../src/hal/fields.js';
import type { CounterSelector, EntryId, EntryOperation, PspStatistics } from '../../src/hal/hal.js';
import type { BasicEntry, Forward, PipeProgram } from '../../src/hal/program.js';
import { UPLINK_PORT, VF_PORT } from '../../src/hal/program.js';
import { type IpAddress, type IpFamily, parseIp, parseMac } from '../../src/packet/address.js';
import { UDP_HEADER_OCTETS } from '../../src/packet/udp.js';
import { extensionFields, extensionWordsMax } from '../../src/psp/extension.js';
import { isGmac, keyLengthOctets, type PspVersion } from '../../src/psp/header.js';
import { deriveKey } from '../../src/psp/key-derivation.js';
import { DECAP_MACS } from '../../src/verify/gateway-pipeline.js';
import { MASTER_KEYS } from '../../src/verify/master-keys.js';
import { opened } from '../../src/verify/opened.js';
import { withBadHeader } from '../../src/verify/random/bad-headers.js';
import { keysOfMasters, randomFrame, randomPspFrame } from '../../src/verify/random/random-packets.js';
import type { LongRelease } from '../support/doca-harness.js';
import { pipelineOptions } from '../support/pipelines.js';
import { describeCases } from './cases.js';
import { openPair } from './open-pair.js';
import { Pair } from './pair.js';
import {
  beyondIp,
  cutShort,
  type Flow,
  flipped,
  padded,
  type Sealing,
  sealFrame,
  workloadFrame,
} from './session-packets.js';
import { OWN_MAC, type Variant, varied } from './session-variants.js';

const CASES_PER_TEST = 250;
const UPLINK_MTU_OCTETS = 1500;
const VF_MTU_OCTETS = 1400;
const SESSIONS_MAX = 6;
const KEY_SLOTS = 8;
const BURST_FRAMES_MAX = 40;
/** More than a device takes at a time. */
const LONG_BURST_FRAMES_MAX = 80;
const BURSTS = [3, 32, 64];
const LOOKUPS_PER_PORT = 5;
/** IVs end before the traffic does. */
const IV_END = 2n ** 64n;
const IVS_MAX = 100;
/** More entries than an ordered list of hal-doca's has room for beyond its pipe's. */
const ENTRIES_IN_TURN = 300;
const SOURCE_MAC = parseMac('02:00:00:00:00:a0');
const PEER_MAC = parseMac('02:00:00:00:00:b0');
const UNDERLAY: Readonly<Record<IpFamily, Flow>> = {
  4: { source: parseIp('192.0.2.1'), destination: parseIp('192.0.2.2') },
  6: { source: parseIp('2001:db8::1'), destination: parseIp('2001:db8::2') },
};
const LOCAL_VIPS: Readonly<Record<IpFamily, readonly IpAddress[]>> = {
  4: [parseIp('10.0.0.1'), parseIp('10.0.0.2')],
  6: [parseIp('fd00::1'), parseIp('fd00::2')],
};

export function describeSessions(release: LongRelease, cases: number): void {
  describeCases({
    kind: 'sessions',
    release,
    against: `the software DOCA ${release}`,
    cases,
    casesPerTest: CASES_PER_TEST,
    runCase: (seed) => runCase(release, seed),
    check(reached) {
      const sum = (of: (one: Reached) => number | bigint | null) =>
        reached.reduce((total, one) => total + Number(of(one)), 0);
      const packets = sum(({ packets }) => packets);
      expect(sum(({ statistics }) => statistics.txPackets) / packets).toBeGreaterThan(0.2);
      expect(sum(({ statistics }) => statistics.rxPackets) / packets).toBeGreaterThan(0.2);
      for (const failure of ['rxAuthFail', 'rxError', 'rxBad', 'txError', 'portDropped'] as const) {
        expect(sum(({ statistics }) => statistics[failure]) / packets, failure).toBeGreaterThan(0.002);
      }
      const looked = reached.length * 2 * LOOKUPS_PER_PORT;
      expect(sum(({ leaving }) => leaving) / looked).toBeGreaterThan(0.3);
    },
  });
}

interface Reached {
  readonly packets: number;
  /** Of the packets that were looked up, how many would leave. */
  readonly leaving: number;
  readonly statistics: PspStatistics;
}

/** What packets of one direction are sealed with. */
interface Association {
  readonly spi: number;
  readonly version: PspVersion;
  readonly key: Uint8Array;
  readonly cookie: bigint;
}

interface Session {
  readonly family: IpFamily;
  readonly localVip: IpAddress;
  readonly localVipId: number;
  readonly remoteVip: IpAddress;
  egress: {
    version: PspVersion;
    header: Uint8Array;
    cryptoId: number;
    forward: Forward;
    id: EntryId | undefined;
  };
  ingress: (Association & { readonly id: EntryId | undefined })[];
}

async function runCase(release: LongRelease, seed: number): Promise<Reached> {
  const choose = new Choose(seed * 2 + 1);
  const options = randomOptions(choose);
  const variant: Variant = {
    ownForwards: choose.once(3),
    ownMacs: options.mode === 'tunnel' && options.ingressAcl && choose.once(3),
    copies: choose.once(5),
  };
  const rssQueues = choose.between(1, 2);
  const { sim, doca } = await openPair(release, {
    randomSeed: choose.uint32(),
    firstSpi: choose.once(3) ? 0x7ffffff0 : 1,
    uplinkMtuOctets: UPLINK_MTU_OCTETS,
    vfMtuOctets: VF_MTU_OCTETS,
    keySlots: KEY_SLOTS,
    // Where numbers are drawn, and copies made, packets go one at a time.
    burst: options.sampleRateLog2 > 0 || variant.copies ? 1 : choose.pick(BURSTS),
    // Fewer than there are SPIs.
    ...(choose.once(2) ? { derivedKeys: 4 } : {}),
    ...(choose.once(12) ? { firstIv: IV_END - BigInt(1 + choose.below(IVS_MAX)) } : {}),
    rssQueues,
  });
  try {
    const pair = new Pair(sim, doca, rssQueues);
    const program = varied(buildPipeline(options), variant);
    await pair.both(({ hal }) => hal.build(program));
    const tunnels = new Tunnels(choose, pair, options, variant);
    await tunnels.run();
    await pair.both(({ hal }) => hal.counters(countersOf(program)));
    const leaving = tunnels.compareLookups();
    return { packets: tunnels.packets, leaving, statistics: await sim.hal.statistics() };
  } finally {
    await sim.hal.close();
    await doca.hal.close();
  }
}

function randomOptions(choose: Choose): PipelineOptions {
  const cookies = choose.once(3);
  const words = () =>
    Array.from({ length: choose.between(1, extensionWordsMax(cookies)) }, () => choose.uint32());
  return pipelineOptions({
    mode: choose.pick(['tunnel', 'tunnel', 'transport']),
    outerFamily: choose.pick([4, 6]),
    innerFamilies: choose.pick<IpFamily[]>([[4], [6], [4, 6], [4, 6], [4, 6]]),
    cookies,
    ...(choose.once(3) ? { extensionWords: words() } : {}),
    ...(choose.once(3) ? { extensionRequired: words() } : {}),
    ingressAcl: !choose.once(4),
    sampleRateLog2: choose.once(10) ? choose.between(1, 3) : 0,
    maintainOrder: choose.once(2),
    sampleBeforeEncryption: choose.once(2),
    maxTunnels: KEY_SLOTS,
    // Of a port that carries less than the gateway believes, too.
    underlayMtuOctets: choose.pick([UPLINK_MTU_OCTETS, 9000]),
    confirmUnderlay: choose.once(4),
  });
}

/** All there are, to be asked for at once. */
function countersOf({ pipes }: PipeProgram): CounterSelector[] {
  return pipes.flatMap((pipe): CounterSelector[] => [
    { pipe: pipe.name, total: true },
    ...(pipe.missCounter === true ? [{ pipe: pipe.name, miss: true } as const] : []),
    ...(pipe.entries ?? []).map(({ label }) => ({ pipe: pipe.name, label: label! })),
  ]);
}

/** Where the gateway's egress ACL forwards to. */
function egressForward({ sampleRateLog2 }: PipelineOptions): Forward {
  return sampleRateLog2 > 0 ? { to: 'pipe', pipe: 'SET_SAMPLE_BIT' } : { to: 'port', port: UPLINK_PORT };
}

/** The sessions of one gateway, and what is done to them. */
class Tunnels {
  packets = 0;
  private readonly sessions: readonly Session[];
  private readonly slotOctets = new Map<number, { octets: number; cleared: boolean }>();

  constructor(
    private readonly choose: Choose,
    private readonly pair: Pair,
    private readonly options: PipelineOptions,
    private readonly variant: Variant,
  ) {
    this.sessions = choose.times(choose.between(1, SESSIONS_MAX), (i): Session => {
      const family = choose.pick(options.innerFamilies);
      const local = choose.below(2);
      return {
        family,
        localVip: LOCAL_VIPS[family][local]!,
        localVipId: local + 1,
        remoteVip: parseIp(family === 4 ? `10.1.0.${i + 1}` : `fd00:1::${i + 1}`),
        egress: {
          version: 0,
          header: new Uint8Array(0),
          cryptoId: 0,
          forward: egressForward(options),
          id: undefined,
        },
        ingress: [],
      };
    });
  }

  async run(): Promise<void> {
    const { choose, options, pair } = this;
    const vips = options.innerFamilies.flatMap((family) =>
      LOCAL_VIPS[family].flatMap((vip, i) => localVipEntries(options, vip, i + 1)),
    );
    const encrypts = choose.times(KEY_SLOTS, (i) => pspEncryptEntry(options, i + 1));
    await pair.apply([...vips, ...encrypts.filter((entry) => entry !== undefined)]);
    for (const session of this.sessions) {
      await this.newEgress(session);
      await this.addEgress([session]);
      await this.addIngress(session, this.peerAssociation());
    }
    await this.traffic();
    for (let step = choose.between(3, 7); step > 0; step--) {
      await this.step();
      await this.traffic();
    }
  }

  /** What would become of packets, both ways. How many would leave. */
  compareLookups(): number {
    const { choose, pair } = this;
    const answers = choose.times(LOOKUPS_PER_PORT, () => {
      const frame = this.incoming();
      const plain = opened(frame, (spi, version) => deriveKey(MASTER_KEYS[spi >>> 31]!, spi, version));
      const asked = { port: UPLINK_PORT, frame: plain?.frame ?? frame };
      return [
        pair.compareLookup(plain === undefined ? asked : { ...asked, syndrome: SYNDROME_OK }),
        pair.compareLookup({ port: VF_PORT, frame: this.outgoing() }),
      ];
    });
    return answers.flat().filter(({ end }) => end.end === 'port').length;
  }

  private async step(): Promise<void> {
    const { choose, pair } = this;
    const some = this.sessions.filter(() => choose.once(2));
    switch (choose.below(11)) {
      case 0:
      case 1:
        // Re-keys: another SPI, another slot, or either of them alone.
        for (const session of some) await this.newEgress(session);
        await this.updateEgress(some);
        break;
      case 2:
        for (const session of some) {
          const { cryptoId } = choose.pick(this.sessions).egress;
          this.pointTo(session, cryptoId);
        }
        await this.updateEgress(some);
        break;
      case 3:
        await this.removeEgress(some);
        break;
      case 4:
        await this.removeEgress(some);
        await this.addEgress(this.sessions);
        break;
      case 5: {
        // In place: of the same length, or of the other, under which nothing can leave.
        const slots = choose.times(choose.between(1, 3), () => ({
          cryptoId: choose.between(1, KEY_SLOTS),
          key: choose.octets(choose.pick([16, 32])),
        }));
        await this.setKeys(slots);
        break;
      }
      case 6: {
        const cryptoIds = choose
          .times(choose.between(1, 2), () => choose.pick(this.sessions).egress.cryptoId)
          .filter((cryptoId) => this.mayBeCleared(cryptoId));
        await pair.both(({ hal }) => hal.clearKeys(cryptoIds));
        for (const cryptoId of cryptoIds) this.slotOctets.get(cryptoId)!.cleared = true;
        break;
      }
      case 7:
        if (choose.once(3)) await pair.both(({ hal }) => hal.rotateMasterKey());
        await this.generated();
        break;
      case 8:
        for (const session of some) await this.addIngress(session, this.peerAssociation());
        await this.removeIngress(choose.pick(this.sessions));
        break;
      case 9:
        if (this.variant.ownForwards) await this.forwardElsewhere(some);
        break;
      default:
        // It takes its time, most of all with few sessions.
        if (this.sessions.length >= 4 && choose.once(4)) await this.inTurn();
    }
    await this.compareEntries();
  }

  /** Entries come and go, as often as gateways that run for long see it. */
  private async inTurn(): Promise<void> {
    for (let entries = 0; entries < ENTRIES_IN_TURN; entries += this.sessions.length) {
      await this.removeEgress(this.sessions);
      await this.addEgress(this.sessions);
    }
  }

  private async generated(): Promise<void> {
    const { choose, pair } = this;
    const version = choose.below(4) as PspVersion;
    const octets = keyLengthOctets(version);
    const session = choose.pick(this.sessions);
    let batch: { spis: Uint32Array; keys: Uint8Array };
    try {
      batch = await pair.both(({ hal }) => hal.generateKeys(octets, 2, isGmac(version) ? 'gmac' : 'gcm'));
    } catch {
      // None left, of either device.
      return;
    }
    const at = choose.below(2);
    await this.addIngress(session, {
      spi: batch.spis[at]!,
      version,
      key: batch.keys.slice(at * octets, (at + 1) * octets),
      cookie: this.cookie(),
    });
  }

  private cookie(): bigint {
    return BigInt(this.choose.uint32());
  }

  private spi(): number {
    return (this.choose.pick([0, 0x80000000]) | this.choose.between(1, 0x7fffffff)) >>> 0;
  }

  /** Under a master key of before any rotation. */
  private peerAssociation(): Association {
    const spi = this.spi();
    const version = this.choose.below(4) as PspVersion;
    return { spi, version, key: deriveKey(MASTER_KEYS[spi >>> 31]!, spi, version), cookie: this.cookie() };
  }

  private header(session: Session, version: PspVersion): Uint8Array {
    const { options, choose } = this;
    const underlay = UNDERLAY[options.mode === 'tunnel' ? options.outerFamily : session.family];
    return buildEncapHeader(
      {
        mac: PEER_MAC,
        underlayIp: underlay.destination,
        pspVersion: version,
        spi: this.spi(),
        key: new Uint8Array(0),
        cookie: this.cookie(),
      },
      {
        mode: options.mode,
        innerFamily: session.family,
        cryptOffsetWords: choose.pick([0, 0, 1, 2, 5, 10, 63]),
        cookies: options.cookies,
        extension: sentExtension(options),
        sourceMac: SOURCE_MAC,
        sourceIp: underlay.source,
      },
    );
  }

  /** Whatever the slot's key is good for; now and then another, unless the device may have any key there. */
  private versionFor(cryptoId: number): PspVersion {
    const { choose } = this;
    const slot = this.slotOctets.get(cryptoId)!;
    const odd = (slot.octets === 32) !== (!slot.cleared && choose.once(8)) ? 1 : 0;
    return (odd + 2 * choose.below(2)) as PspVersion;
  }

  /** A device may have any key of the other length there, of which packets must not make use. */
  private mayBeCleared(cryptoId: number): boolean {
    const { octets } = this.slotOctets.get(cryptoId)!;
    return this.sessions.every(
      ({ egress }) => egress.cryptoId !== cryptoId || keyLengthOctets(egress.version) === octets,
    );
  }

  /** A header and a key, not installed yet. */
  private async newEgress(session: Session): Promise<void> {
    const { choose } = this;
    const cryptoId = choose.between(1, KEY_SLOTS);
    const free = !this.sessions.some(({ egress }) => egress.cryptoId === cryptoId);
    if (free || choose.once(4)) {
      await this.setKeys([{ cryptoId, key: choose.octets(choose.pick([16, 32])) }]);
    }
    this.pointTo(session, cryptoId);
  }

  private pointTo(session: Session, cryptoId: number): void {
    const version = this.versionFor(cryptoId);
    Object.assign(session.egress, { cryptoId, version, header: this.header(session, version) });
  }

  private async setKeys(slots: { cryptoId: number; key: Uint8Array }[]): Promise<void> {
    await this.pair.both(({ hal }) => hal.setKeys(slots));
    for (const { cryptoId, key } of slots) {
      this.slotOctets.set(cryptoId, { octets: key.length, cleared: false });
    }
  }

  private async addEgress(sessions: readonly Session[]): Promise<void> {
    const missing = sessions.filter(({ egress }) => egress.id === undefined);
    const results = await this.pair.apply(
      missing.map(({ localVip, localVipId, remoteVip, egress }) => {
        const add = egressAclEntry(this.options, {
          localVip,
          localVipId,
          remoteVip,
          encapHeader: egress.header,
          cryptoId: egress.cryptoId,
        });
        if (!this.variant.ownForwards) return add;
        return { ...add, entry: { ...(add.entry as BasicEntry), forward: egress.forward } };
      }),
    );
    for (const [i, { egress }] of missing.entries()) egress.id = idOf(results[i]!);
  }

  private async updateEgress(sessions: readonly Session[]): Promise<void> {
    const { choose, options, variant } = this;
    const results = await this.pair.apply(
      sessions.flatMap(({ egress }): EntryOperation[] => {
        const { id, header, cryptoId } = egress;
        if (id === undefined) return [];
        const forward = variant.ownForwards && choose.once(2) ? this.newForward(egress) : {};
        return [{ operation: 'update', id, values: egressValues(options, header, cryptoId), ...forward }];
      }),
    );
    for (const result of results) idOf(result);
  }

  private newForward(egress: Session['egress']): { readonly forward: Forward } {
    egress.forward = this.choose.once(4) ? { to: 'drop' } : egressForward(this.options);
    return { forward: egress.forward };
  }

  /** What their entries do stays as it is. */
  private async forwardElsewhere(sessions: readonly Session[]): Promise<void> {
    const results = await this.pair.apply(
      sessions.flatMap(({ egress }): EntryOperation[] =>
        egress.id === undefined ? [] : [{ operation: 'update', id: egress.id, ...this.newForward(egress) }],
      ),
    );
    for (const result of results) idOf(result);
  }

  private async removeEgress(sessions: readonly Session[]): Promise<void> {
    const present = sessions.filter(({ egress }) => egress.id !== undefined);
    const results = await this.pair.apply(
      present.map(({ egress }): EntryOperation => ({ operation: 'remove', id: egress.id! })),
    );
    for (const result of results) idOf(result);
    for (const { egress } of present) egress.id = undefined;
  }

  private async addIngress(session: Session, association: Association): Promise<void> {
    if (!this.options.ingressAcl) {
      session.ingress.push({ ...association, id: undefined });
      return;
    }
    const add = ingressAclEntry(this.options, {
      ...association,
      remoteVip: session.remoteVip,
      localVip: session.localVip,
      localVipId: session.localVipId,
      decapMacs: DECAP_MACS,
    });
    const { values } = add.entry;
    const set = { [OWN_MAC]: this.choose.octets(6) };
    const [result] = await this.pair.apply([
      this.variant.ownMacs
        ? { ...add, entry: { ...add.entry, values: { ...values, set } } as BasicEntry }
        : add,
    ]);
    // After two rotations SPIs begin anew, and an entry of the first time may still be there.
    const again = 'error' in result! && result.error.code === 'ALREADY_EXIST';
    session.ingress.push({ ...association, id: again ? undefined : idOf(result!) });
  }

  /** Its packets go on coming. */
  private async removeIngress({ ingress }: Session): Promise<void> {
    const at = this.choose.below(ingress.length);
    const { id, ...association } = ingress[at]!;
    if (id === undefined) return;
    await this.pair.apply([{ operation: 'remove', id }]);
    ingress[at] = { ...association, id: undefined };
  }

  private async compareEntries(): Promise<void> {
    const selectors = this.sessions
      .flatMap(({ egress, ingress }) => [egress.id, ...ingress.map(({ id }) => id)])
      .flatMap((id) => (id === undefined ? [] : [{ id }]));
    await this.pair.both(({ hal }) => hal.counters(selectors));
  }

  private async traffic(): Promise<void> {
    for (const port of [VF_PORT, UPLINK_PORT]) {
      const framesMax = this.choose.once(5) ? LONG_BURST_FRAMES_MAX : BURST_FRAMES_MAX;
      const frames = this.choose.times(this.choose.between(1, framesMax), () =>
        port === VF_PORT ? this.outgoing() : this.incoming(),
      );
      this.packets += frames.length;
      for (const harness of [this.pair.sim, this.pair.doca]) {
        harness.inject(
          port,
          frames.map((frame) => frame.slice()),
        );
      }
      await this.pair.compareTraffic();
    }
    if (this.choose.once(4)) await this.transmit();
  }

  /** The slow path's packets, which had missed, or answer the workload. */
  private async transmit(): Promise<void> {
    const { choose, pair } = this;
    const packets = choose.times(choose.between(1, 8), () => ({
      frame: this.outgoing().subarray(0, UPLINK_MTU_OCTETS),
      ...(choose.once(4) ? { packetMeta: PKT_META_RETURN_TO_VF } : {}),
    }));
    this.packets += packets.length;
    await pair.bothOrError(async ({ hal }) => hal.transmit(packets));
    await pair.compareTraffic();
  }

  private outgoing(): Uint8Array {
    const { choose, options } = this;
    const { localVip, remoteVip } = choose.pick(this.sessions);
    const flow = { source: localVip, destination: remoteVip };
    switch (choose.below(20)) {
      case 0:
        return randomFrame(choose);
      case 1:
        return flipped(choose, workloadFrame(choose, flow));
      case 2:
        return padded(choose, workloadFrame(choose, flow));
      case 3:
        return workloadFrame(choose, { source: remoteVip, destination: localVip });
      case 4:
        return workloadFrame(
          choose,
          flow,
          UPLINK_MTU_OCTETS - overheadOctets(options) + choose.between(-1, 1),
        );
      default:
        return workloadFrame(choose, flow);
    }
  }

  /** The words that are required, mostly; now and then fewer of them, or others. */
  private extension(): { readonly extension?: Uint8Array } {
    const { choose } = this;
    const { extensionRequired: words, cookies } = this.options;
    if (words === undefined) return choose.once(8) ? { extension: choose.octets(8) } : {};
    if (choose.once(16)) return {};
    const sent = choose.once(8) ? words.slice(1) : choose.once(8) ? words.map((one) => one ^ 1) : words;
    return {
      extension: extensionFields(
        sent.map((one) => one >>> 0),
        cookies !== choose.once(16),
      ),
    };
  }

  private incoming(): Uint8Array {
    const { choose, options } = this;
    const session = choose.pick(this.sessions);
    const association = choose.pick(session.ingress);
    const flow = { source: session.remoteVip, destination: session.localVip };
    const seal = (given: Partial<Sealing> = {}, inner = workloadFrame(choose, flow)) => {
      const sealing: Sealing = {
        spi: association.spi,
        version: association.version,
        key: association.key,
        cryptOffsetWords: choose.pick([0, 0, 1, 2, 5, 10]),
        ...(options.cookies ? { cookie: association.cookie } : {}),
        ...this.extension(),
        ...(options.mode === 'tunnel' ? { outer: UNDERLAY[options.outerFamily] } : {}),
        ...given,
      };
      // Where the crypt offset is too large for the packet.
      return (
        sealFrame(choose, inner, sealing) ??
        sealFrame(choose, workloadFrame(choose, flow, 200), { ...sealing, cryptOffsetWords: 0 })!
      );
    };
    switch (choose.below(24)) {
      case 0:
        return randomPspFrame(choose, keysOfMasters(MASTER_KEYS));
      case 1:
        return flipped(choose, seal().frame);
      case 2:
        return padded(choose, seal().frame);
      case 3:
        return cutShort(choose, seal());
      case 4:
        return beyondIp(choose, seal());
      case 5: {
        const spi = choose.pick([0, 0x80000000]);
        const key = deriveKey(MASTER_KEYS[spi >>> 31]!, spi, association.version);
        return seal({ spi, key }).frame;
      }
      case 6: {
        const { spi } = association;
        const version = choose.pick([4, 15]);
        return seal({ version, key: deriveKey(MASTER_KEYS[spi >>> 31]!, spi, version as PspVersion) }).frame;
      }
      case 7: {
        // Of a session that may be another one.
        const other = choose.pick(this.sessions);
        const inner = workloadFrame(choose, { source: other.remoteVip, destination: other.localVip });
        return seal({}, inner).frame;
      }
      case 8:
        return seal({ key: choose.octets(association.key.length) }).frame;
      case 9:
        return seal(choose.once(2) ? { cookie: this.cookie() } : {}).frame;
      case 10:
        return seal({}, workloadFrame(choose, flow, VF_MTU_OCTETS + choose.between(-1, 1))).frame;
      case 11: {
        const { frame, udpAt } = seal();
        return withBadHeader(choose, frame, udpAt + UDP_HEADER_OCTETS, association.key);
      }
      default:
        return seal().frame;
    }
  }
}

function idOf(result: { readonly id: EntryId } | { readonly error: Error }): EntryId {
  if ('error' in result) throw result.error;
  return result.id;
}
