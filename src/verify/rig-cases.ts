/** Cases that are a session with packets: how they are drawn, told and made smaller. */
import type { Choose } from '../base/choose.js';
import type { InnerPacket } from './inner-packets.js';
import { drawPacket, packetText, shortened } from './packets.js';
import { RIG_DEFAULTS, type RigOptions } from './rig.js';
import type { Role } from './world.js';

export interface RigCase {
  readonly role: Role;
  readonly options: RigOptions;
  readonly packets: readonly InnerPacket[];
  /** For whatever else a property draws: which octet, which bit. */
  readonly pick: number;
}

/** More than any crypt offset below leaves readable. */
const CLEAR_OCTETS = 64;
/** In words of 4 octets; the session's MARKER stands behind. */
const CRYPT_OFFSET_WORDS_MAX = 6;

export interface RigDraw {
  readonly role?: Role;
  readonly packets?: number;
  readonly options?: Partial<RigOptions>;
}

export function drawRigCase(choose: Choose, { role, packets = 4, options }: RigDraw = {}): RigCase {
  const drawn: RigOptions = {
    ...RIG_DEFAULTS,
    mode: choose.pick(['tunnel', 'tunnel', 'transport'] as const),
    outerFamily: choose.pick([4, 6] as const),
    innerFamily: choose.pick([4, 6] as const),
    cookies: choose.once(2),
    // A device's master keys are its own, and its keys are of these versions alone.
    version: choose.pick([0, 1] as const),
    cryptOffsetWords: choose.once(2) ? 0 : choose.between(1, CRYPT_OFFSET_WORDS_MAX),
    ...options,
  };
  return {
    role: role ?? choose.pick(['sender', 'receiver'] as const),
    options: drawn,
    packets: choose.times(choose.between(1, packets), () =>
      drawPacket(choose, drawn.innerFamily, CLEAR_OCTETS),
    ),
    pick: choose.uint32(),
  };
}

export function smallerRigCases(one: RigCase): RigCase[] {
  const { packets, options } = one;
  const fewer =
    packets.length > 1
      ? [packets.slice(0, 1), packets.slice(0, packets.length >> 1), packets.slice(1)].map((some) => ({
          ...one,
          packets: some,
        }))
      : [];
  const simpler = (Object.keys(RIG_DEFAULTS) as (keyof RigOptions)[])
    .filter((name) => name !== 'innerFamily' && options[name] !== RIG_DEFAULTS[name])
    .map((name): RigCase => ({ ...one, options: { ...options, [name]: RIG_DEFAULTS[name] } }));
  const shorter = packets.map((packet) => shortened(packet, CLEAR_OCTETS) ?? packet);
  const isShorter = shorter.some((packet, i) => packet !== packets[i]);
  return [...fewer, ...simpler, ...(isShorter ? [{ ...one, packets: shorter }] : [])];
}

export function rigCaseText({ role, options, packets }: RigCase): string {
  return `the device as ${role}; ${optionsText(options)}; ${packets.map(packetText).join(', ')}`;
}

export function optionsText(options: RigOptions): string {
  const { mode, outerFamily, innerFamily, cookies, version, cryptOffsetWords, sampleRateLog2 } = options;
  return [
    mode === 'tunnel'
      ? `tunnel over IPv${outerFamily}, IPv${innerFamily} inside`
      : `transport over IPv${innerFamily}`,
    `PSP version ${version}`,
    ...(cryptOffsetWords > 0 ? [`crypt offset ${cryptOffsetWords}`] : []),
    ...(cookies ? ['cookie'] : []),
    ...(sampleRateLog2 > 0 ? [`one of ${2 ** sampleRateLog2} sampled`] : []),
    ...(options.maintainOrder ? ['order kept'] : []),
    ...(options.sampleBeforeEncryption ? ['sampled before encryption'] : []),
  ].join(', ');
}

/** Octets of a session's frame before its PSP header. */
export function pspOffset({ mode, outerFamily, innerFamily }: RigOptions): number {
  return 14 + ((mode === 'tunnel' ? outerFamily : innerFamily) === 4 ? 20 : 40) + 8;
}
