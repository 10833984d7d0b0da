/** `psp-gateway topology node`: one gateway of a topology in a process of its own, here or on another machine. */
import type { Command } from 'commander';
import { TopologyFileError } from '../topology/file/read.js';
import { type GatewayPlan, gatewaysOf, type Topology } from '../topology/model.js';
import {
  type GatewayProcessDeps,
  serveRun,
  startAlone,
  startGateway,
} from '../topology/real-time/gateway-process.js';
import { createLogger } from './log.js';
import { loadTopology, withTopology } from './topology-file.js';
import { addPlaceFlags, type PlaceFlags, placesOf, tlsFrom } from './topology-places.js';

const HELP = `
The run that has the links, the workloads and the scenario is the other one:

  on the machine of the run, 192.0.2.1:
    psp-gateway topology run FILE --processes --where h2=192.0.2.2 --core 192.0.2.1 --certificates certs
  on 192.0.2.2, with the same FILE and certs:
    psp-gateway topology node FILE h2 --where h2=192.0.2.2 --core 192.0.2.1 --certificates certs

The gateway runs until SIGINT or SIGTERM. Events of the scenario reach gateways on the run's own machine only.

Exit status: 0 stopped, 1 it could not start, 2 wrong usage or a wrong file.`;

export function addNode(topology: Command): void {
  addPlaceFlags(
    topology
      .command('node')
      .description('one gateway of a topology, for a run in real time elsewhere')
      .argument('<file>', 'topology, YAML')
      .argument('<name>', 'the gateway'),
  )
    .addHelpText('after', HELP)
    .action((file: string, name: string, flags: PlaceFlags) =>
      withTopology(() => runNode(file, name, flags)),
    );
}

async function runNode(file: string, name: string, flags: PlaceFlags): Promise<void> {
  const read = loadTopology(file);
  const forked = process.send !== undefined;
  const places = placesOf(read, forked ? { ...flags, certificates: '' } : flags);
  const topology = places.apply(read);
  const plan = gatewayOf(topology, name);
  const common = { topology, plan, places };
  if (forked) return serveRun(common);
  if (flags.certificates === undefined)
    throw new TopologyFileError([
      '--certificates: a gateway needs a certificate, and one authority with the others',
    ]);
  const logger = createLogger(plan.options.debugKeys ? 60 : 50, 'text');
  const deps: GatewayProcessDeps = {
    ...common,
    onEvent: () => {},
    onLog: (level, message, fields) => logger.log(level, message, fields),
  };
  const { life } = await startGateway(
    deps,
    startAlone(deps, tlsFrom(flags.certificates, plan.serviceAddress.host)),
  );
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
  await life.stop();
}

function gatewayOf(topology: Topology, name: string): GatewayPlan {
  const plan = gatewaysOf(topology).find((gateway) => gateway.name === name);
  if (plan !== undefined) return plan;
  throw new TopologyFileError([`${topology.name} has no gateway ${name}`]);
}
