/**
 * The releases that the software DOCA presents: what its headers declare, its library has and its modules say, and what the addon
 * calls in each. The tables are what is known of NVIDIA's releases; that the headers' conditions agree with them is tested here.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { SOFT_RELEASES, type SoftRelease } from '../../src/hal/native-parts.js';
import { describeOnNative } from '../support/needs.js';
import { ROOT } from '../support/root.js';
import { SOFT_VERSIONS, softIsBuilt } from '../support/soft-program.js';

/** Names of functions and enumerators, and of members of structures; those not named here are in all releases. */
const FROM: Partial<Record<SoftRelease, readonly string[]>> = {
  '2.10': [
    'doca_flow_port_cfg_set_actions_mem_size',
    ...['rss_type', 'rss', 'shared_rss_id'].map((name) => `doca_flow_fwd.${name}`),
  ],
  '3.0': [
    ...['doca_flow_port_cfg_set_port_id', 'doca_flow_port_cfg_set_dev_rep'],
    ...['DOCA_FLOW_CRYPTO_HEADER_NON_ESP_MARKER', 'doca_flow_parser_meta.port_id'],
    'doca_flow_ordered_list_element.monitor',
  ],
  '3.1': [
    ...['doca_dpdk_port_probe_with_representors', 'doca_flow_cfg_set_tune_cfg', 'doca_flow_tune_cfg_create'],
    ...['DOCA_FLOW_TUNE_PROFILE_FULL', 'DOCA_FLOW_RSS_IPV4_SRC', 'DOCA_FLOW_RSS_TCP_DST'],
    ...['DOCA_ARGP_TYPE_DEVICE', 'DOCA_ARGP_TYPE_DEVICE_REP'],
  ],
  '3.2': [
    ...['doca_flow_cfg_set_resource_mode', 'doca_flow_port_cfg_set_nr_resources'],
    ...['doca_flow_port_shared_resource_get', 'doca_flow_port_shared_resource_put'],
    ...['doca_flow_port_shared_resource_set_cfg', 'doca_flow_port_shared_resources_query'],
    ...['doca_flow_port_update_default_miss', 'doca_flow_port_query_default_miss'],
    ...['DOCA_FLOW_RESOURCE_MODE_PORT', 'DOCA_FLOW_RESOURCE_PSP', 'DOCA_FLOW_PORT_DEFAULT_MISS_KERNEL'],
    ...['DOCA_FLOW_ORDERED_LIST_ELEMENT_CRYPTO', 'doca_flow_ordered_list_element.crypto'],
    ...['doca_flow_crypto.has_crypto_encap', 'doca_flow_entropy_format.is_transport'],
  ],
  '3.3': [
    ...['doca_flow_pipe_basic_add_entry', 'doca_flow_pipe_basic_update_entry'],
    ...['DOCA_FLOW_ENTRY_FLAGS_NO_WAIT', 'DOCA_FLOW_ENTRY_FLAGS_WAIT_FOR_BATCH', 'DOCA_FLOW_RSS_AUTO'],
    ...['DOCA_FLOW_ORDERED_LIST_ELEMENT_NAT64', 'doca_flow_ordered_list_element.nat64'],
    ...['DOCA_ARGP_TYPE_DOUBLE', 'doca_argp_register_dev_open_callback'],
    'doca_argp_disable_pedantic_config_parsing',
  ],
};
const UP_TO: Partial<Record<SoftRelease, readonly string[]>> = {
  '2.9': ['rss_outer_flags', 'rss_inner_flags', 'rss_queues', 'num_of_queues'].map(
    (name) => `doca_flow_fwd.${name}`,
  ),
  '2.10': [
    ...['doca_flow_parser_meta.port_meta', 'doca_flow_shared_resource_cfg.domain'],
    ...['doca_flow_ordered_list.types', 'DOCA_FLOW_ORDERED_LIST_ELEMENT_ACTIONS_MASK'],
  ],
  '3.0': [
    ...['doca_flow_pipe_cfg_set_dir_info', 'doca_flow_port_pipes_dump', 'DOCA_FLOW_DIRECTION_BIDIRECTIONAL'],
    ...['doca_flow_match.flags', 'doca_flow_meta.mark', 'DOCA_ARGP_TYPE_JSON_OBJ'],
  ],
  '3.1': [
    ...['doca_flow_cfg_set_default_rss', 'DOCA_FLOW_SHARED_RESOURCE_MIRROR', 'doca_flow_actions.action_idx'],
    ...['doca_flow_monitor.shared_mirror_id', 'doca_flow_shared_resource_cfg.mirror_cfg'],
    ...['doca_flow_mirror_target.has_encap', 'doca_flow_entropy_format.l4_type_ext'],
  ],
  '3.2': [
    ...['doca_flow_pipe_add_entry', 'doca_flow_pipe_update_entry', 'doca_flow_port_cfg_set_rss_cfg'],
    ...['DOCA_FLOW_NO_WAIT', 'DOCA_FLOW_WAIT_FOR_BATCH', 'doca_flow_actions.flags'],
  ],
};
/** In all of them, among much else. */
const ALWAYS = [
  ...['doca_dpdk_port_probe', 'doca_flow_port_cfg_set_devargs', 'doca_flow_port_cfg_set_dev'],
  ...['doca_flow_shared_resources_bind', 'doca_flow_shared_resource_set_cfg', 'doca_flow_tune_server_init'],
  ...['doca_flow_pipe_control_add_entry', 'doca_flow_actions.has_crypto_encap', 'doca_flow_meta.pkt_meta'],
];

/** Parameters between those that name the pipe and the actions, and those of the priority. */
const SIGNATURES: readonly { what: string; like: RegExp; releases: readonly SoftRelease[] }[] = [
  {
    what: 'the index of the actions is a parameter',
    like: /doca_flow_pipe_(basic_)?add_entry\([^)]*uint8_t action_idx/,
    releases: ['3.2', '3.3'],
  },
  {
    what: 'the index of the actions is a parameter of hash pipes',
    like: /doca_flow_pipe_hash_add_entry\([^)]*uint8_t action_idx/,
    releases: ['3.2', '3.3'],
  },
  {
    what: 'the priority comes second',
    like: /doca_flow_pipe_control_add_entry\(\s*uint16_t \w+, uint32_t priority/,
    releases: ['2.9', '2.10', '3.0', '3.1', '3.2'],
  },
  {
    what: 'the priority comes behind the monitor',
    like: /doca_flow_pipe_control_add_entry\([^)]*\*monitor, uint32_t priority,\s+const struct/,
    releases: ['3.3'],
  },
];
/** Behind the mirrors, where there are mirrors. */
const PSP_AMONG_RESOURCES = { '2.9': 4, '2.10': 4, '3.0': 4, '3.1': 4, '3.2': 3, '3.3': 3 };

/** What the addon calls, besides what it calls in all. */
const CALLS: Readonly<Record<string, readonly SoftRelease[]>> = {
  rte_eth_promiscuous_enable: SOFT_RELEASES,
  rte_flow_isolate: ['2.9', '2.10', '3.0'],
  doca_dpdk_port_probe: ['2.9', '2.10', '3.0'],
  doca_dpdk_port_probe_with_representors: ['3.1', '3.2', '3.3'],
  doca_flow_cfg_set_default_rss: ['2.9', '2.10', '3.0', '3.1'],
  doca_flow_cfg_set_nr_counters: ['2.9', '2.10', '3.0', '3.1'],
  doca_flow_cfg_set_resource_mode: ['3.2', '3.3'],
  doca_flow_port_cfg_set_devargs: ['2.9', '2.10'],
  doca_flow_port_cfg_set_port_id: ['3.0', '3.1', '3.2', '3.3'],
  doca_flow_port_cfg_set_dev_rep: ['3.1', '3.2', '3.3'],
  doca_flow_port_cfg_set_actions_mem_size: ['2.10', '3.0', '3.1', '3.2', '3.3'],
  doca_flow_port_cfg_set_nr_resources: ['3.2', '3.3'],
  doca_flow_shared_resources_bind: ['2.9', '2.10', '3.0', '3.1'],
  doca_flow_shared_resource_set_cfg: ['2.9', '2.10', '3.0', '3.1'],
  doca_flow_port_shared_resource_get: ['3.2', '3.3'],
  doca_flow_pipe_ordered_list_add_entry: ['3.2', '3.3'],
  doca_flow_pipe_hash_add_entry: ['3.2', '3.3'],
  doca_flow_pipe_add_entry: ['2.9', '2.10', '3.0', '3.1', '3.2'],
  doca_flow_pipe_basic_add_entry: ['3.3'],
};

const native = (...path: string[]) => join(ROOT, 'build/native', ...path);
const run = (command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}) => {
  const { status, stdout, stderr } = spawnSync(command, args, {
    encoding: 'utf8',
    env: { ...process.env, ...env },
  });
  if (status !== 0) throw new Error(`${command}: ${stderr}`);
  return stdout;
};

/** All headers of a release as the compiler reads them, without what they include from elsewhere. */
function declarations(release: SoftRelease): string {
  const include = native(`prefix-${release}`, 'include');
  const text = run('cc', [
    ...['-E', '-I', include],
    ...readdirSync(include).flatMap((name) => ['-include', join(include, name)]),
    ...['-x', 'c', '/dev/null'],
  ]);
  let own = false;
  const lines: string[] = [];
  for (const line of text.split('\n')) {
    const [, file] = /^# \d+ "([^"]*)"/.exec(line) ?? [];
    if (file !== undefined) own = file.startsWith(include);
    else if (own) lines.push(line);
  }
  return lines.join('\n');
}

/** Between the braces of a structure or an enumeration. */
function bodyOf(text: string, kind: 'struct' | 'enum', name: string): string {
  const start = text.search(new RegExp(`\\b${kind} ${name} {`));
  if (start < 0) return '';
  const from = text.indexOf('{', start);
  let depth = 0;
  for (let at = from; ; at++) {
    if (text[at] === '{') depth++;
    else if (text[at] === '}' && --depth === 0) return text.slice(from + 1, at);
  }
}

function has(text: string, name: string): boolean {
  const [structure, member] = name.split('.');
  const where = member === undefined ? text : bodyOf(text, 'struct', structure!);
  return new RegExp(`\\b${member ?? name}\\b`).test(where);
}

/** Names of DOCA and DPDK that an object defines, or that it asks of others; what the linker wraps by its own name. */
const symbols = (object: string, ...which: string[]) =>
  new Set(run('nm', ['-D', ...which, object]).match(/(?<=\b|__wrap_)(doca|rte)_\w+(?=@|$)/gm));

function body(): void {
  const folder = mkdtempSync(join(tmpdir(), 'psp-gateway-releases-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('another release is none of them', () => {
    const args = ['-S', join(ROOT, 'native/doca-soft'), '-B', folder, '-DDOCA_SOFT_RELEASE=3.4'];
    const { status, stderr } = spawnSync('cmake', args, { encoding: 'utf8' });
    expect(status).not.toBe(0);
    expect(stderr.replace(/\s+/g, ' ')).toContain(
      'DOCA_SOFT_RELEASE is 3.4; expected one of 2.9, 2.10, 3.0, 3.1, 3.2, 3.3',
    );
  });

  describe.each(SOFT_RELEASES)('%s', (release) => {
    const at = SOFT_RELEASES.indexOf(release);
    const named = (table: Partial<Record<SoftRelease, readonly string[]>>, is: (other: number) => boolean) =>
      SOFT_RELEASES.flatMap((other, i) => (is(i) ? (table[other] ?? []) : []));

    test('says its version', () => {
      const path = { PKG_CONFIG_PATH: native(`prefix-${release}`, 'lib/pkgconfig') };
      const modules = ['doca-common', 'doca-flow', 'doca-dpdk-bridge', 'doca-argp'];
      const versions = run('pkg-config', ['--modversion', ...modules], path)
        .trim()
        .split('\n');
      expect(versions).toEqual(modules.map(() => SOFT_VERSIONS[release]));
      const include = native(`prefix-${release}`, 'include');
      const [major, minor, patch] = SOFT_VERSIONS[release].split('.').map(Number);
      const macros = run('cc', [
        '-E',
        '-dM',
        '-I',
        include,
        '-include',
        'doca_version.h',
        '-x',
        'c',
        '/dev/null',
      ]);
      for (const [name, value] of Object.entries({ MAJOR: major, MINOR: minor, PATCH: patch }))
        expect(macros).toContain(`#define DOCA_VERSION_${name} ${value}\n`);
      expect(macros).toContain(`#define DOCA_VERSION_STRING "${SOFT_VERSIONS[release]}"\n`);
    });

    test('declares what is known of it, and its libraries have what is declared', () => {
      const text = declarations(release);
      const there = [
        ...ALWAYS,
        ...named(FROM, (other) => other <= at),
        ...named(UP_TO, (other) => other >= at),
      ];
      const missing = [...named(FROM, (other) => other > at), ...named(UP_TO, (other) => other < at)];
      expect(there.filter((name) => !has(text, name))).toEqual([]);
      // In 2.9 a forward has the number of a shared RSS as well.
      const elsewhere = release === '2.9' ? ['doca_flow_fwd.shared_rss_id'] : [];
      expect(missing.filter((name) => has(text, name))).toEqual(elsewhere);
      for (const { what, like, releases } of SIGNATURES)
        expect([what, like.test(text)]).toEqual([what, releases.includes(release)]);
      const types = bodyOf(text, 'enum', 'doca_flow_shared_resource_type').match(/\w+/g)!;
      expect(types.indexOf('DOCA_FLOW_SHARED_RESOURCE_PSP')).toBe(PSP_AMONG_RESOURCES[release]);

      const functions = new Set(text.match(/\bdoca_\w+(?=\()/g));
      // They stand in the headers.
      for (const name of [
        'doca_version',
        ...['addr', 'data'].map((by) => `doca_buf_inventory_buf_get_by_${by}`),
      ])
        functions.delete(name);
      const lib = (name: string) => native(`prefix-${release}`, 'lib', name);
      const defined = new Set([
        ...symbols(lib('libdoca_flow.so'), '--defined-only'),
        ...symbols(lib('libdoca_argp.so'), '--defined-only'),
      ]);
      expect([...defined].filter((name) => name.startsWith('doca_')).sort()).toEqual([...functions].sort());
    });

    test('is called by the addon as it is to be', () => {
      const calls = symbols(native(`addon-${release}`, 'Release/psp_gateway_doca.node'), '--undefined-only');
      expect(Object.keys(CALLS).filter((name) => calls.has(name))).toEqual(
        Object.keys(CALLS).filter((name) => CALLS[name]!.includes(release)),
      );
    });
  });
}

const isBuilt =
  softIsBuilt(SOFT_RELEASES) && SOFT_RELEASES.every((release) => existsSync(native(`addon-${release}`)));
describeOnNative('the releases of DOCA', isBuilt, body);
