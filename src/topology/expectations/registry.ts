/** All kinds of expectations. A kind that is missing in one of the two lists does not compile. */
import { type Blocked, blocked } from './blocked.js';
import { type CounterExpectation, counter } from './counter.js';
import { type Delivered, delivered } from './delivered.js';
import type { ExpectationKind } from './kind.js';
import { type Lost, lost } from './lost.js';
import { type NoLeaks, noLeaks } from './no-leaks.js';
import { type RecoveredWithin, recoveredWithin } from './recovered-within.js';

/** An expectation of a scenario. */
export type Expectation = Lost | Delivered | RecoveredWithin | Blocked | CounterExpectation | NoLeaks;

export type ExpectationType = Expectation['type'];

/** The kinds by their type in scenarios, in the order of documentation. */
const KINDS = {
  flow: lost,
  share: delivered,
  recovered: recoveredWithin,
  blocked,
  counter,
  'no-leaks': noLeaks,
} satisfies { [T in ExpectationType]: ExpectationKind<Extract<Expectation, { type: T }>, object> };

type Kinds = typeof KINDS;

/** An expectation as a file has it. */
export type ParsedExpectation = { [T in ExpectationType]: Kinds[T]['example'] }[ExpectationType];

/** Whoever has an expectation asks the kind of its type, so that the two fit. */
export const EXPECTATIONS: {
  readonly [T in ExpectationType]: ExpectationKind<Expectation, ParsedExpectation>;
} = KINDS;

export const EXPECTATION_TYPES = Object.keys(KINDS) as readonly ExpectationType[];
