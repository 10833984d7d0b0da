import type { Static } from 'typebox';
import { affirmed } from '../file/schema-values.js';
import { type At, type EventKind, eventSchema } from './kind.js';

/** Links, OOB network, entries and workloads are as the topology has them again. */
export interface ResetFaults extends At {
  readonly type: 'reset-faults';
}

const schema = eventSchema(
  'reset-faults',
  affirmed('links, OOB network, entries and workloads are as the file has them again'),
);

export const resetFaults: EventKind<ResetFaults, Static<typeof schema>> = {
  formerName: 'calm',
  schema,
  example: { at: '1s', 'reset-faults': true },
  read: (_, { atMs }) => [{ atMs, type: 'reset-faults' }],
  write: () => ({ 'reset-faults': true }),
  happen(_, { network }) {
    network.resetFaults();
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
  arbitrary: () => ({ type: 'reset-faults' }),
};
