import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { unfinishedName } from '../../../src/files/leftovers.js';
import {
  FileReplacement,
  OutputFileError,
  replaceFile,
  replaceFiles,
} from '../../../src/files/replace-file.js';

// Other files of this process have loaded what uses it.
vi.hoisted(() => vi.resetModules());
vi.mock('node:crypto', async (original) => {
  const crypto = await original<typeof import('node:crypto')>();
  return { ...crypto, randomBytes: vi.fn(crypto.randomBytes) };
});

afterAll(() => {
  vi.doUnmock('node:crypto');
  vi.resetModules();
});

const SECRET = 'a key\n';
const PRIVATE = { readers: 'private' } as const;

let folder: string;
let target: string;
let umask: number;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'psp-gateway-files-'));
  target = join(folder, 'keys.jsonl');
  umask = process.umask();
});

afterEach(() => {
  process.umask(umask);
  rmSync(folder, { recursive: true, force: true });
});

const modeOf = (path: string) => (lstatSync(path).mode & 0o777).toString(8);

describe('a file that is written', () => {
  test.each([
    [0o000, 'private', '600'],
    [0o022, 'private', '600'],
    [0o000, 'public', '666'],
    [0o022, 'public', '644'],
    [0o077, 'public', '600'],
  ] as const)('with umask %o is, being %s, of mode %s', async (mask, readers, mode) => {
    process.umask(mask);
    await replaceFile(target, SECRET, { readers, durable: true });
    expect([readFileSync(target, 'utf8'), modeOf(target)]).toEqual([SECRET, mode]);
    expect(readdirSync(folder)).toEqual(['keys.jsonl']);
  });

  test('is its owner’s only while it grows, under a name of 128 random bits', async () => {
    process.umask(0);
    const names = new Set<string>();
    for (let i = 0; i < 2; i++) {
      const file = await FileReplacement.open(target, { readers: 'public' });
      await file.write(Buffer.from(SECRET));
      const [name] = readdirSync(folder);
      expect(name).toMatch(/^\.psp-gateway-[0-9a-f]{8}-\d+-\d+-[0-9a-f]{32}\.part$/);
      expect(modeOf(join(folder, name!))).toBe('600');
      names.add(name!);
      await file.discard();
      expect(readdirSync(folder)).toEqual([]);
    }
    expect(names.size).toBe(2);
  });

  test('does not use what others have put under names that they guessed', async () => {
    const victim = join(folder, 'victim');
    writeFileSync(victim, 'precious');
    const guesses = [`keys.jsonl.unfinished-${process.pid}`, `.keys.jsonl.${process.pid}.part`];
    writeFileSync(join(folder, guesses[0]!), 'theirs', { mode: 0o666 });
    symlinkSync(victim, join(folder, guesses[1]!));
    await replaceFile(target, SECRET, PRIVATE);
    expect(readFileSync(target, 'utf8')).toBe(SECRET);
    expect(readFileSync(join(folder, guesses[0]!), 'utf8')).toBe('theirs');
    expect(readFileSync(victim, 'utf8')).toBe('precious');
    expect(readdirSync(folder).sort()).toEqual([...guesses, 'keys.jsonl', 'victim'].sort());
  });

  test.each(['file', 'link', 'dangling link'])(
    'is not made, and nothing is touched, where a %s has even the right name',
    async (kind) => {
      const name = Buffer.alloc(16, 0xab);
      vi.mocked(randomBytes).mockImplementationOnce(() => name);
      const planted = unfinishedName(folder);
      vi.mocked(randomBytes).mockImplementationOnce(() => name);
      const victim = join(folder, 'victim');
      if (kind !== 'dangling link') writeFileSync(victim, 'precious');
      if (kind === 'file') writeFileSync(planted, 'theirs');
      else symlinkSync(victim, planted);
      const before = readdirSync(folder).sort();
      await expect(replaceFile(target, SECRET, PRIVATE)).rejects.toMatchObject({ code: 'EEXIST' });
      expect(readdirSync(folder).sort()).toEqual(before);
      if (kind !== 'dangling link') expect(readFileSync(victim, 'utf8')).toBe('precious');
      if (kind === 'file') expect(readFileSync(planted, 'utf8')).toBe('theirs');
    },
  );

  test('replaces a link, not what it points to', async () => {
    const victim = join(folder, 'victim');
    writeFileSync(victim, 'precious', { mode: 0o644 });
    symlinkSync(victim, target);
    await replaceFile(target, SECRET, PRIVATE);
    expect(lstatSync(target).isFile()).toBe(true);
    expect([readFileSync(target, 'utf8'), readFileSync(victim, 'utf8')]).toEqual([SECRET, 'precious']);
  });

  test('is not the one that somebody has made beforehand, and holds open', async () => {
    const theirs = openSync(target, constants.O_RDWR | constants.O_CREAT, 0o666);
    chmodSync(target, 0o666);
    await replaceFile(target, SECRET, PRIVATE);
    expect(readSync(theirs, Buffer.alloc(64), 0, 64, 0)).toBe(0);
    closeSync(theirs);
    expect([readFileSync(target, 'utf8'), modeOf(target)]).toEqual([SECRET, '600']);
  });

  test('is never open to more than a file of ours that it replaces', async () => {
    process.umask(0o022);
    writeFileSync(target, 'old', { mode: 0o640 });
    await replaceFile(target, 'new', { readers: 'public' });
    expect(modeOf(target)).toBe('640');
  });

  test.skipIf(process.geteuid?.() !== 0)('takes no permissions from a file of another user', async () => {
    process.umask(0o022);
    writeFileSync(target, 'old', { mode: 0o600 });
    chmodSync(target, 0);
    chownSync(target, 65_534, 65_534);
    await replaceFile(target, 'new', { readers: 'public' });
    expect([statSync(target).uid, modeOf(target)]).toEqual([0, '644']);
  });

  test('does not take a name that is taken where that is not wanted', async () => {
    writeFileSync(target, 'old');
    const options = { ...PRIVATE, replace: false };
    await expect(replaceFile(target, SECRET, options)).rejects.toMatchObject({ code: 'EEXIST' });
    rmSync(target);
    symlinkSync(join(folder, 'elsewhere'), target);
    await expect(replaceFile(target, SECRET, options)).rejects.toMatchObject({ code: 'EEXIST' });
    expect(readlinkSync(target)).toBe(join(folder, 'elsewhere'));
    rmSync(target);
    await replaceFile(target, SECRET, options);
    expect([readFileSync(target, 'utf8'), modeOf(target)]).toEqual([SECRET, '600']);
  });

  test('stands under its name from the start when it is live, and stays when it ends early', async () => {
    process.umask(0);
    const victim = join(folder, 'victim');
    writeFileSync(victim, 'precious');
    symlinkSync(victim, target);
    const file = await FileReplacement.open(target, { ...PRIVATE, live: true });
    expect(readdirSync(folder).sort()).toEqual(['keys.jsonl', 'victim']);
    await file.write(Buffer.from(SECRET));
    expect([readFileSync(target, 'utf8'), modeOf(target)]).toEqual([SECRET, '600']);
    await file.discard();
    expect(readFileSync(target, 'utf8')).toBe(SECRET);
    expect(readFileSync(victim, 'utf8')).toBe('precious');
  });

  test('leaves nothing when it cannot take its place, and what was there stays', async () => {
    writeFileSync(target, 'old');
    const file = await FileReplacement.open(target, PRIVATE);
    await file.write(Buffer.from(SECRET));
    rmSync(target);
    execFileSync('mkdir', ['-p', join(target, 'full')]);
    await expect(file.finish()).rejects.toMatchObject({ code: 'EISDIR' });
    expect(readdirSync(folder)).toEqual(['keys.jsonl']);
  });

  test('needs no listener of the process once it is finished', async () => {
    const listeners = () =>
      ['exit', 'SIGINT', 'SIGTERM', 'SIGHUP'].map((event) => process.listenerCount(event));
    const before = listeners();
    const files = [
      await FileReplacement.open(target, PRIVATE),
      await FileReplacement.open(`${target}2`, PRIVATE),
    ];
    expect(listeners()).toEqual(before.map((count) => count + 1));
    await files[0]!.discard();
    await files[1]!.finish();
    expect(listeners()).toEqual(before);
  });
});

describe('what is no file', () => {
  test('a device is written to', async () => {
    await replaceFile('/dev/null', SECRET, PRIVATE);
    expect(lstatSync('/dev/null').isCharacterDevice()).toBe(true);
    await expect(replaceFile('/dev/full', SECRET, PRIVATE)).rejects.toMatchObject({ code: 'ENOSPC' });
  });

  test('a FIFO of ours is written to', async () => {
    execFileSync('mkfifo', [target]);
    const reader = openSync(target, constants.O_RDONLY | constants.O_NONBLOCK);
    await replaceFile(target, SECRET, PRIVATE);
    const octets = Buffer.alloc(64);
    expect(octets.toString('utf8', 0, readSync(reader, octets))).toBe(SECRET);
    closeSync(reader);
    expect(readdirSync(folder)).toEqual(['keys.jsonl']);
  });

  test.skipIf(process.geteuid?.() !== 0)('another user’s FIFO is refused', async () => {
    execFileSync('mkfifo', ['-m', '666', target]);
    chownSync(target, 65_534, 65_534);
    const reader = openSync(target, constants.O_RDONLY | constants.O_NONBLOCK);
    await expect(replaceFile(target, SECRET, PRIVATE)).rejects.toThrow(/another user's FIFO/);
    expect(readSync(reader, Buffer.alloc(64))).toBe(0);
    closeSync(reader);
  });

  test('a descriptor is written to where it stands', async () => {
    const descriptor = openSync(target, 'w');
    writeSync(descriptor, 'before ');
    await replaceFile(`/dev/fd/${descriptor}`, 'after', PRIVATE);
    await replaceFile(`/proc/self/fd/${descriptor}`, '.', PRIVATE);
    closeSync(descriptor);
    expect(readFileSync(target, 'utf8')).toBe('before after.');
  });

  test('a folder is refused', async () => {
    await expect(replaceFile(folder, SECRET, PRIVATE)).rejects.toThrow(OutputFileError);
    await expect(replaceFile(folder, SECRET, PRIVATE)).rejects.toThrow(/is a folder; name a file/);
    expect(readdirSync(folder)).toEqual([]);
  });
});

test('what cannot be made is said of the target, not of a name that nobody knows', async () => {
  const path = join(folder, 'nowhere', 'out.json');
  const error: unknown = await replaceFile(path, '{}', { readers: 'public' }).catch((reason) => reason);
  expect(String(error)).toContain(path);
  expect(String(error)).not.toContain('.part');
});

describe('several files', () => {
  const options = PRIVATE;

  test('are there together, in a folder of their own', async () => {
    const files = ['a', 'b'].map((name) => ({ name, content: name, options }));
    const there = join(folder, 'x/y');
    expect(await replaceFiles(there, files, 'private')).toEqual([join(there, 'a'), join(there, 'b')]);
    expect(readdirSync(there).sort()).toEqual(['a', 'b']);
    expect([modeOf(join(folder, 'x')), modeOf(there)]).toEqual(['700', '700']);
  });

  test('or not at all: neither they nor their folder, and what was there stays', async () => {
    mkdirSync(join(folder, 'here'));
    writeFileSync(join(folder, 'here/a'), 'precious');
    const files = ['a', 'x'.repeat(300)].map((name) => ({ name, content: name, options }));
    for (const there of ['x/y', 'here'])
      await expect(replaceFiles(join(folder, there), files, 'private')).rejects.toMatchObject({
        code: 'ENAMETOOLONG',
      });
    expect(readdirSync(folder)).toEqual(['here']);
    expect(readdirSync(join(folder, 'here'))).toEqual(['a']);
    expect(readFileSync(join(folder, 'here/a'), 'utf8')).toBe('precious');
  });

  test('take no name that somebody has taken while they were written', async () => {
    const file = await FileReplacement.open(target, { readers: 'private', replace: false });
    await file.write(Buffer.from(SECRET));
    writeFileSync(target, 'precious');
    await expect(file.finish()).rejects.toMatchObject({ code: 'EEXIST', path: target });
    expect(readFileSync(target, 'utf8')).toBe('precious');
    expect(readdirSync(folder)).toEqual(['keys.jsonl']);
  });
});

describe('what killed processes have left', () => {
  test('goes with the next file in that folder; what somebody may be writing, and what is not ours, stays', async () => {
    const own = basename(unfinishedName(tmpdir()));
    const [, place, , start, random] = /^(\.psp-gateway-[0-9a-f]{8}-)(\d+)-(\d+)-(.*)$/.exec(own)!;
    const dead = spawnSync('true').pid;
    const left = [
      `${place}${dead}-1-${random}`,
      // The PID lives, as another process.
      `${place}${process.pid}-1-${random}`,
    ];
    const kept = [
      own,
      `.psp-gateway-00000000-${dead}-1-${random}`,
      `.psp-gateway-${dead}-1-${random}`,
      `${place}${dead}-1-${random}.txt`,
    ];
    expect(start).not.toBe('1');
    for (const name of [...left, ...kept]) writeFileSync(join(folder, name), 'half');
    mkdirSync(join(folder, `${place}${dead}-2-${random}`));
    writeFileSync(join(folder, `${place}${dead}-2-${random}`, 'vf-h1.pcapng'), 'half');
    await replaceFile(target, SECRET, PRIVATE);
    expect(readdirSync(folder).sort()).toEqual([...kept, 'keys.jsonl'].sort());
  });
});
