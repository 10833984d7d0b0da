/** Where gateways have their admin sockets when nobody says where: one folder for each user, and in it a name for each gateway. */
import { accessSync, constants, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { makeFolder } from '../files/folders.js';
import { lstatOf } from '../files/stat.js';
import { isServed, SocketPathError } from '../files/unix-socket.js';
import type { ServiceAddress } from '../gateway/rpc/transport.js';

const SYSTEM_FOLDER = '/run/psp-gateway';
const FOLDER_NAME = 'psp-gateway';
const ENDING = '.sock';
/** Names in a folder that are looked at; a folder of sockets has no more. */
const NAMES_MAX = 10_000;
/** Permissions of a folder with which others could put their own sockets there. */
const WRITABLE_BY_OTHERS = 0o022;

/** What decides about places: the process's own. */
export interface Surroundings {
  /** The folder of the system's gateways. */
  readonly systemFolder: string;
  readonly userId: number;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

export function ownSurroundings(): Surroundings {
  return { systemFolder: SYSTEM_FOLDER, userId: process.getuid!(), environment: process.env };
}

/** The folders in which a gateway of this user may have its socket, the one that it takes first. */
export function socketFolders({ systemFolder, userId, environment }: Surroundings): string[] {
  const { XDG_RUNTIME_DIR: runtime } = environment;
  const own = runtime?.startsWith('/') === true ? [join(runtime, FOLDER_NAME)] : [];
  return userId === 0 || isWritable(systemFolder) ? [systemFolder, ...own] : own;
}

function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * The place of a gateway's socket, in a folder that is made where it is missing. Throws SocketPathError where there is none, or the
 * folder is not ours alone; and what the file system throws.
 */
export function defaultSocketPath(service: ServiceAddress, surroundings: Surroundings): string {
  const [folder] = socketFolders(surroundings);
  if (folder === undefined)
    throw new SocketPathError(
      `only root may use ${surroundings.systemFolder}, and XDG_RUNTIME_DIR names no folder; say --admin PATH or --admin off`,
      true,
    );
  makeFolder(folder, 'private');
  const there = lstatOf(folder);
  if (
    !there.isDirectory() ||
    Number(there.uid) !== surroundings.userId ||
    (Number(there.mode) & WRITABLE_BY_OTHERS) !== 0
  )
    throw new SocketPathError(`${folder} is no folder that we alone may write to; say --admin PATH`, true);
  return join(folder, `${service.host}-${service.port}${ENDING}`);
}

/** The sockets of gateways that answer, in all folders that this user's gateways, or root's, have theirs in. */
export async function liveSockets(surroundings: Surroundings): Promise<string[]> {
  const paths = new Set([surroundings.systemFolder, ...socketFolders(surroundings)].flatMap(socketsIn));
  const live: string[] = [];
  for (const path of paths) if (await isServed(path)) live.push(path);
  return live;
}

function socketsIn(folder: string): string[] {
  try {
    const names = readdirSync(folder).filter((name) => name.endsWith(ENDING));
    return names
      .sort()
      .slice(0, NAMES_MAX)
      .map((name) => join(folder, name));
  } catch {
    // Not there, or not ours to look into.
    return [];
  }
}
