/** What the gateway answers to its workload itself: ARP, neighbor discovery, DHCP, and packets that do not fit the underlay. */
import type { Clock } from '../../base/clock.js';
import type { PipeHal } from '../../hal/hal.js';
import type { MacAddress } from '../../packet/address.js';
import { ETHER_TYPE_ARP, etherType } from '../../packet/ethernet.js';
import { TokenBucket } from '../doors/token-bucket.js';
import type { GatewayObserver } from '../events.js';
import { PKT_META_RETURN_TO_VF } from '../pipeline/packet-meta.js';
import { packetPair } from './packet-pair.js';
import { checkPathMtu } from './path-mtu.js';
import { answerArp, answerDhcp, answerNeighborSolicitation, type DhcpServerOptions } from './responders.js';
import type { SlowPathCounters } from './slow-path-counters.js';

/** ICMP errors towards the workload, per second (RFC 1812 section 4.3.2.8, RFC 4443 section 2.4 f). */
const PATH_MTU_ANSWERS_PER_SECOND = 1000;

export interface AnswersDeps {
  readonly hal: Pick<PipeHal, 'transmit'>;
  readonly clock: Clock;
  readonly observe: GatewayObserver;
  readonly counters: SlowPathCounters;
  /** Our MAC towards the workload. */
  readonly ourMac: MacAddress;
  readonly innerMtuOctets: number;
  /** Packets that are cut can be sent on. */
  readonly mayCut: boolean;
  /** Absent: DHCP is not answered. */
  readonly dhcp: DhcpServerOptions | undefined;
}

export class Answers {
  readonly #tooBig: TokenBucket;

  constructor(private readonly deps: AnswersDeps) {
    const now = () => deps.clock.nowMs();
    this.#tooBig = new TokenBucket(PATH_MTU_ANSWERS_PER_SECOND, PATH_MTU_ANSWERS_PER_SECOND, now);
  }

  /** Whether the frame was for the gateway itself, or does not fit; then all that is to be done about it is done. */
  take(frame: Uint8Array): boolean {
    const { ourMac, dhcp, counters } = this.deps;
    if (etherType(frame) === ETHER_TYPE_ARP) {
      if (this.#reply(answerArp(frame, ourMac))) counters.answeredArp++;
      return true;
    }
    if (this.#reply(answerNeighborSolicitation(frame, ourMac))) {
      counters.answeredNeighbor++;
      return true;
    }
    if (dhcp !== undefined && this.#reply(answerDhcp(frame, dhcp))) {
      counters.answeredDhcp++;
      return true;
    }
    return this.#takeTooBig(frame);
  }

  #takeTooBig(frame: Uint8Array): boolean {
    const { hal, counters, innerMtuOctets, ourMac, mayCut } = this.deps;
    const result = checkPathMtu(frame, innerMtuOctets, ourMac, mayCut);
    switch (result.kind) {
      case 'fits':
        return false;
      case 'fragments':
        counters.fragmented++;
        // Packets for which the device has no room now are lost, as they would be in a router; the count says so.
        counters.tooBigDropped +=
          result.frames.length - hal.transmit(result.frames.map((fragment) => ({ frame: fragment })));
        return true;
      case 'answer':
        if (this.#tooBig.take()) {
          this.#reply(result.frame);
          counters.answeredTooBig++;
          this.#tellOfTooBig(frame);
        } else counters.tooBigDropped++;
        return true;
      case 'drop':
        counters.tooBigDropped++;
        return true;
    }
  }

  #tellOfTooBig(frame: Uint8Array): void {
    const { observe, innerMtuOctets: mtuOctets } = this.deps;
    const { localVip: source, remoteVip: destination } = packetPair(frame)!;
    observe({ type: 'packet-too-big', source, destination, mtuOctets });
  }

  #reply(frame: Uint8Array | undefined): boolean {
    if (frame === undefined) return false;
    this.deps.hal.transmit([{ frame, packetMeta: PKT_META_RETURN_TO_VF }]);
    return true;
  }
}
