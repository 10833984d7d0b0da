import type { Static } from 'typebox';
import { kindText } from '../file/expanded.js';
import { formatPacketRate, formatTime } from '../file/quantities.js';
import {
  choice,
  list,
  name,
  optional,
  positivePacketRate,
  positiveTime,
  schemaOf,
} from '../file/schema-values.js';
import { positivePacketsPerSecond, positiveTimeMs } from '../file/values.js';
import { INSIDER_ACT_NAMES, type InsiderAct } from '../nodes/insider/acts.js';
import { type At, type EventKind, eventSchema } from './kind.js';

/** The insider acts for a time, each act one of `does`. */
export interface InsiderEvent extends At {
  readonly type: 'insider';
  readonly node: string;
  readonly durationMs: number;
  readonly actsPerSecond: number;
  readonly does: readonly InsiderAct[];
}

const ACTS_PER_SECOND = 10;

const schema = eventSchema('insider', name('the insider acts for a time, at gateways picked by the seed'), {
  for: positiveTime('how long'),
  rate: optional(positivePacketRate('acts per second', ACTS_PER_SECOND)),
  does: optional(
    schemaOf<readonly InsiderAct[]>({
      ...list(
        'what it does, each act one of these; absent: everything',
        choice('an act; docs/topology.md says what it is', INSIDER_ACT_NAMES),
        INSIDER_ACT_NAMES.length,
        1,
      ),
      uniqueItems: true,
    }),
  ),
});

/**
 * The acts that say where packets are to go. Who can also send from others' addresses can prove those to be its own, and holds them
 * for as long as it likes: PSP does not authenticate outer headers (docs/security.md, "prove an address that is not its
 * own"). So an insider of a drawn world does the one or the other.
 */
const CLAIMS: readonly InsiderAct[] = ['redirect', 'lie'];
const ACTS_PER_SECOND_MAX = 100;
/** Insiders that repeat one action as fast as they can: it costs them little and the gateways something. */
const RELENTLESS_RATIO = 0.4;
const RELENTLESS_ACTS: readonly InsiderAct[] = ['ask', 'batch', 'claim', 'rotate', 'usurp'];
const RELENTLESS_PER_SECOND = 300;

export const insider: EventKind<InsiderEvent, Static<typeof schema>> = {
  schema,
  example: { at: '1s', insider: 'm', for: '1s', rate: 5, does: ['ask', 'lie'] },
  read(parsed, { atMs, place, subject, names }) {
    const durationMs = positiveTimeMs(parsed.for, place.at('for'));
    const actsPerSecond =
      parsed.rate === undefined ? ACTS_PER_SECOND : positivePacketsPerSecond(parsed.rate, place.at('rate'));
    const node = parsed.insider;
    const found = names.insiders.get(node);
    if (found?.silent === true) subject.problem(`${node} is silent, and does nothing`);
    if (found !== undefined) {
      return [
        { atMs, type: 'insider', node, durationMs, actsPerSecond, does: parsed.does ?? INSIDER_ACT_NAMES },
      ];
    }
    const other = names.nodes.find(node, subject);
    if (other !== undefined) subject.problem(`${node} is ${kindText(other)}; name an insider`);
    return [];
  },
  write: ({ node, durationMs, actsPerSecond, does }) => ({
    insider: node,
    for: formatTime(durationMs),
    rate: formatPacketRate(actsPerSecond),
    does,
  }),
  happen: ({ node, does, actsPerSecond, durationMs }, { network }) =>
    network.insiders.get(node)!.run(does, actsPerSecond, durationMs),
  needs: ({ node }) => ({ nodes: [node] }),
  search: {
    hostile: {
      turns: [0],
      draw: (rng, { insiders, faultsMs, say }) =>
        insiders.flatMap(({ name: node, silent, spoofs }) => {
          if (silent) return [];
          const atMs = rng.below(Math.ceil(faultsMs / 4));
          // Everything, or some of it, again and again.
          const may = spoofs ? INSIDER_ACT_NAMES.filter((act) => !CLAIMS.includes(act)) : INSIDER_ACT_NAMES;
          const some = may.filter(() => rng.chance(0.5));
          const several = rng.chance(0.4) || some.length === 0 ? may : some;
          const relentless = rng.chance(RELENTLESS_RATIO);
          const does = relentless ? [rng.pick(RELENTLESS_ACTS)] : several;
          const actsPerSecond = relentless ? RELENTLESS_PER_SECOND : 1 + rng.below(ACTS_PER_SECOND_MAX);
          say(`${node} does ${does.join(', ')} at ${actsPerSecond}/s from ${atMs} ms`);
          return [{ atMs, type: 'insider', node, durationMs: faultsMs - atMs, actsPerSecond, does }];
        }),
    },
  },
  arbitrary({ insiders, positiveMs, positivePerSecond, some }) {
    const acting = insiders.find(({ silent }) => !silent);
    return acting === undefined
      ? undefined
      : {
          type: 'insider',
          node: acting.name,
          durationMs: positiveMs(),
          actsPerSecond: positivePerSecond(),
          does: some(INSIDER_ACT_NAMES),
        };
  },
};
