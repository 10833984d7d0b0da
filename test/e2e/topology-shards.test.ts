/** `psp-gateway topology fuzz --seeds` and `--merge` as users run them: parts of one search, joined. */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { describe, expect, test } from 'vitest';
import { MAIN, PINGS, topologyFolder } from './topology-folder.js';

const { path, topology, file } = topologyFolder();

function broken(...args: readonly string[]) {
  const env = { ...process.env, PSP_GATEWAY_SABOTAGE: 'resubmit-twice' };
  return spawnSync(process.execPath, [MAIN, 'topology', 'fuzz', ...args], { encoding: 'utf8', env });
}

describe('topology fuzz --seeds and --merge', () => {
  test('parts of a search are joined by what broke, and one of each is a file that topology run repeats', async () => {
    const input = file('three.yaml', PINGS);
    const parts = (part: string) => ['--seeds', '11..14', '--part', part, '--out', path('parts')];
    const first = broken(input, ...parts('0/2'), '--json');
    expect(first.status).toBe(1);
    // The lines are the file, to the octet.
    expect(readdirSync(path('parts'))).toEqual(['shard-11-12.jsonl']);
    expect(readFileSync(path('parts/shard-11-12.jsonl'), 'utf8')).toBe(first.stdout);
    const lines = first.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines[0]).toMatchObject({ shard: 1, seeds: [11, 12], of: [11, 14], sabotage: 'resubmit-twice' });
    expect(lines.slice(1, 3).map(({ seed, verdict }) => [seed, verdict])).toEqual([
      [11, 'failed'],
      [12, 'failed'],
    ]);

    const half = broken(input, '--merge', path('parts'), '--out', path('small'), '--json');
    expect(half.stderr).toBe('');
    const outcome = JSON.parse(half.stdout);
    expect(outcome).toMatchObject({ ok: false, runs: 2, seeds: '11..14', missing: ['13..14'], twice: [] });
    expect(outcome.failures).toMatchObject([
      {
        count: 2,
        seeds: [11, 12],
        repeated: true,
        what: expect.stringMatching(/^delivered-twice at GATEWAY: /),
      },
    ]);
    expect(half.status).toBe(1);
    const small = outcome.failures[0].file as string;
    expect(small).toMatch(/small\/failure-delivered-twice-[0-9a-f]{8}\.yaml$/);
    expect((await topology('run', small, '-o', path('sound'))).status).toBe(0);
  });

  test('sound shards end with 0, once none is missing; seeds that ran twice are told', async () => {
    const input = file('sound.yaml', PINGS);
    const search = ['fuzz', input, '--recover', '5000', '--out', path('whole'), '--seeds'];
    const shard = await topology(...search, '1..4', '--part', '0/2');
    expect(shard.out).toMatch(/^seeds 1 to 2: 2 runs, 0 failed, \d+\.\d s, \d+\.\d seeds\/s\n$/);
    expect(shard.status).toBe(0);
    const missing = await topology('fuzz', input, '--merge', path('whole'));
    expect(missing.out).toBe('1 shards of seeds 1..4: 2 runs (1..2), 0 failed\nmissing: 3..4\n');
    expect(missing.status).toBe(1);
    expect((await topology(...search, '2..4')).status).toBe(0);
    const whole = await topology('fuzz', input, '--merge', path('whole'));
    expect(whole.out).toBe(
      '2 shards of seeds 1..4: 4 runs (1..4), 0 failed\nrun twice, and counted once: 2\n',
    );
    expect(whole.status).toBe(0);

    // The same file under another name is the same; a changed one is another.
    const copy = path('copy.yaml');
    copyFileSync(input, copy);
    expect((await topology('fuzz', copy, '--merge', path('whole'))).status).toBe(0);
    writeFileSync(copy, `${readFileSync(input, 'utf8')}# changed\n`);
    const other = await topology('fuzz', copy, '--merge', path('whole'));
    expect(other.err.match(/is of another topology/g)).toHaveLength(2);
    expect(other.status).toBe(2);

    // What would be waited for.
    execFileSync('mkfifo', [path('whole/shard-8-9.jsonl')]);
    mkdirSync(path('whole/shard-6-7.jsonl'));
    const odd = await topology('fuzz', input, '--merge', path('whole'));
    expect(odd.err).toContain('shard-6-7.jsonl: is no regular file; take it away\n');
    expect(odd.err).toContain('shard-8-9.jsonl: is no regular file; take it away\n');
    expect(odd.status).toBe(2);
    rmSync(path('whole/shard-8-9.jsonl'));
    rmSync(path('whole/shard-6-7.jsonl'), { recursive: true });
    // What was cut on its way.
    const name = path('whole/shard-1-2.jsonl');
    writeFileSync(name, readFileSync(name, 'utf8').split('\n').slice(0, 2).join('\n'));
    renameSync(path('whole/shard-2-4.jsonl'), path('whole/shard-of-nothing.jsonl'));
    writeFileSync(path('whole/shard-of-nothing.jsonl'), 'nothing');
    const cut = await topology('fuzz', input, '--merge', path('whole'));
    expect(cut.err).toContain('shard-of-nothing.jsonl: is no shard');
    expect(cut.status).toBe(2);
  });

  test.each([
    [['--seeds', '9..1'], '--seeds: expected FIRST..LAST'],
    [['--seeds', '1..4294967296'], '--seeds: expected FIRST..LAST'],
    [['--seeds', '0..10000000'], '--seeds: expected at most 10000000 seeds'],
    [['--seeds', '1..3', '--part', '3/3'], '--part: expected INDEX/COUNT'],
    [['--seeds', '1..3', '--part', '0/4'], '--part: 3 seeds have no 4 parts'],
    [
      ['--seeds', '1..3', '--runs', '3', '--seed', '1'],
      'leave --runs out\n--seeds names all seeds; leave --seed out',
    ],
    [['--part', '0/4'], '--part: is of --seeds'],
    [['--out', 'x'], '--out: is for shards and merges'],
    [['--seeds', '1..3', '-o', 'x.yaml'], '--output: a shard makes nothing small'],
    [['--merge', 'nowhere'], '--merge: nowhere: there is no such file or folder'],
    [['--merge', 'EMPTY', '--hostile'], '--merge: the shards say --hostile themselves'],
    [['--merge', 'EMPTY'], 'has no shards (shard-*.jsonl)'],
    [['--seeds', '1..2', '--out', 'OWN'], 'shard-1-2.jsonl is there, and is no shard; name another folder'],
  ])('%j: exit status 2, and what to do', async (args, words) => {
    mkdirSync(path('empty'), { recursive: true });
    mkdirSync(path('own'), { recursive: true });
    writeFileSync(path('own/shard-1-2.jsonl'), 'precious');
    const places: Readonly<Record<string, string>> = { EMPTY: path('empty'), OWN: path('own') };
    const { status, err } = await topology(
      'fuzz',
      file('wrong.yaml', PINGS),
      ...args.map((arg) => places[arg] ?? arg),
    );
    expect(err).toContain(words);
    expect(err).not.toContain('undefined');
    expect(status).toBe(2);
    expect(readFileSync(path('own/shard-1-2.jsonl'), 'utf8')).toBe('precious');
  });
});
