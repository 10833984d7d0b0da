/**
 * --confirm-underlay: how many packets may go to an address that its peer has not proved yet. So many at once, and then one now
 * and then: whoever is behind it must have something to answer, also when the first packets were lost or it was not there yet.
 * They are counted for the peer, not the address: a peer that names one after the other has no more.
 */
import type { IpAddress } from '../../packet/address.js';
import { TokenBucket } from '../doors/token-bucket.js';
import type { Peer } from '../peers.js';

export const HELD_PACKETS_AT_ONCE = 16;
export const HELD_PACKET_INTERVAL_S = 10;

export class UnderlayHold {
  /** Budgets by service address, of which there are as many as peers. */
  readonly #buckets = new Map<IpAddress, TokenBucket>();
  /** Packets that went to addresses that were not proved. */
  passed = 0;

  constructor(private readonly nowMs: () => number) {}

  /** Takes from the budget of the peer; returns how many of `count` packets may go now. */
  take(peer: Peer, count: number): number {
    const { host } = peer.serviceAddress;
    let bucket = this.#buckets.get(host);
    if (bucket === undefined) {
      bucket = new TokenBucket(1 / HELD_PACKET_INTERVAL_S, HELD_PACKETS_AT_ONCE, this.nowMs);
      this.#buckets.set(host, bucket);
    }
    let taken = 0;
    while (taken < count && bucket.take()) taken++;
    this.passed += taken;
    return taken;
  }
}
