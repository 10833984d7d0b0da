/**
 * A gateway over the software DOCA, cabled: behind each of its two ports is a TAP interface, of which the run holds one end, and
 * the process has a packet socket (net_af_packet) at the other.
 */
import type { SimPort } from '../../hal-sim/port.js';
import { macToOctets } from '../../packet/address.js';
import { type GatewayPlan, underlayAddresses } from '../model.js';
import type { GatewayNode, IncarnationPorts } from '../nodes/gateway-node.js';
import type { Cables } from './cables.js';
import { interfaceStem } from './interface-names.js';
import { type Machine, orStartError } from './machine.js';
import { bridge } from './udp-port.js';

/** Packets up to this fit into the buffers of net_af_packet as it makes them by itself. */
const PLAIN_MTU_OCTETS = 1600;
/** For larger ones: what the kernel puts before a packet of its ring (tpacket_hdr(7)), Ethernet's header and a VLAN tag. */
const RING_HEADERS_OCTETS = 84;
/** A frame is to fit into a packet buffer, which has 128 octets besides the largest packet, so that it is not rounded up further. */
const RING_ALIGNMENT_OCTETS = 64;
/** Blocks are whole pages, and hold whole frames: net_af_packet looks for the next frame right behind each. */
const PAGE_OCTETS = 4096;
const RING_FRAMES = 448;
const SOURCE_MAC = 6;

/**
 * net_af_packet takes the low 16 bits of its process' ID, XOR those of the interface's index, as the number of a group of sockets,
 * and the kernel refuses a second group of one number. The numbers in use:
 */
const groups = new Set<number>();
const GROUP_MASK = 0xffff;
const TRIES_MAX = 64;

/** The cables are there once the process is. Throws StartError, as `connect` does. */
export function cableSoftDoca(node: GatewayNode, ports: IncarnationPorts, machine: Machine): Cables {
  const stem = interfaceStem();
  const names = { uplink: `${stem}u`, vf: `${stem}v` };
  const environment = orStartError(node.name, () =>
    machine.softDoca(node.plan.doca!.release, mappingOf(node, ports, names)),
  );
  const made: { close(): Promise<void> }[] = [];
  return {
    environment: environment.variables,
    async connect(pid) {
      for (const which of ['uplink', 'vf'] as const) {
        const end = orStartError(node.name, () =>
          openEnd(machine, names[which], ports[which].mtuOctets, pid),
        );
        made.push(end);
        await bridge(ports[which], end);
      }
    },
    async close() {
      await Promise.all(made.splice(0).map((one) => one.close()));
      environment.close();
    },
  };
}

/** A TAP whose other end the process can open. */
function openEnd(machine: Machine, name: string, mtuOctets: number, pid: number): SimPort {
  for (let tries = 1; ; tries++) {
    const end = openTap(machine, name, mtuOctets);
    machine.silence(name);
    const group = (pid ^ machine.indexOf(name)) & GROUP_MASK;
    if (groups.has(group) && tries < TRIES_MAX) {
      // It has another index when it is made again.
      void end.close();
      continue;
    }
    groups.add(group);
    return {
      ...end,
      async close() {
        groups.delete(group);
        await end.close();
      },
    };
  }
}

/** Without what the kernel sends there by itself: its frames have the interface's own MAC, and no gateway has that. */
function openTap(machine: Machine, name: string, mtuOctets: number): SimPort {
  const tap = machine.openTap({ name, mtuOctets });
  const own = macToOctets(tap.mac);
  const isOwn = (frame: Uint8Array) => own.every((octet, i) => frame[SOURCE_MAC + i] === octet);
  return {
    name: tap.name,
    mtuOctets: tap.mtuOctets,
    send: (frames) => tap.send(frames),
    start: (receive) =>
      tap.start((frames) => {
        const others = frames.filter((frame) => !isOwn(frame));
        if (others.length > 0) receive(others);
      }),
    close: () => tap.close(),
  };
}

function mappingOf(
  { plan, underlay }: Pick<GatewayNode, 'plan' | 'underlay'>,
  ports: IncarnationPorts,
  names: Readonly<Record<keyof IncarnationPorts, string>>,
): string {
  const { uplinkMac, options, doca } = plan;
  const port = (number: number, which: keyof IncarnationPorts) => {
    const { mtuOctets } = ports[which];
    const buffers = mtuOctets > PLAIN_MTU_OCTETS ? ringOf(mtuOctets) : '';
    return [
      `port = net_af_packet${number},iface=${names[which]}${buffers}`,
      `mtu = ${mtuOctets}`,
      `mac = ${uplinkMac}`,
    ];
  };
  return [
    `[device ${options.pciAddress}]`,
    ...port(0, 'uplink'),
    ...underlayAddresses(underlay).map((ip) => `${ip.includes(':') ? 'ipv6' : 'ipv4'} = ${ip}`),
    ...Object.entries(doca!.mapping).map(([key, value]) => `${key} = ${value}`),
    `[representor ${representorOf(plan)}]`,
    ...port(1, 'vf'),
    '',
  ].join('\n');
}

/** As the mapping file names the representor that the gateway asks for; by number it is the only one. */
function representorOf({ options: { representor } }: GatewayPlan): string {
  return representor.startsWith('[') ? 'vf0' : representor;
}

/** Arguments of net_af_packet for rings whose frames hold packets of this size. */
function ringOf(mtuOctets: number): string {
  const frame = Math.ceil((mtuOctets + RING_HEADERS_OCTETS) / RING_ALIGNMENT_OCTETS) * RING_ALIGNMENT_OCTETS;
  const perBlock = PAGE_OCTETS / RING_ALIGNMENT_OCTETS;
  const frames = Math.ceil(RING_FRAMES / perBlock) * perBlock;
  return `,framesz=${frame},blocksz=${frame * perBlock},framecnt=${frames}`;
}
