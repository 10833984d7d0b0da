import { expect, test } from 'vitest';
import { createVirtualClock } from '../../../../src/base/virtual-clock.js';
import type { OutsidePort } from '../../../../src/topology/nodes/outside-end.js';
import { runTopology } from '../../../../src/topology/run.js';
import { topologyOf } from '../../../support/topology-text.js';

const TOPOLOGY = topologyOf(`name: t
topology:
  nodes: {s1: {kind: switch}}
  links:
    - {endpoints: ["s1:e1", "host:a"], delay: 5ms}
    - {endpoints: ["host:b", "s1:e2"]}
scenario:
  duration: 100ms
`);

/** An interface whose wire the test has. `loses`: frames that go out and are counted nowhere. */
class Wire implements OutsidePort {
  readonly name = 'wire';
  readonly mtuOctets = 1500;
  readonly sent: Uint8Array[] = [];
  receive: ((frames: readonly Uint8Array[]) => void) | undefined;
  closed = 0;
  onState: (trouble: string | undefined) => void = () => {};

  constructor(private readonly loses = 0) {}

  get counters() {
    const sent = this.sent.length - this.loses;
    return { received: 0, sent, kernelDropped: 0, tooBig: 0, notUnderstood: 0, queueFull: 0, sendErrors: 0 };
  }
  send(frames: readonly Uint8Array[]): void {
    this.sent.push(...frames);
  }
  async start(receive: (frames: readonly Uint8Array[]) => void): Promise<void> {
    this.receive = receive;
  }
  async close(): Promise<void> {
    this.closed++;
  }
}

const frame = Uint8Array.of(...new Array(6).fill(0xff), 2, 0, 0, 0, 0, 1, 0x88, 0xb5, 1, 2, 3);

async function run(a: Wire, b: Wire) {
  const clock = createVirtualClock();
  const lines: string[] = [];
  const running = runTopology(TOPOLOGY, {
    clock,
    outside: new Map(
      [a, b].map((wire, i) => [
        TOPOLOGY.links[i]!.name,
        (onState) => {
          wire.onState = onState;
          return wire;
        },
      ]),
    ),
    sink: { write: (name, octets) => name === 'run.log' && lines.push(new TextDecoder().decode(octets)) },
  });
  await clock.advance(10);
  a.receive!([frame.slice(), frame.slice()]);
  b.onState('it is down');
  await clock.advance(20);
  b.onState(undefined);
  await clock.advance(100);
  return { report: (await running).report, lines };
}

test('interfaces are ends of links: frames pass from one to the other, and what happens to them is told', async () => {
  const [a, b] = [new Wire(), new Wire()];
  const { report, lines } = await run(a, b);
  expect(a.sent).toEqual([]);
  expect(b.sent.map((sent) => [...sent])).toEqual([[...frame], [...frame]]);
  expect(report).toMatchObject({
    ok: true,
    outside: { 'host:a': { sent: 0, interruptions: 0 }, 'host:b': { sent: 2, interruptions: 1 } },
    links: { 's1:e1 host:a': { 'host:a': { sent: 2, delivered: 2 } } },
  });
  expect(lines).toEqual(['10.000 host:b warning: it is down\n', '30.000 host:b info: it is there again\n']);
  expect([a.closed, b.closed]).toEqual([1, 1]);
});

test('a frame for an interface that has no end there is a violation', async () => {
  const { report } = await run(new Wire(), new Wire(1));
  expect(report.violations).toMatchObject([
    { kind: 'unaccounted', node: 'host:b', text: '2 frames for the interface, 1 ends' },
  ]);
});
