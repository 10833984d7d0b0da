/** The gateway's own pipeline, for the rig. */
import { buildEncapHeader } from '../gateway/pipeline/encap-header.js';
import { buildPipeline } from '../gateway/pipeline/pipeline.js';
import {
  egressAclEntry,
  egressValues,
  ingressAclEntry,
  localVipEntries,
  pspEncryptEntry,
} from '../gateway/pipeline/pipeline-entries.js';
import { type PipelineOptions, sentExtension } from '../gateway/pipeline/pipeline-options.js';
import { parseIp, parseMac } from '../packet/address.js';
import type { HalUnderTest } from './harness.js';
import { openRig, type PipelineUnderTest, type Rig, type RigOptions, type RigPipeline } from './rig.js';

const COOKIE = 0x1122334455667788n;
const LOCAL_VIP_ID = 7;
/** Destination and source of what is decapsulated. */
export const DECAP_MACS = Uint8Array.from([2, 0, 0, 0, 0, 0x11, 2, 0, 0, 0, 0, 0x22]);

/** The gateway's pipeline with the options that it was made from. */
export interface GatewayRigPipeline extends RigPipeline {
  readonly options: PipelineOptions;
}

export const gatewayPipeline: PipelineUnderTest<GatewayRigPipeline> = {
  name: "the gateway's pipeline",
  of(rig) {
    const options: PipelineOptions = {
      ...rig,
      innerFamilies: [4, 6],
      confirmUnderlay: rig.confirmUnderlay ?? false,
      maxTunnels: 64,
      underlayMtuOctets: 9000,
      decapMacs: DECAP_MACS,
    };
    const underlay = rig.outerFamily === 4 ? ['192.0.2.1', '192.0.2.2'] : ['2001:db8::1', '2001:db8::2'];
    return {
      options,
      program: buildPipeline(options),
      decapMacs: () => DECAP_MACS,
      encapHeader: (spi) =>
        buildEncapHeader(
          {
            mac: parseMac('02:00:00:00:00:b0'),
            underlayIp: parseIp(underlay[1]!),
            pspVersion: rig.version,
            spi,
            key: new Uint8Array(),
            cookie: COOKIE,
          },
          {
            mode: rig.mode,
            innerFamily: rig.innerFamily,
            cryptOffsetWords: rig.cryptOffsetWords,
            cookies: rig.cookies,
            extension: sentExtension(options),
            sourceMac: parseMac('02:00:00:00:00:a0'),
            sourceIp: parseIp(underlay[0]!),
          },
        ),
      localVip: (vip) => localVipEntries(options, vip, LOCAL_VIP_ID),
      egress: (session) => ({
        header: egressAclEntry(options, { ...session, localVipId: LOCAL_VIP_ID }),
        more: [pspEncryptEntry(options, session.cryptoId)].filter((entry) => entry !== undefined),
      }),
      egressValues: (encapHeader, cryptoId) => egressValues(options, encapHeader, cryptoId),
      ingress: (session) =>
        ingressAclEntry(options, {
          ...session,
          localVipId: LOCAL_VIP_ID,
          cookie: COOKIE,
          decapMacs: DECAP_MACS,
        }),
    };
  },
};

/** The rig under the gateway's own pipeline. */
export function openGatewayRig(
  implementation: HalUnderTest,
  options: Partial<RigOptions> = {},
): Promise<Rig<GatewayRigPipeline>> {
  return openRig(implementation, gatewayPipeline, options);
}
