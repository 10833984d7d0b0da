/** Why a device did not get a packet through, in words. */
import { SYNDROME_BAD_TRAILER, SYNDROME_ICV_FAIL, SYNDROME_OK } from '../../hal/fields.js';
import type { FrameLoss, LossKind } from '../../hal/frame-tap.js';

/** Where packets end that are not let in; sampling drops some of those that are. */
const NOT_LET_IN = /^(?:SYNDROME_STATS|FAILED_SOURCE_)/;

const SYNDROMES: Readonly<Record<number, string>> = {
  [SYNDROME_OK]: 'it is authentic, but no session lets it in',
  [SYNDROME_ICV_FAIL]: 'it could not be authenticated: its ICV does not match, or its SPI has no key',
  [SYNDROME_BAD_TRAILER]: 'it is malformed behind its PSP header',
};

/** Where authentic packets end that lack what peers must send. */
const EXTENSION_PIPE = 'PSP_EXT';
const WITHOUT_WORDS = 'it is authentic, but lacks the words of --psp-ext-required';

const KINDS: Readonly<Record<LossKind, string>> = {
  dropped: 'no entry sends it anywhere',
  unprocessed: 'what the entry says could not be done with it',
  'not-encrypted': 'there is no key to encrypt it with',
  'too-big': 'it is larger than the port carries',
  'no-kernel': 'it is left to the kernel behind the uplink, and there is none',
  'queue-full': 'the CPU does not take packets fast enough',
  loop: 'it went round through the pipes',
};

/** The reason, with the pipe that it came to last. */
export function lossWords({ kind, pipe, syndrome }: FrameLoss): string {
  const reason = (kind === 'dropped' ? notLetIn(pipe, syndrome) : undefined) ?? KINDS[kind];
  return pipe === undefined ? reason : `${reason} (${pipe})`;
}

function notLetIn(pipe = '', syndrome?: number): string | undefined {
  if (pipe === EXTENSION_PIPE) return WITHOUT_WORDS;
  return syndrome !== undefined && NOT_LET_IN.test(pipe) ? SYNDROMES[syndrome] : undefined;
}
