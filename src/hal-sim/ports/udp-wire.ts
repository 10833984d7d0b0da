/**
 * The uplink over a UDP socket of the kernel: what the device sends in PSP is stripped to its UDP payload and goes to
 * the outer destination address; what comes in is wrapped into Ethernet, IP and UDP again. So a simulated gateway
 * talks PSP with anybody on a real network. Both sides use the same port number; the flow entropy of the UDP source
 * port is lost, since the socket has one port.
 */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import {
  type IpAddress,
  type IpFamily,
  ipFamily,
  ipFromOctets,
  ipToOctets,
  type MacAddress,
  macToOctets,
  parseIp,
} from '../../packet/address.js';
import {
  ETHER_TYPE_IPV4,
  ETHER_TYPE_IPV6,
  ETHERNET_HEADER_OCTETS,
  etherType,
  writeEthernetHeader,
} from '../../packet/ethernet.js';
import {
  IPV4_DESTINATION,
  IPV4_FLAG_DONT_FRAGMENT,
  IPV4_FLAGS_FRAGMENT,
  IPV4_HEADER_OCTETS_MIN,
  IPV4_PROTOCOL,
  IPV4_SOURCE,
  IPV4_TTL,
  ipv4HeaderLength,
  ipv4HeaderValid,
  PROTOCOL_UDP,
  setIpv4Checksum,
  setIpv4TotalLength,
} from '../../packet/ipv4.js';
import {
  IPV6_DESTINATION,
  IPV6_HEADER_OCTETS,
  IPV6_HOP_LIMIT,
  IPV6_NEXT_HEADER,
  IPV6_SOURCE,
  ipv6HeaderValid,
  setIpv6PayloadLength,
} from '../../packet/ipv6.js';
import { UDP_HEADER_OCTETS } from '../../packet/udp.js';
import { PSP_UDP_PORT } from '../../psp/header.js';
import type { SimPort } from '../port.js';
import type { PortsAddon } from './ports-addon.js';

/** What a UDP wire is made of. */
export interface UdpWireOptions {
  /** The local address; packets have it as their outer source. */
  readonly address: IpAddress;
  readonly port: number;
  /** The uplink's MAC, to which received frames are addressed. */
  readonly mac: MacAddress;
  readonly mtuOctets?: number;
  /**
   * Hardware sends its datagrams over IPv6 without a checksum (RFC 6935), and kernels drop those unless the socket is
   * told otherwise, which takes this addon.
   */
  readonly ports?: Pick<PortsAddon, 'acceptZeroChecksum'>;
  /**
   * The kernel has no way out for the socket any more (its address or interface is gone), with the reason; undefined: it
   * has one again. The socket itself stays, and works again by itself.
   */
  readonly onState?: (reason: string | undefined) => void;
}

/** What a UDP wire has carried. */
export interface UdpWireCounters {
  sent: number;
  received: number;
  /** Frames that are not PSP in UDP of the socket's family. */
  notPsp: number;
  /** Refused by the kernel. */
  sendErrors: number;
  /** Came faster than the device took them. */
  queueDropped: number;
}

/** The socket cannot be had. */
export class UdpWireError extends Error {
  override readonly name = 'UdpWireError';
}

const MTU_DEFAULT_OCTETS = 1500;
const QUEUE_FRAMES_MAX = 8192;
/** Stands for the sender's MAC, which the kernel does not report. */
const REMOTE_MAC = Uint8Array.from([0x02, 0, 0, 0, 0xff, 0xfe]);
const TTL = 64;
/** Errors that concern the socket's own end, not a datagram or its destination. */
const NO_WAY_OUT: readonly (string | undefined)[] = [
  'EADDRNOTAVAIL',
  'EINVAL',
  'ENETDOWN',
  'ENETUNREACH',
  'ENODEV',
];

/** A SimPort over a socket; it is bound by `start`. */
export function createUdpWire(options: UdpWireOptions): SimPort & { readonly counters: UdpWireCounters } {
  const { address, port } = options;
  const family = ipFamily(address);
  const counters: UdpWireCounters = { sent: 0, received: 0, notPsp: 0, sendErrors: 0, queueDropped: 0 };
  const ownMac = macToOctets(options.mac);
  const ownIp = ipToOctets(address);
  let socket: Socket | undefined;
  let waiting: Uint8Array[] = [];
  let hasWayOut = true;
  const sent = (error: NodeJS.ErrnoException | null) => {
    if (error !== null) counters.sendErrors++;
    if (socket === undefined || (error === null) === hasWayOut) return;
    if (error !== null && !NO_WAY_OUT.includes(error.code)) return;
    hasWayOut = error === null;
    options.onState?.(error?.code);
  };
  return {
    name: `udp ${address} port ${port}`,
    mtuOctets: options.mtuOctets ?? MTU_DEFAULT_OCTETS,
    counters,

    send(frames) {
      for (const frame of frames) {
        const datagram = pspDatagram(frame, family);
        if (datagram === undefined || socket === undefined) {
          counters.notPsp++;
          continue;
        }
        counters.sent++;
        socket.send(datagram.payload, port, datagram.destination, sent);
      }
    },

    async start(receive) {
      const opening = createSocket({ type: family === 4 ? 'udp4' : 'udp6', ipv6Only: family === 6 });
      await new Promise<void>((resolve, reject) => {
        opening.once('error', (error: NodeJS.ErrnoException) => {
          opening.close();
          reject(new UdpWireError(bindProblem(address, port, error), { cause: error }));
        });
        opening.bind(port, address, resolve);
      });
      if (family === 6) options.ports?.acceptZeroChecksum(descriptorOf(opening));
      opening.removeAllListeners('error');
      opening.on('error', () => counters.sendErrors++);
      opening.on('message', (payload: Buffer, from: RemoteInfo) => {
        counters.received++;
        if (waiting.length >= QUEUE_FRAMES_MAX) {
          counters.queueDropped++;
          return;
        }
        const source = remoteOctets(from.address, family);
        if (source === undefined) return;
        const frame = wrap(payload, family, { ownMac, ownIp, source, sourcePort: from.port });
        // Datagrams of one turn of the event loop go in together.
        if (waiting.push(frame) === 1) {
          setImmediate(() => {
            const frames = waiting;
            waiting = [];
            receive(frames);
          });
        }
      });
      socket = opening;
    },

    async close() {
      const closing = socket;
      socket = undefined;
      waiting = [];
      if (closing !== undefined) await new Promise<void>((resolve) => closing.close(() => resolve()));
    },
  };
}

/**
 * Node has no public way to a socket's descriptor. What it keeps of a socket stands under a symbol; `_handle`, which leads to the same,
 * has every process print a warning (DEP0112), and is for a Node that names the symbol otherwise.
 */
function descriptorOf(socket: Socket): number {
  const inside = socket as unknown as Readonly<Record<symbol, { readonly handle?: { readonly fd: number } }>>;
  const state = Object.getOwnPropertySymbols(socket).find(
    ({ description }) => description === 'state symbol',
  );
  const handle = state === undefined ? undefined : inside[state]?.handle;
  return (handle ?? (socket as unknown as { _handle: { readonly fd: number } })._handle).fd;
}

function bindProblem(address: IpAddress, port: number, error: NodeJS.ErrnoException): string {
  const inSpec = ipFamily(address) === 6 ? `[${address}]` : address;
  const what = `cannot receive PSP on ${address} port ${port}`;
  switch (error.code) {
    case 'EACCES':
      return `${what}: ports below 1024 need privileges; use another one on both sides, udp:${inSpec}:PORT, or give node the privilege (setcap cap_net_bind_service=+ep)`;
    case 'EADDRINUSE':
      return `${what}: another program has it; use another address or port, udp:ADDRESS:PORT`;
    case 'EADDRNOTAVAIL':
      return `${what}: it is no address of this machine`;
    default:
      return `${what}: ${error.message}`;
  }
}

/** Payload and destination of a frame that is UDP to PSP's port. */
function pspDatagram(
  frame: Uint8Array,
  family: IpFamily,
): { payload: Uint8Array; destination: IpAddress } | undefined {
  const ip = ETHERNET_HEADER_OCTETS;
  if (etherType(frame) !== (family === 4 ? ETHER_TYPE_IPV4 : ETHER_TYPE_IPV6)) return undefined;
  const valid = family === 4 ? ipv4HeaderValid : ipv6HeaderValid;
  if (!valid(frame, ip, frame.length)) return undefined;
  const udp = ip + (family === 4 ? ipv4HeaderLength(frame, ip) : IPV6_HEADER_OCTETS);
  const protocol = frame[ip + (family === 4 ? IPV4_PROTOCOL : IPV6_NEXT_HEADER)];
  if (protocol !== PROTOCOL_UDP || udp + UDP_HEADER_OCTETS > frame.length) return undefined;
  if (((frame[udp + 2]! << 8) | frame[udp + 3]!) !== PSP_UDP_PORT) return undefined;
  const end = udp + ((frame[udp + 4]! << 8) | frame[udp + 5]!);
  if (end > frame.length || end < udp + UDP_HEADER_OCTETS) return undefined;
  const destination = ipFromOctets(frame, ip + (family === 4 ? IPV4_DESTINATION : IPV6_DESTINATION), family);
  return { payload: frame.subarray(udp + UDP_HEADER_OCTETS, end), destination };
}

function remoteOctets(text: string, family: IpFamily): Uint8Array | undefined {
  try {
    const octets = ipToOctets(parseIp(text.replace(/%.*/, '')));
    return octets.length === (family === 4 ? 4 : 16) ? octets : undefined;
  } catch {
    return undefined;
  }
}

function wrap(
  payload: Uint8Array,
  family: IpFamily,
  to: { ownMac: Uint8Array; ownIp: Uint8Array; source: Uint8Array; sourcePort: number },
): Uint8Array {
  const ip = ETHERNET_HEADER_OCTETS;
  const udp = ip + (family === 4 ? IPV4_HEADER_OCTETS_MIN : IPV6_HEADER_OCTETS);
  const frame = new Uint8Array(udp + UDP_HEADER_OCTETS + payload.length);
  writeEthernetHeader(frame, to.ownMac, REMOTE_MAC, family === 4 ? ETHER_TYPE_IPV4 : ETHER_TYPE_IPV6);
  if (family === 4) {
    frame[ip] = 0x45;
    setIpv4TotalLength(frame, ip, frame.length - ip);
    frame[ip + IPV4_FLAGS_FRAGMENT] = IPV4_FLAG_DONT_FRAGMENT >>> 8;
    frame[ip + IPV4_TTL] = TTL;
    frame[ip + IPV4_PROTOCOL] = PROTOCOL_UDP;
    frame.set(to.source, ip + IPV4_SOURCE);
    frame.set(to.ownIp, ip + IPV4_DESTINATION);
    setIpv4Checksum(frame, ip);
  } else {
    frame[ip] = 0x60;
    setIpv6PayloadLength(frame, ip, frame.length - udp);
    frame[ip + IPV6_NEXT_HEADER] = PROTOCOL_UDP;
    frame[ip + IPV6_HOP_LIMIT] = TTL;
    frame.set(to.source, ip + IPV6_SOURCE);
    frame.set(to.ownIp, ip + IPV6_DESTINATION);
  }
  const view = new DataView(frame.buffer);
  view.setUint16(udp, to.sourcePort);
  view.setUint16(udp + 2, PSP_UDP_PORT);
  view.setUint16(udp + 4, frame.length - udp);
  frame.set(payload, udp + UDP_HEADER_OCTETS);
  return frame;
}
