/**
 * Tunnels of AES-GMAC (PSP versions 2 and 3): authenticated, and readable by design, so that only an operator can ask for them, and no
 * peer can.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ControlTransport } from '../../src/gateway/rpc/transport.js';
import {
  decodeMultiTunnelRequest,
  decodeMultiTunnelResponse,
  encodeMultiTunnelRequest,
  encodeMultiTunnelResponse,
  type TunnelParameters,
} from '../../src/gateway/rpc/tunnel-messages.js';
import { isGmac, keyLengthOctets, type PspVersion, pspVersion } from '../../src/psp/header.js';
import { contains, frameOf } from '../../src/verify/inner-packets.js';
import { type GatewayNetwork, idsOf, packetBetween, type TestNode, vip } from '../support/gateways.js';
import type { GatewaysUnderTest } from './gateways.js';

const PAYLOAD = new Uint8Array(16).fill(0x77);
const IDS = [1, 2, 3];
const ICMP = { protocol: 'icmp', sourcePort: 0, destinationPort: 0 } as const;

const ofVersion = (parameters: TunnelParameters, version: PspVersion): TunnelParameters => ({
  ...parameters,
  pspVersion: version,
  key: new Uint8Array(keyLengthOctets(version)).fill(9),
});

/** A peer that gives parameters of another version than it was asked for. */
const answering =
  (version: PspVersion) =>
  (transport: ControlTransport): ControlTransport => ({
    ...transport,
    call: async (peer, method, request, options) => {
      const response = await transport.call(peer, method, request, options);
      if (method !== 'RequestMultipleTunnelParams') return response;
      const { requestId, tunnels } = decodeMultiTunnelRequest(request);
      const answers = decodeMultiTunnelResponse(response, tunnels.length, requestId);
      return encodeMultiTunnelResponse(
        requestId,
        answers.map((one) => ofVersion(one, version)),
      );
    },
  });

/** A peer that accepts some versions, and has us send by another. */
const asking =
  (accepted: readonly number[], version: PspVersion) =>
  (transport: ControlTransport): ControlTransport => ({
    ...transport,
    call: (peer, method, request, options) => {
      if (method !== 'RequestMultipleTunnelParams') return transport.call(peer, method, request, options);
      const { requestId, tunnels } = decodeMultiTunnelRequest(request);
      const changed = encodeMultiTunnelRequest('3.x', {
        requestId,
        versionsAccepted: [...accepted],
        tunnels: tunnels.map((tunnel) => ({
          ...tunnel,
          reverse: tunnel.reverse && ofVersion(tunnel.reverse, version),
        })),
      });
      return transport.call(peer, method, changed, options);
    },
  });

export function describeVersions({ network }: GatewaysUnderTest): void {
  let net: GatewayNetwork;
  beforeEach(() => {
    net = network();
  });
  afterEach(() => net.stopAll());

  const send = async (from: TestNode, to: TestNode, mode: 'tunnel' | 'transport' = 'tunnel') => {
    const frames = IDS.map((id) => frameOf(packetBetween(from.number, to.number, id)));
    // In transport mode frames carry the peer's own MAC.
    if (mode === 'transport') for (const frame of frames) frame.set([2, 0, 0, 0, 1, to.number]);
    from.workload.inject(frames);
    await net.run(200);
    return idsOf(to.workload.takeSent());
  };
  const versionOf = (frame: Uint8Array, mode: 'tunnel' | 'transport') =>
    pspVersion(frame, 14 + (mode === 'tunnel' ? 40 : 20) + 8);
  const readable = () => net.wire.filter((frame) => contains(frame, PAYLOAD));

  describe.each([2, 3] as const)('PSP version %i, which was asked for', (version) => {
    test.each(['tunnel', 'transport'] as const)(
      'in %s mode carries packets readable, and says so',
      async (mode) => {
        const options = { pspVersion: version, mode, cookies: version === 3 };
        const [a, b] = [await net.start(1, [2], options), await net.start(2, [1], options)];
        expect(await send(a, b, mode)).toEqual(IDS);
        expect(await send(b, a, mode)).toEqual(IDS);
        const carried = readable();
        expect(carried).toHaveLength(2 * IDS.length);
        for (const frame of carried) {
          expect(versionOf(frame, mode)).toBe(version);
          // The crypt offset of AES-GMAC is 0.
          expect(frame[14 + (mode === 'tunnel' ? 40 : 20) + 8 + 2]).toBe(0);
        }
        for (const node of [a, b]) {
          expect(node.gateway.view()).toMatchObject({
            sessionsReadable: 1,
            sessions: [{ readable: true, state: 'established' }],
          });
          expect(node.events).toContainEqual(
            expect.objectContaining({ type: 'tunnel-established', payload: 'readable' }),
          );
          const { verdict, facts } = await node.gateway.explain({
            source: vip(node.number),
            destination: vip(node === a ? b.number : a.number),
            ...ICMP,
          });
          expect(verdict).toContain('authenticated, and READABLE ON ITS WAY, under SPI');
          expect(facts.join()).toContain('who is on their way can read them');
        }
      },
    );

    test('lets in nothing that was changed on the way', async () => {
      const options = { pspVersion: version };
      const [a, b] = [await net.start(1, [2], options), await net.start(2, [1], options)];
      expect(await send(a, b)).toEqual(IDS);
      const [frame] = readable();
      for (const at of [14 + 40 + 8, frame!.length - 30, frame!.length - 1]) {
        const changed = frame!.slice();
        changed[at]! ^= 0x10;
        net.arrive(b, [changed]);
      }
      await net.run(100);
      expect(b.workload.takeSent()).toEqual([]);
    });

    test('is re-keyed, and survives a rotation', async () => {
      const options = { pspVersion: version, limits: { rekeyGraceMs: 1000 } };
      const [a, b] = [await net.start(1, [2], options), await net.start(2, [1], options)];
      expect(await send(a, b)).toEqual(IDS);
      for (let i = 0; i < 2; i++) {
        const rotated = b.gateway.rotateMasterKey(true);
        await net.run(3000);
        await rotated;
        expect(await send(a, b)).toEqual(IDS);
        expect(await send(b, a)).toEqual(IDS);
      }
    });
  });

  test('a gateway that allows it encrypts with a peer that asks for encryption', async () => {
    const a = await net.start(1, [2], { pspVersion: 1 });
    const b = await net.start(2, [1], { pspVersion: 3 });
    expect(await send(a, b)).toEqual(IDS);
    expect(await send(b, a)).toEqual(IDS);
    expect(readable()).toEqual([]);
    expect(b.gateway.view().sessionsReadable).toBe(0);
  });

  describe.each([0, 1] as const)('a gateway that asks for version %i', (own) => {
    const refuses = (gateway: TestNode, refused: { requests: number; answers: number }) => {
      const view = gateway.gateway.view();
      for (const [what, least] of Object.entries(refused)) {
        const count = view.versionsRefused[what as 'requests'];
        if (least === 0) expect(count, what).toBe(0);
        else expect(count, what).toBeGreaterThanOrEqual(least);
      }
      expect(view.sessionsReadable).toBe(0);
      expect(view.sessions.filter(({ egressSpi }) => egressSpi !== undefined)).toEqual([]);
      expect(readable()).toEqual([]);
    };

    test.each([2, 3] as const)('refuses a peer that asks for version %i, and counts it', async (version) => {
      const a = await net.start(1, [2], { pspVersion: own });
      const peer = await net.start(2, [1], { pspVersion: version });
      expect(await send(peer, a)).toEqual([]);
      refuses(a, { requests: 1, answers: 0 });
      expect(a.events).toContainEqual(
        expect.objectContaining({
          type: 'request-refused',
          code: 'INVALID_ARGUMENT',
          reason: expect.stringContaining('AES-GMAC leaves payload readable'),
        }),
      );
    });

    test.each([2, 3] as const)(
      'refuses to send by version %i what it may receive encrypted',
      async (version) => {
        const a = await net.start(1, [2], { pspVersion: own });
        const peer = await net.start(2, [1], { pspVersion: own, wrapTransport: asking([own], version) });
        expect(await send(peer, a)).toEqual([]);
        refuses(a, { requests: 1, answers: 0 });
      },
    );

    test('gives a peer that likes AES-GMAC better the version that both have', async () => {
      const a = await net.start(1, [2], { pspVersion: own });
      const peer = await net.start(2, [1], { pspVersion: own, wrapTransport: asking([3, 2, own], own) });
      await send(peer, a);
      const { versionsRefused, sessions } = a.gateway.view();
      expect(versionsRefused).toEqual({ requests: 0, answers: 0 });
      expect(sessions).toMatchObject([{ readable: false, state: 'established' }]);
    });

    test.each([0, 1, 2, 3] as const)(
      'takes an answer of version %i only where it asked for it',
      async (version) => {
        const a = await net.start(1, [2], { pspVersion: own, wrapTransport: answering(version) });
        await net.start(2, [1], { pspVersion: own });
        a.workload.inject(IDS.map((id) => frameOf(packetBetween(1, 2, id))));
        await net.run(200);
        if (version === own) expect(a.gateway.view().versionsRefused.answers).toBe(0);
        else refuses(a, { requests: 0, answers: 1 });
        expect(net.wire.filter((frame) => isGmac(versionOf(frame, 'tunnel')))).toEqual([]);
      },
    );
  });
}
