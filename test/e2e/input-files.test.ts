/** Every file that a flag names, as something that should not be read: too large, without end, or no file. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { askedWithin } from '../support/asked-within.js';
import { ROOT } from '../support/root.js';

const MAIN = join(ROOT, 'dist/cli/main.js');

let folder: string;
let huge: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'psp-gateway-input-'));
  huge = join(folder, 'huge');
  writeFileSync(huge, '');
  truncateSync(huge, 2 ** 40);
  for (const name of ['in.pcap', 'a.pem']) writeFileSync(join(folder, name), '');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Arguments in which FILE is the file, and how many octets are read of such a one. */
const READERS: readonly (readonly [name: string, argv: readonly string[], octetsMax: number])[] = [
  ['flags', ['-j', 'FILE', '--insecure'], 2 ** 20],
  ['sessions', ['--config', 'FILE', '--insecure'], 32 * 2 ** 20],
  ['tunnels', ['--tunnels-file', 'FILE', '--insecure'], 16 * 2 ** 20],
  ['certificates', ['--tls-ca', 'a.pem', '--tls-cert', 'FILE', '--tls-key', 'a.pem'], 2 ** 20],
  ['topologies', ['topology', 'validate', 'FILE'], 32 * 2 ** 20],
  ['keys', ['pcap', 'decrypt', '--keys', 'FILE', 'in.pcap', 'out.pcap'], 384 * 2 ** 20],
  ['the reference tool’s configuration', ['pcap', 'encrypt', '-c', 'FILE', '-i', 'in.pcap'], 2 ** 16],
];

describe.each(READERS.map(([name, argv, octetsMax]) => ({ name, argv, octetsMax })))(
  'a file of $name',
  ({ argv, octetsMax }) => {
    test.each([
      ['of 1 TB', () => huge, `has 1099511627776 octets, and at most ${octetsMax} octets are read here`],
      ['that is /dev/zero', () => '/dev/zero', '/dev/zero is a device; name a file'],
      ['that is a folder', () => folder, 'is a folder; name a file'],
    ])('%s is refused with what to do', async (_what, path, said) => {
      const named = argv.map((argument) => (argument === 'FILE' ? path() : argument));
      const { status, err } = await askedWithin(named, folder);
      expect(err).toContain(said);
      expect(err).toContain(path());
      expect(err).not.toContain('    at ');
      expect(status).toBe(2);
    });
  },
);

test('a file that comes through a pipe is read as another', () => {
  const { status, stderr } = spawnSync(
    'sh',
    [
      '-c',
      'printf "name: t\ntopology: {full-mesh: 2}\n" | "$0" "$1" topology validate /dev/stdin',
      process.execPath,
      MAIN,
    ],
    { encoding: 'utf8', timeout: 50_000 },
  );
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
});
