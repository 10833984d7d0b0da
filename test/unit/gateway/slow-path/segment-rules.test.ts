/** Transport mode: the rules of the segment by themselves, frame by frame, on a clock that stands still. */
import { describe, expect, test } from 'vitest';
import { Segment, type SegmentOptions } from '../../../../src/gateway/slow-path/segment.js';
import { type IpAddress, parseIp, parseMac } from '../../../../src/packet/address.js';
import {
  advertisement,
  arpReply,
  arpRequest,
  listenerReport,
  routerAdvertisement,
} from '../../../support/segment-frames.js';

const OURS = { ip: '192.168.1.1', ip6: 'fd00::1', mac: parseMac('02:00:00:00:00:11') };
const THEIRS = { ip: '192.168.1.2', ip6: 'fd00::2', mac: '02:00:00:00:00:02' };
const ANSWER_MS = 3_000;
const QUESTIONS_MAX = 1024;

function open(options: Partial<SegmentOptions> = {}) {
  const clock = { nowMs: 1_000_000 };
  const events: unknown[] = [];
  const segment = new Segment({
    allowRouters: [],
    localVips: new Set<IpAddress>([parseIp(OURS.ip), parseIp(OURS.ip6)]),
    workloadMac: OURS.mac,
    perSource: 1_000_000,
    total: 1_000_000,
    nowMs: () => clock.nowMs,
    observe: (event) => events.push(event),
    ...options,
  });
  return { clock, events, segment };
}

describe('those who watch', () => {
  test('are told of what is dropped which way it went, from whom, and what it was about', () => {
    const { segment, events } = open();
    segment.pass('out', arpRequest('192.168.1.9', THEIRS.ip, OURS.mac));
    segment.pass('in', advertisement(OURS.ip6, { ip: THEIRS.ip6, mac: OURS.mac }, THEIRS.mac));
    segment.pass('in', routerAdvertisement('fe80::99', '02:00:00:00:00:99'));
    const type = 'segment-dropped';
    expect(events).toEqual([
      {
        type,
        side: 'workload',
        kind: 'arp-request',
        why: 'not-ours',
        source: '192.168.1.9',
        mac: OURS.mac,
        target: THEIRS.ip,
      },
      {
        type,
        side: 'underlay',
        kind: 'neighbor-advertisement',
        why: 'ours',
        source: OURS.ip6,
        mac: THEIRS.mac,
        target: OURS.ip6,
      },
      {
        type,
        side: 'underlay',
        kind: 'router-advertisement',
        why: 'router',
        source: 'fe80::99',
        mac: '02:00:00:00:00:99',
      },
    ]);
  });
});

describe('answers to questions of the workload', () => {
  /** A neighbor, by number. */
  const host = (id: number) => `10.0.${id >> 8}.${id & 255}`;

  /** A segment on which each may say so much per second. */
  function openFor(perSource: number) {
    const { segment, clock } = open({ perSource });
    const ask = (id: number) => segment.pass('out', arpRequest(OURS.ip, host(id), OURS.mac));
    /** Whether an answer passes although its sender has said all that it may say. */
    const isAnswer = (id: number) => {
      const floods = Array.from({ length: perSource + 1 }, () =>
        segment.pass('in', arpRequest(host(id), OURS.ip, THEIRS.mac)),
      );
      expect(floods.at(-1)).toBeUndefined();
      return segment.pass('in', arpReply(host(id), THEIRS.mac, OURS)) !== undefined;
    };
    return { segment, clock, ask, isAnswer };
  }

  test('pass beside a flood of anything else, for as long as hosts go on asking', () => {
    const { segment, clock, ask, isAnswer } = openFor(1);
    ask(1);
    expect([isAnswer(1), isAnswer(2)]).toEqual([true, false]);
    clock.nowMs += ANSWER_MS;
    expect(isAnswer(1)).toBe(true);
    clock.nowMs += 1_000;
    expect(isAnswer(1)).toBe(false);
    clock.nowMs += 1_000;
    ask(1);
    clock.nowMs += ANSWER_MS + 1;
    expect(isAnswer(1)).toBe(false);
    // Whoever answers asks nothing.
    clock.nowMs += 1_000;
    segment.pass('out', arpReply(OURS.ip, OURS.mac, { ip: host(3), mac: THEIRS.mac }));
    expect(isAnswer(3)).toBe(false);
  });

  test('are known by the last questions, so many of them', () => {
    const { ask, isAnswer } = openFor(QUESTIONS_MAX + 2);
    for (let id = 0; id < QUESTIONS_MAX; id++) ask(id);
    expect(isAnswer(0)).toBe(true);
    ask(QUESTIONS_MAX);
    expect([0, 1, QUESTIONS_MAX].map(isAnswer)).toEqual([false, true, true]);
    // What is asked again is the latest.
    ask(1);
    expect(isAnswer(2)).toBe(true);
  });
});

test('a workload that is a router speaks for its other addresses, too, and one without an address asks for groups', () => {
  const asked = arpRequest('192.168.1.254', THEIRS.ip, OURS.mac);
  expect(open().segment.pass('out', asked)).toBeUndefined();
  expect(open({ allowRouters: [parseIp('192.168.1.254')] }).segment.pass('out', asked)).toEqual(asked);
  const report = listenerReport('::', OURS.mac, ['ff02::1:ff00:1']);
  expect(open().segment.pass('out', report)).toEqual(report);
});
