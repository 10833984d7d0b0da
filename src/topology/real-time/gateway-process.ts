/**
 * The process of one gateway of a topology: over a simulated device, whose two ports are UDP links to the core, or over one of
 * DOCA. Told by a run over IPC, or on its own on another machine.
 */

import { systemClock } from '../../base/clock.js';
import { systemRandom } from '../../base/random.js';
import type { GatewayEvent } from '../../gateway/events.js';
import type { GatewayOptions } from '../../gateway/options.js';
import { createGrpcTransport, type TlsMaterial } from '../../gateway/rpc/grpc-transport.js';
import { serviceText } from '../../gateway/rpc/transport.js';
import { reasonOf } from '../../hal/errors.js';
import { parseMac } from '../../packet/address.js';
import type { TransportWatcher } from '../given-keys.js';
import { externalsOf, type GatewayPlan, gatewaysOf, insidersOf, type Topology } from '../model.js';
import type { IncarnationPorts } from '../nodes/gateway-node.js';
import type { Incarnation } from '../nodes/incarnation.js';
import {
  type OnLog,
  type OpenDevice,
  openLocalIncarnation,
  openSimDevice,
} from '../nodes/local-incarnation.js';
import { NodeClock } from '../nodes/node-clock.js';
import { Oob } from '../oob.js';
import type { Seen } from '../seen.js';
import { strangersOf } from '../strangers.js';
import { impairedTransport } from './impaired-transport.js';
import type { FromGateway, IncarnationStart, ToGateway } from './messages.js';
import type { Places } from './places.js';
import { openUdpPort } from './udp-port.js';
import { watchCalls, watchKeys } from './watching.js';

/** The VF's MTU; the uplink has its link's. */
const VF_MTU_OCTETS = 9000;

export interface GatewayProcessDeps {
  /** The topology, with services at their real addresses. */
  readonly topology: Topology;
  readonly plan: GatewayPlan;
  readonly places: Places;
  readonly onEvent: (event: GatewayEvent) => void;
  readonly onLog: OnLog;
  /** Gets what is to be checked of its keys; absent: nobody checks it. */
  readonly onSeen?: (seen: Seen) => void;
  /** Opens the DOCA device of a gateway over DOCA. */
  readonly openDoca: (options: GatewayOptions) => Promise<OpenDevice>;
}

export interface RunningGateway {
  readonly incarnation: Incarnation;
  readonly clock: NodeClock;
  readonly oob: Oob;
  adjust(adjustments: IncarnationStart['adjustments']): void;
}

/** Start parameters of a gateway that runs by itself. */
export function startAlone({ plan, topology }: GatewayProcessDeps, tls: TlsMaterial): IncarnationStart {
  return {
    tls,
    underlay: plan.underlay,
    nexthopDmac: undefined,
    logs: true,
    oob: topology.oob,
    groups: [],
    adjustments: { aheadMs: 0, entriesDelayMs: 0 },
  };
}

export async function startGateway(
  deps: GatewayProcessDeps,
  start: IncarnationStart,
): Promise<RunningGateway> {
  const { topology, plan } = deps;
  const clock = new NodeClock(systemClock);
  let { entriesDelayMs } = start.adjustments;
  const adjust = (adjustments: IncarnationStart['adjustments']) => {
    clock.jump(adjustments.aheadMs - clock.aheadMs);
    entriesDelayMs = adjustments.entriesDelayMs;
  };
  adjust(start.adjustments);
  const oob = new Oob(systemClock, systemRandom(), start.oob);
  oob.partition(start.groups);
  for (const node of [...gatewaysOf(topology), ...insidersOf(topology), ...externalsOf(topology)])
    oob.register(node);
  const { onSeen } = deps;
  const names: Pick<TransportWatcher, 'nameOf' | 'strangerOf'> = {
    nameOf: (address) => oob.nodeAt(address),
    strangerOf: strangersOf(topology),
  };
  const { options: planned } = plan;
  const options: GatewayOptions =
    start.nexthopDmac === undefined ? planned : { ...planned, nexthopDmac: parseMac(start.nexthopDmac) };
  const random = systemRandom();
  const openSim = async () => {
    const ports = await openPorts(deps);
    return openSimDevice({
      plan,
      underlay: start.underlay,
      aead: options.aead,
      clock,
      random,
      ports,
      device: {},
    });
  };
  const identities = new Map(
    options.peers.map((peer) => [serviceText(peer.serviceAddress), peer.identities] as const),
  );
  const grpc = createGrpcTransport({
    tls: start.tls,
    identitiesOf: (peer) => identities.get(serviceText(peer)),
    messageOctetsMax: options.limits.requestOctetsMax,
    clock: systemClock,
    limits: options.limits.doors,
  });
  const transport = impairedTransport(grpc, plan, oob, systemClock);
  let incarnation: Incarnation | undefined;
  await openLocalIncarnation({
    options,
    clock,
    random,
    openDevice:
      plan.doca === undefined ? openSim : () => deps.openDoca({ decapDmac: plan.workloadMac, ...options }),
    transport: onSeen === undefined ? transport : watchCalls(plan.name, transport, names, onSeen),
    entriesDelayMs: () => entriesDelayMs,
    wrapHal: (hal) => (onSeen === undefined ? hal : watchKeys(hal, onSeen)),
    onEvent: deps.onEvent,
    onLog: start.logs ? deps.onLog : undefined,
    started: (opened) => {
      incarnation = opened;
    },
  });
  return { incarnation: incarnation!, clock, oob, adjust };
}

/** The ends of its UDP links to the core. */
async function openPorts({ topology, plan, places }: GatewayProcessDeps): Promise<IncarnationPorts> {
  const link = topology.links.find(({ endpoints }) => endpoints.some(({ node }) => node === plan.name));
  const port = (which: 'uplink' | 'vf', mtuOctets: number) => {
    const { core, gateway } = places.linkOf(plan.name, which);
    return openUdpPort(`${plan.name} ${which}`, gateway, core, mtuOctets);
  };
  return { uplink: await port('uplink', link!.mtuOctets), vf: await port('vf', VF_MTU_OCTETS) };
}

/** Serves the run that forked this process; resolves when it says stop, or is gone. */
export function serveRun(deps: Omit<GatewayProcessDeps, 'onEvent' | 'onLog' | 'onSeen'>): Promise<void> {
  const say = (message: FromGateway) => {
    if (process.connected) process.send!(message);
  };
  let running: RunningGateway | undefined;
  /** Looks at counters that are under way; over DOCA they take some calls, for which the device must be there. */
  const looks = new Set<Promise<void>>();
  return new Promise((resolve) => {
    const stop = async () => {
      await Promise.all(looks);
      await running?.incarnation.stop();
      resolve();
      if (process.connected) process.disconnect();
    };
    const answer = async (id: number, work: () => Promise<Partial<FromGateway>>) => {
      try {
        say({ type: 'answer', id, ...(await work()) } as FromGateway);
      } catch (error) {
        say({ type: 'answer', id, reason: reasonOf(error) });
      }
    };
    process.on('disconnect', () => void stop());
    process.on('message', async (message) => {
      const to = message as ToGateway;
      switch (to.type) {
        case 'start':
          try {
            running = await startGateway(
              {
                ...deps,
                onEvent: (event) => say({ type: 'event', event }),
                onSeen: (seen) => say({ type: 'seen', seen }),
                onLog: (level, text, fields) => say({ type: 'log', level, message: text, fields }),
              },
              to.start,
            );
            say({ type: 'started' });
          } catch (error) {
            say({ type: 'failed', reason: reasonOf(error) });
          }
          return;
        case 'adjust':
          return running?.adjust(to.adjustments);
        case 'oob':
          running?.oob.set(to.oob);
          return running?.oob.partition(to.groups);
        case 'rotate':
          return answer(to.id, async () => {
            await running?.incarnation.rotate();
            return {};
          });
        case 'snapshot': {
          // One that is still starting has counted nothing.
          const look = answer(to.id, async () =>
            running === undefined ? {} : { snapshot: await running.incarnation.snapshot() },
          );
          looks.add(look);
          return look.finally(() => looks.delete(look));
        }
        case 'stop':
          return stop();
      }
    });
  });
}
