import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { tarOf } from '../../../src/files/tar.js';

test('an archive is what tar(1) reads, and the same each time', () => {
  const files = [
    { name: 'a/empty', content: new Uint8Array(0) },
    { name: 'a/text', content: Buffer.from('text\n') },
    { name: `a/${'n'.repeat(98)}`, content: Buffer.alloc(512, 7) },
    { name: 'a/large', content: Buffer.alloc(100_001, 9) },
  ];
  const archive = tarOf(files);
  expect(archive.length % 512).toBe(0);
  expect(tarOf(files).equals(archive)).toBe(true);
  const folder = mkdtempSync(join(tmpdir(), 'psp-gateway-tar-'));
  try {
    const { status, stderr } = spawnSync('tar', ['-xf', '-', '-C', folder], { input: archive });
    expect({ status, stderr: stderr.toString() }).toEqual({ status: 0, stderr: '' });
    for (const { name, content } of files)
      expect(readFileSync(join(folder, name)).equals(Buffer.from(content)), name).toBe(true);
    expect(statSync(join(folder, 'a/text')).mode & 0o777).toBe(0o600);
  } finally {
    rmSync(folder, { recursive: true });
  }
  expect(() => tarOf([{ name: 'x'.repeat(101), content: new Uint8Array(0) }])).toThrow('too long');
});
