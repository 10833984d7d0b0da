/**
 * The gateway's own TLS files while it runs: says what is in them, and tells before certificates end. Peers' certificates are the
 * transport's: it looks at them at each handshake, and ends connections with them.
 */
import type { Clock, Timer } from '../../base/clock.js';
import type { GatewayObserver } from '../events.js';
import type { TlsFiles } from '../options.js';
import {
  type CertificateStatus,
  certificatesIn,
  DAY_MS,
  daysUntil,
  EXPIRY_WARNING_DAYS,
  stateAt,
  statusOf,
} from './certificate-status.js';
import type { TlsMaterial } from './grpc-tls.js';

/** The TLS files that a gateway was started with, and what was in them. */
export interface TlsSource {
  readonly files: TlsFiles;
  readonly material: TlsMaterial;
}

/** The TLS files in use, at one moment. */
export interface TlsView {
  /** Our certificate first, then what stands behind it in its file, then the authorities. */
  readonly certificates: readonly CertificateStatus[];
}

export interface CertificateKeeperDeps {
  readonly clock: Clock;
  readonly observe: GatewayObserver;
  readonly source: TlsSource;
}

export class CertificateKeeper {
  #certificates: readonly CertificateStatus[];
  /** When it was last told that a certificate ends or has ended, by its place and subject: a renewed one is the same one. */
  readonly #toldAtMs = new Map<string, number>();
  #expiryTimer: Timer | undefined;

  constructor(private readonly deps: CertificateKeeperDeps) {
    const { source } = deps;
    this.#certificates = statusesOf(source.material, source.files, deps.clock.nowMs());
  }

  start(): void {
    this.#tellExpiry();
  }

  stop(): void {
    this.#expiryTimer?.cancel();
  }

  view(): TlsView {
    const nowMs = this.deps.clock.nowMs();
    return { certificates: this.#certificates.map((one) => ({ ...one, state: stateAt(nowMs, one) })) };
  }

  /** Tells of certificates that end soon or have ended, each once a day, and comes back when there is more to tell. */
  #tellExpiry(): void {
    const { clock, observe } = this.deps;
    const nowMs = clock.nowMs();
    let nextMs = Number.POSITIVE_INFINITY;
    for (const { role, path, subject, ...validity } of this.#certificates) {
      const { notAfterMs } = validity;
      const state = stateAt(nowMs, validity);
      if (state === 'valid' || state === 'not-yet-valid') {
        nextMs = Math.min(nextMs, notAfterMs - EXPIRY_WARNING_DAYS * DAY_MS);
        continue;
      }
      const expired = state === 'expired';
      const key = JSON.stringify([expired, role, path, subject]);
      const dueMs = (this.#toldAtMs.get(key) ?? Number.NEGATIVE_INFINITY) + DAY_MS;
      if (dueMs <= nowMs) {
        const notAfter = new Date(notAfterMs).toISOString();
        this.#toldAtMs.set(key, nowMs);
        if (expired) observe({ type: 'certificate-expired', role, path, subject, notAfter });
        else {
          const days = daysUntil(notAfterMs, nowMs);
          observe({ type: 'certificate-expires', role, path, subject, notAfter, days });
        }
      }
      nextMs = Math.min(nextMs, Math.max(dueMs, nowMs + DAY_MS));
      if (!expired) nextMs = Math.min(nextMs, notAfterMs + 1);
    }
    this.#expiryTimer?.cancel();
    if (nextMs < Number.POSITIVE_INFINITY)
      this.#expiryTimer = clock.setTimer(() => this.#tellExpiry(), Math.max(1, nextMs - nowMs));
  }
}

/** What is in our TLS files. */
function statusesOf(
  { certificatePem, caPem }: TlsMaterial,
  { certificatePath, caPath }: TlsFiles,
  nowMs: number,
): CertificateStatus[] {
  const own = certificatesIn(certificatePem).map((certificate, i) =>
    statusOf(certificate, { role: i === 0 ? 'own' : 'intermediate', path: certificatePath }, nowMs),
  );
  const authorities = certificatesIn(caPem).map((certificate) =>
    statusOf(certificate, { role: 'authority', path: caPath }, nowMs),
  );
  return [...own, ...authorities];
}
