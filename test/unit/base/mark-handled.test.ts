import { expect, test } from 'vitest';
import { markHandled } from '../../../src/base/mark-handled.js';

test('a promise that is marked may be rejected before it is awaited, and rejects then', async () => {
  const unhandled: unknown[] = [];
  const onUnhandled = (reason: unknown) => unhandled.push(reason);
  // Vitest has a listener of its own, which would make the run fail.
  const others = process.listeners('unhandledRejection');
  process.removeAllListeners('unhandledRejection');
  process.on('unhandledRejection', onUnhandled);
  try {
    const marked = Promise.reject(new Error('marked'));
    markHandled(marked);
    const other = Promise.reject(new Error('other'));
    await new Promise((resolve) => setImmediate(resolve));
    expect(unhandled.map(String)).toEqual(['Error: other']);
    await expect(marked).rejects.toThrow('marked');
    await expect(other).rejects.toThrow('other');
  } finally {
    process.removeListener('unhandledRejection', onUnhandled);
    for (const listener of others) process.on('unhandledRejection', listener);
  }
});
