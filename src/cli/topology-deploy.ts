/** `psp-gateway topology run --deploy`: a topology as files of an engine that runs it on many machines. */
import { join, relative } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { printable } from '../base/printable.js';
import { containerlabDeployment } from '../topology/deploy/containerlab.js';
import { kubernetesDeployment } from '../topology/deploy/kubernetes.js';
import { type Deployment, type DeployOptions, GUIDE_FILE } from '../topology/deploy/plan.js';
import { type SeedRange, seedsIn } from '../topology/fuzz/shard.js';
import type { Topology } from '../topology/model.js';
import { DEPLOY_FOLDER, OutputFolder } from './output-folder.js';
import { PARTS_MAX, parseSeeds } from './topology-fuzz-shard.js';
import { VERSION } from './version.js';

type Engine = 'kubernetes' | 'containerlab';

const ENGINES: Readonly<
  Record<Engine, (topology: Topology, options: DeployOptions, problems: string[]) => Deployment>
> = {
  kubernetes: kubernetesDeployment,
  containerlab: containerlabDeployment,
};

const IMAGE_DEFAULT = `psp-gateway:${VERSION}`;
/** As engines take them: a registry with its port, a path, a tag, a digest. */
const IMAGE = /^[A-Za-z0-9][A-Za-z0-9._:/@-]{0,254}$/;
const SEEDS_DEFAULT: SeedRange = { first: 1, last: 1000 };
const PARTS_DEFAULT = 10;

export interface DeployFlags {
  readonly deploy?: Engine;
  readonly image: string;
  readonly seeds: SeedRange;
  readonly parts: number;
  readonly output?: string;
}

export function addDeployFlags(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--deploy <engine>',
        'run nothing: write what this engine runs on many machines, and what is to be done with it',
      ).choices(Object.keys(ENGINES)),
    )
    .option('--image <text>', 'with --deploy: the image of the containers', parseImage, IMAGE_DEFAULT)
    .addOption(
      new Option('--seeds <range>', 'with --deploy kubernetes: FIRST..LAST, seeds of a search beside the run')
        .argParser(parseSeeds)
        .default(SEEDS_DEFAULT, `${SEEDS_DEFAULT.first}..${SEEDS_DEFAULT.last}`),
    )
    .option('--parts <number>', 'likewise: pods that share the seeds', parseParts, PARTS_DEFAULT);
}

function parseImage(text: string): string {
  if (!IMAGE.test(text))
    throw new InvalidArgumentError('expected a name of an image, such as registry/psp-gateway:1.');
  return text;
}

function parseParts(text: string): number {
  const parts = Number(text);
  if (!/^\d{1,5}$/.test(text) || parts < 1 || parts > PARTS_MAX)
    throw new InvalidArgumentError(`expected a number from 1 to ${PARTS_MAX}.`);
  return parts;
}

/** Flags of a run that say nothing to an engine. */
const OF_RUNS = {
  realTime: '--real-time',
  processes: '--processes',
  where: '--where',
  whereFile: '--where-file',
  core: '--core',
  certificates: '--certificates',
  captures: '--captures',
  snaplen: '--snaplen',
  writeKeys: '--write-keys',
  json: '--json',
} as const;
const OF_DEPLOYMENTS = ['image', 'seeds', 'parts'] as const;

/** Whether there is such an engine: what was wrong is no value of the flag. */
export const isEngine = (text: string | undefined): text is Engine =>
  text !== undefined && Object.hasOwn(ENGINES, text);

export function deployConflicts({ deploy, seeds, parts }: DeployFlags, command: Command): string[] {
  const isGiven = (flag: string) => command.getOptionValueSource(flag) === 'cli';
  if (!isGiven('deploy'))
    return OF_DEPLOYMENTS.filter(isGiven).map((flag) => `--${flag}: is for --deploy; name the engine`);
  const problems = Object.entries(OF_RUNS).flatMap(([flag, name]) =>
    isGiven(flag) ? [`${name}: --deploy runs nothing here; leave it out`] : [],
  );
  if (deploy !== 'kubernetes')
    for (const flag of ['seeds', 'parts'].filter(isGiven))
      problems.push(`--${flag}: a search is written for kubernetes only; leave it out`);
  else if (parts > seedsIn(seeds)) problems.push(`--parts: ${seedsIn(seeds)} seeds have no ${parts} parts`);
  return problems;
}

export const deployFolder = (topologyName: string, { deploy, output }: DeployFlags): string =>
  output ?? join('out', `${topologyName}-${deploy}`);

/** The files, and all that the engine cannot express of the topology. */
export function deploymentOf(
  topology: Topology,
  flags: DeployFlags & { readonly deploy: Engine },
): { readonly deployment: Deployment; readonly problems: readonly string[] } {
  const problems: string[] = [];
  const deployment = ENGINES[flags.deploy](topology, flags, problems);
  return { deployment, problems };
}

/** Throws OutputFolderError, and what the file system throws; nothing is written then. */
export function writeDeployment(path: string, { files, leftOut }: Deployment): void {
  const folder = new OutputFolder(path, 'public', DEPLOY_FOLDER);
  try {
    for (const [name, content] of files) folder.write(name, new TextEncoder().encode(content));
    folder.finish();
  } finally {
    folder.discard();
  }
  const at = printable(relative('.', folder.path)) || '.';
  process.stdout.write(`${at}: ${[...files.keys()].map(printable).join(', ')}\n`);
  for (const one of leftOut) process.stdout.write(`left out: ${printable(one)}\n`);
  process.stdout.write(`what to do with it: ${join(at, GUIDE_FILE)}\n`);
}
