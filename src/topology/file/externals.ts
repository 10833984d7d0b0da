/** Gateways that somebody else runs: what the file knows of them. */
import { parseOwnIp } from '../../gateway/config/addresses.js';
import type { PeerDialect, PeerOptions } from '../../gateway/options.js';
import { type ExternalPlan, type LinkPlan, outsideName, type WorkloadPlan } from '../model.js';
import { AddressBook, type AddressBooks, claimUnderlay } from './addresses.js';
import type { ExpandedNode } from './expanded.js';
import { readServiceAddress } from './insiders.js';
import type { ParsedExternal } from './parsed.js';
import { itemsOf } from './shape.js';

/** The plans by name, of those in which nothing is wrong; problems are noted. */
export function readExternals(
  nodes: readonly ExpandedNode[],
  books: AddressBooks,
  fromFile: (path: string) => string,
): Map<string, ExternalPlan> {
  const plans = new Map<string, ExternalPlan>();
  // It may be on this machine, where no other gateway has an address of the file.
  const services = new AddressBook('service address', parseOwnIp);
  for (const { name, parsed: node, place } of nodes) {
    if (node.kind !== 'external') continue;
    const parsed = node as ParsedExternal;
    place.at('kind').onlyInRealTime('a gateway of somebody else knows no virtual time');
    const { underlay } = claimUnderlay(books, parsed.underlay, name, place);
    const workloads = Object.entries(parsed.workloads ?? {}).map(
      ([workload, addresses]): WorkloadPlan => ({
        name: workload,
        addresses: itemsOf(addresses).flatMap(
          ([i, text]) => books.workload.claim(text, workload, place.at('workloads', workload, i)) ?? [],
        ),
        present: true,
        host: { behind: 'external', name },
      }),
    );
    const serviceAddress = readServiceAddress(services, parsed.service, name, place.at('service'));
    const uplinkMac = books.mac.claim(parsed.mac, name, place.at('mac'));
    if (serviceAddress === undefined || uplinkMac === undefined) continue;
    const { at, dialect, cookies, version, keys } = parsed;
    plans.set(name, {
      kind: 'external',
      name,
      at,
      serviceAddress,
      uplinkMac,
      underlay,
      workloads,
      ...(dialect === undefined ? {} : { dialect: String(dialect) as PeerDialect }),
      ...(cookies === undefined ? {} : { cookies }),
      ...(version === undefined ? {} : { version }),
      ...(keys === undefined ? {} : { keysPath: fromFile(keys) }),
    });
  }
  return plans;
}

/** Each is behind an end that a link has, and alone there. */
export function checkEnds(
  nodes: readonly ExpandedNode[],
  externals: ReadonlyMap<string, ExternalPlan>,
  links: readonly LinkPlan[],
): void {
  const ends = new Set(
    links.flatMap(({ endpoints, outside }) =>
      outside === undefined ? [] : [outsideName({ endpoints, outside })],
    ),
  );
  const owners = new Map<string, string>();
  for (const { name, place } of nodes) {
    const plan = externals.get(name);
    if (plan === undefined) continue;
    const other = owners.get(plan.at);
    if (!ends.has(plan.at))
      place.at('at').problem(`no link ends at ${plan.at}; write one with that endpoint`);
    else if (other !== undefined) place.at('at').problem(`${other} is behind ${plan.at} already`);
    owners.set(plan.at, name);
  }
}

/** As its peers know it. */
export function peerOf({ serviceAddress, workloads, dialect }: ExternalPlan): PeerOptions {
  return {
    serviceAddress,
    virtualIps: workloads.flatMap(({ addresses }) => addresses),
    ...(dialect === undefined ? {} : { dialect }),
  };
}
