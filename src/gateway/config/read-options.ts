/**
 * From command line and files to GatewayOptions, checked. Everything that is wrong is reported at once, each with
 * the flag, or the file's line, and the reason.
 */

import { loneReturnsProblem } from '../../base/lone-returns.js';
import { type IpAddress, type IpFamily, ipFamily, parseIp, parseWrittenIp } from '../../packet/address.js';
import { isHostAddress } from '../../packet/address-kind.js';
import { SNAP_OCTETS_MIN } from '../../packet/pcap.js';
import type { IpPrefix } from '../../packet/prefix.js';
import { countPairs, countStatic, type PeerPair, type Vip, vipFamily, vipText } from '../directory.js';
import { DOOR_LIMITS } from '../doors/door-limits.js';
import type { GatewayOptions, PeerDialect, PeerOptions } from '../options.js';
import { type ServiceAddress, serviceText } from '../rpc/transport.js';
import {
  attempt,
  parseList,
  parseListenAddress,
  parseNetworkIp,
  parseOwnIp,
  parseOwnMac,
  parseServiceAddress,
  parseTunnel,
} from './addresses.js';
import { parseDevice, parseRepresentors } from './devices.js';
import { type FlagValue, type FlagValues, flagValue, readFlagValues } from './flag-values.js';
import { FLAGS, flagNamed } from './flags.js';
import { SESSION_FILE_OCTETS_MAX, TUNNELS_FILE_OCTETS_MAX, TUNNELS_LISTED_MAX } from './limits.js';
import { ConfigError, type FileReader, Problems, quoted, readText } from './problems.js';
import { parseSessionFile, type SessionFile } from './session-file.js';

/** Options of the program around the gateway. */
export interface RunOptions {
  readonly logLevel: number;
  readonly logFormat: 'text' | 'json';
  /** Level of the SDK's own messages, as DOCA counts levels. */
  readonly sdkLogLevel: number;
  readonly allowCoreDumps: boolean;
  /** The values as written; src/cli opens them. */
  readonly simWire: string;
  readonly simVf: string;
  /** Octets of each frame that capture files get; 0: all. */
  readonly snapOctets: number;
  readonly ping?: IpAddress;
  readonly pingCount: number;
  /** Remarks about correct flags that are worth a line in the log. */
  readonly remarks: readonly string[];
}

const PERF_KINDS: readonly string[] = ['key-gen', 'insertion', 'all'];
const DIALECTS: readonly string[] = ['2.7', '2.8', '3.x'];
/** Tunnels per second that a peer may ask for, when nobody says: all that there can be once a minute, or so many. */
const REKEY_SECONDS = 60;
const TUNNELS_PER_SECOND_MIN = 100;
/** SPIs per hour that a peer may take, when nobody says: its tunnels may be re-keyed so often, or so many in all. */
const SPIS_PER_HOUR_PER_TUNNEL = 16;
const SPIS_PER_HOUR_MIN = 100_000;
/** Stand for the workload's own addresses, one of each family, before those are known. */
const WORKLOAD_NOT_KNOWN = [parseIp('0.0.0.0'), parseIp('::')];
/** Places for sessions, when nobody says how many. */
const TUNNELS_LEAST = 256;
const NO_PCI_ADDRESS = '0000:00:00.0';

export interface OptionsRead {
  readonly options: GatewayOptions;
  readonly run: RunOptions;
}

/** Flags are never in capital letters. */
const ENVIRONMENT_VARIABLE = /^[A-Z_]+$/;

/**
 * Notes what is wrong with a flag, which is named as it was given, on the command line or in a file; or with an environment
 * variable.
 */
export type ProblemOf = (flag: string, reason: string) => void;

/**
 * Reads the options. Throws ConfigError with all problems, those that `check` notes among them: it knows what only the
 * caller understands. Where a value is wrong it gets the default.
 */
export function readGatewayOptions(
  argv: readonly string[],
  read: FileReader,
  check?: (read: OptionsRead, problem: ProblemOf) => void,
): OptionsRead {
  const problems = new Problems();
  const values = readFlagValues(argv, read, problems);
  const result = new OptionsReader(values, read, problems).read();
  check?.(result, (flag, reason) => {
    problems.add(whereOf(values, flag), reason);
  });
  if (!problems.isEmpty) throw new ConfigError(problems.list);
  return result;
}

/** Why static tunnels do not fit, from these addresses of ours besides those that the session file names. */
export function staticTunnelsProblem(
  options: Pick<GatewayOptions, 'peers' | 'staticTunnels' | 'maxTunnels'>,
  locals: readonly IpAddress[],
): string | undefined {
  const count = countStatic(options, locals);
  const { maxTunnels } = options;
  if (count <= maxTunnels) return undefined;
  const [, most] = flagNamed('max-tunnels')!.range!;
  const instead =
    count <= most
      ? `say --max-tunnels ${count}, or leave out --static-tunnels: sessions are then made at their first packet`
      : `at most ${most} can be; name longer prefixes, or leave out --static-tunnels: sessions are then made at their first packet`;
  return `${count} static tunnels are configured, ${maxTunnels} allowed; ${instead}`;
}

/** The place where a flag was given, or its name. */
function whereOf(values: FlagValues, name: string): string {
  if (ENVIRONMENT_VARIABLE.test(name)) return name;
  return values.get(name)?.[0]?.where ?? `--${name}`;
}

class OptionsReader {
  constructor(
    private readonly values: FlagValues,
    private readonly readFile: FileReader,
    private readonly problems: Problems,
  ) {}

  read(): OptionsRead {
    const hal = this.#choice('hal') as 'sim' | 'doca';
    const tunnelsGiven = this.#given('max-tunnels') ? this.#optionalNumber('max-tunnels') : undefined;
    const session = this.#sessionFile(tunnelsGiven ?? TUNNELS_LISTED_MAX);
    const localVirtualIps = [
      ...new Set(this.#parsed('local-virt-ip', (text) => parseList(text, parseNetworkIp))),
    ];
    const inner = this.#choice('inner');
    const innerFamilies: IpFamily[] = inner === 'both' ? [4, 6] : [inner === 'ipv4' ? 4 : 6];
    const staticTunnels = this.#staticTunnels(innerFamilies);
    const fromStatic = staticTunnels === undefined || staticTunnels === 'all' ? [] : [staticTunnels];
    const ours = [...localVirtualIps, ...fromStatic];
    const serviceAddress = this.#serviceAddress(session);
    const peers = this.#peers(session, serviceAddress, new Set(ours));
    this.#conflicts(hal);
    this.#checkInner(peers, innerFamilies);
    const listed = countPairs(peers, ours.length > 0 ? ours : WORKLOAD_NOT_KNOWN);
    const maxTunnels = tunnelsGiven ?? Math.min(Math.max(TUNNELS_LEAST, listed), TUNNELS_LISTED_MAX);
    const { pciAddress, representor } = this.#devices(hal);
    const tls = this.#tls();
    const options: GatewayOptions = {
      hal,
      aead: this.#choice('aead') as GatewayOptions['aead'],
      pciAddress,
      representor,
      coreMask: this.#matching('core-mask', /^(0x)?[0-9a-f]{1,32}$/i, 'a mask in hex such as 0x3') ?? '0x3',
      ...optional('decapDmac', this.#parsed('decap-dmac', parseOwnMac)),
      localVirtualIps,
      ...optional('localPip', this.#localPip(session)),
      ...optional('vfName', this.#text('vf-name')?.text),
      ...optional('nexthopDmac', this.#parsed('nexthop-dmac', parseOwnMac)),
      serviceAddress,
      peers,
      cookies: this.#boolean('cookie'),
      ingressAcl: !this.#boolean('disable-ingress-acl'),
      sampleRateLog2: this.#number('sample-rate'),
      maintainOrder: this.#boolean('maintain-order'),
      sampleBeforeEncryption: this.#boolean('sample-before-encryption'),
      sampledOctets: this.#boolean('sampled-octets'),
      maxTunnels,
      ...optional('cryptOffsetWords', this.#optionalNumber('crypt-offset')),
      pspVersion: this.#number('psp-version') === 0 ? 0 : 1,
      ...optional('staticTunnels', staticTunnels),
      debugKeys: this.#boolean('debug-keys'),
      statPrint: this.#boolean('stat-print'),
      ...optional('perfPrint', this.#perfPrint()),
      showRssRxPackets: this.#boolean('show-rss-rx-packets'),
      outerFamily: this.#choice('outer-ip-type') === 'ipv4' ? 4 : 6,
      innerFamilies,
      mode: this.#choice('mode') === 'transport' ? 'transport' : 'tunnel',
      confirmUnderlay: this.#boolean('confirm-underlay'),
      allowRouters: this.#routers(),
      ...optional('tls', tls),
      insecure: this.#boolean('insecure'),
      ...optional('statePath', this.#text('state-file')?.text),
      limits: {
        rpcDeadlineMs: this.#number('rpc-deadline'),
        backoffMinMs: this.#number('backoff-min'),
        backoffMaxMs: this.#number('backoff-max'),
        missedPacketsPerSession: this.#number('missed-packets'),
        missedPacketsTotal: this.#number('missed-packets-total'),
        missedPacketTtlMs: this.#number('missed-packet-ttl'),
        rekeyGraceMs: this.#number('rekey-grace'),
        rotationPeriodMs: this.#number('rotation-period'),
        rotationDeadlineMs: this.#number('rotation-deadline'),
        rotationRequestIntervalMs: this.#number('rotation-request-interval'),
        tunnelsPerRequest: this.#number('tunnels-per-request'),
        sessionIdleS: this.#number('session-idle'),
        sessionReplacementsPerSecond: this.#number('session-replacements'),
        requestOctetsMax: this.#number('request-octets'),
        unknownSourceRequestsPerMinute: this.#number('unknown-source-requests'),
        tunnelsPerPeerPerSecond:
          this.#optionalNumber('tunnels-per-second') ??
          Math.max(TUNNELS_PER_SECOND_MIN, Math.ceil(maxTunnels / REKEY_SECONDS)),
        doors: {
          ...DOOR_LIMITS,
          openingMs: this.#number('opening-time'),
          idleMs: this.#number('connection-idle'),
          connectionsPerPeer: this.#number('connections-per-peer'),
          strangers: this.#number('strangers'),
          strangersPerSecond: this.#number('strangers-per-second'),
          requestsPerPeerPerSecond: this.#number('requests-per-second'),
          octetsPerPeer: this.#number('octets-per-peer'),
          octetsInAll: this.#number('octets-in-flight'),
        },
        neighborsPerSourcePerSecond: this.#number('neighbors-per-source'),
        neighborsPerSecond: this.#number('neighbors-per-second'),
        sampledLinesPerSecond: this.#number('sampled-lines-per-second'),
        spisPerPeerPerHour:
          this.#optionalNumber('spis-per-hour') ??
          Math.max(SPIS_PER_HOUR_MIN, SPIS_PER_HOUR_PER_TUNNEL * maxTunnels),
      },
    };
    const run: RunOptions = {
      logLevel: Number(this.#choice('log-level')),
      logFormat: this.#choice('log-format') as RunOptions['logFormat'],
      sdkLogLevel: Number(this.#choice('sdk-log-level')),
      allowCoreDumps: this.#boolean('allow-core-dumps'),
      simWire: this.#text('sim-wire')!.text,
      simVf: this.#text('sim-vf')!.text,
      snapOctets: this.#snapOctets(),
      ...optional('ping', this.#parsed('ping', parseNetworkIp)),
      pingCount: this.#number('ping-count'),
      remarks: this.problems.remarks,
    };
    const problem = staticTunnelsProblem(options, localVirtualIps);
    if (problem !== undefined) this.problems.add(this.#whereOf('max-tunnels'), problem);
    return { options, run };
  }

  #snapOctets(): number {
    const octets = this.#number('snaplen');
    if (octets === 0 || octets >= SNAP_OCTETS_MIN) return octets;
    this.problems.add(
      this.#text('snaplen')!.where,
      `${octets} octets are less than an Ethernet header; give ${SNAP_OCTETS_MIN} or more, or 0 for whole frames`,
    );
    return 0;
  }

  #text(name: string): FlagValue | undefined {
    return flagValue(this.values, name);
  }

  #given(name: string): boolean {
    return this.values.has(name);
  }

  /** Several with commas between, in any order, as DOCA's application takes them. */
  #perfPrint(): GatewayOptions['perfPrint'] {
    const value = this.#text('perf-print');
    if (value === undefined) return undefined;
    const kinds = new Set(value.text.split(','));
    for (const kind of kinds) {
      if (PERF_KINDS.includes(kind)) continue;
      this.problems.add(value.where, `${quoted(kind)} is not one of ${PERF_KINDS.join(', ')}`);
      return undefined;
    }
    return kinds.size > 1 ? 'all' : ([...kinds][0] as GatewayOptions['perfPrint']);
  }

  #whereOf(name: string): string {
    return whereOf(this.values, name);
  }

  #boolean(name: string): boolean {
    return this.#text(name)?.text === 'true';
  }

  #choice(name: string): string {
    return this.#optionalChoice(name) ?? flagNamed(name)!.default!;
  }

  #optionalChoice(name: string): string | undefined {
    const value = this.#text(name);
    const choices = flagNamed(name)!.choices!;
    if (value === undefined || choices.includes(value.text)) return value?.text;
    this.problems.add(value.where, `${quoted(value.text)} is not one of ${choices.join(', ')}`);
    return undefined;
  }

  #number(name: string): number {
    return this.#optionalNumber(name) ?? Number(flagNamed(name)!.default);
  }

  #optionalNumber(name: string): number | undefined {
    const value = this.#text(name);
    if (value === undefined) return undefined;
    const [lowest, highest] = flagNamed(name)!.range!;
    const number = /^-?\d{1,15}$/.test(value.text) ? Number(value.text) : Number.NaN;
    if (number >= lowest && number <= highest) return number;
    this.problems.add(
      value.where,
      `${quoted(value.text)} is not a whole number from ${lowest} to ${highest}`,
    );
    return undefined;
  }

  #matching(name: string, pattern: RegExp, expected: string): string | undefined {
    const value = this.#text(name);
    if (value === undefined || pattern.test(value.text)) return value?.text;
    this.problems.add(value.where, `${quoted(value.text)} is not ${expected}`);
    return undefined;
  }

  #parsed<T>(name: string, parse: (text: string) => T): T | undefined {
    const value = this.#text(name);
    if (value === undefined) return undefined;
    const result = attempt(() => parse(value.text));
    if ('value' in result) return result.value;
    this.problems.add(value.where, result.reason);
    return undefined;
  }

  /** Addresses of --allow-router: source addresses that a router of a segment can have. */
  #routers(): IpAddress[] {
    const routers = (this.values.get('allow-router') ?? []).flatMap(({ text, where }) => {
      const parsed = attempt(() => parseWrittenIp(text));
      if ('value' in parsed) {
        if (isHostAddress(parsed.value)) return [parsed.value];
        this.problems.add(where, `${quoted(text)} is no address of a router`);
      } else this.problems.add(where, parsed.reason);
      return [];
    });
    if (routers.length > 0 && this.#choice('mode') !== 'transport') {
      this.problems.add(
        '--allow-router',
        'is for --mode=transport; in tunnel mode no router reaches the workload',
      );
    }
    return routers;
  }

  /** The uplink and the workload's representor, each of which may be named together with the other. */
  #devices(hal: 'sim' | 'doca'): { pciAddress: string; representor: string } {
    const device = this.#parsed('pci-addr', parseDevice);
    const repr = this.#text('repr')!;
    // A representor by its own PCI address has nothing behind it.
    const namesDevice = /^[a-z]+\//i.test(repr.text);
    const behind = namesDevice ? this.#parsed('repr', parseDevice) : undefined;
    const isRepresentor = behind !== undefined && behind.representors === undefined;
    const itsDevice = isRepresentor ? undefined : behind?.pciAddress;
    if (device !== undefined && itsDevice !== undefined && itsDevice !== device.pciAddress) {
      this.problems.add(repr.where, `is of device ${itsDevice}, and the uplink is ${device.pciAddress}`);
    }
    if (hal === 'doca' && !this.#given('pci-addr') && itsDevice === undefined)
      this.problems.add('--pci-addr', 'is required with --hal=doca');
    for (const [name, found] of [
      ['pci-addr', device],
      ['repr', behind],
    ] as const) {
      for (const text of found?.ignored ?? [])
        this.problems.remark(
          this.#whereOf(name),
          `${text} is not used: the gateway has device arguments of its own`,
        );
    }
    if (namesDevice && behind === undefined)
      return { pciAddress: device?.pciAddress ?? NO_PCI_ADDRESS, representor: '[0]' };
    const own = isRepresentor ? behind.pciAddress : (behind?.representors ?? repr.text);
    const fromDevice = device?.representors;
    const given = this.#given('repr');
    const first = this.#representor('repr', given || fromDevice === undefined ? own : fromDevice);
    if (given && fromDevice !== undefined && this.#representor('pci-addr', fromDevice) !== first)
      this.problems.add(
        repr.where,
        `names another representor than ${this.#whereOf('pci-addr')}, ${fromDevice}`,
      );
    return { pciAddress: device?.pciAddress ?? itsDevice ?? NO_PCI_ADDRESS, representor: first ?? '[0]' };
  }

  /** The one that is opened: the first of the list. */
  #representor(flag: string, text: string): string | undefined {
    const where = this.#whereOf(flag);
    const parsed = attempt(() => parseRepresentors(text));
    if ('reason' in parsed) {
      this.problems.add(where, parsed.reason);
      return undefined;
    }
    const { first, count } = parsed.value;
    if (count > 1)
      this.problems.remark(
        where,
        `of the ${count} representors of ${text} the gateway uses the first, ${first}`,
      );
    return first;
  }

  /** Static tunnels from one address, or from all of ours. */
  #staticTunnels(families: readonly IpFamily[]): IpAddress | 'all' | undefined {
    const text = this.#text('static-tunnels')?.text;
    if (text === undefined || text === 'false') return undefined;
    if (text === 'true') return 'all';
    const address = this.#parsed('static-tunnels', parseNetworkIp);
    const family = address === undefined ? undefined : ipFamily(address);
    if (family !== undefined && !families.includes(family))
      this.problems.add(
        this.#whereOf('static-tunnels'),
        `${address} is IPv${family}, and the tunnels carry IPv${families[0]}; say --inner ipv${family} or both`,
      );
    return address;
  }

  #localPip(session: SessionFile | undefined): IpAddress | undefined {
    const given = this.#given('local-pip');
    const address = given ? this.#parsed('local-pip', parseOwnIp) : session?.localPip?.address;
    if (address === undefined) return undefined;
    const family = ipFamily(address);
    const outer = this.#choice('outer-ip-type');
    if (outer === `ipv${family}`) return address;
    const where = given ? this.#whereOf('local-pip') : session!.localPip!.where;
    this.problems.add(
      where,
      `${address} is IPv${family}, and tunnels are over ${outer}; say --outer-ip-type ipv${family}`,
    );
    return undefined;
  }

  #serviceAddress(session: SessionFile | undefined): ServiceAddress {
    if (!this.#given('svc-addr') && session?.localServiceAddress !== undefined)
      return session.localServiceAddress;
    return this.#parsed('svc-addr', parseListenAddress) ?? parseListenAddress('0.0.0.0');
  }

  /** Tunnels that carry no family of any peer's virtual addresses carry nothing, until a peer names others. */
  #checkInner(peers: readonly PeerOptions[], inner: readonly IpFamily[]): void {
    const families = peers.flatMap(({ virtualIps, virtualPrefixes = [] }) =>
      [...virtualIps, ...virtualPrefixes].map(vipFamily),
    );
    const [other] = families;
    if (other === undefined || families.some((family) => inner.includes(family))) return;
    this.problems.remark(
      this.#whereOf('inner'),
      `tunnels carry IPv${inner[0]}, and all virtual addresses of peers are IPv${other}; say --inner ipv${other}, or both`,
    );
  }

  #conflicts(hal: 'sim' | 'doca'): void {
    const { problems } = this;
    for (const name of ['decap-dmac', 'local-virt-ip']) {
      if (this.#given('vf-name') && this.#given(name))
        problems.add(`--${name}`, 'does not go together with --vf-name');
    }
    if (hal === 'sim' && this.#given('vf-name')) {
      problems.add('--vf-name', 'is for --hal=doca; with --hal=sim the workload is given with --sim-vf');
    }
    if (this.#boolean('confirm-underlay') && this.#choice('mode') === 'transport') {
      problems.add(
        '--confirm-underlay',
        'is for --mode=tunnel; in transport mode packets go where the workload sends them',
      );
    }
    for (const name of ['maintain-order', 'sample-before-encryption', 'sampled-octets']) {
      if (this.#boolean(name) && this.#number('sample-rate') === 0)
        problems.add(`--${name}`, 'is for sampling; give --sample-rate as well');
    }
    if (this.#number('backoff-min') > this.#number('backoff-max')) {
      problems.add('--backoff-min', 'is greater than --backoff-max');
    }
    for (const [less, more] of [
      ['request-octets', 'octets-per-peer'],
      ['octets-per-peer', 'octets-in-flight'],
    ] as const) {
      if (this.#number(less) > this.#number(more)) problems.add(`--${more}`, `is less than --${less}`);
    }
    for (const { name } of hal === 'sim' ? [] : FLAGS.filter(({ group }) => group === 'Simulator')) {
      if (this.#given(name)) problems.add(this.#whereOf(name), 'is for --hal=sim');
    }
  }

  #tls(): GatewayOptions['tls'] {
    const [caPath, certificatePath, keyPath] = ['tls-ca', 'tls-cert', 'tls-key'].map(
      (name) => this.#text(name)?.text,
    );
    const insecure = this.#boolean('insecure');
    if (caPath !== undefined && certificatePath !== undefined && keyPath !== undefined) {
      if (insecure)
        this.problems.add('--insecure', 'does not go together with --tls-ca, --tls-cert, --tls-key');
      return { caPath, certificatePath, keyPath };
    }
    const some = [caPath, certificatePath, keyPath].some((path) => path !== undefined);
    if (some || !insecure) {
      this.problems.add(
        some ? '--tls-ca, --tls-cert, --tls-key' : '--tls-ca',
        'all three are needed (psp-gateway certificates makes some to try with), or --insecure for plaintext gRPC',
      );
    }
    return undefined;
  }

  #sessionFile(maxTunnels: number): SessionFile | undefined {
    const path = this.values.get('config')?.[0];
    if (path === undefined) return undefined;
    const text = readText(path.text, path.where, SESSION_FILE_OCTETS_MAX, this.readFile, this.problems);
    return text === undefined ? undefined : parseSessionFile(text, path.text, maxTunnels, this.problems);
  }

  /** Peers of --tunnel, --tunnels-file and --config. Entries for the same peer are merged. None of them is ourselves. */
  #peers(
    session: SessionFile | undefined,
    ownService: ServiceAddress,
    ofFlags: ReadonlySet<IpAddress>,
  ): PeerOptions[] {
    interface Draft {
      serviceAddress: ServiceAddress;
      virtualIps: Set<IpAddress>;
      /** Prefixes by their texts. */
      virtualPrefixes: Map<string, IpPrefix>;
      pairs: PeerPair[] | undefined;
      mayRotate: boolean | undefined;
      underlay: readonly IpPrefix[] | undefined;
    }
    const drafts = new Map<string, Draft>();
    const owners = new Map<string, { readonly key: string; readonly where: () => string }>();
    const ours = new Set(ofFlags);
    for (const { localVip } of session?.peers.flatMap(({ pairs }) => pairs) ?? [])
      if (localVip !== undefined) ours.add(localVip);
    const ownKey = serviceText(ownService);
    const draftOf = (where: string, serviceAddress: ServiceAddress): Draft => {
      const key = serviceText(serviceAddress);
      if (key === ownKey) this.problems.add(where, `${key} is where we serve ourselves; leave it out`);
      const known = drafts.get(key);
      if (known !== undefined) return known;
      const draft: Draft = {
        serviceAddress,
        virtualIps: new Set(),
        virtualPrefixes: new Map(),
        pairs: undefined,
        mayRotate: undefined,
        underlay: undefined,
      };
      drafts.set(key, draft);
      return draft;
    };
    const own = (where: () => string, draft: Draft, vip: Vip) => {
      const key = serviceText(draft.serviceAddress);
      const text = vipText(vip);
      const owner = owners.get(text);
      if (owner === undefined) owners.set(text, { key, where });
      else if (owner.key !== key)
        this.problems.add(where(), `${text} belongs to ${owner.key} already (${owner.where()})`);
      if (typeof vip === 'string' && ours.has(vip))
        this.problems.add(where(), `${text} is an address of our own workload, and no peer's; leave it out`);
      if (typeof vip === 'string') draft.virtualIps.add(vip);
      else draft.virtualPrefixes.set(text, vip);
    };
    for (const { where, text } of this.#tunnelTexts()) {
      const parsed = attempt(() => parseTunnel(text));
      if ('reason' in parsed) {
        this.problems.add(where, parsed.reason);
        continue;
      }
      const draft = draftOf(where, parsed.value.serviceAddress);
      for (const vip of parsed.value.vips) own(() => where, draft, vip);
    }
    for (const { serviceAddress, offset, pairs, mayRotate, underlay } of session?.peers ?? []) {
      const draft = draftOf(session!.at(offset), serviceAddress);
      // For a peer that is there twice, the refusal counts.
      if (draft.mayRotate !== false) draft.mayRotate = mayRotate ?? draft.mayRotate;
      if (underlay !== undefined) draft.underlay = [...(draft.underlay ?? []), ...underlay];
      draft.pairs ??= [];
      for (const { localVip, remoteVip, offset } of pairs) {
        draft.pairs.push({ ...optional('localVip', localVip), remoteVip });
        own(() => session!.at(offset), draft, remoteVip);
      }
    }
    const dialects = this.#dialects();
    for (const key of dialects.keys()) {
      if (!drafts.has(key)) this.problems.add('--peer-dialect', `there is no peer ${key}`);
    }
    return [...drafts].map(
      ([key, { serviceAddress, virtualIps, virtualPrefixes, pairs, mayRotate, underlay }]) => ({
        serviceAddress,
        virtualIps: [...virtualIps],
        ...(virtualPrefixes.size === 0 ? {} : { virtualPrefixes: [...virtualPrefixes.values()] }),
        ...optional('pairs', pairs),
        ...optional('dialect', dialects.get(key)),
        ...optional('mayRotate', mayRotate),
        ...optional('underlay', underlay),
      }),
    );
  }

  /** One after the other: a list of the lines of large files would be far larger than they are. */
  *#tunnelTexts(): Generator<FlagValue> {
    yield* this.values.get('tunnel') ?? [];
    for (const path of this.values.get('tunnels-file') ?? []) {
      const file = readText(path.text, path.where, TUNNELS_FILE_OCTETS_MAX, this.readFile, this.problems);
      let line = 0;
      for (const written of linesOf(file ?? '')) {
        line++;
        const returns = loneReturnsProblem(written);
        if (returns !== undefined) this.problems.add(`${path.text}:${line}`, returns.reason);
        const text = written.replace(/#.*/, '').trim();
        if (text !== '') yield { text, where: `${path.text}:${line}` };
      }
    }
  }

  #dialects(): Map<string, PeerDialect> {
    const dialects = new Map<string, PeerDialect>();
    for (const { text, where } of this.values.get('peer-dialect') ?? []) {
      const [address, dialect] = text.split('=');
      const parsed = attempt(() => parseServiceAddress(address!));
      if (dialect === undefined || !DIALECTS.includes(dialect)) {
        this.problems.add(where, `${quoted(text)} is not SERVICE-ADDRESS=2.7, =2.8 or =3.x`);
      } else if ('reason' in parsed) this.problems.add(where, parsed.reason);
      else dialects.set(serviceText(parsed.value), dialect as PeerDialect);
    }
    return dialects;
  }
}

/** A member that is left out when there is no value. */
function optional<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return (value === undefined ? {} : { [key]: value }) as { [P in K]?: V };
}

/** One after the other: a list of the lines of a large file that has no other content would be far larger than it. */
function* linesOf(text: string): Generator<string> {
  for (let start = 0; start < text.length; ) {
    const end = text.indexOf('\n', start);
    yield text.slice(start, end < 0 ? text.length : end);
    if (end < 0) return;
    start = end + 1;
  }
}
