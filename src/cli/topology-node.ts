/** `psp-gateway topology node`: one gateway of a topology in a process of its own, here or on another machine. */
import type { Command } from 'commander';
import type { GatewayOptions } from '../gateway/options.js';
import { delegateHal } from '../hal/delegate.js';
import { TopologyFileError } from '../topology/file/read.js';
import { gatewaysOf, type Topology } from '../topology/model.js';
import type { OpenDevice } from '../topology/nodes/local-incarnation.js';
import {
  type GatewayProcessDeps,
  serveRun,
  startAlone,
  startGateway,
} from '../topology/real-time/gateway-process.js';
import { FlagProblems } from './flag-problems.js';
import { createLogger } from './log.js';
import { openDoca } from './open-hal.js';
import { checkTopology } from './topology-check.js';
import { loadTopology, withTopology } from './topology-file.js';
import { addPlaceFlags, certificateHost, type PlaceFlags, placesOf, tlsFrom } from './topology-places.js';

const HELP = `
The run that has the links, the workloads and the scenario is the other one:

  on the machine of the run, 192.0.2.1:
    psp-gateway topology run FILE --processes --where h2=192.0.2.2 --core 192.0.2.1 --certificates certs
  on 192.0.2.2, with the same FILE and certs:
    psp-gateway topology node FILE h2 --where h2=192.0.2.2 --core 192.0.2.1 --certificates certs

Instead of addresses there may be DNS names, which are looked up until they have one; then peers' certificates are told
by these names (psp-gateway certs issue). NAME=HOST,GATEWAY,RUN gives a gateway a cable: its frames go between the
addresses GATEWAY and RUN, and only RPCs to HOST.

The gateway runs until SIGINT or SIGTERM. Events of the scenario reach gateways on the run's own machine only.

Exit status: 0 stopped, 1 it could not start, 2 wrong usage or a wrong file.`;

/** Warnings of DOCA's. */
const SDK_LOG_LEVEL = 40;

export function setUpNode(command: Command): void {
  addPlaceFlags(command).addHelpText('after', HELP);
  const wrong = new FlagProblems(command);
  command.action((file: string, name: string, flags: PlaceFlags) =>
    withTopology(() => runNode(file, name, flags, wrong)),
  );
}

async function runNode(file: string, name: string, flags: PlaceFlags, wrong: FlagProblems): Promise<void> {
  const forked = process.send !== undefined;
  const read = forked ? loadTopology(file) : await readAlone(file, name, flags, wrong);
  const places = await placesOf(read, flags, (gateway) => (gateway === name ? 'gateway' : undefined));
  const topology = places.apply(read);
  const plan = gatewaysOf(topology).find((gateway) => gateway.name === name)!;
  const common = { topology, plan, places, openDoca: openDocaDevice };
  if (forked) return serveRun(common);
  const logger = createLogger(50, 'text');
  const deps: GatewayProcessDeps = {
    ...common,
    onEvent: () => {},
    onLog: (level, message, fields) => logger.log(level, message, fields),
  };
  const { incarnation } = await startGateway(
    deps,
    startAlone(deps, tlsFrom(flags.certificates!, certificateHost(read, flags, name)!)),
  );
  process.on('SIGHUP', () => logger.log('info', 'SIGHUP: goes on; SIGINT or SIGTERM ends it'));
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
  await incarnation.stop();
}

/** The device behind a gateway over DOCA: its mapping file and its addon are named in the environment. */
async function openDocaDevice(options: GatewayOptions): Promise<OpenDevice> {
  const { hal, close } = await openDoca(options, { sdkLogLevel: SDK_LOG_LEVEL });
  return { hal: delegateHal(hal, { close }) };
}

/** Throws TopologyFileError with all that is wrong. */
async function readAlone(
  file: string,
  name: string,
  flags: PlaceFlags,
  wrong: FlagProblems,
): Promise<Topology> {
  const request = { ...flags, wrong, file, inRealTime: true, alone: name };
  const { topology, fileProblems, flagProblems } = await checkTopology(request);
  const problems = [...fileProblems, ...flagProblems];
  if (topology !== undefined && !gatewaysOf(topology).some((gateway) => gateway.name === name))
    problems.push(`${topology.name} has no gateway ${name}`);
  if (
    flags.certificates === undefined &&
    !problems.some((problem) => problem.includes('--certificates')) &&
    !['--where', '--where-file', '--certificates'].some((flag) => wrong.has(flag))
  )
    problems.push('--certificates: a gateway needs a certificate, and one authority with the others');
  if (topology === undefined || problems.length > 0) throw new TopologyFileError(problems);
  return topology;
}
