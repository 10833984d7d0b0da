/**
 * Names that others chose, in files that a command reads: none drives the terminal that shows what the command says, turns its
 * writing round, or makes a line of its own, whether the command takes the file or refuses it.
 */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { askedWithin } from '../support/asked-within.js';
import { ROOT } from '../support/root.js';

/** An escape sequence, one in C1, a turned direction, and a line of its own. */
const EVIL = 'x\u001b[2J\u009b31m\u202egpj\u2028\nERROR forged';
/** All but line feeds, which our own lines end with. */
const UNPRINTABLE = /(?!\n)[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/u;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'psp-gateway-strings-'));
  mkdirSync(join(folder, 'captures'));
  copyFileSync(join(ROOT, 'examples/traffic/v1-v2.pcap'), join(folder, 'captures', EVIL));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function run(...argv: string[]) {
  const { status, out, err } = await askedWithin(argv, folder);
  return { status, said: `${out}${err}` };
}

function expectTame(text: string): void {
  expect(UNPRINTABLE.exec(text)?.[0]).toBeUndefined();
  expect(text).not.toMatch(/^ERROR forged/m);
}

const quoted = JSON.stringify(EVIL);
const topology = (parts: {
  name?: string;
  node?: string;
  flow?: string;
  file?: string;
  counter?: string;
}) => `
name: ${parts.name ?? 'two'}
topology:
  nodes:
    ${parts.node ?? 'H1'}: { kind: gateway, underlay: ["2001:db8::1"], oob: 10.0.0.1, workloads: { V1: [192.168.1.33] } }
    H2: { kind: gateway, underlay: ["2001:db8::2"], oob: 10.0.0.2, workloads: { V2: [192.168.1.55] } }
  links: [{ endpoints: [${parts.node ?? 'H1'}:p0, H2:p0] }]
scenario:
  traffic:
    ${parts.flow ?? 'ping'}: { type: ping, from: V1, to: V2, family: 4, count: 2 }
    ${parts.file === undefined ? '' : `played: { type: replay, from: V1, file: ${parts.file} }`}
  expect:
    - { counter: ${parts.counter ?? 'tunnels'}, min: 1000 }
`;

describe('what `topology` says of a file', () => {
  test.each([
    ['the name of the topology', { name: quoted }],
    ['the name of a gateway', { node: quoted }],
    ['the name of a flow', { flow: quoted }],
    ['the name of a counter', { counter: quoted }],
    ['a replay that is not there', { file: JSON.stringify(`nowhere/${EVIL}`) }],
    ['a replay that is there', { file: JSON.stringify(`captures/${EVIL}`) }],
  ])('whose evil part is %s', async (_, parts) => {
    writeFileSync(join(folder, 'evil.yaml'), topology(parts));
    for (const argv of [
      ['validate', 'evil.yaml'],
      ['validate', 'evil.yaml', '--json'],
      ['counters', 'evil.yaml'],
      ['graph', 'evil.yaml'],
      ['graph', 'evil.yaml', '--format=dot'],
    ]) {
      const { said } = await run('topology', ...argv);
      expect(said).not.toBe('');
      expectTame(said);
    }
  });

  test('after a run and a search, in all that is printed and in the files for people and programs', async () => {
    const file = JSON.stringify(`captures/${EVIL}`);
    writeFileSync(join(folder, 'evil.yaml'), topology({ file }));
    const printed = await run('topology', 'run', 'evil.yaml', '--output', 'out');
    expect(printed).toMatchObject({ status: 1, said: expect.stringContaining('FAILED') });
    expectTame(printed.said);
    expectTame((await run('topology', 'run', 'evil.yaml', '--json')).said);
    const texts = readdirSync(join(folder, 'out')).filter((name) => /\.(json|log|md|mmd)$/.test(name));
    expect(texts).toEqual(expect.arrayContaining(['report.json', 'report.md', 'run.log']));
    for (const name of texts) expectTame(readFileSync(join(folder, 'out', name), 'utf8'));
    // Names of topologies, gateways and flows that are evil make no run.
    writeFileSync(join(folder, 'named.yaml'), topology({ name: quoted, node: quoted, flow: quoted }));
    const refused = await run('topology', 'run', 'named.yaml', '--output', 'named');
    expect(refused).toMatchObject({ status: 2, said: expect.stringContaining('\\u{1b}[2J') });
    expectTame(refused.said);
    expect(existsSync(join(folder, 'named'))).toBe(false);
    const found = await run('topology', 'fuzz', 'evil.yaml', '--runs=1', '--output=found.yaml');
    expectTame(found.said);
  });
});
