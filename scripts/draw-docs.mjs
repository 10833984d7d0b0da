// Draws what docs/ shows: the pipe graphs, and the README's table of flags. A test fails when they are stale.
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setUp } from './setup.mjs';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
setUp({ build: true });
const { documentedDrawings, withFlagTable } = await import(join(ROOT, 'dist/cli/drawings.js'));
for (const [path, text] of await documentedDrawings()) writeFileSync(join(ROOT, path), text);
const readme = join(ROOT, 'README.md');
writeFileSync(readme, withFlagTable(readFileSync(readme, 'utf8')));
