/** Topologies that searches have found, as files that repeat what they found. */
import { topologyToYaml } from '../topology/file/write.js';
import type { SmallFailure } from '../topology/fuzz/shrink-seed.js';
import { FOUND_HEADING } from './replaceable.js';

/** Tries to make a failure smaller; each costs a run. */
export const SHRINK_RUNS_MAX = 300;

export function fileOf({ seed, reasons, small }: Pick<SmallFailure, 'seed' | 'reasons' | 'small'>): string {
  const head = [`${FOUND_HEADING}${seed}, made small.`, ...reasons.map((reason) => `# ${reason}`)];
  return `${head.join('\n')}\n${topologyToYaml(small)}`;
}
