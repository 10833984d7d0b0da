/** A device that does most of what another does: what stands between a gateway and its device is built from it. */
import type { PipeHal } from './hal.js';

/** `hal` with some methods replaced. Closing one closes the other. */
export function delegateHal(hal: PipeHal, replaced: Partial<PipeHal>): PipeHal {
  return {
    device: hal.device,
    build: (program) => hal.build(program),
    apply: (operations) => hal.apply(operations),
    setKeys: (slots) => hal.setKeys(slots),
    clearKeys: (cryptoIds) => hal.clearKeys(cryptoIds),
    generateKeys: (keyLengthOctets, count, algorithm) => hal.generateKeys(keyLengthOctets, count, algorithm),
    rotateMasterKey: () => hal.rotateMasterKey(),
    counters: (selectors) => hal.counters(selectors),
    statistics: () => hal.statistics(),
    lookup: (packet) => hal.lookup(packet),
    onReceive: (handler) => hal.onReceive(handler),
    transmit: (packets) => hal.transmit(packets),
    close: () => hal.close(),
    [Symbol.asyncDispose]: () => hal.close(),
    ...replaced,
  };
}
