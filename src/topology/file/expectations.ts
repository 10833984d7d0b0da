/** Expectations of the scenario, about flows that are there. */
import type { ExpectationNames } from '../expectations/kind.js';
import {
  EXPECTATION_TYPES,
  EXPECTATIONS,
  type Expectation,
  type ParsedExpectation,
} from '../expectations/registry.js';
import { itemsOf } from './shape.js';
import type { Place } from './source.js';

export function readExpectations(
  forms: readonly ParsedExpectation[] | undefined,
  place: Place,
  names: ExpectationNames,
): Expectation[] {
  return itemsOf(forms).map(([i, parsed]) => {
    const type = EXPECTATION_TYPES.find((one) => EXPECTATIONS[one].key in parsed)!;
    return EXPECTATIONS[type].read(parsed, { place: place.at(i), names });
  });
}
