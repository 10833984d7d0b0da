/** hal-doca over the software DOCA, as a process: what it is given wrongly, how it starts, and how it ends. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildPipeline } from '../../src/gateway/pipeline/pipeline.js';
import { egressAclEntry } from '../../src/gateway/pipeline/pipeline-entries.js';
import { openDocaHal } from '../../src/hal-doca/device.js';
import { ipFromOctets, parseIp } from '../../src/packet/address.js';
import { docaIsBuilt, openDocaHarness, startRings } from '../support/doca-harness.js';
import { describeOnNative } from '../support/needs.js';
import { pipelineOptions } from '../support/pipelines.js';
import { ROOT } from '../support/root.js';

const RELEASE = '3.1';
const ADDON = join(ROOT, `build/native/addon-${RELEASE}/Release/psp_gateway_doca.node`);
const PCI = '0000:03:00.0';
const TO_RSS = { to: 'rss' } as const;

describeOnNative('hal-doca as a process', docaIsBuilt(RELEASE), () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'psp-gateway-addon-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const mapping = (...lines: string[]) => mappingOf(['vf0', 'vf1'], ...lines);

  /** A device with these representors. */
  function mappingOf(names: readonly string[], ...lines: string[]): string {
    const path = join(folder, 'mapping.conf');
    const representors = names.flatMap((name, i) => [
      `[representor ${name}]`,
      `port = net_null1${i}`,
      `mac = 02:00:00:00:00:b${i}`,
    ]);
    writeFileSync(path, [`[device ${PCI}]`, 'port = net_null9', ...lines, ...representors, ''].join('\n'));
    return path;
  }

  function start(config: string, argv: readonly string[], before: readonly string[] = []) {
    const [command, ...rest] = [...before, process.execPath, join(ROOT, 'dist/cli/main.js'), ...argv];
    const { status, stdout, stderr, pid } = spawnSync(command!, rest, {
      encoding: 'utf8',
      cwd: ROOT,
      timeout: 30_000,
      env: { ...process.env, PSP_GATEWAY_DOCA_ADDON: ADDON, DOCA_SOFT_CONFIG: config },
    });
    return { status, stdout, stderr, pid };
  }
  const run = (config: string, mask: string, ...flags: string[]) =>
    start(config, ['--hal=doca', '-p', PCI, '--insecure', '-m', mask, ...flags]);

  test('a gateway that cannot start says why, and ends', () => {
    const ended = run(mapping('ipv4 = 192.0.2.1'), '0x1');
    expect(ended).toMatchObject({ status: 1, stderr: expect.stringContaining('IPv6') });
    expect(existsSync(`/var/run/dpdk/psp-gateway-${ended.pid}`)).toBe(false);
  });

  test('one that has not the memory ends as well', () => {
    const flags = ['--hal=doca', '-p', PCI, '--insecure', '-m', '0x1', '-x', '250000'];
    const { status } = start(mapping('ipv6 = 2001:db8::1'), flags, ['prlimit', '--as=3000000000']);
    expect(status).toBe(1);
  });

  test('cores, network devices and representors that there are not are told by their flags', () => {
    const config = mapping('ipv6 = 2001:db8::1');
    const count = cpus().length;
    for (const mask of ['0x0', `0x${(1n << BigInt(count)).toString(16)}`]) {
      const stderr = expect.stringMatching(`--core-mask: .* cores 0 to ${count - 1}`);
      expect(run(config, mask)).toMatchObject({ status: 2, stderr });
    }
    expect(run(config, '0x1', '-d', 'nosuch')).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('--vf-name: this machine has no network device "nosuch"'),
    });
    expect(run(config, '0x1', '-r', 'pf0vf7')).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('representor pf0vf7 (the device has 2: pf0vf0, pf0vf1)'),
    });
    if (count > 1) {
      expect(run(mapping('ipv6 = 2001:db8::1', 'queues = 1'), '0x3')).toMatchObject({
        status: 1,
        stderr: expect.stringContaining('2 receive queues, one for each core, of a device with 1 at most'),
      });
    }
  });

  test('--sdk-log-level is what DOCA logs, to standard output', () => {
    const config = mapping('crypto = magic');
    const loud = run(config, '0x1');
    expect(loud.stdout).toContain('[DOCA]');
    expect(loud.stderr).not.toContain('[DOCA]');
    const silent = run(config, '0x1', '--sdk-log-level', '10');
    expect(silent.stdout + silent.stderr).not.toContain('[DOCA]');
  });

  test('an error in the handler of received packets is an uncaught exception', () => {
    const { status, stderr } = spawnSync(
      process.execPath,
      [join(ROOT, 'test/native/addon-throws.mjs'), folder],
      { encoding: 'utf8', timeout: 30_000, env: { ...process.env, PSP_GATEWAY_DOCA_ADDON: ADDON } },
    );
    expect(stderr).toContain('Error: of the handler');
    expect(status).toBe(1);
  });

  test.each([
    ['[0]', 0],
    ['1', 1],
    ['[0-1]', 0],
    ['[1,0]', 1],
    ['vf1', 1],
    ['pf0vf1', 1],
    ['vf1pf0', 1],
    ['pf[0-1]', 0],
    ['pf0vf[1-3]', 1],
    ['vf1,vf0', 1],
  ])('representor %s is number %d of the list', async (representor, number) => {
    process.env.DOCA_SOFT_CONFIG = mapping('buffers = 1024', 'derived-keys = 256', 'queues = 1');
    expect(await macOf(representor)).toBe(`02:00:00:00:00:b${number}`);
  });

  /** The MAC of the representor that is opened. */
  async function macOf(representor: string) {
    startRings(RELEASE);
    const options = { rssQueues: 1, keySlots: 4, counters: 1024, buffers: 512, devices: 4 };
    const hal = await openDocaHal({ pciAddress: PCI, representor, ...options });
    const { mac } = hal.device.ports[1]!;
    await hal.close();
    return mac;
  }

  test('keys of AES-GMAC are there where the device says so, and others where it does not', async () => {
    const [{ hal }, without] = [
      await openDocaHarness(RELEASE, { keySlots: 4 }),
      await openDocaHarness(RELEASE, { keySlots: 4, mapping: ['gmac = no'] }),
    ];
    expect([hal.device.gmac, without.hal.device.gmac]).toEqual([true, false]);
    expect((await hal.generateKeys(16, 3, 'gmac')).keys).toHaveLength(48);
    await expect(without.hal.generateKeys(16, 1, 'gmac')).rejects.toMatchObject({ code: 'NOT_SUPPORTED' });
    expect((await without.hal.generateKeys(16, 1)).keys).toHaveLength(16);
    await hal.close();
    await without.hal.close();
  });

  const OF_TWO_PFS = ['pf1vf0', 'vf1', 'vf0', 'pf1sf4', 'pf0sf4'];
  test.each([
    ['pf1vf0', 'pf1vf0'],
    ['vf0pf1', 'pf1vf0'],
    ['pf0vf0', 'vf0'],
    ['pf0vf1', 'vf1'],
    ['vf1', 'vf1'],
    ['pf1sf4', 'pf1sf4'],
    ['pf0sf4', 'pf0sf4'],
    ['pf1', 'pf1vf0'],
    ['pf0', 'vf1'],
    ['[2]', 'vf0'],
  ])('representor %s is of that PF, wherever it stands in the list', async (representor, name) => {
    process.env.DOCA_SOFT_CONFIG = mappingOf(OF_TWO_PFS, 'buffers = 1024', 'queues = 1');
    expect(await macOf(representor)).toBe(`02:00:00:00:00:b${OF_TWO_PFS.indexOf(name)}`);
  });

  test.each(['pf1vf1', 'pf2vf0', 'vf4', 'sf0', 'pf2', '[5]', '0000:03:00.7'])(
    'representor %s is none of them, and those that there are are named',
    async (representor) => {
      process.env.DOCA_SOFT_CONFIG = mappingOf(OF_TWO_PFS, 'buffers = 1024', 'queues = 1');
      await expect(macOf(representor)).rejects.toThrow(
        `representor ${representor} (the device has 5: pf1vf0, pf0vf1, pf0vf0, pf1sf4, pf0sf4)`,
      );
    },
  );

  test('a device that is closed makes room for another', async () => {
    const open = () => openDocaHarness(RELEASE, { keySlots: 64 });
    const devices = [await open(), await open(), await open(), await open()];
    await devices[1]!.hal.close();
    devices[1] = await open();
    await devices.pop()!.hal.close();
    // More mirrors than half of what a process has.
    const mirrors = Array.from({ length: 130 }, (_, i) => ({ name: `M${i}`, targets: [TO_RSS] }));
    for (let i = 0; i < 2; i++) {
      const { hal } = await open();
      await hal.build({
        name: 'many-mirrors',
        mirrors,
        pipes: [
          {
            name: 'ROOT',
            type: 'control',
            domain: 'default',
            isRoot: true,
            sizeEntries: mirrors.length,
            miss: { to: 'drop' },
            entries: mirrors.map(({ name }) => ({
              priority: 0,
              match: {},
              monitor: { counter: false, mirror: name },
              forward: TO_RSS,
            })),
          },
        ],
      });
      await hal.close();
    }
    for (const { hal } of devices) await hal.close();
  });

  test('close in the middle of many operations ends them all', async () => {
    const options = pipelineOptions({ maxTunnels: 60_000 });
    const { hal } = await openDocaHarness(RELEASE, { keySlots: 64 });
    await hal.build(buildPipeline(options));
    const adds = Array.from({ length: options.maxTunnels }, (_, i) =>
      egressAclEntry(options, {
        localVip: parseIp('10.0.0.1'),
        localVipId: 0,
        remoteVip: ipFromOctets(Uint8Array.of(11, i >>> 16, i >>> 8, i), 0, 4),
        encapHeader: new Uint8Array(78),
        cryptoId: 1,
      }),
    );
    const applied = hal.apply(adds);
    const refused = expect(applied).rejects.toThrow('the device is closed');
    await new Promise((resolve) => setTimeout(resolve, 3));
    await hal.close();
    await refused;
  });
});
