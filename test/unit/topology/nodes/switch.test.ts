import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Switch } from '../../../../src/topology/nodes/switch.js';
import { CapturePort } from '../../../../src/verify/capture-port.js';

const PORTS = 4;
const MTU_OCTETS = 100;
const BROADCAST = Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff);
const macOf = (n: number) => Uint8Array.of(2, 0, 0, 0, n >>> 8, n & 255);

function frame(to: Uint8Array, from: Uint8Array, octets = 60): Uint8Array {
  const out = new Uint8Array(octets).fill(0x5a);
  out.set(to, 0);
  out.set(from, 6);
  return out;
}

function build(mtus: readonly number[] = Array.from({ length: PORTS }, () => MTU_OCTETS)) {
  const ports = mtus.map((mtu, i) => new CapturePort(`e${i}`, mtu));
  const one = new Switch(ports);
  /** Sends into port `at`; gives what came out, by port. */
  const send = (at: number, ...frames: Uint8Array[]) => {
    ports[at]!.inject(frames.map((each) => each.slice()));
    return ports.map((port) => port.takeSent());
  };
  return { one, ports, send };
}

const counts = (out: readonly (readonly Uint8Array[])[]) => out.map((frames) => frames.length);

test('a frame for an unknown address leaves by every port but the one it came from, unchanged', () => {
  const { one, send } = build();
  const sent = frame(macOf(9), macOf(1));
  const out = send(1, sent);
  expect(out).toEqual([[sent], [], [sent], [sent]]);
  expect(one.counters).toEqual({ forwarded: 0, flooded: 3, filtered: 0, tooBig: 0 });
});

test('copies of a flooded frame are independent: who receives one may change it', () => {
  const { send } = build();
  const [a, , c] = send(1, frame(macOf(9), macOf(1)));
  a![0]!.fill(0);
  expect(c![0]).toEqual(frame(macOf(9), macOf(1)));
});

test('a frame for an address that has sent leaves by its port alone', () => {
  const { one, send } = build();
  send(2, frame(macOf(9), macOf(7)));
  const sent = frame(macOf(7), macOf(1));
  expect(send(0, sent)).toEqual([[], [], [sent], []]);
  expect(one.counters).toEqual({ forwarded: 1, flooded: 3, filtered: 0, tooBig: 0 });
});

test('an address that moves is found at its new port', () => {
  const { send } = build();
  send(2, frame(macOf(9), macOf(7)));
  send(3, frame(macOf(9), macOf(7)));
  expect(counts(send(0, frame(macOf(7), macOf(1))))).toEqual([0, 0, 0, 1]);
});

test('a frame for the port that it came from is filtered, as is one without a whole header', () => {
  const { one, send } = build();
  send(2, frame(macOf(9), macOf(7)));
  expect(counts(send(2, frame(macOf(7), macOf(8))))).toEqual([0, 0, 0, 0]);
  expect(counts(send(1, frame(macOf(7), macOf(1), 13)))).toEqual([0, 0, 0, 0]);
  expect(one.counters.filtered).toBe(2);
  expect(counts(send(1, frame(macOf(3), macOf(4), 14)))).toEqual([1, 0, 1, 1]);
});

test('groups are flooded, and no group is ever learnt as a source', () => {
  const { send } = build();
  const group = Uint8Array.of(0x33, 0x33, 0, 0, 0, 1);
  for (const address of [BROADCAST, group]) {
    send(2, frame(macOf(9), address));
    expect(counts(send(0, frame(address, macOf(1))))).toEqual([0, 1, 1, 1]);
  }
});

test('what it has learnt it can forget', () => {
  const { one, send } = build();
  send(2, frame(macOf(9), macOf(7)));
  one.forget();
  expect(counts(send(0, frame(macOf(7), macOf(1))))).toEqual([0, 1, 1, 1]);
});

describe('the MTU', () => {
  test('is that of the port by which a frame leaves: larger ones are counted and do not leave', () => {
    const { one, send } = build([MTU_OCTETS, MTU_OCTETS, MTU_OCTETS - 1]);
    send(2, frame(macOf(9), macOf(7)));
    expect(counts(send(0, frame(macOf(7), macOf(1), MTU_OCTETS - 1 + 14)))).toEqual([0, 0, 1]);
    expect(one.counters.tooBig).toBe(0);
    expect(counts(send(0, frame(macOf(7), macOf(1), MTU_OCTETS + 14)))).toEqual([0, 0, 0]);
    expect(one.counters.tooBig).toBe(1);
  });

  test('of one port does not keep a flooded frame from the others', () => {
    const { one, send } = build([MTU_OCTETS, MTU_OCTETS - 1, MTU_OCTETS]);
    expect(counts(send(0, frame(macOf(9), macOf(1), MTU_OCTETS + 14)))).toEqual([0, 0, 1]);
    expect(one.counters).toMatchObject({ flooded: 2, tooBig: 1 });
  });
});

test('it remembers 65536 addresses; the one that was learnt first goes first', () => {
  const { send } = build();
  const many = Array.from({ length: 65_536 }, (_, n) => frame(macOf(n), macOf(n)));
  send(1, ...many);
  // Known, hence not new: nothing has to go.
  send(1, frame(macOf(1), macOf(0)));
  expect(counts(send(0, frame(macOf(0), BROADCAST)))).toEqual([0, 1, 0, 0]);
  // One that moves is not new either, but becomes the youngest.
  send(3, frame(BROADCAST, macOf(1)));
  expect(counts(send(0, frame(macOf(0), BROADCAST)))).toEqual([0, 1, 0, 0]);
  for (const n of [0, 1]) send(2, frame(BROADCAST, Uint8Array.of(6, 0, 0, 0, 0, n)));
  const at = (n: number) => counts(send(0, frame(macOf(n), BROADCAST)));
  expect([0, 1, 2, 3].map(at)).toEqual([
    [0, 1, 1, 1],
    [0, 0, 0, 1],
    [0, 1, 1, 1],
    [0, 1, 0, 0],
  ]);
});

test('whatever hosts send, each frame reaches the port of a host that was heard there last', () => {
  const step = fc.record({
    from: fc.nat(5),
    to: fc.nat(5),
    port: fc.nat(PORTS - 1),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const { one, send } = build();
      const heard = new Map<number, number>();
      for (const { from, to, port } of steps) {
        heard.set(from, port);
        const at = heard.get(to);
        const expected = [0, 1, 2, 3].map((i) => (at === undefined ? i !== port : i === at && i !== port));
        expect(counts(send(port, frame(macOf(to), macOf(from))))).toEqual(expected.map(Number));
      }
      const { forwarded, flooded, filtered } = one.counters;
      expect(forwarded + flooded / (PORTS - 1) + filtered).toBe(steps.length);
    }),
  );
});
