import { expect, test } from 'vitest';
import { PortSlot } from '../../../../src/topology/nodes/port-slot.js';
import { CapturePort } from '../../../../src/verify/capture-port.js';

const MAC = Uint8Array.of(2, 0, 0, 0, 0, 7);
const OTHER = Uint8Array.of(2, 0, 0, 0, 0, 8);
const GROUP = Uint8Array.of(0x33, 0x33, 0, 0, 0, 1);
const frame = (to: Uint8Array, mark = 0) => Uint8Array.of(...to, ...new Uint8Array(8), mark);

function build(mac?: Uint8Array) {
  const port = new CapturePort('p0', 1500);
  const slot = new PortSlot(port, mac === undefined ? undefined : [mac]);
  /** A device at the slot, and what it has received. */
  const device = async () => {
    const taken = slot.take();
    const received: Uint8Array[] = [];
    await taken.start((frames) => received.push(...frames));
    return { port: taken, received };
  };
  return { port, slot, device };
}

test('a device at the slot sends and receives through the port, under its name and MTU', async () => {
  const { port, slot, device } = build();
  const one = await device();
  expect([one.port.name, one.port.mtuOctets]).toEqual(['p0', 1500]);
  port.inject([frame(MAC, 1), frame(OTHER, 2)]);
  expect(one.received).toEqual([frame(MAC, 1), frame(OTHER, 2)]);
  one.port.send([frame(OTHER, 3)]);
  expect(port.takeSent()).toEqual([frame(OTHER, 3)]);
  expect([slot.vacant, slot.foreign]).toEqual([0, 0]);
});

test('while nobody sits there frames are counted, before the first device and between two', async () => {
  const { port, slot, device } = build();
  port.inject([frame(MAC)]);
  expect(slot.vacant).toBe(1);
  const one = await device();
  await one.port.close();
  port.inject([frame(MAC), frame(MAC)]);
  expect(slot.vacant).toBe(3);
  const two = await device();
  port.inject([frame(MAC, 9)]);
  expect([one.received, two.received]).toEqual([[], [frame(MAC, 9)]]);
  expect(slot.vacant).toBe(3);
  expect(port.closed).toBe(false);
});

test('a device has the slot from its start to its close: outside of it, nothing that it sends leaves', async () => {
  const { port, slot, device } = build();
  const early = slot.take();
  early.send([frame(MAC, 1)]);
  const one = await device();
  early.send([frame(MAC, 2)]);
  await one.port.close();
  one.port.send([frame(MAC, 3)]);
  expect(port.takeSent()).toEqual([]);
});

test('who closes late does not take the slot from who came after', async () => {
  const { port, device } = build();
  const one = await device();
  const two = await device();
  one.port.send([frame(MAC, 1)]);
  await one.port.close();
  port.inject([frame(MAC, 2)]);
  two.port.send([frame(MAC, 3)]);
  expect(one.received).toEqual([]);
  expect(two.received).toEqual([frame(MAC, 2)]);
  expect(port.takeSent()).toEqual([frame(MAC, 3)]);
});

test('with a MAC only frames for it and for groups come in; others are counted apart, down or not', async () => {
  const { port, slot, device } = build(MAC);
  port.inject([frame(OTHER), frame(MAC)]);
  expect([slot.vacant, slot.foreign]).toEqual([1, 1]);
  const one = await device();
  const calls: number[] = [];
  const two = slot.take();
  port.inject([frame(OTHER, 1), frame(MAC, 2), frame(GROUP, 3), frame(MAC, 4)]);
  expect(one.received).toEqual([frame(MAC, 2), frame(GROUP, 3), frame(MAC, 4)]);
  expect([slot.vacant, slot.foreign]).toEqual([1, 2]);
  await two.start((frames) => calls.push(frames.length));
  port.inject([frame(OTHER)]);
  expect(calls).toEqual([]);
});
