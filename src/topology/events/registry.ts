/** All kinds of events. A kind that is missing in one of the two lists does not compile. */
import type { Quantity } from '../file/quantities.js';
import { type AddWorkload, addWorkload } from './add-workload.js';
import { type Attack, attack } from './attack.js';
import { type ClockJump, clockJump } from './clock-jump.js';
import { type Crash, crash } from './crash.js';
import { type Cut, cut } from './cut.js';
import { type Heal, heal } from './heal.js';
import { type Impair, impair } from './impair.js';
import { type InsiderEvent, insider } from './insider.js';
import type { EventKind } from './kind.js';
import { type LosePort, losePort } from './lose-port.js';
import { type OobChange, oob } from './oob.js';
import { type Partition, partition } from './partition.js';
import { type Readdress, readdress } from './readdress.js';
import { type RemoveWorkload, removeWorkload } from './remove-workload.js';
import { type ResetFaults, resetFaults } from './reset-faults.js';
import { type Restart, restart } from './restart.js';
import { type RestoreLink, restoreLink } from './restore-link.js';
import { type Rotate, rotate } from './rotate.js';
import { type SlowEntries, slowEntries } from './slow-entries.js';

/** An event of a scenario. */
export type EventPlan =
  | Rotate
  | Restart
  | Crash
  | Cut
  | RestoreLink
  | Impair
  | Partition
  | Heal
  | ResetFaults
  | OobChange
  | AddWorkload
  | RemoveWorkload
  | Readdress
  | Attack
  | InsiderEvent
  | ClockJump
  | LosePort
  | SlowEntries;

export type EventType = EventPlan['type'];

/** The kinds by the keys that name them in files, in the order of documentation. */
const KINDS = {
  rotate,
  restart,
  crash,
  cut,
  'restore-link': restoreLink,
  impair,
  partition,
  heal,
  'reset-faults': resetFaults,
  oob,
  'add-workload': addWorkload,
  'remove-workload': removeWorkload,
  readdress,
  attack,
  insider,
  'clock-jump': clockJump,
  'lose-port': losePort,
  'slow-entries': slowEntries,
} satisfies { [T in EventType]: EventKind<Extract<EventPlan, { type: T }>, { readonly at: Quantity }> };

type Kinds = typeof KINDS;

/** An event as a file has it. */
export type ParsedEvent = { [T in EventType]: Kinds[T]['example'] }[EventType];

/** Whoever has an event asks the kind of its type, so that the two fit. */
export const EVENTS: { readonly [T in EventType]: EventKind<EventPlan, ParsedEvent> } = KINDS;

export const EVENT_TYPES = Object.keys(KINDS) as readonly EventType[];

/** Names that kinds had once, with the types that they have now: files with them are still read. */
export const FORMER_NAMES: ReadonlyMap<string, EventType> = new Map(
  EVENT_TYPES.flatMap((type) => {
    const { formerName } = EVENTS[type];
    return formerName === undefined ? [] : [[formerName, type] as const];
  }),
);
