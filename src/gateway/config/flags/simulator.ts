/** Flags that are for the simulator alone. */
import { SNAP_OCTETS_DEFAULT } from '../../../packet/pcap.js';
import { AEAD_ENGINE_DEFAULT, AEAD_ENGINE_NAMES, AEAD_ENGINES_MEANING } from '../../../psp/aead-engines.js';
import { type Flag, flagsOf } from './flag.js';

export const SIMULATOR_FLAGS: readonly Flag[] = flagsOf('Simulator', {
  'sim-wire': {
    kind: 'text',
    default: 'udp',
    placeholder: 'udp[:ADDR[:PORT]]|pcap:IN[,OUT]',
    meaning: 'the uplink: PSP over a UDP socket (address of the host, port 1000), or capture files',
  },
  'sim-vf': {
    kind: 'text',
    default: 'host',
    placeholder: 'host[:IP[,IP]]|tap:NAME[,mac=MAC][,mtu=OCTETS][,IP[,IP]]|pcap:IN[,OUT]',
    meaning:
      'the workload: a host in this process with these addresses, a TAP interface of the kernel, or capture files',
  },
  snaplen: {
    kind: 'number',
    default: '0',
    range: [0, SNAP_OCTETS_DEFAULT],
    placeholder: 'OCTETS',
    meaning: 'octets of each frame that capture files get (pcap:IN,OUT), 14 or more; 0: all',
  },
  aead: {
    kind: 'text',
    choices: AEAD_ENGINE_NAMES,
    default: AEAD_ENGINE_DEFAULT,
    meaning: AEAD_ENGINES_MEANING,
  },
  ping: {
    kind: 'text',
    placeholder: 'IP',
    meaning: 'ping from the simulated workload, then end; exits with 1 when no answer came',
  },
  'ping-count': {
    kind: 'number',
    default: '4',
    range: [1, 1_000_000],
    placeholder: 'N',
    meaning: 'how many pings (with --ping)',
  },
});
