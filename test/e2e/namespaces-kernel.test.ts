/** The kernel of a gateway's machine behind its uplink, on the interface that the software DOCA makes for it. */
import { expect, test } from 'vitest';
import { describeOnKernel } from '../support/kernel.js';
import { ip, KERNEL, type Side, UPLINK, World } from './namespaces.js';

const OUTSIDE = '10.66.0.2';
const INSIDE = '10.66.0.1';
const PINGS = 5;

describeOnKernel("the kernel behind a gateway's uplink", ['ip', 'ping', 'sysctl'], () => {
  test('answers what is no PSP, and sees nothing of the workloads', async () => {
    await using world = await World.open();
    const [one, two] = world.sides as [Side, Side];
    // With a MAC of its own the interface takes nothing that is for the device, and it answers for no address but its own.
    ip('-n', one.gateway, 'link', 'set', UPLINK, 'address', '02:00:00:05:05:ff');
    ip('netns', 'exec', one.gateway, 'sysctl', '-qw', `net.ipv4.conf.${UPLINK}.arp_ignore=1`);
    const gateways = [
      await world.startGateway(0, 'doca before a kernel'),
      await world.startGateway(1, 'doca'),
    ];
    ip('-n', one.gateway, 'addr', 'add', `${INSIDE}/24`, 'dev', KERNEL);
    ip('-n', one.gateway, 'link', 'set', KERNEL, 'up');
    ip('-n', two.gateway, 'addr', 'add', `${OUTSIDE}/24`, 'dev', UPLINK);
    const ping = (namespace: string, to: string) =>
      world.run(namespace, ['ping', '-n', '-c', String(PINGS), '-i', '0.2', to]);

    const [outside, inside] = await Promise.all([ping(two.gateway, INSIDE), ping(one.workload, two.vip4)]);
    for (const pinged of [outside, inside]) {
      expect(pinged).toContain(`${PINGS} received`);
      // By each way once.
      expect(pinged).not.toContain('DUP');
    }
    const received = async () =>
      Number(await world.run(one.gateway, ['cat', `/sys/class/net/${KERNEL}/statistics/rx_packets`]));
    const before = await received();
    expect(before).toBeGreaterThanOrEqual(PINGS);
    expect(await ping(one.workload, two.vip6)).toContain(`${PINGS} received`);
    expect((await received()) - before).toBeLessThan(PINGS);
    for (const gateway of gateways) expect(await gateway.stop('SIGTERM')).toBe(0);
  }, 60_000);
});
