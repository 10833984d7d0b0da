/** The native ports of arm64, for Node 18 (vitest.mjs): a TAP interface of the kernel, in the namespace that this process is in. */
import { execFileSync, spawn } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.js';
import { createVirtualHost } from '../../../src/hal-sim/ports/host.js';
import { loadPortsAddon } from '../../../src/hal-sim/ports/ports-addon.js';
import { openTapPort } from '../../../src/hal-sim/ports/tap.js';
import { parseIp, parseMac } from '../../../src/packet/address.js';

const NAME = 'arm0';
const PINGS = 3;
/** That of the workload, in a namespace of its own, which a process keeps. */
const ADDRESS = '192.0.2.1';
const HOST = '192.0.2.2';

const ip = (...args: string[]) => execFileSync('ip', args, { encoding: 'utf8' });

function pings(namespace: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const args = ['-t', namespace, '-n', 'ping', '-n', '-c', `${PINGS}`, '-i', '0.2', '-s', '1300', HOST];
    const child = spawn('nsenter', args);
    let out = '';
    child.stdout.on('data', (chunk) => {
      out += chunk;
    });
    child.on('error', reject);
    child.on('close', () => resolve(out));
  });
}

describe('the ports', () => {
  test('have a TAP interface with the MAC and MTU that it is given, which carries a real stack', async () => {
    const mac = parseMac('02:00:00:00:00:77');
    const port = openTapPort({ addon: loadPortsAddon(), name: NAME, mac, mtuOctets: 1400 });
    const [link] = JSON.parse(ip('-j', 'link', 'show', NAME));
    expect([link.address, link.mtu]).toEqual(['02:00:00:00:00:77', 1400]);

    const host = createVirtualHost({
      clock: systemClock,
      mac: parseMac('02:00:00:00:00:02'),
      addresses: [parseIp(HOST)],
    });
    await host.port.start((frames) => port.send(frames));
    await port.start((frames) => host.port.send(frames));
    const workload = spawn('unshare', ['-n', 'sh', '-c', 'echo made; exec sleep 60'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await new Promise((resolve) => workload.stdout.once('data', resolve));
    try {
      const namespace = `${workload.pid}`;
      ip('link', 'set', NAME, 'netns', namespace);
      for (const line of [`addr add ${ADDRESS}/24 dev ${NAME}`, `link set ${NAME} up`])
        execFileSync('nsenter', ['-t', namespace, '-n', 'ip', ...line.split(' ')]);
      expect(/(\d+) received/.exec(await pings(namespace))?.[1]).toBe(`${PINGS}`);
      expect(port.counters.sendErrors).toBe(0);
    } finally {
      workload.kill();
      await port.close();
    }
  });

  test('lock memory, and refuse a name that is no TAP', () => {
    const addon = loadPortsAddon();
    expect(typeof addon.guard?.lock(new Uint8Array(1 << 16))).toBe('string');
    let said = '';
    try {
      openTapPort({ addon, name: 'lo' });
    } catch (error) {
      said = (error as Error).message;
    }
    expect(/^lo: .*no plain TAP/.test(said)).toBe(true);
  });
});
