/**
 * A node's place at a link. Devices come and go (a gateway restarts), the place stays: each device gets a port of
 * its own, and what arrives while there is none is counted.
 */
import type { SimPort } from '../../hal-sim/port.js';

const GROUP_BIT = 0x01;

export class Seat {
  /** Frames that arrived while nobody sat here, and those that the place is not for. */
  vacant = 0;
  foreign = 0;
  /** While there is one, nothing passes: what arrives counts as vacant. */
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

  /** A port for the next device; it has the place from its start to its close. */
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
