/** `psp-gateway build-native`: builds the native parts from the sources that come with the package. */

import { resolve } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { fileProblem } from '../files/file-problem.js';
import { mustTakeFiles } from '../files/folders.js';
import {
  BUILD_FOLDER,
  builtFile,
  DOCA_ADDON,
  PORTS,
  SOFT_RELEASE,
  SOFT_RELEASES,
  type SoftRelease,
  softAddonFile,
} from '../hal/native-parts.js';
import { buildParts, crossBuild } from '../native-build/build.js';
import { NativeBuildError } from '../native-build/errors.js';
import { howToInstall, installMissing } from '../native-build/packages.js';
import {
  ARCHES,
  type Arch,
  PARTS,
  type Part,
  type Requirement,
  requirementsOf,
} from '../native-build/requirements.js';
import { FlagProblems } from './flag-problems.js';
import { complain, EXIT_FAILED, EXIT_USAGE, table } from './output.js';

interface Flags {
  readonly output?: string;
  readonly only?: Part;
  readonly release?: SoftRelease;
  readonly arch?: Arch;
  readonly check: boolean;
  readonly install: boolean;
}

const NATIVE_PARTS = { ports: PORTS, doca: DOCA_ADDON } as const;

const HELP = `
The parts, both unless --only says which:

  ports   TAP interfaces (--sim-vf tap:NAME), interfaces as ends of topologies' links, UDP without checksums over IPv6, and what keeps
          keys out of core dumps and swap
  doca    --hal=doca: a software DOCA over DPDK ports, the addon over it and, where pkg-config knows NVIDIA's DOCA, one over that

The software DOCA presents itself as one release of NVIDIA's; --release says as which. Several may be built. A gateway takes NVIDIA's
DOCA where it is there, else the software DOCA ${SOFT_RELEASE}, else the first that is there; PSP_GATEWAY_DOCA_ADDON names another.

What this needs from the distribution is told first, and what of it is missing; nothing is installed without --install. Nothing
else is fetched. It takes a minute or two. An update of the package takes what was built away: build it again.

--arch arm64 builds on a machine of another kind for the BlueField's own processor, in build/arm64: on Debian, whose packages for
arm64 are fetched by apt-get and unpacked there, not installed. What to copy is printed at the end.

Examples:
  psp-gateway build-native --check
  psp-gateway build-native --only ports
  psp-gateway build-native --only doca --release 3.3
  psp-gateway build-native --arch arm64
  psp-gateway build-native --output ~/psp-native      where the package's own folder is for others to write

Exit status: 0 built (--check: nothing is missing), 1 something is missing or the build failed, 2 wrong usage, or a folder that
cannot be written to.
`;

export function buildNativeCommand(): Command {
  const command = new Command('build-native')
    .description('build what is native: TAP interfaces for the simulator, and --hal=doca')
    .option('-o, --output <folder>', `where to build (default: ${BUILD_FOLDER}, where it is found)`)
    .addOption(new Option('--only <part>', 'build this part alone').choices(PARTS).argParser(partOf))
    .addOption(
      new Option(
        '--release <release>',
        `of DOCA, as which the software DOCA presents itself (default: ${SOFT_RELEASE})`,
      )
        .choices(SOFT_RELEASES)
        .argParser(releaseOf),
    )
    .addOption(
      new Option('--arch <arch>', 'build for this processor, not for the machine’s own')
        .choices(ARCHES)
        .argParser(archOf),
    )
    .option('--check', 'say what is needed and what of it is missing, and build nothing', false)
    .option('--install', 'install what is missing by apt-get, as root or through sudo', false)
    .addHelpText('after', HELP);
  const wrong = new FlagProblems(command);
  return command.action((flags: Flags) => buildNative(flags, wrong));
}

function partOf(text: string): Part {
  const part = PARTS.find((one) => one === text);
  if (part === undefined) throw new InvalidArgumentError(`expected one of ${PARTS.join(', ')}`);
  return part;
}

function releaseOf(text: string): SoftRelease {
  const release = SOFT_RELEASES.find((one) => one === text);
  if (release === undefined) throw new InvalidArgumentError(`expected one of ${SOFT_RELEASES.join(', ')}`);
  return release;
}

function archOf(text: string): Arch {
  const arch = ARCHES.find((one) => one === text);
  if (arch === undefined) throw new InvalidArgumentError(`expected one of ${ARCHES.join(', ')}`);
  return arch;
}

function buildNative({ output, only, release, arch, check, install }: Flags, wrong: FlagProblems): void {
  const problems = [
    ...wrong.list,
    ...(arch === process.arch ? ['--arch: it is the machine’s own; leave it out'] : []),
    ...(only === 'ports' && release !== undefined ? ['--release: the ports have none; leave it out'] : []),
  ];
  for (const problem of problems) complain(problem);
  const parts = only === undefined ? PARTS : [only];
  const ownFolder = arch === undefined ? BUILD_FOLDER : resolve(BUILD_FOLDER, arch);
  const folder = output === undefined ? ownFolder : resolve(output);
  // Both, so that both are told.
  const takesFiles = check || canBeWritten(folder, output === undefined);
  if (problems.length > 0) {
    process.exitCode = EXIT_USAGE;
    return;
  }
  const hasAll = hasAllThatIsNeeded(requirementsOf(parts, arch), install && !check && takesFiles);
  if (!takesFiles) process.exitCode = EXIT_USAGE;
  else if (!hasAll) process.exitCode = EXIT_FAILED;
  else if (!check) {
    const where = { folder, isElsewhere: output !== undefined };
    tellingProblems(() =>
      arch === undefined ? build(where, parts, release) : buildFor(where, parts, release),
    );
  }
}

function canBeWritten(folder: string, isDefault: boolean): boolean {
  try {
    mustTakeFiles(folder);
    return true;
  } catch (error) {
    const problem = fileProblem(error);
    if (problem === undefined) throw error;
    const advice = isDefault
      ? '; build as the user whose package it is, or into another folder: --output FOLDER'
      : '';
    complain(`psp-gateway: ${problem.text}${advice}`);
    return false;
  }
}

/** Tells what is needed and what is missing, and installs it where that is wanted. */
function hasAllThatIsNeeded(requirements: readonly Requirement[], install: boolean): boolean {
  if (process.platform !== 'linux') {
    complain(`psp-gateway: the native parts are for Linux, and this is ${process.platform}`);
    return false;
  }
  const rows = requirements.map((requirement) => ({ requirement, isThere: requirement.isThere() }));
  const missing = rows.filter(({ isThere }) => !isThere).map(({ requirement }) => requirement);
  console.log("needed, with the names of Debian's packages:");
  const cells = rows.map(({ requirement: { name, what }, isThere }) => [
    `  ${name}`,
    isThere ? 'there' : 'MISSING',
    what,
  ]);
  console.log(table(cells));
  if (missing.length === 0) return true;
  const problem = install ? installMissing(requirements, say) : howToInstall(missing);
  if (problem === undefined) return true;
  complain(`psp-gateway: ${problem}`);
  return false;
}

const say = (step: string) => process.stderr.write(`psp-gateway: ${step}\n`);

interface Where {
  readonly folder: string;
  /** Not where gateways look. */
  readonly isElsewhere: boolean;
}

function tellingProblems(work: () => void): void {
  try {
    work();
  } catch (error) {
    if (!(error instanceof NativeBuildError)) throw error;
    say(error.message);
    process.exitCode = EXIT_FAILED;
  }
}

/** For the processor of another machine. */
function buildFor({ folder }: Where, parts: readonly Part[], release: SoftRelease = SOFT_RELEASE): void {
  const wanted = {
    ports: ['ports/Release'],
    doca: [`native/addon-${release}/Release`, `native/prefix-${release}`],
  };
  buildParts(crossBuild({ folder, say }), parts, release);
  console.log(`built in ${folder}; copy, with their paths, into the folder build of the package over there:`);
  for (const path of parts.flatMap((part) => wanted[part])) console.log(`  ${path}`);
}

function build(
  { folder, isElsewhere }: Where,
  parts: readonly Part[],
  release: SoftRelease | undefined,
): void {
  buildParts({ folder, say }, parts, release ?? SOFT_RELEASE);
  const made = parts.map((part) => {
    const first = builtFile(NATIVE_PARTS[part], folder)!;
    // Of a release that was asked for it is its own, whatever else is there.
    const file = part === 'doca' && release !== undefined ? resolve(folder, softAddonFile(release)) : first;
    return { variable: NATIVE_PARTS[part].variable, file, isFound: !isElsewhere && file === first };
  });
  const [found, named] = [made.filter(({ isFound }) => isFound), made.filter(({ isFound }) => !isFound)];
  if (found.length > 0) console.log('built, and found there by gateways:');
  for (const { file } of found) console.log(`  ${file}`);
  if (named.length > 0) console.log('built; say where, for gateways to find it:');
  for (const { variable, file } of named) console.log(`  export ${variable}=${shellWord(file)}`);
}

/** As a shell reads it, whatever is in it. */
function shellWord(text: string): string {
  return /^[\w./:@%+,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
