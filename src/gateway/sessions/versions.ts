/**
 * The PSP versions that tunnels may have. AES-GCM, versions 0 and 1, is always among them; AES-GMAC, 2 and 3, under which packets are
 * authenticated and can be read by anybody, only where the operator of this gateway has asked for it. So no peer can bring it about.
 */
import { isGmac, PSP_VERSION_MAX, type PspVersion } from '../../psp/header.js';
import { RpcError } from '../rpc/transport.js';

const UNWANTED = ' (AES-GMAC leaves payload readable; --psp-version does not ask for it here)';

/** Tunnel parameters, or requests for them, that were refused for their version. */
export interface RefusedVersions {
  /** Requests of peers. */
  readonly requests: number;
  /** Answers of peers, which were of another version than we had asked for. */
  readonly answers: number;
}

export class Versions {
  readonly refused = { requests: 0, answers: 0 };
  readonly #taken: readonly PspVersion[];

  /** @param asked the version that we ask for: --psp-version */
  constructor(readonly asked: PspVersion) {
    this.#taken = isGmac(asked) ? [0, 1, 2, 3] : [0, 1];
  }

  /** The first of the versions that a peer accepts which we take too. Throws RpcError. */
  chosen(accepted: readonly number[]): PspVersion {
    const version = accepted.find((one): one is PspVersion => this.#takes(one));
    if (version !== undefined) return version;
    this.refused.requests++;
    const asked = accepted.slice(0, 8).join(', ') || 'none';
    const why = accepted.some((one) => this.#isReadable(one)) ? UNWANTED : '';
    throw new RpcError(
      'INVALID_ARGUMENT',
      `psp_versions_accepted: ${asked}; this gateway speaks ${this.#text}${why}`,
    );
  }

  /** What a peer's request tells us to send by. Throws RpcError. */
  assertTaken(version: number, field: string): void {
    if (this.#takes(version)) return;
    this.refused.requests++;
    const why = this.#isReadable(version) ? UNWANTED : '';
    throw new RpcError('INVALID_ARGUMENT', `${field}.psp_version: ${version}${why}`);
  }

  /** What a peer's answer tells us to send by. Throws RpcError. */
  assertAsked(version: number): void {
    if (version === this.asked) return;
    this.refused.answers++;
    const why = this.#isReadable(version) ? UNWANTED : '';
    throw new RpcError('INVALID_ARGUMENT', `psp_version ${version} was not asked for${why}`);
  }

  get #text(): string {
    return `${this.#taken.slice(0, -1).join(', ')} and ${this.#taken.at(-1)}`;
  }

  #takes(version: number): boolean {
    return this.#taken.some((own) => own === version);
  }

  #isReadable(version: number): boolean {
    return isGmac(version) && version <= PSP_VERSION_MAX && !this.#takes(version);
  }
}
