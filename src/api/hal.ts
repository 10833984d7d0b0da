/**
 * PipeHAL: the interface of a device with match-action pipes and PSP, and the pipe program that it builds, as plain data that can
 * be validated and drawn; besides the clocks and random sources that everything here is given. `psp-gateway/sim` has a device.
 *
 * @packageDocumentation
 */

export { type Clock, sleep, systemClock, type Timer } from '../base/clock.js';
export { type Random, seededRandom, systemRandom } from '../base/random.js';
export { createVirtualClock, type VirtualClock } from '../base/virtual-clock.js';
export {
  collectCounters,
  type ProgramCounters,
  renderDot,
  renderJson,
  renderMermaid,
} from '../draw/render.js';
export { renderSvg } from '../draw/render-svg.js';
export { encapHeaderLengthOctets, PRIORITY_LOWEST } from '../hal/check-entry.js';
export { type DocaErrorName, HalError, type HalErrorPlace, ProgramError } from '../hal/errors.js';
export {
  FIELDS,
  type FieldDefinition,
  type FieldName,
  type FieldValue,
  L3_IPV4,
  L3_IPV6,
  L3_NONE,
  L4_ICMP,
  L4_NONE,
  L4_TCP,
  L4_UDP,
  SYNDROME_BAD_TRAILER,
  SYNDROME_ICV_FAIL,
  SYNDROME_OK,
  type WritableFieldName,
} from '../hal/fields.js';
export type {
  Counter,
  CounterSelector,
  DeviceDescription,
  DeviceLimits,
  EntryId,
  EntryOperation,
  EntryResult,
  KeyAlgorithm,
  KeyLengthOctets,
  KeySlot,
  PipeHal,
  PortDescription,
  PspStatistics,
  RssPacket,
  SpiKeyBatch,
  TransmitPacket,
} from '../hal/hal.js';
export { type Envelope, frameInEnvelope } from '../hal/lookup/envelope.js';
export {
  type FailedTest,
  LOOKUP_STEPS_MAX,
  type LookupBranch,
  type LookupCondition,
  type LookupDropReason,
  type LookupEffect,
  type LookupEncryption,
  type LookupEnd,
  type LookupHit,
  type LookupMirror,
  type LookupPacket,
  type LookupPath,
  type LookupStep,
  type RandomCondition,
  type RandomTest,
  type SyndromeCondition,
} from '../hal/lookup/lookup.js';
export {
  type ActionTemplate,
  type ActionValues,
  type BasicEntry,
  type BasicPipe,
  type ControlEntry,
  type ControlPipe,
  type Domain,
  type FieldMatch,
  type Forward,
  type MatchCondition,
  type MatchTemplate,
  type Mirror,
  type MissForward,
  type Monitor,
  type Pipe,
  type PipeCommon,
  type PipeProgram,
  type PspNetType,
  UPLINK_PORT,
  VF_PORT,
} from '../hal/program.js';
export { assertValidProgram, validateProgram } from '../hal/validate.js';
