/** What there is to know of one flag. The tables of this folder list them all, by group; flags.ts joins these. */

export type FlagKind = 'boolean' | 'number' | 'text' | 'list';

export interface Flag {
  /** The long name, and the JSON key. */
  readonly name: string;
  readonly short?: string;
  readonly aliases?: readonly string[];
  /** Names that it had before: they are taken, with a remark. */
  readonly formerNames?: readonly string[];
  readonly kind: FlagKind;
  /** A text that may be given many times. */
  readonly repeatable?: true;
  /** Its value may be left out, and is then this one. */
  readonly valueIfAbsent?: string;
  /** Default as it would be written on the command line; absent: off, or none. */
  readonly default?: string;
  /** For numbers. */
  readonly range?: readonly [lowest: number, highest: number];
  /** For texts: what is allowed. */
  readonly choices?: readonly string[];
  /** Placeholder of the value in help. */
  readonly placeholder?: string;
  /** A running gateway takes another value when it reads its files again. */
  readonly live?: true;
  readonly meaning: string;
  /** DOCA's section of a JSON flags file; ours are program flags too. */
  readonly section: 'doca_general_flags' | 'doca_program_flags';
  readonly group:
    | 'Device'
    | 'Addresses'
    | 'Peers'
    | 'Tunnels'
    | 'Sampling'
    | 'Security'
    | 'Limits'
    | 'Output'
    | 'Simulator'
    | 'Files'
    | 'Questions';
}

/** A flag without what its place in a table says. */
type FlagSpec = Omit<Flag, 'name' | 'group' | 'section'> & { readonly section?: Flag['section'] };

/** The flags of a group by their names, in the order of documentation. */
export function flagsOf(group: Flag['group'], specs: Readonly<Record<string, FlagSpec>>): readonly Flag[] {
  return Object.entries(specs).map(([name, spec]) => ({
    section: 'doca_program_flags',
    ...spec,
    name,
    group,
  }));
}

/** The longest time that a flag takes. */
export const MAX_MS = 7 * 24 * 3600_000;
