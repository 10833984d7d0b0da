/**
 * Sockets in the file system: bound so that nobody but their owner may ever open them, put under their name only where
 * nothing is lost by it, and taken away again only while they are ours.
 *
 * Node removes the name that a server was bound to when the server closes, whatever is there by then. So a socket is bound to
 * a name of its own beside its place, and linked to that; what Node removes is a name that has gone already.
 */
import { linkSync, unlinkSync } from 'node:fs';
import { connect, type Server } from 'node:net';
import { dirname, join } from 'node:path';
import { fileReason } from './file-problem.js';
import { lstatIfThere, lstatOf } from './stat.js';

/** Octets of a socket's path: `sun_path` of Linux's unix(7) without the octet that ends it. */
export const SOCKET_PATH_OCTETS_MAX = 107;
/** A bound socket's mode is what this leaves. */
const OWNER_ONLY_UMASK = 0o177;

/** A socket cannot be where it should; says the path and what to do. */
export class SocketPathError extends Error {
  override readonly name = 'SocketPathError';

  constructor(
    message: string,
    /** Nothing but another path helps. */
    readonly isWrongPath: boolean,
  ) {
    super(message);
  }
}

let bound = 0;

/** The name beside `path` that a socket is bound to first. No longer than any name that makes sense. */
function nameBeside(path: string): string {
  return join(dirname(path), `.${process.pid.toString(36)}.${(bound++ % 1296).toString(36)}`);
}

/**
 * Why no socket can be at such a path, be it for its length or for what is there; undefined: one can, or there is one. Throws what the
 * file system throws.
 */
export function socketPathProblem(path: string): string | undefined {
  const octets = Math.max(Buffer.byteLength(path), Buffer.byteLength(nameBeside(path)));
  if (octets > SOCKET_PATH_OCTETS_MAX)
    return `${path}: ${octets} octets are too long for the path of a socket, which has ${SOCKET_PATH_OCTETS_MAX} at most; name a shorter one`;
  if (lstatIfThere(path)?.isSocket() === false)
    return `${path} is there, and is no socket; name another path`;
  return undefined;
}

/**
 * What is at the path: nothing, a socket that nobody serves any more, or one that somebody does. Throws SocketPathError where it is
 * no socket, a symbolic link among others, or is not to be opened; and what the file system throws.
 */
async function occupantOf(path: string): Promise<'none' | 'dead' | 'live'> {
  const wrong = socketPathProblem(path);
  if (wrong !== undefined) throw new SocketPathError(wrong, true);
  if (lstatIfThere(path) === undefined) return 'none';
  const error = await connectProblem(path);
  if (error === undefined || error.code === 'EAGAIN') return 'live';
  if (error.code === 'ECONNREFUSED') return 'dead';
  if (error.code === 'ENOENT') return 'none';
  throw new SocketPathError(
    `${path}: a socket that is not ours: ${fileReason(error) ?? error.message}`,
    true,
  );
}

/** Whether a server takes connections at the path; not where it may not be asked. */
export async function isServed(path: string): Promise<boolean> {
  return (await connectProblem(path)) === undefined;
}

/** Why no server takes a connection at the path; undefined: one does. The kernel answers at once, with EAGAIN where its queue is full. */
export function connectProblem(path: string): Promise<NodeJS.ErrnoException | undefined> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const end = (error?: NodeJS.ErrnoException) => {
      socket.destroy();
      resolve(error);
    };
    socket.once('connect', () => end());
    socket.once('error', end);
  });
}

/**
 * Makes the server listen at `path`, in a folder that is there; only our own user, and root, may connect. A dead socket is replaced.
 * Rejects with SocketPathError where anything else is there, with what the file system throws, and with what the server emits.
 * Between the look at a dead socket and its removal another program may put its own there, which is lost then; of a
 * gateway's own places that cannot be, since no two of them have the same service address.
 *
 * @returns what takes the socket away, unless something else has come into its place
 */
export async function listenAtPath(server: Server, path: string): Promise<() => void> {
  const before = await occupantOf(path);
  if (before === 'live')
    throw new SocketPathError(`${path}: another program answers there; end it, or name another path`, false);
  const first = nameBeside(path);
  await bind(server, first);
  try {
    if (before === 'dead') unlinkSync(path);
    linkSync(first, path);
  } catch (error) {
    await new Promise<void>((resolve) => server.close(() => resolve()));
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    throw new SocketPathError(`${path}: another program has just come there; name another path`, false);
  }
  unlinkSync(first);
  const { ino, dev } = lstatOf(path);
  return () => {
    const there = lstatIfThere(path);
    if (there?.isSocket() === true && there.ino === ino && there.dev === dev) unlinkSync(path);
  };
}

/** Node binds within the call, so the mask holds for this socket alone. */
function bind(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    const before = process.umask(OWNER_ONLY_UMASK);
    try {
      server.listen(path, () => {
        server.off('error', reject);
        resolve();
      });
    } finally {
      process.umask(before);
    }
  });
}
