/** Events of the last minute that say what is wrong, one for each kind and whom it is about: for the diagnosis. */
import type { Clock } from '../../base/clock.js';
import { ipKind } from '../../packet/address-kind.js';
import type { GatewayEvent } from '../events.js';

/** For so long what has happened counts as what is. */
export const TROUBLE_MS = 60_000;
/** Kinds with whom they are about that are told apart; further ones are not kept until others are over. */
export const TROUBLES_MAX = 256;

const KINDS = [
  'device-failed',
  'rotation-failed',
  'rotation-cut-off',
  'request-refused',
  'rotation-refused',
  'packet-refused',
  'caller-refused',
] as const satisfies readonly GatewayEvent['type'][];

/** An event that tells of trouble. */
export type TroubleEvent = Extract<GatewayEvent, { type: (typeof KINDS)[number] }>;

export interface Trouble<Event extends TroubleEvent = TroubleEvent> {
  /** The last one. */
  readonly event: Event;
  /** Wall time in milliseconds. */
  readonly atMs: number;
  /** How many there have been, none of them a minute after the one before. */
  readonly count: number;
}

export class RecentTroubles {
  /** By kind and whom it is about, the one that was last renewed at the end. */
  readonly #troubles = new Map<string, Trouble>();

  constructor(private readonly clock: Clock) {}

  /** To be told of every event. */
  readonly observe = (event: GatewayEvent): void => {
    if (!isTrouble(event) || isNormal(event)) return;
    this.#forgetOld();
    const key = `${event.type} ${aboutOf(event)}`;
    const before = this.#troubles.get(key);
    if (before === undefined && this.#troubles.size >= TROUBLES_MAX) return;
    this.#troubles.delete(key);
    this.#troubles.set(key, { event, atMs: this.clock.nowMs(), count: (before?.count ?? 0) + 1 });
  };

  /** Those of one kind, the last one last. */
  of<Type extends TroubleEvent['type']>(type: Type): Trouble<Extract<TroubleEvent, { type: Type }>>[] {
    this.#forgetOld();
    return [...this.#troubles.values()].filter(
      (trouble): trouble is Trouble<Extract<TroubleEvent, { type: Type }>> => trouble.event.type === type,
    );
  }

  #forgetOld(): void {
    const nowMs = this.clock.nowMs();
    for (const [key, { atMs }] of this.#troubles) {
      if (nowMs - atMs < TROUBLE_MS) return;
      this.#troubles.delete(key);
    }
  }
}

function isTrouble(event: GatewayEvent): event is TroubleEvent {
  return (KINDS as readonly string[]).includes(event.type);
}

/** Every host looks for routers, neighbors and services of its link, which no peer could own. */
function isNormal(event: TroubleEvent): boolean {
  return event.type === 'packet-refused' && ipKind(event.destination) !== 'unicast';
}

/**
 * Of requests the peer that has proved to be one: several may stand behind an address, and none answers for another. Otherwise
 * the caller without its port, which is another one each time.
 */
function aboutOf(event: TroubleEvent): string {
  switch (event.type) {
    case 'request-refused':
      return `${event.peer ?? callerOf(event.from)} ${event.method} ${event.code} ${event.ownLimit === true}`;
    case 'rotation-refused':
      return `${event.peer ?? callerOf(event.from)} ${event.code}`;
    case 'caller-refused':
      return `${event.from} ${event.why}`;
    case 'packet-refused':
      return `${event.source} ${event.destination}`;
    case 'device-failed':
      return event.operation;
    default:
      return '';
  }
}

/** The address of ADDRESS:PORT. */
export function callerOf(from: string): string {
  return from.replace(/:\d+$/, '');
}
