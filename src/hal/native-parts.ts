/**
 * The native parts (native/): where they are once they are built, how they are loaded, and what is said when they are not
 * there. In a checkout they are built by a script that also installs what the build needs, in an installed package by a command.
 */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { HalError, reasonOf } from './errors.js';

/** The checkout, or the installed package: from src/ as from dist/. */
export const PACKAGE_FOLDER = fileURLToPath(new URL('../../', import.meta.url));
/** Where the build puts everything, unless it is told. */
export const BUILD_FOLDER = resolve(PACKAGE_FOLDER, 'build');
/** What to call for them. The script is in checkouts only. */
export const BUILD_COMMAND = existsSync(resolve(PACKAGE_FOLDER, 'scripts/build-native.mjs'))
  ? 'npm run build:native'
  : 'psp-gateway build-native';

/** Releases of DOCA whose API the software DOCA presents. */
export const SOFT_RELEASES = ['2.9', '2.10', '3.0', '3.1', '3.2', '3.3'] as const;
export type SoftRelease = (typeof SOFT_RELEASES)[number];
/** Where nobody asks for another one. */
export const SOFT_RELEASE: SoftRelease = '3.1';

export interface NativePart {
  /** For people. */
  readonly name: string;
  /** The environment variable that names another file than those below BUILD_FOLDER. */
  readonly variable: string;
  /** Where it may be below BUILD_FOLDER; the first that is there counts. */
  readonly files: readonly string[];
  /** A function that it must have: any other addon can be loaded too. */
  readonly mark: string;
}

/** TAP interfaces, others as wires, and what else the kernel offers to the simulator's ports. */
export const PORTS: NativePart = {
  name: 'the native ports',
  variable: 'PSP_GATEWAY_PORTS',
  files: ['ports/Release/psp_ports.node'],
  mark: 'Tap',
};

const addonFile = (folder: string) => `native/${folder}/Release/psp_gateway_doca.node`;
const softReleases = [...new Set([SOFT_RELEASE, ...SOFT_RELEASES])];

/** Against NVIDIA's DOCA where the machine has it, else against the software DOCA, which may have been built as one release alone. */
export const DOCA_ADDON: NativePart = {
  name: 'the parts of --hal=doca',
  variable: 'PSP_GATEWAY_DOCA_ADDON',
  files: [addonFile('addon'), ...softReleases.map(softAddonFile)],
  mark: 'openDevice',
};

/** The addon over the software DOCA of a release, as one of DOCA_ADDON's files. */
export function softAddonFile(release: SoftRelease): string {
  return addonFile(`addon-${release}`);
}

/** A native part is not there, or is not what it should be; `reason` says what to do. */
export class NativePartError extends HalError {
  constructor(reason: string) {
    super('INITIALIZATION', reason);
  }
}

/** The file that the part's environment variable names; undefined where it is not set, or empty. */
export function namedFile({ variable }: NativePart): string | undefined {
  const path = process.env[variable];
  return path === undefined || path === '' ? undefined : resolve(path);
}

/** Whether there is something to load. */
export function isNativePartThere(part: NativePart): boolean {
  return namedFile(part) !== undefined || builtFile(part) !== undefined;
}

/** The file that was built, in the build's own folder or another one; undefined where none was. */
export function builtFile({ files }: NativePart, folder = BUILD_FOLDER): string | undefined {
  return files.map((file) => resolve(folder, file)).find((path) => existsSync(path));
}

/** By path: initialised once, however often it is asked for. */
const loaded = new Map<string, object>();

/** What the part exports, and the file that it came from. Throws NativePartError. */
export function loadNativePart(
  part: NativePart,
  named = namedFile(part),
): { readonly path: string; readonly exports: object } {
  const path = named ?? builtFile(part);
  if (path === undefined) throw new NativePartError(`${part.name} are not built: ${BUILD_COMMAND}`);
  const advice =
    named === undefined ? `build it again: ${BUILD_COMMAND}` : `name the file that ${BUILD_COMMAND} makes`;
  const wrong = (what: string) => new NativePartError(`${path} ${what}; ${advice}`);
  if (!existsSync(path)) throw wrong('is not there');
  const exports = loaded.get(path) ?? open(path, wrong);
  if (typeof (exports as Record<string, unknown>)[part.mark] !== 'function')
    throw wrong(`is another addon than ${part.name}`);
  loaded.set(path, exports);
  return { path, exports };
}

function open(path: string, wrong: (what: string) => NativePartError): object {
  const module = { exports: {} };
  try {
    // require() would run a file of another name as JavaScript.
    process.dlopen(module, path);
  } catch (error) {
    throw wrong(`cannot be loaded: ${reasonOf(error).replace(`${path}: `, '')}`);
  }
  return module.exports;
}
