import type { Static } from 'typebox';
import { attempt, parseNetworkIp } from '../../gateway/config/addresses.js';
import { type IpAddress, ipFamily } from '../../packet/address.js';
import type { EventNames } from '../file/events.js';
import { address, name } from '../file/schema-values.js';
import type { Place } from '../file/source.js';
import { type At, type EventKind, eventSchema } from './kind.js';
import { takeDown } from './outage.js';

/** The gateway's underlay address changes, as after a move; its peers learn it with the next exchange. */
export interface Readdress extends At {
  readonly type: 'readdress';
  readonly node: string;
  readonly ip: IpAddress;
}

const schema = eventSchema('readdress', name("the gateway's underlay address changes"), {
  ip: address('the new address'),
});

export const readdress: EventKind<Readdress, Static<typeof schema>> = {
  schema,
  example: { at: '1s', readdress: 'h1', ip: '2001:db8::5' },
  read(parsed, reading) {
    const { atMs, subject } = reading;
    const place = reading.place.at('ip');
    const node = reading.gateway(parsed.readdress, subject);
    const given = attempt(() => parseNetworkIp(parsed.ip));
    if ('reason' in given) {
      place.problem(given.reason);
      return [];
    }
    if (node === undefined) return [];
    const ip = given.value;
    if (node.underlay[`ipv${ipFamily(ip)}`] === undefined) {
      place.problem(`${ip} is IPv${ipFamily(ip)}, and ${node.name} has no underlay address of that family`);
    }
    return [{ atMs, type: 'readdress', node: node.name, ip }];
  },
  write: ({ node, ip }) => ({ readdress: node, ip }),
  async happen({ node, ip }, context) {
    const gateway = context.gateway(node);
    gateway.setUnderlay(ip);
    context.network.reroute();
    await takeDown(gateway, 'restart', 0, context);
  },
  needs: ({ node }) => ({ nodes: [node] }),
  search: {},
  arbitrary({ gateways, pick, freshIp }) {
    const { name: node, underlay } = pick(gateways);
    const ip = freshIp(underlay.ipv4 === undefined ? 6 : 4);
    return ip === undefined ? undefined : { type: 'readdress', node, ip };
  },
};

/** Notes where two nodes would have the same underlay address at one time. @param events by time */
export function checkReaddressing(
  events: readonly { readonly event: Readdress; readonly place: Place }[],
  { gateways, insiders }: Pick<EventNames, 'gateways' | 'insiders'>,
): void {
  const owners = new Map<IpAddress, string>();
  const addresses = new Map<string, { ipv4?: IpAddress; ipv6?: IpAddress }>();
  for (const { name: gateway, underlay } of gateways.values()) {
    addresses.set(gateway, { ...underlay });
    for (const ip of Object.values(underlay)) owners.set(ip, gateway);
  }
  for (const { name: insider, underlay } of insiders.values())
    for (const ip of Object.values(underlay)) owners.set(ip, insider);
  for (const { event, place } of events) {
    const { node, ip } = event;
    const owner = owners.get(ip) ?? node;
    if (owner !== node) {
      place.at('ip').problem(`${ip} is the underlay address of ${owner} then`);
      continue;
    }
    const own = addresses.get(node)!;
    const key = `ipv${ipFamily(ip)}` as const;
    if (own[key] !== undefined) owners.delete(own[key]);
    own[key] = ip;
    owners.set(ip, node);
  }
}
