/** The effective configuration of a gateway as a YAML file of --config, which reads back to the same options. */
import { Document, isPair, isSeq, visit } from 'yaml';
import { vipText } from '../directory.js';
import type { GatewayOptions, PeerOptions } from '../options.js';
import { serviceText } from '../rpc/transport.js';
import { hasMeaning } from './flag-conflicts.js';
import { FLAGS, type Flag, isInConfigFile } from './flags.js';
import type { FlagsRead } from './read-options.js';

const TITLE = ' The effective configuration of a gateway; psp-gateway --config FILE.yaml reads it.';
/** Flags that name peers, or files with peers, which stand under "peers". */
const OF_PEERS: readonly string[] = ['tunnel', 'tunnels-file', 'peer-dialect'];
/** Values that other flags or files decide where the flag is not given. */
const EFFECTIVE: Readonly<Record<string, (options: GatewayOptions) => string | number | undefined>> = {
  'svc-addr': ({ serviceAddress }) => serviceText(serviceAddress),
  'local-pip': ({ localPip }) => localPip,
  'max-tunnels': ({ maxTunnels }) => maxTunnels,
  'tunnels-per-second': ({ limits }) => limits.tunnelsPerPeerPerSecond,
  'spis-per-hour': ({ limits }) => limits.spisPerPeerPerHour,
};

/** The text of the file, ending with a new line. There are no secrets in it: keys stand in files that it names. */
export function configText(read: FlagsRead): string {
  const flags = FLAGS.filter((flag) => isInConfigFile(flag) && !OF_PEERS.includes(flag.name)).flatMap(
    (flag) => {
      const value = effectiveValue(flag, read);
      return value === undefined ? [] : [[flag.name, value] as const];
    },
  );
  const document = new Document({
    flags: Object.fromEntries(flags),
    peers: read.options.peers.map(writtenPeer),
  });
  document.commentBefore = TITLE;
  visit(document, {
    Pair(_, { key, value }) {
      if (isSeq(value) && (key as { value?: unknown }).value !== 'peers') value.flow = true;
    },
    Map(_, map, path) {
      // A pair of a peer.
      if (path.filter((one) => isPair(one)).length > 1) map.flow = true;
    },
  });
  return document.toString({ lineWidth: 0, flowCollectionPadding: false });
}

/** As it would be written; undefined where it says nothing, or may not be given beside the others. */
function effectiveValue(flag: Flag, { options, flags }: FlagsRead): unknown {
  const effective = EFFECTIVE[flag.name]?.(options);
  if (effective !== undefined) return effective;
  const { kind, name } = flag;
  if (!flags.given(name) && !hasMeaning(flags, name)) return undefined;
  if (kind === 'boolean') return flags.boolean(name);
  if (kind === 'list' || flag.repeatable === true) return flags.values.get(name)?.map(({ text }) => text);
  const text = flags.text(name)?.text;
  if (text === undefined) return undefined;
  const isNumber = kind === 'number' || flag.choices?.every((choice) => /^\d+$/.test(choice)) === true;
  return isNumber ? Number(text) : text;
}

function writtenPeer(peer: PeerOptions): Readonly<Record<string, unknown>> {
  const {
    serviceAddress,
    virtualIps,
    virtualPrefixes = [],
    pairs,
    dialect,
    identities,
    mayRotate,
    underlay,
  } = peer;
  return {
    service: serviceText(serviceAddress),
    owns: [...virtualIps, ...virtualPrefixes].map(vipText),
    ...(pairs === undefined
      ? {}
      : {
          pairs: pairs.map(({ localVip, remoteVip }) => ({
            ...(localVip === undefined ? {} : { local: localVip }),
            remote: vipText(remoteVip),
          })),
        }),
    ...(dialect === undefined ? {} : { dialect }),
    ...(identities === undefined ? {} : { identities: identities.map(({ value }) => value) }),
    ...(mayRotate === undefined ? {} : { 'may-rotate': mayRotate }),
    ...(underlay === undefined ? {} : { underlay: underlay.map(({ text }) => text) }),
  };
}
