import type { Static } from 'typebox';
import { NODES_MAX } from '../file/limits.js';
import { names } from '../file/schema-values.js';
import { gatewaysText } from './in-turn.js';
import { type EventKind, eventSchema } from './kind.js';
import { OUTAGE, type Outage, readOutages, takeDownAll, writeOutage } from './outage.js';

/** The gateways lose everything at once, and start anew. */
export interface Crash extends Outage {
  readonly type: 'crash';
}

const schema = eventSchema(
  'crash',
  names(gatewaysText('loses everything and starts anew'), NODES_MAX),
  OUTAGE,
);

const CRASH_LOOP_RATIO = 0.15;
const CRASHES_MAX = 5;

export const crash: EventKind<Crash, Static<typeof schema>> = {
  schema,
  example: { at: '1s', crash: ['h1', 'h2'], every: '1s', down: '2s' },
  read: (parsed, reading) =>
    readOutages(parsed.crash, parsed, reading).map((outage) => ({ type: 'crash', ...outage })),
  write(event) {
    const { names, down } = writeOutage(event);
    return { crash: names, down };
  },
  happen: (event, context) => takeDownAll(event, 'crash', context),
  needs: ({ nodes }) => ({ nodes }),
  search: {
    // One gateway crashes again and again. Single crashes are drawn in turn with restarts.
    hostile: {
      turns: [1],
      draw(rng, { gateways, faultsMs, say }) {
        if (!rng.chance(CRASH_LOOP_RATIO)) return [];
        const { name } = rng.pick(gateways);
        const count = 2 + rng.below(CRASHES_MAX - 1);
        say(`${name} crashes ${count} times`);
        return Array.from({ length: count }, (_, i) => ({
          atMs: Math.floor((faultsMs * i) / count),
          type: 'crash',
          nodes: [name],
          downMs: Math.floor(faultsMs / count / 2),
        }));
      },
    },
  },
  arbitrary: ({ gateways, some, ms }) => ({
    type: 'crash',
    nodes: some(gateways).map(({ name }) => name),
    downMs: ms(),
  }),
};
