import { execFileSync } from 'node:child_process';
import { Socket } from 'node:dgram';
import {
  closeSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { systemClock } from '../../../../src/base/clock.js';
import { seededRandom } from '../../../../src/base/random.js';
import { createVirtualClock } from '../../../../src/base/virtual-clock.js';
import { createVirtualHost } from '../../../../src/hal-sim/ports/host.js';
import { createLink } from '../../../../src/hal-sim/ports/link.js';
import { createPcapPort } from '../../../../src/hal-sim/ports/pcap-port.js';
import { parseSimVf, parseSimWire, SimSpecError } from '../../../../src/hal-sim/ports/spec.js';
import { createUdpWire } from '../../../../src/hal-sim/ports/udp-wire.js';
import { type Ipv4Address, parseIp, parseMac } from '../../../../src/packet/address.js';
import { buildIpv4Packet } from '../../../../src/packet/ipv4.js';
import { pcapHeader, pcapRecord, readCapture } from '../../../../src/packet/pcap.js';
import { referenceCases, toHex } from '../../../support/reference-vectors.js';

describe('--sim-wire and --sim-vf', () => {
  test.each([
    ['udp', { kind: 'udp', port: 1000 }],
    ['udp:10.0.0.1', { kind: 'udp', address: '10.0.0.1', port: 1000 }],
    ['udp:10.0.0.1:1', { kind: 'udp', address: '10.0.0.1', port: 1 }],
    ['udp:10.0.0.1:65535', { kind: 'udp', address: '10.0.0.1', port: 65_535 }],
    ['udp:10.0.0.1:99', { kind: 'udp', address: '10.0.0.1', port: 99 }],
    ['udp:[fd00::1]:99', { kind: 'udp', address: 'fd00::1', port: 99 }],
    ['pcap:in.pcap', { kind: 'pcap', input: 'in.pcap' }],
    ['pcap:in.pcap,out.pcap', { kind: 'pcap', input: 'in.pcap', output: 'out.pcap' }],
  ])('wire %s', (text, spec) => {
    expect(parseSimWire(text)).toStrictEqual(spec);
  });

  test.each([
    ['host', { kind: 'host', addresses: [] }],
    ['host:10.0.0.1', { kind: 'host', addresses: ['10.0.0.1'] }],
    ['host:10.0.0.1,fd00::1,10.0.0.1,fd00:0::1', { kind: 'host', addresses: ['10.0.0.1', 'fd00::1'] }],
    [
      'tap:vf0,10.0.0.1,mtu=1500,10.0.0.1',
      { kind: 'tap', name: 'vf0', mtuOctets: 1500, addresses: ['10.0.0.1'] },
    ],
    ['host:10.0.0.1,fd00::1', { kind: 'host', addresses: ['10.0.0.1', 'fd00::1'] }],
    ['pcap:a,b', { kind: 'pcap', input: 'a', output: 'b' }],
    ['tap:vf0,mtu=68', { kind: 'tap', name: 'vf0', mtuOctets: 68, addresses: [] }],
    ['tap:vf0,mtu=65521', { kind: 'tap', name: 'vf0', mtuOctets: 65_521, addresses: [] }],
    ['tap:vf0', { kind: 'tap', name: 'vf0', addresses: [] }],
    ['tap:vf0,10.0.0.1,fd00::1', { kind: 'tap', name: 'vf0', addresses: ['10.0.0.1', 'fd00::1'] }],
    [
      'tap:vf0,mac=02-00-00-00-00-AA,mtu=9000,10.0.0.1',
      { kind: 'tap', name: 'vf0', mac: '02:00:00:00:00:aa', mtuOctets: 9000, addresses: ['10.0.0.1'] },
    ],
  ])('VF %s', (text, spec) => {
    expect(parseSimVf(text)).toStrictEqual(spec);
  });

  test.each([
    '',
    'udp:',
    'udp:x',
    'udp:10.0.0.1:0',
    'udp:10.0.0.1:99999',
    'pcap:',
    'pcap:a,b,c',
    'pcap:,b',
    'pcap:a,',
    'xudp:10.0.0.1',
    'pcap:a,./a',
    'tcp',
  ])('wire %j is refused', (text) => {
    expect(() => parseSimWire(text)).toThrow(SimSpecError);
  });

  test.each(['', 'host:', 'host:x', 'guest', 'ghost:10.0.0.1'])('VF %j is refused', (text) => {
    expect(() => parseSimVf(text)).toThrow(SimSpecError);
  });

  test.each([
    ['tap:', /tap:NAME/],
    ['tap:,10.0.0.1', /tap:NAME/],
    ['tap:..', /tap:NAME/],
    ['tap:a/b', /tap:NAME/],
    ['tap:tap%d', /tap:NAME/],
    ['tap:sixteen-letters-', /15 characters/],
    ['tap:vf0,', /not an IP address/],
    ['tap:vf0,10.0.0', /"tap:vf0,10.0.0".*not an IP address/],
    ['tap:vf0,mac=2', /not a MAC address/],
    ['tap:vf0,mtu=67', /67 is not an MTU \(68 to 65521/],
    ['tap:vf0,mtu=65522', /65522 is not an MTU/],
    ['tap:vf0,mtu=1e3', /1e3 is not an MTU/],
    ['tap:vf0,mtu=1400,mtu=1500', /mtu= .*given twice/],
    ['tap:vf0,mac=02-00-00-00-00-AA,mac=02-00-00-00-00-AB', /mac= .*given twice/],
    ['tap:vf0,speed=9', /speed= is not known/],
  ])('VF %j is refused, and why', (text, why) => {
    expect(() => parseSimVf(text)).toThrow(SimSpecError);
    expect(() => parseSimVf(text)).toThrow(why);
  });

  test.each([
    [
      'host:10.0.0.1,300.1.1.1,zz,zz',
      '"host:10.0.0.1,300.1.1.1,zz,zz": "300.1.1.1" is not an IP address (expected a form such as 192.0.2.1 or 2001:db8::1); ' +
        '"zz" is not an IP address (expected a form such as 192.0.2.1 or 2001:db8::1)',
    ],
    [
      'tap:vf0,mac=2,10.0.0,mtu=67,speed=9',
      '"tap:vf0,mac=2,10.0.0,mtu=67,speed=9": "2" is not a MAC address (expected six octets such as 02:00:00:00:00:01); ' +
        '"10.0.0" is not an IP address (expected a form such as 192.0.2.1 or 2001:db8::1); ' +
        '67 is not an MTU (68 to 65521 octets); ' +
        'speed= is not known here, or is given twice; expected tap:NAME[,mac=MAC][,mtu=OCTETS][,IP[,IP]]',
    ],
  ])('VF %j is told all that is wrong with it', (text, message) => {
    expect(() => parseSimVf(text)).toThrow(new SimSpecError(message));
  });
});

describe('virtual hosts', () => {
  function twoHosts(impairments = {}) {
    const clock = createVirtualClock();
    const link = createLink({ clock, random: seededRandom(3), name: 'lan', mtuOctets: 1500, impairments });
    const hosts = ([1, 2] as const).map((n) =>
      createVirtualHost({
        clock,
        mac: parseMac(`02:00:00:00:00:0${n}`),
        addresses: [parseIp(`10.0.0.${n}`), parseIp(`fd00::${n}`)],
      }),
    );
    hosts.forEach((host, i) => {
      const end = link.ports[i]!;
      // What a host sends goes onto the link, what the link delivers goes to the host.
      void host.port.start((frames) => end.send(frames));
      void end.start((frames) => host.port.send(frames));
    });
    return { clock, link, hosts };
  }

  test.each(['10.0.0.2', 'fd00::2'])('resolve each other and answer pings: %s', async (target) => {
    const { clock, hosts } = twoHosts();
    const replies: number[] = [];
    const done = hosts[0]!.ping(parseIp(target), {
      count: 3,
      intervalMs: 100,
      timeoutMs: 1000,
      onReply: (sequence) => replies.push(sequence),
    });
    await clock.advance(5000);
    expect(await done).toMatchObject({ sent: 3, received: 3 });
    expect(replies).toEqual([1, 2, 3]);
  });

  test('what is not answered is counted as lost, and neighbors that are not there are asked for three times', async () => {
    const { clock, link, hosts } = twoHosts();
    const lost: number[] = [];
    const done = hosts[0]!.ping(parseIp('10.0.0.9'), {
      count: 2,
      intervalMs: 100,
      timeoutMs: 500,
      onLost: (sequence) => lost.push(sequence),
    });
    await clock.advance(10_000);
    expect(await done).toEqual({ sent: 2, received: 0, rttMs: [] });
    expect(lost).toEqual([1, 2]);
    expect(link.counters[0].sent).toBe(3);
  });

  test.each(['10.0.0.2', 'fd00::2'])('take no damaged reply for an answer: %s', async (target) => {
    const { clock, link, hosts } = twoHosts();
    const ping = async () => {
      const done = hosts[0]!.ping(parseIp(target), { count: 1, intervalMs: 1, timeoutMs: 10 });
      await clock.advance(20);
      return (await done).received;
    };
    expect(await ping()).toBe(1);
    await link.ports[0].start((frames) => {
      for (const frame of frames) frame[frame.length - 1]! ^= 1;
      hosts[0]!.port.send(frames);
    });
    expect(await ping()).toBe(0);
  });

  test('a neighbor whose MAC was damaged on its way is asked anew, and found', async () => {
    const { clock, link, hosts } = twoHosts();
    await link.ports[0].start((frames) => {
      // The sender's MAC in ARP replies, which have no checksum.
      for (const frame of frames) if (frame[12] === 0x08 && frame[13] === 0x06) frame[22 + 5]! ^= 1;
      hosts[0]!.port.send(frames);
    });
    // The second host takes frames for its own MAC only, as a network card does.
    await link.ports[1].start((frames) =>
      hosts[1]!.port.send(frames.filter((frame) => (frame[0]! & 1) === 1 || frame[5] === 2)),
    );
    const ping = async (count: number) => {
      const done = hosts[0]!.ping(parseIp('10.0.0.2'), { count, intervalMs: 1000, timeoutMs: 100 });
      await clock.advance(count * 1000);
      return (await done).received;
    };
    expect(await ping(1)).toBe(0);
    await link.ports[0].start((frames) => hosts[0]!.port.send(frames));
    expect(await ping(20)).toBeGreaterThan(0);
    expect(await ping(3)).toBe(3);
  });

  test('keep the latest 256 packets for a neighbor until it is known, in their order', async () => {
    const { clock, hosts } = twoHosts({ delayMs: 1 });
    const [source, destination] = [parseIp('10.0.0.1'), parseIp('10.0.0.2')] as const;
    const received: number[] = [];
    hosts[1]!.onFrame((frame) => {
      if (frame[12] === 0x08 && frame[13] === 0x00) received.push((frame[34]! << 8) | frame[35]!);
    });
    for (let i = 0; i < 300; i++) {
      const payload = Uint8Array.of(i >>> 8, i);
      const packet = buildIpv4Packet({
        ...{ source: source as Ipv4Address, destination: destination as Ipv4Address },
        ...{ protocol: 17, ttl: 64, dontFragment: true, payload },
      });
      hosts[0]!.send(packet, source, destination);
    }
    await clock.advance(10);
    expect(received).toEqual(Array.from({ length: 256 }, (_, i) => 44 + i));
  });

  test('have to have an address of the family', async () => {
    const host = createVirtualHost({
      clock: createVirtualClock(),
      mac: parseMac('02:00:00:00:00:01'),
      addresses: [],
    });
    await expect(host.ping(parseIp('10.0.0.1'), { count: 1, intervalMs: 1, timeoutMs: 1 })).rejects.toThrow(
      /no IPv4/,
    );
  });

  test('take arbitrary frames', async () => {
    const { clock, hosts } = twoHosts();
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 120 })), async (frames) => {
        hosts[0]!.port.send(frames);
        await clock.advance(1);
      }),
    );
  });
});

describe('a pcap port', () => {
  test('brings in the frames of a capture, and writes what is sent', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'psp-gateway-port-'));
    try {
      const frames = Array.from({ length: 150 }, (_, i) => new Uint8Array(60).fill(i));
      const records = frames.map((frame, i) => pcapRecord(BigInt(i) * 1000n, frame));
      writeFileSync(join(folder, 'in.pcap'), Buffer.concat([pcapHeader(), ...records]));
      const port = createPcapPort({
        input: join(folder, 'in.pcap'),
        output: join(folder, 'out.pcap'),
        clock: systemClock,
        mtuOctets: 9000,
      });
      const received: Uint8Array[] = [];
      await port.start((batch) => received.push(...batch));
      await port.done;
      expect(received).toEqual(frames);
      port.send(frames.slice(0, 2));
      await port.close();
      const written: Uint8Array[] = [];
      const source = (async function* () {
        yield new Uint8Array(readFileSync(join(folder, 'out.pcap')));
      })();
      for await (const { frame } of readCapture(source)) written.push(frame);
      expect(written).toEqual(frames.slice(0, 2));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test('writes so many octets of each frame as it is told, and how long the frame was', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'psp-gateway-port-'));
    try {
      const [input, output] = ['in.pcap', 'out.pcap'].map((name) => join(folder, name));
      writeFileSync(input!, pcapHeader());
      const port = createPcapPort({
        input: input!,
        output: output!,
        clock: systemClock,
        mtuOctets: 9000,
        snapOctets: 64,
      });
      await port.start(() => {});
      port.send([new Uint8Array(100).fill(1), new Uint8Array(64).fill(2), new Uint8Array(20).fill(3)]);
      await port.close();
      const octets = readFileSync(output!);
      expect(octets.readUInt32LE(16)).toBe(64);
      const source = (async function* () {
        yield new Uint8Array(octets);
      })();
      const written: [number, number][] = [];
      for await (const { frame, originalOctets } of readCapture(source))
        written.push([frame.length, originalOctets]);
      expect(written).toEqual([
        [64, 100],
        [64, 64],
        [20, 20],
      ]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test('writes into a file of its own that only its owner may read, whatever stands in its place', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'psp-gateway-port-'));
    const umask = process.umask(0);
    try {
      const [input, output, victim] = ['in.pcap', 'out.pcap', 'victim'].map((name) => join(folder, name));
      writeFileSync(input!, pcapHeader());
      writeFileSync(victim!, 'precious');
      symlinkSync(victim!, output!);
      const port = createPcapPort({ input: input!, output: output!, clock: systemClock, mtuOctets: 9000 });
      await port.start(() => {});
      // There while it grows, and nothing beside it.
      expect(readdirSync(folder).sort()).toEqual(['in.pcap', 'out.pcap', 'victim']);
      expect(lstatSync(output!).mode & 0o170777).toBe(0o100600);
      await port.close();
      expect(readFileSync(victim!, 'utf8')).toBe('precious');
    } finally {
      process.umask(umask);
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test.each(['in.pcap', 'same.pcap'])(
    'does not overwrite the capture that it reads, named %s',
    async (name) => {
      const folder = mkdtempSync(join(tmpdir(), 'psp-gateway-port-'));
      try {
        const input = join(folder, 'in.pcap');
        writeFileSync(input, Buffer.concat([pcapHeader(), pcapRecord(0n, new Uint8Array(60))]));
        linkSync(input, join(folder, 'same.pcap'));
        const before = readFileSync(input);
        const output = join(folder, name);
        const port = createPcapPort({ input, output, clock: systemClock, mtuOctets: 9000 });
        await expect(port.start(() => {})).rejects.toThrow(/write to another file/);
        await port.close();
        expect(readFileSync(input)).toEqual(before);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
  );

  test.skipIf(!existsSync('/dev/full'))(
    'tells of an output that cannot be written, and goes on',
    async () => {
      const folder = mkdtempSync(join(tmpdir(), 'psp-gateway-port-'));
      try {
        const input = join(folder, 'in.pcap');
        // No end to it, so that only the output decides how `done` settles.
        execFileSync('mkfifo', [input]);
        const writer = openSync(input, 'r+');
        const port = createPcapPort({ input, output: '/dev/full', clock: systemClock, mtuOctets: 9000 });
        await port.start(() => {});
        port.send([new Uint8Array(60)]);
        await expect(port.done).rejects.toThrow(/ENOSPC/);
        port.send([new Uint8Array(60)]);
        expect(port.counters.outputDropped).toBe(1);
        await port.close();
        writeSync(writer, pcapHeader());
        closeSync(writer);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
  );

  test('drops and counts what its output is too slow for', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'psp-gateway-port-'));
    try {
      const [input, output] = [join(folder, 'in.pcap'), join(folder, 'out.pcap')];
      writeFileSync(input, pcapHeader());
      const port = createPcapPort({ input, output, clock: systemClock, mtuOctets: 9000 });
      await port.start(() => {});
      // 2,000 frames of 9,000 octets in one turn are more than the 16 MiB that may wait.
      port.send(Array.from({ length: 2000 }, () => new Uint8Array(9000)));
      const { written, outputDropped } = port.counters;
      expect(written + outputDropped).toBe(2000);
      expect(outputDropped).toBeGreaterThan(0);
      await port.close();
      expect(statSync(output).size).toBe(24 + written * 9016);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test('says when its output cannot be opened', async () => {
    const files = { input: '/nowhere/in.pcap', output: '/nowhere/out.pcap' };
    const port = createPcapPort({ ...files, clock: systemClock, mtuOctets: 9000 });
    await expect(port.start(() => {})).rejects.toThrow(/cannot write \/nowhere\/out.pcap.*ENOENT/);
    await port.close();
  });

  test('says when its input is not there', async () => {
    const port = createPcapPort({ input: '/nowhere/in.pcap', clock: systemClock, mtuOctets: 9000 });
    await port.start(() => {});
    await expect(port.done).rejects.toThrow(/ENOENT/);
    await port.close();
  });
});

describe('the UDP wire', () => {
  // A port for each test, so that one that fails leaves the others alone.
  let port = 10_977;
  beforeEach(() => void port++);
  const open = (n: number) =>
    createUdpWire({ address: parseIp(`127.0.0.${n}`), port, mac: parseMac(`02:00:00:00:00:0${n}`) });

  test('carries PSP datagrams as they are, with addresses and checksums made anew', async () => {
    const [a, b] = [open(4), open(5)];
    const vector = referenceCases().find(({ mode, inner }) => mode === 'tunnel' && inner === 4)!;
    const arrived = new Promise<Uint8Array>((resolve) => {
      void b.start(([frame]) => resolve(frame!));
    });
    await a.start(() => {});
    const frame = vector.frames[1]!.encrypted.slice();
    frame.set([127, 0, 0, 5], 14 + 16);
    a.send([frame.slice(), new Uint8Array(20), vector.frames[0]!.cleartext.slice()]);
    const got = await arrived;
    // The same PSP datagram, under the addresses of the sockets.
    expect(toHex(got.subarray(14 + 28))).toBe(toHex(frame.subarray(14 + 28)));
    expect(toHex(got.subarray(14 + 12, 14 + 20))).toBe('7f0000047f000005');
    expect(toHex(got.subarray(0, 6))).toBe('020000000005');
    expect(toHex(got.subarray(14 + 22, 14 + 24))).toBe('03e8');
    expect(a.counters).toMatchObject({ sent: 1, notPsp: 2 });
    await Promise.all([a.close(), b.close()]);
  });

  test('says what to do about an address that is taken, or not ours', async () => {
    const first = open(6);
    await first.start(() => {});
    await expect(open(6).start(() => {})).rejects.toThrow(/another program has it; use another/);
    await first.close();
    const foreign = createUdpWire({
      address: parseIp('192.0.2.77'),
      port,
      mac: parseMac('02:00:00:00:00:01'),
    });
    await expect(foreign.start(() => {})).rejects.toThrow(/no address of this machine/);
  });

  test('keeps 8192 datagrams of one turn of the event loop, and counts what comes beyond', async () => {
    const bind = vi.spyOn(Socket.prototype, 'bind');
    const wire = open(9);
    const turns: number[] = [];
    await wire.start((frames) => turns.push(frames.length));
    const socket = bind.mock.contexts[0] as Socket;
    bind.mockRestore();
    // As the kernel's come, but more of them than a socket's buffer holds.
    const arrive = (count: number) => {
      for (let i = 0; i < count; i++)
        socket.emit('message', Buffer.alloc(1), { address: '127.0.0.1', port: 1 });
    };
    const turn = () => new Promise((resolve) => setImmediate(resolve));
    arrive(10_000);
    await turn();
    expect(turns).toEqual([8192]);
    expect(wire.counters).toMatchObject({ received: 10_000, queueDropped: 1808 });
    arrive(3);
    await turn();
    expect(turns).toEqual([8192, 3]);
    await wire.close();
  });

  test('does not take a cut IPv4 header for a destination', async () => {
    const wire = open(8);
    await wire.start(() => {});
    // IHL 0, yet all that is looked at for PSP in UDP is there.
    const frame = new Uint8Array(26);
    frame.set([0x08, 0x00, 0x40, 0, 0x03, 0xe8, 0, 8], 12);
    frame[14 + 9] = 17;
    wire.send([frame]);
    expect(wire.counters).toMatchObject({ sent: 0, notPsp: 1 });
    await wire.close();
  });

  test('takes arbitrary frames', async () => {
    const wire = open(7);
    await wire.start(() => {});
    fc.assert(fc.property(fc.array(fc.uint8Array({ maxLength: 80 })), (frames) => wire.send(frames)));
    expect(wire.counters.sent).toBe(0);
    await wire.close();
  });
});
