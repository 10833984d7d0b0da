import type { Static } from 'typebox';
import { affirmed } from '../file/schema-values.js';
import { type ExpectationKind, flowSchema, readFlows, writeFlows } from './kind.js';
import { nameOf, namesText } from './losses.js';

/** Nothing of these flows arrives. */
export interface Blocked {
  readonly type: 'blocked';
  readonly flows: readonly string[];
}

const schema = flowSchema('blocked', affirmed('nothing arrives'));

export const blocked: ExpectationKind<Blocked, Static<typeof schema>> = {
  key: 'blocked',
  schema,
  example: { flow: 'one', blocked: true },
  read: (parsed, reading) => ({ type: 'blocked', flows: readFlows(parsed.flow, reading) }),
  write: ({ flows }, allFlows) => ({ flow: writeFlows(flows, allFlows), blocked: true }),
  evaluate({ flows }, evidence) {
    const through = flows.map(evidence.flow).filter(({ delivered }) => delivered > 0);
    return {
      text: `nothing of ${namesText(flows)} arrives`,
      ok: through.length === 0,
      seen: through.length === 0 ? 'nothing' : `${through.map(nameOf).join(', ')} arrived`,
      failing: through.map(nameOf),
    };
  },
  arbitrary(values) {
    const flows = values.flows();
    return flows === undefined ? undefined : { type: 'blocked', flows };
  },
};
