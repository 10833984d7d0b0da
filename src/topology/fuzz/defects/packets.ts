/** Defects of packets' ways: at the device's program and its ports. */
import { PKT_META_RESUBMITTED } from '../../../gateway/pipeline/packet-meta.js';
import { delegateHal } from '../../../hal/delegate.js';
import type { TransmitPacket } from '../../../hal/hal.js';
import { type ControlEntry, type PipeProgram, UPLINK_PORT, VF_PORT } from '../../../hal/program.js';
import { DHCP_SERVER_PORT } from '../../../packet/dhcp.js';
import { ETHERNET_HEADER_OCTETS } from '../../../packet/ethernet.js';
import { ipv4HeaderLength, ipv4Protocol, PROTOCOL_UDP } from '../../../packet/ipv4.js';
import { UDP_DESTINATION_PORT } from '../../../packet/udp.js';
import { uint16At } from '../../../packet/uint16.js';
import { locateIpPacket } from '../../../psp/encapsulate.js';
import type { Defects } from './defect.js';

/** Packets to port 67 that a gateway has for a life. Was 4,096 for each key. */
const DHCP_BUDGET = 100;

/** A program whose control pipe `name` has other entries. */
function withEntries(
  program: PipeProgram,
  name: string,
  change: (entry: ControlEntry) => ControlEntry,
): PipeProgram {
  return {
    ...program,
    pipes: program.pipes.map((pipe) =>
      pipe.type === 'control' && pipe.name === name
        ? { ...pipe, entries: (pipe.entries ?? []).map(change) }
        : pipe,
    ),
  };
}

export const PACKET_DEFECTS: Defects = {
  'clear-on-miss': {
    text: 'what has no session leaves as it is',
    foundAs: 'plaintext',
    hal: (_node, hal) =>
      delegateHal(hal, {
        build: (program: PipeProgram) =>
          hal.build({
            ...program,
            pipes: program.pipes.map((pipe) =>
              pipe.type === 'basic' && pipe.name === 'RSS_MISS'
                ? { ...pipe, forward: { to: 'port' as const, port: UPLINK_PORT } }
                : pipe,
            ),
          }),
      }),
  },
  'resubmit-twice': {
    text: 'a packet that waited for its session leaves twice',
    foundAs: 'delivered-twice',
    hal: (_node, hal) =>
      delegateHal(hal, {
        transmit: (packets: readonly TransmitPacket[]) =>
          hal.transmit(
            packets.flatMap((packet) =>
              packet.packetMeta === PKT_META_RESUBMITTED ? [packet, packet] : [packet],
            ),
          ),
      }),
  },
  'segment-in-clear': {
    text: 'what has the type of ARP, or of neighbor discovery, passes between the workload and the underlay unread',
    point: 8,
    foundAs: 'unauthenticated',
    hal: (_node, hal) =>
      delegateHal(hal, {
        build: (program: PipeProgram) =>
          hal.build(
            withEntries(program, 'ROOT', (entry) => {
              const [side, what] = entry.label?.split(/-(.*)/) ?? [];
              if (what !== 'arp' && what?.startsWith('nd-') !== true) return entry;
              return {
                ...entry,
                forward: { to: 'port', port: side === 'vf' ? UPLINK_PORT : VF_PORT },
              };
            }),
          ),
      }),
  },
  'dhcp-budget': {
    text: 'UDP to port 67 goes through the CPU, which sends a number of them on and then no more',
    point: 14,
    foundAs: 'recovered',
    hal: (_node, hal) => {
      let left = DHCP_BUDGET;
      return delegateHal(hal, {
        build: (program: PipeProgram) =>
          hal.build(
            withEntries(program, 'ROOT', (entry) => {
              if (entry.label !== 'vf-dhcp') return entry;
              const { 'outer.ip4.dst_ip': _, ...match } = entry.match;
              return { ...entry, match };
            }),
          ),
        transmit: (packets: readonly TransmitPacket[]) => {
          const sent = packets.filter((packet) => !isForDhcpServer(packet) || left-- > 0);
          return hal.transmit(sent) + packets.length - sent.length;
        },
      });
    },
  },
};

/** A workload's own packet, on its way back into the pipes. */
function isForDhcpServer({ frame, packetMeta }: TransmitPacket): boolean {
  if (packetMeta !== PKT_META_RESUBMITTED || locateIpPacket(frame)?.family !== 4) return false;
  const ip = ETHERNET_HEADER_OCTETS;
  if (ipv4Protocol(frame, ip) !== PROTOCOL_UDP) return false;
  return uint16At(frame, ip + ipv4HeaderLength(frame, ip) + UDP_DESTINATION_PORT) === DHCP_SERVER_PORT;
}
