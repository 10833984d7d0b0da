import type { Static } from 'typebox';
import { integer } from '../file/schema-values.js';
import { type ExpectationKind, flowSchema, readFlows, writeFlows } from './kind.js';
import { lossOf, lossText, nameOf, namesText, sum } from './losses.js';

/** Limit on the packets of each named flow that are sent and not delivered; 0: all must be delivered. */
export interface Lost {
  readonly type: 'flow';
  readonly flows: readonly string[];
  readonly lostAtMost: number;
}

const schema = flowSchema(
  'lost',
  integer('packets of each flow that may be lost', 0, Number.MAX_SAFE_INTEGER),
);

export const lost: ExpectationKind<Lost, Static<typeof schema>> = {
  key: 'lost',
  schema,
  example: { flow: 'one', lost: 0 },
  read: (parsed, reading) => ({
    type: 'flow',
    flows: readFlows(parsed.flow, reading),
    lostAtMost: parsed.lost,
  }),
  write: ({ flows, lostAtMost }, allFlows) => ({ flow: writeFlows(flows, allFlows), lost: lostAtMost }),
  evaluate({ flows, lostAtMost }, evidence) {
    const losses = flows.map(evidence.flow).map((flow) => [flow, lossOf(flow)] as const);
    const worst = losses.filter(([, count]) => count > lostAtMost);
    return {
      text:
        lostAtMost === 0
          ? `all of ${namesText(flows)} is delivered`
          : `of ${namesText(flows)} at most ${lostAtMost} are lost`,
      ok: worst.length === 0,
      seen: worst.length === 0 ? `lost: ${sum(losses)}` : lossText(worst),
      failing: worst.map(([flow]) => nameOf(flow)),
    };
  },
  arbitrary(values) {
    const flows = values.flows();
    return flows === undefined ? undefined : { type: 'flow', flows, lostAtMost: values.count() };
  },
};
