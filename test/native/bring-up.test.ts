/**
 * What DOCA's guide lists for the start and the end of its application, of hal-doca over both releases of the software DOCA: in
 * the log, in the process, and by a library that stands before DOCA's and DPDK's and writes down what is called.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { docaIsBuilt } from '../support/doca-harness.js';
import { describeOnNative } from '../support/needs.js';
import { Program } from '../support/program.js';
import { ROOT } from '../support/root.js';

const PCI = '0000:03:00.0';
const UPLINK_MAC = '02:00:00:00:00:a7';
const KEYS = 5;
/** Nothing is called behind it. */
const SPY = `
#include <stdio.h>
int doca_flow_crypto_psp_spi_key_wipe(void *bulk, unsigned index)
{
	(void)bulk;
	fprintf(stderr, "wiped %u\\n", index);
	return 0;
}
int rte_eal_cleanup(void)
{
	fprintf(stderr, "EAL cleaned up\\n");
	return 0;
}
`;

/** The cores that this process may run on, as Linux writes them. */
function coresOf(status: string): number[] {
  const [, list] = /^Cpus_allowed_list:\s*(\S+)$/m.exec(status)!;
  return list!.split(',').flatMap((range) => {
    const [first, last] = range.split('-').map(Number);
    return Array.from({ length: (last ?? first!) - first! + 1 }, (_, i) => first! + i);
  });
}

const lastCore = coresOf(readFileSync('/proc/self/status', 'utf8')).at(-1)!;
const LAST_CORE_MASK = `0x${(1n << BigInt(lastCore)).toString(16)}`;

describe.each(['3.1', '3.3'] as const)('release %s', (release) => {
  describeOnNative('bring-up of hal-doca', docaIsBuilt(release), () => {
    let folder: string;
    let config: string;
    const addon = join(ROOT, `build/native/addon-${release}/Release/psp_gateway_doca.node`);
    beforeAll(() => {
      folder = mkdtempSync(join(tmpdir(), 'psp-gateway-bring-up-'));
      config = join(folder, 'mapping.conf');
      const device = [
        `[device ${PCI}]`,
        'port = net_null9',
        `mac = ${UPLINK_MAC}`,
        'ipv4 = 192.0.2.1',
        'ipv6 = 2001:db8::1',
        'buffers = 1024',
        'derived-keys = 256',
      ];
      writeFileSync(config, [...device, '[representor vf0]', 'port = net_null10', ''].join('\n'));
    });
    afterAll(() => rmSync(folder, { recursive: true, force: true }));

    test('applications have a log, each key is wiped where it was generated, and EAL is cleaned up at the end', () => {
      const spy = join(folder, 'spy.so');
      execFileSync('cc', ['-shared', '-fPIC', '-o', spy, '-x', 'c', '-'], { input: SPY });
      const { status, stderr } = spawnSync(
        process.execPath,
        [join(ROOT, 'test/native/bring-up.mjs'), config, LAST_CORE_MASK],
        {
          encoding: 'utf8',
          timeout: 60_000,
          env: { ...process.env, PSP_GATEWAY_DOCA_ADDON: addon, LD_PRELOAD: spy },
        },
      );
      expect(stderr).not.toContain('before the bring-up');
      expect(stderr).toContain('after the bring-up');
      const calls = stderr.split('\n').filter((line) => /^wiped|^EAL/.test(line));
      expect(calls).toEqual([...Array.from({ length: KEYS }, (_, i) => `wiped ${i}`), 'EAL cleaned up']);
      expect(status).toBe(0);
    });

    test('a gateway tells its ports, receives on the cores of the mask, and ends with 0', async () => {
      const flags = ['--hal=doca', '-p', PCI, '--insecure', '-m', LAST_CORE_MASK, '-s', '127.0.0.77:3000'];
      const gateway = new Program([process.execPath, join(ROOT, 'dist/cli/main.js'), ...flags], {
        PSP_GATEWAY_DOCA_ADDON: addon,
        DOCA_SOFT_CONFIG: config,
      });
      onTestFinished(() => gateway.kill('SIGKILL'));
      await gateway.says(/gateway started/);
      expect(gateway.out).toMatch(
        new RegExp(`port 0, the uplink .*mac=${UPLINK_MAC} ipv4=192.0.2.1 ipv6=2001:db8::1 mtuOctets=\\d+`),
      );
      expect(gateway.out).toMatch(/port 1, of the workload .*mac=(\w\w:){5}\w\w mtuOctets=\d+/);
      const tasks = `/proc/${gateway.pid}/task`;
      const receivers = readdirSync(tasks).filter((task) =>
        readFileSync(join(tasks, task, 'comm'), 'utf8').startsWith('psp-receive-'),
      );
      expect(receivers).toHaveLength(1);
      expect(coresOf(readFileSync(join(tasks, receivers[0]!, 'status'), 'utf8'))).toEqual([lastCore]);
      expect(await gateway.stop('SIGTERM')).toBe(0);
    });
  });
});
