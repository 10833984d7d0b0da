import { expect, test } from 'vitest';
import { observePort } from '../../../../src/hal-sim/ports/observe.js';
import { CapturePort } from '../../../../src/verify/capture-port.js';

test('whoever observes a port sees each frame in its direction, before it is handed on', async () => {
  const port = new CapturePort('wire', 1400);
  const seen: [string, number][] = [];
  const observed = observePort(port, (direction, frame) => seen.push([direction, frame[0]!]));
  expect(observed).toMatchObject({ name: 'wire', mtuOctets: 1400 });
  const received: number[][] = [];
  await observed.start(
    (frames) =>
      void received.push(
        frames.map((frame) => frame[0]!),
        seen.map(() => 0),
      ),
  );
  observed.send([Uint8Array.of(1), Uint8Array.of(2)]);
  expect(port.takeSent().map((frame) => frame[0])).toEqual([1, 2]);
  port.inject([Uint8Array.of(3), Uint8Array.of(4)]);
  // All four had been seen when the frames came.
  expect(received).toEqual([
    [3, 4],
    [0, 0, 0, 0],
  ]);
  expect(seen).toEqual([
    ['out', 1],
    ['out', 2],
    ['in', 3],
    ['in', 4],
  ]);
  await observed.close();
  expect(port.closed).toBe(true);
});
