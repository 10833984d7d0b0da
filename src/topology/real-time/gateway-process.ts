/**
 * The process of one gateway of a topology: a gateway over a simulated device, whose two ports are UDP links to the
 * core. Told by a run over IPC, or on its own on another machine.
 */

import { systemClock } from '../../base/clock.js';
import { systemRandom } from '../../base/random.js';
import type { GatewayEvent } from '../../gateway/events.js';
import { createGrpcTransport, type TlsMaterial } from '../../gateway/rpc/grpc-transport.js';
import { reasonOf } from '../../hal/errors.js';
import { parseMac } from '../../packet/address.js';
import { type GatewayPlan, gatewaysOf, type Topology } from '../model.js';
import type { Incarnation } from '../nodes/incarnation.js';
import { type OnLog, openLocalIncarnation } from '../nodes/local-incarnation.js';
import { NodeClock } from '../nodes/node-clock.js';
import { Oob } from '../oob.js';
import { impairedTransport } from './impaired-transport.js';
import type { FromGateway, IncarnationStart, ToGateway } from './messages.js';
import type { Places } from './places.js';
import { openUdpPort } from './udp-port.js';

/** The VF's MTU; the uplink has its link's. */
const VF_MTU_OCTETS = 9000;

export interface GatewayProcessDeps {
  /** The topology, with services at their real addresses. */
  readonly topology: Topology;
  readonly plan: GatewayPlan;
  readonly places: Places;
  readonly onEvent: (event: GatewayEvent) => void;
  readonly onLog: OnLog;
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
  const { topology, plan, places } = deps;
  const clock = new NodeClock(systemClock);
  let { entriesDelayMs } = start.adjustments;
  const adjust = (adjustments: IncarnationStart['adjustments']) => {
    clock.jump(adjustments.aheadMs - clock.aheadMs);
    entriesDelayMs = adjustments.entriesDelayMs;
  };
  adjust(start.adjustments);
  const oob = new Oob(systemClock, systemRandom(), start.oob);
  oob.partition(start.groups);
  for (const gateway of gatewaysOf(topology)) oob.register(gateway);
  const link = topology.links.find(({ endpoints }) => endpoints.some(({ node }) => node === plan.name));
  const port = (which: 'uplink' | 'vf', mtuOctets: number) => {
    const { core, gateway } = places.linkOf(plan.name, which);
    return openUdpPort(`${plan.name} ${which}`, gateway, core, mtuOctets);
  };
  const ports = { uplink: await port('uplink', link!.mtuOctets), vf: await port('vf', VF_MTU_OCTETS) };
  const { options } = plan;
  const transport = createGrpcTransport({
    tls: start.tls,
    messageOctetsMax: options.limits.requestOctetsMax,
    clock: systemClock,
    limits: options.limits.doors,
  });
  let incarnation: Incarnation | undefined;
  await openLocalIncarnation({
    plan,
    underlay: start.underlay,
    options:
      start.nexthopDmac === undefined ? options : { ...options, nexthopDmac: parseMac(start.nexthopDmac) },
    clock,
    random: systemRandom(),
    ports,
    device: {},
    transport: impairedTransport(transport, plan, oob, systemClock),
    entriesDelayMs: () => entriesDelayMs,
    wrapHal: (hal) => hal,
    onEvent: deps.onEvent,
    onLog: start.logs ? deps.onLog : undefined,
    started: (opened) => {
      incarnation = opened;
    },
  });
  return { incarnation: incarnation!, clock, oob, adjust };
}

/** Serves the run that forked this process; resolves when it says stop, or is gone. */
export function serveRun(deps: Omit<GatewayProcessDeps, 'onEvent' | 'onLog'>): Promise<void> {
  const say = (message: FromGateway) => {
    if (process.connected) process.send!(message);
  };
  let running: RunningGateway | undefined;
  return new Promise((resolve) => {
    const stop = async () => {
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
        case 'snapshot':
          return answer(to.id, async () => ({ snapshot: await running!.incarnation.snapshot() }));
        case 'stop':
          return stop();
      }
    });
  });
}
