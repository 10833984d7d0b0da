/**
 * Every flag of the gateway, in one table: the single source for parsing, for JSON keys, for help and for the
 * README's table. Names, short forms and defaults are those of DOCA's PSP gateway application (2.8) where it has
 * the flag; long names of later releases are aliases.
 */

export type FlagKind = 'boolean' | 'number' | 'text' | 'list';

export interface Flag {
  /** The long name, and the JSON key. */
  readonly name: string;
  readonly short?: string;
  readonly aliases?: readonly string[];
  readonly kind: FlagKind;
  /** As it would be written on the command line; absent: off, or none. */
  readonly default?: string;
  /** For numbers. */
  readonly range?: readonly [lowest: number, highest: number];
  /** For texts: what is allowed. */
  readonly choices?: readonly string[];
  /** What stands for the value in help. */
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
    meaning: 'what is under the gateway: the simulator, or DOCA on a BlueField-3',
  }),
  flag('pci-addr', {
    short: 'p',
    aliases: ['device'],
    kind: 'text',
    placeholder: 'BDF',
    group: 'Device',
    meaning: 'PCI address of the uplink, [DDDD:]BB:DD.F; required with --hal=doca',
  }),
  flag('repr', {
    short: 'r',
    kind: 'text',
    default: '[0]',
    placeholder: 'LIST',
    group: 'Device',
    meaning: 'representors, such as vf0pf0, pf[0-1] or [0], of which the first is used, or a PCI address',
  }),
  flag('core-mask', {
    short: 'm',
    kind: 'text',
    default: '0x3',
    placeholder: 'MASK',
    group: 'Device',
    meaning: 'EAL core mask, in hex',
  }),
  flag('decap-dmac', {
    kind: 'text',
    placeholder: 'MAC',
    group: 'Addresses',
    meaning: 'destination MAC of decapsulated packets (not with --vf-name)',
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
    placeholder: 'SVC:VIP[,VIP]',
    group: 'Peers',
    meaning: 'a peer and the virtual addresses that it owns; may be given many times',
  }),
  flag('tunnels-file', {
    short: 'f',
    kind: 'text',
    placeholder: 'FILE',
    group: 'Peers',
    meaning: 'peers, one per line: SVC-ADDR:VIP,VIP,...',
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
  flag('max-tunnels', {
    short: 'x',
    kind: 'number',
    default: '256',
    range: [1, 250_000],
    placeholder: 'N',
    group: 'Limits',
    meaning: 'sessions at one time',
  }),
  flag('crypt-offset', {
    short: 'o',
    kind: 'number',
    range: [0, 63],
    placeholder: 'N',
    group: 'Tunnels',
    meaning: 'octets left readable, in units of 4 (default: inner IPv4 5, IPv6 10; with cookie 7, 12)',
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
    placeholder: 'IP',
    group: 'Tunnels',
    meaning: 'make all configured tunnels at start-up, from this local virtual address',
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
    meaning: 'gRPC in plaintext: whoever reaches the port gets keys, and can read them',
  }),
  flag('debug-keys', { short: 'k', kind: 'boolean', group: 'Security', meaning: 'print keys to the log' }),
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
    meaning: 'how long an old SPI is accepted after a re-key',
  }),
  flag('rotation-period', {
    kind: 'number',
    default: '86400000',
    range: [0, MAX_MS],
    placeholder: 'MS',
    group: 'Limits',
    meaning: 'time between rotations of the master key; 0: never',
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
    default: '100000',
    range: [1, 100_000_000],
    placeholder: 'N',
    group: 'Limits',
    meaning: 'tunnels per peer and second that are answered',
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
    choices: ['key-gen', 'insertion', 'all'],
    group: 'Output',
    meaning: 'print rates of key generation, of entry insertion, or both',
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

/** The flag of a long name or alias, without the dashes. */
export function flagNamed(name: string): Flag | undefined {
  return BY_NAME.get(name);
}

export function flagWithShort(letter: string): Flag | undefined {
  return BY_SHORT.get(letter);
}

/** The known name that is nearest to what was written; undefined when none is near. */
export function suggestion(name: string, names: Iterable<string> = BY_NAME.keys()): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(name.length / 3)) + 1;
  for (const candidate of names) {
    const distance = editDistance(name, candidate);
    if (distance < bestDistance) {
      bestDistance = distance;
      best = candidate;
    }
  }
  return best;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    }
    row = next;
  }
  return row[b.length]!;
}
