/** Options whose flags take more to read than their form, or that come from a file as well. */
import { type IpAddress, type IpFamily, ipFamily, parseWrittenIp } from '../../packet/address.js';
import { isHostAddress } from '../../packet/address-kind.js';
import { SNAP_OCTETS_MIN } from '../../packet/pcap.js';
import type { GatewayOptions } from '../options.js';
import type { ServiceAddress } from '../rpc/transport.js';
import { attempt, parseListenAddress, parseNetworkIp, parseOwnIp } from './addresses.js';
import { isYaml } from './configured-peers.js';
import type { FlagReader } from './flag-reader.js';
import { SESSION_FILE_OCTETS_MAX } from './limits.js';
import { type FileReader, quoted, readText } from './problems.js';
import { parseSessionFile, type SessionFile } from './session-file.js';

const PERF_KINDS: readonly string[] = ['key-gen', 'insertion', 'all'];

export function readSnapOctets(flags: FlagReader): number {
  const octets = flags.number('snaplen');
  if (octets === 0 || octets >= SNAP_OCTETS_MIN) return octets;
  flags.problems.add(
    flags.text('snaplen')!.where,
    `${octets} octets are less than an Ethernet header; give ${SNAP_OCTETS_MIN} or more, or 0 for whole frames`,
  );
  return 0;
}

/** Where the gateway is recorded, and how. */
export interface RecordOptions {
  readonly path: string;
  readonly withPayload: boolean;
  readonly octetsMax: number;
}

const OCTETS_PER_MEBIBYTE = 1024 * 1024;

/** What --record asks for; undefined: nothing. */
export function readRecord(flags: FlagReader): RecordOptions | undefined {
  const path = flags.text('record')?.text;
  if (path === undefined) return undefined;
  const octetsMax = flags.number('record-size') * OCTETS_PER_MEBIBYTE;
  return { path, withPayload: flags.boolean('record-payload'), octetsMax };
}

/** Where the admin socket is to be; undefined: at its usual place. */
export function readAdmin(flags: FlagReader): { readonly path: string } | 'off' | undefined {
  const text = flags.text('admin')?.text;
  if (text === undefined || text === 'off') return text;
  return { path: text };
}

/** Several with commas between, in any order, as DOCA's application takes them. */
export function readPerfPrint(flags: FlagReader): GatewayOptions['perfPrint'] {
  const value = flags.text('perf-print');
  if (value === undefined) return undefined;
  const kinds = new Set(value.text.split(','));
  for (const kind of kinds) {
    if (PERF_KINDS.includes(kind)) continue;
    flags.problems.add(value.where, `${quoted(kind)} is not one of ${PERF_KINDS.join(', ')}`);
    return undefined;
  }
  return kinds.size > 1 ? 'all' : ([...kinds][0] as GatewayOptions['perfPrint']);
}

/** Static tunnels from one address, or from all of ours. */
export function readStaticTunnels(
  flags: FlagReader,
  families: readonly IpFamily[],
): IpAddress | 'all' | undefined {
  const text = flags.text('static-tunnels')?.text;
  if (text === undefined || text === 'false') return undefined;
  if (text === 'true') return 'all';
  const address = flags.parsed('static-tunnels', parseNetworkIp);
  const family = address === undefined ? undefined : ipFamily(address);
  if (family !== undefined && !families.includes(family))
    flags.problems.add(
      flags.whereOf('static-tunnels'),
      `${address} is IPv${family}, and the tunnels carry IPv${families[0]}; say --inner ipv${family} or both`,
    );
  return address;
}

export function readLocalPip(flags: FlagReader, session: SessionFile | undefined): IpAddress | undefined {
  const given = flags.given('local-pip');
  const address = given ? flags.parsed('local-pip', parseOwnIp) : session?.localPip?.address;
  if (address === undefined) return undefined;
  const family = ipFamily(address);
  const outer = flags.choice('outer-ip-type');
  if (outer === `ipv${family}`) return address;
  const where = given ? flags.whereOf('local-pip') : session!.localPip!.where;
  flags.problems.add(
    where,
    `${address} is IPv${family}, and tunnels are over ${outer}; say --outer-ip-type ipv${family}`,
  );
  return undefined;
}

export function readServiceAddress(flags: FlagReader, session: SessionFile | undefined): ServiceAddress {
  if (!flags.given('svc-addr') && session?.localServiceAddress !== undefined)
    return session.localServiceAddress;
  return flags.parsed('svc-addr', parseListenAddress) ?? parseListenAddress('0.0.0.0');
}

/** The session file of --config, unless that is a YAML file. */
export function readSessionFile(
  flags: FlagReader,
  readFile: FileReader,
  maxTunnels: number,
): SessionFile | undefined {
  const path = flags.values.get('config')?.[0];
  if (path === undefined || isYaml(path.text)) return undefined;
  const text = readText(path.text, path.where, SESSION_FILE_OCTETS_MAX, readFile, flags.problems);
  return text === undefined ? undefined : parseSessionFile(text, path.text, maxTunnels, flags.problems);
}

export function readTls(flags: FlagReader): GatewayOptions['tls'] {
  const [caPath, certificatePath, keyPath] = ['tls-ca', 'tls-cert', 'tls-key'].map(
    (name) => flags.text(name)?.text,
  );
  const insecure = flags.boolean('insecure');
  if (caPath !== undefined && certificatePath !== undefined && keyPath !== undefined) {
    if (insecure) flags.problem('insecure', 'does not go together with --tls-ca, --tls-cert, --tls-key');
    return { caPath, certificatePath, keyPath };
  }
  const some = [caPath, certificatePath, keyPath].some((path) => path !== undefined);
  if (some || !insecure) {
    flags.problems.add(
      some ? '--tls-ca, --tls-cert, --tls-key' : '--tls-ca',
      'all three are needed (psp-gateway certificates makes some to try with), or --insecure for plaintext gRPC',
    );
  }
  return undefined;
}

/** Addresses of --allow-router: source addresses that a router of a segment can have. */
export function readRouters(flags: FlagReader): IpAddress[] {
  return (flags.values.get('allow-router') ?? []).flatMap(({ text, where }) => {
    const parsed = attempt(() => parseWrittenIp(text));
    if ('value' in parsed) {
      if (isHostAddress(parsed.value)) return [parsed.value];
      flags.problems.add(where, `${quoted(text)} is no address of a router`);
    } else flags.problems.add(where, parsed.reason);
    return [];
  });
}
