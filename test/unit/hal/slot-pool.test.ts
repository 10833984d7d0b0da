/** Slot numbers, and the ids of entries that are made of them. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { pipeOfId, SlotPool } from '../../../src/hal/slot-pool.js';

test('entry ids name their pipe, are found while their slot is theirs, and never come back', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 20 }),
      fc.integer({ min: 1, max: 8 }),
      fc.array(fc.integer({ min: 0, max: 30 }), { maxLength: 200 }),
      (capacity, pipes, steps) => {
        const pipe = pipes - 1;
        const pool = new SlotPool(capacity, pipe, pipes);
        const live = new Map<number, number>();
        const seen = new Set<number>();
        for (const step of steps) {
          if (step % 3 === 0 && live.size > 0) {
            const [id, slot] = [...live][step % live.size];
            expect(pool.slotOf(id as never)).toBe(slot);
            pool.release(slot);
            live.delete(id);
            expect(pool.slotOf(id as never)).toBe(-1);
            continue;
          }
          const slot = pool.take();
          if (live.size === capacity) {
            expect(slot).toBe(-1);
            continue;
          }
          const id = pool.idOf(slot);
          expect(seen.has(id)).toBe(false);
          expect(pipeOfId(id, pipes)).toBe(pipe);
          seen.add(id);
          live.set(id, slot);
        }
        for (const id of seen) expect(pool.slotOf(id as never)).toBe(live.get(id) ?? -1);
        expect([...pool.slots()].sort()).toEqual([...live.values()].sort());
      },
    ),
  );
});
