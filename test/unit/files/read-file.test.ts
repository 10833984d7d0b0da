import { execFileSync, spawn } from 'node:child_process';
import {
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { InputFileError, readTextFile } from '../../../src/files/read-file.js';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'psp-gateway-read-'));
  path = join(folder, 'file');
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true, force: true });
});

const descriptors = () => readdirSync('/proc/self/fd').length;

test('a file of the largest size is read, one octet more is refused with the limit and what to do', () => {
  writeFileSync(path, 'ä'.repeat(50));
  expect(readTextFile(path, 100)).toBe('ä'.repeat(50));
  const open = descriptors();
  writeFileSync(path, 'x'.repeat(101));
  expect(() => readTextFile(path, 100)).toThrow(InputFileError);
  expect(() => readTextFile(path, 100)).toThrow(
    `${path} has 101 octets, and at most 100 octets are read here; is it the right file? Otherwise make it smaller`,
  );
  expect(descriptors()).toBe(open);
});

test('a byte-order mark and the line ends of other systems are no part of the text', () => {
  writeFileSync(path, '\ufeff{"a":\r\n1}\r\n');
  expect(readTextFile(path, 100)).toBe('{"a":\n1}\n');
  writeFileSync(path, '\ufeff');
  expect(readTextFile(path, 100)).toBe('');
  // Elsewhere the character is text.
  writeFileSync(path, 'a\ufeffb\rc');
  expect(readTextFile(path, 100)).toBe('a\ufeffb\rc');
});

test.each([
  ['with a byte-order mark', Buffer.from('\ufeffname: x', 'utf16le')],
  ['with a byte-order mark, big-endian', Buffer.from('\ufeffname: x', 'utf16le').swap16()],
  ['without one', Buffer.from('name: x', 'utf16le')],
  ['without one, big-endian', Buffer.from('name: x', 'utf16le').swap16()],
])('UTF-16 is told as such: %s', (_, octets) => {
  writeFileSync(path, octets);
  expect(() => readTextFile(path, 100)).toThrow(new InputFileError(path, 'is UTF-16; save it as UTF-8'));
});

test.each([
  ['with a byte-order mark', [0xff, 0xfe, 0, 0, 0x6e, 0, 0, 0]],
  ['with a byte-order mark, big-endian', [0, 0, 0xfe, 0xff, 0, 0, 0, 0x6e]],
  ['without one', [0x6e, 0, 0, 0, 0x61, 0, 0, 0]],
  ['without one, big-endian', [0, 0, 0, 0x6e, 0, 0, 0, 0x61]],
])('UTF-32 is told as such: %s', (_, octets) => {
  writeFileSync(path, Buffer.from(octets));
  expect(() => readTextFile(path, 100)).toThrow(new InputFileError(path, 'is UTF-32; save it as UTF-8'));
});

test('what is no UTF-8 is told as such, and no letter of it is made up', () => {
  const reason = 'is not UTF-8, but perhaps Latin-1 or another code page; save it as UTF-8';
  for (const octets of [Buffer.from('name: M\u00fcnchen', 'latin1'), Buffer.from([0x61, 0xc3])]) {
    writeFileSync(path, octets);
    expect(() => readTextFile(path, 100)).toThrow(new InputFileError(path, reason));
  }
  writeFileSync(path, 'name: M\u00fcnchen');
  expect(readTextFile(path, 100)).toBe('name: M\u00fcnchen');
});

test('of a file of 1 TB nothing is read', () => {
  writeFileSync(path, '');
  truncateSync(path, 2 ** 40);
  const alloc = vi.spyOn(Buffer, 'alloc');
  expect(() => readTextFile(path, 2 ** 20)).toThrow(/has 1099511627776 octets/);
  expect(alloc).not.toHaveBeenCalled();
});

test('a file whose status says nothing of its size is read up to the limit', () => {
  expect(readTextFile('/proc/self/status', 65_536)).toContain('Name:');
  const alloc = vi.spyOn(Buffer, 'alloc');
  expect(() => readTextFile('/proc/self/status', 100)).toThrow(/has more, and at most 100 octets/);
  const held = alloc.mock.calls.reduce((sum, [octets]) => sum + octets, 0);
  expect(held).toBeLessThanOrEqual(101);
});

test.each(['/dev/zero', '/dev/null', '/dev/random'])('%s is refused as a device', (device) => {
  expect(() => readTextFile(device, 100)).toThrow(`${device} is a device; name a file`);
});

test('a folder is refused, and what is not there has its code', () => {
  expect(() => readTextFile(folder, 100)).toThrow(/is a folder; name a file/);
  expect(() => readTextFile(path, 100)).toThrow(/ENOENT/);
});

test('a FIFO without writer is asked a counted number of times', () => {
  execFileSync('mkfifo', [path]);
  const wait = vi.spyOn(Atomics, 'wait').mockReturnValue('timed-out');
  expect(() => readTextFile(path, 100)).toThrow(`${path} is a pipe into which nobody has written for 5 s`);
  expect(wait.mock.calls.length).toBe(500);
});

test('a FIFO whose writer says nothing more is asked as often again', () => {
  execFileSync('mkfifo', [path]);
  const writer = openSync(path, 'r+');
  writeSync(writer, 'half');
  const wait = vi.spyOn(Atomics, 'wait').mockReturnValue('timed-out');
  expect(() => readTextFile(path, 100)).toThrow(/nobody has written for 5 s/);
  expect(wait.mock.calls.length).toBe(500);
  closeSync(writer);
});

test('a FIFO that is written to is read to its end, and no further than the limit', async () => {
  execFileSync('mkfifo', [path]);
  for (const [length, octetsMax] of [
    [200_000, 200_000],
    [200_001, 200_000],
  ] as const) {
    const writer = spawn('sh', ['-c', `head -c ${length} /dev/zero | tr '\\0' x > "$0"`, path]);
    const read = () => readTextFile(path, octetsMax);
    if (length > octetsMax) expect(read).toThrow(/has more, and at most 200000/);
    else expect(read()).toBe('x'.repeat(length));
    await new Promise((resolve) => writer.once('close', resolve));
  }
});
