/**
 * Where fast-check begins, in all properties of a run: PSP_PROPERTY_SEED; without it under CI always the same, and
 * otherwise another one each time.
 */
import { randomInt } from 'node:crypto';

export const PROPERTY_SEED_ENVIRONMENT = 'PSP_PROPERTY_SEED';
const SEED_OF_CI = 1;
/** fast-check's seeds are of 32 bits, with a sign. */
const [MIN, MAX] = [-(2 ** 31), 2 ** 31 - 1];

export const PROPERTY_SEED = readSeed(process.env[PROPERTY_SEED_ENVIRONMENT], process.env.CI);

export function readSeed(text: string | undefined, ci: string | undefined): number {
  if (text === undefined || text === '') return ci === 'true' ? SEED_OF_CI : randomInt(0, MAX);
  const seed = Number(text);
  if (/^-?\d+$/.test(text) && seed >= MIN && seed <= MAX) return seed;
  throw new Error(
    `${PROPERTY_SEED_ENVIRONMENT}: expected a whole number from ${MIN} to ${MAX}, not ${JSON.stringify(text)}`,
  );
}
