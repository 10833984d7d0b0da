/** Counters tell what came by: every packet, and its octets. */
import type { Counter, CounterSelector } from '../../hal/hal.js';
import { frameOf } from '../inner-packets.js';
import { flowOf } from '../packets.js';
import { must, mustEqual, type Property, property } from '../property.js';
import { COUNTERS, RIG_DEFAULTS } from '../rig.js';
import { drawRigCase, optionsText, type RigCase } from '../rig-cases.js';

/** A flow under a session. */
interface CountedCase {
  readonly one: RigCase;
  readonly count: number;
  readonly octets: number;
}

const difference = (after: Counter, before: Counter) => after.packets - before.packets;

export const COUNTING: readonly Property[] = [
  property<CountedCase>({
    name: 'counters',
    group: 'counters',
    title: 'The counter of an entry tells every packet that has hit it, with the octets of its frame',
    cases: { quick: 3, usual: 12 },
    draw: (choose) => ({
      one: drawRigCase(choose, { packets: 1 }),
      count: choose.between(8, 64),
      octets: choose.between(40, 400),
    }),
    text: ({ one, count, octets }) =>
      `the device as ${one.role}; ${optionsText(one.options)}; ${count} datagrams of one flow with ${octets} octets`,
    smaller: ({ one, count, octets }) => [
      ...(count > 1 ? [1, 2, 8, count >> 1].filter((some) => some < count) : []).map((some) => ({
        one,
        count: some,
        octets,
      })),
      ...(one.options.mode === 'tunnel' && one.options.cookies
        ? [
            {
              one: { ...one, options: { ...RIG_DEFAULTS, innerFamily: one.options.innerFamily } },
              count,
              octets,
            },
          ]
        : []),
    ],
    async check({ one, count, octets }, world) {
      await using rig = await world.rig(one.role, one.options);
      const frames = flowOf(one.options.innerFamily, count, octets).map((packet) => frameOf(packet));
      const { hal } = one.role === 'sender' ? rig.a : rig.b;
      const id = one.role === 'sender' ? rig.headerEntry : rig.ingressEntry!;
      const selectors: CounterSelector[] = [{ id }, ...(one.role === 'receiver' ? [COUNTERS.decrypted] : [])];
      const before = await hal.counters(selectors);
      const wire = await rig.encapsulate(frames);
      const delivered = await rig.decapsulate(wire);
      mustEqual('packets delivered', delivered.length, count);
      const after = await hal.counters(selectors);
      mustEqual(
        "packets that the session's entry has counted",
        difference(after[0]!, before[0]!),
        BigInt(count),
      );
      if (one.role === 'receiver')
        mustEqual(
          'packets that the decrypt pipe has counted',
          difference(after[1]!, before[1]!),
          BigInt(count),
        );
      const counted = after[0]!.octets - before[0]!.octets;
      // Whether before or behind an entry's own actions is left to a device.
      const inside = BigInt(frames.reduce((sum, { length }) => sum + length, 0));
      const onWire = BigInt(wire.reduce((sum, { length }) => sum + length, 0));
      must(
        counted === inside || (counted > 0n && counted <= onWire),
        `octets that the session's entry has counted: ${counted}; the packets have ${inside} inside, and ${onWire} on the wire`,
      );
    },
  }),
];
