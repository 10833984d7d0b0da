import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type Ipv4Address,
  ipFromOctets,
  macFromOctets,
  parseIpv4,
  parseMac,
} from '../../../src/packet/address.js';
import {
  BOOT_REPLY,
  BOOT_REQUEST,
  buildDhcp,
  DHCP_ACK,
  DHCP_DISCOVER,
  type DhcpMessage,
  parseDhcp,
} from '../../../src/packet/dhcp.js';

/** No address at all is 0.0.0.0 in the header, so that one is never given out. */
const ip = fc
  .uint8Array({ minLength: 4, maxLength: 4 })
  .filter((octets) => octets.some((octet) => octet !== 0))
  .map((octets) => ipFromOctets(octets, 0, 4) as Ipv4Address);
const uint = (bits: number) => fc.nat().map((value) => value % 2 ** bits);
const message: fc.Arbitrary<DhcpMessage> = fc.record(
  {
    operation: fc.constantFrom(BOOT_REQUEST, BOOT_REPLY),
    type: fc.integer({ min: 1, max: 8 }),
    transactionId: fc.integer({ min: 0, max: 0xffffffff }),
    clientMac: fc.uint8Array({ minLength: 6, maxLength: 6 }).map((octets) => macFromOctets(octets)),
    broadcast: fc.boolean(),
    clientIp: ip,
    yourIp: ip,
    serverIp: ip,
    requestedIp: ip,
    serverId: ip,
    subnetMask: ip,
    router: ip,
    mtuOctets: uint(16),
    leaseSeconds: fc.integer({ min: 0, max: 0xffffffff }),
  },
  { requiredKeys: ['operation', 'type', 'transactionId', 'clientMac', 'broadcast'] },
);

const DISCOVER = buildDhcp({
  operation: BOOT_REQUEST,
  type: DHCP_DISCOVER,
  transactionId: 0x3903f326,
  clientMac: parseMac('00:05:3c:04:8d:59'),
  broadcast: true,
});

describe('DHCP messages', () => {
  test('what is built is parsed again, every field', () => {
    fc.assert(
      fc.property(message, (one) => {
        expect(parseDhcp(buildDhcp(one))).toEqual(one);
      }),
    );
  });

  test('fields stand where RFC 2131, section 2, has them', () => {
    const octets = Buffer.from(
      buildDhcp({
        operation: BOOT_REPLY,
        type: DHCP_ACK,
        transactionId: 0x3903f326,
        clientMac: parseMac('00:05:3c:04:8d:59'),
        clientIp: parseIpv4('192.168.1.2'),
        yourIp: parseIpv4('192.168.1.55'),
        serverIp: parseIpv4('192.168.1.3'),
        serverId: parseIpv4('192.168.1.1'),
        subnetMask: parseIpv4('255.255.255.0'),
        mtuOctets: 1400,
        leaseSeconds: 3600,
      }),
    );
    expect(octets.subarray(0, 12).toString('hex')).toBe('020106003903f32600000000');
    expect(octets.subarray(12, 28).toString('hex')).toBe('c0a80102c0a80137c0a8010300000000');
    expect(octets.subarray(28, 44).toString('hex')).toBe('00053c048d5900000000000000000000');
    expect(octets.subarray(44, 236).every((octet) => octet === 0)).toBe(true);
    expect(
      octets
        .subarray(236)
        .toString('hex')
        .replace(/(00)+$/, ''),
    ).toBe('63825363' + '350105' + '3604c0a80101' + '330400000e10' + '0104ffffff00' + '1a020578' + 'ff');
    expect(DISCOVER).toHaveLength(300);
    expect(DISCOVER[10]).toBe(0x80);
  });

  test.each([
    ['another magic cookie', 236, 0],
    ['another hardware type', 1, 6],
    ['another address length', 2, 8],
    ['neither request nor reply', 0, 3],
    ['no message type', 240, 12],
    ['an option beyond the end', 241, 255],
  ])('%s is not one of ours', (_, at, value) => {
    expect(parseDhcp(DISCOVER)).toBeDefined();
    const changed = DISCOVER.slice();
    changed[at] = value;
    expect(parseDhcp(changed)).toBeUndefined();
  });

  test('options are read without an end mark, past padding; those of a wrong length are left out', () => {
    const head = DISCOVER.subarray(0, 240);
    const read = (...options: number[]) => parseDhcp(Uint8Array.from([...head, ...options]));
    expect(read(0, 0, 53, 1, 1, 0)).toMatchObject({ type: DHCP_DISCOVER });
    expect(read(53, 1, 1, 50, 3, 1, 2, 3)).not.toHaveProperty('requestedIp');
    expect(read(53, 1, 1, 26, 4, 0, 0, 5, 0)).not.toHaveProperty('mtuOctets');
    expect(read(53, 0)).toBeUndefined();
    expect(read(53, 1, 1, 255, 50, 4, 1, 2, 3, 4)).not.toHaveProperty('requestedIp');
    expect(read(53, 1, 1, 50)).toBeUndefined();
  });
});
