import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../../../src/base/clock.js';
import {
  openPacketPort,
  type PacketPort,
  PacketPortError,
  type PacketPortOptions,
} from '../../../../src/hal-sim/ports/packet-socket.js';
import {
  loadPortsAddon,
  type NativePacketCounters,
  type NativePacketSocket,
} from '../../../../src/hal-sim/ports/ports-addon.js';
import { parseMac } from '../../../../src/packet/address.js';
import { onesComplementSum, pseudoHeaderSum } from '../../../../src/packet/checksum.js';
import { describeOnKernel, nameOfThisRun } from '../../../support/kernel.js';
import { PORTS_ADDON } from '../../../support/root.js';
import { stepClock } from '../../../support/step-clock.js';

const NOTHING: NativePacketCounters = {
  received: 0,
  sent: 0,
  kernelDropped: 0,
  tooBig: 0,
  notUnderstood: 0,
  queueFull: 0,
  sendErrors: 0,
};

describe('an interface as a port', () => {
  /** A kernel whose interface may be taken away. */
  class FakeSocket implements NativePacketSocket {
    static opened: FakeSocket[] = [];
    static there = true;
    static trouble: string | undefined;
    readonly mtuOctets = 1400;
    closed = 0;
    counted = NOTHING;
    onFrames: ((memory: ArrayBuffer, lengths: Uint32Array) => void) | undefined;

    constructor(
      readonly name: string,
      readonly options: object,
    ) {
      if (!FakeSocket.there) throw new Error(`${name}: not there`);
      FakeSocket.opened.push(this);
    }
    trouble = () => (FakeSocket.there ? FakeSocket.trouble : 'it was removed');
    counters = () => this.counted;
    start(onFrames: (memory: ArrayBuffer, lengths: Uint32Array) => void): void {
      this.onFrames = onFrames;
    }
    send(frames: readonly Uint8Array[]): void {
      this.counted = { ...this.counted, sent: this.counted.sent + frames.length };
    }
    close(): void {
      this.closed++;
    }
  }
  let clock: ReturnType<typeof stepClock>;
  let states: (string | undefined)[];
  const open = (more: Partial<PacketPortOptions> = {}) =>
    openPacketPort({
      addon: { PacketSocket: FakeSocket },
      clock,
      name: 'ens1',
      onState: (trouble) => states.push(trouble),
      ...more,
    });
  beforeEach(() => {
    clock = stepClock();
    states = [];
    FakeSocket.opened = [];
    FakeSocket.there = true;
    FakeSocket.trouble = undefined;
  });

  test('takes frames for all MACs unless it is told, and has the MTU of the interface unless it is told', () => {
    expect(open()).toMatchObject({ name: 'host ens1', mtuOctets: 1400 });
    expect(FakeSocket.opened.map(({ closed }) => closed)).toEqual([1, 0]);
    const mac = parseMac('02:00:00:00:00:07');
    expect(open({ mtuOctets: 9000, promiscuous: false, mac }).mtuOctets).toBe(9000);
    expect(FakeSocket.opened.map(({ options }) => options).slice(1)).toEqual([
      { mtuOctets: 1400, promiscuous: true },
      { mtuOctets: 9000, promiscuous: false, mac: Uint8Array.of(2, 0, 0, 0, 0, 7) },
    ]);
  });

  test('takes what comes in apart', async () => {
    const port = open({ mtuOctets: 1500 });
    const received: number[][] = [];
    await port.start((frames) => received.push(...frames.map((frame) => [...frame])));
    FakeSocket.opened[0]!.onFrames!(Uint8Array.of(1, 2, 3, 4, 5, 6).buffer, Uint32Array.of(1, 3, 2));
    expect(received).toEqual([[1], [2, 3, 4], [5, 6]]);
    await port.close();
    FakeSocket.opened[0]!.onFrames!(new ArrayBuffer(1), Uint32Array.of(1));
    expect(received).toHaveLength(3);
  });

  test('tells once that the interface is down, and that it is up again', async () => {
    await open({ mtuOctets: 1500 }).start(() => {});
    clock.step();
    FakeSocket.trouble = 'it is down';
    clock.step();
    clock.step();
    FakeSocket.trouble = undefined;
    clock.step();
    expect(states).toEqual(['it is down', undefined]);
    expect(FakeSocket.opened).toHaveLength(1);
  });

  test('opens an interface again that was removed, once its name is back, and goes on counting', async () => {
    const port = open({ mtuOctets: 1500 });
    const received: number[] = [];
    await port.start((frames) => received.push(frames.length));
    port.send([new Uint8Array(60)]);
    FakeSocket.there = false;
    clock.step();
    clock.step();
    port.send([new Uint8Array(60), new Uint8Array(60)]);
    expect(port.counters).toEqual({ ...NOTHING, sent: 1, sendErrors: 2 });
    FakeSocket.there = true;
    clock.step();
    port.send([new Uint8Array(60)]);
    expect(FakeSocket.opened.map(({ closed }) => closed)).toEqual([1, 0]);
    FakeSocket.opened[1]!.onFrames!(new ArrayBuffer(1), Uint32Array.of(1));
    expect({ states, received }).toEqual({ states: ['it was removed', undefined], received: [1] });
    expect(port.counters).toEqual({ ...NOTHING, sent: 2, sendErrors: 2 });
    await port.close();
    expect(port.counters.sent).toBe(2);
    expect(clock.step()).toBe(false);
  });

  test('that cannot be had says why', () => {
    FakeSocket.there = false;
    expect(() => open()).toThrow(new PacketPortError('ens1: not there'));
  });
});

describeOnKernel('an interface of the kernel as a port', ['ip', 'ping', 'iperf3'], () => {
  /** Pairs of interfaces: one of each is here, the other in a namespace, or here as well. */
  const [HERE, THERE] = [0, 1].map((i) => nameOfThisRun(`${i}`)) as [string, string];
  const FARS = [HERE, THERE].map((name) => `${name}f`);
  const SPACES = ['A', 'B'].map((letter) => nameOfThisRun(letter));
  let ports: PacketPort[];
  let children: ReturnType<typeof spawn>[];
  const ip = (...args: string[]) => execFileSync('ip', args);
  /** What hangs ends all the same. */
  const inside = (space: number, ...command: string[]) => [
    ...['netns', 'exec', SPACES[space]!],
    ...['timeout', '20', ...command],
  ];
  const open = (name: string, more: Partial<PacketPortOptions> = {}) => {
    const port = openPacketPort({ addon: loadPortsAddon(PORTS_ADDON), clock: systemClock, name, ...more });
    ports.push(port);
    return port;
  };
  const exec = (space: number, ...command: string[]) =>
    new Promise<{ status: number | null; out: string }>((resolve) => {
      const child = spawn('ip', inside(space, ...command));
      children.push(child);
      let out = '';
      child.stdout.on('data', (chunk) => {
        out += chunk;
      });
      child.stderr.resume();
      child.on('close', (status) => resolve({ status, out }));
    });

  beforeEach(() => {
    ports = [];
    children = [];
    for (const space of SPACES) ip('netns', 'add', space);
  });
  afterEach(async () => {
    for (const child of children) child.kill();
    for (const port of ports) await port.close();
    for (const name of [HERE, THERE]) spawnSync('ip', ['link', 'del', name]);
    for (const space of SPACES) ip('netns', 'del', space);
  });

  /** Interfaces on which the kernel here says nothing of its own. */
  function addPair(name: string, far: string): void {
    ip('link', 'add', name, 'type', 'veth', 'peer', 'name', far);
    for (const each of [name, far]) {
      // A machine answers at each interface for the addresses of all, which may be those that the tests use.
      writeFileSync(`/proc/sys/net/ipv4/conf/${each}/arp_ignore`, '8');
      writeFileSync(`/proc/sys/net/ipv6/conf/${each}/disable_ipv6`, '1');
      ip('link', 'set', each, 'up');
    }
  }

  /** Two kernels, with the two interfaces here that their cables lead to. */
  function addKernels(): void {
    for (const [i, name] of [HERE, THERE].entries()) {
      const [space, far] = [SPACES[i]!, FARS[i]!];
      addPair(name, far);
      ip('link', 'set', far, 'netns', space);
      execFileSync('ip', inside(i, 'sysctl', '-qw', `net.ipv6.conf.${far}.disable_ipv6=0`));
      ip('-n', space, 'addr', 'add', `192.0.2.${i + 1}/24`, 'dev', far);
      ip('-n', space, 'addr', 'add', `2001:db8::${i + 1}/64`, 'dev', far, 'nodad');
      ip('-n', space, 'link', 'set', far, 'up');
    }
  }

  /** The kernels, with what goes between them. */
  async function connectKernels(see: (frame: Uint8Array) => void): Promise<[PacketPort, PacketPort]> {
    addKernels();
    const [a, b] = [open(HERE), open(THERE)];
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const)
      await from.start((frames) => {
        frames.forEach(see);
        to.send(frames);
      });
    return [a, b];
  }

  const frame = (octets: number) => {
    const made = new Uint8Array(octets).fill(0x5a);
    made.set([2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x88, 0xb5]);
    return made;
  };

  test.each([
    ['IPv4', '192.0.2.2', 14 + 20],
    ['IPv6', '2001:db8::2', 14 + 40],
  ])('cuts trains of TCP over %s, and completes their checksums', async (_, address, tcp) => {
    let segments = 0;
    const wrong: string[] = [];
    const family = tcp === 34 ? 4 : 6;
    const [a, b] = await connectKernels((frame) => {
      if (frame.length > 1514) wrong.push(`${frame.length} octets`);
      const isTcp = frame[12] === (family === 4 ? 0x08 : 0x86) && frame[family === 4 ? 23 : 20] === 6;
      if (!isTcp) return;
      segments++;
      const sum = pseudoHeaderSum(frame, 14, family, 6, frame.length - tcp);
      if (onesComplementSum(frame, tcp, frame.length, sum) !== 0xffff) wrong.push('checksum of TCP');
      if (family === 4 && onesComplementSum(frame, 14, 34) !== 0xffff) wrong.push('checksum of IPv4');
    });
    const server = exec(1, 'iperf3', '--server', '--one-off');
    await sleep(300);
    const { out } = await exec(0, 'iperf3', '--json', '--bytes', '8M', '--client', address);
    const { end } = JSON.parse(out) as { end: { sum_received: { bytes: number } } };
    await server;
    // Without what was under way when the client had sent all.
    expect(end.sum_received.bytes).toBeGreaterThan(2_000_000);
    expect(wrong).toEqual([]);
    expect(segments).toBeGreaterThan(1500);
    for (const port of [a, b])
      expect(port.counters).toMatchObject({ tooBig: 0, notUnderstood: 0, kernelDropped: 0, sendErrors: 0 });
  });

  test('keeps VLAN tags, the first of which the kernel takes out, and does not count one for the MTU', async () => {
    addPair(HERE, FARS[0]!);
    const [near, far] = [open(HERE), open(FARS[0]!)];
    const received: string[] = [];
    await near.start((frames) => received.push(...frames.map((each) => Buffer.from(each).toString('hex'))));
    const tagged = (octets: number, ...tags: number[]) => {
      const whole = frame(octets);
      return Uint8Array.of(...whole.subarray(0, 12), ...tags, ...whole.subarray(12));
    };
    const sent = [
      tagged(60, 0x81, 0, 0xe0, 7),
      tagged(61, 0x88, 0xa8, 0, 1, 0x81, 0, 0, 2),
      // Priority alone: the identifier is 0.
      tagged(62, 0x81, 0, 0xa0, 0),
      tagged(1514, 0x81, 0, 0, 7),
      frame(63),
    ];
    far.send(sent);
    const hex = sent.map((each) => Buffer.from(each).toString('hex'));
    await expect.poll(() => received.length).toBe(sent.length);
    expect(received).toEqual(hex);
    expect(near.counters.tooBig).toBe(0);
  });

  test('receives nothing that this machine sends', async () => {
    addPair(HERE, FARS[0]!);
    const [near, far] = [open(HERE), open(FARS[0]!)];
    const received: string[] = [];
    await near.start(() => received.push('near'));
    await far.start((frames) => received.push(`far ${frames.map(({ length }) => length).join(' ')}`));
    near.send([frame(60), frame(1514)]);
    await expect.poll(() => received).not.toEqual([]);
    await sleep(20);
    expect(received).toEqual(['far 60 1514']);
    expect(near.counters).toEqual({ ...NOTHING, sent: 2 });
    expect(far.counters).toEqual({ ...NOTHING, received: 2 });
  });

  test('has an end for every frame: what the ring has no room for, and what is larger than the MTU, is counted', async () => {
    addPair(HERE, FARS[0]!);
    for (const name of [HERE, FARS[0]!]) ip('link', 'set', name, 'mtu', '3000');
    const [near, far] = [open(HERE, { mtuOctets: 1500 }), open(FARS[0]!)];
    let received = 0;
    await near.start((frames) => {
      received += frames.length;
    });
    // Nobody reads meanwhile.
    const many = Array.from({ length: 500 }, () => frame(1514));
    for (let i = 0; i < 40; i++) far.send(many);
    far.send([frame(3015)]);
    await expect.poll(() => received + near.counters.kernelDropped).toBe(20_000);
    expect(near.counters.kernelDropped).toBeGreaterThan(1000);
    expect(far.counters).toMatchObject({ sent: 20_000, sendErrors: 1 });
    far.send([frame(1515), frame(3014), frame(100)]);
    await expect.poll(() => near.counters.tooBig).toBe(2);
    expect(near.counters.received).toBe(received + 2);
  });

  test('takes frames for other MACs only where it is to, and leaves the interface as it was', async () => {
    addPair(HERE, FARS[0]!);
    const before = ip('-j', '-d', 'link', 'show', HERE).toString();
    const far = open(FARS[0]!);
    const taken = async (more: Partial<PacketPortOptions>) => {
      const port = open(HERE, more);
      const during = ip('-j', '-d', 'link', 'show', HERE).toString();
      await port.close();
      return JSON.parse(during)[0] as { promiscuity: number; allmulti: number };
    };
    expect(await taken({})).toMatchObject({ promiscuity: 1 });
    expect(await taken({ promiscuous: false })).toMatchObject({ promiscuity: 0 });
    const port = open(HERE, { promiscuous: false, mac: parseMac('02:00:00:00:00:01') });
    expect(ip('-j', 'maddr', 'show', 'dev', HERE).toString()).not.toBe('');
    await port.close();
    await far.close();
    expect(ip('-j', '-d', 'link', 'show', HERE).toString()).toBe(before);
  });

  test('that goes down comes back, and so does one that is removed and made again', async () => {
    addPair(HERE, FARS[0]!);
    const states: (string | undefined)[] = [];
    const near = open(HERE, { onState: (trouble) => states.push(trouble) });
    const received: number[] = [];
    await near.start((frames) => received.push(...frames.map(({ length }) => length)));
    let far = open(FARS[0]!);
    ip('link', 'set', HERE, 'down');
    await expect.poll(() => states).toEqual(['it is down']);
    near.send([frame(60)]);
    expect(near.counters.sendErrors).toBe(1);
    ip('link', 'set', HERE, 'up');
    await expect.poll(() => states.at(-1)).toBeUndefined();
    far.send([frame(61)]);
    await expect.poll(() => received).toEqual([61]);
    ip('link', 'del', HERE);
    await expect.poll(() => states.at(-1)).toBe('it was removed');
    addPair(HERE, FARS[0]!);
    await expect.poll(() => states.at(-1)).toBeUndefined();
    far = open(FARS[0]!);
    far.send([frame(62)]);
    await expect.poll(() => received).toEqual([61, 62]);
    expect(near.counters).toEqual({ ...NOTHING, received: 2, sendErrors: 1 });
  });

  test('that is none, or no Ethernet, is refused with what to do', () => {
    expect(() => open(HERE)).toThrow(new RegExp(`^${HERE}: .*no interface of that name .*ip link`));
    expect(() => open('lo')).toThrow(/^lo: .*no Ethernet interface/);
  });

  test('is not to be had without privileges, and it says which', () => {
    addPair(HERE, FARS[0]!);
    const script = `const { PacketSocket } = require(${JSON.stringify(PORTS_ADDON)});
      process.setgroups([]); process.setgid(65534); process.setuid(65534);
      try { new PacketSocket('${HERE}', {mtuOctets: 1500, promiscuous: true}) } catch (error) { console.log(error.message) }`;
    const { stdout } = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8', timeout: 10_000 });
    expect(stdout).toMatch(new RegExp(`^${HERE}: .*root or with CAP_NET_RAW`));
  });

  test('ends with a process that does not close it', () => {
    addPair(HERE, FARS[0]!);
    const script = `const { PacketSocket } = require(${JSON.stringify(PORTS_ADDON)});
      new PacketSocket('${HERE}', {mtuOctets: 1500, promiscuous: true}).start(() => {});
      setTimeout(() => process.exit(0), 50)`;
    expect(spawnSync(process.execPath, ['-e', script], { encoding: 'utf8', timeout: 10_000 })).toMatchObject({
      status: 0,
      stderr: '',
    });
    expect(JSON.parse(ip('-j', '-d', 'link', 'show', HERE).toString())[0]).toMatchObject({ promiscuity: 0 });
  });
});
