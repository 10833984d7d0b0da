/** Every combination of options that changes the pipeline's shape. */
import type { PipelineOptions } from '../../src/gateway/pipeline/pipeline-options.js';
import type { IpFamily } from '../../src/packet/address.js';
import { DECAP_MACS } from '../../src/verify/gateway-pipeline.js';

export function pipelineOptions(options: Partial<PipelineOptions> = {}): PipelineOptions {
  return {
    mode: 'tunnel',
    outerFamily: 6,
    innerFamilies: [4, 6],
    cookies: false,
    ingressAcl: true,
    sampleRateLog2: 0,
    maintainOrder: false,
    sampleBeforeEncryption: false,
    confirmUnderlay: false,
    maxTunnels: 256,
    underlayMtuOctets: 1500,
    decapMacs: DECAP_MACS,
    ...options,
  };
}

export function allPipelineOptions(): PipelineOptions[] {
  const all: PipelineOptions[] = [];
  for (const mode of ['tunnel', 'transport'] as const)
    for (const outerFamily of [4, 6] as const)
      for (const innerFamilies of [[4], [6], [4, 6]] as IpFamily[][])
        for (const cookies of [false, true])
          for (const ingressAcl of [false, true])
            for (const [sampleRateLog2, maintainOrder, sampleBeforeEncryption] of [
              [0, false, false],
              [3, false, false],
              [3, true, false],
              [3, false, true],
              [3, true, true],
            ] as const)
              all.push(
                pipelineOptions({
                  mode,
                  outerFamily,
                  innerFamilies,
                  cookies,
                  ingressAcl,
                  sampleRateLog2,
                  maintainOrder,
                  sampleBeforeEncryption,
                }),
              );
  for (const mode of ['tunnel', 'transport'] as const)
    for (const cookies of [false, true])
      for (const sampleRateLog2 of [0, 3]) {
        const extensionRequired = cookies ? [1, 2, 3] : [1, 2, 3, 4];
        all.push(pipelineOptions({ mode, cookies, sampleRateLog2, extensionWords: [7], extensionRequired }));
      }
  return all;
}
