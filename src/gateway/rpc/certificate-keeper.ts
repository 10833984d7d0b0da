/**
 * The gateway's own TLS files while it runs: takes new ones when they are there, says what is in them, and tells before
 * certificates end. Peers' certificates are the transport's: it looks at them at each handshake, and ends connections with them.
 *
 * Files are looked at again and again, not watched by the kernel (inotify): that tells nothing of network file systems, nor of a
 * link further up the path, and much of a folder that is swapped as a whole. A change is taken when two looks have found
 * the same, so that files that are still being written have time to fit each other.
 */
import type { Clock, Timer } from '../../base/clock.js';
import type { FileStamps } from '../../files/file-stamp.js';
import { reasonOf } from '../../hal/errors.js';
import type { GatewayObserver } from '../events.js';
import type { TlsFiles } from '../options.js';
import { certificatesIn, leadsToAuthority, statusOf } from './certificate-reading.js';
import {
  type CertificateStatus,
  DAY_MS,
  daysUntil,
  EXPIRY_WARNING_DAYS,
  stateAt,
} from './certificate-status.js';
import { TlsFilesError } from './grpc-tls.js';
import type { ControlTransport, TlsMaterial, TlsSource } from './transport.js';

/** Between two looks at the files: a change is taken after one to two of these. */
export const LOOK_INTERVAL_MS = 2000;
/** Files that cannot be used are tried again, changed or not: what is not valid yet will be. */
export const RETRY_INTERVAL_MS = 10_000;

/** The TLS files in use, at one moment. */
export interface TlsView {
  /** Our certificate first, then what stands behind it in its file, then the authorities. */
  readonly certificates: readonly CertificateStatus[];
  /** How often new files were taken. */
  readonly reloads: number;
  /** How often files were there that could not be used. */
  readonly refusals: number;
  /** Why what is in the files now is not in use; undefined: it is. */
  readonly problem: string | undefined;
}

export interface CertificateKeeperDeps {
  readonly clock: Clock;
  readonly observe: GatewayObserver;
  readonly source: TlsSource;
  readonly reload: NonNullable<ControlTransport['reloadTls']>;
}

export class CertificateKeeper {
  #material: TlsMaterial;
  #certificates: readonly CertificateStatus[];
  /** Stamps of the last look, and of the last files that were taken or refused. */
  #seen: string | undefined;
  #judged: string | undefined;
  #problem: string | undefined;
  #problemToldAtMs = 0;
  /** Stamps of the files of which a problem was told last; undefined: there is no problem. */
  #toldOf: string | undefined;
  #retryAtMs = Number.POSITIVE_INFINITY;
  #reloads = 0;
  #refusals = 0;
  /** When it was last told that a certificate ends or has ended, by its place and subject: a renewed one is the same one. */
  readonly #toldAtMs = new Map<string, number>();
  #expiryTimer: Timer | undefined;
  #lookTimer: Timer | undefined;
  /** Authorities that had ended when connections were last ended for that, by their fingerprints. */
  #ended: ReadonlySet<string>;
  #stopped = false;

  constructor(private readonly deps: CertificateKeeperDeps) {
    const { source, clock } = deps;
    this.#material = source.material;
    this.#certificates = statusesOf(source.material, source.files, clock.nowMs());
    this.#ended = this.#endedAuthorities();
  }

  start(): void {
    this.#tellForeign();
    this.#tellExpiry();
    this.#lookLater();
  }

  stop(): void {
    this.#stopped = true;
    this.#expiryTimer?.cancel();
    this.#lookTimer?.cancel();
  }

  view(): TlsView {
    const nowMs = this.deps.clock.nowMs();
    return {
      certificates: this.#certificates.map((one) => ({ ...one, state: stateAt(nowMs, one) })),
      reloads: this.#reloads,
      refusals: this.#refusals,
      problem: this.#problem,
    };
  }

  #lookLater(): void {
    this.#lookTimer = this.deps.clock.setTimer(() => void this.#look(), LOOK_INTERVAL_MS);
  }

  async #look(): Promise<void> {
    const { source, clock, observe } = this.deps;
    const stamps = await source.stamps();
    if (this.#stopped) return;
    if (stamps.special !== undefined && this.#seen === undefined) {
      observe({ type: 'certificates-not-watched', path: stamps.special });
      return;
    }
    const isSettled = stamps.text === this.#seen;
    this.#seen = stamps.text;
    const isDue = stamps.text !== this.#judged || clock.nowMs() >= this.#retryAtMs;
    if (isSettled && isDue) await this.#judge(stamps);
    if (!this.#stopped) this.#lookLater();
  }

  /** Takes what is in the files, or says why not. */
  async #judge(stamps: FileStamps): Promise<void> {
    const { source, clock } = this.deps;
    let material: TlsMaterial | undefined;
    let problem: string | undefined;
    if (stamps.special !== undefined) problem = `${stamps.special} is no regular file any more`;
    else {
      try {
        material = source.read();
      } catch (error) {
        problem = error instanceof TlsFilesError ? error.problems.join('; ') : reasonOf(error);
      }
    }
    // Written meanwhile: neither what was read counts, nor what was wrong with it.
    if ((await source.stamps()).text !== stamps.text || this.#stopped) return;
    this.#judged = stamps.text;
    this.#retryAtMs = Number.POSITIVE_INFINITY;
    if (material !== undefined) problem = this.#take(material);
    if (problem !== undefined) this.#retryAtMs = clock.nowMs() + RETRY_INTERVAL_MS;
    this.#tellProblem(problem);
  }

  /** Uses new certificates from now on. Returns why they cannot be used. */
  #take(material: TlsMaterial): string | undefined {
    const { source, clock, observe, reload } = this.deps;
    const { caPem, certificatePem, keyPem } = this.#material;
    if (material.caPem === caPem && material.certificatePem === certificatePem && material.keyPem === keyPem)
      return undefined;
    let certificates: CertificateStatus[];
    let endConnections: boolean;
    try {
      certificates = statusesOf(material, source.files, clock.nowMs());
      const authorities = new Set(certificates.filter(isAuthority).map(({ fingerprint }) => fingerprint));
      endConnections = !this.#certificates
        .filter(isAuthority)
        .every(({ fingerprint }) => authorities.has(fingerprint));
      reload(material, { endConnections });
    } catch (error) {
      return reasonOf(error);
    }
    this.#material = material;
    this.#certificates = certificates;
    this.#ended = this.#endedAuthorities();
    this.#reloads++;
    const [own] = certificates;
    observe({
      type: 'certificates-reloaded',
      subject: own!.subject,
      notAfter: new Date(own!.notAfterMs).toISOString(),
      authorities: certificates.filter(isAuthority).length,
      endsConnections: endConnections,
    });
    this.#tellForeign();
    const keys = new Set(certificates.flatMap((one) => [toldKey(one, false), toldKey(one, true)]));
    for (const key of this.#toldAtMs.keys()) if (!keys.has(key)) this.#toldAtMs.delete(key);
    this.#tellExpiry();
    return undefined;
  }

  /** Tells a problem once of the same files, whatever it says of them the next time, and once a day. */
  #tellProblem(problem: string | undefined): void {
    const nowMs = this.deps.clock.nowMs();
    const isNew = this.#toldOf !== this.#judged;
    this.#problem = problem;
    this.#toldOf = problem === undefined ? undefined : this.#judged;
    if (problem === undefined || (!isNew && nowMs < this.#problemToldAtMs + DAY_MS)) return;
    if (isNew) this.#refusals++;
    this.#problemToldAtMs = nowMs;
    this.deps.observe({ type: 'certificates-refused', reason: problem });
  }

  /** Peers usually have the same authorities as we. It is no mistake where they have others, so that it is told and taken. */
  #tellForeign(): void {
    const { source, observe } = this.deps;
    const { caPath, certificatePath } = source.files;
    const { certificatePem, caPem } = this.#material;
    if (leadsToAuthority(certificatesIn(certificatePem), certificatesIn(caPem))) return;
    const { issuer } = this.#certificates[0]!;
    observe({ type: 'certificate-of-other-authority', path: certificatePath, issuer, authorities: caPath });
  }

  /** Tells of certificates that end soon or have ended, each once a day, and comes back when there is more to tell. */
  #tellExpiry(): void {
    const { clock, observe } = this.deps;
    const nowMs = clock.nowMs();
    let nextMs = Number.POSITIVE_INFINITY;
    for (const certificate of this.#certificates) {
      const { role, path, subject, notAfterMs } = certificate;
      const state = stateAt(nowMs, certificate);
      if (state === 'valid' || state === 'not-yet-valid') {
        nextMs = Math.min(nextMs, notAfterMs - EXPIRY_WARNING_DAYS * DAY_MS);
        continue;
      }
      const expired = state === 'expired';
      const key = toldKey(certificate, expired);
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
      nextMs = Math.min(nextMs, dueMs <= nowMs ? nowMs + DAY_MS : dueMs);
      if (!expired) nextMs = Math.min(nextMs, notAfterMs + 1);
    }
    this.#endConnectionsOfEnded();
    this.#expiryTimer?.cancel();
    if (nextMs < Number.POSITIVE_INFINITY)
      this.#expiryTimer = clock.setTimer(() => this.#tellExpiry(), Math.max(1, nextMs - nowMs));
  }

  /** Connections may be of an authority that has just ended: those that are not are made anew. */
  #endConnectionsOfEnded(): void {
    const ended = this.#endedAuthorities();
    if ([...ended].every((fingerprint) => this.#ended.has(fingerprint))) return;
    this.#ended = ended;
    this.deps.reload(this.#material, { endConnections: true });
  }

  #endedAuthorities(): Set<string> {
    const nowMs = this.deps.clock.nowMs();
    const ended = this.#certificates.filter((one) => isAuthority(one) && stateAt(nowMs, one) === 'expired');
    return new Set(ended.map(({ fingerprint }) => fingerprint));
  }
}

function isAuthority({ role }: CertificateStatus): boolean {
  return role === 'authority';
}

function toldKey({ role, path, subject }: CertificateStatus, expired: boolean): string {
  return JSON.stringify([expired, role, path, subject]);
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
