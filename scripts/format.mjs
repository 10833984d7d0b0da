// `npm run format`: all sources in their style; those of native/ where clang-format is there.
import { join } from 'node:path';
import { clangFormat, ROOT, run } from './checks.mjs';

const biomeOk = run(join(ROOT, 'node_modules/.bin/biome'), ['check', '--write', '.']);
const clangOk = clangFormat('-i');
process.exitCode = biomeOk && clangOk ? 0 : 1;
