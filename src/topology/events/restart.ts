import type { Static } from 'typebox';
import { NODES_MAX } from '../file/limits.js';
import { names } from '../file/schema-values.js';
import { gatewaysText } from './in-turn.js';
import { type EventKind, eventSchema } from './kind.js';
import { OUTAGE, type Outage, readOutages, takeDownAll, writeOutage } from './outage.js';

/** The gateways stop in order, and start anew. */
export interface Restart extends Outage {
  readonly type: 'restart';
}

const schema = eventSchema(
  'restart',
  names(gatewaysText('stops in order and starts anew'), NODES_MAX),
  OUTAGE,
);

export const restart: EventKind<Restart, Static<typeof schema>> = {
  schema,
  example: { at: '1s', restart: '*', every: '1s', down: '2s' },
  read: (parsed, reading) =>
    readOutages(parsed.restart, parsed, reading).map((outage) => ({ type: 'restart', ...outage })),
  write(event) {
    const { names, down } = writeOutage(event);
    return { restart: names, down };
  },
  happen: (event, context) => takeDownAll(event, 'restart', context),
  needs: ({ nodes }) => ({ nodes }),
  search: {
    // Or a crash: the two share their turns.
    fault: {
      turns: [1, 2],
      draw(rng, { atMs, node, faultsMs, say }) {
        const type = rng.pick(['restart', 'crash'] as const);
        const downMs = rng.below(faultsMs - atMs + 1);
        say(`${type} ${node.name} for ${downMs} ms at ${atMs} ms`);
        return [{ atMs, type, nodes: [node.name], downMs }];
      },
    },
  },
  arbitrary: ({ gateways, some, ms }) => ({
    type: 'restart',
    nodes: some(gateways).map(({ name }) => name),
    downMs: ms(),
  }),
};
