/** A port whose frames go over UDP to one other address, one frame per datagram, and come from there only. */
import { createSocket } from 'node:dgram';
import type { SimPort } from '../../hal-sim/port.js';
import { ipFamily } from '../../packet/address.js';
import type { Endpoint } from './places.js';

const BUFFER_OCTETS = 4 * 1024 * 1024;

/** Rejects when the address cannot be bound. */
export async function openUdpPort(
  name: string,
  own: Endpoint,
  peer: Endpoint,
  mtuOctets: number,
): Promise<SimPort> {
  const socket = createSocket({ type: ipFamily(own.host) === 4 ? 'udp4' : 'udp6' });
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(own.port, own.host, resolve);
  });
  socket.removeAllListeners('error');
  // A peer that is down refuses datagrams; they are lost, as on a cable.
  socket.on('error', () => undefined);
  try {
    socket.setRecvBufferSize(BUFFER_OCTETS);
    socket.setSendBufferSize(BUFFER_OCTETS);
  } catch {
    // The system allows less; it is a matter of loss, which a network has.
  }
  let open = true;
  return {
    name,
    mtuOctets,
    send(frames) {
      if (open) for (const frame of frames) socket.send(frame, peer.port, peer.host);
    },
    async start(receive) {
      socket.on('message', (frame, from) => {
        if (from.address === peer.host && from.port === peer.port) receive([new Uint8Array(frame)]);
      });
    },
    async close() {
      if (!open) return;
      open = false;
      await new Promise<void>((resolve) => socket.close(() => resolve()));
    },
  };
}

/** Joins two ports: frames from one go into the other. Closing closes both. */
export async function bridge(a: SimPort, b: SimPort): Promise<{ close(): Promise<void> }> {
  await a.start((frames) => b.send(frames));
  await b.start((frames) => a.send(frames));
  return {
    async close() {
      await Promise.all([a.close(), b.close()]);
    },
  };
}
