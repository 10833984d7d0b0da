/**
 * What a gateway in a process of its own does with keys, told to the run, which checks it as of its own gateways. What is told comes
 * by another way than packets, so that a packet may be there before it.
 */
import type { ControlTransport } from '../../gateway/rpc/transport.js';
import { delegateHal } from '../../hal/delegate.js';
import type { PipeHal } from '../../hal/hal.js';
import { type TransportWatcher, watchTransport } from '../given-keys.js';
import type { Seen } from '../seen.js';

/** The device, with its keys shown. */
export function watchKeys(hal: PipeHal, see: (seen: Seen) => void): PipeHal {
  return delegateHal(hal, {
    generateKeys: async (...args) => {
      const batch = await hal.generateKeys(...args);
      const { spis, keys, keyLengthOctets } = batch;
      see({ what: 'made', batch: { spis: spis.slice(), keys: keys.slice(), keyLengthOctets } });
      return batch;
    },
    setKeys: (slots) => {
      see({ what: 'used', keys: slots.map(({ key }) => key.slice()) });
      return hal.setKeys(slots);
    },
  });
}

/** The transport, with what it carries shown. */
export function watchCalls(
  node: string,
  transport: ControlTransport,
  { nameOf, strangerOf }: Pick<TransportWatcher, 'nameOf' | 'strangerOf'>,
  see: (seen: Seen) => void,
): ControlTransport {
  return watchTransport(node, transport, {
    nameOf,
    ...(strangerOf === undefined ? {} : { strangerOf }),
    onGiven: ({ receiver, holder, parameters }) => {
      const key = parameters.key.slice();
      see({ what: 'given', given: { receiver, holder, parameters: { ...parameters, key } } });
    },
    onRequest: (caller, callee, method, request) =>
      see({ what: 'request', caller, callee, method, request: request.slice() }),
    onGranted: (caller, callee, method, keys) => see({ what: 'granted', caller, callee, method, keys }),
  });
}
