/** What an insider can do: every act, with what it is. A scenario's event names acts, and each one that is done is drawn among them. */
import type { Answering } from './answering.js';
import type { Asking } from './asking.js';
import type { InsiderContext, InsiderTarget } from './context.js';
import type { Sending } from './sending.js';
import { batchOfTunnels, claimedTunnels, redirectedTunnels, someTunnels } from './tunnels.js';

/** What acts are done with. */
export interface InsiderParts {
  readonly context: InsiderContext;
  readonly asking: Asking;
  readonly answering: Answering;
  readonly sending: Sending;
}

interface Act {
  /** For docs/topology.md. */
  readonly meaning: string;
  /** Does it once. Nothing waits for what takes time of it. */
  perform(parts: InsiderParts, target: InsiderTarget): void;
}

const IMPERSONATIONS = 8;

/** In the order of documentation, which is the order that searches draw from. */
const ACTS = {
  ask: {
    meaning: 'tunnels for its own addresses, again and again, in every dialect, with a way back and without',
    perform({ context, asking }, target) {
      void asking.ask(target, someTunnels(context, target, 1 + context.below(3)));
    },
  },
  batch: {
    meaning: 'all pairs in one request, or 300, which has them many times',
    perform({ context, asking }, target) {
      void asking.ask(target, batchOfTunnels(context, target));
    },
  },
  claim: {
    meaning: "a tunnel in another peer's name",
    perform({ context, asking }, target) {
      void asking.ask(target, claimedTunnels(context, target));
    },
  },
  redirect: {
    meaning: 'a way back to somebody else: a third party, the gateway itself, loopback, multicast, nobody',
    perform({ context, asking }, target) {
      void asking.ask(target, redirectedTunnels(context, target));
    },
  },
  rotate: {
    meaning: "a rotation of the gateway's master key",
    perform({ context, asking }, target) {
      void asking.rotate(target, context.chance(0.5));
    },
  },
  send: {
    meaning: 'a packet of its own, under any key that it was ever given; half of them ask for an answer',
    perform({ context, sending }) {
      sending.sendAs(context.anyHeld(), (held) => held.own);
    },
  },
  impersonate: {
    meaning: "packets with other peers' source addresses, under any key that it was ever given",
    perform({ context, sending }) {
      for (let i = 0; i < IMPERSONATIONS; i++)
        sending.sendAs(context.anyHeld(), (held) => sending.victim(held));
    },
  },
  usurp: {
    meaning:
      "a rotation without new keys for anybody, then tunnels, whose SPIs may be others' under an earlier key, and packets under these from all of the others' addresses",
    perform(parts, target) {
      void usurp(parts, target);
    },
  },
  smuggle: {
    meaning:
      'frames that look like ARP and neighbor discovery, with something else in them, to the workloads',
    perform({ sending }, target) {
      sending.smuggle(target);
    },
  },
  replay: {
    meaning: 'a request or a packet that it sent before',
    perform({ asking, sending }) {
      sending.replay();
      asking.repeat();
    },
  },
  flood: {
    meaning:
      "packets that authenticate to nobody, from its own underlay address, other peers' and unknown ones",
    perform({ sending }, target) {
      sending.flood(target);
    },
  },
  abandon: {
    meaning: 'a request for all pairs, or for 300, which it hangs up on within 20 ms',
    perform({ asking }, target) {
      asking.abandon(target);
    },
  },
  announce: {
    meaning: 'says that it has started anew, or that packets do not get in, neither of which is so',
    perform({ asking }, target) {
      asking.announce(target);
    },
  },
  stall: {
    meaning: 'from now on answers requests never, late, with a refusal or with rubbish',
    perform({ answering }) {
      answering.stall();
    },
  },
  lie: {
    meaning: "from now on answers requests with somebody else's underlay address",
    perform({ answering }) {
      answering.lie();
    },
  },
} satisfies Readonly<Record<string, Act>>;

export type InsiderAct = keyof typeof ACTS;

/** Every act by its name. */
export const INSIDER_ACTS: Readonly<Record<InsiderAct, Act>> = ACTS;

export const INSIDER_ACT_NAMES = Object.keys(ACTS) as readonly InsiderAct[];

/**
 * Takes another peer's place: has the master key rotated, and nobody given new keys; asks for tunnels, which then get the
 * first SPIs of the new key, as others did under an earlier one; and sends under each of these as each of the others.
 */
async function usurp({ context, asking, sending }: InsiderParts, target: InsiderTarget): Promise<void> {
  await asking.rotate(target, false);
  const given = await asking.ask(target, someTunnels(context, target, 1 + context.below(2)));
  for (const held of given) for (const victim of sending.victims(held)) sending.sendAs(held, () => victim);
}
