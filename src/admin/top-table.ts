/** Tunnels with their rates since the look before, in an order that was chosen, under a head with totals and what is wrong. */
import type { ListTunnelsResponse, PipesResponse, StatusResponse, Tunnel } from './admin-api.js';
import { perSecondText, type Rate, rateOf } from './rates.js';
import { type Block, durationText, type Row } from './tables.js';

/** What one look finds. */
export interface TopLook {
  readonly status: StatusResponse;
  readonly tunnels: ListTunnelsResponse;
  /** undefined: the device does not answer. */
  readonly pipes: PipesResponse | undefined;
}

export interface TopRow {
  readonly tunnel: Tunnel;
  readonly in: Rate | undefined;
  readonly out: Rate | undefined;
}

export interface Top {
  /** Of all tunnels, those that are not listed among them; undefined: not counted, or not looked at before. */
  readonly in: Rate | undefined;
  readonly out: Rate | undefined;
  readonly rows: readonly TopRow[];
}

const known = (value: number | bigint | undefined) => (value === undefined ? -1 : Number(value));
const sum = (one: Rate | undefined, other: Rate | undefined) =>
  one === undefined && other === undefined ? undefined : (one?.octets ?? 0) + (other?.octets ?? 0);

/** What comes first, by column. */
const ORDERS = {
  rate: byNumber((row) => known(sum(row.in, row.out))),
  in: byNumber((row) => known(row.in?.octets)),
  out: byNumber((row) => known(row.out?.octets)),
  packets: byNumber((row) => known((row.tunnel.in?.packets ?? 0n) + (row.tunnel.out?.packets ?? 0n))),
  age: byNumber((row) => known(row.tunnel.ageMs)),
  peer: (one: TopRow, other: TopRow) => compare(one.tunnel.peer, other.tunnel.peer),
  tunnel: (one: TopRow, other: TopRow) => compare(nameOf(one.tunnel), nameOf(other.tunnel)),
};

export type TopOrder = keyof typeof ORDERS;
export const TOP_ORDERS = Object.keys(ORDERS) as readonly TopOrder[];

function byNumber(of: (row: TopRow) => number) {
  return (one: TopRow, other: TopRow) => of(other) - of(one);
}

const compare = (one: string, other: string) => (one < other ? -1 : one > other ? 1 : 0);
const nameOf = ({ localVip, remoteVip }: Tunnel) => `${localVip} - ${remoteVip}`;

export function topOf(now: TopLook, before: TopLook | undefined, passedMs: number, order: TopOrder): Top {
  const former = new Map(before?.tunnels.tunnels.map((tunnel) => [nameOf(tunnel), tunnel]));
  const rows = now.tunnels.tunnels.map((tunnel) => {
    const then = former.get(nameOf(tunnel));
    return {
      tunnel,
      in: rateOf(then?.in, tunnel.in, passedMs),
      out: rateOf(then?.out, tunnel.out, passedMs),
    };
  });
  // Those that are equal stand as their names say, so that they do not change places.
  rows.sort((one, other) => ORDERS[order](one, other) || ORDERS.tunnel(one, other));
  return {
    in: rateOf(before?.pipes?.received, now.pipes?.received, passedMs),
    out: rateOf(before?.pipes?.sent, now.pipes?.sent, passedMs),
    rows,
  };
}

const PROBLEMS_SHOWN_MAX = 3;
const COLUMNS: Readonly<Record<string, TopOrder | undefined>> = {
  TUNNEL: 'tunnel',
  peer: 'peer',
  state: undefined,
  'octets/s': 'rate',
  'in/s': 'in',
  'out/s': 'out',
  'packets in': 'packets',
  'packets out': undefined,
  age: 'age',
  'last packet in': undefined,
};

/** @param lines that there is room for; the table has what is left of them, and a row at least */
export function topBlocks(top: Top, { status, tunnels }: TopLook, order: TopOrder, lines: number): Block[] {
  const { problems } = status;
  const inState = status.sessions.map(({ state, sessions }) => `${sessions} ${state}`).join(', ') || 'none';
  const head = [
    `gateway ${status.service}, psp-gateway ${status.version}, ${status.uptimeMs === undefined ? 'starting' : `up ${durationText(status.uptimeMs)}`}; tunnels: ${inState}`,
    `in ${rateText(top.in)}, out ${rateText(top.out)}; sorted by ${order}`,
    ...problems.slice(0, PROBLEMS_SHOWN_MAX).map(({ text }) => `! ${text}`),
    ...(problems.length > PROBLEMS_SHOWN_MAX
      ? [`! and ${problems.length - PROBLEMS_SHOWN_MAX} more; see psp-gateway status`]
      : []),
    '',
  ];
  const titles = Object.entries(COLUMNS).map(([title, by]) => (by === order ? `${title}*` : title));
  const all = top.rows.length + Number(tunnels.leftOut);
  // A line for the titles, and one for what is left out.
  const room = Math.max(1, lines - head.length - 2);
  const shown = top.rows.slice(0, room).map(rowOf);
  return [
    ...head,
    [titles, ...shown],
    ...(all > shown.length ? [`and ${all - shown.length} more, of those used last`] : []),
  ];
}

const rateText = (rate: Rate | undefined) =>
  `${perSecondText(rate?.packets)} packets/s ${perSecondText(rate?.octets)} octets/s`;

function rowOf({ tunnel, in: received, out: sent }: TopRow): Row {
  return [
    nameOf(tunnel),
    tunnel.peer,
    tunnel.state,
    perSecondText(sum(received, sent)),
    perSecondText(received?.octets),
    perSecondText(sent?.octets),
    tunnel.in?.packets ?? '-',
    tunnel.out?.packets ?? '-',
    tunnel.ageMs === undefined ? '-' : durationText(tunnel.ageMs),
    tunnel.receivedAgoMs === undefined ? '-' : `${durationText(tunnel.receivedAgoMs)} ago`,
  ];
}
