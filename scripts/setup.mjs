// Makes a checkout ready to run, doing only what is not done yet: packages, generated code, compilation.
// Plain JavaScript without dependencies, because it runs before there are any.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const NODE_MINIMUM = [20, 19];
const GENERATED = 'src/gateway/generated';

function fail(message) {
  process.stderr.write(`setup: ${message}\n`);
  process.exit(1);
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  const [wantMajor, wantMinor] = NODE_MINIMUM;
  if (major < wantMajor || (major === wantMajor && minor < wantMinor)) {
    fail(`Node ${process.versions.node} is too old; install ${NODE_MINIMUM.join('.')} or later`);
  }
}

/** Runs quietly; on failure shows what was printed and stops. */
function run(what, command, args) {
  process.stderr.write(`setup: ${what}\n`);
  const result = spawnSync(command, args, {
    cwd: ROOT,
    encoding: 'utf8',
    shell: process.platform === 'win32',
    env: { ...process.env, PATH: join(ROOT, 'node_modules', '.bin') + delimiter + process.env.PATH },
  });
  if (result.error) fail(`${command}: ${result.error.message}`);
  if (result.status !== 0) fail(`${what} failed\n${result.stdout}${result.stderr}`);
}

function hashOf(...paths) {
  const hash = createHash('sha256');
  for (const path of paths) hash.update(readFileSync(join(ROOT, path)));
  return hash.digest('hex');
}

/** Does `work` when `stamp` does not hold `state`, and then writes it there. */
function once(stamp, state, work) {
  const path = join(ROOT, stamp);
  if (existsSync(path) && readFileSync(path, 'utf8') === state) return;
  work();
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, state);
}

/** Whether the packages are those of package-lock.json: npm writes down what it has installed, when it has done so. */
function packagesAreThere() {
  const packagesOf = (path) => JSON.parse(readFileSync(join(ROOT, path), 'utf8')).packages;
  const written = 'node_modules/.package-lock.json';
  if (!existsSync(join(ROOT, written))) return false;
  const installed = packagesOf(written);
  // Those for other machines are not installed.
  return Object.entries(packagesOf('package-lock.json')).every(
    ([path, { integrity, optional }]) =>
      path === '' || (path in installed ? installed[path].integrity === integrity : optional === true),
  );
}

/**
 * Leaves a checkout in which tests can run; with `build`, one in which the program can. With `clean` nothing stays in dist/ of
 * sources that are gone: what is packed must not have it.
 */
export function setUp({ build, clean = false }) {
  checkNode();
  if (clean) rmSync(join(ROOT, 'dist'), { recursive: true, force: true });
  once('node_modules/.setup-stamp', hashOf('package-lock.json'), () => {
    if (!packagesAreThere()) run('installing packages (npm ci)', 'npm', ['ci', '--no-audit', '--no-fund']);
  });
  once(
    join(GENERATED, '.stamp'),
    hashOf(
      'proto/psp_gateway.proto',
      'proto/psp_gateway_peer.proto',
      'proto/admin.proto',
      'buf.gen.yaml',
      'package-lock.json',
    ),
    () => run('generating code from proto/', 'buf', ['generate']),
  );
  // The compiler looks itself at what has changed.
  if (build)
    run('compiling', 'tsc', [
      '-p',
      'tsconfig.json',
      '--incremental',
      '--tsBuildInfoFile',
      'dist/.tsbuildinfo',
    ]);
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  setUp({ build: true, clean: process.argv.includes('--clean') });
