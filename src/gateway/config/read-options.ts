/**
 * From command line and files to GatewayOptions, checked. Everything that is wrong is reported at once, each with
 * the flag, or the file's line, and the reason.
 */
import { type IpAddress, type IpFamily, parseIp, parseMac } from '../../packet/address.js';
import type { GatewayOptions, PeerDialect, PeerOptions } from '../options.js';
import { type ServiceAddress, serviceText } from '../transport.js';
import { attempt, parseServiceAddress, parseTunnel } from './addresses.js';
import { type FlagValue, type FlagValues, flagValue, readFlagValues } from './flag-values.js';
import { FLAGS } from './flags.js';
import { ConfigError, type FileReader, Problems, readText } from './problems.js';
import { parseSessionFile, type SessionFile } from './session-file.js';

/** What the program does around the gateway. */
export interface RunOptions {
  readonly logLevel: number;
  readonly logFormat: 'text' | 'json';
  /** Of the SDK's own messages, as DOCA counts levels. */
  readonly sdkLogLevel: number;
  /** As written; src/cli opens them. */
  readonly simWire: string;
  readonly simVf: string;
  readonly ping?: IpAddress;
  readonly pingCount: number;
}

const PCI_PATTERN = /^(?:([0-9a-f]{4}):)?([0-9a-f]{2}):([0-9a-f]{2})\.([0-7])$/i;
/** A list of names, or a PCI address. */
const REPRESENTOR_PATTERN =
  /^(?:(?:[0-9a-f]{4}:)?[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]|(?=[^,])([a-z0-9]*(\[\d+(-\d+)?(,\d+(-\d+)?)*\])?[a-z0-9]*)(,(?=[^,])[a-z0-9]*(\[\d+(-\d+)?\])?[a-z0-9]*)*)$/i;
const DIALECTS: readonly string[] = ['2.7', '2.8', '3.x'];
const NO_PCI_ADDRESS = '0000:00:00.0';

/** What is wrong with a flag's value, for flags that only the caller understands; undefined: nothing. */
export type FlagChecks = Readonly<Record<string, (text: string) => string | undefined>>;

/** Reads the options. Throws ConfigError with all problems, those that `checks` find among them. */
export function readGatewayOptions(
  argv: readonly string[],
  read: FileReader,
  checks: FlagChecks = {},
): { options: GatewayOptions; run: RunOptions } {
  const problems = new Problems();
  const values = readFlagValues(argv, read, problems);
  const result = new OptionsReader(values, read, problems).read();
  for (const [name, check] of Object.entries(checks)) {
    const value = flagValue(values, name);
    const reason = value === undefined ? undefined : check(value.text);
    if (reason !== undefined) problems.add(value!.where, reason);
  }
  if (problems.list.length > 0) throw new ConfigError(problems.list);
  return result;
}

class OptionsReader {
  constructor(
    private readonly values: FlagValues,
    private readonly readFile: FileReader,
    private readonly problems: Problems,
  ) {}

  read(): { options: GatewayOptions; run: RunOptions } {
    const hal = this.#choice('hal') as 'sim' | 'doca';
    const maxTunnels = this.#number('max-tunnels');
    const session = this.#sessionFile(maxTunnels);
    const peers = this.#peers(session);
    this.#conflicts(hal);
    const inner = this.#choice('inner');
    const innerFamilies: IpFamily[] = inner === 'both' ? [4, 6] : [inner === 'ipv4' ? 4 : 6];
    const staticTunnels = this.#ip('static-tunnels');
    const pairs = peers.reduce((sum, peer) => sum + (peer.pairs?.length ?? peer.virtualIps.length), 0);
    if (staticTunnels !== undefined && pairs > maxTunnels) {
      this.problems.add('--max-tunnels', `${pairs} static tunnels are configured, ${maxTunnels} allowed`);
    }
    const tls = this.#tls();
    const options: GatewayOptions = {
      hal,
      pciAddress: this.#pciAddress(hal),
      representor:
        this.#matching(
          'repr',
          REPRESENTOR_PATTERN,
          'a list such as vf0pf0, pf[0-1] or [0], or a PCI address',
        ) ?? '[0]',
      coreMask: this.#matching('core-mask', /^(0x)?[0-9a-f]{1,32}$/i, 'a mask in hex such as 0x3') ?? '0x3',
      ...optional('decapDmac', this.#parsed('decap-dmac', parseMac)),
      localVirtualIps: this.#parsed('local-virt-ip', parseIpList) ?? [],
      ...optional('vfName', this.#text('vf-name')?.text),
      ...optional('nexthopDmac', this.#parsed('nexthop-dmac', parseMac)),
      serviceAddress: this.#serviceAddress(session),
      peers,
      cookies: this.#boolean('cookie'),
      ingressAcl: !this.#boolean('disable-ingress-acl'),
      sampleRateLog2: this.#number('sample-rate'),
      maintainOrder: this.#boolean('maintain-order'),
      maxTunnels,
      ...optional('cryptOffsetWords', this.#optionalNumber('crypt-offset')),
      pspVersion: this.#number('psp-version') === 0 ? 0 : 1,
      ...optional('staticTunnels', staticTunnels),
      debugKeys: this.#boolean('debug-keys'),
      statPrint: this.#boolean('stat-print'),
      ...optional('perfPrint', this.#optionalChoice('perf-print') as GatewayOptions['perfPrint']),
      showRssRxPackets: this.#boolean('show-rss-rx-packets'),
      outerFamily: this.#choice('outer-ip-type') === 'ipv4' ? 4 : 6,
      innerFamilies,
      mode: this.#choice('mode') === 'transport' ? 'transport' : 'tunnel',
      ...optional('tls', tls),
      insecure: this.#boolean('insecure'),
      limits: {
        rpcDeadlineMs: this.#number('rpc-deadline'),
        backoffMinMs: this.#number('backoff-min'),
        backoffMaxMs: this.#number('backoff-max'),
        missedPacketsPerSession: this.#number('missed-packets'),
        missedPacketsTotal: this.#number('missed-packets-total'),
        missedPacketTtlMs: this.#number('missed-packet-ttl'),
        rekeyGraceMs: this.#number('rekey-grace'),
        rotationPeriodMs: this.#number('rotation-period'),
        tunnelsPerRequest: this.#number('tunnels-per-request'),
        requestOctetsMax: this.#number('request-octets'),
        tunnelsPerPeerPerSecond: this.#number('tunnels-per-second'),
      },
    };
    const run: RunOptions = {
      logLevel: Number(this.#choice('log-level')),
      logFormat: this.#choice('log-format') as RunOptions['logFormat'],
      sdkLogLevel: Number(this.#choice('sdk-log-level')),
      simWire: this.#text('sim-wire')!.text,
      simVf: this.#text('sim-vf')!.text,
      ...optional('ping', this.#ip('ping')),
      pingCount: this.#number('ping-count'),
    };
    return { options, run };
  }

  #text(name: string): FlagValue | undefined {
    return flagValue(this.values, name);
  }

  #given(name: string): boolean {
    return this.values.has(name);
  }

  #boolean(name: string): boolean {
    return this.#text(name)?.text === 'true';
  }

  #choice(name: string): string {
    return this.#optionalChoice(name) ?? FLAGS.find((flag) => flag.name === name)!.default!;
  }

  #optionalChoice(name: string): string | undefined {
    const value = this.#text(name);
    const choices = FLAGS.find((flag) => flag.name === name)!.choices!;
    if (value === undefined || choices.includes(value.text)) return value?.text;
    this.problems.add(value.where, `"${value.text}" is not one of ${choices.join(', ')}`);
    return undefined;
  }

  #number(name: string): number {
    return this.#optionalNumber(name) ?? Number(FLAGS.find((flag) => flag.name === name)!.default);
  }

  #optionalNumber(name: string): number | undefined {
    const value = this.#text(name);
    if (value === undefined) return undefined;
    const [lowest, highest] = FLAGS.find((flag) => flag.name === name)!.range!;
    const number = /^-?\d{1,15}$/.test(value.text) ? Number(value.text) : Number.NaN;
    if (number >= lowest && number <= highest) return number;
    this.problems.add(value.where, `"${value.text}" is not a whole number from ${lowest} to ${highest}`);
    return undefined;
  }

  #matching(name: string, pattern: RegExp, expected: string): string | undefined {
    const value = this.#text(name);
    if (value === undefined || pattern.test(value.text)) return value?.text;
    this.problems.add(value.where, `"${value.text}" is not ${expected}`);
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

  #ip(name: string): IpAddress | undefined {
    return this.#parsed(name, parseIp);
  }

  #pciAddress(hal: 'sim' | 'doca'): string {
    const value = this.#text('pci-addr');
    if (value === undefined) {
      if (hal === 'doca') this.problems.add('--pci-addr', 'is required with --hal=doca');
      return NO_PCI_ADDRESS;
    }
    const match = PCI_PATTERN.exec(value.text);
    if (match === null) {
      this.problems.add(value.where, `"${value.text}" is not a PCI address such as 03:00.0 or 0000:03:00.0`);
      return NO_PCI_ADDRESS;
    }
    return `${match[1] ?? '0000'}:${match[2]}:${match[3]}.${match[4]}`.toLowerCase();
  }

  #serviceAddress(session: SessionFile | undefined): ServiceAddress {
    if (!this.#given('svc-addr') && session?.localServiceAddress !== undefined)
      return session.localServiceAddress;
    return this.#parsed('svc-addr', parseServiceAddress) ?? parseServiceAddress('0.0.0.0');
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
    if (this.#boolean('maintain-order') && this.#number('sample-rate') === 0) {
      problems.add('--maintain-order', 'is for sampling; give --sample-rate as well');
    }
    if (this.#number('backoff-min') > this.#number('backoff-max')) {
      problems.add('--backoff-min', 'is greater than --backoff-max');
    }
    if (this.#given('ping') && hal !== 'sim') problems.add('--ping', 'is for --hal=sim');
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
    const text = readText(path.text, path.where, this.readFile, this.problems);
    return text === undefined ? undefined : parseSessionFile(text, path.text, maxTunnels, this.problems);
  }

  /** From --tunnel, --tunnels-file and --config; what names the same peer is put together. */
  #peers(session: SessionFile | undefined): PeerOptions[] {
    interface Draft {
      serviceAddress: ServiceAddress;
      virtualIps: Set<IpAddress>;
      pairs: { localVip?: IpAddress; remoteVip: IpAddress }[] | undefined;
    }
    const drafts = new Map<string, Draft>();
    const owners = new Map<IpAddress, string>();
    const draftOf = (serviceAddress: ServiceAddress): Draft => {
      const key = serviceText(serviceAddress);
      const known = drafts.get(key);
      if (known !== undefined) return known;
      const draft: Draft = { serviceAddress, virtualIps: new Set(), pairs: undefined };
      drafts.set(key, draft);
      return draft;
    };
    const own = (where: string, draft: Draft, virtualIp: IpAddress) => {
      const key = serviceText(draft.serviceAddress);
      const owner = owners.get(virtualIp);
      if (owner !== undefined && owner !== key)
        this.problems.add(where, `${virtualIp} belongs to ${owner} already`);
      owners.set(virtualIp, owner ?? key);
      draft.virtualIps.add(virtualIp);
    };
    for (const { where, text } of this.#tunnelTexts()) {
      const parsed = attempt(() => parseTunnel(text));
      if ('reason' in parsed) {
        this.problems.add(where, parsed.reason);
        continue;
      }
      const draft = draftOf(parsed.value.serviceAddress);
      for (const virtualIp of parsed.value.virtualIps) own(where, draft, virtualIp);
    }
    for (const { serviceAddress, pairs } of session?.peers ?? []) {
      const draft = draftOf(serviceAddress);
      draft.pairs = [...(draft.pairs ?? []), ...pairs];
      for (const { remoteVip } of pairs) own('--config', draft, remoteVip);
    }
    const dialects = this.#dialects();
    for (const key of dialects.keys()) {
      if (!drafts.has(key)) this.problems.add('--peer-dialect', `there is no peer ${key}`);
    }
    return [...drafts].map(([key, { serviceAddress, virtualIps, pairs }]) => ({
      serviceAddress,
      virtualIps: [...virtualIps],
      ...optional('pairs', pairs),
      ...optional('dialect', dialects.get(key)),
    }));
  }

  #tunnelTexts(): FlagValue[] {
    const texts = [...(this.values.get('tunnel') ?? [])];
    const path = this.values.get('tunnels-file')?.[0];
    const file =
      path === undefined ? undefined : readText(path.text, path.where, this.readFile, this.problems);
    for (const [i, line] of (file ?? '').split('\n').entries()) {
      const text = line.replace(/#.*/, '').trim();
      if (text !== '') texts.push({ text, where: `${path!.text}:${i + 1}` });
    }
    return texts;
  }

  #dialects(): Map<string, PeerDialect> {
    const dialects = new Map<string, PeerDialect>();
    for (const { text, where } of this.values.get('peer-dialect') ?? []) {
      const [address, dialect] = text.split('=');
      const parsed = attempt(() => parseServiceAddress(address!));
      if (dialect === undefined || !DIALECTS.includes(dialect)) {
        this.problems.add(where, `"${text}" is not SERVICE-ADDRESS=2.7, =2.8 or =3.x`);
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

function parseIpList(text: string): IpAddress[] {
  return text.split(',').map((part) => parseIp(part.trim()));
}
