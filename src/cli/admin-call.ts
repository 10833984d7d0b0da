/** What the commands that ask a running gateway have in common: its socket, their output, and how they end. */
import type { Command } from 'commander';
import type { AdminClient } from '../admin/admin-client.js';
import type { Block } from '../admin/tables.js';
import { escapedInJson, printable } from '../base/printable.js';
import { RpcError } from '../gateway/rpc/transport.js';
import { flagProblemsOf } from './flag-problems.js';
import { complain, EXIT_FAILED, EXIT_USAGE, table } from './output.js';

/** No gateway answers. */
const EXIT_NO_GATEWAY = 3;

/** A command's flags that all of these have. */
export interface AdminFlags {
  readonly socket?: string;
  readonly json?: true;
}

export const EXIT_STATUS =
  'Exit status: 0 done; 1 the gateway could not; 2 wrong flags; 3 no gateway answers.';

/** Adds these flags and a help text with examples. */
export function withAdminFlags(command: Command, examples: string): Command {
  return command
    .option('--socket <path>', "the gateway's admin socket; default: the only one of this machine's gateways")
    .option('--json', 'for programs: an object whose keys do not change')
    .addHelpText('after', `\n${examples}\n\n${EXIT_STATUS}`);
}

/**
 * Calls `ask` with a client of the gateway that the flags mean, and sets the exit status where that fails.
 * @param more what is wrong besides the flags themselves; then nobody is asked
 */
export async function withGateway(
  command: Command,
  { socket }: AdminFlags,
  ask: (client: AdminClient) => Promise<void>,
  more: readonly string[] = [],
): Promise<void> {
  const problems = [...flagProblemsOf(command), ...more];
  for (const problem of problems) complain(problem);
  if (problems.length > 0) {
    process.exitCode = EXIT_USAGE;
    return;
  }
  const { AdminClient: Client, NoGatewayError } = await import('../admin/admin-client.js');
  let client: AdminClient | undefined;
  try {
    const path = socket ?? (await onlySocket());
    if (path === undefined) return;
    client = await Client.connect(path);
    await ask(client);
  } catch (error) {
    if (error instanceof NoGatewayError) fail(error.message, EXIT_NO_GATEWAY);
    else if (error instanceof RpcError)
      fail(error.details, error.code === 'INVALID_ARGUMENT' ? EXIT_USAGE : EXIT_FAILED);
    else throw error;
  } finally {
    client?.close();
  }
}

function fail(text: string, status: number): void {
  complain(`psp-gateway: ${text}`);
  process.exitCode = status;
}

/** The socket of the only gateway that answers; undefined, and told, where there is none or several. */
async function onlySocket(): Promise<string | undefined> {
  const { liveSockets, ownSurroundings, socketFolders } = await import('../admin/socket-place.js');
  const surroundings = ownSurroundings();
  const [path, ...more] = await liveSockets(surroundings);
  if (more.length > 0) {
    complain('psp-gateway: several gateways run here; say --socket with one of');
    for (const one of [path!, ...more]) complain(`  ${one}`);
    process.exitCode = EXIT_USAGE;
    return undefined;
  }
  if (path === undefined) {
    const folders = socketFolders(surroundings).join(' or ') || '/run/psp-gateway';
    fail(`no gateway answers: none has a socket in ${folders}; say --socket PATH`, EXIT_NO_GATEWAY);
  }
  return path;
}

/** Prints an answer: an object for programs, blocks for people. Texts of others drive no terminal. */
export function printAnswer({ json }: AdminFlags, answer: object, blocks: () => readonly Block[]): void {
  if (json === true) {
    console.log(escapedInJson(jsonText(answer)));
    return;
  }
  for (const block of blocks()) {
    const text = typeof block === 'string' ? block : table(block);
    console.log(text.split('\n').map(printable).join('\n'));
  }
}

/** JSON on one line, with all digits of 64-bit counters, and null for what is not known. */
export function jsonText(value: unknown): string {
  if (typeof value === 'bigint') return String(value);
  if (Array.isArray(value)) return `[${value.map(jsonText).join()}]`;
  if (value === undefined || value === null) return 'null';
  if (typeof value !== 'object') return JSON.stringify(value);
  const fields = Object.entries(value)
    .filter(([key]) => key !== '_unknownFields')
    .map(([key, one]) => `${JSON.stringify(key)}:${jsonText(one)}`);
  return `{${fields.join()}}`;
}
