/**
 * Two devices, A and B, under the gateway's own pipeline, and a session from A to B: what most properties need. Only
 * PipeHAL is used, so that any implementation can be put under them.
 */
import { buildEncapHeader } from '../../src/gateway/pipeline/encap-header.js';
import { buildPipeline, type PipelineOptions } from '../../src/gateway/pipeline/pipeline.js';
import {
  egressAclEntry,
  ingressAclEntry,
  localVipEntries,
  pspEncryptEntry,
} from '../../src/gateway/pipeline/pipeline-entries.js';
import type { Counter, EntryId, EntryOperation, PipeHal } from '../../src/hal/hal.js';
import { UPLINK_PORT, VF_PORT } from '../../src/hal/program.js';
import { ipFromOctets, parseIp, parseMac } from '../../src/packet/address.js';
import type { PspVersion } from '../../src/psp/header.js';
import { deriveKey } from '../../src/psp/key-derivation.js';
import { type Family, V1, V2 } from '../support/inner-packets.js';
import { DECAP_MACS } from '../support/pipelines.js';
import type { HalHarness, HalUnderTest } from './harness.js';
import { MASTER_KEYS } from './master-keys.js';

export interface RigOptions {
  readonly mode: 'tunnel' | 'transport';
  readonly outerFamily: Family;
  readonly innerFamily: Family;
  readonly cookies: boolean;
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

const COOKIE = 0x1122334455667788n;
const CRYPTO_ID = 1;

export interface Rig extends AsyncDisposable {
  readonly a: HalHarness;
  readonly b: HalHarness;
  readonly spi: number;
  /** The session's key, slot 1 of A. */
  readonly key: Uint8Array;
  readonly encapHeader: Uint8Array;
  readonly pipeline: PipelineOptions;
  readonly cryptoId: number;
  /** Ids of the session's entries on A. */
  readonly egressEntries: readonly EntryId[];
  /** Frames into A's VF; what left A's uplink. */
  encapsulate(frames: Uint8Array[]): Promise<Uint8Array[]>;
  /** Frames into B's uplink; what left B's VF. */
  decapsulate(frames: Uint8Array[]): Promise<Uint8Array[]>;
  /** Packets that B did not let in: failed authentication, bad trailer, authenticated but not allowed. */
  refused(): Promise<{ icvFail: number; badTrailer: number; notAllowed: number }>;
}

/** Adds entries; every one must succeed. */
export async function install(hal: PipeHal, operations: readonly EntryOperation[]): Promise<EntryId[]> {
  return (await hal.apply(operations)).map((result) => {
    if ('error' in result) throw result.error;
    return result.id;
  });
}

export async function openRig(implementation: HalUnderTest, given: Partial<RigOptions> = {}): Promise<Rig> {
  const options = { ...RIG_DEFAULTS, ...given };
  const { version, innerFamily: family } = options;
  const pipeline: PipelineOptions = {
    ...options,
    innerFamilies: [4, 6],
    confirmUnderlay: options.confirmUnderlay ?? false,
    maxTunnels: 64,
    underlayMtuOctets: 9000,
    decapMacs: DECAP_MACS,
  };
  const { firstIv } = options;
  const a = await implementation.open({
    masterKeys: MASTER_KEYS,
    ...(firstIv === undefined ? {} : { firstIv }),
  });
  const b = await implementation.open({ masterKeys: MASTER_KEYS });
  for (const { hal } of [a, b]) await hal.build(buildPipeline(pipeline));

  const keyOctets = version % 2 === 0 ? 16 : 32;
  const { spis, keys } = await b.hal.generateKeys(keyOctets, 1);
  const spi = spis[0]!;
  // Devices give out keys of versions 0 and 1; those of the GMAC versions follow from the same master key.
  const key = version < 2 ? keys : deriveKey(MASTER_KEYS[0], spi, version);
  const localVip = ipFromOctets(V1[family], 0, family);
  const remoteVip = ipFromOctets(V2[family], 0, family);
  const underlay = options.outerFamily === 4 ? ['192.0.2.1', '192.0.2.2'] : ['2001:db8::1', '2001:db8::2'];
  const encapHeader = buildEncapHeader(
    {
      mac: parseMac('02:00:00:00:00:b0'),
      underlayIp: parseIp(underlay[1]!),
      pspVersion: version,
      spi,
      key,
      cookie: COOKIE,
    },
    {
      mode: options.mode,
      innerFamily: family,
      cryptOffsetWords: options.cryptOffsetWords,
      cookies: options.cookies,
      sourceMac: parseMac('02:00:00:00:00:a0'),
      sourceIp: parseIp(underlay[0]!),
    },
  );
  const egressEntries = await install(a.hal, [
    ...localVipEntries(pipeline, localVip, 7),
    egressAclEntry(pipeline, { localVip, localVipId: 7, remoteVip, encapHeader, cryptoId: CRYPTO_ID }),
    ...[pspEncryptEntry(pipeline, CRYPTO_ID)].filter((entry) => entry !== undefined),
  ]);
  const [failed] = await a.hal.setKeys([{ cryptoId: CRYPTO_ID, key }]);
  if (failed !== null) throw failed;
  if (options.ingressAcl) {
    await install(b.hal, [
      ...localVipEntries(pipeline, remoteVip, 9),
      ingressAclEntry(pipeline, {
        spi,
        remoteVip: localVip,
        localVip: remoteVip,
        localVipId: 9,
        cookie: COOKIE,
        decapMacs: DECAP_MACS,
      }),
    ]);
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
    egressEntries,
    encapsulate: (frames) => through(a, VF_PORT, UPLINK_PORT, frames),
    decapsulate: (frames) => through(b, UPLINK_PORT, VF_PORT, frames),
    async refused() {
      const [icvFail, badTrailer, notAllowed] = await b.hal.counters([
        { pipe: 'SYNDROME_STATS', label: 'icv-fail' },
        { pipe: 'SYNDROME_STATS', label: 'bad-trailer' },
        { pipe: 'SYNDROME_STATS', miss: true },
      ]);
      return { icvFail: count(icvFail!), badTrailer: count(badTrailer!), notAllowed: count(notAllowed!) };
    },
    async [Symbol.asyncDispose]() {
      await a.hal.close();
      await b.hal.close();
    },
  };
}
