import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, expect, test } from 'vitest';
import { parseIp } from '../../../../src/packet/address.js';
import type { Endpoint } from '../../../../src/topology/real-time/places.js';
import { bridge, openUdpPort } from '../../../../src/topology/real-time/udp-port.js';
import { CapturePort } from '../../../../src/verify/capture-port.js';

const closing: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** A socket at an address of its own. */
async function socket(host = '127.0.0.1'): Promise<{ socket: Socket; end: Endpoint; got: Buffer[] }> {
  const one = createSocket('udp4');
  one.bind(0, host);
  await once(one, 'listening');
  closing.push(() => one.close());
  const got: Buffer[] = [];
  one.on('message', (octets) => got.push(octets));
  return { socket: one, end: { host: parseIp(host), port: one.address().port }, got };
}

/** A free place; whoever was there is gone. */
async function free(host = '127.0.0.1'): Promise<Endpoint> {
  const one = createSocket('udp4');
  one.bind(0, host);
  await once(one, 'listening');
  const { port } = one.address();
  await new Promise<void>((resolve) => one.close(() => resolve()));
  return { host: parseIp(host), port };
}

async function port(own: Endpoint, peer: Endpoint) {
  const one = await openUdpPort('h1 uplink', own, peer, 1400);
  closing.push(() => one.close());
  const got: Uint8Array[] = [];
  await one.start((frames) => got.push(...frames));
  return { one, got };
}

const sendTo = (from: Socket, to: Endpoint, octets: Uint8Array) =>
  new Promise<void>((resolve) => from.send(octets, to.port, to.host, () => resolve()));

/** Until so many have come. */
async function until(list: readonly unknown[], count: number): Promise<void> {
  for (let i = 0; i < 500 && list.length < count; i++) await new Promise((resolve) => setTimeout(resolve, 2));
  expect(list.length).toBeGreaterThanOrEqual(count);
}

test('frames go to the peer and come from it, one per datagram, as they are', async () => {
  const peer = await socket();
  const own = await free();
  const { one, got } = await port(own, peer.end);
  expect([one.name, one.mtuOctets]).toEqual(['h1 uplink', 1400]);
  const frames = [new Uint8Array(60).fill(1), new Uint8Array(1414).fill(2), Uint8Array.of(3)];
  one.send(frames);
  await until(peer.got, 3);
  expect(peer.got.map((octets) => new Uint8Array(octets))).toEqual(frames);
  for (const frame of frames) await sendTo(peer.socket, own, frame);
  await until(got, 3);
  expect(got).toEqual(frames);
});

test('datagrams of anybody else do not get in: another port of the peer, another address', async () => {
  const peer = await socket();
  const otherPort = await socket();
  const otherHost = await socket('127.0.0.2');
  const own = await free();
  const { got } = await port(own, peer.end);
  await sendTo(otherPort.socket, own, Uint8Array.of(1));
  await sendTo(otherHost.socket, own, Uint8Array.of(2));
  await sendTo(peer.socket, own, Uint8Array.of(3));
  await until(got, 1);
  expect(got).toEqual([Uint8Array.of(3)]);
});

test('one at the peer’s port and another address does not get in either', async () => {
  const peer = await socket();
  const impostor = createSocket('udp4');
  impostor.bind(peer.end.port, '127.0.0.2');
  await once(impostor, 'listening');
  closing.push(() => impostor.close());
  const own = await free();
  const { got } = await port(own, peer.end);
  await sendTo(impostor, own, Uint8Array.of(1));
  await sendTo(peer.socket, own, Uint8Array.of(2));
  await until(got, 1);
  expect(got).toEqual([Uint8Array.of(2)]);
});

test('an address that is taken, or not this machine’s, is refused', async () => {
  const taken = await socket();
  await expect(openUdpPort('x', taken.end, taken.end, 1400)).rejects.toThrow(/EADDRINUSE/);
  const far = { host: parseIp('192.0.2.1'), port: 20_000 };
  await expect(openUdpPort('x', far, taken.end, 1400)).rejects.toThrow(/EADDRNOTAVAIL/);
});

test('a peer that is down is as a cable that is not plugged in: frames are lost, and later ones arrive', async () => {
  const there = await free();
  const own = await free();
  const { one, got } = await port(own, there);
  one.send([Uint8Array.of(1)]);
  await new Promise((resolve) => setTimeout(resolve, 20));
  one.send([Uint8Array.of(2)]);
  const back = createSocket('udp4');
  back.bind(there.port, there.host);
  await once(back, 'listening');
  closing.push(() => back.close());
  await sendTo(back, own, Uint8Array.of(3));
  await until(got, 1);
  expect(got).toEqual([Uint8Array.of(3)]);
});

test('a frame that no datagram can carry is lost, and harms nothing', async () => {
  const peer = await socket();
  const { one } = await port(await free(), peer.end);
  one.send([new Uint8Array(70_000), Uint8Array.of(1)]);
  await until(peer.got, 1);
  expect(peer.got.map((octets) => octets.length)).toEqual([1]);
  await new Promise((resolve) => setTimeout(resolve, 20));
});

test('closed, it sends nothing and gives its address back; closing again is allowed', async () => {
  const peer = await socket();
  const own = await free();
  const { one } = await port(own, peer.end);
  await one.close();
  await one.close();
  one.send([Uint8Array.of(1)]);
  const { got } = await port(own, peer.end);
  await sendTo(peer.socket, own, Uint8Array.of(2));
  await until(got, 1);
  expect(peer.got).toEqual([]);
});

test('a bridge carries frames both ways, and closes both ports', async () => {
  const [a, b] = [new CapturePort('a', 1500), new CapturePort('b', 1500)];
  const both = await bridge(a, b);
  a.inject([Uint8Array.of(1), Uint8Array.of(2)]);
  b.inject([Uint8Array.of(3)]);
  expect(b.takeSent()).toEqual([Uint8Array.of(1), Uint8Array.of(2)]);
  expect(a.takeSent()).toEqual([Uint8Array.of(3)]);
  await both.close();
  expect([a.closed, b.closed]).toEqual([true, true]);
});
