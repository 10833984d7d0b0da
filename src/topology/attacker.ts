/**
 * Somebody on a link, without any key: sends again what passed, sends it with a bit changed, and makes PSP packets up.
 * Can neither read nor hold back what passes.
 */
import { type Clock, sleep } from '../base/clock.js';
import { chance, type Random, uniform } from '../base/random.js';
import type { Link } from '../hal-sim/ports/link.js';
import { PSP_SPI } from '../psp/header.js';
import type { EventPlan } from './model.js';
import { pace } from './pace.js';
import { locatePsp } from './packets.js';

type Attack = Extract<EventPlan, { type: 'attack' }>;

/** Frames that it remembers for later. */
const REMEMBERED_MAX = 1000;
/** A replay comes so much later, at most. */
const REPLAY_DELAY_MAX_MS = 1000;

export class Attacker {
  /** Frames that it put onto the link. */
  injected = 0;
  #attack: Attack | undefined;
  #clock: Clock | undefined;
  /** Its own frames are not attacked again. */
  #own = false;
  readonly #seen: { readonly from: 0 | 1; readonly frame: Uint8Array }[] = [];

  constructor(
    private readonly link: Link,
    private readonly random: Random,
  ) {}

  async run(attack: Attack, clock: Clock): Promise<void> {
    this.#attack = attack;
    this.#clock = clock;
    const startMs = clock.nowMs();
    await pace(clock, attack.spoofsPerSecond, attack.durationMs, () => this.#spoof());
    await sleep(clock, startMs + attack.durationMs - clock.nowMs());
    if (this.#attack === attack) this.#attack = undefined;
  }

  /** A frame that passes, sent at endpoint `from`. */
  see(from: 0 | 1, frame: Uint8Array): void {
    const { random } = this;
    const attack = this.#attack;
    if (attack === undefined || this.#own) return;
    const psp = locatePsp(frame);
    if (psp === undefined) return;
    if (this.#seen.length < REMEMBERED_MAX) this.#seen.push({ from, frame: frame.slice() });
    if (chance(random, attack.replayRatio)) this.#later(from, frame.slice());
    if (chance(random, attack.forgeRatio)) {
      const forged = frame.slice();
      const bit = random.uint32() % ((forged.length - psp.at) * 8);
      forged[psp.at + (bit >>> 3)]! ^= 1 << (bit & 7);
      this.#later(from, forged);
    }
  }

  /** A packet like one that was seen, under another SPI and with other content. */
  #spoof(): void {
    const { random } = this;
    const model = this.#seen[random.uint32() % Math.max(1, this.#seen.length)];
    if (model === undefined) return;
    const frame = model.frame.slice();
    const { at } = locatePsp(frame)!;
    // Half of them under an SPI that is in use.
    if (chance(random, 0.5)) random.fill(frame.subarray(at + PSP_SPI, at + PSP_SPI + 4));
    random.fill(frame.subarray(at + PSP_SPI + 4));
    this.#inject(model.from, frame);
  }

  #later(from: 0 | 1, frame: Uint8Array): void {
    this.#clock!.setTimer(() => this.#inject(from, frame), uniform(this.random, REPLAY_DELAY_MAX_MS));
  }

  #inject(from: 0 | 1, frame: Uint8Array): void {
    this.injected++;
    this.#own = true;
    this.link.ports[from].send([frame]);
    this.#own = false;
  }
}
