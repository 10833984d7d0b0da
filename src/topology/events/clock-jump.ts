import type { Static } from 'typebox';
import { formatTime } from '../file/quantities.js';
import { name, positiveTime } from '../file/schema-values.js';
import { positiveTimeMs } from '../file/values.js';
import { type At, type EventKind, eventSchema } from './kind.js';

/** The node's wall clock and monotonic clock go ahead. */
export interface ClockJump extends At {
  readonly type: 'clock-jump';
  readonly node: string;
  readonly jumpMs: number;
}

const schema = eventSchema('clock-jump', name("the gateway's clocks go ahead"), {
  by: positiveTime('how far'),
});

/** The longest jump that a search draws. */
const JUMP_MAX_MS = 120_000;

export const clockJump: EventKind<ClockJump, Static<typeof schema>> = {
  schema,
  example: { at: '1s', 'clock-jump': 'h1', by: '1s' },
  read(parsed, reading) {
    const { atMs, place, subject } = reading;
    const node = reading.gateway(parsed['clock-jump'], subject);
    const jumpMs = positiveTimeMs(parsed.by, place.at('by'));
    return node === undefined ? [] : [{ atMs, type: 'clock-jump', node: node.name, jumpMs }];
  },
  write: ({ node, jumpMs }) => ({ 'clock-jump': node, by: formatTime(jumpMs) }),
  happen: ({ node, jumpMs }, { gateway }) => gateway(node).jumpClock(jumpMs),
  needs: ({ node }) => ({ nodes: [node] }),
  search: {
    fault: {
      turns: [6],
      draw(rng, { atMs, node, say }) {
        const jumpMs = 1 + rng.below(JUMP_MAX_MS);
        say(`clock of ${node.name} jumps ${jumpMs} ms at ${atMs} ms`);
        return [{ atMs, type: 'clock-jump', node: node.name, jumpMs }];
      },
    },
  },
  arbitrary: ({ gateways, pick, positiveMs }) => ({
    type: 'clock-jump',
    node: pick(gateways).name,
    jumpMs: positiveMs(),
  }),
};
