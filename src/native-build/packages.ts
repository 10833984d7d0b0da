/** Installs what is missing, where apt-get may. Nobody is asked: whoever calls this has been. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { type Requirement, succeeds } from './requirements.js';

const APT_GET = '/usr/bin/apt-get';

const namesOf = (some: readonly Requirement[]) => some.map(({ name }) => name).join(' ');
const described = (some: readonly Requirement[]) =>
  some.map(({ name, what }) => `${name} (${what})`).join(', ');

/** Advice for installing the missing packages by hand. */
export function howToInstall(missing: readonly Requirement[]): string {
  return existsSync(APT_GET)
    ? `install what is missing: sudo apt-get install ${namesOf(missing)}`
    : `install what is missing, by the names that it has here: ${described(missing)}`;
}

/** Why what is missing is missing still, in one line; undefined: all of it is there. */
export function installMissing(
  requirements: readonly Requirement[],
  say: (text: string) => void,
): string | undefined {
  const missing = requirements.filter(({ isThere }) => !isThere());
  if (missing.length === 0) return undefined;
  const isRoot = process.getuid?.() === 0;
  if (!existsSync(APT_GET) || !(isRoot || succeeds('sudo', ['-n', 'true']))) return howToInstall(missing);
  const apt = (...args: string[]) =>
    spawnSync(isRoot ? 'apt-get' : 'sudo', isRoot ? args : ['-n', 'apt-get', ...args], {
      encoding: 'utf8',
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    });
  say(`installing ${namesOf(missing)} (apt-get)`);
  const install = () => apt('install', '-y', '--no-install-recommends', ...missing.map(({ name }) => name));
  let result = install();
  if (result.status !== 0) {
    apt('update');
    result = install();
  }
  const left = missing.filter(({ isThere }) => !isThere());
  if (left.length === 0) return undefined;
  const said = (result.stderr ?? '').trim().split('\n').at(-1) || 'it has no such version, or another one';
  return `apt-get could not install ${described(left)}: ${said}`;
}
