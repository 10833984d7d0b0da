// `npm run docs:api`: pages about everything that the library exports, in out/api, or in the folder that is named. Ends with 1 where
// something has no docstring, or speaks of what is not exported. TypeDoc is in a package of its own, tools/docs: it needs
// another TypeScript than the checkout.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setUp } from './setup.mjs';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const TOOL = join(ROOT, 'tools', 'docs');
const TYPEDOC = join(TOOL, 'node_modules', '.bin', 'typedoc');

function run(command, args, cwd) {
  const { status, error } = spawnSync(command, args, { cwd, stdio: 'inherit' });
  if (error) process.stderr.write(`api-docs: ${command}: ${error.message}\n`);
  if (status !== 0) process.exit(1);
}

setUp({ build: false });
if (!existsSync(TYPEDOC)) run('npm', ['ci', '--no-audit', '--no-fund', '--prefer-offline'], TOOL);
run(TYPEDOC, ['--options', 'typedoc.json', '--out', resolve(ROOT, process.argv[2] ?? 'out/api')], TOOL);
