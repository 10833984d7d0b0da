/** The admin service of a gateway that is run: at the place that was named, or at its usual one where that is possible. */
import { dirname } from 'node:path';
import { AdminServer } from '../admin/admin-server.js';
import type { AdminServiceDeps } from '../admin/admin-service.js';
import { defaultSocketPath, ownSurroundings, type Surroundings } from '../admin/socket-place.js';
import { systemClock } from '../base/clock.js';
import { fileProblem } from '../files/file-problem.js';
import { makeFolder } from '../files/folders.js';
import { SocketPathError } from '../files/unix-socket.js';
import type { RunOptions } from '../gateway/config/read-options.js';
import type { ServiceAddress } from '../gateway/rpc/transport.js';
import type { GatewayControl, GatewayInsight } from '../gateway/view.js';
import type { ProgramLogger } from './log.js';
import { VERSION } from './version.js';

export interface AdminOptions {
  readonly admin: RunOptions['admin'];
  readonly service: ServiceAddress;
  readonly hasTls: boolean;
  readonly logger: ProgramLogger;
  readonly reload: AdminServiceDeps['reload'];
  readonly about?: AdminServiceDeps['about'];
  /** What decides about the usual place; the process's own when absent. */
  readonly surroundings?: Surroundings;
}

/**
 * Begins to listen. Undefined where there is to be no admin service, and, with a warning, where its usual place cannot be had. Rejects
 * with SocketPathError where the place that was named cannot.
 */
export async function startAdmin(
  gateway: GatewayInsight & GatewayControl,
  { admin, service, hasTls, logger, reload, about, surroundings = ownSurroundings() }: AdminOptions,
): Promise<AdminServer | undefined> {
  if (admin === 'off') return undefined;
  try {
    const path = admin?.path ?? defaultSocketPath(service, surroundings);
    makeFolder(dirname(path), 'private');
    const server = await AdminServer.listen({
      path,
      gateway,
      clock: systemClock,
      version: VERSION,
      hasTls,
      log: logger,
      reload,
      about,
      onProblem: (text) => logger.log('error', text),
    });
    logger.log('info', `admin socket: ${path}`);
    return server;
  } catch (error) {
    const problem = asSocketProblem(error, admin?.path);
    if (admin !== undefined) throw problem;
    logger.log('warning', `no admin socket: ${problem.message}`);
    return undefined;
  }
}

/** Throws what is no error of a socket's place. */
function asSocketProblem(error: unknown, path: string | undefined): SocketPathError {
  if (error instanceof SocketPathError) return error;
  const problem = fileProblem(error);
  if (problem === undefined) throw error;
  return new SocketPathError(
    path === undefined ? problem.text : `${path}: ${problem.text}`,
    problem.isWrongPath,
  );
}
