/** The pipe program by itself: which way packets go in each of its shapes, by what they are told apart, and what is counted. */
import { describe, expect, test } from 'vitest';
import { FAILED_SOURCES_MAX } from '../../../../src/gateway/pipeline/ingress-pipes.js';
import { tunnelLimits } from '../../../../src/gateway/pipeline/limits.js';
import { innerMtuOctets, overheadOctets, underlayMtuProblem } from '../../../../src/gateway/pipeline/mtu.js';
import {
  PKT_META_EGRESS_SAMPLED,
  PKT_META_INGRESS_SAMPLED,
  PKT_META_RESUBMITTED,
  PKT_META_RETURN_TO_VF,
  PKT_META_SEGMENT_IN,
  PKT_META_SEGMENT_OUT,
  trialMark,
} from '../../../../src/gateway/pipeline/packet-meta.js';
import { buildPipeline } from '../../../../src/gateway/pipeline/pipeline.js';
import type { PipelineOptions } from '../../../../src/gateway/pipeline/pipeline-options.js';
import { SYNDROME_OK } from '../../../../src/hal/fields.js';
import type { BasicPipe, ControlEntry, ControlPipe, Forward, Pipe } from '../../../../src/hal/program.js';
import { FLAG_D, FLAG_S } from '../../../../src/psp/header.js';
import { DECAP_MACS } from '../../../../src/verify/gateway-pipeline.js';
import { allPipelineOptions, pipelineOptions } from '../../../support/pipelines.js';

type Options = Partial<PipelineOptions>;
const FOUR: Options = { innerFamilies: [4] };
const TRANSPORT: Options = { mode: 'transport' };

const pipesOf = (options: Options) => buildPipeline(pipelineOptions(options)).pipes;
const pipeOf = (options: Options, name: string) => pipesOf(options).find((pipe) => pipe.name === name)!;
const basicOf = (options: Options, name: string) => pipeOf(options, name) as BasicPipe;
const entryOf = (options: Options, name: string, label: string) =>
  (pipeOf(options, name).entries as ControlEntry[]).find((entry) => entry.label === label)!;

function target(forward: Forward | 'entry' | undefined): string {
  if (forward === undefined || forward === 'entry') return String(forward);
  if (forward.to === 'pipe') return forward.pipe;
  return forward.to === 'port' ? `port ${forward.port}` : forward.to;
}

/** Where packets go from a pipe: by its entries, those of sessions as "*", and by its miss. */
function waysFrom(pipe: Pipe): string[] {
  const forward = pipe.type === 'basic' ? pipe.forward : undefined;
  const entries = (pipe.entries ?? []).map((entry) => {
    const own = 'forward' in entry ? entry.forward : undefined;
    const mirror = 'monitor' in entry ? entry.monitor?.mirror : undefined;
    const copied = mirror === undefined ? '' : ` and a copy to ${mirror}`;
    return `${entry.label}: ${target(own ?? forward)}${copied}`;
  });
  return [...(entries.length === 0 ? [`*: ${target(forward)}`] : entries), `else: ${target(pipe.miss)}`];
}

/** The ways of some pipes, by their names. */
const ways = (options: Options, pattern: RegExp) =>
  Object.fromEntries(
    pipesOf(options)
      .filter(({ name }) => pattern.test(name))
      .map((pipe) => [pipe.name, waysFrom(pipe)]),
  );

describe('packets go', () => {
  const SYNDROMES = (first: string) => ['icv-fail', 'bad-trailer', 'else'].map((one) => `${one}: ${first}`);
  const TO_RSS = ['all: rss', 'else: drop'];

  test('in tunnel mode from the ports to the other side, and nothing of the workload to the kernel', () => {
    expect(ways(FOUR, /./)).toEqual({
      ROOT: [
        'vf-arp: rss',
        'vf-neighbor-solicitation: rss',
        'vf-dhcp: rss',
        'vf-too-big-ipv4: rss',
        'vf-ipv4: EMPTY',
        'uplink-psp-ipv6: PSP_DECRYPT',
        'vf-other: drop',
        'else: kernel',
      ],
      PSP_DECRYPT: ['psp: UNDERLAY_SEEN', 'else: drop'],
      UNDERLAY_SEEN: ['*: INNER_CLASSIFIER', 'else: INNER_CLASSIFIER'],
      INNER_CLASSIFIER: ['ipv4: INGR_ACL_IPV4', 'else: SYNDROME_STATS'],
      INGR_ACL_IPV4: ['*: port 1', 'else: SYNDROME_STATS'],
      SYNDROME_STATS: SYNDROMES('FAILED_SOURCE_IPV6'),
      FAILED_SOURCE_IPV6: ['*: drop', 'else: drop'],
      EMPTY: ['return-to-vf: port 1', 'ipv4: EGR_ACL_IPV4', 'ipv4-resubmitted: EGR_ACL_IPV4', 'else: drop'],
      EGR_ACL_IPV4: ['*: port 0', 'else: RSS_MISS'],
      RSS_MISS: TO_RSS,
    });
  });

  test('of IPv6 by the id of the local address, which is matched before', () => {
    expect(ways({ innerFamilies: [6] }, /VIP|ACL|CLASSIFIER/)).toEqual({
      INNER_CLASSIFIER: ['ipv6: INGR_VIP_IPV6', 'else: SYNDROME_STATS'],
      INGR_VIP_IPV6: ['*: INGR_ACL_IPV6', 'else: SYNDROME_STATS'],
      INGR_ACL_IPV6: ['*: port 1', 'else: SYNDROME_STATS'],
      EGR_VIP_IPV6: ['*: EGR_ACL_IPV6', 'else: RSS_MISS'],
      EGR_ACL_IPV6: ['*: port 0', 'else: RSS_MISS'],
    });
    expect(ways({}, /EMPTY/)).toMatchObject({
      EMPTY: [
        'return-to-vf: port 1',
        'ipv4: EGR_ACL_IPV4',
        'ipv4-resubmitted: EGR_ACL_IPV4',
        'ipv6: EGR_VIP_IPV6',
        'ipv6-resubmitted: EGR_VIP_IPV6',
        'else: drop',
      ],
    });
  });

  test('with the ingress ACL off in as they decrypt', () => {
    expect(ways({ ingressAcl: false }, /INGR|CLASSIFIER/)).toEqual({
      INNER_CLASSIFIER: ['ipv4: INGR_ACL_IPV4', 'ipv6: INGR_ACL_IPV6', 'else: SYNDROME_STATS'],
      INGR_ACL_IPV4: ['any: port 1', 'else: SYNDROME_STATS'],
      INGR_ACL_IPV6: ['any: port 1', 'else: SYNDROME_STATS'],
    });
  });

  test('in transport mode, where the segment’s and fragments go to the CPU, and the sources are of either family', () => {
    const segment = ['arp', ...[133, 134, 135, 136, 137, 130, 131, 132, 143].map((type) => `nd-${type}`)];
    expect(ways(TRANSPORT, /ROOT|SEGMENT|DECRYPT|SYNDROME|FAILED|EMPTY|UNDERLAY/)).toEqual({
      ROOT: [
        ...segment.flatMap((label) => [`vf-${label}: rss`, `uplink-${label}: RSS_SEGMENT_IN`]),
        ...['tcp', 'udp', 'icmp', 'ipv6'].map((label) => `vf-fragment-${label}: rss`),
        'vf-too-big-ipv4: rss',
        'vf-ipv4: EMPTY',
        'vf-too-big-ipv6: rss',
        'vf-ipv6: EMPTY',
        'uplink-psp-ipv4: PSP_DECRYPT',
        'uplink-psp-ipv6: PSP_DECRYPT',
        'vf-other: drop',
        'else: kernel',
      ],
      RSS_SEGMENT_IN: TO_RSS,
      PSP_DECRYPT: ['psp: INNER_CLASSIFIER', 'else: drop'],
      SYNDROME_STATS: SYNDROMES('FAILED_SOURCE_IPV4'),
      FAILED_SOURCE_IPV4: ['*: drop', 'else: FAILED_SOURCE_IPV6'],
      FAILED_SOURCE_IPV6: ['*: drop', 'else: drop'],
      EMPTY: [
        'return-to-vf: port 1',
        ...segment.map((label) => `${label}: port 0`),
        'ipv4: EGR_ACL_IPV4',
        'ipv4-resubmitted: EGR_ACL_IPV4',
        'ipv6: EGR_VIP_IPV6',
        'ipv6-resubmitted: EGR_VIP_IPV6',
        'else: drop',
      ],
    });
  });

  test('with sampling through the pipes of copies, the same way whether they are copied or not', () => {
    const SAMPLED = /SAMPL|ENCRYPT|EGR_ACL|PSP_DECRYPT/;
    const common = {
      PSP_DECRYPT: ['psp: INGR_SAMPL', 'else: drop'],
      INGR_SAMPL: [
        'sample: UNDERLAY_SEEN and a copy to INGR_SAMPLED',
        'sample-and-drop: drop and a copy to INGR_SAMPLED',
        'drop: drop',
        'else: UNDERLAY_SEEN',
      ],
      RSS_INGR_SAMPLED: TO_RSS,
      RSS_EGR_SAMPLED: TO_RSS,
      EGR_ACL_IPV4: ['*: SET_SAMPLE_BIT', 'else: RSS_MISS'],
    };
    const behind = {
      ...common,
      SET_SAMPLE_BIT: ['sample: PSP_ENCRYPT', 'else: PSP_ENCRYPT'],
      PSP_ENCRYPT: ['*: EGR_SAMPL', 'else: drop'],
    };
    const before = { ...common, PSP_ENCRYPT: ['*: port 0', 'else: drop'] };
    const sampling = { ...FOUR, sampleRateLog2: 3 };
    expect(ways(sampling, SAMPLED)).toEqual({
      ...behind,
      EGR_SAMPL: ['sampled: port 0 and a copy to EGR_SAMPLED', 'not-sampled: port 0', 'else: drop'],
    });
    expect(ways({ ...sampling, maintainOrder: true }, SAMPLED)).toEqual({
      ...behind,
      EGR_SAMPL: [
        'sampled: port 0 and a copy to EGR_SAMPLED',
        'not-sampled: port 0 and a copy to EGR_NOT_SAMPLED',
        'else: drop',
      ],
    });
    expect(ways({ ...sampling, sampleBeforeEncryption: true }, SAMPLED)).toEqual({
      ...before,
      SET_SAMPLE_BIT: ['sample: EGR_SAMPL', 'else: PSP_ENCRYPT'],
      EGR_SAMPL: ['sampled: PSP_ENCRYPT and a copy to EGR_SAMPLED', 'else: drop'],
    });
    expect(ways({ ...sampling, sampleBeforeEncryption: true, maintainOrder: true }, SAMPLED)).toEqual({
      ...before,
      SET_SAMPLE_BIT: ['sample: EGR_SAMPL', 'else: EGR_SAMPL'],
      EGR_SAMPL: [
        'sampled: PSP_ENCRYPT and a copy to EGR_SAMPLED',
        'not-sampled: PSP_ENCRYPT and a copy to EGR_NOT_SAMPLED',
        'else: drop',
      ],
    });
    const mirrors = (options: Options) =>
      (buildPipeline(pipelineOptions(options)).mirrors ?? []).map(
        ({ name, targets }) => `${name}: ${targets.map((one) => target(one as Forward)).join()}`,
      );
    const copies = ['INGR_SAMPLED: RSS_INGR_SAMPLED', 'EGR_SAMPLED: RSS_EGR_SAMPLED'];
    expect(mirrors(sampling)).toEqual(copies);
    expect(mirrors({ ...sampling, maintainOrder: true })).toEqual([...copies, 'EGR_NOT_SAMPLED: drop']);
    expect(mirrors({})).toEqual([]);
  });

  test('a few of them to addresses that are not proved, in tunnel mode', () => {
    const confirm = { ...FOUR, confirmUnderlay: true };
    expect(ways(confirm, /TRIAL/)).toEqual({ EGR_TRIAL: ['*: port 0', 'else: drop'] });
    expect(ways({ ...confirm, sampleRateLog2: 1 }, /TRIAL/)).toEqual({
      EGR_TRIAL: ['*: SET_SAMPLE_BIT', 'else: drop'],
    });
    expect(ways(confirm, /EMPTY/).EMPTY).toContain('trial: EGR_TRIAL');
    expect(ways({ ...confirm, ...TRANSPORT }, /TRIAL/)).toEqual({});
    expect(entryOf(confirm, 'EMPTY', 'trial').match).toEqual({
      'meta.pkt_meta': { value: 0x5a000000, mask: 0xff000000 },
    });
    expect(trialMark(7)).toBe(0x5a000007);
  });
});

describe('packets are told apart', () => {
  test('at the ports', () => {
    const match = (label: string, options: Options = {}) => entryOf(options, 'ROOT', label).match;
    const [vf, uplink] = [1, 0].map((value) => ({ 'parser_meta.port_id': { value } }));
    const l3 = (value: number) => ({ 'parser_meta.outer_l3_type': { value } });
    const udp = (port: number) => ({
      'parser_meta.outer_l4_type': { value: 2 },
      'outer.udp.dst_port': { value: port },
    });
    const icmp = (type: number) => ({
      'parser_meta.outer_l4_type': { value: 3 },
      'outer.icmp.type': { value: type },
    });
    expect(match('vf-arp')).toEqual({ ...vf, 'outer.eth.type': { value: 0x806 } });
    expect(match('vf-neighbor-solicitation')).toEqual({ ...vf, ...l3(2), ...icmp(135) });
    expect(match('vf-dhcp')).toEqual({
      ...vf,
      ...l3(1),
      ...udp(67),
      'outer.ip4.dst_ip': { value: 0xffffffff },
    });
    expect(match('vf-other')).toEqual(vf);
    const psp = (checksum: number) => ({
      ...uplink,
      ...udp(1000),
      'parser_meta.outer_l3_ok': { value: 1 },
      'parser_meta.outer_ip4_checksum_ok': { value: checksum },
    });
    expect(match('uplink-psp-ipv6')).toEqual({ ...psp(0), ...l3(2) });
    expect(match('uplink-psp-ipv4', { outerFamily: 4 })).toEqual({ ...psp(1), ...l3(1) });
    expect(match('uplink-nd-136', TRANSPORT)).toEqual({ ...uplink, ...l3(2), ...icmp(136) });
    expect(match('vf-fragment-tcp', TRANSPORT)).toEqual({
      ...vf,
      ...l3(1),
      'outer.ip4.next_proto': { value: 6 },
      'parser_meta.outer_l4_type': { value: 0 },
    });
    expect(match('vf-fragment-ipv6', TRANSPORT)).toEqual({
      ...vf,
      ...l3(2),
      'outer.ip6.next_proto': { value: 44 },
      'parser_meta.outer_l4_type': { value: 0 },
    });
  });

  test('by marks of the CPU', () => {
    const mark = (value: number) => ({ 'meta.pkt_meta': { value } });
    const family = (value: number) => ({
      'parser_meta.outer_l3_type': { value },
      'parser_meta.outer_l3_ok': { value: 1 },
    });
    const match = (label: string, options: Options = {}) => entryOf(options, 'EMPTY', label).match;
    expect(match('return-to-vf')).toEqual(mark(PKT_META_RETURN_TO_VF));
    expect(match('ipv4')).toEqual({ ...mark(0), ...family(1) });
    expect(match('ipv6-resubmitted')).toEqual({ ...mark(PKT_META_RESUBMITTED), ...family(2) });
    expect(match('arp', TRANSPORT)).toEqual({
      ...mark(PKT_META_SEGMENT_OUT),
      'outer.eth.type': { value: 0x806 },
    });
    const marked = (options: Options, name: string) =>
      basicOf(options, name).actions?.[0]?.set?.['meta.pkt_meta'];
    expect(marked(TRANSPORT, 'RSS_SEGMENT_IN')).toEqual({ value: PKT_META_SEGMENT_IN });
    expect(marked({ sampleRateLog2: 1 }, 'RSS_INGR_SAMPLED')).toEqual({ value: PKT_META_INGRESS_SAMPLED });
    expect(marked({ sampleRateLog2: 1 }, 'RSS_EGR_SAMPLED')).toEqual({ value: PKT_META_EGRESS_SAMPLED });
    expect(basicOf({}, 'RSS_MISS')).not.toHaveProperty('actions');
  });

  test('by what is inside, and by sessions', () => {
    const entry = { value: 'entry' };
    const inside = (options: Options) => [
      basicOf(options, 'INNER_CLASSIFIER').match,
      basicOf(options, 'INNER_CLASSIFIER').entries!.map(({ match }) => match),
    ];
    expect(inside({})).toEqual([
      { 'tun.psp.nexthdr': entry },
      [{ 'tun.psp.nexthdr': 4 }, { 'tun.psp.nexthdr': 41 }],
    ]);
    const l3 = 'parser_meta.outer_l3_type';
    expect(inside(TRANSPORT)).toEqual([{ [l3]: entry }, [{ [l3]: 1 }, { [l3]: 2 }]]);
    const ok = { 'parser_meta.psp_syndrome': { value: 0 } };
    const spi = { 'tun.psp.spi': entry };
    const match = (options: Options, name: string) => basicOf(options, name).match;
    expect(match({}, 'INGR_ACL_IPV4')).toEqual({
      ...ok,
      ...spi,
      'inner.ip4.src_ip': entry,
      'inner.ip4.dst_ip': entry,
      'parser_meta.inner_l3_type': { value: 1 },
    });
    expect(match({ ...TRANSPORT, cookies: true }, 'INGR_ACL_IPV6')).toEqual({
      ...ok,
      ...spi,
      'tun.psp.vc': entry,
      'outer.ip6.src_ip': entry,
      'meta.u32.2': entry,
    });
    expect(match({ ...TRANSPORT, ingressAcl: false }, 'INGR_ACL_IPV6')).toEqual({
      ...ok,
      [l3]: { value: 2 },
    });
    expect(match({}, 'INGR_VIP_IPV6')).toEqual({
      'parser_meta.inner_l3_type': { value: 2 },
      'inner.ip6.dst_ip': entry,
    });
    expect(match({}, 'EGR_VIP_IPV6')).toEqual({ 'outer.ip6.src_ip': entry });
    expect(match({}, 'EGR_ACL_IPV4')).toEqual({ 'outer.ip4.src_ip': entry, 'outer.ip4.dst_ip': entry });
    expect(match({}, 'EGR_ACL_IPV6')).toEqual({ 'meta.u32.2': entry, 'outer.ip6.dst_ip': entry });
    expect(match({ outerFamily: 4 }, 'UNDERLAY_SEEN')).toEqual({ ...ok, ...spi, 'outer.ip4.src_ip': entry });
    expect(match({ outerFamily: 4 }, 'FAILED_SOURCE_IPV4')).toEqual({ 'outer.ip4.src_ip': entry });
    const bits = (options: Options, pipe: string, label: string) =>
      entryOf(options, pipe, label).match['tun.psp.s_d_ver_v'];
    const sampling = { sampleRateLog2: 3, maintainOrder: true };
    const [sampled, both] = [{ value: FLAG_S, mask: FLAG_S }, FLAG_S | FLAG_D];
    expect(basicOf(sampling, 'SET_SAMPLE_BIT').actions).toEqual([{ set: { 'tun.psp.s_d_ver_v': sampled } }]);
    expect(bits(sampling, 'EGR_SAMPL', 'sampled')).toEqual(sampled);
    expect(bits(sampling, 'EGR_SAMPL', 'not-sampled')).toEqual({ value: 0, mask: FLAG_S });
    expect(bits(sampling, 'INGR_SAMPL', 'sample')).toEqual({ value: FLAG_S, mask: both });
    expect(bits(sampling, 'INGR_SAMPL', 'sample-and-drop')).toEqual({ value: both, mask: both });
    expect(bits(sampling, 'INGR_SAMPL', 'drop')).toEqual({ value: FLAG_D, mask: both });
    expect(entryOf(sampling, 'INGR_SAMPL', 'drop').match).toMatchObject(ok);
    expect(match(sampling, 'SET_SAMPLE_BIT')).toEqual({ 'parser_meta.random': { value: 1, mask: 7 } });
  });
});

test('of several entries that would take a packet, the more particular one does', () => {
  const labels = (options: Options, name: string) => {
    const entries = pipeOf(options, name).entries as ControlEntry[];
    return [0, 1, 2, 3]
      .map((one) => entries.filter(({ priority }) => priority === one).map(({ label }) => label))
      .filter((some) => some.length > 0);
  };
  expect(labels(FOUR, 'ROOT')).toEqual([
    ['vf-arp', 'vf-neighbor-solicitation', 'vf-dhcp'],
    ['vf-too-big-ipv4'],
    ['vf-ipv4', 'uplink-psp-ipv6'],
    ['vf-other'],
  ]);
  expect(labels({ ...FOUR, ...TRANSPORT }, 'ROOT')).toEqual([
    ['vf-arp', 'uplink-arp'],
    ['vf-fragment-tcp', 'vf-fragment-udp', 'vf-fragment-icmp', 'vf-too-big-ipv4'],
    ['vf-ipv4', 'uplink-psp-ipv4'],
    ['vf-other'],
  ]);
  expect(labels({ ...FOUR, ...TRANSPORT }, 'EMPTY')).toEqual([
    ['return-to-vf'],
    ['arp'],
    ['ipv4', 'ipv4-resubmitted'],
  ]);
  expect(entryOf({ confirmUnderlay: true }, 'EMPTY', 'trial').priority).toBe(1);
});

describe('what is done with them', () => {
  test('on the way out they are put into an envelope, and encrypted there or by PSP_ENCRYPT', () => {
    const action = (options: Options, name = 'EGR_ACL_IPV4') => basicOf(options, name).actions;
    const tunnel = { netType: 'psp-tunnel', outer: 'ipv6', cookie: false };
    const encrypt = { cryptoId: 'entry' };
    expect(action({})).toEqual([{ encap: tunnel, encrypt }]);
    expect(action({ outerFamily: 4, cookies: true })).toEqual([
      { encap: { ...tunnel, outer: 'ipv4', cookie: true }, encrypt },
    ]);
    expect(action(TRANSPORT)).toEqual([
      { encap: { netType: 'psp-over-ipv4', outer: 'ipv4', cookie: false }, encrypt },
    ]);
    expect(action(TRANSPORT, 'EGR_ACL_IPV6')).toEqual([
      { encap: { netType: 'psp-over-ipv6', outer: 'ipv6', cookie: false }, encrypt },
    ]);
    expect(action({ sampleRateLog2: 1 })).toEqual([
      { encap: tunnel, set: { 'meta.pkt_meta': { value: 'entry' } } },
    ]);
    expect(action({ sampleRateLog2: 1 }, 'PSP_ENCRYPT')).toEqual([{ encrypt }]);
    expect(action({ confirmUnderlay: true }, 'EGR_TRIAL')).toEqual([{ encap: tunnel, encrypt }]);
  });

  test('on the way in they are decrypted, and taken out of it', () => {
    const action = (options: Options, name: string) => basicOf(options, name).actions;
    expect(action({}, 'PSP_DECRYPT')).toEqual([{ decrypt: true }]);
    expect(action({}, 'INGR_ACL_IPV4')).toEqual([
      { decap: { netType: 'psp-tunnel', ethernetHeader: 'entry' } },
    ]);
    expect(action(TRANSPORT, 'INGR_ACL_IPV6')).toEqual([{ decap: { netType: 'psp-over-ipv6' } }]);
    const off = { ingressAcl: false };
    expect(action(off, 'INGR_ACL_IPV6')).toEqual([
      { decap: { netType: 'psp-tunnel', ethernetHeader: Uint8Array.from([...DECAP_MACS, 0x86, 0xdd]) } },
    ]);
    expect(action({ ...TRANSPORT, ...off }, 'INGR_ACL_IPV4')).toEqual([
      { decap: { netType: 'psp-over-ipv4' } },
    ]);
    expect(action({}, 'INGR_VIP_IPV6')).toEqual([{ set: { 'meta.u32.2': { value: 'entry' } } }]);
  });
});

test('whatever a packet meets counts it, and each pipe says what it is', () => {
  const uncounted = new Set<string>();
  for (const options of [...allPipelineOptions(), pipelineOptions({ confirmUnderlay: true })]) {
    for (const pipe of buildPipeline(options).pipes) {
      expect(pipe.description, pipe.name).toMatch(/\w/);
      if (pipe.missCounter !== true) uncounted.add(pipe.name.replace(/_.*/, ''));
      if (pipe.type === 'basic') expect(pipe.monitor, pipe.name).toEqual({ counter: true });
      else for (const entry of pipe.entries ?? []) expect(entry.monitor?.counter, entry.label).toBe(true);
    }
  }
  // What leads to the CPU is never missed, and who misses UNDERLAY_SEEN is most.
  expect([...uncounted].sort()).toEqual(['RSS', 'UNDERLAY']);
});

test('each pipe has room for what comes to be in it', () => {
  const options = pipelineOptions({ maxTunnels: 1000, sampleRateLog2: 1, confirmUnderlay: true });
  const { keySlots, ingressEntries } = tunnelLimits(1000);
  const sizes = Object.fromEntries(
    buildPipeline(options).pipes.map(({ name, sizeEntries }) => [name, sizeEntries]),
  );
  expect(sizes).toMatchObject({
    INGR_ACL_IPV4: ingressEntries,
    INGR_ACL_IPV6: ingressEntries,
    UNDERLAY_SEEN: ingressEntries,
    INGR_VIP_IPV6: 1000,
    EGR_VIP_IPV6: 1000,
    EGR_ACL_IPV4: 1000,
    EGR_ACL_IPV6: 1000,
    EGR_TRIAL: keySlots,
    PSP_ENCRYPT: keySlots,
    FAILED_SOURCE_IPV6: FAILED_SOURCES_MAX,
  });
  for (const any of allPipelineOptions())
    for (const { name, entries = [], sizeEntries } of buildPipeline(any).pipes)
      expect(entries.length, name).toBeLessThanOrEqual(sizeEntries);
});

describe('words that peers must send', () => {
  const pipe = (options: Options) =>
    buildPipeline(pipelineOptions(options)).pipes.find(({ name }) => name === 'PSP_EXT');

  test('are looked for where they are wanted, behind the cookies that there are, and no cookie is taken for them', () => {
    expect(pipe({})).toBeUndefined();
    expect(pipe({ extensionWords: [1] })).toBeUndefined();
    const wanted = (options: Options) => pipe(options)!.entries![0]!.match;
    expect(wanted({ extensionRequired: [1, 2, 3, 4] })).toEqual({
      'parser_meta.psp_syndrome': { value: SYNDROME_OK },
      'tun.psp.s_d_ver_v': { value: 0, mask: 2 },
      'tun.psp.dw6': { value: 1 },
      'tun.psp.dw7': { value: 2 },
      'tun.psp.dw8': { value: 3 },
      'tun.psp.dw9': { value: 4 },
    });
    expect(wanted({ extensionRequired: [1], cookies: true })).toEqual({
      'parser_meta.psp_syndrome': { value: SYNDROME_OK },
      'tun.psp.s_d_ver_v': { value: 2, mask: 2 },
      'tun.psp.dw7': { value: 1 },
    });
  });

  test('are looked for before a packet proves where a peer is, and what lacks them is dropped', () => {
    const { entries, miss } = pipe({ extensionRequired: [1] }) as ControlPipe;
    expect(entries!.map(({ label, forward }) => [label, forward])).toEqual([
      ['words', { to: 'pipe', pipe: 'UNDERLAY_SEEN' }],
      ['without', { to: 'drop' }],
    ]);
    expect(miss).toEqual({ to: 'pipe', pipe: 'UNDERLAY_SEEN' });
    expect(pipe({ ...TRANSPORT, extensionRequired: [1] })!.miss).toEqual({
      to: 'pipe',
      pipe: 'INNER_CLASSIFIER',
    });
  });
});

describe('the MTU', () => {
  test('of a workload is what the envelope leaves', () => {
    const octets = (options: Options) => {
      const of = pipelineOptions(options);
      expect(overheadOctets(of) + innerMtuOctets(of)).toBe(1500);
      return overheadOctets(of);
    };
    expect([octets({}), octets({ outerFamily: 4 }), octets(TRANSPORT)]).toEqual([80, 60, 40]);
    expect([octets({ cookies: true }), octets({ ...TRANSPORT, cookies: true })]).toEqual([88, 48]);
    const words = (count: number) => Array.from({ length: count }, (_, i) => i);
    expect([1, 2, 3, 4].map((count) => octets({ extensionWords: words(count) }))).toEqual([88, 96, 96, 104]);
    expect([1, 2, 3].map((count) => octets({ extensionWords: words(count), cookies: true }))).toEqual([
      96, 96, 104,
    ]);
    expect(octets({ ...TRANSPORT, extensionWords: words(4) })).toBe(64);
  });

  test('of an uplink must leave IPv6 what it needs', () => {
    const problem = (underlayMtuOctets: number, options: Options = {}) =>
      underlayMtuProblem(pipelineOptions({ ...options, underlayMtuOctets }));
    expect(problem(1360)).toBeUndefined();
    expect(problem(1359)).toBe(
      "an MTU of 1359 leaves 1279 octets for the workload's packets, and IPv6 needs 1280 (RFC 8200, section 5); make it 1360, or carry IPv4 only (--inner=ipv4)",
    );
    expect(problem(600, FOUR)).toBeUndefined();
    expect(problem(1384, { extensionWords: [1, 2, 3, 4] })).toBeUndefined();
    expect(problem(1383, { extensionWords: [1, 2, 3, 4] })).toContain('make it 1384, or carry IPv4 only');
  });

  test('is what larger packets are told apart by, at the ports', () => {
    const condition = (label: string, options: Options = {}) => {
      const { field, operation, value } = entryOf(options, 'ROOT', label).condition as never as Record<
        string,
        unknown
      >;
      return [field, operation, value];
    };
    // The length in an IPv6 header is without it.
    expect(condition('vf-too-big-ipv4')).toEqual(['outer.ip4.total_len', 'gt', 1420]);
    expect(condition('vf-too-big-ipv6')).toEqual(['outer.ip6.payload_len', 'gt', 1380]);
    expect(condition('vf-too-big-ipv4', { extensionWords: [1] })[2]).toBe(1412);
    expect(condition('vf-too-big-ipv4', { ...TRANSPORT, underlayMtuOctets: 9000 })[2]).toBe(8960);
  });
});
