/** Settings of the kernel for this network namespace (sysctl). */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Gives a setting of /proc/sys/net a value. Throws what the file system throws. */
export function setNetworkSetting(path: readonly string[], value: string): void {
  writeFileSync(join('/proc/sys/net', ...path), value);
}
