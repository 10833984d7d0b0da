import type { Static } from 'typebox';
import { affirmed } from '../file/schema-values.js';
import { type At, type EventKind, eventSchema } from './kind.js';

/** Links, OOB network, entries and workloads are as the topology has them again. */
export interface Calm extends At {
  readonly type: 'calm';
}

const schema = eventSchema(
  'calm',
  affirmed('links, OOB network, entries and workloads are as the file has them again'),
);

export const calm: EventKind<Calm, Static<typeof schema>> = {
  schema,
  example: { at: '1s', calm: true },
  read: (_, { atMs }) => [{ atMs, type: 'calm' }],
  write: () => ({ calm: true }),
  happen(_, { network }) {
    network.calm();
    for (const node of network.gateways.values()) {
      node.setEntriesDelay(0);
      for (const { name, present } of node.plan.workloads) {
        if (present) node.addWorkload(name);
        else node.removeWorkload(name);
      }
    }
  },
  needs: () => ({}),
  // Every search has one, where the faults end.
  search: {},
  endsFaults: true,
  arbitrary: () => ({ type: 'calm' }),
};
