/**
 * Programs that tests need and that must not be installed, since an installed one would start by itself: the package comes by apt from
 * where the machine's other packages are from, is unpacked into build/ once, and runs from there.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { inPath } from './needs.js';
import { ROOT } from './root.js';

const FOLDER = join(ROOT, 'build/debian');
/** Downloads that are tried: the second one after `apt-get update`, in case the machine's lists are older than the archive. */
const ATTEMPTS = 3;

/** Where a package is unpacked, or what is missing for it. */
export type Unpacked = { readonly folder: string } | { readonly missing: string };

export function unpackedPackage(name: string): Unpacked {
  const folder = join(FOLDER, name);
  if (existsSync(folder)) return { folder };
  const programs = ['apt-get', 'dpkg-deb'].filter((program) => !inPath(program));
  if (programs.length > 0)
    return { missing: `${programs.join(' and ')}, to unpack Debian's package ${name}` };
  mkdirSync(FOLDER, { recursive: true });
  const work = mkdtempSync(join(FOLDER, '.unpacking-'));
  try {
    const said = download(name, work);
    const file = readdirSync(work).find((entry) => entry.endsWith('.deb'));
    if (file === undefined) return { missing: `Debian's package ${name} (apt-get download: ${said})` };
    const { status, stderr } = spawnSync('dpkg-deb', ['-x', join(work, file), join(work, 'files')], {
      encoding: 'utf8',
    });
    if (status !== 0) return { missing: `Debian's package ${name} (dpkg-deb: ${stderr.trim()})` };
    // Whole or not at all, and whoever else has done the same meanwhile was first.
    if (!existsSync(folder)) renameSync(join(work, 'files'), folder);
    return { folder };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** The last that apt-get said. */
function download(name: string, work: string): string {
  const apt = (...args: string[]) => spawnSync('apt-get', args, { cwd: work, encoding: 'utf8' });
  let said = '';
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const { status, stderr } = apt('download', '-q', name);
    if (status === 0) break;
    said = stderr.trim().split('\n').at(-1) ?? '';
    if (attempt === 1) apt('update', '-q');
  }
  return said;
}
