/**
 * Two devices, A and B, under a pipeline, and a session from A to B: what most properties need. Only PipeHAL is used, so that
 * any implementation can be put under them. The pipeline is the gateway's (gateway-pipeline.ts), or one that conformance tests have
 * of their own.
 */
import type { Counter, CounterSelector, EntryId, EntryOperation, PipeHal } from '../hal/hal.js';
import { type ActionValues, type PipeProgram, UPLINK_PORT, VF_PORT } from '../hal/program.js';
import { type IpAddress, ipFromOctets } from '../packet/address.js';
import { isGmac, keyLengthOctets, type PspVersion } from '../psp/header.js';
import type { HalHarness, HalUnderTest } from './harness.js';
import { type Family, V1, V2 } from './inner-packets.js';
import { MASTER_KEYS } from './master-keys.js';

/** Counters of every pipeline: of all that came to the decrypt pipe, and of packets that were not let in. */
export const COUNTERS = {
  decrypted: { pipe: 'PSP_DECRYPT', total: true },
  icvFail: { pipe: 'SYNDROME_STATS', label: 'icv-fail' },
  badTrailer: { pipe: 'SYNDROME_STATS', label: 'bad-trailer' },
  notAllowed: { pipe: 'SYNDROME_STATS', miss: true },
} as const satisfies Readonly<Record<string, CounterSelector>>;

/** A pipeline for one choice of options. */
export interface RigPipeline {
  readonly program: PipeProgram;
  /** The MAC addresses of what is decapsulated, 12 octets: destination and source; in tunnel mode, for the family. */
  decapMacs(family: Family): Uint8Array;
  /** The header that a session's packets get: with these options' version, crypt offset and cookie. */
  encapHeader(spi: number): Uint8Array;
  /** What a device needs before it has sessions of a workload at `vip`, as sender or receiver. */
  localVip(vip: IpAddress): readonly EntryOperation[];
  /** Packets from `localVip` to `remoteVip` leave under the header and the key slot. */
  egress(session: {
    readonly localVip: IpAddress;
    readonly remoteVip: IpAddress;
    readonly encapHeader: Uint8Array;
    readonly cryptoId: number;
  }): EgressEntries;
  /** What an update of `header` gives it. */
  egressValues(encapHeader: Uint8Array, cryptoId: number): ActionValues;
  /** Packets from `remoteVip` to `localVip` that come under the SPI are let in. */
  ingress(session: {
    readonly spi: number;
    readonly localVip: IpAddress;
    readonly remoteVip: IpAddress;
  }): EntryOperation;
}

export interface EgressEntries {
  /** The entry that has the encap header. */
  readonly header: EntryOperation;
  /** Others that the session needs. */
  readonly more: readonly EntryOperation[];
}

export interface PipelineUnderTest<P extends RigPipeline = RigPipeline> {
  /** For titles. */
  readonly name: string;
  of(options: RigOptions): P;
}

export interface RigOptions {
  readonly mode: 'tunnel' | 'transport';
  readonly outerFamily: Family;
  readonly innerFamily: Family;
  readonly cookies: boolean;
  /** For the gateway's pipeline only. */
  readonly extensionWords?: readonly number[];
  readonly version: PspVersion;
  readonly cryptOffsetWords: number;
  readonly ingressAcl: boolean;
  readonly sampleRateLog2: number;
  readonly maintainOrder: boolean;
  readonly sampleBeforeEncryption: boolean;
  /** Of A; random when absent. */
  readonly firstIv?: bigint;
  readonly confirmUnderlay?: boolean;
}

export const RIG_DEFAULTS: RigOptions = {
  mode: 'tunnel',
  outerFamily: 6,
  innerFamily: 4,
  cookies: false,
  version: 1,
  cryptOffsetWords: 0,
  ingressAcl: true,
  sampleRateLog2: 0,
  maintainOrder: false,
  sampleBeforeEncryption: false,
};

const CRYPTO_ID = 1;

export interface Rig<P extends RigPipeline = RigPipeline> extends AsyncDisposable {
  readonly a: HalHarness;
  readonly b: HalHarness;
  readonly spi: number;
  /** The session's key, slot 1 of A. */
  readonly key: Uint8Array;
  readonly encapHeader: Uint8Array;
  readonly pipeline: P;
  readonly cryptoId: number;
  /** Of the workloads behind A and behind B. */
  readonly vips: readonly [IpAddress, IpAddress];
  /** Ids of the session's entries on A, and of the one among them that has the encap header. */
  readonly egressEntries: readonly EntryId[];
  readonly headerEntry: EntryId;
  /** Of B, what lets the session in; absent without an ingress ACL. */
  readonly ingressEntry?: EntryId;
  /** Frames into A's VF; what left A's uplink. */
  encapsulate(frames: Uint8Array[]): Promise<Uint8Array[]>;
  /** Frames into B's uplink; what left B's VF. */
  decapsulate(frames: Uint8Array[]): Promise<Uint8Array[]>;
  /** Packets that B did not let in: failed authentication, bad trailer, authenticated but not allowed. */
  refused(): Promise<{ icvFail: number; badTrailer: number; notAllowed: number }>;
}

/** Operations on entries; every one must succeed. */
export async function install(hal: PipeHal, operations: readonly EntryOperation[]): Promise<EntryId[]> {
  return (await hal.apply(operations)).map((result) => {
    if ('error' in result) throw result.error;
    return result.id;
  });
}

/** The slot must take the key. */
export async function setKey(hal: PipeHal, cryptoId: number, key: Uint8Array): Promise<void> {
  const [failed] = await hal.setKeys([{ cryptoId, key }]);
  if (failed) throw failed;
}

export async function openRig<P extends RigPipeline>(
  implementation: HalUnderTest,
  pipelineUnderTest: PipelineUnderTest<P>,
  given: Partial<RigOptions> = {},
): Promise<Rig<P>> {
  const options = { ...RIG_DEFAULTS, ...given };
  const pipeline = pipelineUnderTest.of(options);
  const { firstIv } = options;
  const a = await implementation.open({
    masterKeys: MASTER_KEYS,
    ...(firstIv === undefined ? {} : { firstIv }),
  });
  const opened: HalHarness[] = [a];
  try {
    const b = await implementation.open({ masterKeys: MASTER_KEYS });
    opened.push(b);
    return await rigOf(a, b, pipeline, options);
  } catch (error) {
    for (const { hal } of opened) await hal.close();
    throw error;
  }
}

async function rigOf<P extends RigPipeline>(
  a: HalHarness,
  b: HalHarness,
  pipeline: P,
  options: RigOptions,
): Promise<Rig<P>> {
  const { version, innerFamily: family } = options;
  for (const { hal } of [a, b]) await hal.build(pipeline.program);

  const { spis, keys: key } = await b.hal.generateKeys(
    keyLengthOctets(version),
    1,
    isGmac(version) ? 'gmac' : 'gcm',
  );
  const spi = spis[0]!;
  const localVip = ipFromOctets(V1[family], 0, family);
  const remoteVip = ipFromOctets(V2[family], 0, family);
  const encapHeader = pipeline.encapHeader(spi);
  await install(a.hal, pipeline.localVip(localVip));
  const egress = pipeline.egress({ localVip, remoteVip, encapHeader, cryptoId: CRYPTO_ID });
  const egressEntries = await install(a.hal, [egress.header, ...egress.more]);
  await setKey(a.hal, CRYPTO_ID, key);
  let ingressEntry: EntryId | undefined;
  if (options.ingressAcl) {
    const ids = await install(b.hal, [
      ...pipeline.localVip(remoteVip),
      pipeline.ingress({ spi, localVip: remoteVip, remoteVip: localVip }),
    ]);
    ingressEntry = ids.at(-1);
  }

  const through = async (harness: HalHarness, into: number, outOf: number, frames: Uint8Array[]) => {
    harness.takeSent(outOf);
    harness.inject(
      into,
      frames.map((frame) => frame.slice()),
    );
    await harness.settle();
    return harness.takeSent(outOf);
  };
  const count = ({ packets }: Counter) => Number(packets);
  return {
    a,
    b,
    spi,
    key,
    encapHeader,
    pipeline,
    cryptoId: CRYPTO_ID,
    vips: [localVip, remoteVip],
    egressEntries,
    headerEntry: egressEntries[0]!,
    ...(ingressEntry === undefined ? {} : { ingressEntry }),
    encapsulate: (frames) => through(a, VF_PORT, UPLINK_PORT, frames),
    decapsulate: (frames) => through(b, UPLINK_PORT, VF_PORT, frames),
    async refused() {
      const { icvFail: bad, badTrailer: short, notAllowed: other } = COUNTERS;
      const [icvFail, badTrailer, notAllowed] = await b.hal.counters([bad, short, other]);
      return { icvFail: count(icvFail!), badTrailer: count(badTrailer!), notAllowed: count(notAllowed!) };
    },
    async [Symbol.asyncDispose]() {
      await a.hal.close();
      await b.hal.close();
    },
  };
}
