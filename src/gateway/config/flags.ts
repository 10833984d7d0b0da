/**
 * Every flag of the gateway, in one table: the single source for parsing, for JSON keys, for help and for
 * docs/flags.md. Names, short forms and defaults are those of DOCA's PSP gateway application (2.8) where it has
 * the flag; long names of later releases are aliases.
 */

import { SNAP_OCTETS_DEFAULT } from '../../packet/pcap.js';
import { AEAD_ENGINE_DEFAULT, AEAD_ENGINE_NAMES, AEAD_ENGINES_MEANING } from '../../psp/aead-engines.js';
import { DOOR_LIMITS } from '../doors/door-limits.js';
import { isDeviceText } from './devices.js';

export type FlagKind = 'boolean' | 'number' | 'text' | 'list';

export interface Flag {
  /** The long name, and the JSON key. */
  readonly name: string;
  readonly short?: string;
  readonly aliases?: readonly string[];
  readonly kind: FlagKind;
  /** A text that may be given many times. */
  readonly repeatable?: true;
  /** Its value may be left out, and is then this one. */
  readonly valueIfAbsent?: string;
  /** Default as it would be written on the command line; absent: off, or none. */
  readonly default?: string;
  /** For numbers. */
  readonly range?: readonly [lowest: number, highest: number];
  /** For texts: what is allowed. */
  readonly choices?: readonly string[];
  /** Placeholder of the value in help. */
  readonly placeholder?: string;
  readonly meaning: string;
  /** DOCA's section of a JSON flags file; ours are program flags too. */
  readonly section: 'doca_general_flags' | 'doca_program_flags';
  readonly group:
    | 'Device'
    | 'Addresses'
    | 'Peers'
    | 'Tunnels'
    | 'Sampling'
    | 'Security'
    | 'Limits'
    | 'Output'
    | 'Simulator'
    | 'Files'
    | 'Questions';
}

const MAX_MS = 7 * 24 * 3600_000;

type Spec = Omit<Flag, 'name' | 'section'> & { readonly section?: Flag['section'] };

const flag = (name: string, spec: Spec): Flag => ({ section: 'doca_program_flags', ...spec, name });

const LOG_LEVELS = ['10', '20', '30', '40', '50', '60', '70'];

export const FLAGS: readonly Flag[] = [
  flag('hal', {
    kind: 'text',
    choices: ['sim', 'doca'],
    default: 'sim',
    group: 'Device',
    meaning: 'what is under the gateway: the simulator, or DOCA (of a BlueField-3, or in software)',
  }),
  flag('pci-addr', {
    short: 'p',
    aliases: ['device'],
    kind: 'text',
    placeholder: '[pci/]BDF[,REPR]',
    group: 'Device',
    meaning:
      'PCI address of the uplink, [DDDD:]BB:DD.F, with pci/ before it or not, with a representor behind it or not; required with --hal=doca',
  }),
  flag('repr', {
    short: 'r',
    kind: 'text',
    default: '[0]',
    placeholder: 'LIST',
    group: 'Device',
    meaning:
      "the workload's representor: vf0pf0, pf0vf0, sf1, [0], pci/BDF,pf0vf0 or a PCI address; of a list, such as vf[0-3]pf[0-1], the first, which the log names",
  }),
  flag('core-mask', {
    short: 'm',
    kind: 'text',
    default: '0x3',
    placeholder: 'MASK',
    group: 'Device',
    meaning: 'EAL core mask, in hex (a number in JSON: its value)',
  }),
  flag('decap-dmac', {
    kind: 'text',
    placeholder: 'MAC',
    group: 'Addresses',
    meaning: 'MAC of the workload, to which decapsulated packets go (not with --vf-name)',
  }),
  flag('local-virt-ip', {
    kind: 'text',
    placeholder: 'IP[,IP..]',
    group: 'Addresses',
    meaning: 'addresses of the VF, of either family (not with --vf-name)',
  }),
  flag('vf-name', {
    short: 'd',
    kind: 'text',
    placeholder: 'NETDEV',
    group: 'Addresses',
    meaning: 'network device of the VF on this machine, whose MAC and addresses are taken (with --hal=doca)',
  }),
  flag('nexthop-dmac', {
    short: 'n',
    kind: 'text',
    placeholder: 'MAC',
    group: 'Addresses',
    meaning: "outer destination MAC, instead of the peer's",
  }),
  flag('local-pip', {
    kind: 'text',
    placeholder: 'IP',
    group: 'Addresses',
    meaning: "outer source address, instead of the uplink's own, of the family of --outer-ip-type",
  }),
  flag('svc-addr', {
    short: 's',
    kind: 'text',
    default: '0.0.0.0:3000',
    placeholder: 'IP[:PORT]',
    group: 'Peers',
    meaning: 'where to serve peers (gRPC)',
  }),
  flag('tunnel', {
    short: 't',
    kind: 'list',
    placeholder: 'SVC:VIP[/LEN][,VIP[/LEN]]',
    group: 'Peers',
    meaning:
      'a peer and the virtual addresses and prefixes that it owns, of which the longest decides; may be given many times',
  }),
  flag('tunnels-file', {
    short: 'f',
    kind: 'text',
    repeatable: true,
    placeholder: 'FILE',
    group: 'Peers',
    meaning: 'peers, one per line: SVC-ADDR:VIP[/LEN],VIP[/LEN],...; may be given many times',
  }),
  flag('state-file', {
    kind: 'text',
    placeholder: 'FILE',
    group: 'Peers',
    meaning:
      'what was learnt of peers (underlay addresses, dialect, last answer; no keys), for traffic to be back at once after a restart; written, and read at the start',
  }),
  flag('config', {
    kind: 'text',
    placeholder: 'FILE',
    group: 'Peers',
    meaning: 'peers and their sessions, as JSON with comments',
  }),
  flag('peer-dialect', {
    kind: 'list',
    placeholder: 'SVC=2.7|2.8|3.x',
    group: 'Peers',
    meaning: 'messages that a peer understands; learnt when not given',
  }),
  flag('cookie', {
    short: 'c',
    kind: 'boolean',
    group: 'Tunnels',
    meaning: 'virtualization cookies in the PSP header, a random one per tunnel',
  }),
  flag('disable-ingress-acl', {
    short: 'a',
    kind: 'boolean',
    group: 'Security',
    meaning: 'let in any packet that decrypts',
  }),
  flag('sample-rate', {
    kind: 'number',
    default: '0',
    range: [0, 16],
    placeholder: 'N',
    group: 'Sampling',
    meaning: 'sample one packet in 2^N; 0: none',
  }),
  flag('maintain-order', {
    kind: 'boolean',
    group: 'Sampling',
    meaning: 'keep the order of packets while sampling on the way out (RoCE)',
  }),
  flag('sample-before-encryption', {
    kind: 'boolean',
    group: 'Sampling',
    meaning: 'copy packets on the way out before they are encrypted, and not as they leave',
  }),
  flag('sampled-lines-per-second', {
    kind: 'number',
    default: '10',
    range: [0, 10_000],
    placeholder: 'N',
    group: 'Sampling',
    meaning: 'sampled packets that the log tells of per second, by their headers; 0: none',
  }),
  flag('sampled-octets', {
    kind: 'boolean',
    group: 'Sampling',
    meaning: 'with all their octets: of packets on the way in, the plaintext of the workload',
  }),
  flag('max-tunnels', {
    short: 'x',
    kind: 'number',
    default: '256',
    range: [1, 250_000],
    placeholder: 'N',
    group: 'Limits',
    meaning:
      'sessions at one time (default: as many as addresses of peers are listed, those of prefixes among them, from 256 to 65536)',
  }),
  flag('session-idle', {
    kind: 'number',
    default: '300',
    range: [0, MAX_MS / 1000],
    placeholder: 'SECONDS',
    group: 'Limits',
    meaning:
      'time without a packet either way after which a session gives up its place (its next packet makes it again; static tunnels stay); 0: no session is ever idle',
  }),
  flag('session-replacements', {
    kind: 'number',
    default: '10',
    range: [1, 1_000_000],
    placeholder: 'N',
    group: 'Limits',
    meaning:
      'when all --max-tunnels are in use: sessions per second that a peer or workload address with no less than its share may have at the cost of its own oldest ones',
  }),
  flag('crypt-offset', {
    short: 'o',
    kind: 'number',
    range: [0, 63],
    placeholder: 'N',
    group: 'Tunnels',
    meaning:
      'octets left readable, in units of 4 (default: in tunnel mode the inner IP header: IPv4 5, IPv6 10, with cookie 7, 12; in transport mode 0)',
  }),
  flag('psp-version', {
    kind: 'number',
    default: '1',
    range: [0, 1],
    placeholder: '0|1',
    group: 'Tunnels',
    meaning: 'version of the tunnels that we ask for: 0 AES-GCM-128, 1 AES-GCM-256',
  }),
  flag('static-tunnels', {
    short: 'z',
    kind: 'text',
    valueIfAbsent: 'true',
    placeholder: '[IP]',
    group: 'Tunnels',
    meaning:
      'make all configured tunnels at start-up, from this local virtual address, or from all of ours; of prefixes those that their peers grant',
  }),
  flag('outer-ip-type', {
    kind: 'text',
    choices: ['ipv4', 'ipv6'],
    default: 'ipv6',
    group: 'Tunnels',
    meaning: 'family of the outer header',
  }),
  flag('inner', {
    aliases: ['inner-ip-type'],
    kind: 'text',
    choices: ['ipv4', 'ipv6', 'both'],
    default: 'ipv4',
    group: 'Tunnels',
    meaning: "family of the workload's packets",
  }),
  flag('mode', {
    kind: 'text',
    choices: ['tunnel', 'transport'],
    default: 'tunnel',
    group: 'Tunnels',
    meaning: 'a new outer header, or UDP and PSP behind the own IP header',
  }),
  flag('confirm-underlay', {
    kind: 'boolean',
    group: 'Security',
    meaning:
      'hold packets for a peer back, but for 16 and then one in 10 s, until an authenticated packet has come from the underlay address that it named (not where the session file gives its underlay); one-way traffic needs that file',
  }),
  flag('allow-router', {
    kind: 'list',
    placeholder: 'IP',
    group: 'Security',
    meaning:
      "a router of the workload's segment, by its link-local address, whose advertisements and redirects reach the workload (with --mode=transport); may be given many times",
  }),
  flag('tls-ca', {
    kind: 'text',
    placeholder: 'FILE',
    group: 'Security',
    meaning: "certificate of the authority that signs peers' certificates (PEM)",
  }),
  flag('tls-cert', {
    kind: 'text',
    placeholder: 'FILE',
    group: 'Security',
    meaning: 'our certificate (PEM)',
  }),
  flag('tls-key', { kind: 'text', placeholder: 'FILE', group: 'Security', meaning: 'its private key (PEM)' }),
  flag('insecure', {
    kind: 'boolean',
    group: 'Security',
    meaning:
      "gRPC in plaintext: whoever can send from a peer's service address gets keys, and whoever is on the way reads them",
  }),
  flag('allow-core-dumps', {
    kind: 'boolean',
    group: 'Security',
    meaning:
      'let the kernel write core dumps, and other processes of the same user read this one; both have keys in them',
  }),
  flag('debug-keys', {
    short: 'k',
    kind: 'boolean',
    group: 'Security',
    meaning: 'print keys to the log, at the default level',
  }),
  flag('rpc-deadline', {
    kind: 'number',
    default: '5000',
    range: [1, MAX_MS],
    placeholder: 'MS',
    group: 'Limits',
    meaning: 'time for a peer to answer',
  }),
  flag('backoff-min', {
    kind: 'number',
    default: '200',
    range: [1, MAX_MS],
    placeholder: 'MS',
    group: 'Limits',
    meaning: 'wait after a first failure',
  }),
  flag('backoff-max', {
    kind: 'number',
    default: '10000',
    range: [1, MAX_MS],
    placeholder: 'MS',
    group: 'Limits',
    meaning: 'longest wait between attempts',
  }),
  flag('missed-packets', {
    kind: 'number',
    default: '64',
    range: [1, 100_000],
    placeholder: 'N',
    group: 'Limits',
    meaning: 'packets that may wait for one session',
  }),
  flag('missed-packets-total', {
    kind: 'number',
    default: '4096',
    range: [1, 1_000_000],
    placeholder: 'N',
    group: 'Limits',
    meaning: 'packets that may wait for all sessions together',
  }),
  flag('missed-packet-ttl', {
    kind: 'number',
    default: '5000',
    range: [1, MAX_MS],
    placeholder: 'MS',
    group: 'Limits',
    meaning: 'how long a packet may wait for its session',
  }),
  flag('rekey-grace', {
    kind: 'number',
    default: '30000',
    range: [100, MAX_MS],
    placeholder: 'MS',
    group: 'Limits',
    meaning:
      'how long an old SPI is accepted after a re-key, and how long a rotation waits for it; a rotation that cannot wait ends it all the same',
  }),
  flag('rotation-period', {
    kind: 'number',
    default: '86400000',
    range: [0, MAX_MS],
    placeholder: 'MS',
    group: 'Limits',
    meaning:
      'time between rotations of the master key; in fact at least twice --rekey-grace, for which old SPIs are waited for; 0: never',
  }),
  flag('rotation-deadline', {
    kind: 'number',
    default: '600000',
    range: [100, MAX_MS],
    placeholder: 'MS',
    group: 'Limits',
    meaning:
      'how long a rotation waits for peers that have not taken new keys; then their tunnels end with the key, and come back with them',
  }),
  flag('rotation-request-interval', {
    kind: 'number',
    default: '300000',
    range: [100, MAX_MS],
    placeholder: 'MS',
    group: 'Limits',
    meaning: 'least time between two rotations at the request of one peer',
  }),
  flag('tunnels-per-request', {
    kind: 'number',
    default: '1000',
    range: [1, 65_536],
    placeholder: 'N',
    group: 'Limits',
    meaning: 'tunnels in one request, asked for or answered',
  }),
  flag('request-octets', {
    kind: 'number',
    default: '4194304',
    range: [1024, 256 * 1024 * 1024],
    placeholder: 'N',
    group: 'Limits',
    meaning: 'largest message from or to a peer',
  }),
  flag('tunnels-per-second', {
    kind: 'number',
    range: [1, 100_000_000],
    placeholder: 'N',
    group: 'Limits',
    meaning:
      'tunnels per peer and second that are answered, on average, and twice --max-tunnels at once (default: a sixtieth of --max-tunnels, at least 100)',
  }),
  flag('spis-per-hour', {
    kind: 'number',
    range: [1, 2_000_000_000],
    placeholder: 'N',
    group: 'Limits',
    meaning:
      'SPIs that one peer may take in an hour, of the 2^31 of a master key (default: 16 times --max-tunnels, at least 100000)',
  }),
  flag('opening-time', {
    kind: 'number',
    default: String(DOOR_LIMITS.openingMs),
    range: [100, MAX_MS],
    placeholder: 'MS',
    group: 'Limits',
    meaning:
      'time for a connection to get through TLS and HTTP/2, either way; a stranger has no longer at all',
  }),
  flag('connection-idle', {
    kind: 'number',
    default: String(DOOR_LIMITS.idleMs),
    range: [1000, MAX_MS],
    placeholder: 'MS',
    group: 'Limits',
    meaning: "how long a peer's connection may be without a request",
  }),
  flag('connections-per-peer', {
    kind: 'number',
    default: String(DOOR_LIMITS.connectionsPerPeer),
    range: [1, 256],
    placeholder: 'N',
    group: 'Limits',
    meaning: 'connections of one peer; one more takes the place of its least recently used one',
  }),
  flag('strangers', {
    kind: 'number',
    default: String(DOOR_LIMITS.strangers),
    range: [1, 4096],
    placeholder: 'N',
    group: 'Limits',
    meaning: "connections of callers that have not shown to be a peer, from addresses that are no peer's",
  }),
  flag('strangers-per-second', {
    kind: 'number',
    default: String(DOOR_LIMITS.strangersPerSecond),
    range: [1, 100_000],
    placeholder: 'N',
    group: 'Limits',
    meaning: 'new connections of those per second; each may cost a TLS handshake, about a millisecond',
  }),
  flag('requests-per-second', {
    kind: 'number',
    default: String(DOOR_LIMITS.requestsPerPeerPerSecond),
    range: [1, 1_000_000],
    placeholder: 'N',
    group: 'Limits',
    meaning: 'requests of one peer that are begun per second; further ones wait',
  }),
  flag('octets-per-peer', {
    kind: 'number',
    default: String(DOOR_LIMITS.octetsPerPeer),
    range: [65_536, 2 ** 32],
    placeholder: 'N',
    group: 'Limits',
    meaning: 'octets of requests and answers held at once for one peer; not less than --request-octets',
  }),
  flag('octets-in-flight', {
    kind: 'number',
    default: String(DOOR_LIMITS.octetsInAll),
    range: [65_536, 2 ** 36],
    placeholder: 'N',
    group: 'Limits',
    meaning: 'the same for all peers together; not less than --octets-per-peer',
  }),
  flag('neighbors-per-source', {
    kind: 'number',
    default: '100',
    range: [1, 1_000_000],
    placeholder: 'N',
    group: 'Limits',
    meaning:
      'messages of ARP and neighbor discovery of one source that pass per second and direction, in clear (with --mode=transport)',
  }),
  flag('neighbors-per-second', {
    kind: 'number',
    default: '1000',
    range: [1, 1_000_000],
    placeholder: 'N',
    group: 'Limits',
    meaning: 'the same for all sources together',
  }),
  flag('unknown-source-requests', {
    kind: 'number',
    default: '4',
    range: [0, 6000],
    placeholder: 'N',
    group: 'Limits',
    meaning:
      'requests to peers per minute, all together, because of packets that fail to authenticate and come from no known underlay address',
  }),
  flag('log-level', {
    short: 'l',
    kind: 'text',
    choices: LOG_LEVELS,
    default: '50',
    section: 'doca_general_flags',
    group: 'Output',
    meaning: '10 DISABLE, 20 CRITICAL, 30 ERROR, 40 WARNING, 50 INFO, 60 DEBUG, 70 TRACE',
  }),
  flag('sdk-log-level', {
    kind: 'text',
    choices: LOG_LEVELS,
    default: '40',
    section: 'doca_general_flags',
    group: 'Output',
    meaning: "the same for the SDK's own messages (with --hal=doca)",
  }),
  flag('log-format', {
    kind: 'text',
    choices: ['text', 'json'],
    default: 'text',
    group: 'Output',
    meaning: 'lines for people or for programs',
  }),
  flag('stat-print', { kind: 'boolean', group: 'Output', meaning: 'print counters every second' }),
  flag('perf-print', {
    kind: 'text',
    placeholder: 'key-gen|insertion|all',
    group: 'Output',
    meaning: 'print rates of key generation, of entry insertion, or both (also as key-gen,insertion)',
  }),
  flag('show-rss-rx-packets', {
    kind: 'boolean',
    group: 'Output',
    meaning: 'print packets that come to the CPU',
  }),
  flag('sim-wire', {
    kind: 'text',
    default: 'udp',
    placeholder: 'udp[:ADDR[:PORT]]|pcap:IN[,OUT]',
    group: 'Simulator',
    meaning: 'the uplink: PSP over a UDP socket (address of the host, port 1000), or capture files',
  }),
  flag('sim-vf', {
    kind: 'text',
    default: 'host',
    placeholder: 'host[:IP[,IP]]|tap:NAME[,mac=MAC][,mtu=OCTETS][,IP[,IP]]|pcap:IN[,OUT]',
    group: 'Simulator',
    meaning:
      'the workload: a host in this process with these addresses, a TAP interface of the kernel, or capture files',
  }),
  flag('snaplen', {
    kind: 'number',
    default: '0',
    range: [0, SNAP_OCTETS_DEFAULT],
    placeholder: 'OCTETS',
    group: 'Simulator',
    meaning: 'octets of each frame that capture files get (pcap:IN,OUT), 14 or more; 0: all',
  }),
  flag('aead', {
    kind: 'text',
    choices: AEAD_ENGINE_NAMES,
    default: AEAD_ENGINE_DEFAULT,
    group: 'Simulator',
    meaning: AEAD_ENGINES_MEANING,
  }),
  flag('ping', {
    kind: 'text',
    placeholder: 'IP',
    group: 'Simulator',
    meaning: 'ping from the simulated workload, then end; exits with 1 when no answer came',
  }),
  flag('ping-count', {
    kind: 'number',
    default: '4',
    range: [1, 1_000_000],
    placeholder: 'N',
    group: 'Simulator',
    meaning: 'how many pings',
  }),
];

/** Names a file of all other flags; it cannot stand in one itself. */
export const JSON_FLAG: Flag = flag('json', {
  short: 'j',
  kind: 'text',
  placeholder: 'FILE',
  group: 'Files',
  meaning: 'flags from a JSON file; those on the command line win',
});

/** Questions to the program, answered by src/cli before any flag is read. */
export const QUESTION_FLAGS: readonly Flag[] = [
  flag('version', { short: 'v', kind: 'boolean', group: 'Questions', meaning: 'print the version' }),
  flag('help', { short: 'h', kind: 'boolean', group: 'Questions', meaning: 'print all flags' }),
];

const BY_NAME = new Map<string, Flag>(
  FLAGS.flatMap((one) => [one.name, ...(one.aliases ?? [])].map((name) => [name, one])),
);
const BY_SHORT = new Map<string, Flag>(
  FLAGS.flatMap((one) => (one.short === undefined ? [] : [[one.short, one]])),
);

/**
 * Short forms that mean another flag in later releases of DOCA than in 2.8, whose we have: `-c FILE` has been --config since
 * 2.9, and `-s` --device since 3.3. What follows tells them apart.
 */
export function flagOfLater(letter: string, value: string | undefined): Flag | undefined {
  if (value === undefined) return undefined;
  if (letter === 'c' && value !== 'true' && value !== 'false') return BY_NAME.get('config');
  return letter === 's' && isDeviceText(value) ? BY_NAME.get('device') : undefined;
}

/** The flag of a long name or alias, without the dashes. */
export function flagNamed(name: string): Flag | undefined {
  return BY_NAME.get(name);
}

export function flagWithShort(letter: string): Flag | undefined {
  return BY_SHORT.get(letter);
}

/** Every long name and alias, without the dashes. */
export function flagNames(): Iterable<string> {
  return BY_NAME.keys();
}
