/** A ControlTransport whose calls and requests go through a seam, with stand-ins for keys and cookies in their bodies. */
import type { GatewayObserver } from '../gateway/events.js';
import type { ControlTransport, RpcHandler, RpcMethod } from '../gateway/rpc/transport.js';
import { shownBody } from './rpc-bodies.js';
import type { Seam } from './seam.js';
import type { SecretsShown } from './stand-ins.js';
import { encoded, encodedError } from './values.js';

export function seamedTransport(
  transport: ControlTransport,
  seam: Seam,
  standIns: SecretsShown,
): ControlTransport {
  const shown = (method: RpcMethod, direction: 'request' | 'response', body: Uint8Array) =>
    encoded(shownBody(method, direction, body, standIns));
  let requests = 0;
  const handled =
    (handler: RpcHandler): RpcHandler =>
    (method, request, caller) =>
      new Promise((resolve, reject) => {
        const i = ++requests;
        seam.later(
          () => ({ k: 'request', i, m: method, a: [shown(method, 'request', request), encoded(caller)] }),
          () =>
            handler(method, request, caller).then(
              (answer) => {
                seam.output({ k: 'answer', i, v: shown(method, 'response', answer) });
                resolve(answer);
              },
              (error: unknown) => {
                seam.output({ k: 'answer', i, e: encodedError(error) });
                reject(error);
              },
            ),
        );
      });
  const told =
    (observe: GatewayObserver): GatewayObserver =>
    (event) =>
      seam.later(
        () => ({ k: 'event', v: encoded(event) }),
        () => observe(event),
      );
  const { doors, peersChanged, disconnect, reloadTls } = transport;
  return {
    listen: (address, handler, doorkeeper, observe) =>
      seam.asked(
        'transport',
        'listen',
        () =>
          transport.listen(
            address,
            handled(handler),
            {
              peersAt: (source) => seam.outside(() => doorkeeper.peersAt(source)),
              admit: (caller) => seam.outside(() => doorkeeper.admit(caller)),
            },
            observe && told(observe),
          ),
        [encoded(address)],
      ),
    call: (peer, method, request, options) =>
      seam.asked(
        'transport',
        'call',
        () => transport.call(peer, method, request, options),
        [encoded(peer), method, shown(method, 'request', request), options.deadlineMs],
        (response) => shown(method, 'response', response),
      ),
    forget: (peer) => seam.call('transport', 'forget', () => transport.forget(peer), [encoded(peer)]),
    close: () => seam.asked('transport', 'close', () => transport.close()),
    ...(doors === undefined ? {} : { doors: () => transport.doors?.() }),
    ...(peersChanged === undefined
      ? {}
      : { peersChanged: () => seam.call('transport', 'peersChanged', () => transport.peersChanged?.()) }),
    ...(disconnect === undefined
      ? {}
      : {
          disconnect: (isMeant) =>
            seam.call('transport', 'disconnect', () => transport.disconnect?.(isMeant) ?? 0),
        }),
    ...(reloadTls === undefined
      ? {}
      : {
          reloadTls: (tls, options) =>
            seam.call('transport', 'reloadTls', () => transport.reloadTls?.(tls, options), [
              encoded(options),
            ]),
        }),
  };
}
