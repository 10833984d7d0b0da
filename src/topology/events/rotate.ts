import type { Static } from 'typebox';
import { NODES_MAX } from '../file/limits.js';
import { names } from '../file/schema-values.js';
import { writeNames } from '../file/write-values.js';
import { EVERY, gatewaysText, type InTurn } from './in-turn.js';
import { type EventKind, eventSchema } from './kind.js';

/** The gateways rotate their master keys and re-key. */
export interface Rotate extends InTurn {
  readonly type: 'rotate';
}

const schema = eventSchema(
  'rotate',
  names(gatewaysText('rotates its master key and re-keys'), NODES_MAX),
  EVERY,
);

const ROTATIONS_RATIO = 0.35;
const ROTATIONS_MAX = 8;

export const rotate: EventKind<Rotate, Static<typeof schema>> = {
  schema,
  example: { at: '1s', rotate: ['h1', 'h2'], every: '1s' },
  read: (parsed, reading) =>
    reading.inTurn(parsed.rotate, parsed.every).map((turn) => ({ type: 'rotate', ...turn })),
  write: ({ nodes }) => ({ rotate: writeNames(nodes) }),
  async happen({ nodes }, { gateway }) {
    await Promise.all(nodes.map((name) => gateway(name).rotate()));
  },
  needs: ({ nodes }) => ({ nodes }),
  search: {
    fault: {
      turns: [0],
      draw(_, { atMs, node, say }) {
        say(`rotate ${node.name} at ${atMs} ms`);
        return [{ atMs, type: 'rotate', nodes: [node.name] }];
      },
    },
    // One gateway rotates again and again.
    hostile: {
      turns: [2],
      draw(rng, { gateways, faultsMs, say }) {
        if (!rng.chance(ROTATIONS_RATIO)) return [];
        const { name } = rng.pick(gateways);
        const count = 3 + rng.below(ROTATIONS_MAX - 2);
        say(`${name} rotates ${count} times`);
        return Array.from({ length: count }, (_, i) => ({
          atMs: Math.floor((faultsMs * (i + 1)) / (count + 1)),
          type: 'rotate',
          nodes: [name],
        }));
      },
    },
  },
  arbitrary: ({ gateways, some }) => ({ type: 'rotate', nodes: some(gateways).map(({ name }) => name) }),
};
