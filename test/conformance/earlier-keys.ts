/** Master keys that a device has from an earlier run: none of them opens a packet once the device is open. */
import { describe, expect, test } from 'vitest';
import { buildPipeline } from '../../src/gateway/pipeline/pipeline.js';
import { UPLINK_PORT, VF_PORT } from '../../src/hal/program.js';
import { MASTER_KEYS } from '../../src/verify/master-keys.js';
import { type DocaRelease, openDocaHarness } from '../support/doca-harness.js';
import { pipelineOptions } from '../support/pipelines.js';
import { referenceCases } from '../support/reference-vectors.js';

export function describeEarlierKeys(release: DocaRelease): void {
  describe(`keys of an earlier run, in a device of DOCA ${release}`, () => {
    test.each([
      ['this run', 'opened', false],
      ['an earlier run', 'not opened', true],
    ] as const)('frames sealed under a key of %s are %s', async (_run, _fate, earlier) => {
      const vector = referenceCases().find(({ mode }) => mode === 'tunnel')!;
      const harness = await openDocaHarness(
        release,
        earlier
          ? { masterKeys: MASTER_KEYS, earlierMasterKeys: vector.masterKeys }
          : { masterKeys: vector.masterKeys, earlierMasterKeys: MASTER_KEYS },
      );
      await using _hal = { [Symbol.asyncDispose]: () => harness.hal.close() };
      const options = {
        mode: vector.mode,
        outerFamily: vector.inner,
        ingressAcl: false,
        underlayMtuOctets: 9500,
      };
      await harness.hal.build(buildPipeline(pipelineOptions(options)));
      harness.inject(
        UPLINK_PORT,
        vector.frames.map(({ encrypted }) => encrypted.slice()),
      );
      await harness.settle();
      expect(harness.takeSent(VF_PORT)).toHaveLength(earlier ? 0 : vector.frames.length);
    });
  });
}
