import type { Static } from 'typebox';
import { formatRatio } from '../file/quantities.js';
import { ratio as ratioSchema } from '../file/schema-values.js';
import { ratio } from '../file/values.js';
import { type ExpectationKind, flowSchema, readFlows, writeFlows } from './kind.js';
import { nameOf, namesText, percent, shareOf } from './losses.js';

/** The share of a flow's packets that must arrive. */
export interface Delivered {
  readonly type: 'share';
  readonly flows: readonly string[];
  readonly deliveredRatioMin: number;
}

const schema = flowSchema('delivered', ratioSchema("share of each flow's packets that must arrive"));

export const delivered: ExpectationKind<Delivered, Static<typeof schema>> = {
  key: 'delivered',
  schema,
  example: { flow: ['ping', 'one'], delivered: '9%' },
  read: (parsed, reading) => ({
    type: 'share',
    flows: readFlows(parsed.flow, reading),
    deliveredRatioMin: ratio(parsed.delivered, reading.place.at('delivered')),
  }),
  write: ({ flows, deliveredRatioMin }, allFlows) => ({
    flow: writeFlows(flows, allFlows),
    delivered: formatRatio(deliveredRatioMin),
  }),
  evaluate({ flows, deliveredRatioMin }, evidence) {
    const shares = flows.map(evidence.flow).map((flow) => [flow, shareOf(flow)] as const);
    const worst = shares.filter(([, share]) => share < deliveredRatioMin);
    const least = Math.min(1, ...shares.map(([, share]) => share));
    return {
      text: `of ${namesText(flows)} at least ${percent(deliveredRatioMin)} is delivered`,
      ok: worst.length === 0,
      seen: `least: ${percent(least)}`,
      failing: worst.map(([flow]) => nameOf(flow)),
    };
  },
  arbitrary(values) {
    const flows = values.flows();
    return flows === undefined ? undefined : { type: 'share', flows, deliveredRatioMin: values.ratio() };
  },
};
