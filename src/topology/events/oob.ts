import type { Static } from 'typebox';
import { OOB_CHANGES, object, withAnyOf } from '../file/schema-values.js';
import { oobValues } from '../file/values.js';
import { writeOob } from '../file/write-values.js';
import { percent } from '../fuzz/scene.js';
import type { OobPlan } from '../model.js';
import { type At, type EventKind, eventSchema } from './kind.js';

/** The OOB network has these values from now on; others stay. */
export interface OobChange extends At {
  readonly type: 'oob';
  readonly oob: Partial<OobPlan>;
}

const schema = eventSchema(
  'oob',
  withAnyOf(
    object('the OOB network has these values from now on; others stay', OOB_CHANGES),
    Object.keys(OOB_CHANGES),
    'changes nothing',
  ),
);

/** Upper ends of what a search draws. */
const LOSS_MAX = 0.3;
const DELAY_MAX_MS = 50;

export const oob: EventKind<OobChange, Static<typeof schema>> = {
  schema,
  example: { at: '1s', oob: { delay: '5ms', jitter: '5ms', loss: '5%' } },
  read(parsed, { atMs, subject }) {
    return [{ atMs, type: 'oob', oob: oobValues(parsed.oob, subject) }];
  },
  write: (event) => ({ oob: writeOob(event.oob) }),
  happen: (event, { network }) => network.oob.set(event.oob),
  needs: () => ({}),
  search: {
    background: {
      turns: [1],
      draw(rng, { say }) {
        if (rng.chance(0.4)) return [];
        const drawn = {
          lossRatio: rng.ratio(LOSS_MAX),
          delayMs: rng.upTo(DELAY_MAX_MS),
          jitterMs: rng.upTo(DELAY_MAX_MS),
        };
        say(`OOB: loss ${percent(drawn.lossRatio)}, delay ${drawn.delayMs} ms, jitter ${drawn.jitterMs} ms`);
        return [{ atMs: 0, type: 'oob', oob: drawn }];
      },
    },
  },
  arbitrary: (values) => ({ type: 'oob', oob: values.oob() }),
};
