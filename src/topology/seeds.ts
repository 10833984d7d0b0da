/** Random sources of a run's parts, each from the run's seed and the part's name: a new part disturbs no other. */
import { type Random, seededRandom } from '../hal/random.js';

export function randomOf(seed: number, part: string): Random {
  let hash = (0x811c9dc5 ^ seed) >>> 0;
  for (let i = 0; i < part.length; i++) hash = Math.imul(hash ^ part.charCodeAt(i), 0x01000193) >>> 0;
  return seededRandom(hash);
}
