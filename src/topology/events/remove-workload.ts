import type { Static } from 'typebox';
import { name } from '../file/schema-values.js';
import { type At, type EventKind, eventSchema } from './kind.js';

/** The workload goes: its addresses are nobody's. */
export interface RemoveWorkload extends At {
  readonly type: 'remove-workload';
  readonly workload: string;
}

const schema = eventSchema('remove-workload', name('the workload goes'));

export const removeWorkload: EventKind<RemoveWorkload, Static<typeof schema>> = {
  schema,
  example: { at: '1s', 'remove-workload': 'v2' },
  read(parsed, { atMs, subject, names }) {
    const workload = names.workloads.find(parsed['remove-workload'], subject);
    if (workload?.plan.host !== undefined)
      subject.problem(`${workload.plan.name} is a real host, which comes and goes by itself`);
    return workload === undefined ? [] : [{ atMs, type: 'remove-workload', workload: workload.plan.name }];
  },
  write: ({ workload }) => ({ 'remove-workload': workload }),
  happen: ({ workload }, { network }) => network.ownerOf(workload).removeWorkload(workload),
  needs: () => ({}),
  search: {
    fault: {
      turns: [7],
      draw(_, { atMs, node, say }) {
        const workload = node.workloads[0];
        if (workload?.present !== true) return [];
        say(`${workload.name} is gone at ${atMs} ms`);
        return [{ atMs, type: 'remove-workload', workload: workload.name }];
      },
    },
  },
  arbitrary: ({ workloads, pick }) =>
    workloads.length === 0 ? undefined : { type: 'remove-workload', workload: pick(workloads).name },
};
