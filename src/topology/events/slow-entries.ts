import type { Static } from 'typebox';
import { formatTime } from '../file/quantities.js';
import { name, time } from '../file/schema-values.js';
import { timeMs } from '../file/values.js';
import { type At, type EventKind, eventSchema } from './kind.js';

/** Entries take this long to install from now on. */
export interface SlowEntries extends At {
  readonly type: 'slow-entries';
  readonly node: string;
  readonly delayMs: number;
}

const schema = eventSchema('slow-entries', name("the gateway's table entries take long from now on"), {
  delay: time('how long each takes to install'),
});

/** The longest delay that a search draws. */
const DELAY_MAX_MS = 100;

export const slowEntries: EventKind<SlowEntries, Static<typeof schema>> = {
  schema,
  example: { at: '1s', 'slow-entries': 'h1', delay: '1s' },
  read(parsed, reading) {
    const { atMs, place, subject } = reading;
    const node = reading.gateway(parsed['slow-entries'], subject);
    const delayMs = timeMs(parsed.delay, place.at('delay'));
    return node === undefined ? [] : [{ atMs, type: 'slow-entries', node: node.name, delayMs }];
  },
  write: ({ node, delayMs }) => ({ 'slow-entries': node, delay: formatTime(delayMs) }),
  happen: ({ node, delayMs }, { gateway }) => gateway(node).setEntriesDelay(delayMs),
  needs: ({ node }) => ({ nodes: [node] }),
  search: {
    fault: {
      turns: [5],
      draw(rng, { atMs, node, say }) {
        const delayMs = 1 + rng.below(DELAY_MAX_MS);
        say(`entries of ${node.name} take ${delayMs} ms at ${atMs} ms`);
        return [{ atMs, type: 'slow-entries', node: node.name, delayMs }];
      },
    },
  },
  arbitrary: ({ gateways, pick, ms }) => ({
    type: 'slow-entries',
    node: pick(gateways).name,
    delayMs: ms(),
  }),
};
