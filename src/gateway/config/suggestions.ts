/** The known name that was probably meant: a bounded number of searches, each of bounded work. */
import { SUGGESTION_CHARACTERS_MAX, SUGGESTIONS_MAX } from './limits.js';

/** Changes that a name of so many characters may need: up to two, but at most half of a short name, and a third of a long one. */
function changesAllowed(characters: number): number {
  return Math.max(Math.min(2, Math.floor(characters / 2)), Math.floor(characters / 3));
}

/** Suggestions for one file or command line. */
export class Suggestions {
  #left = SUGGESTIONS_MAX;
  #steps = 0;

  /** The nearest of `names`; undefined when none is near, or when enough has been looked for. */
  near(name: string, names: Iterable<string>): string | undefined {
    if (name.length > SUGGESTION_CHARACTERS_MAX || this.#left === 0) return undefined;
    this.#left--;
    let best: string | undefined;
    let bestDistance = changesAllowed(name.length) + 1;
    for (const candidate of names) {
      // The distance is at least the difference of the lengths.
      if (Math.abs(candidate.length - name.length) >= bestDistance) continue;
      const distance = this.#editDistance(name, candidate);
      if (distance < bestDistance) {
        bestDistance = distance;
        best = candidate;
      }
    }
    return best;
  }

  /** Pairs of characters compared so far. */
  get steps(): number {
    return this.#steps;
  }

  /** Characters to add, to leave out, to replace, or to swap with the next, to make one name of the other. */
  #editDistance(a: string, b: string): number {
    this.#steps += a.length * b.length;
    let before: number[] = [];
    let row = Array.from({ length: b.length + 1 }, (_, i) => i);
    for (let i = 1; i <= a.length; i++) {
      const next = [i];
      for (let j = 1; j <= b.length; j++) {
        const changed = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
        const isSwapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
        const swapped = isSwapped ? before[j - 2]! + 1 : changed;
        next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, changed, swapped));
      }
      [before, row] = [row, next];
    }
    return row[b.length]!;
  }
}
