import { describe, test } from 'vitest';
import type { HalUnderTest } from '../../src/verify/harness.js';
import { type DocaRelease, docaIsBuilt, openDocaHarness } from './doca-harness.js';

/** Tests over a release; skipped where it is not built, but for CI, where that is a failure. */
export function describeOnDoca(release: DocaRelease, body: (implementation: HalUnderTest) => void): void {
  const implementation = docaUnderTest(release);
  const { name } = implementation;
  if (docaIsBuilt(release)) {
    body(implementation);
  } else if (process.env.CI === 'true') {
    test(`${name} can be run on this machine`, () => {
      throw new Error('it is not built; see what npm test says before the tests');
    });
  } else {
    process.stderr.write(`SKIPPED: ${name}: it is not built\n`);
    describe.skip(`${name} (not built)`, () => body(implementation));
  }
}

function docaUnderTest(release: DocaRelease): HalUnderTest {
  return {
    name: `hal-doca over the software DOCA ${release}`,
    open: (options) => openDocaHarness(release, options),
  };
}
