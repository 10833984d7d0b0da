/** What a simulated device leaves when it is closed in the middle of something. */
import { afterAll, expect, test, vi } from 'vitest';
import { openSimHarness } from '../../../src/verify/sim-harness.js';
import { stepClock } from '../../support/step-clock.js';

const { secrets } = vi.hoisted(() => {
  // Other files of this process have loaded what is replaced here.
  vi.resetModules();
  return { secrets: [] as Uint8Array[] };
});
vi.mock('../../../src/psp/secret.js', async (original) => {
  const actual = await original<typeof import('../../../src/psp/secret.js')>();
  return {
    ...actual,
    secretOctets: (length: number) => {
      const octets = actual.secretOctets(length);
      secrets.push(octets);
      return octets;
    },
  };
});
afterAll(() => {
  vi.doUnmock('../../../src/psp/secret.js');
  vi.resetModules();
});

test('keys of a batch that the device was closed in are wiped', async () => {
  const clock = stepClock();
  const { hal } = await openSimHarness({ clock });
  secrets.length = 0;
  const count = hal.device.limits.keysPerBatch;
  const generated = hal.generateKeys(32, count);
  clock.step();
  const batch = secrets.find(({ length }) => length === 32 * count)!;
  const halfway = batch.findLastIndex((octet) => octet !== 0);
  expect(halfway).toBeGreaterThan(0);
  expect(halfway).toBeLessThan(batch.length / 2);
  await hal.close();
  await expect(generated).rejects.toMatchObject({ code: 'SHUTDOWN' });
  for (const octets of secrets) expect(octets.some((octet) => octet !== 0)).toBe(false);
});
