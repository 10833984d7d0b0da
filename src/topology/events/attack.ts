import type { Static } from 'typebox';
import { formatPacketRate, formatRatio, formatTime } from '../file/quantities.js';
import {
  link,
  optional,
  packetRate,
  positiveTime,
  ratio as ratioSchema,
  withAnyOf,
} from '../file/schema-values.js';
import { packetsPerSecond, positiveTimeMs, ratio } from '../file/values.js';
import { percent } from '../fuzz/scene.js';
import { type At, type EventKind, eventSchema } from './kind.js';

/** Somebody on the link sends again, changes and makes up frames, for a time. */
export interface Attack extends At {
  readonly type: 'attack';
  readonly link: string;
  readonly durationMs: number;
  /** Of the frames that pass: sent a second time; sent a second time with a bit changed. */
  readonly replayRatio: number;
  readonly forgeRatio: number;
  /** PSP frames under SPIs and keys made up. */
  readonly spoofsPerSecond: number;
}

const DOES = {
  replay: optional(ratioSchema('share of the frames that are sent a second time', '0%')),
  forge: optional(ratioSchema('share of the frames that are sent a second time with one bit changed', '0%')),
  spoof: optional(packetRate('frames per second under made-up SPIs and keys', 0)),
};
const schema = withAnyOf(
  eventSchema('attack', link('somebody on the link sends again, changes and makes up frames'), {
    for: positiveTime('how long'),
    ...DOES,
  }),
  Object.keys(DOES),
  'does nothing',
  { exceptZero: true },
);

/** Upper ends of what a search draws. */
const RATIO_MAX = 0.5;
const SPOOFS_PER_SECOND_MAX = 50;

export const attack: EventKind<Attack, Static<typeof schema>> = {
  schema,
  example: { at: '1s', attack: 'h1:p0', for: '1s', replay: '5%', forge: '5%', spoof: 5 },
  read(parsed, { atMs, place, subject, names }) {
    const found = names.links.find(parsed.attack, subject);
    const plan = {
      durationMs: positiveTimeMs(parsed.for, place.at('for')),
      replayRatio: parsed.replay === undefined ? 0 : ratio(parsed.replay, place.at('replay')),
      forgeRatio: parsed.forge === undefined ? 0 : ratio(parsed.forge, place.at('forge')),
      spoofsPerSecond: parsed.spoof === undefined ? 0 : packetsPerSecond(parsed.spoof, place.at('spoof')),
    };
    return found === undefined ? [] : [{ atMs, type: 'attack', link: found, ...plan }];
  },
  write: (event) => ({
    attack: event.link,
    for: formatTime(event.durationMs),
    replay: formatRatio(event.replayRatio),
    forge: formatRatio(event.forgeRatio),
    spoof: formatPacketRate(event.spoofsPerSecond),
  }),
  happen: (event, { attackerAt, clock }) => attackerAt(event.link).run(event, clock),
  needs: (event) => ({ links: [event.link] }),
  search: {
    background: {
      turns: [2],
      draw(rng, { base: { links }, faultsMs, say }) {
        if (links.length === 0 || rng.chance(0.5)) return [];
        const on = rng.pick(links).name;
        const replayRatio = rng.ratio(RATIO_MAX);
        const forgeRatio = rng.ratio(RATIO_MAX);
        const spoofsPerSecond = rng.below(SPOOFS_PER_SECOND_MAX);
        say(
          `attack on ${on}: replay ${percent(replayRatio)}, forge ${percent(forgeRatio)}, spoof ${spoofsPerSecond}/s`,
        );
        const durationMs = faultsMs;
        return [{ atMs: 0, type: 'attack', link: on, durationMs, replayRatio, forgeRatio, spoofsPerSecond }];
      },
    },
  },
  arbitrary: (values) => ({
    type: 'attack',
    link: values.link(),
    durationMs: values.positiveMs(),
    replayRatio: values.ratio(),
    forgeRatio: values.ratio(),
    spoofsPerSecond: values.positivePerSecond(),
  }),
};
