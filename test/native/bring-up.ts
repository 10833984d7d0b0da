/** How the addon sets a device up, where the difference shows on NVIDIA's library only: the software DOCA tells it. */
import { expect, test } from 'vitest';
import { buildPipeline } from '../../src/gateway/pipeline/pipeline.js';
import { DOMAINS } from '../../src/hal-doca/native.js';
import {
  type DeviceSetUp,
  type DocaRelease,
  docaIsBuilt,
  openDocaHarness,
  startRings,
} from '../support/doca-harness.js';
import { describeOnNative } from '../support/needs.js';
import { pipelineOptions } from '../support/pipelines.js';

const RSS_QUEUES = 3;

export const QUEUES = Array.from({ length: RSS_QUEUES }, (_, queue) => queue);
export { DOMAINS };

/** That a representor's port is left alone shows as well: it could not be configured, and no device would open. */
export function describeBringUp(release: DocaRelease, expected: DeviceSetUp): void {
  describeOnNative(`a device of DOCA ${release}`, docaIsBuilt(release), () => {
    test('is set up as NVIDIA’s own gateway does it', async () => {
      const { hal } = await openDocaHarness(release, { rssQueues: RSS_QUEUES, keySlots: 4 });
      const setUp = () => startRings(release).setUp(hal.dpdkPorts[0]!);
      expect(setUp()).toEqual({ ...expected, egressRootDomain: -1 });
      await hal.build(buildPipeline(pipelineOptions({ maxTunnels: 4 })));
      expect(setUp()).toEqual(expected);
      await hal.close();
    });
  });
}
