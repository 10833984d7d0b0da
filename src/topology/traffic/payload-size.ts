/** The `size` of traffic whose packets carry payloads that buildPayload makes. */
import { PAYLOAD_OCTETS_MAX } from '../file/limits.js';
import type { Quantity } from '../file/quantities.js';
import { type SchemaOf, size } from '../file/schema-values.js';
import type { Place } from '../file/source.js';
import { sizeOctets } from '../file/values.js';
import { PAYLOAD_OCTETS_MIN } from './payload.js';

export const payloadSize = (what: string, fallback: number): SchemaOf<Quantity> =>
  size(
    `${what}, ${PAYLOAD_OCTETS_MIN} to ${PAYLOAD_OCTETS_MAX}`,
    PAYLOAD_OCTETS_MIN,
    PAYLOAD_OCTETS_MAX,
    fallback,
  );

/** Octets; what is wrong with the value is noted. */
export const readPayloadSize = (value: Quantity | undefined, fallback: number, place: Place): number =>
  value === undefined ? fallback : sizeOctets(value, place, PAYLOAD_OCTETS_MIN, PAYLOAD_OCTETS_MAX);
