/**
 * A node's end of a link, which outlives the devices behind it: a gateway that restarts opens a new device, and gets a new port
 * in the same slot. Frames that arrive while there is no device are counted.
 */
import type { SimPort } from '../../hal-sim/port.js';

const GROUP_BIT = 0x01;

export class PortSlot {
  /** Frames that arrived without a device in the slot, and frames for other MACs. */
  vacant = 0;
  foreign = 0;
  /** Number of reasons for which the port is lost at present. While there is one, arriving frames count as vacant. */
  losses = 0;
  #receive: ((frames: readonly Uint8Array[]) => void) | undefined;

  /** Starts `port`, once and for all. With `macs`, as a network card, takes only frames for them and for groups. */
  constructor(
    private readonly port: SimPort,
    macs?: readonly Uint8Array[],
  ) {
    const mine = (frame: Uint8Array) =>
      macs === undefined ||
      (frame[0]! & GROUP_BIT) !== 0 ||
      macs.some((mac) => mac.every((octet, i) => frame[i] === octet));
    void port.start((frames) => {
      const own = frames.filter(mine);
      this.foreign += frames.length - own.length;
      if (this.#receive === undefined || this.losses > 0) this.vacant += own.length;
      else if (own.length > 0) this.#receive(own);
    });
  }

  /** A port for the next device, which occupies the slot from its start to its close. */
  take(): SimPort {
    const { port } = this;
    let mine: ((frames: readonly Uint8Array[]) => void) | undefined;
    return {
      name: port.name,
      mtuOctets: port.mtuOctets,
      send: (frames) => {
        if (mine !== undefined && this.#receive === mine && this.losses === 0) port.send(frames);
      },
      start: async (receive) => {
        mine = receive;
        this.#receive = receive;
      },
      close: async () => {
        if (this.#receive === mine) this.#receive = undefined;
      },
    };
  }
}
