/**
 * A node's place at a link. Devices come and go (a gateway restarts), the place stays: each device gets a port of
 * its own, and what arrives while there is none is counted.
 */
import type { SimPort } from '../../hal-sim/port.js';

export class Seat {
  /** Frames that arrived while nobody sat here. */
  vacant = 0;
  #receive: ((frames: readonly Uint8Array[]) => void) | undefined;

  /** Starts `port`, once and for all. */
  constructor(private readonly port: SimPort) {
    void port.start((frames) => {
      if (this.#receive === undefined) this.vacant += frames.length;
      else this.#receive(frames);
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
        if (mine !== undefined && this.#receive === mine) port.send(frames);
      },
      start: async (receive) => {
        mine = receive;
        this.#receive = receive;
      },
      close: async () => {
        if (this.#receive === mine) this.#receive = undefined;
        mine = undefined;
      },
    };
  }
}
