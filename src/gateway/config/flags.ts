/**
 * Every flag of the gateway, in one table: the single source for parsing, for JSON keys, for help and for
 * docs/flags.md. Names, short forms and defaults are those of DOCA's PSP gateway application (2.8) where it has
 * the flag; long names of later releases are aliases.
 */

import { isDeviceText } from './devices.js';
import { ADDRESSES_FLAGS, DEVICE_FLAGS } from './flags/device.js';
import { type Flag, flagsOf } from './flags/flag.js';
import { LIMITS_FLAGS } from './flags/limits.js';
import { OUTPUT_FLAGS } from './flags/output.js';
import { PEERS_FLAGS } from './flags/peers.js';
import { SECURITY_FLAGS } from './flags/security.js';
import { SIMULATOR_FLAGS } from './flags/simulator.js';
import { SAMPLING_FLAGS, TUNNELS_FLAGS } from './flags/tunnels.js';

export type { Flag, FlagKind } from './flags/flag.js';

export const FLAGS: readonly Flag[] = [
  ...DEVICE_FLAGS,
  ...ADDRESSES_FLAGS,
  ...PEERS_FLAGS,
  ...TUNNELS_FLAGS,
  ...SECURITY_FLAGS,
  ...SAMPLING_FLAGS,
  ...LIMITS_FLAGS,
  ...OUTPUT_FLAGS,
  ...SIMULATOR_FLAGS,
];

/** Names a file of all other flags; it cannot stand in one itself. */
export const JSON_FLAG: Flag = flagsOf('Files', {
  json: {
    short: 'j',
    kind: 'text',
    placeholder: 'FILE',
    meaning: 'flags from a JSON file; those on the command line win',
  },
})[0]!;

/** Whether a YAML file of --config may give a flag: all but the one that names the file. */
export function isInConfigFile({ name }: Flag): boolean {
  return name !== 'config';
}

/** Questions to the program, answered by src/cli before any flag is read. */
export const QUESTION_FLAGS: readonly Flag[] = flagsOf('Questions', {
  version: { short: 'v', kind: 'boolean', meaning: 'print the version' },
  help: { short: 'h', kind: 'boolean', meaning: 'print all flags' },
});

/** All long names of a flag, former ones among them. */
export function namesOf({ name, aliases = [], formerNames = [] }: Flag): readonly string[] {
  return [name, ...aliases, ...formerNames];
}

/** What to say of a name of a flag, where it is a former one. */
export function remarkOnName(flag: Flag, name: string): string | undefined {
  return flag.formerNames?.includes(name) === true
    ? `is an old name of ${flag.name}, and is taken still`
    : undefined;
}

const BY_NAME = new Map<string, Flag>(FLAGS.flatMap((one) => namesOf(one).map((name) => [name, one])));
const BY_SHORT = new Map<string, Flag>(
  FLAGS.flatMap((one) => (one.short === undefined ? [] : [[one.short, one]])),
);

/**
 * Short forms that mean another flag in later releases of DOCA than in 2.8, whose we have: `-c FILE` has been --config since
 * 2.9, and `-s` --device since 3.3. What follows tells them apart.
 */
export function flagOfLater(letter: string, value: string | undefined): Flag | undefined {
  if (value === undefined) return undefined;
  if (letter === 'c' && value !== 'true' && value !== 'false') return BY_NAME.get('config');
  return letter === 's' && isDeviceText(value) ? BY_NAME.get('device') : undefined;
}

/** The flag of a long name or alias, without the dashes. */
export function flagNamed(name: string): Flag | undefined {
  return BY_NAME.get(name);
}

export function flagWithShort(letter: string): Flag | undefined {
  return BY_SHORT.get(letter);
}

/** Every long name and alias, without the dashes. */
export function flagNames(): Iterable<string> {
  return BY_NAME.keys();
}
