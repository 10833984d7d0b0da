/** Metrics of the CPU's share of the work: packets that miss, RPCs, callers, limits, certificates, the log, and the process. */
import { byKey, type LabelledValue, type Metric, type Scrape, unixS, type Value } from './metric.js';

const slowPath = (
  name: string,
  help: string,
  read: (slowPath: Scrape['gateway']['slowPath']) => Value,
): Metric => ({
  name: `psp_gateway_${name}`,
  kind: 'counter',
  help,
  read: ({ gateway }) => read(gateway.slowPath),
});

const program = (
  kind: Metric['kind'],
  name: string,
  help: string,
  read: (program: Scrape['program']) => Value,
): Metric => ({ name, kind, help, read: (scrape) => read(scrape.program) });

/** What the limits have refused, under the names of their flags where they have one. */
function refusedByLimits({ gateway, connectionsRefused }: Scrape): LabelledValue[] {
  const { doors, tables, slowPath: cpu, underlay, recovery, segment, refusedOverBudget } = gateway;
  const neighbors =
    segment === undefined ? undefined : (segment.dropped.in.rate ?? 0) + (segment.dropped.out.rate ?? 0);
  return byKey({
    strangers: doors?.refused.strangers,
    'strangers-per-source': doors?.refused.source,
    'connection-rate': doors?.refused.rate,
    'openings-per-peer': doors?.refused.peer,
    'connections-per-peer': doors?.replaced,
    'opening-time': doors?.openingTimeouts,
    'request-time': doors?.requestTimeouts,
    'octets-in-flight': doors?.octetsRefused,
    'octets-beside-messages': doors?.floods,
    descriptors: doors?.acceptErrors,
    'peer-budget': refusedOverBudget,
    'max-tunnels': tables.refused,
    'session-replacements': tables.refusedTooFast,
    'dormant-sessions': tables.dormantDropped,
    'missed-packets': cpu.overflowed,
    'missed-packet-ttl': cpu.expired,
    'sampled-lines-per-second': cpu.sampledNotLogged,
    'underlay-proofs': underlay.watchRefused,
    announcements: recovery.announcementsRefused,
    'recovery-steps': recovery.heldBack,
    'unknown-source-requests': recovery.unknownSourceHeldBack,
    'neighbors-per-second': neighbors,
    'metrics-connections': connectionsRefused,
  });
}

/** When the first of our certificates of a role ends. */
function certificateEnds({ gateway }: Scrape): LabelledValue[] {
  const ends = new Map<string, number>();
  for (const { role, notAfterMs } of gateway.tls?.certificates ?? [])
    ends.set(role, Math.min(notAfterMs, ends.get(role) ?? Number.POSITIVE_INFINITY));
  return [...ends].map(([role, ms]) => [unixS(ms), role]);
}

export const SERVICE_METRICS: readonly Metric[] = [
  slowPath('missed_packets_total', 'Packets of the workload that found no session.', ({ misses }) => misses),
  {
    name: 'psp_gateway_missed_packets_waiting',
    kind: 'gauge',
    help: 'Of these, those that wait for a session now.',
    read: ({ gateway }) => gateway.missedPackets.waiting,
  },
  {
    name: 'psp_gateway_missed_packets_limit',
    kind: 'gauge',
    help: 'Packets that may wait at once.',
    read: ({ gateway }) => gateway.missedPackets.waitingMax,
  },
  slowPath(
    'resubmitted_packets_total',
    'Packets that have waited for a session, and were sent when it was there.',
    ({ resubmitted }) => resubmitted,
  ),
  {
    name: 'psp_gateway_answered_packets_total',
    kind: 'counter',
    help: 'Packets of the workload that the gateway has answered itself, by protocol.',
    labels: ['protocol'],
    read: ({ gateway: { slowPath: cpu } }) =>
      byKey({
        arp: cpu.answeredArp,
        'neighbor-discovery': cpu.answeredNeighbor,
        dhcp: cpu.answeredDhcp,
        'path-mtu': cpu.answeredTooBig,
      }),
  },
  {
    name: 'psp_gateway_sampled_packets_total',
    kind: 'counter',
    help: 'Sampled packets that have come to the CPU.',
    labels: ['direction'],
    read: ({ gateway: { slowPath: cpu } }) => byKey({ in: cpu.sampledIngress, out: cpu.sampledEgress }),
  },
  {
    name: 'psp_gateway_rpcs_total',
    kind: 'counter',
    help: 'RPCs that have ended, by side (`client`: ours), method and gRPC status.',
    labels: ['side', 'method', 'status'],
    read: ({ events }) => events.rpcs.values(),
  },
  {
    name: 'psp_gateway_connections',
    kind: 'gauge',
    help: 'Connections to the tunnel service.',
    read: ({ gateway }) => gateway.doors?.connections,
  },
  {
    name: 'psp_gateway_connections_accepted_total',
    kind: 'counter',
    help: 'Connections to the tunnel service that have been accepted, refused ones among them.',
    read: ({ gateway }) => gateway.doors?.accepted,
  },
  {
    name: 'psp_gateway_refused_callers_total',
    kind: 'counter',
    help: 'Callers of the tunnel service that could not prove to be a peer, by what was wrong.',
    labels: ['reason'],
    read: ({ gateway: { doors } }) =>
      byKey({
        'handshake-failed': doors?.handshakeFailures,
        untrusted: doors?.untrusted,
        'no-peer': doors?.notPeers,
        'protocol-error': doors?.protocolErrors,
      }),
  },
  {
    name: 'psp_gateway_refused_underlay_addresses_total',
    kind: 'counter',
    help: 'Underlay addresses that peers have named and that were refused, by reason.',
    labels: ['reason'],
    read: ({ gateway }) => byKey(gateway.underlay.refused),
  },
  {
    name: 'psp_gateway_limit_refusals_total',
    kind: 'counter',
    help: 'What a limit has refused or put off, by the name of the limit.',
    labels: ['limit'],
    read: refusedByLimits,
  },
  {
    name: 'psp_gateway_device_failures_total',
    kind: 'counter',
    help: 'Operations that the device has refused or could not do.',
    labels: ['operation'],
    read: ({ events }) => events.deviceFailures.values(),
  },
  {
    name: 'psp_gateway_slow_device_operations_total',
    kind: 'counter',
    help: 'Calls of the device that took a second or more.',
    labels: ['operation'],
    read: ({ events }) => events.slowOperations.values(),
  },
  {
    name: 'psp_gateway_certificate_expiry_timestamp_seconds',
    kind: 'gauge',
    help: 'When the first of our certificates of a role ends, as Unix time; absent with --insecure.',
    labels: ['role'],
    read: certificateEnds,
  },
  program(
    'counter',
    'psp_gateway_log_lines_lost_total',
    'Lines of the log, and blocks of --stat-print and --perf-print, that nobody read or that could not be written.',
    ({ logLinesLost }) => logLinesLost,
  ),
  {
    name: 'psp_gateway_log_lines_left_out_total',
    kind: 'counter',
    help: 'Lines of the log that were left out, since there were many of their kind.',
    read: ({ gateway }) => gateway.eventLinesLeftOut,
  },
  program(
    'gauge',
    'psp_gateway_captures',
    'Captures of packets under way.',
    ({ captures }) => captures?.captures,
  ),
  program(
    'counter',
    'psp_gateway_captures_refused_total',
    'Captures that were refused, since there were as many as may be.',
    ({ captures }) => captures?.capturesRefused,
  ),
  program(
    'counter',
    'psp_gateway_capture_packets_left_out_total',
    'Packets that captures have left out, for the sake of --capture-rate or since their reader was slow.',
    ({ captures }) => captures?.capturePacketsLeftOut,
  ),
  {
    name: 'psp_gateway_info',
    kind: 'gauge',
    help: 'Version of the gateway, and what is under it; always 1.',
    labels: ['version', 'hal'],
    read: ({ gateway, program: { version } }) => [[1, version, gateway.device.hal]],
  },
  program(
    'counter',
    'psp_gateway_event_loop_iterations_total',
    'Turns of the event loop: how often the process has woken up for something.',
    ({ loopIterations }) => loopIterations,
  ),
  program(
    'counter',
    'process_cpu_seconds_total',
    'Processor time that the process has used.',
    ({ cpuS }) => cpuS,
  ),
  program(
    'gauge',
    'process_resident_memory_bytes',
    'Memory of the process that is in RAM.',
    ({ residentOctets }) => residentOctets,
  ),
  program(
    'gauge',
    'process_start_time_seconds',
    'When the process was started, as Unix time.',
    ({ startedAtS }) => startedAtS,
  ),
];
