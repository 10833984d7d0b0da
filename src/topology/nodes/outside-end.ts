/** The end of a link that is an interface of this machine: what comes in there goes into the link, and the other way round. */
import type { SimPort } from '../../hal-sim/port.js';
import type { PacketPortCounters } from '../../hal-sim/ports/packet-socket.js';

/** An interface that is open. */
export interface OutsidePort extends SimPort {
  readonly counters: PacketPortCounters;
}

export interface OutsideCounters extends PacketPortCounters {
  /** Times that the interface went down or away. */
  readonly interruptions: number;
}

/** Opens an interface; `onState` hears that nothing goes through any more, with the reason, and that it does again. */
export type OpenOutside = (onState: (trouble: string | undefined) => void) => OutsidePort;

export class OutsideEnd {
  readonly #port: OutsidePort;
  #interruptions = 0;

  constructor(
    private readonly link: SimPort,
    open: OpenOutside,
    onState: (trouble: string | undefined) => void,
  ) {
    this.#port = open((trouble) => {
      if (trouble !== undefined) this.#interruptions++;
      onState(trouble);
    });
  }

  get counters(): OutsideCounters {
    return { ...this.#port.counters, interruptions: this.#interruptions };
  }

  async start(): Promise<void> {
    await this.link.start((frames) => this.#port.send(frames));
    await this.#port.start((frames) => this.link.send(frames));
  }

  async stop(): Promise<void> {
    await this.#port.close();
  }
}
