/**
 * A libdpdk with what DPDK has besides when it comes with DOCA: programs for it are built by it unchanged, and build files that ask which
 * DPDK is there are told.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { SOFT_RELEASES } from '../../src/hal/native-parts.js';
import { describeOnNative } from '../support/needs.js';
import { ROOT } from '../support/root.js';
import { softIsBuilt } from '../support/soft-program.js';

const PROGRAM = join(ROOT, 'native/doca-soft/test/dpdk_of_doca.c');
/** As meson asks whether a header has a name. */
const QUESTION = `#include <rte_pmd_mlx5.h>
int main(void) {
#ifndef rte_pmd_mlx5_driver_disable_steering
  rte_pmd_mlx5_driver_disable_steering;
#endif
  return 0;
}
`;

const ofDoca = (release: string) => ({
  PKG_CONFIG_PATH: join(ROOT, `build/native/prefix-${release}/lib/doca-soft/dpdk/pkgconfig`),
});
const MACHINES_OWN = { PKG_CONFIG_PATH: '' };

function asked(env: NodeJS.ProcessEnv, ...args: string[]): string[] {
  const result = spawnSync('pkg-config', [...args, 'libdpdk'], {
    env: { ...process.env, ...env },
    encoding: 'utf8',
  });
  if (result.status !== 0) throw new Error(result.stderr);
  return result.stdout.trim().split(/\s+/);
}

function body(): void {
  const folder = mkdtempSync(join(tmpdir(), 'psp-gateway-dpdk-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const question = join(folder, 'question.c');
  writeFileSync(question, QUESTION);

  /** What the compiler ends with. */
  function compiled(env: NodeJS.ProcessEnv, compiler: readonly string[], source: string): number | null {
    const [program, ...flags] = compiler as [string, ...string[]];
    const args = [...flags, '-DALLOW_EXPERIMENTAL_API', '-o', join(folder, 'program'), source];
    return spawnSync(program, [...args, ...asked(env, '--cflags', '--libs')]).status;
  }

  describe.each([
    ['C', ['cc', '-std=gnu11', '-Wall', '-Wextra', '-Werror']],
    ['C++', ['g++', '-std=c++17', '-Wall', '-Wextra', '-Werror', '-x', 'c++']],
  ] as const)('in %s', (_, compiler) => {
    test("programs find the PSP header, which the machine's own DPDK has not", () => {
      expect(compiled(ofDoca('3.3'), compiler, PROGRAM)).toBe(0);
      const { status, stdout } = spawnSync(join(folder, 'program'), { encoding: 'utf8' });
      expect({ status, stdout }).toEqual({ status: 0, stdout: 'all is as it should be\n' });
      expect(compiled(MACHINES_OWN, compiler, PROGRAM)).not.toBe(0);
    });
  });

  test.each(SOFT_RELEASES)('%s: build files know it by a name, and it is no other DPDK', (release) => {
    expect(compiled(ofDoca(release), ['cc'], question)).toBe(0);
    for (const what of ['--modversion', '--libs'])
      expect(asked(ofDoca(release), what)).toEqual(asked(MACHINES_OWN, what));
  });

  test("the machine's own is another one to them", () => {
    expect(compiled(MACHINES_OWN, ['cc'], question)).not.toBe(0);
  });
}

/** From 24.11 on NVIDIA's programs know DPDK's own addresses, and have a PSP header of their own. */
const hasOne = spawnSync('pkg-config', ['--max-version=24.10.99', 'libdpdk']).status === 0;
if (hasOne || !softIsBuilt(SOFT_RELEASES))
  describeOnNative('the DPDK that comes with DOCA', softIsBuilt(SOFT_RELEASES), body);
else test.skip('the DPDK that comes with DOCA: this one is newer', () => {});
