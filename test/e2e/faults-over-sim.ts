/**
 * Faults between gateways over the simulator, as data: what is special about the faulty gateway, and what either end is to say. One
 * gateway, the hub, is well and is the peer of all others.
 */
import type { AdminClient } from '../../src/admin/admin-client.js';
import { loopback } from '../support/loopback.js';
import type { Program } from '../support/program.js';
import { type Expected, hasTraffic } from './status-watch.js';

export const SERVICE_PORT = 3980;
export const WIRE_PORT = 10980;
/** Where relays of the tunnel service listen for the hub, and the one that it is relayed to listens for the relay. */
export const RELAYED_PORT = 3981;
/** Of a wire of which a relay, or nobody, stands between. */
export const OTHER_WIRE_PORT = 10981;

export const hostOf = (number: number) => loopback(number);
export const vipOf = (number: number) => `10.20.0.${number}`;
export const nameOf = (number: number) => `${hostOf(number)}:${SERVICE_PORT}`;

export const HUB = 1;
/** Well too: nobody may name it. */
export const THIRD = 2;
export const SILENT_VIP = '10.20.0.120';
const SECOND_VIP = '10.20.0.110';

export interface Ends {
  /** Of the faulty gateway. */
  readonly number: number;
  readonly flags?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** What the hub says, and what the faulty gateway says. */
  readonly hub?: Expected & { readonly 1: string };
  readonly own?: Expected;
  /** Causes by which it may name others, since its own fault has to do with them. */
  readonly alsoNames?: RegExp;
  readonly inject?: (gateway: Faulty) => void | Promise<void>;
  /** The addresses behind it, where they are others than its own. */
  readonly vips?: readonly string[];
  readonly workload?: string;
  /** What it takes for the hub's address. */
  readonly hubVip?: string;
  readonly servicePort?: number;
  readonly hubPort?: number;
  readonly wirePort?: number;
  /** Where it has no wire over UDP: `--sim-wire`. */
  readonly wire?: string;
  readonly knowsThird?: boolean;
  /** It makes tunnels at their first packets only. */
  readonly isLazy?: boolean;
  /** Names of files of certificates, instead of its host's and of ca. */
  readonly files?: string;
  readonly authority?: string;
}

export interface Faulty {
  readonly program: Program;
  readonly client: AdminClient;
  /** What the test itself has there. */
  readonly world: FaultyWorld;
}

/** What faults change beside the gateways. */
export interface FaultyWorld {
  /** Nothing passes the relays of the tunnel service any more. */
  cutService(): void;
  removeStateFolder(): void;
}

/** Words in flags that stand for the test's files. */
export const STATE_FILE = 'STATE_FILE';
export const EMPTY_CAPTURE = 'EMPTY_CAPTURE';

const pair = (one: string, other: string) => `${one} - ${other}`;
const PEER_SILENT = /^peer-silent$/;
const REFUSES = /^(peer-refuses|request-refused)$/;

export const FAULTS: Readonly<Record<string, Ends>> = {
  'peer down': {
    number: 11,
    inject: ({ program }) => program.kill('SIGKILL'),
    hub: [/^peer-silent$/, nameOf(11), /nobody listens there/],
  },
  'wrong CA': {
    number: 12,
    knowsThird: true,
    files: 'other',
    authority: 'other-ca',
    hub: [PEER_SILENT, nameOf(12), /authority|does not accept our certificate|ended the connection/],
    own: [/^own-authority$/, /other-ca\.pem$/, /certificates of another authority than we/],
  },
  'expired certificate': {
    number: 13,
    files: 'short',
    hub: [PEER_SILENT, nameOf(13), /expired/],
    own: [/^certificate-unusable$/, /short\.pem$/, /has expired/],
  },
  'clock off': {
    number: 14,
    knowsThird: true,
    environment: { FAULT_CLOCK_MS: '-1800000' },
    hub: [/^clocks-differ$/, nameOf(14), /is 1[78]\d\d s behind ours/],
    own: [/^clocks-differ$/, '', /our clock is wrong/],
    // Where one of two peers has not answered in time it can only say that the other one's clock is not as its own.
    alsoNames: /^clocks-differ$/,
  },
  'OOB cut': {
    number: 15,
    servicePort: RELAYED_PORT,
    hubPort: RELAYED_PORT,
    inject: async ({ client, world }) => {
      await hasTraffic(client);
      world.cutService();
    },
    hub: [/^peer-silent$/, nameOf(15), /its packets come: the OOB network/],
    own: [/^peer-silent$/, `${hostOf(HUB)}:${RELAYED_PORT}`, /its packets come: the OOB network/],
  },
  'underlay cut': {
    number: 16,
    // Nobody is behind the port to which its packets, and those for it, go.
    wirePort: OTHER_WIRE_PORT + 1,
    hub: [/^packets-lost$/, pair(vipOf(HUB), vipOf(16)), /underlay/],
    own: [/^packets-lost$/, pair(vipOf(16), vipOf(HUB)), /underlay/],
  },
  'MTU too small': {
    number: 17,
    wirePort: OTHER_WIRE_PORT,
    environment: { FAULT_LARGE: '1200' },
    hub: [/^mtu-too-small$/, pair(vipOf(HUB), vipOf(17)), /MTU of the underlay on the way here/],
    own: [/^mtu-too-small$/, pair(vipOf(17), vipOf(HUB)), /MTU of the underlay on the way there/],
  },
  'ACL mismatch': {
    number: 18,
    hubVip: '10.20.9.9',
    hub: [REFUSES, nameOf(18), /does not belong to a peer|is not behind this gateway/],
    own: [REFUSES, nameOf(HUB), /does not belong to a peer|is not behind this gateway/],
  },
  'SPI space near its end': {
    number: 19,
    environment: { FAULT_SPIS: String(2 ** 31 - 1000) },
    own: [/^spis-low$/, '', /has \d+ SPIs left/],
    // It rotates for it, and says for whom it waits.
    alsoNames: /^rotation-waits$/,
  },
  'slots full': {
    number: 20,
    isLazy: true,
    flags: ['--max-tunnels=1'],
    vips: [vipOf(20), SECOND_VIP],
    workload: `host:${vipOf(20)},${SECOND_VIP}`,
    hub: [REFUSES, nameOf(20), /RESOURCE_EXHAUSTED/],
    own: [/^table-full$/, '', /all 1 places/],
  },
  'device refuses entries': {
    number: 21,
    environment: { FAULT_ENTRIES: '1' },
    hub: [REFUSES, nameOf(21), /INTERNAL|UNAVAILABLE|RESOURCE_EXHAUSTED/],
    own: [/^device-fails$/, '', /the entry is not taken/],
  },
  'log disk full': {
    number: 22,
    flags: ['--log-level=70'],
    own: [/^log-lost$/, '', /our log cannot be written: ENOSPC/],
  },
  'directory gone': {
    number: 23,
    flags: [`--state-file=${STATE_FILE}`],
    inject: async ({ client, world }) => {
      await hasTraffic(client);
      world.removeStateFolder();
      // What it learns then is to be kept.
      await client.call('RekeyTunnels', { selection: undefined, all: true });
    },
    own: [/^state-not-written$/, '', /state file.*cannot be written/],
  },
  'older dialect': {
    number: 24,
    hub: [/^peer-older-dialect$/, nameOf(24), /UNIMPLEMENTED/],
  },
  'cookie mismatch': {
    number: 25,
    flags: ['--cookie'],
    hub: [REFUSES, nameOf(25), /runs without cookies/],
    own: [REFUSES, nameOf(HUB), /runs without cookies/],
  },
  'version mismatch': {
    number: 26,
    hub: [/^peer-refuses$/, nameOf(26), /psp_versions_accepted: 1/],
  },
  'transport against tunnel': {
    number: 27,
    // Packets of transport mode have the workloads' addresses, which no socket of UDP can have: it sends into a capture.
    wire: `pcap:${EMPTY_CAPTURE}`,
    flags: ['--mode=transport', `--local-pip=${hostOf(27)}`],
    hub: [/^modes-differ$/, nameOf(27), /runs in transport mode, and we in tunnel mode/],
    own: [/^modes-differ$/, nameOf(HUB), /runs in tunnel mode, and we in transport mode/],
  },
  'address owned by two': {
    number: 28,
    workload: `host:${vipOf(THIRD)}`,
    hub: [REFUSES, nameOf(28), /does not belong to a peer|is not behind this gateway/],
    own: [REFUSES, nameOf(HUB), /does not belong to a peer|is not behind this gateway/],
  },
  'workload silent': {
    number: 30,
    vips: [vipOf(30), SILENT_VIP],
    flags: [`--local-virt-ip=${vipOf(30)},${SILENT_VIP}`],
    hub: [/^workload-silent$/, SILENT_VIP, /sends none/],
    own: [/^workload-silent$/, SILENT_VIP, /our workload at .* sends none/],
  },
};

/** They are no gateways of this program: the test answers in their place. */
const NO_GATEWAYS = [24, 26];
export const isGateway = ({ number }: Ends) => !NO_GATEWAYS.includes(number);
