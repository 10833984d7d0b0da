/** Causes that both ends' counters and clocks tell of (pair-check.ts). */

import { seconds } from '../seconds.js';
import type { Causes, Found } from './finding.js';
import type { PairFinding, PeerFacts } from './pair-check.js';
import type { PairVerdict } from './pair-verdict.js';

/** Clocks of two gateways that differ by more are told: certificates that were just made are not valid by the one that is behind. */
export const CLOCKS_DIFFER_MS = 60_000;

const LOOK_AT_UNDERLAY =
  'look at the network between the underlay addresses, and whether it lets UDP port 1000 pass; psp-gateway explain shows where packets go';
const LOOK_AT_WORKLOAD = 'see whether it runs, and answers; its gateways carry what it gets';
const SMALLER_MTU =
  'have every link of the underlay carry packets as large as those of the uplink, or make the MTU of the uplink, or of the workload, smaller';

interface Words {
  readonly about: (pair: PairFinding) => string;
  readonly text: (pair: PairFinding) => string;
  readonly advice: string;
}

const pairOf = ({ localVip, remoteVip }: PairFinding) => `${localVip} - ${remoteVip}`;
const theirs = ({ localVip, remoteVip, peer }: PairFinding) =>
  `packets from ${remoteVip}, behind peer ${peer}, to ${localVip}`;
const ours = ({ localVip, remoteVip, peer }: PairFinding) =>
  `packets from ${localVip} to ${remoteVip}, behind peer ${peer},`;

const LOST: Partial<Record<PairVerdict, Words>> = {
  'lost-both-ways': {
    about: pairOf,
    text: (pair) =>
      `no packet passes between ${pair.localVip} and ${pair.remoteVip}: of those that leave here and at peer ${pair.peer} none was let in at the other end, for ${seconds(pair.forMs)}; the tunnel service works, and the underlay between the two does not`,
    advice: LOOK_AT_UNDERLAY,
  },
  'lost-there': {
    about: pairOf,
    text: (pair) =>
      `${ours(pair)} leave, and none was let in there, for ${seconds(pair.forMs)}: the underlay loses them on the way there, or that gateway drops them`,
    advice: `ask that gateway for its status, which says so where ours lack words that it requires; else ${LOOK_AT_UNDERLAY}`,
  },
  'lost-here': {
    about: pairOf,
    text: (pair) =>
      `${theirs(pair)} leave there, and none was let in here, for ${seconds(pair.forMs)}: the underlay loses them on the way here`,
    advice: LOOK_AT_UNDERLAY,
  },
  'nothing-back': {
    about: pairOf,
    text: (pair) =>
      `packets from ${pair.localVip} to ${pair.remoteVip} leave, and none was let in from there, for ${seconds(pair.forMs)}: they are lost on one of the ways, or nobody there answers; the gateway there is of a kind that does not say which`,
    advice: `${LOOK_AT_WORKLOAD}; then ${LOOK_AT_UNDERLAY}`,
  },
};

const NO_TUNNEL_BACK: Partial<Record<PairVerdict, Words>> = {
  'no-tunnel-back': {
    about: ({ peer }) => peer,
    text: ({ localVip, remoteVip, peer, forMs }) =>
      `packets from ${localVip} to ${remoteVip} leave, and peer ${peer} has no tunnel for any back, for ${seconds(forMs)}`,
    advice:
      'ask that gateway for its status: it refuses what was agreed, its places for sessions are taken, or its device takes no entries',
  },
};

const LARGE: Partial<Record<PairVerdict, Words>> = {
  'large-lost-there': {
    about: pairOf,
    text: (pair) =>
      `large ${ours(pair)} do not arrive, and small ones do: the MTU of the underlay on the way there is too small`,
    advice: SMALLER_MTU,
  },
  'large-lost-here': {
    about: pairOf,
    text: (pair) =>
      `large ${theirs(pair)} do not arrive, and small ones do: the MTU of the underlay on the way here is too small`,
    advice: SMALLER_MTU,
  },
};

const SILENT: Partial<Record<PairVerdict, Words>> = {
  'silent-there': {
    about: ({ remoteVip }) => remoteVip,
    text: ({ localVip, remoteVip, forMs }) =>
      `the workload at ${remoteVip} gets the packets of ${localVip} and sends none, for ${seconds(forMs)}; tunnel and gateways are well`,
    advice: LOOK_AT_WORKLOAD,
  },
  'silent-here': {
    about: ({ localVip }) => localVip,
    text: ({ localVip, remoteVip, forMs }) =>
      `our workload at ${localVip} gets the packets of ${remoteVip} and sends none, for ${seconds(forMs)}; tunnel and gateways are well`,
    advice: LOOK_AT_WORKLOAD,
  },
};

function told(pairs: readonly PairFinding[], words: Partial<Record<PairVerdict, Words>>): Found[] {
  return pairs.flatMap((pair) => {
    const one = words[pair.verdict];
    return one === undefined ? [] : [{ about: one.about(pair), text: one.text(pair), advice: one.advice }];
  });
}

export const CAUSES_OF_PAIRS: Causes = {
  'modes-differ': ({ checks: { peers }, summary: { mode } }) =>
    peers
      .filter((peer) => peer.mode !== undefined && peer.mode !== mode)
      .map((peer) => ({
        about: peer.peer,
        text: `peer ${peer.peer} runs in ${peer.mode} mode, and we in ${mode} mode: neither takes packets of the other`,
        advice: 'start both with the same --mode',
      })),

  'words-missing': ({ checks: { withoutWords } }) =>
    withoutWords === 0
      ? []
      : [
          {
            about: '',
            text: `authenticated packets come without the words that peers must send, and are dropped: ${withoutWords} while we looked`,
            advice:
              'start the peers with these words (--psp-ext), or this gateway without --psp-ext-required; a capture of the underlay shows whose packets lack them',
          },
        ],

  // Neither takes packets of the other where modes differ: that is told then. Nor is the underlay at fault for what has come, and lacks words.
  'packets-lost': ({ checks: { pairs, peers, withoutWords }, summary: { mode } }) =>
    told(
      pairs.filter(
        ({ peer, verdict }) =>
          !peers.some((one) => one.peer === peer && one.mode !== undefined && one.mode !== mode) &&
          (withoutWords === 0 || (verdict !== 'lost-here' && verdict !== 'lost-both-ways')),
      ),
      LOST,
    ),

  'no-tunnel-back': ({ checks: { pairs } }) => told(pairs, NO_TUNNEL_BACK),

  'mtu-too-small': ({ checks: { pairs } }) => told(pairs, LARGE),

  'clocks-differ': ({ checks: { peers }, nowMs }) => {
    const differ = peers.filter(({ clockAheadMs }) => Math.abs(clockAheadMs) > CLOCKS_DIFFER_MS);
    const [first] = differ;
    const ahead = ({ clockAheadMs }: PeerFacts) => (clockAheadMs > 0 ? 'ahead of' : 'behind');
    const agree = differ.every((one) => Math.abs(one.clockAheadMs - first!.clockAheadMs) <= CLOCKS_DIFFER_MS);
    if (first !== undefined && differ.length === peers.length && peers.length > 1 && agree) {
      return [
        {
          about: '',
          text: `our clock is wrong: it says ${new Date(nowMs).toISOString()}, and those of all ${peers.length} peers that were asked are ${seconds(Math.abs(first.clockAheadMs))} ${ahead(first)} it`,
          advice: 'set the clock of this machine; certificates are valid by it',
        },
      ];
    }
    return differ.map((one) => ({
      about: one.peer,
      text: `the clock of peer ${one.peer} is ${seconds(Math.abs(one.clockAheadMs))} ${ahead(one)} ours, which says ${new Date(nowMs).toISOString()}`,
      advice: 'set the clock that is wrong; certificates are valid by it',
    }));
  },

  'workload-silent': ({ checks: { pairs } }) => told(pairs, SILENT),
};
