import type { Static } from 'typebox';
import { NODES_MAX } from '../file/limits.js';
import { list, name } from '../file/schema-values.js';
import { itemsOf } from '../file/shape.js';
import { type At, type EventKind, eventSchema } from './kind.js';

/** RPCs between the groups are lost; gateways in no group reach all. */
export interface Partition extends At {
  readonly type: 'partition';
  readonly groups: readonly (readonly string[])[];
}

const schema = eventSchema(
  'partition',
  list(
    'RPCs between these groups of gateways are lost; those in no group reach all',
    list('gateways', name('a gateway'), NODES_MAX, 1),
    NODES_MAX,
    2,
  ),
);

export const partition: EventKind<Partition, Static<typeof schema>> = {
  schema,
  example: { at: '1s', partition: [['h1'], ['h2']] },
  read(parsed, reading) {
    const seen = new Set<string>();
    const groups = itemsOf(parsed.partition).map(([i, group]) =>
      reading.gatewayList(group, reading.subject.at(i), seen),
    );
    return [{ atMs: reading.atMs, type: 'partition', groups }];
  },
  write: ({ groups }) => ({ partition: groups }),
  happen: ({ groups }, { network }) => network.oob.partition(groups),
  needs: ({ groups }) => ({ nodes: groups.flat() }),
  search: {
    fault: {
      turns: [4],
      draw(rng, { atMs, gateways, say }) {
        const groups: [string[], string[]] = [[], []];
        for (const gateway of gateways) groups[rng.below(2)]!.push(gateway.name);
        // All on one side: no partition.
        if (groups.some(({ length }) => length === 0)) return [];
        say(`OOB partition ${groups.map((group) => group.join('+')).join(' | ')} at ${atMs} ms`);
        return [{ atMs, type: 'partition', groups }];
      },
    },
  },
  arbitrary({ gateways, some }) {
    if (gateways.length < 2) return undefined;
    const [first, ...rest] = some(gateways, 2).map((gateway) => gateway.name);
    return { type: 'partition', groups: [[first!], rest] };
  },
};
