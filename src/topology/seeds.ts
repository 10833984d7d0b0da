/** Random sources of a run's parts, each from the run's seed and the part's name: a new part disturbs no other. */
import { FNV1A_START, fnv1aText } from '../base/fnv1a.js';
import { type Random, seededRandom } from '../base/random.js';

export function randomOf(seed: number, part: string): Random {
  return seededRandom(fnv1aText(part, FNV1A_START ^ seed) >>> 0);
}
