/** What a gateway costs that has nothing to do, with the admin service and metrics on: how often its threads wake. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import { DOCA_ADDON } from '../../src/hal/native-parts.js';
import { docaAddon, docaIsBuilt } from '../support/doca-harness.js';
import { loopback } from '../support/loopback.js';
import { describeOnNative } from '../support/needs.js';
import { Program } from '../support/program.js';
import { ROOT } from '../support/root.js';

const folder = mkdtempSync(join(tmpdir(), 'psp-gateway-idle-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const SETTLE_MS = 4000;
const WATCHED_MS = 5000;

/** Times that all threads have given up a processor because they had nothing to do. A busy machine does not make them more. */
function wakeUps(pid: number): number {
  let sum = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    try {
      const status = readFileSync(`/proc/${pid}/task/${thread}/status`, 'utf8');
      sum += Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(status)![1]);
    } catch {
      // It has just ended.
    }
  }
  return sum;
}

async function wakeUpsPerSecond(
  host: string,
  flags: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<number> {
  const gateway = new Program(
    [
      ...[process.execPath, join(ROOT, 'dist/cli/main.js'), '--insecure', '--outer-ip-type=ipv4'],
      ...[
        `--svc-addr=${host}:3000`,
        `--admin=${join(folder, `${host}.sock`)}`,
        `--metrics=${host}:9464`,
        ...flags,
      ],
    ],
    environment,
  );
  await gateway.says(/gateway started/);
  expect((await fetch(`http://${host}:9464/metrics`)).status).toBe(200);
  await wait(SETTLE_MS);
  const [before, startMs] = [wakeUps(gateway.pid), performance.now()];
  await wait(WATCHED_MS);
  const wakes = wakeUps(gateway.pid) - before;
  const seconds = (performance.now() - startMs) / 1000;
  await gateway.stop('SIGTERM');
  return wakes / seconds;
}

test('over the simulator a gateway with nothing to do hardly ever wakes', async () => {
  const host = loopback(97);
  const flags = [`--sim-wire=udp:${host}:10000`, '--sim-vf=host:192.168.9.97'];
  // Two or three, idle.
  expect(await wakeUpsPerSecond(host, flags)).toBeLessThan(40);
});

describeOnNative('over the software DOCA', docaIsBuilt('3.3'), () => {
  test('a gateway with nothing to do wakes to poll its ports, and not more', async () => {
    const host = loopback(98);
    const mapping = join(folder, 'idle.conf');
    writeFileSync(
      mapping,
      [
        ...['[device 0000:03:00.0]', 'port = net_ring0', 'mtu = 1500', 'mac = 02:00:00:00:00:01'],
        ...[`ipv4 = ${host}`, '[representor vf0]', 'port = net_ring1', 'mtu = 1500'],
      ].join('\n'),
    );
    const flags = ['--hal=doca', '--pci-addr=03:00.0', '--repr=[0]', '--local-virt-ip=192.168.9.98'];
    const environment = { DOCA_SOFT_CONFIG: mapping, [DOCA_ADDON.variable]: docaAddon('3.3') };
    // The device's thread and the two of the slow path's queues poll once a millisecond each: some 2,700 in all.
    expect(await wakeUpsPerSecond(host, flags, environment)).toBeLessThan(4000);
  });
});
