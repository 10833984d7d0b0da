/** What insiders and strangers get gateways to do: which violations it raises, and which it does not. */
import { beforeEach, describe, expect, test } from 'vitest';
import { encodeMultiTunnelRequest } from '../../../../src/gateway/rpc/tunnel-messages.js';
import { UNCONFIRMED_HOLD_MS } from '../../../../src/gateway/underlay/underlay-addresses.js';
import { type IpAddress, parseIp, parseMac } from '../../../../src/packet/address.js';
import { Restraint } from '../../../../src/topology/restraint.js';
import { gatewayPlan } from '../../../support/topologies.js';

const ip = parseIp;
const underlayOf = (n: number) => ip(`2001:db8::${n}`);
const PEERS = 3;
/** What a gateway may ask for in a minute although nothing asked it to, of three peers: restraint.ts. */
const UNPROVOKED = 22;

let nowMs: number;
let seen: string[];
let restraint: Restraint;

beforeEach(() => {
  nowMs = 1000;
  seen = [];
  const flags = ['--max-tunnels=4', '--tunnels-per-second=2', '--rotation-request-interval=1000'];
  const plans = [1, 2, 3].map((n) => gatewayPlan(n, 3, flags));
  const holders = new Map([1, 2, 3].map((n) => [underlayOf(n), `h${n}`]));
  holders.set(underlayOf(9), 'm');
  restraint = new Restraint({
    nowMs: () => nowMs,
    gateways: new Map(plans.map((plan) => [plan.name, plan])),
    peers: PEERS,
    holderOf: (address) => holders.get(address),
    violate: (kind, node, text) => seen.push(`${kind} ${node}: ${text}`),
  });
  restraint.starts('h1', { nowMs: () => nowMs });
});

describe('over-budget', () => {
  const grant = (keys: number, caller = 'm') =>
    restraint.onGranted(caller, 'h1', 'RequestMultipleTunnelParams', keys);
  const rotate = (caller = 'm') => restraint.onGranted(caller, 'h1', 'RequestKeyRotation', 0);

  test('keys: twice the table at once and so many per second, of each peer, and the first beyond it is told', () => {
    grant(8);
    grant(8, 'h2');
    nowMs += 3000;
    grant(6);
    expect(seen).toEqual([]);
    grant(1);
    grant(1);
    expect(seen).toEqual(['over-budget h1: gave m 15 keys in 3.0 s']);
  });

  test('rotations: one, and one in each interval', () => {
    rotate();
    rotate('h2');
    nowMs += 1000;
    rotate();
    expect(seen).toEqual([]);
    rotate();
    expect(seen).toEqual(['over-budget h1: rotated 3 times in 1.0 s at the request of m']);
  });

  test('a gateway that starts anew has granted nothing', () => {
    grant(8);
    rotate();
    restraint.starts('h1', { nowMs: () => nowMs });
    grant(8);
    rotate();
    expect(seen).toEqual([]);
  });

  test('what insiders grant is their affair', () => {
    restraint.onGranted('h1', 'm', 'RequestMultipleTunnelParams', 1000);
    expect(seen).toEqual([]);
  });
});

describe('restless', () => {
  const request = (...pairs: readonly (readonly [string, string])[]) =>
    encodeMultiTunnelRequest('3.x', {
      requestId: 1n,
      versionsAccepted: [1],
      tunnels: pairs.map(([own, remote]) => ({
        virtSource: ip(own),
        virtDestination: ip(remote),
        reverse: undefined,
      })),
    });
  const ask = (...pairs: readonly (readonly [string, string])[]) =>
    restraint.onRequest('h1', 'h2', 'RequestMultipleTunnelParams', request(...pairs));
  const PAIR = ['192.168.1.1', '192.168.1.2'] as const;
  const OTHER = ['fd00::1', 'fd00::2'] as const;
  const askOften = (times: number, ...pairs: readonly (readonly [string, string])[]) => {
    for (let i = 0; i < times; i++) ask(...pairs);
  };

  test('requests that nothing asked for, more than so many in a minute', () => {
    askOften(UNPROVOKED, PAIR);
    expect(seen).toEqual([]);
    ask(PAIR);
    expect(seen).toEqual([`restless h1: ${UNPROVOKED + 1} requests in a minute that nothing asked for`]);
  });

  test('a minute later as many again', () => {
    askOften(UNPROVOKED, PAIR);
    nowMs += 60_001;
    askOften(UNPROVOKED, PAIR);
    expect(seen).toEqual([]);
  });

  test('those for a pair that packets came for, or that the peer asked for itself, are asked for', () => {
    restraint.reason('h1', ip(PAIR[0]), ip(PAIR[1]));
    askOften(2 * UNPROVOKED, PAIR, OTHER);
    restraint.onRequest('h2', 'h1', 'RequestMultipleTunnelParams', request([OTHER[1], OTHER[0]]));
    askOften(2 * UNPROVOKED, OTHER);
    expect(seen).toEqual([]);
  });

  test('parts of a request that was refused count with it, as often as it can be halved', () => {
    ask(PAIR, OTHER);
    for (const pair of [PAIR, OTHER, PAIR, OTHER]) ask(pair);
    askOften(UNPROVOKED - 1, PAIR);
    expect(seen).toEqual([]);
    ask(PAIR);
    expect(seen).toHaveLength(1);
  });
});

describe('misdirected', () => {
  const SPI = 0x80000005;
  /** A peer gives h1 a key, with an address to send to. */
  const give = (receiver: string, underlayIp: IpAddress, spi = SPI) =>
    restraint.onGiven({
      receiver,
      holder: 'h1',
      parameters: {
        mac: parseMac('02:00:00:00:00:02'),
        underlayIp,
        pspVersion: 1,
        spi,
        key: new Uint8Array(32),
        cookie: 0n,
      },
    });

  /** h2 has said where it is, and h1 has heard it. */
  const tell = () => {
    give('h2', underlayOf(2), 6);
    restraint.onGranted('h2', 'h1', 'RequestMultipleTunnelParams', 1);
  };

  test('to where the peer is, and to nobody known, it may send', () => {
    give('h2', underlayOf(2));
    restraint.onLeaves('h1', underlayOf(2), SPI);
    give('m', ip('2001:db8:ffff::1'), 7);
    restraint.onLeaves('h1', ip('2001:db8:ffff::1'), 7);
    expect(seen).toEqual([]);
  });

  test.each(['0.0.0.0', '127.0.0.1', '224.0.0.1', '255.255.255.255', '::', '::1', 'ff02::1'])(
    'to %s, which is no host, it may not',
    (to) => {
      restraint.onLeaves('h1', ip(to), SPI);
      expect(seen).toHaveLength(1);
      expect(seen[0]).toMatch(
        /^misdirected h1: .* no unicast address, under SPI 0x80000005, which nobody gave it$/,
      );
    },
  );

  test('nor to itself', () => {
    give('m', underlayOf(1));
    restraint.onLeaves('h1', underlayOf(1), SPI);
    expect(seen[0]).toMatch(/^misdirected h1: .* its own address, .* which m gave it$/);
  });

  test('nor to a peer who had said where it is before another claimed that', () => {
    tell();
    nowMs += UNCONFIRMED_HOLD_MS;
    give('m', underlayOf(2));
    restraint.onLeaves('h1', underlayOf(2), SPI);
    expect(seen[0]).toMatch(/^misdirected h1: sends to 2001:db8::2, the address of h2, .* which m gave it$/);
  });

  test.each([
    ['had not said so', () => {}],
    ['said so later', () => tell()],
    ['said so before, which was lost', () => {}, () => give('h2', underlayOf(2), 6)],
  ])('a claim holds when its owner %s', (_, after, before = () => {}) => {
    before();
    nowMs += 1;
    give('m', underlayOf(2));
    nowMs += 1;
    after();
    restraint.onLeaves('h1', underlayOf(2), SPI);
    expect(seen).toEqual([]);
  });

  test('what was known in a former incarnation is not known any more', () => {
    tell();
    restraint.starts('h1', { nowMs: () => nowMs });
    nowMs += 1;
    give('m', underlayOf(2));
    restraint.onLeaves('h1', underlayOf(2), SPI);
    expect(seen).toEqual([]);
  });

  test('when the hold is over nothing is judged, whenever the claim was made first', () => {
    tell();
    nowMs += 1;
    give('m', underlayOf(2), 7);
    nowMs += UNCONFIRMED_HOLD_MS;
    give('m', underlayOf(2));
    restraint.onLeaves('h1', underlayOf(2), SPI);
    expect(seen).toEqual([]);
  });
});
