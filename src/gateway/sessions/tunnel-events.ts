/** Tells of tunnels that an exchange has established or re-keyed. */
import type { Clock } from '../../base/clock.js';
import type { GatewayObserver } from '../events.js';
import type { Offer } from './ingress-spis.js';
import { isReadable } from './session.js';

/**
 * Notes what the sessions of some offers send by, before an exchange gives them egress routes. The function that it gives tells,
 * after that, what each of them sends by now, and notes since when.
 */
export function tunnelsBefore(
  offers: readonly Pick<Offer, 'session' | 'ingress'>[],
  clock: Clock,
): (askedBy: 'us' | 'peer', observe: GatewayObserver) => void {
  const former = offers.map(({ session }) => session.egress);
  return (askedBy, observe) => {
    const nowS = Math.floor(clock.nowMs() / 1000);
    offers.forEach(({ session, ingress }, i) => {
      const { localVip, remoteVip, egress, peer } = session;
      // It has lost its place meanwhile.
      if (egress === undefined || egress === former[i]) return;
      const established = {
        type: 'tunnel-established',
        localVip,
        remoteVip,
        peer: peer.name,
        spi: egress.spi,
        ingressSpi: ingress.spi,
        cryptoId: egress.cryptoId,
        ...(isReadable(session) ? { payload: 'readable' as const } : {}),
        askedBy,
      } as const;
      const before = former[i];
      if (before === undefined) {
        session.establishedAtS = nowS;
        observe(established);
      } else {
        const ageS = Math.max(0, nowS - session.establishedAtS);
        observe({ ...established, type: 'tunnel-rekeyed', formerSpi: before.spi, ageS });
      }
    });
  };
}
