/** Middleware that shows an observer every frame of a port, in both directions. */
import type { SimPort } from '../port.js';

/** `out`: the device sends. The frame is only lent: it must not be changed, and be copied to be kept. */
export type FrameObserver = (direction: 'in' | 'out', frame: Uint8Array) => void;

/** The port, with somebody who sees every frame that goes in and out. */
export function observePort(port: SimPort, observe: FrameObserver): SimPort {
  return {
    name: port.name,
    mtuOctets: port.mtuOctets,
    send(frames) {
      for (const frame of frames) observe('out', frame);
      port.send(frames);
    },
    start: (receive) =>
      port.start((frames) => {
        for (const frame of frames) observe('in', frame);
        receive(frames);
      }),
    close: () => port.close(),
  };
}
