/** The simulator as the device that is verified, by links in memory: what a report looks like, without anything else. */
import { type Clock, sleep } from '../base/clock.js';
import type { Random } from '../base/random.js';
import { openSimHal } from '../hal-sim/device.js';
import { createLink } from '../hal-sim/ports/link.js';
import { FarSide, outsideHarness } from './outside.js';
import type { VerifiedDevice } from './run.js';
import { ANY_PLACE } from './sim-harness.js';

const MTU_OCTETS = 1500;

export function simulatedDevice(clock: Clock, random: Random): VerifiedDevice {
  return {
    name: 'the simulator',
    async open() {
      const cable = (name: string) => createLink({ clock, random, name, mtuOctets: MTU_OCTETS });
      const [uplink, vf] = [cable('uplink'), cable('vf')];
      const hal = await openSimHal({
        clock,
        random,
        uplink: { port: uplink.ports[0], ...ANY_PLACE.uplink },
        vf: { port: vf.ports[0], ...ANY_PLACE.vf },
        gmac: false,
      });
      const far = await FarSide.start({ uplink: uplink.ports[1], vf: vf.ports[1] }, clock);
      const close = hal.close.bind(hal);
      hal.close = async () => {
        await close();
        await far.close();
        await sleep(clock, 0);
      };
      const harness = outsideHarness(hal, far, { clock, quietMs: () => 0, counterAgeMs: () => 0 });
      const underWay = () => uplink.onTheWay + vf.onTheWay + hal.rssWaiting;
      return {
        ...harness,
        async settle() {
          do await sleep(clock, 0);
          while (underWay() > 0);
        },
      };
    },
  };
}
