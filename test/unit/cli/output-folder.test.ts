import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { OutputFolder, OutputFolderError } from '../../../src/cli/output-folder.js';

let folder: string;
let run: string;
let umask: number;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'psp-gateway-output-'));
  run = join(folder, 'run');
  umask = process.umask(0);
});

afterEach(() => {
  process.umask(umask);
  rmSync(folder, { recursive: true, force: true });
});

const modeOf = (path: string) => (lstatSync(path).mode & 0o777).toString(8);
const LIST = '.psp-gateway-run';
const octets = (text: string) => Buffer.from(text);

function write(output: OutputFolder, ...names: string[]): void {
  for (const name of ['report.json', ...names]) output.write(name, octets(name));
}

test('keys and captures are their owner’s only, and the folder of keys, too', () => {
  const output = new OutputFolder(run, 'private');
  write(output, 'keys.jsonl', 'link-a_uplink-b_uplink.pcapng');
  output.finish();
  const modes = Object.fromEntries(readdirSync(run).map((name) => [name, modeOf(join(run, name))]));
  expect(modes).toEqual({
    [LIST]: '666',
    'report.json': '666',
    'keys.jsonl': '600',
    'link-a_uplink-b_uplink.pcapng': '600',
  });
  expect(modeOf(run)).toBe('700');
  const other = new OutputFolder(join(folder, 'other'));
  write(other);
  other.finish();
  expect(modeOf(join(folder, 'other'))).toBe('777');
});

test('what grows is its owner’s only, beside the place, under a name that nobody guesses', () => {
  const output = new OutputFolder(run);
  output.write('run.log', new Uint8Array((1 << 20) + 1));
  output.write('run.log', octets('end'));
  const [name] = readdirSync(folder);
  expect(name).toMatch(/^\.psp-gateway-.+-[0-9a-f]{32}\.part$/);
  expect(modeOf(join(folder, name!))).toBe('700');
  output.finish();
  expect(readFileSync(join(run, 'run.log')).subarray((1 << 20) + 1)).toEqual(octets('end'));
  expect(readdirSync(folder)).toEqual(['run']);
});

test('a folder that was made beforehand under the name of old is not used', () => {
  const planted = join(folder, `.run.${process.pid}.part`);
  mkdirSync(planted, { mode: 0o777 });
  const output = new OutputFolder(run);
  write(output);
  output.finish();
  expect(readdirSync(planted)).toEqual([]);
  expect(readdirSync(run)).toEqual([LIST, 'report.json']);
});

test('takes the place of an earlier run', () => {
  const drawings = ['sequence', 'topology', 'pipes-h1'].flatMap((name) => [`${name}.mmd`, `${name}.svg`]);
  for (const names of [[...drawings, 'report.md', 'run.log', 'keys.jsonl'], ['vf-h1.pcapng']]) {
    const output = new OutputFolder(run);
    write(output, ...names);
    output.finish();
  }
  expect(readdirSync(run).sort()).toEqual([LIST, 'report.json', 'vf-h1.pcapng']);
});

function finished(...names: string[]): void {
  const output = new OutputFolder(run);
  write(output, ...names);
  output.finish();
}

test.each([
  ['a file', (path: string) => writeFileSync(join(path, 'thesis.tex'), 'precious')],
  ['a folder', (path: string) => mkdirSync(join(path, 'link-a.pcapng'))],
  ['a link', (path: string) => symlinkSync('/etc/passwd', join(path, 'run.log'))],
])('%s that no run has written keeps its folder, before a run and after it', (_what, plant) => {
  finished('link-a.pcapng', 'run.log');
  finished();
  const output = new OutputFolder(run);
  write(output);
  plant(run);
  const there = readdirSync(run).filter((name) => !name.endsWith('.part'));
  expect(() => output.finish()).toThrow(OutputFolderError);
  output.discard();
  expect(() => new OutputFolder(run)).toThrow(/has files that no run has written/);
  expect(readdirSync(run)).toEqual(there);
  expect(readdirSync(folder)).toEqual(['run']);
});

test('files of runs’ names without the list are nobody’s run', () => {
  for (const name of ['run/.git', 'run/src']) mkdirSync(join(folder, name), { recursive: true });
  for (const name of ['report.json', 'run.log']) writeFileSync(join(run, name), 'precious');
  expect(() => new OutputFolder(run)).toThrow(OutputFolderError);
  for (const name of ['.git', 'src']) rmSync(join(run, name), { recursive: true });
  expect(() => new OutputFolder(run)).toThrow(OutputFolderError);
  expect(readdirSync(run)).toEqual(['report.json', 'run.log']);
});

test('what a killed run has left in the folder is not in the way', () => {
  finished();
  mkdirSync(join(run, '.psp-gateway-00000000-1-1-0.part'));
  finished();
  expect(readdirSync(run)).toEqual(['.psp-gateway-00000000-1-1-0.part', LIST, 'report.json']);
});

describe('the folder in which one works', () => {
  let before: string;
  beforeEach(() => {
    before = process.cwd();
    mkdirSync(run);
    process.chdir(run);
  });
  afterEach(() => process.chdir(before));

  const finishedHere = (...names: string[]) => {
    const output = new OutputFolder('.');
    write(output, ...names);
    output.finish();
  };

  test('takes runs, one after the other, beside what is there', () => {
    writeFileSync('two-hosts.yaml', 'precious');
    const { ino } = lstatSync('.');
    finishedHere('vf-h1.pcapng');
    finishedHere();
    expect(readdirSync('.')).toEqual([LIST, 'report.json', 'two-hosts.yaml']);
    expect(lstatSync(run).ino).toBe(ino);
  });

  test('takes none in the place of a file that no run has written', () => {
    finishedHere();
    writeFileSync('vf-h1.pcapng', 'precious');
    expect(() => new OutputFolder('.')).toThrow(/has files that no run has written \(vf-h1.pcapng\)/);
    expect(readFileSync('vf-h1.pcapng', 'utf8')).toBe('precious');
  });

  test('gives away nothing but what runs write, whatever is on the list', () => {
    writeFileSync(join(folder, 'report.json'), 'precious');
    writeFileSync('thesis.tex', 'precious');
    writeFileSync(LIST, 'thesis.tex\n../report.json\nlink-/../../report.json\nlink-/../x.pcapng\n');
    finishedHere();
    expect(readdirSync('.')).toEqual([LIST, 'report.json', 'thesis.tex']);
    expect(readdirSync(folder)).toEqual(['report.json', 'run']);
  });
});

test('a link in its place goes, and what it points to stays', () => {
  const elsewhere = join(folder, 'elsewhere');
  mkdirSync(elsewhere);
  writeFileSync(join(elsewhere, 'report.json'), 'precious');
  symlinkSync(elsewhere, run);
  const output = new OutputFolder(run);
  write(output);
  output.finish();
  expect(lstatSync(run).isDirectory()).toBe(true);
  expect(readFileSync(join(elsewhere, 'report.json'), 'utf8')).toBe('precious');
});

test('what is discarded leaves nothing; a place that cannot be had is named', () => {
  const output = new OutputFolder(run);
  write(output);
  output.discard();
  expect(readdirSync(folder)).toEqual([]);
  writeFileSync(join(folder, 'file'), '');
  chmodSync(join(folder, 'file'), 0o600);
  expect(() => new OutputFolder(join(folder, 'file'))).toThrow(/--output: .*file is a file; name a folder/);
});
