/**
 * The demo's two hosts: each a gateway over a simulated device, with real gRPC over mutual TLS on a loopback address
 * and a workload whose packets come out of a capture.
 */

import { systemClock } from '../base/clock.js';
import { systemRandom } from '../base/random.js';
import { readGatewayOptions } from '../gateway/config/read-options.js';
import type { GatewayEvent } from '../gateway/events.js';
import { Gateway } from '../gateway/gateway.js';
import type { Logger } from '../gateway/log.js';
import type { GatewayOptions } from '../gateway/options.js';
import { createThrowAwayAuthority, type ThrowAwayAuthority } from '../gateway/rpc/certificates.js';
import { createGrpcTransport } from '../gateway/rpc/grpc-transport.js';
import { delegateHal } from '../hal/delegate.js';
import type { SpiKeyBatch } from '../hal/hal.js';
import { openSimHal, type SimHal } from '../hal-sim/device.js';
import type { SimPort } from '../hal-sim/port.js';
import { createLink } from '../hal-sim/ports/link.js';
import { type IpAddress, parseIp } from '../packet/address.js';

export interface HostPlan {
  readonly name: 'H1' | 'H2';
  /** Address at which the tunnel service listens: a loopback address. */
  readonly service: IpAddress;
  readonly uplinkMac: string;
  readonly uplinkIpv6: IpAddress;
  readonly workloadMac: string;
  readonly workloadIps: readonly IpAddress[];
}

export const H1: HostPlan = {
  name: 'H1',
  service: parseIp('127.0.0.2'),
  uplinkMac: '02:00:00:00:00:01',
  uplinkIpv6: parseIp('2001:db8::1'),
  workloadMac: '02:00:00:00:01:33',
  workloadIps: [parseIp('192.168.1.33'), parseIp('fd00:0:0:1::33')],
};
export const H2: HostPlan = {
  name: 'H2',
  service: parseIp('127.0.0.3'),
  uplinkMac: '02:00:00:00:00:02',
  uplinkIpv6: parseIp('2001:db8::2'),
  workloadMac: '02:00:00:00:02:55',
  workloadIps: [parseIp('192.168.1.55'), parseIp('fd00:0:0:1::55')],
};

export interface DemoHost {
  readonly plan: HostPlan;
  readonly gateway: Gateway;
  readonly hal: SimHal;
  /** The workload's end of the VF. */
  readonly workload: SimPort;
}

const VF_MTU_OCTETS = 9000;

export function newAuthority(): Promise<ThrowAwayAuthority> {
  return createThrowAwayAuthority();
}

/** A started gateway on a free port of its loopback address; peers are told with `ports`. */
export async function startHost(
  plan: HostPlan,
  peer: HostPlan,
  ports: { readonly own: number; readonly peer: number },
  wire: SimPort,
  authority: ThrowAwayAuthority,
  logger: Logger,
  observe: (event: GatewayEvent) => void,
  onDelivered: (frames: readonly Uint8Array[]) => void,
  onKeys: (batch: SpiKeyBatch) => void,
): Promise<DemoHost> {
  const vf = createLink({
    clock: systemClock,
    random: systemRandom(),
    name: `${plan.name} VF`,
    mtuOctets: VF_MTU_OCTETS,
  });
  const workload = vf.ports[1];
  await workload.start(onDelivered);
  const hal = await openSimHal({
    clock: systemClock,
    random: systemRandom(),
    uplink: { port: wire, mac: plan.uplinkMac, ipv6: plan.uplinkIpv6 },
    vf: {
      port: vf.ports[0],
      mac: plan.uplinkMac,
      workload: { mac: plan.workloadMac, addresses: plan.workloadIps },
    },
  });
  const issued = await authority.issue({ commonName: plan.name, ips: [plan.service] });
  const options = demoOptions(plan, peer, ports);
  const gateway = new Gateway({
    hal: delegateHal(hal, {
      generateKeys: async (...args) => {
        const batch = await hal.generateKeys(...args);
        onKeys(batch);
        return batch;
      },
    }),
    transport: createGrpcTransport({
      tls: { caPem: authority.caPem, ...issued },
      messageOctetsMax: options.limits.requestOctetsMax,
      clock: systemClock,
      limits: options.limits.doors,
    }),
    clock: systemClock,
    random: systemRandom(),
    logger,
    options,
    observe,
  });
  await gateway.start();
  return { plan, gateway, hal, workload };
}

/** The options that a user would write on the command line. */
function demoOptions(plan: HostPlan, peer: HostPlan, ports: { own: number; peer: number }): GatewayOptions {
  const argv = [
    '--inner=both',
    `--svc-addr=${plan.service}:${ports.own}`,
    `--tunnel=${peer.service}:${ports.peer}:${peer.workloadIps.join(',')}`,
    '--tls-ca=in-memory',
    '--tls-cert=in-memory',
    '--tls-key=in-memory',
  ];
  return readGatewayOptions(argv, () => '').options;
}
