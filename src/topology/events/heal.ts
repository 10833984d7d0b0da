import type { Static } from 'typebox';
import { affirmed } from '../file/schema-values.js';
import { type At, type EventKind, eventSchema } from './kind.js';

/** The partition of the OOB network is over. */
export interface Heal extends At {
  readonly type: 'heal';
}

const schema = eventSchema('heal', affirmed('the partition is over'));

export const heal: EventKind<Heal, Static<typeof schema>> = {
  schema,
  example: { at: '1s', heal: true },
  read: (_, { atMs }) => [{ atMs, type: 'heal' }],
  write: () => ({ heal: true }),
  happen: (_, { network }) => network.oob.heal(),
  needs: () => ({}),
  search: {},
  arbitrary: () => ({ type: 'heal' }),
};
