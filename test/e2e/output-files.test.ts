/** What commands write, with a umask that lets everybody read, and when they are ended half way. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  lstatSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { pcapHeader, pcapRecord } from '../../src/packet/pcap.js';
import { referenceCases } from '../support/reference-vectors.js';
import { ROOT } from '../support/root.js';

const MAIN = join(ROOT, 'dist/cli/main.js');
const CONFIG = `${'00 '.repeat(64)}\n1\ntunnel\naes-gcm-128\n0 0 0\nno-vc\n`;

let folder: string;
let umask: number;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'psp-gateway-output-'));
  umask = process.umask(0);
});
afterEach(() => {
  process.umask(umask);
  rmSync(folder, { recursive: true, force: true });
});

const at = (name: string) => join(folder, name);
const modeOf = (name: string) => (lstatSync(at(name)).mode & 0o777).toString(8);

function run(...argv: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...argv], {
    cwd: folder,
    encoding: 'latin1',
    timeout: 100_000,
  });
  return { status, out: stdout, err: stderr };
}

function writeInputs(): void {
  const frames = referenceCases()[0]!.frames.map(({ cleartext }) => pcapRecord(0n, cleartext));
  writeFileSync(at('in.pcap'), Buffer.concat([pcapHeader(), ...frames]));
  writeFileSync(at('psp.cfg'), CONFIG);
}

describe('permissions under a umask of 0', () => {
  test('keys, private keys and captures are their owner’s only', () => {
    writeInputs();
    const made = run(
      ...['pcap', 'encrypt', '-c', 'psp.cfg', '-i', 'in.pcap', '-o', 'out.pcap'],
      ...['--write-keys', 'keys.jsonl'],
    );
    expect(made).toMatchObject({ status: 0, err: '' });
    expect(run('pcap', 'decrypt', '--keys', 'keys.jsonl', 'out.pcap', 'clear.pcapng').status).toBe(0);
    expect(run('certificates', '--out', 'new/certs', '--host', '127.0.0.2').status).toBe(0);
    const paths = [
      ...['out.pcap', 'keys.jsonl', 'clear.pcapng', 'new', 'new/certs'],
      ...['new/certs/127.0.0.2.key', 'new/certs/ca.pem'],
    ];
    expect(paths.map(modeOf)).toEqual(['600', '600', '600', '700', '700', '600', '600']);
  });

  test('a run with keys is a folder of its owner’s only', () => {
    const topology = join(ROOT, 'test/support/topology-files/two-hosts.yaml');
    expect(run('topology', 'run', topology, '-o', 'run', '--write-keys').status).toBe(0);
    expect(['run', 'run/keys.jsonl', 'run/vf-h1.pcapng'].map(modeOf)).toEqual(['700', '600', '600']);
  }, 120_000);
});

describe('outputs that are not plain files', () => {
  test('/dev/stdout is where the octets go, also into a file to which others write', () => {
    writeInputs();
    const { status, out } = run('pcap', 'encrypt', '-c', 'psp.cfg', '-i', 'in.pcap', '-o', '/dev/stdout');
    expect(status).toBe(0);
    expect(Buffer.from(out, 'latin1').readUInt32LE(0)).toBe(Buffer.from(pcapHeader()).readUInt32LE(0));
    const shell = `echo before > both; "$0" "$1" pipes -O /dev/stdout >> both; echo after >> both`;
    execFileSync('sh', ['-c', shell, process.execPath, MAIN], { cwd: folder });
    expect(readFileSync(at('both'), 'utf8')).toMatch(/^before\nflowchart LR\n(?:.|\n)*\nafter\n$/);
  });

  test('a link is replaced, and what it points to stays', () => {
    writeFileSync(at('precious'), 'precious');
    symlinkSync('precious', at('pipes.mmd'));
    expect(run('pipes', '-O', 'pipes.mmd').status).toBe(0);
    expect(readFileSync(at('precious'), 'utf8')).toBe('precious');
    expect(lstatSync(at('pipes.mmd')).isFile()).toBe(true);
  });

  test('a folder is refused with a word about it', () => {
    expect(run('pipes', '-O', '.')).toMatchObject({ status: 2, err: expect.stringContaining('is a folder') });
  });
});

describe('a command that is ended half way', () => {
  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    'by %s leaves nothing, and takes nothing that was there',
    async (signal) => {
      writeInputs();
      writeFileSync(at('out.pcap'), pcapHeader());
      // It has no end, so that the command waits in the middle of its work.
      execFileSync('mkfifo', [at('endless')]);
      const argv = ['pcap', 'encrypt', '-c', 'psp.cfg', '-i', 'endless', '-o', 'out.pcap'];
      const child = spawn(process.execPath, [MAIN, ...argv], { cwd: folder, stdio: 'ignore' });
      const exit = once(child, 'exit');
      const writer = openSync(at('endless'), 'r+');
      writeSync(writer, readFileSync(at('in.pcap')));
      try {
        const before = ['endless', 'in.pcap', 'out.pcap', 'psp.cfg'];
        while (readdirSync(folder).length === before.length)
          await new Promise((resolve) => setTimeout(resolve, 10));
        child.kill(signal);
        expect(await exit).toEqual([null, signal]);
        expect(readdirSync(folder).sort()).toEqual(before);
        expect(readFileSync(at('out.pcap'))).toEqual(Buffer.from(pcapHeader()));
      } finally {
        child.kill('SIGKILL');
        closeSync(writer);
      }
    },
  );
});

test('a capture that grows, on standard output too, ends with a whole block where there is no room for more', () => {
  const script = `import { GrowingFile } from '${join(ROOT, 'dist/cli/capture-file.js')}';
    const file = await GrowingFile.open(process.argv[2]);
    for (;;) await file.append(Buffer.alloc(1000, 'x'));`;
  writeFileSync(at('grow.mjs'), script);
  writeFileSync(at('before'), 'before');
  for (const [place, redirection, name, whole] of [
    ['grown', '', 'grown', 8000],
    ['-', '>shown', 'shown', 8000],
    ['-', '>>before', 'before', 8006],
  ] as const) {
    // 8 blocks of 1024 octets, of which the ninth thousand has a part.
    const command = `ulimit -f 8; exec '${process.execPath}' grow.mjs '${place}' ${redirection}`;
    const { stderr, status } = spawnSync('bash', ['-c', command], { cwd: folder, encoding: 'utf8' });
    expect(stderr).toContain('EFBIG');
    expect(status).not.toBe(0);
    expect(lstatSync(at(name)).size).toBe(whole);
  }
});
