/**
 * The trace of the software DOCA: what native/doca-soft/test/trace.cc does, and an example, as the file has it. What reads such files is
 * test/e2e/doca-trace.test.ts.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { apiOf, readHeaders } from '../../scripts/soft-api.mjs';
import { NOT_TRACED } from '../../scripts/soft-trace.mjs';
import { SOFT_RELEASES } from '../../src/hal/native-parts.js';
import { describeOnNative } from '../support/needs.js';
import { ringDevice, writeMapping } from '../support/ring-programs.js';
import { ROOT } from '../support/root.js';
import {
  buildSoftProgram,
  CASE_TIMEOUT_MS,
  folderOfPrograms,
  runCase,
  sanitizedProgram,
  softIsBuilt,
} from '../support/soft-program.js';

interface Line {
  readonly type: string;
  readonly call?: string;
  // biome-ignore lint/suspicious/noExplicitAny: each test says what it expects of its lines
  readonly [key: string]: any;
}

const RELEASES = ['3.1', '3.3'] as const;
/** The rings of the program's ports are the first ones. */
const PF = 2;
/** As 3.1. */
const SANITIZED = sanitizedProgram('trace');
const isRoot = process.getuid?.() === 0;
const prefixOf = (release: string) => join(ROOT, 'build/native', `prefix-${release}`);

function linesOf(path: string): Line[] {
  const text = readFileSync(path, 'utf8');
  expect(text.endsWith('\n')).toBe(true);
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
}

/**
 * What a program that does the same again tells again. Objects have other numbers, packets other IVs; of fields those that both know:
 * which there are is not this test's.
 */
function repeatable(lines: readonly Line[], kinds: readonly string[]): Line[] {
  const told = lines.filter(
    ({ type, call }) => kinds.includes(type) && call !== 'doca_flow_resource_query_entry',
  );
  const isKept = ([name]: readonly [string, unknown]) =>
    /^(?:inner\.ip4|outer\.ip[46]|tun\.psp\.spi)/.test(name);
  const some = (fields: object) => Object.fromEntries(Object.entries(fields).filter(isKept));
  const withoutOthers = ({ fields, way, ...rest }: Line): Line =>
    way === undefined
      ? rest
      : {
          ...rest,
          fields: some(fields),
          way: way.map((step: Line) => ({ ...step, changed: some(step.changed) })),
        };
  const text = JSON.stringify(
    told.map(({ t: _, us: __, passed_over: ___, ...rest }) => withoutOthers(rest as Line)),
  );
  return JSON.parse(text.replace(/"(\w+) \d+"/g, '"$1"'));
}

function body(): void {
  const folder = folderOfPrograms('trace');
  const mapping = writeMapping(folder, ringDevice());
  const built = new Map<string, string>();

  test.each(RELEASES)(
    'the program of cases builds for %s',
    (release) => {
      built.set(release, buildSoftProgram('trace.cc', release, folder, ['-lrte_net_ring']));
    },
    60_000,
  );

  describe.each([
    ...RELEASES.map((release) => [`DOCA ${release}`, release, () => built.get(release)!] as const),
    ['DOCA 3.1 under sanitizers', '3.1', () => SANITIZED] as const,
  ])('%s', (_, release, program) => {
    /** Runs a case, and returns the lines of its trace, and what it said on standard error. */
    function traced(name: string, file = join(folder, `${name}.jsonl`)): [lines: Line[], stderr: string] {
      rmSync(file, { force: true });
      process.env.TRACE_FILE = file;
      const stderr = runCase(program(), name, mapping);
      return [existsSync(file) ? linesOf(file) : [], stderr];
    }
    const call = (lines: readonly Line[], name: string) => lines.filter((line) => line.call === name);

    test('tells pipes as they are built, with names of enumerations and of other pipes', () => {
      const [lines] = traced('way');
      expect(lines[0]).toMatchObject({ type: 'start', format: 1, packets: 1, octets: 16 });
      const made = lines.filter(({ type, change }) => type === 'pipe' && change === 'made');
      expect(made.map(({ settings, forwards }) => ({ ...settings, ...forwards }))).toMatchObject([
        {
          name: 'PIPE',
          type: 'DOCA_FLOW_PIPE_BASIC',
          domain: 'DOCA_FLOW_PIPE_DOMAIN_DEFAULT',
          is_root: false,
          nr_entries: 16,
          miss_counter: true,
          match: { outer: { l3_type: 'DOCA_FLOW_L3_TYPE_IP6', ip6: { dst_ip: 'all ones' } } },
          actions: [{ meta: { pkt_meta: 'all ones' } }],
          fwd: { type: 'DOCA_FLOW_FWD_PORT', port_id: PF },
          fwd_miss: { type: 'DOCA_FLOW_FWD_DROP' },
        },
        { type: 'DOCA_FLOW_PIPE_CONTROL', is_root: true },
      ]);
      const [table, root] = made.map(({ pipe }) => pipe as number);
      expect(lines.filter(({ type, change }) => type === 'pipe' && change === 'destroyed')).toHaveLength(2);
      expect(lines.find(({ type, change }) => type === 'pipe' && change === 'miss')).toMatchObject({
        pipe: table,
        forwards: { fwd_miss: { type: 'DOCA_FLOW_FWD_DROP' } },
      });
      expect(call(lines, 'doca_flow_pipe_control_add_entry')[0]!.arguments).toMatchObject({
        pipe: { pipe: root, name: 'PIPE' },
        match: { parser_meta: { port_id: PF + 1 } },
        match_mask: { parser_meta: { port_id: 'all ones' } },
        monitor: { counter_type: 'DOCA_FLOW_RESOURCE_TYPE_NON_SHARED' },
        fwd: { type: 'DOCA_FLOW_FWD_PIPE', next_pipe: { pipe: table } },
      });
      expect(lines.at(-1)).toMatchObject({ type: 'end', reason: 'stopped' });
    });

    test('tells what an entry matches by the selectors of its pipe, and what becomes of entries', () => {
      const [lines] = traced('way');
      const entries = lines.filter(({ type }) => type === 'entry');
      const add = release === '3.1' ? 'doca_flow_pipe_add_entry' : 'doca_flow_pipe_basic_add_entry';
      expect(entries.find((line) => line.call === add)).toMatchObject({
        change: 'added',
        entry: 0,
        result: 'DOCA_SUCCESS',
        arguments: {
          match: { outer: { ip6: { dst_ip: '::1' } } },
          actions: { meta: { pkt_meta: 42 } },
        },
      });
      const changes = (kind: string) => entries.filter(({ change }) => change === kind).length;
      expect({ added: changes('added'), removed: changes('removed'), failed: changes('failed') }).toEqual({
        added: 3,
        removed: 1,
        failed: 0,
      });
      expect(
        entries
          .filter(({ change }) => change === 'done')
          .map(({ what }) => what)
          .sort(),
      ).toEqual(['added', 'added', 'added', 'removed']);
    });

    test('tells the way of packets, pipe by pipe, with what was hit and what has changed', () => {
      const [lines] = traced('way');
      const packets = lines.filter(({ type }) => type === 'packet');
      const steps = packets.map(({ way, end }) => [
        ...way.map(({ entry }: { entry: unknown }) => entry),
        end.to === 'port' ? `port ${end.port}` : end.to,
      ]);
      expect(steps).toEqual([
        [0, 0, `port ${PF}`],
        [0, 'miss', 'drop'],
        [1, 'rss'],
      ]);
      expect(packets[0]).toMatchObject({
        packet: 1,
        port: PF + 1,
        length: 58,
        frame: '00000000000000000000000086dd6000',
        fields: { 'parser_meta.port_id': PF + 1, 'outer.ip6.src_ip': '::7', 'outer.ip6.dst_ip': '::1' },
        encrypted: false,
      });
      expect(packets[0]!.way.map(({ changed }: Line) => changed)).toEqual([{}, { 'meta.pkt_meta': [0, 42] }]);
      const counters = new Map(
        lines.filter(({ type }) => type === 'counters').map((line) => [line.pipe, line]),
      );
      expect([...counters.values()]).toMatchObject([
        { hits: 1, misses: 1, hit_octets: 58, miss_octets: 58 },
        { hits: 3, misses: 0 },
      ]);
    });

    if (release === '3.3')
      test('tells lists and pipes that flood, with copies', () => {
        const [lines] = traced('indexed');
        const packets = lines.filter(({ type }) => type === 'packet');
        const ways = packets.map(({ copy, way }) => [
          copy ?? false,
          way.map(({ name, entry }: Line) => `${name} ${entry}`),
        ]);
        expect(ways).toEqual([
          [false, ['PIPE 0', 'FLOOD all']],
          [true, ['LIST 0']],
        ]);
        expect(packets[1]!.way[0].changed).toEqual({ 'meta.u32[0]': [0, 5] });
        expect(lines.find(({ settings }) => settings?.name === 'LIST')!.settings.ordered_lists).toMatchObject(
          [{ size: 1, elements: [{ actions: [{ meta: { u32: [5, 0, 0, 0, 0, 0, 0, 0, 0, 0] } }] }] }],
        );
      });

    test(
      'tells counters while the program runs',
      () => {
        traced('counters');
      },
      CASE_TIMEOUT_MS,
    );

    test('tells no key, neither one that was made nor one that was given', () => {
      const file = join(folder, 'keys.jsonl');
      const [lines, stderr] = traced('keys', file);
      const keys = stderr.split('\n').filter((line) => /^[0-9a-f]{64}$/.test(line));
      expect(keys).toHaveLength(3);
      const text = readFileSync(file);
      for (const key of keys) {
        const octets = Buffer.from(key, 'hex');
        const words = Array.from({ length: 8 }, (_, i) => octets.readUInt32LE(4 * i));
        const told = [octets, octets.toString('base64').slice(0, 20), words.join(','), key.slice(0, 16)];
        for (const form of told) expect(text.includes(form)).toBe(false);
        for (const word of words) expect(text.includes(`${word}`)).toBe(false);
      }
      expect(call(lines, 'doca_flow_crypto_psp_spi_key_bulk_get')[0]!.arguments).toMatchObject({
        spi: expect.any(Number),
        key: 'left out: a key',
      });
      expect(call(lines, 'doca_flow_shared_resource_set_cfg')[0]!.arguments.cfg).toEqual({
        psp_cfg: { key_cfg: { key_type: 'DOCA_FLOW_CRYPTO_KEY_256', key: 'left out' } },
      });
      expect(call(lines, 'doca_flow_cfg_set_rss_key')[0]!.arguments.rss_key).toBe('left out: a key');
    });

    test('tells arguments of all kinds', () => {
      const [lines] = traced('told');
      const [first, long] = call(lines, 'doca_flow_pipe_cfg_set_name').map((line) => line.arguments.name);
      expect(first).toBe('a "name"\n\u00ff');
      expect(long).toBe(`${'x'.repeat(256)}...`);
      expect(call(lines, 'doca_flow_pipe_cfg_set_type')[0]).toMatchObject({
        arguments: { cfg: null, type: 77 },
        result: 'DOCA_ERROR_INVALID_VALUE',
      });
      expect(call(lines, 'doca_flow_pipe_cfg_set_match')[0]!.arguments).toEqual({
        cfg: null,
        match: {
          meta: { pkt_meta: 'all ones', u32: [0, 0, 0, 0x1234, 0, 0, 0, 0, 0, 0] },
          outer: {
            eth: { dst_mac: '00:00:00:00:00:09', type: 0x86dd },
            l3_type: 'DOCA_FLOW_L3_TYPE_IP6',
            ip6: { src_ip: '2001:db8::1' },
          },
          tun: { type: 'DOCA_FLOW_TUN_PSP', psp: { spi: 7 } },
        },
        match_mask: { outer: { ip6: { src_ip: 'ffff:ffff:ffff:ffff::' } } },
      });
      const { actions } = call(lines, 'doca_flow_pipe_cfg_set_actions')[0]!.arguments;
      expect(actions).toHaveLength(17);
      expect(actions[0]).toEqual({
        has_crypto_encap: true,
        crypto_encap: { data_size: 3, encap_data: '00ab00' },
      });
      expect(actions[16]).toBe('and 4 more');
    });

    test('tells as many lines of a kind as the limit allows in a second, and how many not', () => {
      const [lines] = traced('lines');
      const told = lines.filter(({ type }) => type === 'call').length;
      const { left_out: leftOut } = lines.at(-1)!;
      // More where a second ends in the middle.
      expect(told % 5).toBe(0);
      expect(told + leftOut.calls).toBe(20);
      expect(leftOut.calls).toBeGreaterThan(5);
      const toldOf = lines.filter(({ type }) => type === 'left_out').map(({ calls }) => calls as number);
      expect(toldOf.reduce((sum, count) => sum + count, 0)).toBe(leftOut.calls);
    });

    test('tells a call that is made again and again once in a second', () => {
      const [lines] = traced('often');
      const told = call(lines, 'doca_flow_aging_handle');
      expect(told.map(({ passed_over: count }) => count ?? 0)).toEqual([0, 99]);
    });

    test('ends a file at its size, with a last line', () => {
      const file = join(folder, 'size.jsonl');
      const [lines] = traced('size', file);
      expect(readFileSync(file).length).toBeLessThanOrEqual(4096);
      expect(readFileSync(file).length).toBeGreaterThan(3000);
      expect(lines.at(-1)).toMatchObject({ type: 'end', reason: 'size' });
    });

    test.runIf(isRoot)('ends where the disk is full, by a whole line', () => {
      const disk = join(folder, 'disk');
      mkdirSync(disk, { recursive: true });
      expect(spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=16k', 'none', disk]).status).toBe(0);
      try {
        const [lines] = traced('full', join(disk, 'trace.jsonl'));
        expect(lines.length).toBeGreaterThan(50);
        expect(lines.at(-1)!.type).toBe('call');
      } finally {
        spawnSync('umount', [disk]);
      }
    });

    test('writes to no file that has the number of its own, which the program has closed', () => {
      const [lines] = traced('closed');
      expect(lines.map(({ type }) => type)).toEqual(['start', 'call']);
    });

    test('is of one process', () => {
      const [lines] = traced('forked');
      expect(lines.map((line) => line.call ?? line.type)).toEqual(['start', 'doca_flow_cfg_destroy', 'end']);
    });

    test('has whole lines of several threads', () => {
      const [lines] = traced('threads');
      const calls = lines.filter(({ type }) => type === 'call');
      expect(calls).toHaveLength(2000);
      expect(new Set(calls.map(({ thread }) => thread)).size).toBe(4);
    });

    test('ends and begins while others call', () => {
      const [lines] = traced('restarts');
      expect(lines.map(({ type }) => type)).toEqual(['start', 'call', 'end']);
    });

    test('ends with the process', () => {
      const [lines] = traced('exits');
      expect(lines.at(-1)).toMatchObject({ type: 'end', reason: 'exit' });
    });

    test("refuses settings that are wrong, and a file that is none or another one's", () => {
      const [, stderr] = traced('refused');
      for (const told of [
        'no file is named',
        '"packets" has no value',
        'packets is "-1"; expected a number from 0 to 4294967295',
        'size is "4095"; expected a number from 4096',
        'there is no setting "colour"; packets, octets, lines and size are',
        '/dev/null: is not a regular file',
        '/nowhere/at/all: No such file or directory',
        'another process writes its trace to it',
      ])
        expect(stderr).toContain(told);
    });
  });

  test.each(RELEASES)(
    'the example tells its calls, pipes, entries and packets, over %s',
    (release) => {
      const examples = join(ROOT, 'native/doca-soft/examples');
      const program = join(folder, `example-${release}`);
      mkdirSync(program);
      const made = spawnSync(
        'make',
        ['-C', program, '-f', join(examples, 'Makefile'), `VPATH=${examples}`, 'psp_pipeline'],
        {
          env: { ...process.env, PKG_CONFIG_PATH: join(prefixOf(release), 'lib/pkgconfig') },
          encoding: 'utf8',
        },
      );
      expect({ status: made.status, stderr: made.stderr }).toEqual({ status: 0, stderr: '' });
      const devices = join(program, 'mapping.conf');
      const capture = `net_pcap0,rx_pcap=${join(examples, 'echo.pcap')},tx_pcap=${join(program, 'back.pcap')}`;
      writeFileSync(
        devices,
        [
          ...[
            '[device 03:00.0]',
            'port = net_ring0',
            'mtu = 1600',
            'ipv6 = 2001:db8::1',
            'test-random-seed = 5',
            '',
          ],
          ...['[representor vf0]', `port = ${capture}`, 'hold = 300', ''],
        ].join('\n'),
      );
      const file = join(program, 'trace.jsonl');
      const eal = ['--no-huge', '--no-shconf', '-m', '256', '--file-prefix', `psp-trace-${process.pid}`];
      const { status, stderr } = spawnSync(join(program, 'psp_pipeline'), ['03:00.0', '5', ...eal], {
        env: { ...process.env, DOCA_SOFT_CONFIG: devices, DOCA_SOFT_TRACE: `${file},packets=5` },
        encoding: 'utf8',
      });
      expect({ status, ...(status === 0 ? {} : { stderr }) }).toEqual({ status: 0 });
      const lines = linesOf(file);
      expect(lines.at(-1)).toMatchObject({ type: 'end', reason: 'exit' });
      const sample = linesOf(join(ROOT, 'test/support/traces/psp-pipeline-3.1.jsonl'));
      // The releases differ in calls, and agree in pipes and packets.
      const kinds = release === '3.1' ? ['call', 'entry', 'pipe', 'packet'] : ['pipe', 'packet'];
      expect(repeatable(lines, kinds)).toEqual(repeatable(sample, kinds));
      const counted = new Map(
        lines.filter(({ type }) => type === 'counters').map((line) => [line.name, line]),
      );
      expect(counted.get('ACL')).toMatchObject({ hits: 5, misses: 0 });
      expect(counted.get('ENCRYPT')).toMatchObject({
        hits: 5,
        next: [{ next: { to: 'port', port: 0 }, packets: 5 }],
      });
    },
    120_000,
  );

  describe.each(SOFT_RELEASES)('DOCA %s', (release) => {
    test('has a traced function around each that it exports', () => {
      for (const library of ['flow', 'argp']) {
        const path = join(prefixOf(release), 'lib', `libdoca_${library}.so`);
        const { stdout } = spawnSync('nm', [path], { encoding: 'utf8', maxBuffer: 1 << 26 });
        const symbols = (kind: string) =>
          [...stdout.matchAll(new RegExp(` ${kind} (\\w+)$`, 'gm'))].map(([, name]) => name!);
        const exported = symbols('T').filter((name) => name.startsWith('doca_'));
        const inside = new Set(symbols('[tT]'));
        expect(exported.length).toBeGreaterThan(30);
        expect(exported.filter((name) => !(name in NOT_TRACED) && !inside.has(`untraced_${name}`))).toEqual(
          [],
        );
      }
    });
  });

  test('leaves nothing out but what has a reason', () => {
    const names = apiOf(readHeaders()).functions.map(({ name }) => name);
    for (const name of Object.keys(NOT_TRACED)) expect(names).toContain(name);
    expect(Object.keys(NOT_TRACED)).toHaveLength(3);
  });
}

const isBuilt = softIsBuilt(SOFT_RELEASES) && existsSync(SANITIZED);
describeOnNative('the trace of the software DOCA', isBuilt, body);
