/** What a device of the software DOCA costs when nothing happens: how often its thread wakes, once it has had something to do. */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { docaIsBuilt, openDocaHarness } from '../support/doca-harness.js';
import { describeOnNative } from '../support/needs.js';

const RELEASE = '3.3';
/** SLEEP_MAX of native/doca-soft/src/device.cc. */
const SLEEP_MS_MAX = 1;
/** Until the sleeps are the longest there are 65; the rest is for what wakes it besides. */
const WAKES_SHORT_MAX = 300;
const SILENCE_MS = 500;

/** Empty when the thread has just ended. */
function nameOf(thread: string): string {
  try {
    return readFileSync(`/proc/self/task/${thread}/comm`, 'utf8').trim();
  } catch {
    return '';
  }
}

/** How often the thread of the device has gone to sleep so far. */
function sleepsOfDevice(): number {
  const thread = readdirSync('/proc/self/task').find((id) => nameOf(id) === 'doca-soft');
  const status = readFileSync(`/proc/self/task/${thread}/status`, 'utf8');
  return Number(/^voluntary_ctxt_switches:\s+(\d+)$/m.exec(status)?.[1]);
}

describeOnNative('an idle device', docaIsBuilt(RELEASE), () => {
  test('wakes less and less often after a packet, and then once a millisecond', async () => {
    const harness = await openDocaHarness(RELEASE);
    try {
      harness.inject(0, [new Uint8Array(64)]);
      const [sleepsBefore, startMs] = [sleepsOfDevice(), performance.now()];
      // On a machine that others use, it may take a while until the thread has nothing to do.
      await vi.waitFor(() => expect(sleepsOfDevice()).toBeGreaterThan(sleepsBefore), { timeout: 60_000 });
      await sleep(SILENCE_MS);
      const sleeps = sleepsOfDevice() - sleepsBefore;
      const silenceMs = performance.now() - startMs;
      expect(sleeps).toBeLessThan(WAKES_SHORT_MAX + silenceMs / SLEEP_MS_MAX);
    } finally {
      await harness.hal.close();
    }
  });
});
