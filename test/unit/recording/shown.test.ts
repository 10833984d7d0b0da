/** Stand-ins in bodies and frames. */
import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../../src/base/random.js';
import {
  decodeMultiTunnelRequest,
  encodeMultiTunnelRequest,
  type TunnelParameters,
} from '../../../src/gateway/rpc/tunnel-messages.js';
import { parseIp, parseMac } from '../../../src/packet/address.js';
import { shownFrame } from '../../../src/recording/frames.js';
import { shownBody } from '../../../src/recording/rpc-bodies.js';
import { StandIns } from '../../../src/recording/stand-ins.js';
import { frameOf } from '../../../src/verify/inner-packets.js';
import { packetBetween } from '../../support/gateways.js';

const standIns = () => new StandIns(seededRandom(1));
const parameters = (key: number, cookie: bigint, version: 0 | 1 = 1): TunnelParameters => ({
  mac: parseMac('02:00:00:00:00:01'),
  underlayIp: parseIp('10.0.0.1'),
  pspVersion: version,
  spi: 77,
  key: new Uint8Array(version === 1 ? 32 : 16).fill(key),
  cookie,
});
const request = (dialect: '2.8' | '3.x', reverse: TunnelParameters) =>
  encodeMultiTunnelRequest(dialect, {
    requestId: 5n,
    versionsAccepted: [1],
    tunnels: [
      { virtSource: parseIp('192.168.1.1'), virtDestination: parseIp('192.168.1.2'), reverse },
      { virtSource: parseIp('192.168.1.1'), virtDestination: parseIp('192.168.1.3'), reverse: undefined },
    ],
  });

describe('a body', () => {
  test.each(['2.8', '3.x'] as const)('of dialect %s has stand-ins, and the rest as it was', (dialect) => {
    const own = standIns();
    for (const cookie of [0xfedc_ba98_7654_3210n, 0x0123_4567_89ab_cdefn, 0x7788_99aa_bbcc_ddeen, 0n]) {
      const body = request(dialect, parameters(0xab, cookie));
      const shown = shownBody('RequestMultipleTunnelParams', 'request', body, own);
      expect(shown).toHaveLength(body.length);
      const before = decodeMultiTunnelRequest(body);
      const after = decodeMultiTunnelRequest(shown);
      const isPublic = cookie === 0n || cookie === 0x7788_99aa_bbcc_ddeen;
      const [first] = after.tunnels;
      expect(Buffer.from(first!.reverse!.key).toString()).toBe(`key${'1'.padStart(29, '0')}`);
      expect(first!.reverse!.cookie === cookie).toBe(isPublic);
      const { key, cookie: _cookie, ...rest } = before.tunnels[0]!.reverse!;
      expect(first!.reverse).toMatchObject(rest);
      expect(after.tunnels[1]).toEqual(before.tunnels[1]);
      expect(after.requestId).toBe(5n);
    }
  });

  test('stays what it is for its owner, in a Buffer too', () => {
    const body = Buffer.from(request('3.x', parameters(0xab, 0xfedc_ba98_7654_3210n)));
    const before = body.toString('hex');
    shownBody('RequestMultipleTunnelParams', 'request', body, standIns());
    expect(body.toString('hex')).toBe(before);
  });

  test('that cannot be read has nothing of what is behind the place', () => {
    const body = request('3.x', parameters(0xab, 0xfedc_ba98_7654_3210n));
    for (let cut = 1; cut < body.length; cut++) {
      const shown = shownBody('RequestMultipleTunnelParams', 'request', body.subarray(0, cut), standIns());
      expect(Buffer.from(shown).toString('hex')).not.toContain('abababab');
    }
  });
});

describe('stand-ins', () => {
  test('are the same for the same secret, and of its length', () => {
    const own = standIns();
    const key = (fill: number) => Buffer.from(own.key(new Uint8Array(16).fill(fill))).toString();
    expect([key(1), key(2), key(1)]).toEqual(['key0000000000001', 'key0000000000002', 'key0000000000001']);
    expect(own.cookie(own.cookie(1n << 63n))).not.toBe(1n << 63n);
    for (const cookie of [1n, 200n, 1n << 40n, (1n << 63n) - 1n, (1n << 64n) - 1n])
      expect(own.cookie(cookie).toString(2).length, String(cookie)).toBeLessThanOrEqual(64);
  });
});

describe('a frame', () => {
  const frame = frameOf(packetBetween(1, 2, 9));

  test('has its headers, and its length', () => {
    const { f, l } = shownFrame(frame, false, standIns());
    expect(l).toBe(frame.length);
    expect(f).toBe(Buffer.from(frame.subarray(0, 14 + 20 + 8)).toString('hex'));
    expect(shownFrame(frame, true, standIns())).toEqual({ f: Buffer.from(frame).toString('hex') });
  });

  test('stays what it is for its owner, in a Buffer too', () => {
    // PSP with a cookie.
    const octets = Buffer.alloc(14 + 20 + 8 + 24 + 32);
    octets.set([0x08, 0x00, 0x45], 12);
    octets[23] = 17;
    octets.writeUInt16BE(1000, 36);
    octets.set([4, 2, 0, 0x07], 42);
    octets.fill(0xcc, 58, 66);
    const before = octets.toString('hex');
    const { f } = shownFrame(octets, true, standIns());
    expect(f).not.toContain('cccc');
    expect(octets.toString('hex')).toBe(before);
  });
});
