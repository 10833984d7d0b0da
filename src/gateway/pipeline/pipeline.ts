/**
 * The gateway's pipeline, as DOCA's PSP gateway draws it, as one PipeProgram.
 *
 *     uplink -> ROOT -> PSP_DECRYPT -> [INGR_SAMPL] -> [PSP_EXT] -> INNER_CLASSIFIER -> INGR_ACL -> VF
 *     VF     -> ROOT -> EMPTY -> EGR_ACL -> [SET_SAMPLE_BIT -> PSP_ENCRYPT -> EGR_SAMPL] -> uplink
 *
 * What matches no session on the way out goes to RSS (the slow path); what is not authenticated, or not allowed, on
 * the way in ends in SYNDROME_STATS, and behind it in FAILED_SOURCE, which tells peers' addresses from others. Two IPv6
 * addresses and an SPI are more than one pipe can match, so the local address of IPv6 is matched first, in *_VIP_IPV6, and
 * stands for an id in meta.u32.2 from there on.
 *
 * The pipes stand in root-pipe.ts, ingress-pipes.ts, egress-pipes.ts and sampling-pipes.ts. The entries of sessions are
 * made in pipeline-entries.ts.
 */
import type { Pipe, PipeProgram } from '../../hal/program.js';
import { egressAcl, egressTrial, empty } from './egress-pipes.js';
import {
  extensionCheck,
  failedSources,
  ingressAcl,
  innerClassifier,
  pspDecrypt,
  syndromeStats,
  underlaySeen,
} from './ingress-pipes.js';
import { PKT_META_EGRESS_SAMPLED, PKT_META_INGRESS_SAMPLED, PKT_META_SEGMENT_IN } from './packet-meta.js';
import { rssPipe } from './pipe-parts.js';
import { holdsUnproved, type PipelineOptions } from './pipeline-options.js';
import { root } from './root-pipe.js';
import { egressSampling, ingressSampling, mirrors, pspEncrypt, setSampleBit } from './sampling-pipes.js';

/** The whole program of one gateway. */
export function buildPipeline(options: PipelineOptions): PipeProgram {
  const sampling = options.sampleRateLog2 > 0;
  const pipes: Pipe[] = [root(options)];
  if (options.mode === 'transport')
    pipes.push(rssPipe('RSS_SEGMENT_IN', 'secure-ingress', PKT_META_SEGMENT_IN));
  pipes.push(pspDecrypt(options));
  if (sampling)
    pipes.push(
      ingressSampling(options),
      rssPipe('RSS_INGR_SAMPLED', 'secure-ingress', PKT_META_INGRESS_SAMPLED),
    );
  if (options.extensionRequired !== undefined) pipes.push(extensionCheck(options, options.extensionRequired));
  if (options.mode === 'tunnel') pipes.push(underlaySeen(options));
  pipes.push(innerClassifier(options));
  for (const family of options.innerFamilies) pipes.push(...ingressAcl(options, family));
  pipes.push(syndromeStats(options), ...failedSources(options), empty(options));
  for (const family of options.innerFamilies) pipes.push(...egressAcl(options, family));
  pipes.push(rssPipe('RSS_MISS', 'egress'));
  if (holdsUnproved(options)) pipes.push(egressTrial(options));
  if (sampling) {
    pipes.push(
      setSampleBit(options),
      egressSampling(options),
      rssPipe('RSS_EGR_SAMPLED', 'egress', PKT_META_EGRESS_SAMPLED),
      pspEncrypt(options),
    );
  }
  return { name: 'psp-gateway', pipes, ...(sampling ? { mirrors: mirrors(options) } : {}) };
}
