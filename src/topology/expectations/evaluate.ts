/** Compares a run with the expectations of its scenario. */
import type { Evidence, Judged, Shown } from './kind.js';
import { EXPECTATIONS, type Expectation } from './registry.js';

export function evaluate(expectations: readonly Expectation[], shown: Shown): Judged[] {
  const byName = new Map(shown.flows.map((flow) => [flow.plan.name, flow]));
  const evidence: Evidence = { ...shown, flow: (name) => byName.get(name)! };
  return expectations.map((expectation) => EXPECTATIONS[expectation.type].evaluate(expectation, evidence));
}
