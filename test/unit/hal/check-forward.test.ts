/**
 * Where entries may send packets: what a program may not have from the start, an entry that comes later may not bring. Each case is
 * asked for both ways, and both must have the same answer.
 */
import { expect, test } from 'vitest';
import { CheckedHal } from '../../../src/hal/checked-hal.js';
import type { EntryOperation, EntryResult } from '../../../src/hal/hal.js';
import type {
  BasicPipe,
  ControlPipe,
  Domain,
  Forward,
  Mirror,
  Pipe,
  PipeProgram,
} from '../../../src/hal/program.js';
import { validateProgram } from '../../../src/hal/validate.js';
import { NotingDevice } from '../../support/noting-device.js';

const DROP = { to: 'drop' } as const;
const DOMAINS: readonly Domain[] = ['default', 'secure-ingress', 'egress', 'secure-egress'];
/** Both roots, and in each domain a pipe of either kind, and one that only receives. */
const FROM: readonly Pipe[] = [
  ...(['default', 'egress'] as const).flatMap((domain) => [control(`ROOT ${domain}`, domain, true)]),
  ...DOMAINS.flatMap((domain) => [control(`control ${domain}`, domain), basic(`basic ${domain}`, domain)]),
];
const ENDS = DOMAINS.map((domain) => ({ ...control(`end ${domain}`, domain), sizeEntries: 1 }));
const FORWARDS: readonly Forward[] = [
  DROP,
  { to: 'rss' },
  { to: 'kernel' },
  { to: 'port', port: 0 },
  { to: 'port', port: 2 },
  { to: 'pipe', pipe: 'NOWHERE' },
  ...['ROOT default', 'ROOT egress', ...ENDS.map(({ name }) => name)].map(
    (pipe): Forward => ({ to: 'pipe', pipe }),
  ),
];

function control(name: string, domain: Domain, isRoot = false): ControlPipe {
  return { type: 'control', name, domain, ...(isRoot ? { isRoot } : {}), sizeEntries: 3, miss: DROP };
}

function basic(name: string, domain: Domain): BasicPipe {
  const match = { 'meta.pkt_meta': { value: 'entry' } } as const;
  return { type: 'basic', name, domain, sizeEntries: 3, match, forward: 'entry', miss: DROP };
}

function entryOf(pipe: Pipe, forward: Forward, mirror?: string) {
  if (pipe.type === 'basic') return { match: { 'meta.pkt_meta': 1 }, forward };
  return { priority: 0, match: {}, forward, ...(mirror === undefined ? {} : { monitor: { mirror } }) };
}

/** `mirrors` are used by an entry of the ingress root each, where all of them are allowed. */
function program(mirrors: readonly Mirror[], changed?: Pipe): PipeProgram {
  const used = mirrors.map(({ name }) => ({
    priority: 1,
    match: {},
    forward: DROP,
    monitor: { mirror: name },
  }));
  const pipes = [...FROM, ...ENDS].map((pipe): Pipe => {
    const { entries = [], ...rest } = pipe.name === changed?.name ? changed : pipe;
    const all = pipe.name === 'ROOT default' ? [...used, ...entries] : entries;
    return { ...rest, entries: all } as Pipe;
  });
  return { name: 'every domain', pipes, mirrors };
}

/** What is wrong with the program that has the entry from the start. */
function asStatic(mirrors: readonly Mirror[], pipe: Pipe, entry: object): string | undefined {
  return validateProgram(program(mirrors, { ...pipe, entries: [entry] } as Pipe))[0]?.reason;
}

const reasonOf = (result: EntryResult | undefined) =>
  result !== undefined && 'error' in result ? result.error.reason : undefined;

test('no entry that is added or updated sends packets where the program itself could not', async () => {
  const hal = new CheckedHal(new NotingDevice());
  await hal.build(program([]));
  const refused = new Map<string, number>();
  for (const pipe of FROM) {
    for (const forward of FORWARDS) {
      const place = `${pipe.name} to ${JSON.stringify(forward)}`;
      const entry = entryOf(pipe, forward);
      const wanted = asStatic([], pipe, entry);
      const [added] = await hal.apply([{ operation: 'add', pipe: pipe.name, entry }]);
      expect(reasonOf(added), place).toBe(wanted);
      refused.set(pipe.name, (refused.get(pipe.name) ?? 0) + (wanted === undefined ? 0 : 1));
      if ('id' in added!) await hal.apply([{ operation: 'remove', id: added.id }]);
      const [harmless] = await hal.apply([{ operation: 'add', pipe: pipe.name, entry: entryOf(pipe, DROP) }]);
      const { id } = harmless as Extract<EntryResult, { id: unknown }>;
      const update: EntryOperation = { operation: 'update', id, forward };
      expect(reasonOf((await hal.apply([update]))[0]), `an update, ${place}`).toBe(wanted);
      await hal.apply([{ operation: 'remove', id }]);
    }
  }
  // The port and the pipe that are not there, and the ingress root, everywhere; the kernel but for the root; pipes by their domain.
  expect(Object.fromEntries(refused)).toEqual({
    'ROOT default': 3 + 1,
    'ROOT egress': 4 + 1 + 2,
    'control default': 4 + 1,
    'basic default': 4 + 1,
    'control secure-ingress': 4 + 1 + 2,
    'basic secure-ingress': 4 + 1 + 2,
    'control egress': 4 + 1 + 2,
    'basic egress': 4 + 1 + 2,
    'control secure-egress': 4 + 1 + 2,
    'basic secure-egress': 4 + 1 + 2,
  });
});

test('no entry that is added has packets copied to where the program itself could not have them copied', async () => {
  const mirrors = FORWARDS.filter(
    (forward) => !(forward.to === 'pipe' && /NOWHERE|ROOT default/.test(forward.pipe)),
  )
    .filter((forward) => !(forward.to === 'port' && forward.port === 2))
    .map((target, i): Mirror => ({ name: `mirror ${i}`, targets: [DROP, target] }));
  const hal = new CheckedHal(new NotingDevice());
  const root: Pipe = { ...FROM[0]!, sizeEntries: mirrors.length + 1 };
  await hal.build(program(mirrors, root));
  let refused = 0;
  for (const pipe of FROM.filter(({ type, name }) => type === 'control' && name !== root.name)) {
    for (const { name, targets } of [...mirrors, { name: 'NONE', targets: [] }]) {
      const entry = entryOf(pipe, DROP, name);
      const changed = program(mirrors, { ...pipe, entries: [entry] } as Pipe);
      const pipes = changed.pipes.map((one) => (one.name === root.name ? { ...one, sizeEntries: 12 } : one));
      const wanted = validateProgram({ ...changed, pipes })[0]?.reason;
      const [added] = await hal.apply([{ operation: 'add', pipe: pipe.name, entry }]);
      expect(reasonOf(added), `${pipe.name}, copies to ${JSON.stringify(targets[1])}`).toBe(wanted);
      if (wanted !== undefined) refused++;
      else
        await hal.apply([{ operation: 'remove', id: (added as Extract<EntryResult, { id: unknown }>).id }]);
    }
  }
  // Of five pipes: the mirror that is not there, the kernel, and of the egress side's three the egress root.
  expect(refused).toBe(5 + 5 + 3);
});
