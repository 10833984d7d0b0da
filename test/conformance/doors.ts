/**
 * A whole gateway whose doors are under attack, over a device: strangers at their limits, somebody with a certificate
 * who is no peer, a peer that takes its share to the last octet and floods. What reaches the device is what another
 * peer asked for, and that peer is answered.
 */
import { connect, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.js';
import { systemRandom } from '../../src/base/random.js';
import { DOOR_LIMITS } from '../../src/gateway/doors/door-limits.js';
import type { DoorView } from '../../src/gateway/doors/door-view.js';
import { Gateway } from '../../src/gateway/gateway.js';
import { createThrowAwayAuthority } from '../../src/gateway/rpc/certificates.js';
import {
  createGrpcTransport,
  type GrpcTransport,
  type TlsMaterial,
} from '../../src/gateway/rpc/grpc-transport.js';
import {
  decodeMultiTunnelResponse,
  encodeMultiTunnelRequest,
} from '../../src/gateway/rpc/tunnel-messages.js';
import { type IpAddress, parseIp, parseMac } from '../../src/packet/address.js';
import type { HalUnderTest } from '../../src/verify/harness.js';
import { VF_MAC } from '../../src/verify/sim-harness.js';
import { peersAt } from '../support/doorkeepers.js';
import { gatewayOptions, LIMITS } from '../support/gateways.js';
import { DATA, FLOODS, frame, HELLO, openStream, prefix, rawClient } from '../support/raw-http2.js';

const SERVER = parseIp('127.0.0.1');
const HONEST = parseIp('127.0.0.9');
const GREEDY = parseIp('127.0.0.10');
const STRANGER = parseIp('127.0.0.66');
const LOCAL_VIP = parseIp('192.168.1.1');
const HONEST_VIP = parseIp('192.168.2.1');
const HELD_TRIES = 400;
const MESSAGE_OCTETS = LIMITS.requestOctetsMax;
const OCTETS_PER_PEER = 4 * MESSAGE_OCTETS;

export function describeDoors(implementation: HalUnderTest): void {
  describe(`the doors of a gateway over ${implementation.name}`, () => {
    let gateway: Gateway;
    let client: GrpcTransport;
    let tlsOf: (ip: IpAddress) => Promise<TlsMaterial>;
    const sockets: Socket[] = [];

    beforeAll(async () => {
      const authority = await createThrowAwayAuthority();
      tlsOf = async (ip) => ({
        caPem: authority.caPem,
        ...(await authority.issue({ commonName: ip, ips: [ip] })),
      });
      const { hal } = await implementation.open();
      gateway = new Gateway({
        hal,
        transport: createGrpcTransport({
          tls: await tlsOf(SERVER),
          messageOctetsMax: MESSAGE_OCTETS,
          clock: systemClock,
          limits: { octetsPerPeer: OCTETS_PER_PEER },
        }),
        clock: systemClock,
        random: systemRandom(),
        logger: { log: () => {}, enabled: () => false },
        options: {
          ...gatewayOptions({ host: SERVER, port: 0 }, [
            { serviceAddress: { host: HONEST, port: 3000 }, virtualIps: [HONEST_VIP] },
            { serviceAddress: { host: GREEDY, port: 3000 }, virtualIps: [parseIp('192.168.3.1')] },
          ]),
          localVirtualIps: [LOCAL_VIP],
          decapDmac: parseMac(VF_MAC),
          innerFamilies: [4],
        },
      });
      await gateway.start();
      client = createGrpcTransport({
        tls: await tlsOf(HONEST),
        messageOctetsMax: MESSAGE_OCTETS,
        clock: systemClock,
      });
      await client.listen({ host: HONEST, port: 0 }, async (_method, octets) => octets, peersAt());
    });

    afterAll(async () => {
      for (const socket of sockets) socket.destroy();
      await client?.close();
      await gateway?.stop();
    });

    /** What attacks took is all there again; the honest peer's one connection stays. */
    afterEach(async () => {
      for (const socket of sockets.splice(0)) socket.destroy();
      await seen(({ connections }) => connections, 1);
      await seen(({ octetsHeld }) => octetsHeld, 0);
      expect(doors().strangers).toBe(0);
    });

    const doors = () => gateway.view().doors!;
    const seen = (what: (view: DoorView) => number, count: number) =>
      expect.poll(() => what(doors()), { timeout: 20_000, interval: 2 }).toBe(count);
    const port = () => gateway.serviceAddress!.port;

    /** The honest peer asks for its tunnel; resolves with the SPI that it got. */
    async function ask(): Promise<number> {
      const request = encodeMultiTunnelRequest('3.x', {
        requestId: 1n,
        versionsAccepted: [1],
        tunnels: [{ virtSource: HONEST_VIP, virtDestination: LOCAL_VIP, reverse: undefined }],
      });
      const response = await client.call(gateway.serviceAddress!, 'RequestMultipleTunnelParams', request, {
        deadlineMs: 20_000,
      });
      return decodeMultiTunnelResponse(response, 1)[0]!.spi;
    }

    async function raw(from: IpAddress) {
      const connection = await rawClient({ port: port(), from, tls: await tlsOf(from) });
      sockets.push(connection.socket);
      await connection.send(HELLO);
      return connection;
    }

    test('strangers who hold all that they may do not keep a peer out', async () => {
      for (let i = 0; i < HELD_TRIES; i++) {
        const socket = connect({ host: SERVER, port: port(), localAddress: `127.0.1.${1 + (i % 100)}` });
        socket.on('error', () => {});
        sockets.push(socket);
      }
      await seen(({ accepted }) => accepted, HELD_TRIES);
      const { strangers, refused } = doors();
      expect(strangers).toBeLessThanOrEqual(DOOR_LIMITS.strangers);
      expect(refused.strangers + refused.source + refused.rate).toBeGreaterThanOrEqual(
        HELD_TRIES - DOOR_LIMITS.strangers,
      );
      expect(await ask()).toBeGreaterThan(0);
    });

    test('of 256 streams of somebody who is no peer nothing is read', async () => {
      const stranger = await raw(STRANGER);
      for (let i = 0; i < 256; i++) {
        const body = frame(DATA, 0, 2 * i + 1, Buffer.concat([prefix(MESSAGE_OCTETS), Buffer.alloc(16_000)]));
        await stranger.send(Buffer.concat([openStream(2 * i + 1), body]));
      }
      await stranger.closed;
      expect(doors()).toMatchObject({ requests: 1, octetsHeld: 0, notPeers: 1 });
      expect(doors().octetsHeldPeak).toBeLessThan(10_000);
      expect(gateway.view().refused).toEqual({});
    });

    test('a peer holds its share, and another is answered meanwhile and after a flood', async () => {
      const greedy = await raw(GREEDY);
      for (let i = 0; i < 16; i++) {
        await greedy.send(
          Buffer.concat([openStream(2 * i + 1), frame(DATA, 0, 2 * i + 1, prefix(MESSAGE_OCTETS))]),
        );
      }
      await seen(({ octetsRefused }) => octetsRefused, 12);
      expect(doors().octetsHeld).toBe(OCTETS_PER_PEER);
      const before = await ask();
      for (let n = 0; !greedy.socket.destroyed; n++) {
        await greedy.send(Buffer.concat(Array.from({ length: 1000 }, () => FLOODS.ping!(n))));
      }
      await seen(({ floods, protocolErrors }) => floods + protocolErrors, 1);
      expect(await ask()).not.toBe(before);
      expect(gateway.view().sessions).toHaveLength(1);
    });
  });
}
