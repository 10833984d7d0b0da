/** Where the checkout is, for files that run from sources and compiled. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

function find(folder: string): string {
  return existsSync(join(folder, 'package.json')) ? folder : find(dirname(folder));
}

export const ROOT = find(dirname(fileURLToPath(import.meta.url)));

/** The native ports' addon. */
export const PORTS_ADDON = process.env.PSP_GATEWAY_PORTS || join(ROOT, 'build/ports/Release/psp_ports.node');
