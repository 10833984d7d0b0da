/** Gateways of a topology that somebody else runs: the certificates that they need, and what they have to be told of their peers. */
import { join } from 'node:path';
import { serviceText } from '../gateway/rpc/transport.js';
import { TopologyFileError } from '../topology/file/read.js';
import { externalsOf, gatewaysOf, insidersOf, type Topology } from '../topology/model.js';
import type { Places } from '../topology/real-time/places.js';
import { writeCertificates } from './certificates.js';
import { complain } from './output.js';
import { tlsFrom } from './topology-places.js';

/** Peers whose flags are told; more are in the file. */
const PEERS_TOLD_MAX = 20;

/**
 * Makes certificates of one authority for them and the run's own gateways, unless --certificates has them, and tells where these are and who
 * the peers are. Gives the folder. Throws TopologyFileError, and what the file system throws.
 */
export async function meetExternals(
  file: Topology,
  places: Places,
  { certificates, output }: { readonly certificates?: string; readonly output?: string },
): Promise<string> {
  const topology = places.apply(file);
  const externals = externalsOf(topology);
  const ours = [...gatewaysOf(topology), ...insidersOf(topology)];
  const hosts = [...ours, ...externals].map(({ serviceAddress }) => serviceAddress.host);
  const folder = certificates ?? `${output ?? join('out', topology.name)}-certificates`;
  if (certificates === undefined) {
    const { problems } = await writeCertificates({ out: folder, host: hosts, force: true });
    if (problems.length > 0) throw new TopologyFileError(problems);
  } else for (const host of hosts) tlsFrom(folder, host);
  const peers = ours.map((plan) => {
    const addresses =
      plan.kind === 'gateway' ? plan.workloads.flatMap((one) => one.addresses) : plan.addresses;
    return `--tunnel=${serviceText(plan.serviceAddress)}:${addresses.join()}`;
  });
  for (const { name, serviceAddress } of externals) {
    const certificate = join(folder, serviceAddress.host.replaceAll(':', '-'));
    complain(
      `${name}: its certificate is ${certificate}.pem, its key ${certificate}.key, the authority ${join(folder, 'ca.pem')}`,
    );
    complain(
      `${name}: its peers are ${peers.slice(0, PEERS_TOLD_MAX).join(' ')}${peers.length > PEERS_TOLD_MAX ? ' ...' : ''}`,
    );
  }
  return folder;
}
