/**
 * Tells peers whether this gateway drains, by the announcement that says so (proto/psp_gateway_peer.proto). DOCA's application does not
 * know it, and is not told: it is refused what it asks for.
 */
import type { Peer } from '../peers.js';
import {
  type DrainNotice,
  decodeAnnouncementAnswer,
  encodeAnnouncement,
} from '../rpc/announcement-messages.js';
import { type ControlTransport, isAnswer, RpcError } from '../rpc/transport.js';
import type { Announcements } from './announcements.js';

/** Peers that are told at a time: a thousand dead ones take sixteen deadlines. */
const AT_ONCE = 64;

export interface DrainNoticesDeps {
  readonly transport: Pick<ControlTransport, 'call'>;
  readonly peers: () => readonly Peer[];
  readonly announcements: Pick<Announcements, 'standingOf' | 'ageMs'>;
  readonly notice: () => DrainNotice | undefined;
  readonly servicePort: () => number;
  readonly limits: { readonly rpcDeadlineMs: number };
  readonly signal: AbortSignal;
}

export class DrainNotices {
  /** A later round takes the place of one that is under way. */
  #round = 0;

  constructor(private readonly deps: DrainNoticesDeps) {}

  /** Tells all peers how it is when their turn comes. Resolves with how many have not answered. Does not reject. */
  async tellAll(): Promise<number> {
    const { peers, announcements, signal } = this.deps;
    const round = ++this.#round;
    const waiting = peers().filter((peer) => announcements.standingOf(peer) !== 'other');
    let unheard = 0;
    const turns = Array.from({ length: Math.min(AT_ONCE, waiting.length) }, async () => {
      for (let peer = waiting.pop(); peer !== undefined; peer = waiting.pop()) {
        if (round !== this.#round || signal.aborted) return;
        if (!(await this.#tell(peer))) unheard++;
      }
    });
    await Promise.all(turns);
    return unheard;
  }

  stop(): void {
    this.#round++;
  }

  /** Whether it has answered, in whatever way. */
  async #tell(peer: Peer): Promise<boolean> {
    const { transport, announcements, notice, servicePort, limits, signal } = this.deps;
    const message = encodeAnnouncement({
      ageMs: announcements.ageMs(),
      servicePort: servicePort(),
      packetsFail: false,
      drain: notice(),
    });
    try {
      const { rpcDeadlineMs: deadlineMs } = limits;
      decodeAnnouncementAnswer(
        await transport.call(peer.serviceAddress, 'Announce', message, { deadlineMs, signal }),
      );
      return true;
    } catch (error) {
      // It was told too much lately, and is told again.
      return error instanceof RpcError && isAnswer(error.code) && error.code !== 'RESOURCE_EXHAUSTED';
    }
  }
}
