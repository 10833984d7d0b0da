import type { Static } from 'typebox';
import { sleep } from '../../base/clock.js';
import { text } from '../file/schema-values.js';
import { type FromWorkload, fromSchema, type TrafficKind } from './kind.js';

/** The packets that the workload's addresses sent in a capture, sent again at its VF with the capture's times. */
export interface ReplayPlan extends FromWorkload {
  readonly type: 'replay';
  /** The path as written, relative to the topology's file. */
  readonly file: string;
}

const schema = fromSchema(
  'replay',
  "what the workload's addresses sent in a capture, put in at its port at the capture's own times",
  { file: text("pcap or pcapng, relative to the topology's file") },
);

export const replay: TrafficKind<ReplayPlan, Static<typeof schema>> = {
  schema,
  example: {
    type: 'replay',
    from: ['v1', 'w1', 'w2'],
    start: '5ms',
    spread: '5ms',
    sample: 2,
    file: 'x.pcap',
  },
  read: ({ file }) => ({ type: 'replay', file }),
  write: ({ file }) => ({ file }),
  async start(flow, plan, { clock, workload, replays, arrivals }) {
    const { host } = workload(plan.from).node;
    const startMs = clock.nowMs();
    for (const { atMs, frame } of replays.get(plan.name)?.frames ?? []) {
      await sleep(clock, startMs + atMs - clock.nowMs());
      arrivals.expectFrame(frame, { flow, sequence: flow.send(clock.nowMs()) });
      host.inject([frame.slice()]);
    }
  },
  durationMs: () => 0,
  packets(_, played) {
    const frames = played?.frames ?? [];
    const octets = frames.reduce((sum, { frame }) => sum + frame.length, 0);
    return [{ count: frames.length, octets: frames.length === 0 ? 0 : octets / frames.length }];
  },
  // Why frames are left out depends on the capture, and has no names that are known before.
  counters: { unplayable: 0 },
  search: {},
  arbitrary: (values) => ({ type: 'replay', from: values.from(), file: values.text() }),
};
