/** What counters of both ends tell of a pair, at the edges, and what they do not tell. */
import { describe, expect, test } from 'vitest';
import {
  canJudge,
  isSuspicious,
  judgePair,
  mayLose,
  type PairSample,
  type PairVerdict,
  SETTLE_MS,
} from '../../../../src/gateway/diagnosis/pair-verdict.js';

/** Packets out and in, 100 octets each where none are named. */
type Use = readonly [out: number, came: number, outOctets?: number, inOctets?: number];
const useOf = ([outPackets, inPackets, outOctets = 100 * outPackets, inOctets = 100 * inPackets]: Use) => ({
  epoch: '1',
  outPackets,
  outOctets,
  inPackets,
  inOctets,
});
const at = (atMs: number, ours: Use, theirs?: Use): PairSample => ({
  atMs,
  ours: useOf(ours),
  theirs: theirs && { ...useOf(theirs), countsOut: true, countsIn: true },
});
const verdictOf = (samples: readonly PairSample[], cannotSay: boolean) =>
  judgePair(samples, cannotSay)?.verdict;
/** First sample all zero, the second one old enough, the third one the last. */
const verdict = (early: [Use, Use], late: [Use, Use]) =>
  verdictOf([at(0, [0, 0], [0, 0]), at(1, ...early), at(1 + SETTLE_MS, ...late)], false);

describe('counters of both ends say', () => {
  test.each<[string, [Use, Use], [Use, Use], PairVerdict | undefined]>([
    [
      'all arrives',
      [
        [2, 2],
        [2, 2],
      ],
      [
        [4, 4],
        [4, 4],
      ],
      undefined,
    ],
    [
      'no packet is lost that may be under way',
      [
        [0, 0],
        [0, 0],
      ],
      [
        [9, 0],
        [9, 0],
      ],
      undefined,
    ],
    [
      'one packet is no proof',
      [
        [1, 0],
        [1, 0],
      ],
      [
        [9, 0],
        [9, 0],
      ],
      undefined,
    ],
    [
      'all are lost, both ways',
      [
        [2, 0],
        [2, 0],
      ],
      [
        [2, 0],
        [2, 0],
      ],
      'lost-both-ways',
    ],
    [
      'ours are lost',
      [
        [2, 1],
        [1, 0],
      ],
      [
        [4, 2],
        [2, 0],
      ],
      'lost-there',
    ],
    [
      'ours are lost, and nobody sends there',
      [
        [2, 0],
        [0, 0],
      ],
      [
        [4, 0],
        [0, 0],
      ],
      'lost-there',
    ],
    [
      'theirs are lost',
      [
        [1, 0],
        [2, 1],
      ],
      [
        [2, 0],
        [4, 2],
      ],
      'lost-here',
    ],
    [
      'a packet that came late came',
      [
        [2, 0],
        [2, 0],
      ],
      [
        [2, 1],
        [2, 1],
      ],
      undefined,
    ],
    [
      'their workload gets packets and is silent',
      [
        [2, 0],
        [0, 2],
      ],
      [
        [4, 0],
        [0, 4],
      ],
      'silent-there',
    ],
    [
      'theirs has just answered',
      [
        [2, 0],
        [0, 2],
      ],
      [
        [4, 0],
        [1, 4],
      ],
      undefined,
    ],
    [
      'our workload gets packets and is silent',
      [
        [0, 2],
        [2, 0],
      ],
      [
        [0, 4],
        [4, 0],
      ],
      'silent-here',
    ],
    [
      'ours has just answered',
      [
        [0, 2],
        [2, 0],
      ],
      [
        [1, 4],
        [4, 0],
      ],
      undefined,
    ],
    [
      'nobody sends',
      [
        [0, 0],
        [0, 0],
      ],
      [
        [0, 0],
        [0, 0],
      ],
      undefined,
    ],
  ])('%s', (_, early, late, expected) => expect(verdict(early, late)).toBe(expected));

  test('large packets are lost, where those that arrive are small, and not where a few are lost by chance', () => {
    // Four of 1400 octets and four of 100 left; those of 100 arrive, and as many after them.
    const left: Use = [8, 8, 6000, 800];
    expect(
      verdict(
        [left, [8, 4, 800, 400]],
        [
          [16, 16, 12_000, 1600],
          [16, 8, 1600, 800],
        ],
      ),
    ).toBe('large-lost-there');
    expect(
      verdict(
        [[8, 4, 800, 400], left],
        [
          [16, 8, 1600, 800],
          [16, 16, 12_000, 1600],
        ],
      ),
    ).toBe('large-lost-here');
    const allBut = (lost: number): [Use, Use] => [
      [9, 9, 9000, 900],
      [9, 5, 900, 9000 - lost],
    ];
    // The same average arrives: packets are lost, but not since they are large.
    expect(
      verdict(
        [
          [9, 9, 9000, 900],
          [9, 4, 900, 4000],
        ],
        allBut(5000),
      ),
    ).toBe(undefined);
    const few: [Use, Use] = [
      [4, 4, 3099, 400],
      [4, 1, 400, 100],
    ];
    expect(verdict(few, few)).toBe(undefined);
    const enough: [Use, Use] = [
      [4, 4, 3100, 400],
      [4, 1, 400, 100],
    ];
    expect(verdict(enough, enough)).toBe('large-lost-there');
  });
});

describe('one end alone', () => {
  const ours = [at(0, [0, 0]), at(1, [2, 0]), at(1 + SETTLE_MS, [4, 0])];

  test('blames nobody while the other end may still say something', () => {
    expect(verdictOf(ours, false)).toBe(undefined);
  });

  test('says that nothing comes back where the other end cannot say more, and not once something does', () => {
    expect(verdictOf(ours, true)).toBe('nothing-back');
    expect(verdictOf([...ours.slice(0, 2), at(1 + SETTLE_MS, [4, 1])], true)).toBe(undefined);
  });

  test('judges by samples in which the other end has spoken', () => {
    const spoken = [at(0, [0, 0]), at(10, [0, 0], [0, 0]), at(20, [2, 0], [2, 0]), at(25, [2, 0])];
    expect(verdictOf([...spoken, at(20 + SETTLE_MS, [2, 0], [2, 0])], false)).toBe('lost-both-ways');
    expect(verdictOf(spoken, false)).toBe(undefined);
  });
});

describe('whether packets may be lost, so that another look is worth it', () => {
  const now = (ours: Use, theirs: Use) => mayLose([at(0, [0, 0], [0, 0]), at(1, ours, theirs)]);

  test('is so from two packets on of which none is let in, at either end', () => {
    expect(now([2, 0], [0, 0])).toBe(true);
    expect(now([0, 0], [2, 0])).toBe(true);
    expect(now([1, 0], [0, 0])).toBe(false);
    expect(now([2, 0], [0, 1])).toBe(false);
    expect(mayLose([at(0, [2, 0], [0, 0])])).toBe(false);
  });

  test('is so where it is large ones that lack', () => {
    expect(now([4, 4, 3000, 400], [4, 2, 400, 200])).toBe(true);
    expect(now([4, 4, 400, 400], [4, 2, 400, 200])).toBe(false);
  });

  test('is not known where the other end does not count what comes, or has not spoken', () => {
    const counting = (countsIn: boolean): PairSample[] =>
      [at(0, [0, 0], [0, 0]), at(1, [2, 1], [1, 0])].map((one) => ({
        ...one,
        theirs: { ...one.theirs!, countsIn },
      }));
    expect([mayLose(counting(true)), mayLose(counting(false))]).toEqual([true, false]);
    expect(mayLose([at(0, [0, 0], [0, 0]), at(1, [2, 0])])).toBe(false);
  });
});

describe('samples whose entries differ', () => {
  const step = SETTLE_MS;
  const exchanged = (samples: readonly PairSample[]) =>
    samples.map((sample, i) => ({ ...sample, ours: { ...sample.ours, epoch: `${i}` } }));
  const withoutTunnel = ({ theirs, ...sample }: PairSample): PairSample => ({
    ...sample,
    theirs: theirs && { ...theirs, countsOut: false },
  });

  test('do not go on from each other', () => {
    const lost = [at(0, [0, 0], [0, 0]), at(1, [2, 0], [2, 0]), at(1 + step, [2, 0], [2, 0])];
    expect(judgePair(lost, false)).toEqual({ verdict: 'lost-both-ways', forMs: 1 + step });
    expect(judgePair(exchanged(lost), false)).toBe(undefined);
    const late = [at(-9, [9, 9], [9, 9]), ...lost].map((sample, i) => ({
      ...sample,
      ours: { ...sample.ours, epoch: `${Math.min(i, 1)}` },
    }));
    expect(judgePair(late, false)).toEqual({ verdict: 'lost-both-ways', forMs: 1 + step });
  });

  test('tell that the peer has had no tunnel back in any of them', () => {
    const samples = [at(0, [4, 0], [0, 1]), at(step, [5, 0], [0, 2]), at(2 * step, [6, 0], [0, 1])];
    const without = exchanged(samples.map(withoutTunnel));
    expect(judgePair(without, false)).toEqual({ verdict: 'no-tunnel-back', forMs: 2 * step });
    // For less time, once with a tunnel, once with something from there, with one packet of ours, or without an answer: nothing.
    const [first, second, third] = without as [PairSample, PairSample, PairSample];
    for (const other of [
      [first, second, { ...third, atMs: third.atMs - 1 }],
      [first, exchanged(samples)[1]!, third],
      [first, second, { ...third, ours: { ...third.ours, inPackets: 1 } }],
      [first, second, { ...third, ours: { ...third.ours, outPackets: 5 } }],
      [first, { ...second, theirs: undefined }, third],
    ])
      expect(judgePair(other, false)).toBe(undefined);
  });
});

test('a peer that goes on sending under one key, whatever it is given, has no tunnel back', () => {
  const step = SETTLE_MS;
  const samples = (ingress: (i: number) => string, egress: (i: number) => string) =>
    [at(0, [4, 0], [3, 9]), at(step, [5, 0], [5, 9]), at(2 * step, [6, 0], [7, 9])].map((one, i) => ({
      ...one,
      ours: { ...one.ours, epoch: `7,${ingress(i)}` },
      theirs: { ...one.theirs!, epoch: `${egress(i)},1,${i}` },
    }));
  const verdictFor = (...spis: Parameters<typeof samples>) => verdictOf(samples(...spis), false);
  expect(verdictFor(String, () => '3')).toBe('no-tunnel-back');
  const only = (spi: string) => () => spi;
  // It takes them; or has the one that it was given last; or has been given none, and only an old one has gone; or one just now.
  expect(verdictFor(String, String)).toBe(undefined);
  expect(verdictFor((i) => `0,${Math.min(i, 1)}`, only('1'))).toBe(undefined);
  expect(verdictFor((i) => (i === 0 ? '8,9' : '9'), only('3'))).toBe(undefined);
  expect(verdictFor((i) => (i === 2 ? '8,9' : '8'), only('3'))).toBe(undefined);
});

test('samples say something when what had left has had the time to be counted', () => {
  const samples = (lastMs: number) => [
    at(0, [0, 0], [0, 0]),
    at(1, [2, 0], [0, 0]),
    at(lastMs, [2, 0], [0, 0]),
  ];
  expect(canJudge(samples(SETTLE_MS), false)).toBe(false);
  expect(canJudge(samples(1 + SETTLE_MS), false)).toBe(true);
  expect(canJudge([], false)).toBe(false);
});

test('counters look bad where packets lack at either end', () => {
  expect(isSuspicious(at(0, [2, 0]))).toBe(true);
  expect(isSuspicious(at(0, [1, 0]))).toBe(false);
  expect(isSuspicious(at(0, [9, 9], [9, 9]))).toBe(false);
  expect(isSuspicious(at(0, [9, 9], [9, 7]))).toBe(true);
  expect(isSuspicious(at(0, [9, 9], [11, 9]))).toBe(true);
  expect(isSuspicious(at(0, [0, 2], [2, 0]))).toBe(true);
  expect(isSuspicious(at(0, [1, 2], [2, 1]))).toBe(false);
  const { theirs, ...uncounted } = at(0, [9, 9], [9, 0]);
  expect(isSuspicious({ ...uncounted, theirs: { ...theirs!, countsIn: false } })).toBe(false);
  // A re-key: their counters are of other entries than ours.
  expect(isSuspicious(at(0, [9, 9], [0, 11]))).toBe(false);
});
