/** Runs in real time: gRPC over mutual TLS between the gateways, in this process or each in its own. */

import { systemClock } from '../../base/clock.js';
import { createThrowAwayAuthority } from '../../gateway/rpc/certificates.js';
import { createGrpcTransport, type TlsMaterial } from '../../gateway/rpc/grpc-transport.js';
import { HELD_BY_INCARNATIONS } from '../counter-groups.js';
import { emptyCounts } from '../ledger.js';
import {
  type ExternalPlan,
  externalsOf,
  type GatewayPlan,
  gatewaysOf,
  insidersOf,
  type Topology,
} from '../model.js';
import type { OpenIncarnation } from '../network.js';
import type { IncarnationPorts } from '../nodes/gateway-node.js';
import type { Incarnation, IncarnationSnapshot } from '../nodes/incarnation.js';
import { type RunOptions, type RunResult, runTopology } from '../run.js';
import { Hosts } from './hosts.js';
import { impairedTransport } from './impaired-transport.js';
import { KeysFollower } from './keys-follower.js';
import type { Machine } from './machine.js';
import { openOutside } from './outside.js';
import type { Places } from './places.js';
import { bridgeGateway, openProcessIncarnation } from './process-incarnation.js';
import { reachable } from './reachable.js';
import { cableSoftDoca } from './soft-doca.js';

export type RealTimeOptions = Omit<
  RunOptions,
  'clock' | 'transport' | 'open' | 'outside' | 'hosts' | 'remote' | 'notChecked' | 'followKeys'
> & {
  readonly places: Places;
  /** The program, and arguments that make it the process of a gateway. */
  readonly processes: { readonly program: string; readonly argsOf: (gateway: string) => readonly string[] };
  /** Each gateway in a process of its own; else only those over DOCA. */
  readonly allInProcesses?: boolean;
  /** Gateways that somebody starts on other machines. The run begins when all of them can be reached. */
  readonly elsewhere?: ReadonlySet<string>;
  /** Told of a gateway elsewhere that cannot be reached yet. */
  readonly onWait?: (gateway: string) => void;
  /** Certificates of a gateway or an insider on this machine; made for the run when absent. */
  readonly tlsOf?: (name: string) => TlsMaterial;
  readonly machine: Machine;
};

/** Rejects with StartError where something cannot be started, with TopologyFileError where interfaces cannot be had. */
export async function runInRealTime(file: Topology, options: RealTimeOptions): Promise<RunResult> {
  const { places, elsewhere = new Set() } = options;
  const topology = places.apply(file);
  const tls = await certificates(topology, options);
  for (const { name, serviceAddress } of gatewaysOf(topology))
    if (elsewhere.has(name)) await reachable(name, serviceAddress, options.onWait);
  const isRemote = ({ name, doca }: GatewayPlan) =>
    options.allInProcesses === true || doca !== undefined || elsewhere.has(name);
  const remote = new Set(
    gatewaysOf(topology)
      .filter(isRemote)
      .map(({ name }) => name),
  );
  const [first] = gatewaysOf(topology);
  const outside = await openOutside(topology);
  const hosts = await Hosts.open(topology, options.machine);
  const run = runTopology(topology, {
    ...options,
    hosts: hosts.ports,
    clock: systemClock,
    outside,
    remote: (node) => remote.has(node),
    notChecked: [
      ...gatewaysOf(topology).flatMap((plan) => notChecked(plan, elsewhere)),
      ...externalsOf(topology).map(notCheckedOfExternal),
    ],
    followKeys: (tell) => {
      const followers = externalsOf(topology).flatMap(({ name, keysPath }) =>
        keysPath === undefined
          ? []
          : [
              new KeysFollower(
                { name, keysPath },
                {
                  clock: systemClock,
                  readText: (...args) => options.machine.readText(...args),
                  onKey: (key) => tell(name, key),
                },
              ),
            ],
      );
      return () => followers.flatMap((follower) => follower.end());
    },
    transport: (plan, oob) => {
      const { limits } = (plan.kind === 'gateway' ? plan : first!).options;
      const transport = createGrpcTransport({
        tls: tls.get(plan.name)!,
        messageOctetsMax: limits.requestOctetsMax,
        clock: systemClock,
        limits: limits.doors,
      });
      return impairedTransport(transport, plan, oob, systemClock);
    },
    open: (plan) => (remote.has(plan.name) ? inProcess(plan, tls.get(plan.name), options) : undefined),
  });
  return await run.finally(() => hosts.close());
}

function inProcess(
  { name, doca }: GatewayPlan,
  tls: TlsMaterial | undefined,
  { elsewhere, places, processes, machine }: RealTimeOptions,
): OpenIncarnation {
  return async (network, node, ports, started) => {
    if (elsewhere?.has(name) === true) return openElsewhere(name, ports, places, started);
    network.seen(node, { what: 'starts' });
    return openProcessIncarnation({
      network,
      node,
      cables:
        doca === undefined ? await bridgeGateway(name, ports, places) : cableSoftDoca(node, ports, machine),
      tls: tls!,
      observer: network.observer,
      program: processes.program,
      args: processes.argsOf(name),
      started,
    });
  };
}

/** Of a gateway that somebody else runs. */
function notCheckedOfExternal({ name, version, keysPath }: ExternalPlan): string {
  const who = version === undefined ? name : `${name} (${version})`;
  const never = 'unauthenticated, delivered-twice, unaccounted: its workloads and its device are not seen';
  return keysPath === undefined
    ? `${who}: key-reuse, ${never}, nor its keys; "keys: FILE" of its node names those that it writes`
    : `${who}: ${never}`;
}

/** Of a gateway that is not all in the run's hands. */
function notChecked({ name, doca }: GatewayPlan, elsewhere: ReadonlySet<string>): string[] {
  if (elsewhere.has(name))
    return [
      `${name}, on another machine: key-reuse, impersonated, unaccounted: its keys and counters stay there`,
    ];
  if (doca !== undefined) return [`${name}: unaccounted: DOCA counts no ends of packets`];
  return [];
}

/** Gateways elsewhere have their own. */
async function certificates(
  topology: Topology,
  { tlsOf, elsewhere }: RealTimeOptions,
): Promise<Map<string, TlsMaterial>> {
  const found = new Map<string, TlsMaterial>();
  const authority = tlsOf === undefined ? await createThrowAwayAuthority() : undefined;
  for (const { name, serviceAddress } of [...gatewaysOf(topology), ...insidersOf(topology)]) {
    if (elsewhere?.has(name) === true) continue;
    const { host } = serviceAddress;
    found.set(
      name,
      authority === undefined
        ? tlsOf!(name)
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
