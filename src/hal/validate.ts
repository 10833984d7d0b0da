/**
 * Whether a PipeProgram can be built: every reference resolves, domains may follow each other, a match is
 * possible, there is no cycle, every pipe can be reached. All problems are found, not only the first.
 */
import {
  checkActions,
  checkBasicEntry,
  checkControlEntry,
  checkFields,
  checkPossible,
  checkWords,
  type EntryContext,
} from './check-entry.js';
import { checkForward, checkMirror } from './check-forward.js';
import { type HalError, ProgramError, reporter } from './errors.js';
import { FIELDS, type FieldName } from './fields.js';
import type { DeviceLimits } from './hal.js';
import type { Forward, Mirror, Pipe, PipeProgram } from './program.js';
import { copyProgram } from './program-shape.js';

/**
 * Bits that one basic pipe can match at most. On hardware an SPI, an id and one IPv6 address fit together with the
 * small parser fields; an SPI and two IPv6 addresses do not.
 */
export const MATCH_WIDTH_BITS_MAX = 288;

/** Action templates of a basic pipe: an entry names its own by an octet (DOCA Flow's action_idx). */
const ACTION_TEMPLATES_MAX = 256;

/** One way that packets can take, for the checks of cycles and reachability. */
interface Edge {
  readonly from: Pipe;
  readonly forward: Forward;
}

/** All problems of the program; none: it can be built on a device with these limits. */
export function validateProgram(program: PipeProgram, limits?: DeviceLimits): HalError[] {
  const problems: HalError[] = [];
  const copy = copyProgram(program, problems);
  return copy === null ? problems : problemsOf(copy, limits);
}

function problemsOf(program: PipeProgram, limits: DeviceLimits | undefined): HalError[] {
  const problems: HalError[] = [];
  const pipes = new Map<string, Pipe>();
  for (const pipe of program.pipes) {
    if (pipes.has(pipe.name)) reporter(problems, { pipe: pipe.name })('the name is taken by another pipe');
    pipes.set(pipe.name, pipe);
  }
  const mirrors = new Map<string, Mirror>();
  for (const mirror of program.mirrors ?? []) {
    const report = reporter(problems, {});
    if (mirrors.has(mirror.name)) report(`mirror ${mirror.name}: the name is taken by another mirror`);
    mirrors.set(mirror.name, mirror);
    if (mirror.targets.length === 0) report(`mirror ${mirror.name}: it has no targets`);
  }
  const context: EntryContext = {
    pipes,
    mirrors,
    keySlots: limits?.keySlots ?? 0xffffffff,
    pspWords: limits === undefined || limits.pspWords === true,
  };
  for (const pipe of program.pipes) checkPipe(pipe, context, limits, problems);
  checkRoots(program, problems);
  checkMirrorUse(program, problems);
  checkPaths(program, pipes, edgesOf(program), problems);
  return problems;
}

/** Returns a copy of the program that shares nothing with it. Throws ProgramError with all problems. */
export function assertValidProgram(program: PipeProgram, limits?: DeviceLimits): PipeProgram {
  const problems: HalError[] = [];
  const copy = copyProgram(program, problems);
  if (copy !== null) problems.push(...problemsOf(copy, limits));
  if (problems.length > 0) throw new ProgramError(copy?.name ?? '', problems);
  return copy!;
}

function checkPipe(
  pipe: Pipe,
  context: EntryContext,
  limits: DeviceLimits | undefined,
  problems: HalError[],
): void {
  const report = reporter(problems, { pipe: pipe.name });
  const largest = limits?.entriesPerPipe ?? Number.MAX_SAFE_INTEGER;
  if (!Number.isInteger(pipe.sizeEntries) || pipe.sizeEntries < 1 || pipe.sizeEntries > largest) {
    report(`expected 1 to ${largest}, got ${pipe.sizeEntries}`, 'sizeEntries');
  }
  const entries = pipe.entries ?? [];
  if (entries.length > pipe.sizeEntries) {
    report(`${entries.length} static entries do not fit ${pipe.sizeEntries}`, 'entries');
  }
  const labels = new Set<string>();
  for (const { label } of entries) {
    if (label === undefined) continue;
    if (labels.has(label)) report(`the label ${label} is there twice`, 'entries');
    labels.add(label);
  }
  checkForward(pipe, pipe.miss, 'miss', context, report);
  if (pipe.type === 'control') {
    for (const [i, entry] of (pipe.entries ?? []).entries()) {
      problems.push(...checkControlEntry(pipe, entry, context, i));
    }
    return;
  }
  checkFields(pipe.match, true, report);
  checkWords(Object.keys(pipe.match), context, '', report);
  checkPossible(pipe.match, report);
  const widthBits = Object.keys(pipe.match).reduce(
    (sum, name) => sum + (FIELDS[name as FieldName]?.widthBits ?? 0),
    0,
  );
  if (widthBits > MATCH_WIDTH_BITS_MAX) {
    report(`${widthBits} bits; a basic pipe matches at most ${MATCH_WIDTH_BITS_MAX}; use two pipes`, 'match');
  }
  if (pipe.actions?.length === 0) report('an empty list; leave it out instead', 'actions');
  if ((pipe.actions?.length ?? 0) > ACTION_TEMPLATES_MAX) {
    report(`${pipe.actions!.length} templates; a pipe has at most ${ACTION_TEMPLATES_MAX}`, 'actions');
  }
  for (const actions of pipe.actions ?? []) {
    checkFields(actions.set ?? {}, true, report);
    checkActions(actions, pipe.domain, context, report);
  }
  if (pipe.forward !== 'entry') checkForward(pipe, pipe.forward, 'forward', context, report);
  checkMirror(pipe, pipe.monitor?.mirror, context, report);
  for (const [i, entry] of (pipe.entries ?? []).entries()) {
    problems.push(...checkBasicEntry(pipe, entry, context, i));
  }
}

function checkRoots(program: PipeProgram, problems: HalError[]): void {
  const report = reporter(problems, {});
  const roots = program.pipes.filter((pipe) => pipe.isRoot === true);
  const ingress = roots.filter((pipe) => pipe.domain === 'default');
  const egress = roots.filter((pipe) => pipe.domain === 'egress');
  if (ingress.length !== 1) report(`expected one root in domain default, got ${ingress.length}`);
  if (egress.length > 1) report(`expected at most one root in domain egress, got ${egress.length}`);
  for (const pipe of roots) {
    if (pipe.domain !== 'default' && pipe.domain !== 'egress') {
      reporter(problems, { pipe: pipe.name })(`a root cannot be in domain ${pipe.domain}`, 'isRoot');
    }
  }
}

function edgesOf(program: PipeProgram): Edge[] {
  const mirrors = new Map((program.mirrors ?? []).map((mirror) => [mirror.name, mirror]));
  const edges: Edge[] = [];
  for (const from of program.pipes) {
    const add = (forward: Forward) => edges.push({ from, forward });
    const copies = (name: string | undefined) => {
      for (const target of mirrors.get(name ?? '')?.targets ?? []) add(target);
    };
    add(from.miss);
    if (from.type === 'control') {
      for (const entry of from.entries ?? []) {
        add(entry.forward);
        copies(entry.monitor?.mirror);
      }
    } else {
      if (from.forward !== 'entry') add(from.forward);
      for (const entry of from.entries ?? []) if (entry.forward !== undefined) add(entry.forward);
      copies(from.monitor?.mirror);
    }
  }
  return edges;
}

function checkMirrorUse(program: PipeProgram, problems: HalError[]): void {
  const used = new Set<string | undefined>();
  for (const pipe of program.pipes) {
    if (pipe.type === 'basic') used.add(pipe.monitor?.mirror);
    else for (const entry of pipe.entries ?? []) used.add(entry.monitor?.mirror);
  }
  for (const mirror of program.mirrors ?? []) {
    if (!used.has(mirror.name)) reporter(problems, {})(`mirror ${mirror.name}: no pipe uses it`);
  }
}

/** No cycles, and nothing that no packet can reach. */
function checkPaths(
  program: PipeProgram,
  pipes: ReadonlyMap<string, Pipe>,
  edges: readonly Edge[],
  problems: HalError[],
): void {
  const successors = new Map<string, string[]>(program.pipes.map((pipe) => [pipe.name, []]));
  for (const { from, forward } of edges) {
    if (forward.to === 'pipe' && pipes.has(forward.pipe)) successors.get(from.name)!.push(forward.pipe);
  }
  const state = new Map<string, 'open' | 'done'>();
  const visit = (name: string): void => {
    state.set(name, 'open');
    for (const next of successors.get(name)!) {
      if (state.get(next) === 'open') {
        reporter(problems, { pipe: name })(`packets can come back here through ${next}: a cycle`);
      } else if (!state.has(next)) visit(next);
    }
    state.set(name, 'done');
  };
  const anyEntryForward = program.pipes.some((pipe) => pipe.type === 'basic' && pipe.forward === 'entry');
  for (const pipe of program.pipes) if (pipe.isRoot === true && !state.has(pipe.name)) visit(pipe.name);
  for (const pipe of program.pipes) {
    if (state.has(pipe.name)) continue;
    // Entries that come later may forward to it, where a pipe leaves that open.
    if (!anyEntryForward) reporter(problems, { pipe: pipe.name })('no packet can reach it');
    visit(pipe.name);
  }
}
