/**
 * What is wrong with a gateway right now, in words: a table of causes, each of which looks for itself. A cause names whoever is at
 * fault and nobody else, so what it cannot know for certain it does not tell.
 */
import { seconds } from '../seconds.js';
import { CAUSES_OF_FILES } from './causes-of-files.js';
import { CAUSES_OF_PAIRS } from './causes-of-pairs.js';
import { CAUSES_OF_PEERS } from './causes-of-peers.js';
import { areAllPlacesTaken, type Causes, type DiagnosisInput, type Finding } from './finding.js';

/** Findings of one cause that are told; of more it is said how many. */
export const FINDINGS_PER_CAUSE_MAX = 16;
/** The SPIs of a master key are few when fewer than so many of them are left; the gateway rotates it by itself from half of them on. */
const SPIS_LEFT_LOW = 2 ** 28;
/** Share of the key slots in use from which on re-keys may find none. */
const SLOTS_FULL = 0.95;
/** Within this a healthy peer takes new keys: it is not at fault before. */
const KEYS_TAKEN_MS = 3000;

/** What we have had too little of, of late, for what peers asked for. */
function ownLimitText(troubles: DiagnosisInput['troubles']): string | undefined {
  const last = troubles.of('request-refused').findLast(({ event }) => event.ownLimit === true);
  return last && `there was no room for what peers asked for: ${last.event.reason}`;
}

/** Causes in the device, the tables and the master key. */
const CAUSES_OF_DEVICE: Causes = {
  'port-gone': ({ summary: { ports } }) =>
    ports
      .filter(({ state }) => state === 'gone')
      .map(({ name }) => ({
        about: name,
        text: `port ${name} is gone: nothing passes through it`,
        advice: 'start the gateway again when the port is there',
      })),

  'port-waits': ({ summary: { ports } }) =>
    ports
      .filter(({ state }) => state === 'waited-for')
      .map(({ name }) => ({
        about: name,
        text: `port ${name} cannot carry anything now`,
        advice: 'see whether its link is up; it works again by itself',
      })),

  'device-fails': ({ troubles }) =>
    troubles.of('device-failed').map(({ event, count }) => ({
      about: '',
      text: `the device fails (${event.operation}): ${event.reason}; ${count} times of late`,
      advice: 'see the log of the device; new keys cannot be installed for as long as it fails',
    })),

  'rotation-fails': ({ troubles }) =>
    troubles.of('rotation-failed').map(({ event }) => ({
      about: '',
      text: `the master key could not be rotated: ${event.reason}`,
      advice: 'see the log of the device, then say psp-gateway rotate',
    })),

  'no-peer-for-packets': ({ troubles }) =>
    troubles.of('packet-refused').map(({ event, count }) => ({
      about: event.destination,
      text: `packets from ${event.source} to ${event.destination} are dropped, ${count} of late: ${event.reason}`,
      advice: 'name the peer that owns the destination, and local addresses, in the configuration',
    })),

  'table-full': ({ summary, troubles }) => {
    const { tables } = summary;
    const taken = areAllPlacesTaken(summary)
      ? `all ${tables.capacity} places for sessions are taken`
      : ownLimitText(troubles);
    if (taken === undefined) return [];
    return [
      {
        about: '',
        text: `${taken}; ${tables.refused} were refused one so far`,
        advice: 'allow more (--max-tunnels), or let idle ones go sooner (--idle-timeout)',
      },
    ];
  },

  'key-slots-full': ({ summary: { keySlots, keySlotsUsed } }) =>
    keySlotsUsed < SLOTS_FULL * keySlots
      ? []
      : [
          {
            about: '',
            text: `${keySlotsUsed} of ${keySlots} key slots are in use: re-keys may find none`,
            advice: 'allow fewer sessions (--max-tunnels)',
          },
        ],

  'spis-low': ({ summary: { spis } }) =>
    spis.left >= SPIS_LEFT_LOW
      ? []
      : [
          {
            about: '',
            text: `the master key has ${spis.left} SPIs left`,
            advice: 'it is rotated by itself; psp-gateway rotate does it now',
          },
        ],

  'rotation-waits': ({ summary, nowMs }) => {
    const { waiting } = summary.rotation;
    if (waiting === undefined || nowMs - waiting.sinceMs < KEYS_TAKEN_MS) return [];
    return waiting.peers.map((peer) => ({
      about: peer,
      text: `a rotation waits for peer ${peer} to take new keys, for ${seconds(waiting.deadlineAtMs - nowMs)} more at most`,
      advice: 'see whether that peer answers',
    }));
  },

  'rotation-cut-off': ({ troubles }) =>
    troubles.of('rotation-cut-off').map(({ event }) => ({
      about: '',
      text: `a rotation has ended the keys of ${event.sessions} sessions whose peers had not taken new ones`,
      advice: 'they are asked for again; a longer --rotation-deadline gives peers more time',
    })),

  'payload-readable': ({ summary: { sessionsReadable } }) =>
    sessionsReadable === 0
      ? []
      : [
          {
            about: '',
            text: `the payload of ${sessionsReadable} tunnels is readable on the underlay: AES-GMAC authenticates, and does not encrypt`,
            advice: 'it was asked for (--psp-version 2 or 3); --psp-version 1 encrypts',
          },
        ],

  'device-keeps-entries': ({ summary: { entriesLeft } }) =>
    entriesLeft === 0
      ? []
      : [
          {
            about: '',
            text: `the device does not take back ${entriesLeft} entries; what they name is out of use`,
            advice: 'they are tried again each second; see the log of the device',
          },
        ],
};

/** All causes, the gravest first. */
const ORDER = [
  'port-gone',
  'port-waits',
  'certificate-unusable',
  'certificate-files-unusable',
  'device-fails',
  'rotation-fails',
  'own-authority',
  'peer-silent',
  'peer-older-dialect',
  'peer-drains',
  'peer-refuses',
  'caller-refused',
  'request-refused',
  'rotation-refused',
  'modes-differ',
  'words-missing',
  'packets-lost',
  'no-tunnel-back',
  'mtu-too-small',
  'clocks-differ',
  'no-peer-for-packets',
  'table-full',
  'key-slots-full',
  'spis-low',
  'payload-readable',
  'rotation-waits',
  'rotation-cut-off',
  'device-keeps-entries',
  'state-not-written',
  'log-lost',
  'workload-silent',
  'certificate-expires',
] as const;

const CAUSES: Causes = { ...CAUSES_OF_DEVICE, ...CAUSES_OF_FILES, ...CAUSES_OF_PEERS, ...CAUSES_OF_PAIRS };

/** The names of all causes, the gravest first. */
export const CAUSE_NAMES: readonly string[] = ORDER;

/** What is wrong, the gravest first. */
export function diagnose(input: DiagnosisInput): Finding[] {
  return ORDER.flatMap((cause) => {
    const found = CAUSES[cause]!(input);
    const told = found.slice(0, FINDINGS_PER_CAUSE_MAX).map((one) => ({ cause, ...one }));
    const more = found.length - told.length;
    if (more === 0) return told;
    return [...told, { cause, about: '', text: `and ${more} more of that kind`, advice: '' }];
  });
}
