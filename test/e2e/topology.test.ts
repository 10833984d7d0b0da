/** `psp-gateway topology` as a user runs it, in virtual time; topology-real-time.test.ts has the rest. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readCapture } from '../../src/packet/pcap.js';
import type { Report } from '../../src/topology/report.js';
import { Program } from '../support/program.js';
import { MAIN, PINGS, topologyFolder } from './topology-folder.js';

const { folder, path, topology, topologyAlone, file } = topologyFolder();

const digests = (run: string) =>
  Object.fromEntries(
    readdirSync(run).map((name) => [
      name,
      createHash('sha256')
        .update(readFileSync(join(run, name)))
        .digest('hex'),
    ]),
  );

describe('topology run, in virtual time', () => {
  test('the same file and seed give the same files to the byte, another seed others', async () => {
    const input = file('pings.yaml', PINGS);
    const runTo = (out: string, seed: string) =>
      ['run', input, '-o', path(out), '--seed', seed, '--write-keys'] as const;
    // Whatever else a process has done before.
    expect(topologyAlone(...runTo('one', '7')).status).toBe(0);
    expect((await topology(...runTo('two', '7'))).status).toBe(0);
    expect((await topology(...runTo('three', '8'))).status).toBe(0);
    const one = digests(path('one'));
    expect(Object.keys(one).sort()).toEqual(
      expect.arrayContaining([
        'keys.jsonl',
        'report.json',
        'report.md',
        'run.log',
        'sequence.mmd',
        'topology.svg',
      ]),
    );
    expect(Object.keys(one).filter((name) => name.endsWith('.pcapng'))).toHaveLength(6);
    expect(digests(path('two'))).toEqual(one);
    const three = digests(path('three'));
    for (const name of ['keys.jsonl', 'report.json']) expect(three[name]).not.toBe(one[name]);
  });

  test('--snaplen cuts every frame of every capture, and keeps its length', async () => {
    const run = await topology(
      'run',
      file('pings.yaml', PINGS),
      '-o',
      path('cut'),
      '--seed',
      '7',
      '--snaplen',
      '60',
    );
    expect(run.status).toBe(0);
    const captures = readdirSync(path('cut')).filter((name) => name.endsWith('.pcapng'));
    expect(captures).toHaveLength(6);
    for (const name of captures) {
      const lengths: number[] = [];
      for await (const { frame, originalOctets } of readCapture(createReadStream(path(`cut/${name}`)))) {
        expect(frame.length).toBe(Math.min(60, originalOctets));
        lengths.push(originalOctets);
      }
      expect(Math.max(...lengths), name).toBeGreaterThan(90);
    }
  });

  test('captures of gigabytes are told of before the run, with what makes them smaller', async () => {
    const scenario = `  traffic:
    A: {type: udp, from: h1-v1, to: h2-v1, rate: 100000/s, size: 1000, duration: 10s}
`;
    const run = ['topology', 'run', file('big.yaml', scenario), '-o', path('big')];
    const told = new Program([process.execPath, MAIN, ...run]);
    const warning =
      /^psp-gateway: warning: the captures of a run will take some 4\.\d GB; --snaplen 128 .*--no-captures/;
    await told.says(warning);
    await told.stop('SIGKILL');
    const checked = await topology('validate', path('big.yaml'));
    expect(checked).toMatchObject({ status: 0, err: expect.stringMatching(warning) });
  });

  test('names that are old are told by validate, and are no mistake', async () => {
    const scenario = '  events: [{at: 1s, calm: true}]\n';
    expect(await topology('validate', file('old.yaml', scenario))).toMatchObject({
      status: 0,
      err: expect.stringMatching(
        /^psp-gateway: warning: .*old\.yaml:\d+: scenario\.events\[0\]\.calm is now called reset-faults/,
      ),
    });
  });

  test('keys are for their owner only; without --write-keys there are none', async () => {
    expect(statSync(path('one/keys.jsonl')).mode & 0o077).toBe(0);
    const input = file('pings.yaml', PINGS);
    expect((await topology('run', input, '-o', path('keyless'))).status).toBe(0);
    expect(existsSync(path('keyless/keys.jsonl'))).toBe(false);
  });

  test('with its keys a run opens its own captures', () => {
    const [link] = readdirSync(path('one')).filter((name) => name.startsWith('link-'));
    const { status, stdout } = spawnSync(
      process.execPath,
      [
        MAIN,
        'pcap',
        'decrypt',
        '--keys',
        path('one/keys.jsonl'),
        path(`one/${link}`),
        path('open.pcapng'),
        '--json',
      ],
      { encoding: 'utf8' },
    );
    expect(status).toBe(0);
    expect(readFileSync(path('open.pcapng')).includes('<workload-clear>')).toBe(true);
    expect(readFileSync(path(`one/${link}`)).includes('<workload-clear>')).toBe(false);
    expect(stdout).toContain('"decrypted"');
  });

  test('an expectation that is not met is said, and the exit status is 1', async () => {
    const input = file('strict.yaml', PINGS.replace('delivered: 50%', 'blocked: true'));
    const { status, out } = await topology('run', input, '-o', path('strict'));
    expect(status).toBe(1);
    expect(out).toMatch(/^FAILED {2}nothing of 6 flows arrives/m);
  });

  test('what failed is said first: flows in the table, and verdicts', async () => {
    const scenario = `  traffic:
    good: {type: ping, from: h1-v1, to: h2-v1, count: 5}
    bad: {type: ping, from: h2-v1, to: h3-v1, count: 5}
  expect:
    - {flow: good, delivered: 10%}
    - {flow: bad, blocked: true}
`;
    const { out } = await topology('run', file('order.yaml', scenario), '-o', path('order'));
    expect(out).toMatch(/^flow +type.*\nbad .* failed\ngood /m);
    expect(out).toMatch(/^FAILED {2}nothing of bad arrives.*\nok {2}of good/m);
    expect(readFileSync(path('order/report.md'), 'utf8')).toMatch(
      /^\| bad \|.*\*\*failed\*\* \|\n\| good \|/m,
    );
  });

  test('--json prints the report and nothing else', async () => {
    const { out } = await topology('run', file('pings.yaml', PINGS), '-o', path('json'), '--json');
    const report = JSON.parse(out) as Report;
    expect(report).toEqual(JSON.parse(readFileSync(path('json/report.json'), 'utf8')));
    expect(Object.keys(report.flows)).toHaveLength(6);
    expect(report.violations).toEqual([]);
  });

  test('a folder with files of somebody else is left alone', async () => {
    writeFileSync(path('mine.txt'), 'mine');
    const { status, err } = await topology('run', file('pings.yaml', PINGS), '-o', folder);
    expect(status).toBe(2);
    expect(err).toContain('has files that no run has written');
    expect(readFileSync(path('mine.txt'), 'utf8')).toBe('mine');
  });

  test('a broken gateway is found by what always holds, expectations or not', () => {
    const env = { ...process.env, PSP_GATEWAY_SABOTAGE: 'clear-on-miss' };
    const args = [MAIN, 'topology', 'run', file('pings.yaml', PINGS), '-o', path('broken')];
    const { status, stdout } = spawnSync(process.execPath, args, { encoding: 'utf8', env });
    expect(status).toBe(1);
    expect(stdout).toMatch(/^VIOLATED {2}plaintext/m);
  });
});

describe('topology fuzz', () => {
  test('what it finds is a file that topology run repeats', async () => {
    const env = { ...process.env, PSP_GATEWAY_SABOTAGE: 'resubmit-twice' };
    const input = file('pings.yaml', PINGS);
    // Somebody's own, under the name that a search gives.
    writeFileSync(path('failure.yaml'), 'precious');
    const search = [MAIN, 'topology', 'fuzz', input, '--runs', '20', '--json'];
    const found = spawnSync(process.execPath, search, { encoding: 'utf8', env, cwd: path('.') });
    expect(found.status).toBe(1);
    expect(JSON.parse(found.stdout)).toMatchObject({ ok: false, file: 'failure-2.yaml' });
    expect(readFileSync(path('failure.yaml'), 'utf8')).toBe('precious');
    const again = [MAIN, 'topology', 'run', path('failure-2.yaml'), '-o', path('again')];
    expect(spawnSync(process.execPath, again, { encoding: 'utf8', env }).stdout).toMatch(
      /^VIOLATED {2}delivered-twice/m,
    );
    expect((await topology('run', path('failure-2.yaml'), '-o', path('sound'))).status).toBe(0);
  });

  test('what it finds is printed, where its file cannot be written', () => {
    const env = { ...process.env, PSP_GATEWAY_SABOTAGE: 'resubmit-twice' };
    const input = file('pings.yaml', PINGS);
    const search = [MAIN, 'topology', 'fuzz', input, '--runs', '20', '-o', '/dev/full'];
    const { status, stdout, stderr } = spawnSync(process.execPath, search, { encoding: 'utf8', env });
    expect(status).toBe(1);
    expect(stderr).toBe('psp-gateway: /dev/full: the disk is full; make room and try again (ENOSPC)\n');
    expect(stdout).toContain('# Found by topology fuzz under seed');
  });

  test.each([
    ['none/failure.yaml', 'none/failure.yaml: there is no such file or folder (ENOENT)'],
    ['own.yaml', 'own.yaml is there, and no search has written it'],
  ])('does not search for what could not go to %s', async (name, words) => {
    writeFileSync(path('own.yaml'), 'precious');
    const { status, err } = await topology('fuzz', file('pings.yaml', PINGS), '-o', path(name));
    expect({ status, err }).toEqual({ status: 2, err: expect.stringContaining(words) });
    expect(readFileSync(path('own.yaml'), 'utf8')).toBe('precious');
  });

  test('where nothing is found, the seeds are said and the exit status is 0', async () => {
    const { status, out } = await topology('fuzz', file('pings.yaml', PINGS), '--runs', '5', '--seed', '10');
    expect(out).toMatch(/^nothing found: 5 runs, seeds 10 to 14, \d+ packets/);
    expect(status).toBe(0);
  });
});

describe('what goes wrong', () => {
  test.each([
    [['run', 'nowhere.yaml'], 'nowhere.yaml:1: there is no file nowhere.yaml'],
    [['run', 'FILE', '--where', 'h9=192.0.2.1'], '--where: gateways on other machines need --processes'],
    [['run', 'FILE', '--processes', '--where', 'h9=192.0.2.1'], '--where: three has no gateway h9'],
    [['validate', 'nowhere.yaml'], 'nowhere.yaml:1: there is no file nowhere.yaml'],
    [['validate', 'FILE', 'nowhere.yaml'], 'nowhere.yaml:1: there is no file nowhere.yaml'],
    [['run', 'FILE', '--where', 'h9'], 'expected NAME=HOST'],
    [['run', 'FILE', '--seed', '-1'], 'expected a number from 0'],
    [['node', 'FILE', 'h9', '--certificates', 'x'], 'three has no gateway h9'],
    [['node', 'FILE', 'h1'], '--certificates: a gateway needs a certificate'],
    [['fuzz', 'FILE', '--runs', '0'], 'expected a number from 1'],
  ])('%j: exit status 2, and what to do', async (args, words) => {
    const input = file('pings.yaml', PINGS);
    const named = args.map((arg) => (arg === 'FILE' ? input : arg));
    // A node talks to whoever has started its process.
    const { status, err } = named[0] === 'node' ? topologyAlone(...named) : await topology(...named);
    expect(err).toContain(words);
    expect(status).toBe(2);
  });
});
