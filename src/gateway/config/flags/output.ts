/** Flags of what the program prints. */
import { type Flag, flagsOf } from './flag.js';

const LOG_LEVELS = ['10', '20', '30', '40', '50', '60', '70'];

export const OUTPUT_FLAGS: readonly Flag[] = flagsOf('Output', {
  'log-level': {
    live: true,
    short: 'l',
    kind: 'text',
    choices: LOG_LEVELS,
    default: '50',
    section: 'doca_general_flags',
    meaning: '10 DISABLE, 20 CRITICAL, 30 ERROR, 40 WARNING, 50 INFO, 60 DEBUG, 70 TRACE',
  },
  'sdk-log-level': {
    kind: 'text',
    choices: LOG_LEVELS,
    default: '40',
    section: 'doca_general_flags',
    meaning: "the same for the SDK's own messages (with --hal=doca)",
  },
  'log-format': {
    kind: 'text',
    choices: ['text', 'json'],
    default: 'text',
    meaning: 'lines for people or for programs',
  },
  admin: {
    kind: 'text',
    placeholder: 'PATH|off',
    meaning:
      'unix socket on which psp-gateway status and its like reach this gateway; default: in /run/psp-gateway for root, otherwise in $XDG_RUNTIME_DIR/psp-gateway, named after --svc-addr',
  },
  'stat-print': { kind: 'boolean', meaning: 'print counters every second' },
  'perf-print': {
    kind: 'text',
    placeholder: 'key-gen|insertion|all',
    meaning: 'print rates of key generation, of entry insertion, or both (also as key-gen,insertion)',
  },
  metrics: {
    kind: 'text',
    placeholder: '[ADDR:]PORT',
    meaning:
      'serve metrics for Prometheus at /metrics, /healthz and /readyz, over HTTP and to whoever can reach it; on loopback where only a port is given',
  },
  'metrics-per-peer': {
    kind: 'boolean',
    meaning: 'metrics of each peer as well, of the first 1024 (with --metrics)',
  },
  'show-rss-rx-packets': {
    kind: 'boolean',
    meaning: 'print packets that come to the CPU',
  },
  record: {
    kind: 'text',
    placeholder: 'FILE',
    meaning:
      'write down all that the gateway asks of its device, its peers and its clock, and what it gets, without keys and cookies: for psp-gateway replay. An earlier recording of the name becomes FILE.before',
  },
  'record-payload': {
    kind: 'boolean',
    meaning:
      'with the payload of packets that come to the CPU or from it, not only their headers (with --record)',
  },
  'record-size': {
    kind: 'number',
    range: [1, 65_536],
    default: '64',
    meaning:
      'largest size of the recording, in MiB; at its end the older half is in FILE.1, and what was before is gone (with --record)',
  },
});
