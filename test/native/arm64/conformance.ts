/** The conformance smoke over the addon of arm64, for Node 18 (vitest.mjs). */
import { test } from 'vitest';
import { describeSmoke } from '../../conformance/smoke.js';

test('this is arm64', () => {
  if (process.arch !== 'arm64') throw new Error(`this is ${process.arch}`);
});

describeSmoke('3.3', { defaultRss: [], egressRoot: 'secure-egress' });
