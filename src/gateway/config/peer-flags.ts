/** Peers: the flags that name them, the files that those name, and the session file, merged. */
import { loneReturnsProblem } from '../../base/lone-returns.js';
import type { IpAddress } from '../../packet/address.js';
import type { IpPrefix } from '../../packet/prefix.js';
import { type PeerPair, type Vip, vipText } from '../directory.js';
import type { PeerDialect, PeerOptions } from '../options.js';
import { type CertificateName, type ServiceAddress, serviceText } from '../rpc/transport.js';
import { attempt, parseServiceAddress, parseTunnel } from './addresses.js';
import { type ConfigFile, PEER_DIALECTS } from './configured-peers.js';
import { type FlagReader, optional } from './flag-reader.js';
import type { FlagValue } from './flag-values.js';
import { TUNNELS_FILE_OCTETS_MAX } from './limits.js';
import { type FileReader, quoted, readText } from './problems.js';

/** A peer of which not all entries have been read. */
interface Draft {
  serviceAddress: ServiceAddress;
  virtualIps: Set<IpAddress>;
  /** Prefixes by their texts. */
  virtualPrefixes: Map<string, IpPrefix>;
  pairs: PeerPair[] | undefined;
  dialect: PeerDialect | undefined;
  identities: readonly CertificateName[] | undefined;
  mayRotate: boolean | undefined;
  underlay: readonly IpPrefix[] | undefined;
}

/**
 * Peers of --tunnel, --tunnels-file and the files of --config. Entries for the same peer are merged. None of them is ourselves.
 * Files that say of any peer by which names it is known, or whether it may rotate, are a policy: what it does not grant is denied.
 */
export function readPeers(
  flags: FlagReader,
  readFile: FileReader,
  { peers: configured, mayRotate: granted }: Omit<ConfigFile, 'flags'>,
  ownService: ServiceAddress,
  ofFlags: ReadonlySet<IpAddress>,
): PeerOptions[] {
  const drafts = new Map<string, Draft>();
  const owners = new Map<string, { readonly key: string; readonly where: () => string }>();
  const ours = new Set(ofFlags);
  for (const { pairs = [] } of configured) {
    for (const { localVip } of pairs) if (localVip !== undefined) ours.add(localVip);
  }
  const ownKey = serviceText(ownService);
  const draftOf = (where: string, serviceAddress: ServiceAddress): Draft => {
    const key = serviceText(serviceAddress);
    if (key === ownKey) flags.problems.add(where, `${key} is where we serve ourselves; leave it out`);
    const known = drafts.get(key);
    if (known !== undefined) return known;
    const draft: Draft = {
      serviceAddress,
      virtualIps: new Set(),
      virtualPrefixes: new Map(),
      pairs: undefined,
      dialect: undefined,
      identities: undefined,
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
      flags.problems.add(where(), `${text} belongs to ${owner.key} already (${owner.where()})`);
    if (typeof vip === 'string' && ours.has(vip))
      flags.problems.add(where(), `${text} is an address of our own workload, and no peer's; leave it out`);
    if (typeof vip === 'string') draft.virtualIps.add(vip);
    else draft.virtualPrefixes.set(text, vip);
  };
  for (const { where, text } of tunnelTexts(flags, readFile)) {
    const parsed = attempt(() => parseTunnel(text));
    if ('reason' in parsed) {
      flags.problems.add(where, parsed.reason);
      continue;
    }
    const draft = draftOf(where, parsed.value.serviceAddress);
    for (const vip of parsed.value.vips) own(() => where, draft, vip);
  }
  for (const { serviceAddress, where, owns, pairs, dialect, identities, mayRotate, underlay } of configured) {
    const draft = draftOf(where(), serviceAddress);
    if (dialect !== undefined) draft.dialect = dialect;
    if (identities !== undefined) {
      if (flags.boolean('insecure'))
        flags.problems.add(
          where(),
          'identities are proved by certificates, and with --insecure there are none',
        );
      draft.identities = [...(draft.identities ?? []), ...identities];
    }
    // For a peer that is there twice, the refusal counts.
    if (draft.mayRotate !== false) draft.mayRotate = mayRotate ?? draft.mayRotate;
    if (underlay !== undefined) draft.underlay = [...(draft.underlay ?? []), ...underlay];
    for (const one of owns) own(one.where, draft, one.vip);
    if (pairs !== undefined) draft.pairs ??= [];
    for (const { localVip, remoteVip, where: ofPair } of pairs ?? []) {
      draft.pairs!.push({ ...optional('localVip', localVip), remoteVip });
      own(ofPair, draft, remoteVip);
    }
  }
  const isPolicy = configured.some((one) => one.mayRotate !== undefined || one.identities !== undefined);
  const byDefault = granted ?? (isPolicy ? false : undefined);
  const dialects = readDialects(flags);
  for (const key of dialects.keys()) {
    if (!drafts.has(key)) flags.problem('peer-dialect', `there is no peer ${key}`);
  }
  return [...drafts].map(
    ([
      key,
      { serviceAddress, virtualIps, virtualPrefixes, pairs, dialect, identities, mayRotate, underlay },
    ]) => ({
      serviceAddress,
      virtualIps: [...virtualIps],
      ...(virtualPrefixes.size === 0 ? {} : { virtualPrefixes: [...virtualPrefixes.values()] }),
      ...optional('pairs', pairs),
      ...optional('dialect', dialects.get(key) ?? dialect),
      ...optional('identities', identities),
      ...optional('mayRotate', mayRotate ?? byDefault),
      ...optional('underlay', underlay),
    }),
  );
}

/** One after the other: a list of the lines of large files would be far larger than they are. */
function* tunnelTexts(flags: FlagReader, readFile: FileReader): Generator<FlagValue> {
  yield* flags.values.get('tunnel') ?? [];
  for (const path of flags.values.get('tunnels-file') ?? []) {
    const file = readText(path.text, path.where, TUNNELS_FILE_OCTETS_MAX, readFile, flags.problems);
    let line = 0;
    for (const written of linesOf(file ?? '')) {
      line++;
      const returns = loneReturnsProblem(written);
      if (returns !== undefined) flags.problems.add(`${path.text}:${line}`, returns.reason);
      const text = written.replace(/#.*/, '').trim();
      if (text !== '') yield { text, where: `${path.text}:${line}` };
    }
  }
}

function readDialects(flags: FlagReader): Map<string, PeerDialect> {
  const dialects = new Map<string, PeerDialect>();
  for (const { text, where } of flags.values.get('peer-dialect') ?? []) {
    const [address, dialect] = text.split('=');
    const parsed = attempt(() => parseServiceAddress(address!));
    if (dialect === undefined || !PEER_DIALECTS.includes(dialect)) {
      flags.problems.add(where, `${quoted(text)} is not SERVICE-ADDRESS=2.7, =2.8 or =3.x`);
    } else if ('reason' in parsed) flags.problems.add(where, parsed.reason);
    else dialects.set(serviceText(parsed.value), dialect as PeerDialect);
  }
  return dialects;
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
