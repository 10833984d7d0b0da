/**
 * What a gateway keeps of its peers for its next life: where their packets come from, which messages they understand, and
 * when they answered last. No keys and no SPIs: those are void after a restart. What is kept is a hint: it says whom to
 * ask first and whose packets fail, and nothing is let in because of it.
 */
import { type IpAddress, parseIp } from '../../packet/address.js';
import type { PeerDialect } from '../options.js';
import type { Peer, Peers } from '../peers.js';
import { UNDERLAY_ADDRESSES_PER_PEER_MAX, type UnderlayAddresses } from '../underlay/underlay-addresses.js';

/** Limit on the whole file; a larger one is not ours. A peer takes 300 octets at most, and all that are written fit. */
export const STATE_OCTETS_MAX = 5 * 1024 * 1024;
const STATE_PEERS_MAX = 16_384;
const STATE_VERSION = 1;
/** Times are kept so exactly; so the file changes when something does, not with every answer. */
const ANSWERED_STEP_MS = 60_000;
const DIALECTS: readonly string[] = ['2.7', '2.8', '3.x'];

/** The file is not what a gateway wrote. */
export class StateFileError extends Error {
  override readonly name = 'StateFileError';
}

interface PeerState {
  /** The peer's name, as in Peer.name. */
  readonly service: string;
  readonly underlay: readonly string[];
  readonly dialect?: PeerDialect;
  /** Wall time in milliseconds. */
  readonly answeredAtMs?: number;
}

/**
 * The state as text: peers of which anything is known, those that answered last first.
 *
 * @param formerly when peers answered in earlier lives
 */
export function encodeState(
  peers: Peers,
  addresses: UnderlayAddresses,
  formerly: ReadonlyMap<Peer, number>,
): string {
  const states = peers.all.flatMap((peer): PeerState[] => {
    // An address that nobody has proved would keep its owner out after the start.
    const underlay = addresses
      .of(peer)
      .filter(({ origin, confirmed }) => origin === 'kept' || (origin === 'learnt' && confirmed));
    const lastMs = Math.max(peer.answeredAtMs ?? 0, peer.heardAtMs, formerly.get(peer) ?? 0);
    if (underlay.length === 0 && lastMs <= 0) return [];
    return [
      {
        service: peer.name,
        underlay: underlay.map(({ address }) => address),
        ...(peer.dialect === undefined || peer.dialectFixed ? {} : { dialect: peer.dialect }),
        ...(lastMs > 0 ? { answeredAtMs: Math.floor(lastMs / ANSWERED_STEP_MS) * ANSWERED_STEP_MS } : {}),
      },
    ];
  });
  states.sort((a, b) => (b.answeredAtMs ?? 0) - (a.answeredAtMs ?? 0));
  const lines = states.slice(0, STATE_PEERS_MAX).map((state) => JSON.stringify(state));
  return `{"version":${STATE_VERSION},"peers":[\n${lines.join(',\n')}\n]}\n`;
}

/**
 * Takes over what a state says of peers that are configured; gives when each of them answered. Throws StateFileError, and
 * takes nothing over, when the text is no state.
 */
export function applyState(text: string, peers: Peers, addresses: UnderlayAddresses): Map<Peer, number> {
  const states = parseState(text);
  const byService = new Map(peers.all.map((peer) => [peer.name, peer]));
  const answered = new Map<Peer, number>();
  for (const { service, underlay, dialect, answeredAtMs } of states) {
    const peer = byService.get(service);
    if (peer === undefined) continue;
    // The one learnt last comes first, and is noted last.
    for (const address of [...underlay].reverse()) addresses.note(peer, address, 'kept');
    if (dialect !== undefined && !peer.dialectFixed) peer.dialect ??= dialect;
    if (answeredAtMs !== undefined) answered.set(peer, answeredAtMs);
  }
  return answered;
}

/** Throws StateFileError when the text is no state. */
export function mustBeState(text: string): void {
  parseState(text);
}

type CheckedState = Omit<PeerState, 'underlay'> & { readonly underlay: readonly IpAddress[] };

function parseState(text: string): CheckedState[] {
  if (text.length > STATE_OCTETS_MAX) throw new StateFileError(`more than ${STATE_OCTETS_MAX} octets`);
  let root: unknown;
  try {
    root = JSON.parse(text);
  } catch {
    throw new StateFileError('not JSON');
  }
  const { version, peers } = asObject(root);
  if (version !== STATE_VERSION) throw new StateFileError(`not of version ${STATE_VERSION}`);
  if (!Array.isArray(peers) || peers.length > STATE_PEERS_MAX) {
    throw new StateFileError(`peers: not a list of at most ${STATE_PEERS_MAX}`);
  }
  return peers.map((peer, i) => checkPeer(asObject(peer), i));
}

function checkPeer(
  { service, underlay, dialect, answeredAtMs }: Record<string, unknown>,
  i: number,
): CheckedState {
  const wrong = (field: string) => new StateFileError(`peers[${i}].${field}: not what is written there`);
  if (typeof service !== 'string') throw wrong('service');
  if (!Array.isArray(underlay) || underlay.length > UNDERLAY_ADDRESSES_PER_PEER_MAX) throw wrong('underlay');
  if (dialect !== undefined && !DIALECTS.includes(dialect as string)) throw wrong('dialect');
  if (answeredAtMs !== undefined && !Number.isSafeInteger(answeredAtMs)) throw wrong('answeredAtMs');
  return {
    service,
    underlay: underlay.map((address: unknown) => {
      try {
        return parseIp(address as string);
      } catch {
        throw wrong('underlay');
      }
    }),
    ...(dialect === undefined ? {} : { dialect: dialect as PeerDialect }),
    ...(answeredAtMs === undefined ? {} : { answeredAtMs: answeredAtMs as number }),
  };
}

function asObject(value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new StateFileError('not an object where one is written');
  }
  return value as Record<string, unknown>;
}
