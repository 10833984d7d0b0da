/**
 * The native parts for arm64, the BlueField's own processor, built on this machine and run by qemu-user: the C++ tests, the conformance
 * smoke over the addon, and a TAP interface. The addons are loaded by Debian's Node, which is older than what the program asks for;
 * Node-API is the same.
 *
 * Memory is ordered here as this machine's processor does it, which is more than an arm64 does. What of it the code relies on shows
 * ThreadSanitizer, which knows only the order that is asked for (`threads`, in robustness.test.ts).
 */
import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PORTS } from '../../src/hal/native-parts.js';
import { AEAD_VECTORS, runAeadVectors } from '../support/aead-vectors.js';
import { TEST_BUILD_ENVIRONMENT } from '../support/doca-harness.js';
import { describeNeeding, inPath } from '../support/needs.js';
import { ROOT } from '../support/root.js';
import { API_CASES, BEHAVIOUR_CASES, runApiCase, runBehaviourCase } from '../support/soft-cases.js';

const BUILT = join(ROOT, 'build/arm64');
const SYSROOT = join(BUILT, 'sysroot');
const NODE = join(SYSROOT, 'usr/bin/node');
/** The tests of this folder, compiled. They find the packages in the folders above. */
const JS = join(BUILT, 'js');
const PORTS_FILE = join(BUILT, 'ports/Release/psp_ports.node');
const QEMU = ['qemu-aarch64-static', '-L', SYSROOT] as const;
/** Seconds are enough, where the machine does nothing else. */
const TIMEOUT_MS = 240_000;
/** Where a test has failed, its devices are still open, and Node goes on. */
const PROGRAM_TIMEOUT_MS = 180_000;

const program = (name: string) => [...QEMU, join(BUILT, 'native/soft-3.3', name)];
/** qemu lets a program have more memory than its limit (RLIMIT_AS) says. */
const NOT_UNDER_QEMU = ['no-memory'];
const MACHINE_PROBLEMS = [
  ...(inPath(QEMU[0]) ? [] : [QEMU[0]]),
  ...(process.getuid?.() === 0 ? [] : ['root']),
  ...[
    NODE,
    PORTS_FILE,
    join(BUILT, 'native/addon-3.3/Release/psp_gateway_doca.node'),
    program('units').at(-1)!,
  ]
    .filter((file) => !existsSync(file))
    .map((file) => `${file} (npm run build:native -- --tests)`),
];

function run(
  [command, ...args]: readonly string[],
  environment: NodeJS.ProcessEnv = {},
): Promise<{ status: number | null; out: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(command!, args, {
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: PROGRAM_TIMEOUT_MS,
      killSignal: 'SIGKILL',
    });
    let out = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk) => {
        out += chunk;
      });
    }
    child.on('error', reject);
    child.on('close', (status) => resolve({ status, out }));
  });
}

/** What Node's own runner of tests counts. */
function countsOf(out: string): Record<string, number> {
  return Object.fromEntries(
    [...out.matchAll(/^# (tests|pass|fail|skipped) (\d+)$/gm)].map(([, name, count]) => [
      name,
      Number(count),
    ]),
  );
}

describeNeeding('arm64', MACHINE_PROBLEMS, () => {
  const folder = mkdtempSync(join(tmpdir(), 'psp-gateway-arm64-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test.each(['units', 'threads', 'argp-3.3'])(
    '%s hold',
    async (name) => {
      expect(await run(program(name))).toEqual({ status: 0, out: 'all is as it should be\n' });
    },
    TIMEOUT_MS,
  );

  test.each(AEAD_VECTORS)('AES-GCM, which is OpenSSL’s, is as in $file', (vectors) => {
    runAeadVectors([...program('vectors'), 'openssl'], 'openssl', vectors);
  });

  test.each([...API_CASES.filter((name) => !NOT_UNDER_QEMU.includes(name)), 'put-twice'])(
    'the API: %s',
    (name) => runApiCase(program('api'), name, folder),
    TIMEOUT_MS,
  );

  test.each(BEHAVIOUR_CASES)(
    'what a mapping file asks for: %s, by %s',
    (...one) => runBehaviourCase(program('behaviours'), one, folder),
    TIMEOUT_MS,
  );

  describe('in Node', () => {
    beforeAll(async () => {
      rmSync(JS, { recursive: true, force: true });
      const compiler = join(ROOT, 'node_modules/typescript/bin/tsc');
      const compiled = await run([process.execPath, compiler, '-p', join(ROOT, 'test/native/arm64')]);
      expect(compiled).toEqual({ status: 0, out: '' });
      cpSync(join(ROOT, 'test/vectors'), join(JS, 'test/vectors'), { recursive: true });
      const vitest = join(JS, 'node_modules/vitest');
      mkdirSync(vitest, { recursive: true });
      cpSync(join(ROOT, 'test/native/arm64/vitest.mjs'), join(vitest, 'index.mjs'));
      writeFileSync(join(vitest, 'package.json'), '{ "name": "vitest", "exports": "./index.mjs" }');
    }, TIMEOUT_MS);

    /** In a network of its own, so that no name is taken. */
    const inNode = (name: string, environment: NodeJS.ProcessEnv) =>
      run(['unshare', '-n', ...QEMU, NODE, join(JS, `test/native/arm64/${name}.js`)], environment);

    test(
      'the addon is under the gateway’s pipeline what it is elsewhere',
      async () => {
        const { status, out } = await inNode('conformance', {
          [TEST_BUILD_ENVIRONMENT]: '../arm64/native/addon-3.3',
        });
        expect({ status, ...countsOf(out) }, out).toEqual({
          ...{ status: 0, tests: 14, pass: 14, fail: 0, skipped: 0 },
        });
      },
      TIMEOUT_MS,
    );

    test(
      'the ports carry packets of a real stack',
      async () => {
        const { status, out } = await inNode('ports', { [PORTS.variable]: PORTS_FILE });
        expect({ status, ...countsOf(out) }, out).toEqual({
          ...{ status: 0, tests: 2, pass: 2, fail: 0, skipped: 0 },
        });
      },
      TIMEOUT_MS,
    );
  });
});
