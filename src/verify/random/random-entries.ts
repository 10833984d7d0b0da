/** Random entries for pipes of a program that is there. */

import type { Choose } from '../../base/choose.js';
import { FIELDS, type FieldName, type FieldValue } from '../../hal/fields.js';
import type {
  BasicEntry,
  BasicPipe,
  ControlEntry,
  ControlPipe,
  Domain,
  FieldMatch,
  Forward,
  Mirror,
  Pipe,
  PipeProgram,
} from '../../hal/program.js';
import type { Aim } from './aims.js';
import { randomActions, randomValues } from './random-actions.js';
import {
  compatible,
  FIELD_NAMES,
  fieldsFor,
  likelyValue,
  masked,
  NO_CONDITION,
  randomMatch,
} from './random-fields.js';
import { randomForward } from './random-forwards.js';

/** `aim`: of the packets that are to hit it. `label`: absent for most. */
export function randomBasicEntry(
  choose: Choose,
  program: PipeProgram,
  pipe: BasicPipe,
  aim: Aim,
  label?: string,
): BasicEntry {
  const match: Record<string, FieldValue> = {};
  for (const [field, { value, mask }] of Object.entries(pipe.match) as [FieldName, FieldMatch][]) {
    if (value === 'entry') match[field] = masked(likelyValue(choose, field, aim), mask);
  }
  const actionIndex = pipe.actions === undefined ? 0 : choose.below(pipe.actions.length);
  const values = randomValues(choose, pipe.actions?.[actionIndex] ?? {});
  return {
    ...(label === undefined ? {} : { label }),
    ...(Object.keys(match).length === 0 ? {} : { match: match as NonNullable<BasicEntry['match']> }),
    ...(actionIndex === 0 ? {} : { actionIndex }),
    ...(values === undefined ? {} : { values }),
    ...(pipe.forward === 'entry' ? { forward: entryForward(choose, program, pipe) } : {}),
  };
}

/** A forward for an entry of a program that is there. */
export function entryForward(choose: Choose, program: PipeProgram, pipe: Pipe): Forward {
  const plans = program.pipes.map(({ name, domain, isRoot }) => ({ name, domain, isRoot: isRoot === true }));
  return randomForward(choose, plans, program.pipes.indexOf(pipe));
}

export function randomControlEntry(
  choose: Choose,
  program: PipeProgram,
  pipe: ControlPipe,
  aim: Aim,
  label?: string,
): ControlEntry {
  const match = randomMatch(choose, choose.below(4), false, fieldsFor(choose, aim), aim);
  const actions = choose.once(2) ? randomActions(choose, pipe.domain, false) : undefined;
  const values = actions === undefined ? undefined : randomValues(choose, actions);
  const field = choose.pick(FIELD_NAMES);
  const condition =
    choose.once(4) && FIELDS[field].widthBits <= 32 && !NO_CONDITION.test(field) && !(field in match)
      ? compatible(field, match)
        ? {
            field,
            operation: choose.pick(['lt', 'le', 'gt', 'ge', 'ne'] as const),
            value: likelyValue(choose, field, aim) as number,
          }
        : undefined
      : undefined;
  const mirrors = mirrorsFor(program.mirrors ?? [], program.pipes, program.pipes.indexOf(pipe));
  const mirror = mirrors.length > 0 && choose.once(3) ? choose.pick(mirrors).name : undefined;
  const counter = !choose.once(4);
  return {
    ...(label === undefined ? {} : { label }),
    priority: choose.between(0, 6),
    match,
    ...(condition === undefined ? {} : { condition }),
    ...(actions === undefined ? {} : { actions }),
    ...(values === undefined ? {} : { values }),
    forward: entryForward(choose, program, pipe),
    ...(counter || mirror !== undefined
      ? { monitor: { counter, ...(mirror === undefined ? {} : { mirror }) } }
      : {}),
  };
}

/** Those whose copies stay on the side of pipe number `from`, and go to later pipes only, so that there is no circle. */
export function mirrorsFor(
  mirrors: readonly Mirror[],
  pipes: readonly Pick<Pipe, 'name' | 'domain'>[],
  from: number,
): readonly Mirror[] {
  const isEgress = ({ domain }: { domain: Domain }) => domain.includes('egress');
  const later = pipes.slice(from + 1).filter((pipe) => isEgress(pipe) === isEgress(pipes[from]!));
  return mirrors.filter(({ targets }) =>
    targets.every((target) => target.to !== 'pipe' || later.some(({ name }) => name === target.pipe)),
  );
}
