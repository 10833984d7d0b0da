/** Random programs that are valid and that every device can build. */

import type { Choose } from '../../base/choose.js';
import type { FieldName } from '../../hal/fields.js';
import type {
  BasicEntry,
  BasicPipe,
  ControlEntry,
  Forward,
  MatchTemplate,
  Mirror,
  MissForward,
  Pipe,
  PipeProgram,
} from '../../hal/program.js';
import { UPLINK_PORT, VF_PORT } from '../../hal/program.js';
import { validateProgram } from '../../hal/validate.js';
import type { Aim } from './aims.js';
import { randomActions } from './random-actions.js';
import { mirrorsFor, randomBasicEntry, randomControlEntry } from './random-entries.js';
import { COPIED_FIELDS, fieldsFor, randomMatch } from './random-fields.js';
import { type Plan, randomForward, randomMiss } from './random-forwards.js';
import { plansWith, randomWay, type WayHit, type WayKind, type WayPipe } from './random-ways.js';
import type { Traffic } from './traffic.js';

const SIZE_ENTRIES = 12;

/** A program without what one device or the other leaves open; see `buildable`. `kind`: undefined where all is left to chance. */
export function randomProgram(choose: Choose, traffic: Traffic, kind: WayKind | undefined): PipeProgram {
  for (;;) {
    const program = pruned(draft(choose, traffic, kind));
    if (validateProgram(program).length === 0 && buildable(program)) return program;
  }
}

function draft(choose: Choose, traffic: Traffic, kind: WayKind | undefined): PipeProgram {
  const plans = plansWith(choose, kind);
  const way = kind === undefined ? new Map<string, WayPipe>() : randomWay(choose, kind, plans, traffic);
  const mirrors: Mirror[] = choose.once(3)
    ? [{ name: 'MIRROR', targets: choose.times(choose.between(1, 2), () => mirrorTarget(choose, plans)) }]
    : [];
  const skeleton: PipeProgram = {
    name: 'random',
    mirrors,
    pipes: plans.map(
      (plan): Pipe => ({ ...plan, type: 'control', sizeEntries: SIZE_ENTRIES, miss: { to: 'drop' } }),
    ),
  };
  const aims = new Map(plans.map(({ name }) => [name, traffic.aim(choose)]));
  const pipes = plans.map(({ name, domain, isRoot }, number): Pipe => {
    const aim = aims.get(name)!;
    const on = way.get(name);
    const { hit } = on ?? {};
    const passes = on !== undefined && hit === undefined;
    const common = {
      name,
      domain,
      ...(isRoot ? { isRoot } : {}),
      sizeEntries: choose.once(4) ? 3 : SIZE_ENTRIES,
      missCounter: !choose.once(4),
      miss: passes ? (on.next as MissForward) : randomMiss(choose, plans, number),
    };
    if (on === undefined ? choose.once(3) : on.type === 'control') return { ...common, type: 'control' };
    const mirror = mirrorsFor(mirrors, plans, number).length > 0 && choose.once(4) ? 'MIRROR' : undefined;
    const random = choose.once(4)
      ? []
      : choose.times(choose.between(1, 2), () => randomActions(choose, domain, true));
    const needed = hit !== undefined && Object.keys(hit.actions).length > 0;
    const actions =
      needed || random.length > 0 ? [...random, ...(hit === undefined ? [] : [hit.actions])] : [];
    return {
      ...common,
      type: 'basic',
      match:
        hit !== undefined
          ? openMatch(choose, hit)
          : takesCopies(mirrors, name)
            ? randomMatch(choose, choose.between(1, 2), true, COPIED_FIELDS)
            : randomMatch(choose, choose.below(4), true, fieldsFor(choose, aim), aim),
      ...(actions.length === 0 ? {} : { actions }),
      forward:
        mirror === undefined && choose.once(4)
          ? 'entry'
          : hit !== undefined
            ? on!.next
            : randomForward(choose, plans, number),
      ...(choose.once(3) && mirror === undefined
        ? {}
        : { monitor: { counter: !choose.once(4), ...(mirror === undefined ? {} : { mirror }) } }),
    };
  });
  const whole = { ...skeleton, pipes };
  return {
    ...skeleton,
    pipes: pipes.map((pipe) => withEntries(choose, whole, pipe, aims.get(pipe.name)!, way.get(pipe.name))),
  };
}

/** Some of the values are left to entries. */
function openMatch(choose: Choose, { match }: WayHit): MatchTemplate {
  return Object.fromEntries(
    Object.entries(match).map(([field, { value, mask }]) => [
      field,
      { value: choose.once(2) ? 'entry' : value, ...(mask === undefined ? {} : { mask }) },
    ]),
  );
}

const MIRROR_TARGETS: readonly Forward[] = [
  { to: 'rss' },
  { to: 'drop' },
  { to: 'port', port: UPLINK_PORT },
  { to: 'port', port: VF_PORT },
];

function mirrorTarget(choose: Choose, plans: readonly Plan[]): Forward {
  const pipes = plans.filter(({ isRoot }) => !isRoot);
  return choose.once(2) ? { to: 'pipe', pipe: choose.pick(pipes).name } : choose.pick(MIRROR_TARGETS);
}

function takesCopies(mirrors: readonly Mirror[], pipe: string): boolean {
  return mirrors.some(({ targets }) =>
    targets.some((target) => target.to === 'pipe' && target.pipe === pipe),
  );
}

function withEntries(
  choose: Choose,
  program: PipeProgram,
  pipe: Pipe,
  aim: Aim,
  on: WayPipe | undefined,
): Pipe {
  if (pipe.type === 'control') {
    const entries = choose.times(choose.below(3), (i) =>
      randomControlEntry(choose, program, pipe, aim, `s${i}`),
    );
    if (on?.hit !== undefined) entries.push(wayControlEntry(choose, on.hit, on.next));
    return entries.length === 0 ? pipe : { ...pipe, entries };
  }
  if (on?.hit !== undefined) return { ...pipe, entries: [wayBasicEntry(pipe, on.hit, on.next)] };
  if (choose.once(3)) return pipe;
  return { ...pipe, entries: [randomBasicEntry(choose, program, pipe, aim, 's0')] };
}

/** Most often before others. */
function wayControlEntry(
  choose: Choose,
  { match, condition, actions, values }: WayHit,
  forward: Forward,
): ControlEntry {
  return {
    label: 'way',
    priority: choose.between(0, 3),
    match,
    ...(condition === undefined ? {} : { condition }),
    ...(Object.keys(actions).length === 0 ? {} : { actions }),
    ...(values === undefined ? {} : { values }),
    forward,
    monitor: { counter: !choose.once(4) },
  };
}

/** Its action template is the pipe's last. */
function wayBasicEntry(pipe: BasicPipe, { match, values }: WayHit, forward: Forward): BasicEntry {
  const given = Object.entries(match).filter(([field]) => pipe.match[field as FieldName]!.value === 'entry');
  const actionIndex = (pipe.actions?.length ?? 1) - 1;
  return {
    label: 'way',
    ...(given.length === 0
      ? {}
      : {
          match: Object.fromEntries(
            given.map(([field, { value }]) => [field, value]),
          ) as BasicEntry['match'] & {},
        }),
    ...(actionIndex === 0 ? {} : { actionIndex }),
    ...(values === undefined ? {} : { values }),
    ...(pipe.forward === 'entry' ? { forward } : {}),
  };
}

/** Without pipes that nothing forwards to, and mirrors that nothing uses. */
function pruned(program: PipeProgram): PipeProgram {
  const reached = new Set<string>(
    program.pipes.filter((pipe) => pipe.isRoot === true).map(({ name }) => name),
  );
  const openForward = program.pipes.some((pipe) => pipe.type === 'basic' && pipe.forward === 'entry');
  for (let size = 0; size !== reached.size; ) {
    size = reached.size;
    for (const pipe of program.pipes) {
      if (!reached.has(pipe.name)) continue;
      const forwards: (Forward | 'entry' | undefined)[] = [
        pipe.miss,
        ...(pipe.type === 'basic' ? [pipe.forward] : []),
        ...(pipe.entries ?? []).map((entry) => entry.forward),
        ...(mirrorsOf(pipe).length > 0 ? (program.mirrors ?? []).flatMap(({ targets }) => targets) : []),
      ];
      for (const forward of forwards) {
        if (forward !== undefined && forward !== 'entry' && forward.to === 'pipe') reached.add(forward.pipe);
      }
    }
  }
  const pipes = openForward ? program.pipes : program.pipes.filter(({ name }) => reached.has(name));
  const used = pipes.some((pipe) => mirrorsOf(pipe).length > 0);
  const { mirrors, ...rest } = program;
  return { ...rest, pipes, ...(used && mirrors !== undefined ? { mirrors } : {}) };
}

function mirrorsOf(pipe: Pipe): string[] {
  const monitors =
    pipe.type === 'basic' ? [pipe.monitor] : (pipe.entries ?? []).map(({ monitor }) => monitor);
  return monitors.flatMap((monitor) => monitor?.mirror ?? []);
}

/** DOCA has one crypto action and one change of headers per action template. */
function buildable(program: PipeProgram): boolean {
  return program.pipes.every((pipe) => {
    const templates =
      pipe.type === 'basic' ? (pipe.actions ?? []) : (pipe.entries ?? []).map(({ actions }) => actions ?? {});
    return templates.every(
      ({ decap, encap, decrypt, encrypt }) =>
        !(decap !== undefined && encap !== undefined) && !(decrypt === true && encrypt !== undefined),
    );
  });
}
