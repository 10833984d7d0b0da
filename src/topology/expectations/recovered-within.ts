import type { Static } from 'typebox';
import { formatTime } from '../file/quantities.js';
import { time } from '../file/schema-values.js';
import { timeMs } from '../file/values.js';
import { type ExpectationKind, flowSchema, readFlows, writeFlows } from './kind.js';
import { lossText, nameOf, namesText } from './losses.js';

/** Whatever is sent later than `withinMs` after the last event is delivered. */
export interface RecoveredWithin {
  readonly type: 'recovered';
  readonly flows: readonly string[];
  readonly withinMs: number;
}

const schema = flowSchema(
  'recovered-within',
  time('what is sent later than this after the last event is delivered'),
);

export const recoveredWithin: ExpectationKind<RecoveredWithin, Static<typeof schema>> = {
  key: 'recovered-within',
  schema,
  example: { flow: '*', 'recovered-within': '1s' },
  read: (parsed, reading) => ({
    type: 'recovered',
    flows: readFlows(parsed.flow, reading),
    withinMs: timeMs(parsed['recovered-within'], reading.place.at('recovered-within')),
  }),
  write: ({ flows, withinMs }, allFlows) => ({
    flow: writeFlows(flows, allFlows),
    'recovered-within': formatTime(withinMs),
  }),
  evaluate({ flows, withinMs }, evidence) {
    const fromMs = evidence.startMs + evidence.lastEventMs + withinMs;
    const late = flows.map(evidence.flow).map((flow) => [flow, flow.lostSince(fromMs)] as const);
    const worst = late.filter(([flow, count]) => count > 0 || flow.transfer?.intact === false);
    return {
      text: `${namesText(flows)} recovers within ${withinMs} ms of the last event`,
      ok: worst.length === 0,
      seen: worst.length === 0 ? 'nothing lost after that' : lossText(worst),
      failing: worst.map(([flow]) => nameOf(flow)),
    };
  },
  arbitrary(values) {
    const flows = values.flows();
    return flows === undefined ? undefined : { type: 'recovered', flows, withinMs: values.ms() };
  },
};
