/** An entry of a control pipe says all of itself, so what a program may not have, an entry that comes later may not have either. */
import { expect, test } from 'vitest';
import { ProgramError } from '../../../src/hal/errors.js';
import type { ControlEntry, ControlPipe, PipeProgram } from '../../../src/hal/program.js';
import { openSimHarness } from '../../../src/verify/sim-harness.js';

const DROP = { to: 'drop' } as const;
const entry = (more: object): ControlEntry => ({ priority: 0, match: {}, forward: DROP, ...more });
const actions = (of: object, more: object = {}) => entry({ actions: of, ...more });
const encapsulating = (netType: string, outer: string, extensionOctets?: number) => {
  const plainOctets = netType === 'psp-tunnel' ? (outer === 'ipv4' ? 58 : 78) : 24;
  const extension = extensionOctets === undefined ? {} : { extensionOctets };
  return actions(
    { encap: { netType, outer, cookie: false, ...extension } },
    { values: { encapHeader: new Uint8Array(plainOctets + (extensionOctets ?? 0)) } },
  );
};

/** By the pipe's domain, what is wrong with the entry, and the field that is named. */
const WRONG: readonly [ControlPipe['domain'], string, ControlEntry][] = [
  ['default', 'decrypt', actions({ decrypt: true })],
  ['egress', 'decap', actions({ decap: { netType: 'psp-over-ipv4' } })],
  ['secure-ingress', 'encap', encapsulating('psp-over-ipv4', 'ipv4')],
  ['egress', 'encrypt', actions({ encrypt: { cryptoId: 1 } })],
  ['secure-egress', 'encrypt.cryptoId', actions({ encrypt: { cryptoId: 0 } })],
  ['default', 'set.outer.ip4.src_ip', actions({ set: { 'outer.ip4.src_ip': { value: 1 } } })],
  ['default', 'decap.ethernetHeader', actions({ decap: { netType: 'psp-tunnel' } })],
  [
    'default',
    'decap.ethernetHeader',
    actions({ decap: { netType: 'psp-tunnel', ethernetHeader: new Uint8Array(13) } }),
  ],
  [
    'default',
    'decap.ethernetHeader',
    actions({ decap: { netType: 'psp-over-ipv6', ethernetHeader: new Uint8Array(14) } }),
  ],
  ['egress', 'encap.outer', encapsulating('psp-over-ipv4', 'ipv6')],
  ['egress', 'encap.extensionOctets', encapsulating('psp-tunnel', 'ipv4', 32)],
  ['egress', 'encap.extensionOctets', encapsulating('psp-over-ipv6', 'ipv6', 4)],
  ['egress', 'encap.extensionOctets', encapsulating('psp-tunnel', 'ipv6', -8)],
  [
    'default',
    'outer.ip4',
    entry({ match: { 'outer.ip4.next_proto': { value: 6 }, 'outer.ip6.next_proto': { value: 6 } } }),
  ],
  [
    'default',
    'parser_meta.inner_l3_type',
    entry({ match: { 'inner.ip4.dst_ip': { value: 1 }, 'parser_meta.inner_l3_type': { value: 2 } } }),
  ],
];
/** What is right, so that nothing is refused for being an entry that comes later. */
const RIGHT: readonly [ControlPipe['domain'], ControlEntry][] = [
  ['secure-ingress', actions({ decrypt: true, decap: { netType: 'psp-over-ipv4' } })],
  ['default', actions({ decap: { netType: 'psp-tunnel', ethernetHeader: new Uint8Array(14) } })],
  ['egress', encapsulating('psp-tunnel', 'ipv6')],
  ['egress', encapsulating('psp-tunnel', 'ipv6', 24)],
  ['secure-egress', actions({ encrypt: { cryptoId: 1 }, set: { 'meta.pkt_meta': { value: 1 } } })],
  [
    'default',
    entry({ match: { 'inner.ip4.dst_ip': { value: 1 }, 'parser_meta.inner_l3_type': { value: 1 } } }),
  ],
];

function program(domain: ControlPipe['domain'], entries: readonly ControlEntry[]): PipeProgram {
  const control = { type: 'control', sizeEntries: 2, miss: DROP } as const;
  const all: readonly ControlEntry[] = [entry({ forward: { to: 'pipe', pipe: 'PIPE' } })];
  const root: ControlPipe = { ...control, name: 'ROOT', domain: 'default', isRoot: true };
  if (domain === 'default') return { name: 'entries', pipes: [{ ...root, name: 'PIPE', entries }] };
  const pipe: ControlPipe = { ...control, name: 'PIPE', domain, entries };
  if (domain === 'secure-ingress') return { name: 'entries', pipes: [{ ...root, entries: all }, pipe] };
  const out: ControlPipe = { ...control, name: 'OUT', domain: 'egress', isRoot: true, entries: all };
  const pipes = domain === 'egress' ? [root, { ...pipe, isRoot: true }] : [root, out, pipe];
  return { name: 'entries', pipes };
}

/** What is said of an entry that the program has. */
async function staticProblem(domain: ControlPipe['domain'], wrong: ControlEntry) {
  const { hal } = await openSimHarness();
  const error = await hal.build(program(domain, [wrong])).then(
    () => undefined,
    (reason: unknown) => reason as ProgramError,
  );
  if (error !== undefined) expect(error).toBeInstanceOf(ProgramError);
  return error?.problems.map(({ code, reason, place }) => ({ code, reason, place }))[0];
}

/** What is said of the same entry when it comes later. */
async function laterProblem(domain: ControlPipe['domain'], wrong: ControlEntry) {
  const { hal } = await openSimHarness();
  await hal.build(program(domain, []));
  const [result] = await hal.apply([{ operation: 'add', pipe: 'PIPE', entry: wrong }]);
  if (!('error' in result!)) return undefined;
  const { code, reason, place } = result.error;
  return { code, reason, place };
}

test.each(WRONG)('in domain %s, %s is refused at whatever time', async (domain, field, wrong) => {
  const problem = await laterProblem(domain, wrong);
  expect(problem).toMatchObject({ code: 'INVALID_VALUE', place: { pipe: 'PIPE', field } });
  expect(problem).toEqual(await staticProblem(domain, wrong));
});

test.each(RIGHT)('in domain %s, what is right is taken at whatever time', async (domain, right) => {
  expect([await staticProblem(domain, right), await laterProblem(domain, right)]).toEqual([
    undefined,
    undefined,
  ]);
});
