/** The answers of the admin service for people: a block of text for each, made of tables. */
import { spiText } from '../psp/header.js';
import type {
  Drain,
  ExplainResponse,
  ListPeersResponse,
  ListTunnelsResponse,
  Peer,
  StatusResponse,
  Traffic,
  Tunnel,
} from './admin-api.js';

export type Row = readonly (string | number | bigint)[];
/** Lines, and rows of a table that is aligned by itself. */
export type Block = string | readonly Row[];

/** What is not known. */
const UNKNOWN = '-';

/** A duration in its largest two units, such as "3 d 4 h"; below a second in milliseconds. */
export function durationText(ms: bigint): string {
  if (ms < 1000n) return `${ms} ms`;
  const units: readonly (readonly [string, bigint])[] = [
    ['d', 86_400_000n],
    ['h', 3_600_000n],
    ['min', 60_000n],
    ['s', 1000n],
  ];
  const first = units.findIndex(([, size]) => ms >= size);
  const parts: string[] = [];
  let left = ms;
  for (const [unit, size] of units.slice(first, first + 2)) {
    if (left >= size) parts.push(`${left / size} ${unit}`);
    left %= size;
  }
  return parts.join(' ');
}

const duration = (ms: bigint | undefined) => (ms === undefined ? UNKNOWN : durationText(ms));
const ago = (ms: bigint | undefined) => (ms === undefined ? UNKNOWN : `${durationText(ms)} ago`);
const spi = (value: number | undefined) => (value === undefined ? UNKNOWN : spiText(value));
const orUnknown = (text: string) => (text === '' ? UNKNOWN : text);

/** The verdict, what is known besides, and the packet's way as a table. */
export function explainBlocks({ direction, verdict, facts, steps }: ExplainResponse): Block[] {
  const rows = steps.map(({ depth, pipe, hit, why, effects, goesTo }): Row => {
    const indent = '  '.repeat(depth);
    return pipe === ''
      ? [`${indent}${why}`]
      : [`${indent}${pipe}`, hit, goesTo, [effects, why].filter((text) => text !== '').join('; ')];
  });
  return [
    `${direction === 'in' ? 'A packet of the peer' : 'The packet'} ${verdict}.`,
    ...facts.map((fact) => `- ${fact}`),
    ...(rows.length === 0 ? [] : ['', [['PIPE', 'ENTRY', 'GOES TO', 'WHAT HAPPENS'], ...rows]]),
  ];
}

export function drainText({ begunAgoMs, endsInMs, stops, quietForMs }: Drain): string {
  const since = `no new tunnels since ${durationText(begunAgoMs)}`;
  if (endsInMs === undefined)
    return `${since}; over: drained, ${stops ? 'and stops' : 'until drain --cancel'}`;
  const end = stops ? 'stops' : 'is drained';
  return `${since}; quiet for ${durationText(quietForMs)}; ${end} when quiet for 10 s, or in ${durationText(endsInMs)}`;
}

const PEERS_SHOWN_MAX = 20;

export function statusBlocks(status: StatusResponse): Block[] {
  const { device, peers, sessions, certificates, problems, admin } = status;
  const inState = sessions.map(({ state, sessions: count }) => `${count} ${state}`).join(', ') || 'none';
  const rows: Row[] = [
    [
      'gateway',
      `psp-gateway ${status.version}, ${status.uptimeMs === undefined ? 'starting' : `up ${durationText(status.uptimeMs)}`}`,
    ],
    ...(status.drain === undefined ? [] : [['drain', drainText(status.drain)]]),
    ['device', `${device!.hal}: ${device!.text}`],
    ['service', orUnknown(status.service)],
    ['sessions', `${inState}; room for ${status.sessionsMax}`],
    ...(status.tunnelsReadable === 0n
      ? []
      : [['payload', `READABLE in ${status.tunnelsReadable} tunnels: AES-GMAC does not encrypt`]]),
    ['key slots', `${status.keySlotsUsed} of ${status.keySlots} in use`],
    ['SPIs', `${status.spisGiven} used of this master key, ${status.spisLeft} left`],
    [
      'rotations',
      `${status.rotations}, next ${status.nextRotationInMs === undefined ? 'when it is asked for, or SPIs run out' : `in ${durationText(status.nextRotationInMs)}`}`,
    ],
    ...(status.requestsRefused === 0n
      ? []
      : [
          [
            'refused',
            `${status.requestsRefused} requests of peers, ${status.rotationsRefused} of them for rotations`,
          ],
        ]),
    ...(status.versionsRefused === 0n
      ? []
      : [['refused', `${status.versionsRefused} requests and answers of peers, for their PSP version`]]),
    [
      'admin',
      `${admin!.connections} connections, ${admin!.watchers} watchers, ${admin!.eventsLost} of their events lost`,
    ],
  ];
  return [
    rows,
    '',
    [
      ['PORT', 'kind', 'link', 'MTU', 'MAC'],
      ...device!.ports.map(({ name, kind, link, mtuOctets, mac }) => [
        name,
        orUnknown(kind),
        orUnknown(link),
        mtuOctets === 0 ? UNKNOWN : mtuOctets,
        orUnknown(mac),
      ]),
    ],
    '',
    [
      ['PEER', 'reach', 'last answer', 'established', 'sessions'],
      ...peers
        .slice(0, PEERS_SHOWN_MAX)
        .map((peer) => [peer.name, peer.reach, ago(peer.answeredAgoMs), peer.established, peer.sessions]),
    ],
    ...(peers.length > PEERS_SHOWN_MAX
      ? [`and ${peers.length - PEERS_SHOWN_MAX} more; psp-gateway peers lists all`]
      : []),
    ...(certificates.length === 0
      ? []
      : [
          '',
          [
            ['CERTIFICATE', 'role', 'state', 'days left', 'file'],
            ...certificates.map(({ subject, role, state, daysLeft, path }) => [
              subject,
              role,
              state,
              daysLeft,
              path,
            ]),
          ],
        ]),
    '',
    ...(problems.length === 0
      ? ['nothing is wrong, as far as this gateway can tell']
      : problems.flatMap(({ text, advice }) => [`! ${text}`, ...(advice === '' ? [] : [`  ${advice}`])])),
  ];
}

const packets = (traffic: Traffic | undefined) => (traffic === undefined ? UNKNOWN : traffic.packets);
const octets = (traffic: Traffic | undefined) => (traffic === undefined ? UNKNOWN : traffic.octets);

export function tunnelBlocks({ tunnels, leftOut }: ListTunnelsResponse): Block[] {
  const row = (one: Tunnel): Row => [
    `${one.localVip} - ${one.remoteVip}`,
    one.peer,
    `${one.state}${one.retryInMs === undefined ? '' : ` (${durationText(one.retryInMs)})`}${one.readable ? ', readable' : ''}`,
    one.ingressSpis.map(spiText).join() || UNKNOWN,
    spi(one.egressSpi),
    one.keySlot ?? UNKNOWN,
    duration(one.ageMs),
    ago(one.receivedAgoMs),
    packets(one.in),
    octets(one.in),
    packets(one.out),
    octets(one.out),
    duration(one.rekeyInMs),
  ];
  const columns = ['TUNNEL', 'peer', 'state', 'SPI in', 'SPI out', 'slot', 'age', 'last packet in'];
  return [
    [[...columns, 'in', 'octets', 'out', 'octets', 're-key in'], ...tunnels.map(row)],
    ...(leftOut > 0n ? [`and ${leftOut} more; --peer and --vip choose`] : []),
  ];
}

export function peerBlocks({ peers }: ListPeersResponse): Block[] {
  const row = ({ summary, identity, dialect, failures, owns, ownsMore, ...peer }: Peer): Row => [
    summary!.name,
    identity,
    orUnknown(dialect),
    summary!.reach,
    ago(summary!.answeredAgoMs),
    failures,
    `${peer.requestsRefused}${peer.rotationsRefused > 0n ? ` (rotations: ${peer.rotationsRefused})` : ''}`,
    summary!.established,
    `${owns.join(', ')}${ownsMore > 0n ? ` and ${ownsMore} more` : ''}`,
  ];
  const columns = [
    'PEER',
    'proves itself by',
    'dialect',
    'reach',
    'last answer',
    'failures',
    'refused',
    'established',
    'owns',
  ];
  const failed = peers.filter(({ failure }) => failure !== '');
  return [
    [columns, ...peers.map(row)],
    ...(failed.length === 0 ? [] : ['']),
    ...failed.map(
      ({ summary, failure, failedAgoMs }) => `! ${summary!.name}, ${ago(failedAgoMs)}: ${failure}`,
    ),
  ];
}
