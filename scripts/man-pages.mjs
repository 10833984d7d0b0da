// Writes the manual pages into man/, from the compiled program: before the package is packed, and for looking at them (man -l man/psp-gateway.1).
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { manPages } from '../dist/cli/man-pages.js';

const FOLDER = join(dirname(dirname(fileURLToPath(import.meta.url))), 'man');
rmSync(FOLDER, { recursive: true, force: true });
mkdirSync(FOLDER);
for (const [name, text] of await manPages()) writeFileSync(join(FOLDER, name), text);
