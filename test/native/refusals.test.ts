/** What the software DOCA refuses, and how its log names it: a C program against its public API, in every release. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { parseIp } from '../../src/packet/address.js';
import { buildIpv4Packet } from '../../src/packet/ipv4.js';
import { buildIpv6Packet } from '../../src/packet/ipv6.js';
import { pcapHeader, pcapRecord } from '../../src/packet/pcap.js';
import { describeOnNative } from '../support/needs.js';
import { buildSoftProgram, softIsBuilt } from '../support/soft-program.js';

const RELEASES = ['2.9', '2.10', '3.0', '3.1', '3.2', '3.3'];
const FLOWS_PER_FAMILY = 20;

const SUCCESS = 'DOCA_SUCCESS';
const unsupported = (what: string) => `DOCA_ERROR_NOT_SUPPORTED: not supported: ${what}`;
const invalid = (what: string) => `DOCA_ERROR_INVALID_VALUE: invalid: ${what}`;
const headerOctets = (octets: number, netType: number) =>
  unsupported(`doca_flow_crypto_encap_action.data_size ${octets} of net_type ${netType}`);
const RSS = 'doca_flow_resource_rss_cfg.';

const ALL = {
  'match.parser_meta.outer_l4_ok': unsupported('doca_flow_match.parser_meta.outer_l4_ok'),
  'match.outer.eth_vlan': unsupported('doca_flow_match.outer.eth_vlan'),
  'match.outer.ip4.version_ihl': unsupported('doca_flow_match.outer.ip4.version_ihl'),
  'match.outer.ip6.flow_label': unsupported('doca_flow_match.outer.ip6.flow_label'),
  'match.outer.ip4 without l3_type': unsupported(
    'doca_flow_match.outer.ip4 or outer.ip6 that outer.l3_type does not select',
  ),
  'match.outer.tcp.data_offset': unsupported('doca_flow_match.outer.tcp.data_offset'),
  'match.outer.udp without l4_type_ext': unsupported(
    'doca_flow_match.outer.udp or another that outer.l4_type_ext does not select',
  ),
  'match.tun of VXLAN': unsupported('doca_flow_match.tun other than tun.psp'),
  'match.inner.ip4.ttl': unsupported('doca_flow_match.inner.ip4.ttl'),
  'a mask of match.inner.tcp': unsupported('doca_flow_match.inner.tcp'),
  'a mask of match.outer.ip4.ttl': SUCCESS,

  'actions.nat64': invalid('doca_flow_nat64_action.original_l3_type 3'),
  'actions.outer.ip4.next_proto': unsupported('doca_flow_actions.outer.ip4.next_proto'),
  'a mask of actions.outer.ip4.total_len': unsupported('doca_flow_actions.outer.ip4.total_len'),
  'a push and an encapsulation': unsupported('doca_flow_actions.has_push together with has_crypto_encap'),
  'a mask of actions.outer.eth.type': unsupported('doca_flow_actions.outer.eth.type'),
  'a mask of actions.parser_meta': unsupported('doca_flow_actions.parser_meta.random'),
  'a mask of actions.tun.psp.spi': unsupported('doca_flow_actions.tun.psp.spi'),
  'a mask of what is known': SUCCESS,
  "a tunnel's header over IPv4 with 24 octets of extension fields": SUCCESS,
  "a tunnel's header over IPv6 with cookie and 24 octets of extension fields": SUCCESS,
  "a tunnel's header as long as can be": SUCCESS,
  "a tunnel's header that is longer": headerOctets(118, 7),
  "a tunnel's header that is too short": headerOctets(50, 7),
  "a tunnel's header of no family": headerOctets(80, 7),
  'a header of transport mode with 8 octets of extension fields': SUCCESS,
  'a header of transport mode that is too short': headerOctets(16, 8),
  'a header of transport mode and half a unit': headerOctets(28, 9),
  'the last key slot': SUCCESS,
  'a key slot too high': invalid('crypto_id 8 of an encryption; key slots are 1 to 7'),
  'a key slot too high in a control pipe': invalid('crypto_id 8 of an encryption; key slots are 1 to 7'),
  'a key slot too high of an entry': invalid('crypto_id 8 of an encryption; key slots are 1 to 7'),

  RSS: SUCCESS,
  'RSS to a queue that is not there': invalid("a forward to RSS queue 2; the PF's DPDK port has 2"),
  'RSS of ESP': unsupported('RSS flags 0x10; those of IPV4, IPV6, UDP and TCP are'),
  'RSS of inner and of outer headers': unsupported(`${RSS}inner_flags beside outer_flags`),
  'RSS, symmetric': unsupported(`${RSS}rss_hash_func 1`),
  'a miss to a port': SUCCESS,
  'a miss to RSS': SUCCESS,
  'a changeable miss': unsupported('pipe unnamed: a changeable miss'),
  'a miss to no pipe': unsupported('pipe unnamed: a changeable miss'),
  'a miss to no pipe, at first': unsupported('pipe unnamed: a changeable miss'),
  "an entry's forward, the template's is another": unsupported(
    "pipe unnamed: an entry's forward where the pipe's is fixed",
  ),
  "an entry's forward, the template's is the same": SUCCESS,
  "a control pipe's forward": unsupported('pipe unnamed: a forward of a control pipe; its entries have them'),

  'a condition on 16 bits of 16': SUCCESS,
  'a condition on 8 bits of 16': SUCCESS,
  'a condition on bits that are not there': invalid('8 bits of parser_meta.random.value at bit 9; it has 16'),
  'a condition on no bits': invalid('0 bits of parser_meta.random.value; 1 to 64 are possible'),
  'a condition without a match': invalid('a condition without a match, which has the value'),

  doca_devinfo_get_vhca_id: unsupported('doca_devinfo_get_vhca_id'),
  doca_devinfo_get_active_rate: unsupported('doca_devinfo_get_active_rate'),
  doca_devinfo_rep_get_vhca_id: unsupported('doca_devinfo_rep_get_vhca_id'),
  doca_dpdk_get_rep_vf_index: unsupported('doca_dpdk_get_rep_vf_index'),
  doca_dpdk_get_rep_sf_num: unsupported('doca_dpdk_get_rep_sf_num'),
};

const spread = (how: string) => `${2 * FLOWS_PER_FAMILY}: ${how}`;

const UP_TO_3_2 = {
  'actions.flags': unsupported('doca_flow_actions.flags'),
  doca_flow_port_cfg_set_rss_cfg: unsupported('doca_flow_port_cfg_set_rss_cfg'),
};

const UP_TO_3_0 = {
  ...ALL,
  'match.flags': unsupported('doca_flow_match.flags'),
  'match.meta.mark': unsupported('doca_flow_match.meta.mark'),
  'RSS of both families': SUCCESS,
  'RSS of both transports': SUCCESS,
  ...UP_TO_3_2,
  spread: spread('IPv4 on both queues, IPv6 on both queues'),
};

const FROM_3_1 = {
  ...ALL,
  'RSS of both families': invalid('RSS flags 0x3 mix families; use an entry for each'),
  'RSS of both transports': invalid('RSS flags 0xc mix families; use an entry for each'),
  spread: spread('IPv4 on both queues, IPv6 on queue 1'),
};

const fromRelease3_2 = (typeOfCrypto: number) => ({
  ...FROM_3_1,
  "a list's CRYPTO without crypto": invalid("pipe unnamed: a list's CRYPTO element without crypto"),
  "a list's key slot too high": invalid('crypto_id 8 of an encryption; key slots are 1 to 7'),
  "a list's ACTIONS without actions": invalid("pipe unnamed: a list's ACTIONS element without actions"),
  "a list's action descriptors": SUCCESS,
  'a list without elements': invalid('pipe unnamed: a list without elements'),
  "an entry's list": SUCCESS,
  "an entry's CRYPTO without crypto": invalid(
    "pipe unnamed: a CRYPTO element of an entry's list has no crypto",
  ),
  "an entry's MONITOR, the template's is CRYPTO": invalid(
    `pipe unnamed: element 0 of list 0 is of type 1; its template's of type ${typeOfCrypto}`,
  ),
  "an entry's list without elements": 'DOCA_ERROR_INVALID_VALUE',
  doca_flow_port_shared_resources_query: unsupported('doca_flow_port_shared_resources_query of type 3'),
});

const EXPECTED: Record<string, Record<string, string>> = {
  '2.9': UP_TO_3_0,
  '2.10': UP_TO_3_0,
  '3.0': UP_TO_3_0,
  '3.1': { ...FROM_3_1, ...UP_TO_3_2 },
  '3.2': { ...fromRelease3_2(2), ...UP_TO_3_2 },
  '3.3': fromRelease3_2(3),
};

function body(): void {
  const folder = mkdtempSync(join(tmpdir(), 'psp-gateway-refusals-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  describe.each(RELEASES)('%s', (release) => {
    test('says what it does not do', () => {
      const program = buildSoftProgram('refusals.c', release, folder);
      const capture = join(folder, 'in.pcap');
      writeFileSync(
        capture,
        Buffer.concat([pcapHeader(), ...frames().map((frame) => pcapRecord(0n, frame))]),
      );
      const mapping = join(folder, 'mapping.conf');
      writeFileSync(
        mapping,
        '[device 03:00.0]\nport = net_null0,no-rx=1\nmtu = 1500\nbuffers = 1024\n' +
          `[representor vf0]\nport = net_pcap0,rx_pcap=${capture},tx_pcap=${join(folder, 'out.pcap')}\n` +
          'mtu = 1500\nhold = 100\n',
      );
      const eal = ['--no-huge', '--no-shconf', '-m', '256', '--file-prefix', `psp-refusals-${process.pid}`];
      const { status, stdout, stderr } = spawnSync(program, [`${2 * FLOWS_PER_FAMILY}`, ...eal], {
        env: { ...process.env, DOCA_SOFT_CONFIG: mapping },
        encoding: 'utf8',
      });
      expect({ said: outcomes(stdout), status, ...(status === 0 ? {} : { stderr }) }).toEqual({
        said: EXPECTED[release],
        status: 0,
      });
    });
  });
}

describeOnNative('what the software DOCA refuses', softIsBuilt(RELEASES), body);

/** What each case came to: its result, and what its first line of the log says. */
function outcomes(stdout: string): Record<string, string> {
  const cases = stdout.matchAll(/^# (.*)\n([\s\S]*?)^= (.*)$/gm);
  return Object.fromEntries(
    [...cases].map(([, name, log, result]) => {
      const line = log!.split('\n')[0]!.replace(/^.*\[doca-soft\] /, '');
      return [name!, line === '' ? result! : `${result}: ${line}`];
    }),
  );
}

/** Flows that differ in their addresses, of either family. */
function frames(): Uint8Array[] {
  const payload = Uint8Array.from([0x9c, 0x40, 0x13, 0x88, 0, 8, 0, 0]);
  return Array.from({ length: FLOWS_PER_FAMILY }, (_, i) => [
    Uint8Array.from([
      ...[2, 0, 0, 0, 0, 0xa0, 2, 0, 0, 0, 0, 0xd1, 8, 0],
      ...buildIpv4Packet({
        source: parseIp(`10.0.0.${i + 1}`) as never,
        destination: parseIp('10.0.1.1') as never,
        protocol: 17,
        ttl: 64,
        payload,
      }),
    ]),
    Uint8Array.from([
      ...[2, 0, 0, 0, 0, 0xa0, 2, 0, 0, 0, 0, 0xd1, 0x86, 0xdd],
      ...buildIpv6Packet({
        source: parseIp(`2001:db8::${i + 1}`) as never,
        destination: parseIp('2001:db8:1::1') as never,
        nextHeader: 17,
        hopLimit: 64,
        payload,
      }),
    ]),
  ]).flat();
}
