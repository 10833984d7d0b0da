/**
 * Names of what is not finished, and what processes that were killed have left under such names. A name says which
 * process is at it, so that what nobody will finish any more can be told from what somebody is writing.
 */
import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { lstatOf } from './stat.js';

const RANDOM_OCTETS = 16;
const PATTERN = /^\.psp-gateway-([0-9a-f]{8})-(\d{1,10})-(\d{1,20})-[0-9a-f]{32}\.part$/;
const UNKNOWN = '00000000';
const PLACE = placeOfProcesses();
const looked = new Set<string>();

/**
 * A name in the folder for what is not finished; removes first, once for each folder, what killed processes of the same
 * user have left there. The random part is not injected: no run depends on it, and it must not be guessed by whoever
 * knows a seed.
 */
export function unfinishedName(folder: string): string {
  if (!looked.has(folder)) removeLeftovers(folder);
  looked.add(folder);
  const random = randomBytes(RANDOM_OCTETS).toString('hex');
  return join(folder, `.psp-gateway-${PLACE}-${process.pid}-${startOf(process.pid) ?? 0}-${random}.part`);
}

function removeLeftovers(folder: string): void {
  if (PLACE === UNKNOWN) return;
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch {
    // Whoever writes there says why it cannot be.
    return;
  }
  for (const name of names) {
    const [, place, pid, start] = PATTERN.exec(name) ?? [];
    // Of a process elsewhere nobody here knows whether it lives.
    if (place !== PLACE || startOf(Number(pid)) === start) continue;
    const path = join(folder, name);
    try {
      if (Number(lstatOf(path).uid) === process.geteuid?.()) rmSync(path, { recursive: true, force: true });
    } catch {
      // It stays; it is in nobody's way.
    }
  }
}

/** This boot of this machine, and this namespace of PIDs: elsewhere the same PID is another process. */
function placeOfProcesses(): string {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8');
    const hash = createHash('sha256').update(boot).update(readlinkSync('/proc/self/ns/pid'));
    return hash.digest('hex').slice(0, UNKNOWN.length);
  } catch {
    return UNKNOWN;
  }
}

/** When a process was started, in the kernel's ticks (proc(5), field 22 of stat); undefined: there is none. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name of the program, in brackets, may have anything in it.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}
