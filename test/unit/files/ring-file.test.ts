import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { RingFile, type RingFileOptions, WAITING_OCTETS_MAX } from '../../../src/files/ring-file.js';

let folder: string;
let path: string;
let problems: unknown[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'psp-gateway-ring-'));
  path = join(folder, 'r');
  problems = [];
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const open = (octetsMax: number, more: Partial<RingFileOptions> = {}) =>
  RingFile.open(path, {
    octetsMax,
    head: ({ number, linesBefore }) => `head ${number} ${linesBefore}`,
    gap: (lines) => `gap ${lines}`,
    soon: (work) => void setImmediate(work),
    onProblem: (error) => problems.push(error),
    ...more,
  });
const linesOf = (name: string) => readFileSync(name, 'utf8').trimEnd().split('\n');
const turns = async (count: number) => {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setTimeout(resolve, 5));
};

describe('a ring file', () => {
  test('has its lines, in a file of its owner only', async () => {
    const ring = await open(10_000);
    ring.write('a');
    ring.write('b');
    await ring.close();
    expect(linesOf(path)).toEqual(['head 1 0', 'a', 'b']);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(existsSync(`${path}.1`)).toBe(false);
  });

  test('keeps within its size, in two parts that say what was before', async () => {
    const ring = await open(2000);
    for (let i = 0; i < 300; i++) {
      ring.write(`line ${i} ${'x'.repeat(40)}`);
      if (i % 10 === 0) await turns(1);
    }
    await ring.close();
    const [older, newer] = [linesOf(`${path}.1`), linesOf(path)];
    expect(statSync(path).size + statSync(`${path}.1`).size).toBeLessThanOrEqual(2000);
    const [, part, before] = newer[0]!.split(' ');
    expect(Number(part)).toBeGreaterThan(5);
    expect(older[0]).toBe(`head ${Number(part) - 1} ${Number(before) - (older.length - 1)}`);
    const numbers = [...older.slice(1), ...newer.slice(1)].map((line) => Number(line.split(' ')[1]));
    expect(numbers.at(-1)).toBe(299);
    expect(numbers).toEqual(numbers.map((_, i) => numbers[0]! + i));
    expect(Number(before) + newer.length - 1).toBe(300);
    expect(statSync(`${path}.1`).mode & 0o777).toBe(0o600);
  });

  test('says how many lines are missing that no part has room for, or that the disk has not taken', async () => {
    const ring = await open(2000);
    ring.write('a');
    ring.write('x'.repeat(1500));
    ring.write('b');
    await ring.close();
    expect(linesOf(path)).toEqual(['head 1 0', 'a', 'gap 1', 'b']);
    const slow = await open(64 * 2 ** 20, { soon: () => {} });
    const line = 'y'.repeat(WAITING_OCTETS_MAX / 4);
    // In one turn, in which nothing but the first can be on its way to the disk.
    for (let i = 0; i < 8; i++) slow.write(line);
    await turns(20);
    slow.write('c');
    await slow.close();
    expect(linesOf(path).map((one) => one.slice(0, 6))).toEqual([
      'head 1',
      ...new Array(4).fill('yyyyyy'),
      'gap 4',
      'c',
    ]);
  });

  test('sets aside what has the name already, once', async () => {
    writeFileSync(path, 'first');
    writeFileSync(`${path}.1`, 'first, older');
    await (await open(2000)).close();
    expect(readFileSync(`${path}.before`, 'utf8')).toBe('first');
    expect(readFileSync(`${path}.before.1`, 'utf8')).toBe('first, older');
    expect(existsSync(`${path}.1`)).toBe(false);
    await (await open(2000)).close();
    expect(linesOf(`${path}.before`)).toEqual(['head 1 0']);
  });

  test('ends with one problem where its folder goes, and takes no more', async () => {
    const ring = await open(2000);
    rmSync(folder, { recursive: true });
    for (let i = 0; i < 100; i++) ring.write('x'.repeat(100));
    await turns(3);
    ring.write('y');
    await turns(1);
    await ring.close();
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatchObject({ code: 'ENOENT' });
  });
});
