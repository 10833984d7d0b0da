import type { Static } from 'typebox';
import { name } from '../file/schema-values.js';
import { type At, type EventKind, eventSchema } from './kind.js';

/** The workload comes, with its addresses. */
export interface AddWorkload extends At {
  readonly type: 'add-workload';
  readonly workload: string;
}

const schema = eventSchema('add-workload', name('the workload comes'));

export const addWorkload: EventKind<AddWorkload, Static<typeof schema>> = {
  schema,
  example: { at: '1s', 'add-workload': 'v2' },
  read(parsed, { atMs, subject, names }) {
    const workload = names.workloads.find(parsed['add-workload'], subject);
    if (workload?.plan.host !== undefined)
      subject.problem(`${workload.plan.name} is a real host, which comes and goes by itself`);
    return workload === undefined ? [] : [{ atMs, type: 'add-workload', workload: workload.plan.name }];
  },
  write: ({ workload }) => ({ 'add-workload': workload }),
  happen: ({ workload }, { network }) => network.ownerOf(workload).addWorkload(workload),
  needs: () => ({}),
  search: {},
  arbitrary: ({ workloads, pick }) =>
    workloads.length === 0 ? undefined : { type: 'add-workload', workload: pick(workloads).name },
};
