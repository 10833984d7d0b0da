/** A gateway's process is closed to others, and its key tables are locked; what cannot be had is said, and no more. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import { ProcessGuard } from '../../src/cli/process-guard.js';
import type { NativeGuard } from '../../src/hal/native-guard.js';
import { countKeys } from '../support/memory-search.js';
import { describeNeeding } from '../support/needs.js';
import { Program } from '../support/program.js';
import { PORTS_ADDON, ROOT } from '../support/root.js';

describe('without its wishes', () => {
  const { poolSize } = Buffer;
  afterEach(() => {
    Buffer.poolSize = poolSize;
  });
  const native = (problem: string, calls: string[] = []): NativeGuard => ({
    overwriteFreedMemory: () => void calls.push('overwrite'),
    forbidDumps: () => {
      calls.push('forbid');
      return problem;
    },
    lock: () => problem,
    burnStack: () => void calls.push('burn the stack'),
    burnFreedBlocks: () => void calls.push('burn freed blocks'),
  });
  const guarded = (given: NativeGuard | undefined, allowCoreDumps = false) => {
    const problems: string[] = [];
    const guard = new ProcessGuard({
      native: given,
      allowCoreDumps,
      onProblem: (problem) => problems.push(problem),
    });
    return { guard, problems };
  };

  test('each is told once, and the gateway goes on', () => {
    const { guard, problems } = guarded(native('EPERM'));
    guard.forbidDumps();
    for (let i = 0; i < 3; i++) guard.lock(new Uint8Array(8));
    expect(problems).toEqual([
      'core dumps could not be forbidden: EPERM',
      'memory with keys may be swapped out: EPERM (RLIMIT_MEMLOCK)',
    ]);
  });

  test('without native parts there is one warning, and what JavaScript can do', () => {
    const { guard, problems } = guarded(undefined);
    guard.forbidDumps();
    guard.lock(new Uint8Array(8));
    guard.forget();
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain('the native parts are not there');
    expect(Buffer.poolSize).toBe(0);
  });

  test('core dumps that are asked for are not forbidden', () => {
    const calls: string[] = [];
    const { guard, problems } = guarded(native('', calls), true);
    guard.forbidDumps();
    guard.forget();
    expect(calls).toEqual(['overwrite', 'burn freed blocks', 'burn the stack']);
    expect(problems).toEqual([]);
  });
});

const NOBODY = 65_534;
/** Of the loopback network, and no other test's. */
const ADDRESS = '127.88.0.1';
const isRoot = process.getuid?.() === 0;
const missing = [
  ...(isRoot ? [] : ['root']),
  ...(existsSync(PORTS_ADDON) ? [] : ['the native ports (npm run build:native)']),
];

const KEY_OCTETS = 32;
const BUFFERS = 320;
const octetOfKey = (i: number) => (i * 89 + 41) % 256;
/** Makes the key octet by octet, so that there are no copies but those in its Buffers. */
const GIVES_UP_BUFFERS = `
const { ProcessGuard, nativeGuard } = await import(process.argv[1] + '/dist/cli/process-guard.js');
const guard = new ProcessGuard({ native: nativeGuard('sim'), allowCoreDumps: true, onProblem: console.log });
const octetOfKey = ${octetOfKey};
let buffers = Array.from({ length: ${BUFFERS} }, (_, n) => {
  const buffer = Buffer.alloc(40 + n * 3);
  for (let i = 0; i < ${KEY_OCTETS}; i++) buffer[8 + i] = octetOfKey(i);
  return buffer;
});
process.once('SIGUSR2', () => {
  buffers = [];
  setTimeout(() => {
    guard.forget();
    console.log('forgotten');
  }, 100);
});
setInterval(() => buffers.length, 1000);
console.log('full');
`;

describeNeeding("a gateway's process", missing, () => {
  const start = (...more: string[]) =>
    new Program(
      [
        ...['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', process.execPath],
        ...[
          join(ROOT, 'dist/cli/main.js'),
          '--insecure',
          '--outer-ip-type=ipv4',
          `--svc-addr=${ADDRESS}:3000`,
        ],
        ...[`--sim-wire=udp:${ADDRESS}:10000`, '--sim-vf=host:192.168.1.1', '--log-level=50', ...more],
      ],
      { PSP_GATEWAY_PORTS: PORTS_ADDON },
    );
  const look = async (program: Program) => {
    await program.says(/gateway started/);
    const file = (name: string) => readFileSync(`/proc/${program.pid}/${name}`, 'utf8');
    return {
      // The kernel gives what others may not look into to root.
      owner: statSync(`/proc/${program.pid}/stat`).uid,
      coreLimit: /^Max core file size +(\S+)/m.exec(file('limits'))![1],
      lockedKilobytes: Number(/^VmLck:\s+(\d+)/m.exec(file('status'))![1]),
    };
  };

  test('is closed to its own user, writes no core dumps, and its key tables are locked', async () => {
    const program = start();
    const { owner, coreLimit, lockedKilobytes } = await look(program);
    expect({ owner, coreLimit }).toEqual({ owner: 0, coreLimit: '0' });
    expect(lockedKilobytes).toBeGreaterThan(0);
    expect(program.out).not.toContain('--allow-core-dumps');
    expect(await program.stop('SIGTERM')).toBe(0);
  });

  test('keeps nothing of the Buffers that it gives up, however small they are', async () => {
    const key = Buffer.from(Array.from({ length: KEY_OCTETS }, (_, i) => octetOfKey(i)));
    const program = new Program(
      [process.execPath, '--input-type=module', '--eval', GIVES_UP_BUFFERS, pathToFileURL(ROOT).href],
      { PSP_GATEWAY_PORTS: PORTS_ADDON },
    );
    await program.says(/^full$/m);
    expect(countKeys(program.pid, [key])[0]).toBeGreaterThanOrEqual(BUFFERS);
    program.kill('SIGUSR2');
    await program.says(/^forgotten$/m);
    expect(countKeys(program.pid, [key])).toEqual([0]);
    await program.stop('SIGTERM');
  });

  test('is open where the operator has allowed it, and says so', async () => {
    const program = start('--allow-core-dumps');
    expect((await look(program)).owner).toBe(NOBODY);
    expect(program.out).toContain('protection off (--allow-core-dumps)');
    expect(await program.stop('SIGTERM')).toBe(0);
  });
});
