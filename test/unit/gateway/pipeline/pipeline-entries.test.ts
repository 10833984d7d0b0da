/** What a session is in the device: the entries of its two ways, in each shape of the pipeline. */
import { describe, expect, test } from 'vitest';
import { decapHeader } from '../../../../src/gateway/pipeline/ingress-pipes.js';
import {
  defaultCryptOffsetWords,
  egressAclEntry,
  egressTrialEntry,
  egressValues,
  failedSourceEntry,
  ingressAclEntry,
  localVipEntries,
  pspEncryptEntry,
  underlaySeenEntry,
} from '../../../../src/gateway/pipeline/pipeline-entries.js';
import type { PipelineOptions } from '../../../../src/gateway/pipeline/pipeline-options.js';
import { ipToOctets, parseIp } from '../../../../src/packet/address.js';
import { DECAP_MACS } from '../../../../src/verify/gateway-pipeline.js';
import { pipelineOptions } from '../../../support/pipelines.js';

const FOUR = { localVip: parseIp('192.168.1.1'), remoteVip: parseIp('192.168.1.2'), localVipId: 0 };
const SIX = { localVip: parseIp('fd00::1'), remoteVip: parseIp('fd00::2'), localVipId: 7 };
const [FOUR_LOCAL, FOUR_REMOTE] = [0xc0a80101, 0xc0a80102];
const [SIX_LOCAL, SIX_REMOTE] = [ipToOctets(SIX.localVip), ipToOctets(SIX.remoteVip)];
const HEADER = Uint8Array.of(1, 2, 3);

describe('the way in', () => {
  const open = { spi: 0x80000001, cookie: 0x1122334455667788n, decapMacs: DECAP_MACS };

  test('is by SPI and both addresses inside, and packets get their Ethernet header', () => {
    expect(ingressAclEntry(pipelineOptions(), { ...open, ...FOUR })).toEqual({
      operation: 'add',
      pipe: 'INGR_ACL_IPV4',
      entry: {
        match: {
          'tun.psp.spi': 0x80000001,
          'inner.ip4.src_ip': FOUR_REMOTE,
          'inner.ip4.dst_ip': FOUR_LOCAL,
        },
        values: { ethernetHeader: decapHeader(DECAP_MACS, 4) },
      },
    });
    expect(ingressAclEntry(pipelineOptions(), { ...open, ...SIX })).toEqual({
      operation: 'add',
      pipe: 'INGR_ACL_IPV6',
      entry: {
        match: { 'tun.psp.spi': 0x80000001, 'inner.ip6.src_ip': SIX_REMOTE, 'meta.u32.2': 7 },
        values: { ethernetHeader: decapHeader(DECAP_MACS, 6) },
      },
    });
    expect(decapHeader(DECAP_MACS, 4)).toEqual(Uint8Array.from([...DECAP_MACS, 8, 0]));
    expect(decapHeader(DECAP_MACS, 6)).toEqual(Uint8Array.from([...DECAP_MACS, 0x86, 0xdd]));
  });

  test('is by the packet’s own addresses in transport mode, whose Ethernet header stays', () => {
    const transport = pipelineOptions({ mode: 'transport' });
    expect(ingressAclEntry(transport, { ...open, ...FOUR }).entry).toEqual({
      match: { 'tun.psp.spi': 0x80000001, 'outer.ip4.src_ip': FOUR_REMOTE, 'outer.ip4.dst_ip': FOUR_LOCAL },
    });
    expect(ingressAclEntry(transport, { ...open, ...SIX }).entry).toEqual({
      match: { 'tun.psp.spi': 0x80000001, 'outer.ip6.src_ip': SIX_REMOTE, 'meta.u32.2': 7 },
    });
  });

  test('is by the cookie, too, where there are cookies', () => {
    const { entry } = ingressAclEntry(pipelineOptions({ cookies: true }), { ...open, ...FOUR });
    expect(entry.match).toHaveProperty(
      ['tun.psp.vc'],
      Uint8Array.of(0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88),
    );
  });
});

describe('a local address of IPv6', () => {
  const set = { set: { 'meta.u32.2': 7 } };
  const egress = {
    operation: 'add',
    pipe: 'EGR_VIP_IPV6',
    entry: { match: { 'outer.ip6.src_ip': SIX_LOCAL }, values: set },
  };

  test.each([
    ['tunnel', 'inner.ip6.dst_ip'],
    ['transport', 'outer.ip6.dst_ip'],
  ] as const)('stands for its id in each direction: %s mode', (mode, field) => {
    expect(localVipEntries(pipelineOptions({ mode }), SIX.localVip, 7)).toEqual([
      egress,
      { operation: 'add', pipe: 'INGR_VIP_IPV6', entry: { match: { [field]: SIX_LOCAL }, values: set } },
    ]);
  });

  test('does so on the way out only where the way in is open, and one of IPv4 never', () => {
    expect(localVipEntries(pipelineOptions({ ingressAcl: false }), SIX.localVip, 7)).toEqual([egress]);
    expect(localVipEntries(pipelineOptions(), FOUR.localVip, 7)).toEqual([]);
  });
});

describe('the way out', () => {
  const session = { encapHeader: HEADER, cryptoId: 5 };

  test('is by both addresses, and encrypts at once', () => {
    expect(egressAclEntry(pipelineOptions(), { ...session, ...FOUR })).toEqual({
      operation: 'add',
      pipe: 'EGR_ACL_IPV4',
      entry: {
        match: { 'outer.ip4.src_ip': FOUR_LOCAL, 'outer.ip4.dst_ip': FOUR_REMOTE },
        values: { encapHeader: HEADER, cryptoId: 5 },
      },
    });
    expect(egressAclEntry(pipelineOptions(), { ...session, ...SIX })).toEqual({
      operation: 'add',
      pipe: 'EGR_ACL_IPV6',
      entry: {
        match: { 'meta.u32.2': 7, 'outer.ip6.dst_ip': SIX_REMOTE },
        values: { encapHeader: HEADER, cryptoId: 5 },
      },
    });
    expect(pspEncryptEntry(pipelineOptions(), 5)).toBeUndefined();
  });

  test('marks for encryption where packets are sampled in between', () => {
    const sampling = pipelineOptions({ sampleRateLog2: 1 });
    const values = { encapHeader: HEADER, set: { 'meta.pkt_meta': 5 } };
    expect(egressValues(sampling, HEADER, 5)).toEqual(values);
    expect(egressAclEntry(sampling, { ...session, ...FOUR }).entry.values).toEqual(values);
    expect(pspEncryptEntry(sampling, 5)).toEqual({
      operation: 'add',
      pipe: 'PSP_ENCRYPT',
      entry: { match: { 'meta.pkt_meta': 5 }, values: { cryptoId: 5 } },
    });
  });

  test('to an address that is not proved is for packets of the CPU, which bear the slot', () => {
    expect(egressTrialEntry(pipelineOptions(), HEADER, 5)).toEqual({
      operation: 'add',
      pipe: 'EGR_TRIAL',
      entry: { match: { 'meta.pkt_meta': 0x5a000005 }, values: { encapHeader: HEADER, cryptoId: 5 } },
    });
  });
});

describe('what is counted', () => {
  const [v4, v6] = [parseIp('192.0.2.1'), parseIp('2001:db8::1')];

  test('under an SPI from an address', () => {
    expect(underlaySeenEntry(pipelineOptions({ outerFamily: 4 }), 9, v4)).toEqual({
      operation: 'add',
      pipe: 'UNDERLAY_SEEN',
      entry: { match: { 'tun.psp.spi': 9, 'outer.ip4.src_ip': 0xc0000201 } },
    });
    expect(underlaySeenEntry(pipelineOptions({ outerFamily: 6 }), 9, v6).entry).toEqual({
      match: { 'tun.psp.spi': 9, 'outer.ip6.src_ip': ipToOctets(v6) },
    });
  });

  test('of what was not let in, by its source', () => {
    expect([v4, v6].map(failedSourceEntry)).toEqual([
      {
        operation: 'add',
        pipe: 'FAILED_SOURCE_IPV4',
        entry: { match: { 'outer.ip4.src_ip': 0xc0000201 } },
      },
      {
        operation: 'add',
        pipe: 'FAILED_SOURCE_IPV6',
        entry: { match: { 'outer.ip6.src_ip': ipToOctets(v6) } },
      },
    ]);
  });
});

describe('as much is readable', () => {
  const offsets = (options: Partial<PipelineOptions>) =>
    ([4, 6] as const).flatMap((family) =>
      [false, true].map((cookies) =>
        defaultCryptOffsetWords(pipelineOptions({ ...options, cookies }), family),
      ),
    );

  test('as DOCA leaves: up to the inner ports, with a cookie two words more; in transport mode nothing', () => {
    expect(offsets({})).toEqual([5, 7, 10, 12]);
    expect(offsets({ mode: 'transport' })).toEqual([0, 0, 0, 0]);
  });

  test('with extension fields them as well, in transport mode them and the cookie', () => {
    const extensionWords = [1, 2, 3];
    expect(offsets({ extensionWords })).toEqual([9, 11, 14, 16]);
    expect(offsets({ extensionWords, mode: 'transport' })).toEqual([4, 6, 4, 6]);
  });
});
