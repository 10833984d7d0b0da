import type { Static } from 'typebox';
import { affirmed, annotated, object } from '../file/schema-values.js';
import type { ExpectationKind } from './kind.js';

/** At the end gateways hold nothing but what their sessions need: key slots, SPIs, packets. */
export interface NoLeaks {
  readonly type: 'no-leaks';
}

const schema = annotated(
  object('at the end nothing is left over', {
    'no-leaks': affirmed('no gateway holds key slots, retired SPIs or packets that its sessions do not need'),
  }),
  { title: 'no-leaks' },
);

export const noLeaks: ExpectationKind<NoLeaks, Static<typeof schema>> = {
  key: 'no-leaks',
  schema,
  example: { 'no-leaks': true },
  read: () => ({ type: 'no-leaks' }),
  write: () => ({ 'no-leaks': true }),
  evaluate: (_, { leaks }) => ({
    text: 'no gateway holds what its sessions do not need',
    ok: leaks.length === 0,
    seen: leaks.length === 0 ? 'nothing left over' : leaks.join('; '),
    failing: [],
  }),
  arbitrary: () => ({ type: 'no-leaks' }),
};
