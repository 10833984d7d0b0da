/** The limits of a gateway, from their flags. */
import { DOOR_LIMITS } from '../doors/door-limits.js';
import type { GatewayLimits } from '../options.js';
import type { FlagReader } from './flag-reader.js';

/** Tunnels per second that a peer may ask for, when nobody says: all that there can be once a minute, or so many. */
const REKEY_SECONDS = 60;
const TUNNELS_PER_SECOND_MIN = 100;
/** SPIs per hour that a peer may take, when nobody says: its tunnels may be re-keyed so often, or so many in all. */
const SPIS_PER_HOUR_PER_TUNNEL = 16;
const SPIS_PER_HOUR_MIN = 100_000;

export function readLimits(flags: FlagReader, maxTunnels: number): GatewayLimits {
  return {
    rpcDeadlineMs: flags.number('rpc-deadline'),
    backoffMinMs: flags.number('backoff-min'),
    backoffMaxMs: flags.number('backoff-max'),
    missedPacketsPerSession: flags.number('missed-packets'),
    missedPacketsTotal: flags.number('missed-packets-total'),
    missedPacketTtlMs: flags.number('missed-packet-ttl'),
    rekeyGraceMs: flags.number('rekey-grace'),
    rotationPeriodMs: flags.number('rotation-period'),
    rotationDeadlineMs: flags.number('rotation-deadline'),
    rotationRequestIntervalMs: flags.number('rotation-request-interval'),
    tunnelsPerRequest: flags.number('tunnels-per-request'),
    sessionIdleS: flags.number('idle-timeout'),
    sessionReplacementsPerSecond: flags.number('session-replacements'),
    requestOctetsMax: flags.number('request-octets'),
    unknownSourceRequestsPerMinute: flags.number('unknown-source-requests'),
    tunnelsPerPeerPerSecond:
      flags.optionalNumber('tunnels-per-second') ??
      Math.max(TUNNELS_PER_SECOND_MIN, Math.ceil(maxTunnels / REKEY_SECONDS)),
    doors: {
      ...DOOR_LIMITS,
      openingMs: flags.number('opening-time'),
      idleMs: flags.number('connection-idle'),
      connectionsPerPeer: flags.number('connections-per-peer'),
      strangers: flags.number('strangers'),
      strangersPerSecond: flags.number('strangers-per-second'),
      requestsPerPeerPerSecond: flags.number('requests-per-second'),
      octetsPerPeer: flags.number('octets-per-peer'),
      octetsInAll: flags.number('octets-in-flight'),
    },
    neighborsPerSourcePerSecond: flags.number('neighbors-per-source'),
    neighborsPerSecond: flags.number('neighbors-per-second'),
    capturedPacketsPerSecond: flags.number('capture-rate'),
    sampledLinesPerSecond: flags.number('sampled-lines-per-second'),
    spisPerPeerPerHour:
      flags.optionalNumber('spis-per-hour') ??
      Math.max(SPIS_PER_HOUR_MIN, SPIS_PER_HOUR_PER_TUNNEL * maxTunnels),
  };
}
