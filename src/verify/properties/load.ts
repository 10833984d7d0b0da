/** Sessions under load: bursts of many packets, whole and in order. */
import { frameOf } from '../inner-packets.js';
import { flowOf, idsOf } from '../packets.js';
import { must, mustEqual, type Property, property } from '../property.js';
import { install } from '../rig.js';
import { drawRigCase, optionsText, type RigCase } from '../rig-cases.js';

interface LoadCase {
  readonly one: RigCase;
  readonly bursts: number;
  readonly octets: number;
}

/** More would be a test of the queues on the way. */
const BURST_PACKETS = 64;

export const LOAD: readonly Property[] = [
  property<LoadCase>({
    name: 'bursts',
    group: 'load',
    title: 'Bursts of one flow arrive whole and in order while its key is set again and again',
    cases: { quick: 2, usual: 10 },
    draw: (choose) => ({
      one: drawRigCase(choose, { packets: 1 }),
      bursts: choose.between(4, 8),
      octets: choose.pick([64, 512, 1000]),
    }),
    text: ({ one, bursts, octets }) =>
      `the device as ${one.role}; ${optionsText(one.options)}; ${bursts} bursts of ${BURST_PACKETS} datagrams with ${octets} octets`,
    smaller: ({ one, bursts, octets }) => [
      ...(bursts > 1 ? [{ one, bursts: 1, octets }] : []),
      ...(octets > 64 ? [{ one, bursts, octets: 64 }] : []),
    ],
    async check({ one, bursts, octets }, world) {
      await using rig = await world.rig(one.role, one.options);
      const frames = flowOf(one.options.innerFamily, BURST_PACKETS, octets).map((packet) => frameOf(packet));
      for (let burst = 0; burst < bursts; burst++) {
        // The same key: whichever of the two a packet takes, it can be opened.
        const [wire, [failed]] = await Promise.all([
          rig.encapsulate(frames),
          rig.a.hal.setKeys([{ cryptoId: rig.cryptoId, key: rig.key }]),
        ]);
        if (failed) throw failed;
        mustEqual(`frames on the wire in burst ${burst + 1}`, wire.length, BURST_PACKETS);
        const ids = idsOf(await rig.decapsulate(wire));
        mustEqual(`packets delivered in burst ${burst + 1}`, ids.length, BURST_PACKETS);
        const at = ids.findIndex((id, i) => id !== i);
        must(at < 0, `packet ${ids[at]} of burst ${burst + 1} is delivered as number ${at}`);
      }
    },
  }),
  property<RigCase>({
    name: 'update-in-place',
    group: 'load',
    title: "While a session's entry is updated in place, no packet misses it and none is lost",
    cases: { quick: 1, usual: 5 },
    draw: (choose) => drawRigCase(choose, { role: 'sender', packets: 1 }),
    text: ({ options }) =>
      `${optionsText(options)}; ${BURST_PACKETS} datagrams while the entry is updated ten times`,
    async check({ options }, world) {
      await using rig = await world.rig('sender', options);
      rig.a.takeRss();
      const frames = flowOf(options.innerFamily, BURST_PACKETS).map((packet) => frameOf(packet));
      const values = rig.pipeline.egressValues(rig.encapHeader, rig.cryptoId);
      const update = async () => {
        for (let i = 0; i < 10; i++)
          await install(rig.a.hal, [{ operation: 'update', id: rig.headerEntry, values }]);
      };
      const [wire] = await Promise.all([rig.encapsulate(frames), update()]);
      mustEqual('frames on the wire', wire.length, BURST_PACKETS);
      mustEqual('packets that went to the CPU', rig.a.takeRss().length, 0);
    },
  }),
];
