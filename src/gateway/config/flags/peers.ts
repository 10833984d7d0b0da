/** Flags of peers. */
import { type Flag, flagsOf } from './flag.js';

export const PEERS_FLAGS: readonly Flag[] = flagsOf('Peers', {
  'svc-addr': {
    short: 's',
    kind: 'text',
    default: '0.0.0.0:3000',
    placeholder: 'IP[:PORT]',
    meaning: 'where to serve peers (gRPC)',
  },
  tunnel: {
    live: true,
    short: 't',
    kind: 'list',
    placeholder: 'SVC:VIP[/LEN][,VIP[/LEN]]',
    meaning:
      'a peer and the virtual addresses and prefixes that it owns, of which the longest decides; may be given many times',
  },
  'tunnels-file': {
    live: true,
    short: 'f',
    kind: 'text',
    repeatable: true,
    placeholder: 'FILE',
    meaning: 'peers, one per line: SVC-ADDR:VIP[/LEN],VIP[/LEN],...; may be given many times',
  },
  'state-file': {
    kind: 'text',
    placeholder: 'FILE',
    meaning:
      'what was learnt of peers (underlay addresses, dialect, last answer; no keys), for traffic to be back at once after a restart; written, and read at the start',
  },
  config: {
    live: true,
    kind: 'text',
    placeholder: 'FILE',
    meaning:
      'all flags and peers, as YAML (FILE.yaml or .yml; flags of the command line win), or peers and their sessions, as JSON with comments',
  },
  'peer-dialect': {
    live: true,
    kind: 'list',
    placeholder: 'SVC=2.7|2.8|3.x',
    meaning: 'messages that a peer understands; learnt when not given',
  },
});
