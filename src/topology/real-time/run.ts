/** Runs in real time: gRPC over mutual TLS between the gateways, in this process or each in its own. */

import { systemClock } from '../../base/clock.js';
import { createThrowAwayAuthority } from '../../gateway/rpc/certificates.js';
import { createGrpcTransport, type TlsMaterial } from '../../gateway/rpc/grpc-transport.js';
import type { IpAddress } from '../../packet/address.js';
import { HELD_BY_INCARNATIONS } from '../counter-groups.js';
import { TopologyFileError } from '../file/read.js';
import { emptyCounts } from '../ledger.js';
import { gatewaysOf, insidersOf, type Topology } from '../model.js';
import type { IncarnationPorts } from '../nodes/gateway-node.js';
import type { Incarnation, IncarnationSnapshot } from '../nodes/incarnation.js';
import { type RunOptions, type RunResult, runTopology } from '../run.js';
import { impairedTransport } from './impaired-transport.js';
import type { Places } from './places.js';
import { bridgeGateway, openProcessIncarnation } from './process-incarnation.js';

export type RealTimeOptions = Omit<RunOptions, 'clock' | 'transport' | 'open' | 'remote'> & {
  readonly places: Places;
  /** Each gateway in a process of its own; `args` make the program such a process. Absent: all in this one. */
  readonly processes?: { readonly program: string; readonly argsOf: (gateway: string) => readonly string[] };
  /** Gateways that somebody starts on other machines. */
  readonly elsewhere?: ReadonlySet<string>;
  /** Certificates of a gateway, by the host of its service address; made for the run when absent. */
  readonly tlsOf?: (host: IpAddress) => TlsMaterial;
};

export async function runInRealTime(file: Topology, options: RealTimeOptions): Promise<RunResult> {
  const { places, processes, elsewhere = new Set() } = options;
  const [insider] = insidersOf(file);
  if (insider !== undefined)
    throw new TopologyFileError([`${insider.name} is an insider; those are in virtual time only`]);
  const topology = places.apply(file);
  const tls = await certificates(topology, options.tlsOf);
  const common = { ...options, clock: systemClock };
  if (processes === undefined) {
    return runTopology(topology, {
      ...common,
      transport: (plan, oob) =>
        impairedTransport(
          createGrpcTransport({
            tls: tls.get(plan.name)!,
            messageOctetsMax: plan.options.limits.requestOctetsMax,
            clock: systemClock,
            limits: plan.options.limits.doors,
          }),
          plan,
          oob,
          systemClock,
        ),
    });
  }
  return runTopology(topology, {
    ...common,
    remote: true,
    open: (network, node, ports, started) =>
      elsewhere.has(node.name)
        ? openElsewhere(node.name, ports, places, started)
        : openProcessIncarnation({
            network,
            node,
            ports,
            places,
            tls: tls.get(node.name)!,
            observer: network.observer,
            program: processes.program,
            args: processes.argsOf(node.name),
            started,
          }),
  });
}

async function certificates(
  topology: Topology,
  tlsOf: RealTimeOptions['tlsOf'],
): Promise<Map<string, TlsMaterial>> {
  const found = new Map<string, TlsMaterial>();
  const authority = tlsOf === undefined ? await createThrowAwayAuthority() : undefined;
  for (const { name, serviceAddress } of gatewaysOf(topology)) {
    const { host } = serviceAddress;
    found.set(
      name,
      authority === undefined
        ? tlsOf!(host)
        : { caPem: authority.caPem, ...(await authority.issue({ commonName: name, ips: [host] })) },
    );
  }
  return found;
}

/** A gateway on another machine: its links are here, and nothing is known of it but what it sends. */
async function openElsewhere(
  name: string,
  ports: IncarnationPorts,
  places: Places,
  started: (incarnation: Incarnation) => void,
): Promise<void> {
  const bridges = await bridgeGateway(name, ports, places);
  const cannot = () => Promise.reject(new Error(`${name} runs on another machine and takes no events`));
  started({
    rotate: cannot,
    crash: cannot,
    snapshot: async () => NOTHING_KNOWN,
    stop: () => bridges.close(),
  });
}

const NOTHING_KNOWN: IncarnationSnapshot = {
  counts: emptyCounts(),
  held: Object.fromEntries(
    Object.keys(HELD_BY_INCARNATIONS).map((name) => [name, 0]),
  ) as IncarnationSnapshot['held'],
  leaks: [],
  pipeCounters: new Map(),
};
