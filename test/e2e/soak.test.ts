/** Three minutes of the soak; `npm run soak -- --hours N` is for longer ones. */
import { expect, test } from 'vitest';
import { describeOnKernel } from '../support/kernel.js';
import { SOAK_PROGRAMS, soak } from './soak/soak.js';

const SECONDS = 180;

describeOnKernel('two gateways under floods, rotations and kills', SOAK_PROGRAMS, () => {
  test(
    'hold no more after a while than before, lose nothing but around kills, and send nothing twice or readable',
    async () => {
      const { problems, table } = await soak({ seconds: SECONDS, progress: () => {} });
      process.stdout.write(`${table}\n`);
      expect(problems).toEqual([]);
    },
    (SECONDS + 120) * 1000,
  );
});
