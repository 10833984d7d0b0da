/** Expectations of the scenario, about flows that are there. */
import type { ExpectationNames } from '../expectations/kind.js';
import {
  EXPECTATION_TYPES,
  EXPECTATIONS,
  type Expectation,
  type ExpectationForm,
} from '../expectations/registry.js';
import { itemsOf } from './shape.js';
import type { Place } from './source.js';

export function readExpectations(
  forms: readonly ExpectationForm[] | undefined,
  place: Place,
  names: ExpectationNames,
): Expectation[] {
  return itemsOf(forms).map(([i, form]) => {
    const type = EXPECTATION_TYPES.find((one) => EXPECTATIONS[one].key in form)!;
    return EXPECTATIONS[type].read(form, { place: place.at(i), names });
  });
}
