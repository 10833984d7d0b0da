/** All questions, in the order in which they are asked. */
import { DEVICE_MEASURES } from './measures/device.js';
import { HEADER_MEASURES } from './measures/headers.js';
import { LIMITS } from './measures/limits.js';
import { ACCESS } from './properties/access.js';
import { COUNTING } from './properties/counters.js';
import { KEYS } from './properties/keys.js';
import { LOAD } from './properties/load.js';
import { MANY_SESSIONS } from './properties/many-sessions.js';
import { PROGRAMS } from './properties/programs.js';
import { REFERENCE } from './properties/reference.js';
import { SAMPLING } from './properties/sampling.js';
import { SESSIONS } from './properties/sessions.js';
import { SLOW_PATH } from './properties/slow-path.js';
import type { Question } from './property.js';

export const QUESTIONS: readonly Question[] = [
  ...SESSIONS,
  ...REFERENCE,
  ...KEYS,
  ...ACCESS,
  ...SAMPLING,
  ...COUNTING,
  ...SLOW_PATH,
  ...LOAD,
  ...MANY_SESSIONS,
  ...PROGRAMS,
  ...LIMITS,
  ...HEADER_MEASURES,
  ...DEVICE_MEASURES,
];
