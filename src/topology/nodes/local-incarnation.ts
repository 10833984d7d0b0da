/** An incarnation of a gateway in this process: a Gateway over a device, which is simulated where nobody says otherwise. */

import type { Clock } from '../../base/clock.js';
import type { Random } from '../../base/random.js';
import { collectCounters } from '../../draw/render.js';
import type { GatewayEvent } from '../../gateway/events.js';
import { Gateway } from '../../gateway/gateway.js';
import type { LogFields, Logger, LogLevel } from '../../gateway/log.js';
import type { GatewayOptions } from '../../gateway/options.js';
import { buildPipeline } from '../../gateway/pipeline/pipeline.js';
import type { ControlTransport } from '../../gateway/rpc/transport.js';
import type { GatewayView } from '../../gateway/view.js';
import type { PipeHal } from '../../hal/hal.js';
import { openSimHal, type SimHalOptions } from '../../hal-sim/device.js';
import type { Fates } from '../../hal-sim/statistics.js';
import { AEAD_ENGINES } from '../../psp/aead-engines.js';
import type { GatewayPlan } from '../model.js';
import type { IncarnationPorts } from './gateway-node.js';
import type { Counts, Incarnation, IncarnationSnapshot } from './incarnation.js';
import { slowEntries } from './slow-entries.js';

export type OnLog = (level: LogLevel, message: string, fields: LogFields | undefined) => void;

export interface OpenDevice {
  readonly hal: PipeHal;
  /** Where packets have ended; absent: it cannot tell. */
  readonly fates?: () => Fates;
}

export interface LocalIncarnationDeps {
  readonly options: GatewayOptions;
  readonly clock: Clock;
  readonly random: Random;
  readonly openDevice: () => Promise<OpenDevice>;
  readonly transport: ControlTransport;
  readonly entriesDelayMs: () => number;
  /** The device as the gateway gets it. */
  readonly wrapHal: (hal: PipeHal) => PipeHal;
  readonly onEvent: (event: GatewayEvent) => void;
  /** Absent when nobody reads the log. */
  readonly onLog: OnLog | undefined;
  /** Called before the first frame. */
  readonly started: (incarnation: LocalIncarnation) => void;
}

export interface SimDeviceOptions {
  readonly plan: GatewayPlan;
  readonly underlay: GatewayPlan['underlay'];
  readonly aead: GatewayOptions['aead'];
  readonly clock: Clock;
  readonly random: Random;
  readonly ports: IncarnationPorts;
  /** Options of the device that differ from those of other gateways. */
  readonly device: Pick<SimHalOptions, 'firstIv' | 'limits'>;
}

/** Opens the simulated device of a gateway. */
export async function openSimDevice(options: SimDeviceOptions): Promise<OpenDevice> {
  const { plan, clock, random, ports, device } = options;
  const { ipv4, ipv6 } = options.underlay;
  const hal = await openSimHal({
    ...device,
    clock,
    random,
    aead: AEAD_ENGINES[options.aead],
    uplink: {
      port: ports.uplink,
      mac: plan.uplinkMac,
      ...(ipv4 === undefined ? {} : { ipv4 }),
      ...(ipv6 === undefined ? {} : { ipv6 }),
    },
    vf: { port: ports.vf, mac: plan.uplinkMac, workload: { mac: plan.workloadMac, addresses: [] } },
  });
  return { hal, fates: () => hal.fates() };
}

export async function openLocalIncarnation(deps: LocalIncarnationDeps): Promise<void> {
  const { clock, random, onLog } = deps;
  const device = await deps.openDevice();
  const gateway = new Gateway({
    hal: deps.wrapHal(slowEntries(device.hal, clock, deps.entriesDelayMs)),
    transport: deps.transport,
    clock,
    random,
    logger: loggerOf(onLog),
    options: deps.options,
    observe: deps.onEvent,
  });
  deps.started(new LocalIncarnation(gateway, device));
  await gateway.start();
}

export class LocalIncarnation implements Incarnation {
  constructor(
    private readonly gateway: Gateway,
    private readonly device: OpenDevice,
  ) {}

  rotate(): Promise<void> {
    return this.gateway.rotateMasterKey(true);
  }

  async snapshot(): Promise<IncarnationSnapshot> {
    const { gateway } = this;
    const { hal, fates: fatesOf } = this.device;
    const fates = fatesOf === undefined ? {} : countsOf(fatesOf());
    const view = gateway.view();
    const program = buildPipeline(gateway.pipelineOptions);
    // Both are asked for before anything is waited for: then the device may be gone.
    const [pipeCounters, psp] = await Promise.all([collectCounters(hal, program), hal.statistics()]);
    return {
      counts: { psp: countsOf(psp), fates, slowPath: countsOf(view.slowPath) },
      held: {
        sessions: view.sessions.filter(({ state }) => state === 'established').length,
        keySlotsUsed: view.keySlotsUsed,
      },
      leaks: leaksOf(view),
      pipeCounters,
      program,
    };
  }

  stop(): Promise<void> {
    return this.gateway.stop();
  }

  async crash(): Promise<void> {
    await this.device.hal.close();
    await this.gateway.stop();
  }
}

/** A line costs its gateway a tenth of a tunnel, so that none is made where nobody reads it. */
function loggerOf(onLog: OnLog | undefined): Logger {
  if (onLog === undefined) return { log: () => {}, enabled: () => false };
  return { log: onLog, enabled: (level) => level !== 'trace' && level !== 'debug' };
}

/** What a gateway holds beyond what its sessions need. */
function leaksOf({ sessions, keySlotsUsed, spisRetiring }: GatewayView): string[] {
  const needed = sessions.filter(({ egressSpi }) => egressSpi !== undefined).length;
  const waiting = sessions.reduce((sum, { waitingPackets }) => sum + waitingPackets, 0);
  return [
    ...(keySlotsUsed === needed ? [] : [`${keySlotsUsed} key slots are in use, ${needed} sessions need one`]),
    ...(spisRetiring === 0 ? [] : [`${spisRetiring} SPIs are still to be closed`]),
    ...(waiting === 0 ? [] : [`${waiting} packets still wait for their sessions`]),
  ];
}

/** Counters as numbers; what a device cannot tell counts as 0. */
function countsOf(counters: object): Counts {
  return Object.fromEntries(
    (Object.entries(counters) as [string, number | bigint | null][]).map(([key, value]) => [
      key,
      Number(value ?? 0),
    ]),
  );
}
