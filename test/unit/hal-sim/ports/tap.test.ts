import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../../../src/base/clock.js';
import { createVirtualHost } from '../../../../src/hal-sim/ports/host.js';
import {
  loadPortsAddon,
  type NativeTap,
  type PortsAddon,
} from '../../../../src/hal-sim/ports/ports-addon.js';
import { openTapPort, type TapPort, TapPortError } from '../../../../src/hal-sim/ports/tap.js';
import { parseIp, parseMac } from '../../../../src/packet/address.js';
import { onesComplementSum, pseudoHeaderSum } from '../../../../src/packet/checksum.js';
import { describeOnKernel, nameOfThisRun } from '../../../support/kernel.js';
import { PORTS_ADDON } from '../../../support/root.js';

describe('a TAP port', () => {
  /** A kernel that takes frames of even length; refuses MTUs of 666. */
  class FakeTap implements NativeTap {
    static opened: FakeTap[] = [];
    closed = 0;
    macsSet: string[] = [];
    onFrames: ((frames: Uint8Array[]) => void) | undefined;
    onGone: ((error: Error) => void) | undefined;
    #mac: Uint8Array = Uint8Array.of(2, 0, 0, 0, 0, 9);
    #mtu = 1500;

    constructor(readonly name: string) {
      if (name === 'taken') throw new Error('taken: cannot open it');
      FakeTap.opened.push(this);
    }
    get mac(): Uint8Array {
      return this.#mac;
    }
    set mac(octets: Uint8Array) {
      this.macsSet.push(Buffer.from(octets).toString('hex'));
      this.#mac = octets;
    }
    get mtuOctets(): number {
      return this.#mtu;
    }
    set mtuOctets(octets: number) {
      if (octets === 666) throw new Error('666 is refused');
      this.#mtu = octets;
    }
    start(onFrames: (frames: Uint8Array[]) => void, onGone: (error: Error) => void): void {
      Object.assign(this, { onFrames, onGone });
    }
    send(frames: readonly Uint8Array[]): number {
      if (this.closed > 0) throw new Error('closed');
      return frames.filter(({ length }) => length % 2 === 0).length;
    }
    close(): void {
      this.closed++;
    }
  }
  const addon: Pick<PortsAddon, 'Tap'> = { Tap: FakeTap };
  beforeEach(() => {
    FakeTap.opened = [];
  });

  test("has the interface's MTU and MAC, and sets the MAC to what it is, so that udev leaves it alone", () => {
    const port = openTapPort({ addon, name: 'vf0' });
    expect(port).toMatchObject({ name: 'tap vf0', mtuOctets: 1500, mac: '02:00:00:00:00:09' });
    expect(FakeTap.opened[0]!.macsSet).toEqual(['020000000009']);
  });

  test('sets what it is given', () => {
    const port = openTapPort({ addon, name: 'vf0', mac: parseMac('02:aa:00:00:00:01'), mtuOctets: 9000 });
    expect(port).toMatchObject({ mtuOctets: 9000, mac: '02:aa:00:00:00:01' });
  });

  test('counts what goes in and out, and what the kernel does not take', async () => {
    const port = openTapPort({ addon, name: 'vf0' });
    const received: number[] = [];
    await port.start((frames) => received.push(frames.length));
    FakeTap.opened[0]!.onFrames!([new Uint8Array(60), new Uint8Array(61)]);
    port.send([new Uint8Array(60), new Uint8Array(61), new Uint8Array(62)]);
    expect(received).toEqual([2]);
    expect(port.counters).toEqual({ received: 2, sent: 2, sendErrors: 1 });
    await port.close();
    port.send([new Uint8Array(60)]);
    expect(port.counters.sendErrors).toBe(2);
    await expect(port.done).resolves.toBeUndefined();
  });

  test('says when its interface was taken away', async () => {
    const port = openTapPort({ addon, name: 'vf0' });
    await port.start(() => {});
    FakeTap.opened[0]!.onGone!(new Error('vf0: it was removed'));
    await expect(port.done).rejects.toThrow('vf0: it was removed');
  });

  test('that cannot be had says why, and leaves nothing open', () => {
    expect(() => openTapPort({ addon, name: 'taken' })).toThrow(TapPortError);
    expect(() => openTapPort({ addon, name: 'vf0', mtuOctets: 666 })).toThrow(/666 is refused/);
    expect(FakeTap.opened.map(({ closed }) => closed)).toEqual([1]);
  });
});

describeOnKernel('a TAP interface of the kernel', ['ip', 'ping', 'bash'], () => {
  const open = (more: Partial<Parameters<typeof openTapPort>[0]> = {}) => {
    const port = openTapPort({ addon: loadPortsAddon(PORTS_ADDON), name: NAME, ...more });
    ports.push(port);
    return port;
  };
  const NAME = nameOfThisRun('');
  const NAMESPACE = nameOfThisRun('tap');
  let ports: TapPort[];
  beforeEach(() => {
    ports = [];
    execFileSync('ip', ['netns', 'add', NAMESPACE]);
  });
  afterEach(async () => {
    for (const port of ports) await port.close();
    execFileSync('ip', ['netns', 'del', NAMESPACE]);
  });

  function link(): { address: string; mtu: number; flags: string[] } | undefined {
    const { status, stdout } = spawnSync('ip', ['-j', 'link', 'show', NAME], {
      encoding: 'utf8',
      timeout: 10_000,
    });
    return status === 0 ? JSON.parse(stdout)[0] : undefined;
  }

  /** The interface as the workload's, with an address of each family. */
  function moveToNamespace(): void {
    const ip = (...args: string[]) => execFileSync('ip', args);
    ip('link', 'set', NAME, 'netns', NAMESPACE);
    ip('-n', NAMESPACE, 'addr', 'add', '192.0.2.1/24', 'dev', NAME);
    ip('-n', NAMESPACE, 'addr', 'add', '2001:db8::1/64', 'dev', NAME, 'nodad');
    ip('-n', NAMESPACE, 'link', 'set', NAME, 'up');
  }

  const inNamespace = (command: string) =>
    new Promise<{ status: number | null; out: string }>((resolve) => {
      const child = spawn('ip', ['netns', 'exec', NAMESPACE, 'bash', '-c', command]);
      let out = '';
      child.stdout.on('data', (chunk) => {
        out += chunk;
      });
      child.on('close', (status) => resolve({ status, out }));
    });

  test('has the MAC and MTU that it is given, is up once started, and goes with the port', async () => {
    const port = open({ mac: parseMac('02:00:00:00:00:77'), mtuOctets: 1400 });
    expect(link()).toMatchObject({ address: '02:00:00:00:00:77', mtu: 1400 });
    expect(link()!.flags).not.toContain('UP');
    await port.start(() => {});
    expect(link()!.flags).toContain('UP');
    await port.close();
    await port.close();
    expect(link()).toBeUndefined();
  });

  test("has the kernel's own MAC when it is given none", () => {
    expect(open().mac).toBe(link()!.address);
  });

  test.each(['192.0.2.2', '2001:db8::2'])(
    'carries a real stack in another namespace, that pings a host behind the port: %s',
    async (target) => {
      const port = open();
      const host = createVirtualHost({
        clock: systemClock,
        mac: parseMac('02:00:00:00:00:02'),
        addresses: [parseIp(target)],
      });
      await host.port.start((frames) => port.send(frames));
      await port.start((frames) => host.port.send(frames));
      moveToNamespace();
      const { status, out } = await inNamespace(`ping -n -c 5 -i 0.2 -s 1400 ${target}`);
      expect({ status, out }).toMatchObject({ status: 0, out: expect.stringContaining('5 received') });
      expect(port.counters.sendErrors).toBe(0);
    },
  );

  test('brings every frame of a burst, in batches that do not hold up the event loop, with whole checksums', async () => {
    const port = open();
    const udp: Uint8Array[] = [];
    const batches: number[] = [];
    const host = createVirtualHost({
      clock: systemClock,
      mac: parseMac('02:00:00:00:00:02'),
      addresses: [parseIp('192.0.2.2')],
    });
    await host.port.start((frames) => port.send(frames));
    await port.start((frames) => {
      batches.push(frames.length);
      udp.push(...frames.filter((frame) => frame[12] === 8 && frame[13] === 0 && frame[23] === 17));
      host.port.send(frames.filter((frame) => frame[13] === 6));
    });
    moveToNamespace();
    await inNamespace('echo first > /dev/udp/192.0.2.2/9');
    await expect.poll(() => udp.length, { timeout: 5000 }).toBe(1);
    // Nobody reads while these are sent: they wait in the interface's queue, which is for 1000.
    const burst = 'exec 3> /dev/udp/192.0.2.2/9; for i in {1..500}; do printf "%400d" $i >&3; done';
    execFileSync('ip', ['netns', 'exec', NAMESPACE, 'bash', '-c', burst]);
    await expect.poll(() => udp.length, { timeout: 5000 }).toBe(501);
    expect(Math.max(...batches)).toBe(128);
    for (const frame of udp) {
      const sum = pseudoHeaderSum(frame, 14, 4, 17, frame.length - 34);
      expect(onesComplementSum(frame, 34, frame.length, sum)).toBe(0xffff);
    }
    expect(new TextDecoder().decode(udp.at(-1)!.subarray(42)).trim()).toBe('500');
  });

  test('that somebody removes is told of, once, and frames to it are counted as not sent', async () => {
    const port = open();
    await port.start(() => {});
    execFileSync('ip', ['link', 'del', NAME]);
    await expect(port.done).rejects.toThrow(`${NAME}: it was removed`);
    port.send([new Uint8Array(60)]);
    expect(port.counters.sendErrors).toBe(1);
  });

  test('that is open already, or is none, is refused by name', () => {
    open();
    expect(() => open()).toThrow(new RegExp(`^${NAME}: .*another program has it`));
    expect(() => open({ name: 'lo' })).toThrow(/^lo: .*no plain TAP/);
    expect(() => open({ name: `${NAME}x`, mac: parseMac('01:00:00:00:00:01') })).toThrow(/MAC.*unicast/);
  });

  test('is not to be had without privileges, and it says which', () => {
    const script = `const { Tap } = require(${JSON.stringify(PORTS_ADDON)});
      process.setgroups([]); process.setgid(65534); process.setuid(65534);
      try { new Tap('${NAME}') } catch (error) { console.log(error.message) }`;
    const { stdout } = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8', timeout: 10_000 });
    expect(stdout).toMatch(new RegExp(`^${NAME}: .*root or with CAP_NET_ADMIN`));
  });

  test('ends with a process that does not close it', () => {
    const script = `const { Tap } = require(${JSON.stringify(PORTS_ADDON)});
      new Tap('${NAME}').start(() => {}, () => {}); setTimeout(() => process.exit(0), 50)`;
    expect(spawnSync(process.execPath, ['-e', script], { encoding: 'utf8', timeout: 10_000 })).toMatchObject({
      status: 0,
      stderr: '',
    });
    expect(link()).toBeUndefined();
  });

  test("takes what its handler throws for the program's own uncaught exception", () => {
    const script = `const { Tap } = require(${JSON.stringify(PORTS_ADDON)});
      process.on('uncaughtException', (error) => { console.log(error.message); process.exit(7) });
      new Tap('${NAME}').start(() => { throw new Error('handler') }, () => {});`;
    expect(spawnSync(process.execPath, ['-e', script], { encoding: 'utf8', timeout: 10_000 })).toMatchObject({
      status: 7,
      stdout: 'handler\n',
    });
  });
});
