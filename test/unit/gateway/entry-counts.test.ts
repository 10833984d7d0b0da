/** How many entries the pipes of DOCA's drawing have for so many sessions, and which of them are there from the start. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { buildPipeline } from '../../../src/gateway/pipeline/pipeline.js';
import { TestNetwork } from '../../support/gateways.js';
import { HalLedger } from '../../support/hal-ledger.js';

const PIPES = ['ROOT', 'PSP_DECRYPT', 'PSP_ENCRYPT', 'INGR_ACL_IPV4', 'EGR_ACL_IPV4'];

let net: TestNetwork;
beforeEach(() => {
  net = new TestNetwork();
});
afterEach(() => net.stopAll());

test.each([1, 2, 5])('for %i peers', async (count) => {
  const peers = Array.from({ length: count }, (_, i) => i + 2);
  const ledger = new HalLedger();
  // What --sample-rate=1 builds besides, since without sampling there is no PSP_ENCRYPT.
  const options = { innerFamilies: [4 as const], sampleRateLog2: 1 };
  const a = await net.start(1, peers, { ...options, wrapHal: (hal) => ledger.wrap(hal) });
  for (const peer of peers) await net.start(peer, [1], options);
  const entries = () => {
    const { pipes } = buildPipeline(a.gateway.pipelineOptions);
    return Object.fromEntries(
      PIPES.map((name) => [
        name,
        {
          static: pipes.find((pipe) => pipe.name === name)!.entries?.length ?? 0,
          dynamic: ledger.entries.filter((pipe) => pipe === name).length,
        },
      ]),
    );
  };
  const expected = (sessions: number) => ({
    ROOT: { static: 7, dynamic: 0 },
    PSP_DECRYPT: { static: 1, dynamic: 0 },
    PSP_ENCRYPT: { static: 0, dynamic: sessions },
    INGR_ACL_IPV4: { static: 0, dynamic: sessions },
    EGR_ACL_IPV4: { static: 0, dynamic: sessions },
  });
  expect(entries()).toEqual(expected(0));
  for (const peer of peers) net.send(a, peer, [peer]);
  await net.run(100);
  expect(a.gateway.view().sessions).toHaveLength(count);
  expect(entries()).toEqual(expected(count));

  // A re-key needs a second slot and SPI of each for a while, and leaves none.
  await Promise.all([a.gateway.rotateMasterKey(true), net.run(20_000)]);
  expect(entries()).toEqual(expected(count));
});
