/** Options of LeakSanitizer for a Node process that loads the addon. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Node's own record of the object by which JavaScript holds a device: forty octets, which it loses now and then where the object is
 * collected while the process ends. What the device itself holds is allocated elsewhere, and would be told.
 */
const SUPPRESSIONS = 'leak:napi_create_external\n';

/** @returns The value of LSAN_OPTIONS; the suppressions that it names are written into `folder`. */
export function leakCheckerOptions(folder: string): string {
  const suppressions = join(folder, 'suppressions');
  writeFileSync(suppressions, SUPPRESSIONS);
  return `suppressions=${suppressions}:print_suppressions=0`;
}
