import type { Static } from 'typebox';
import { type Impairments, NO_IMPAIRMENTS } from '../../hal-sim/ports/link.js';
import { IMPAIRMENT_CHANGES, link, withAnyOf } from '../file/schema-values.js';
import { impairments } from '../file/values.js';
import { writeImpairments } from '../file/write-values.js';
import { percent } from '../fuzz/scene.js';
import { type At, type EventKind, eventSchema } from './kind.js';

/** Changes a link's impairments, both directions. */
export interface Impair extends At {
  readonly type: 'impair';
  readonly link: string;
  readonly impairments: Partial<Impairments>;
}

const schema = withAnyOf(
  eventSchema('impair', link('the link has these impairments from now on; others stay'), IMPAIRMENT_CHANGES),
  Object.keys(IMPAIRMENT_CHANGES),
  'changes nothing',
);

/** Upper ends of what a search draws. */
const LOSS_MAX = 0.3;
const DUPLICATE_MAX = 0.5;
const REORDER_MAX = 0.3;
const CORRUPT_MAX = 0.1;
const DELAY_MAX_MS = 20;

export const impair: EventKind<Impair, Static<typeof schema>> = {
  schema,
  example: {
    at: '1s',
    impair: 'h1:p0',
    delay: '5ms',
    jitter: '5ms',
    loss: '5%',
    duplicate: '5%',
    reorder: '5%',
    corrupt: '5%',
    rate: 5,
  },
  read(parsed, { atMs, place, subject, names }) {
    const changes = impairments(parsed, place);
    const found = names.links.find(parsed.impair, subject);
    return found === undefined ? [] : [{ atMs, type: 'impair', link: found, impairments: changes }];
  },
  write: (event) => ({ impair: event.link, ...writeImpairments(event.impairments) }),
  happen: (event, { network }) => network.impair(event.link, event.impairments),
  needs: (event) => ({ links: [event.link] }),
  *weaker(event) {
    for (const key of Object.keys(event.impairments) as (keyof Impairments)[]) {
      if (event.impairments[key] === NO_IMPAIRMENTS[key]) continue;
      yield { ...event, impairments: { ...event.impairments, [key]: NO_IMPAIRMENTS[key] } };
    }
  },
  search: {
    background: {
      turns: [0],
      draw(rng, { base: { links }, say }) {
        if (rng.chance(0.2)) return [];
        const drawn: Partial<Impairments> = {
          lossRatio: rng.ratio(LOSS_MAX),
          duplicateRatio: rng.chance(0.5) ? rng.ratio(DUPLICATE_MAX) : 0,
          reorderRatio: rng.chance(0.5) ? rng.ratio(REORDER_MAX) : 0,
          corruptRatio: rng.chance(0.5) ? rng.ratio(CORRUPT_MAX) : 0,
          delayMs: rng.upTo(DELAY_MAX_MS),
          jitterMs: rng.upTo(DELAY_MAX_MS),
        };
        const on = links.filter(() => rng.chance(0.7));
        const { lossRatio, duplicateRatio, reorderRatio, corruptRatio } = drawn;
        if (on.length > 0) {
          say(
            `${on.length} of ${links.length} links: loss ${percent(lossRatio)}, duplicate ${percent(duplicateRatio)}, reorder ${percent(reorderRatio)}, corrupt ${percent(corruptRatio)}`,
          );
        }
        return on.map(({ name, impairments: own }) => ({
          atMs: 0,
          type: 'impair',
          link: name,
          impairments: { ...own, ...drawn },
        }));
      },
    },
  },
  arbitrary: (values) => ({ type: 'impair', link: values.link(), impairments: values.someImpairments() }),
};
