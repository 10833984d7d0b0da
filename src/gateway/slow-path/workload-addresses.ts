/**
 * Which addresses are the workload's on its segment. Those that it was given are known. Link-local ones nobody configures, and
 * the gateway finds them in two ways: one follows from the MAC (RFC 4291, appendix A), and is the workload's before it has said
 * anything; others (RFC 7217) cannot be foretold, and are learnt when the workload speaks under them. It does so once it has
 * found them free: what it only asks for may be somebody else's, who has to be heard.
 */
import { type IpAddress, linkLocalOf, type MacAddress } from '../../packet/address.js';
import { ipKind } from '../../packet/address-kind.js';
import { TokenBucket } from '../doors/token-bucket.js';

/** Link-local addresses that are remembered; the one that was used longest ago makes room. */
export const LINK_LOCALS_MAX = 8;
/** New ones per second, after LINK_LOCALS_MAX at once: a host seldom makes one, and each could carry a message out in clear. */
const LINK_LOCALS_PER_SECOND = 1 / 60;

export class WorkloadAddresses {
  readonly #ofMac: IpAddress;
  /** Learnt addresses, in the order in which they were used last. */
  readonly #learnt = new Set<IpAddress>();
  readonly #room: TokenBucket;

  constructor(
    private readonly given: ReadonlySet<IpAddress>,
    mac: MacAddress,
    nowMs: () => number,
  ) {
    this.#ofMac = linkLocalOf(mac);
    this.#room = new TokenBucket(LINK_LOCALS_PER_SECOND, LINK_LOCALS_MAX, nowMs);
  }

  /** Whether an address is known as the workload's. */
  has(ip: IpAddress): boolean {
    return this.given.has(ip) || ip === this.#ofMac || this.#learnt.has(ip);
  }

  /** Whether the workload may ask if nobody else has an address, in order to take it. */
  mayProbe(ip: IpAddress): boolean {
    return this.has(ip) || isLinkLocal6(ip);
  }

  /** Whether the workload may speak as the one that has an address, which is learnt where there is room for it. */
  maySpeakFor(ip: IpAddress): boolean {
    if (this.given.has(ip) || ip === this.#ofMac) return true;
    if (!isLinkLocal6(ip)) return false;
    if (!this.#learnt.delete(ip) && !this.#room.take()) return false;
    this.#learnt.add(ip);
    if (this.#learnt.size > LINK_LOCALS_MAX) this.#learnt.delete(this.#learnt.values().next().value!);
    return true;
  }
}

function isLinkLocal6(ip: IpAddress): boolean {
  return ipKind(ip) === 'link-local' && ip.includes(':');
}
