/** Fuzz targets of the software DOCA for a bounded time, its unit tests and that of the native ports, under clang's sanitizers. */
import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { describeOnNative } from '../support/needs.js';
import { ROOT } from '../support/root.js';

const BUILT = join(ROOT, 'build/native/robustness');
const CORPUS = join(ROOT, 'native/doca-soft/fuzz/corpus');
/** Per target; PSP_FUZZ_SECONDS says another. */
const SECONDS = Number(process.env.PSP_FUZZ_SECONDS ?? 15);
const TARGETS = ['parser', 'decrypt', 'entries'];

function run(program: string, args: readonly string[]): Promise<{ status: number | null; out: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(join(BUILT, program), args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let out = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk) => {
        out = (out + chunk).slice(-20_000);
      });
    }
    child.on('error', reject);
    child.on('close', (status) => resolve({ status, out }));
  });
}

function body(): void {
  test.each([
    ['units', 'AddressSanitizer and UndefinedBehaviorSanitizer'],
    ['packets', 'AddressSanitizer and UndefinedBehaviorSanitizer'],
    ['meters', 'AddressSanitizer and UndefinedBehaviorSanitizer'],
    ['offloads', 'AddressSanitizer and UndefinedBehaviorSanitizer'],
    ['threads', 'ThreadSanitizer'],
    ...['3.0', '3.1', '3.3'].map((release) => [
      `argp-${release}`,
      'AddressSanitizer and UndefinedBehaviorSanitizer',
    ]),
  ])(
    '%s hold under %s',
    async (program) => {
      const { status, out } = await run(program, []);
      expect({ status, out }).toEqual({ status: 0, out: 'all is as it should be\n' });
    },
    120_000,
  );

  test('what is kept for the entries makes entries, and packets that hit them', async () => {
    const { status, out } = await run('fuzz_entries', ['-runs=0', join(CORPUS, 'entries')]);
    expect(status).toBe(0);
    const counts = /reached: (\d+) entries, (\d+) hits, (\d+) misses/.exec(out)?.slice(1).map(Number);
    for (const count of counts ?? [0]) expect(count).toBeGreaterThan(20);
  });

  test.each(TARGETS)(
    `the %s stands ${SECONDS} seconds of fuzzing`,
    async (target) => {
      const folder = mkdtempSync(join(tmpdir(), 'psp-gateway-fuzz-'));
      const corpus = join(folder, 'corpus');
      cpSync(join(CORPUS, target), corpus, { recursive: true });
      const { status, out } = await run(`fuzz_${target}`, [
        ...[`-max_total_time=${SECONDS}`, '-max_len=1000', `-artifact_prefix=${folder}/`],
        corpus,
      ]);
      if (status === 0) {
        rmSync(folder, { recursive: true, force: true });
        expect(out).toMatch(/Done \d+ runs/);
        return;
      }
      const found = readdirSync(folder).filter((name) => name !== 'corpus');
      throw new Error(
        `again: build/native/robustness/fuzz_${target} ${found.map((name) => join(folder, name)).join(' ')}\n${out}`,
      );
    },
    (SECONDS + 120) * 1000,
  );
}

describeOnNative('the software DOCA under sanitizers', existsSync(join(BUILT, 'units')), body);
