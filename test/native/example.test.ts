/** The C examples against the public API: built as a stranger would build them, and run over captures. */
import { spawnSync } from 'node:child_process';
import {
  createReadStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { SOFT_RELEASES } from '../../src/hal/native-parts.js';
import { parseIp } from '../../src/packet/address.js';
import { buildIpv4Packet } from '../../src/packet/ipv4.js';
import { pcapHeader, pcapRecord, readCapture } from '../../src/packet/pcap.js';
import { describeOnNative } from '../support/needs.js';
import { ROOT } from '../support/root.js';

const prefixOf = (release: string) => join(ROOT, 'build/native', `prefix-${release}`);
const EXAMPLE = join(ROOT, 'native/doca-soft/examples');
const PACKETS = 50;

function body(): void {
  const folder = mkdtempSync(join(tmpdir(), 'psp-gateway-example-'));
  const programOf = (release: string, name = 'psp_pipeline') => join(folder, release, name);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test.each(SOFT_RELEASES)('builds with nothing but pkg-config, for %s', (release) => {
    mkdirSync(join(folder, release));
    const options = ['-C', join(folder, release), '-f', join(EXAMPLE, 'Makefile'), `VPATH=${EXAMPLE}`];
    const environment = { ...process.env, PKG_CONFIG_PATH: join(prefixOf(release), 'lib/pkgconfig') };
    const { status, stderr } = spawnSync('make', options, {
      env: environment,
      encoding: 'utf8',
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });

  test('builds from where the software DOCA was installed by hand', () => {
    const prefix = join(folder, 'prefix');
    const tree = join(ROOT, 'build/native/soft-3.1');
    expect(spawnSync('cmake', ['--install', tree, '--prefix', prefix], { encoding: 'utf8' }).status).toBe(0);
    const { stdout } = spawnSync('pkg-config', ['--cflags', '--libs', 'doca-flow'], {
      env: { ...process.env, PKG_CONFIG_PATH: join(prefix, 'lib/pkgconfig') },
      encoding: 'utf8',
    });
    const paths = stdout
      .split(/\s+/)
      .filter((option) => /^-[IL]/.test(option))
      .map((option) => realpathSync(option.slice(2)));
    expect(paths).toEqual([join(prefix, 'include'), join(prefix, 'lib')].map((path) => realpathSync(path)));
  });

  test.each(SOFT_RELEASES)('gives back what it encrypted, packet for packet, over %s', async (release) => {
    const frames = Array.from({ length: PACKETS }, (_, i) => frameOf(i));
    // One that belongs to no session.
    const stranger = frameOf(0, '10.0.0.3');
    const input = join(folder, 'in.pcap');
    const output = join(folder, 'out.pcap');
    writeCapture(input, [...frames.slice(0, 20), stranger, ...frames.slice(20)]);
    const mapping = join(folder, 'mapping.conf');
    writeFileSync(
      mapping,
      `[device 03:00.0]\nport = net_ring0\nmtu = 1600\nipv6 = 2001:db8::1\n` +
        `[representor vf0]\nport = net_pcap0,rx_pcap=${input},tx_pcap=${output}\nmtu = 1500\nhold = 300\n`,
    );
    const eal = ['--no-huge', '--no-shconf', '-m', '256', '--file-prefix', `psp-example-${process.pid}`];
    const { status, stdout, stderr } = spawnSync(programOf(release), ['03:00.0', `${PACKETS}`, ...eal], {
      env: { ...process.env, DOCA_SOFT_CONFIG: mapping },
      encoding: 'utf8',
    });
    expect({ status, stdout, ...(status === 0 ? {} : { stderr }) }).toEqual({
      status: 0,
      stdout: `encrypted ${PACKETS}\ndelivered ${PACKETS}\nrefused 0\n`,
    });
    const back: string[] = [];
    for await (const { frame } of readCapture(createReadStream(output))) back.push(hex(frame.subarray(14)));
    expect(back).toEqual(frames.map((frame) => hex(frame.subarray(14))));
  });

  test.each(['3.1', '3.3'])('flows share a counter and a meter, and end, over %s', async (release) => {
    const input = join(folder, 'flows.pcap');
    const nothing = join(folder, 'nothing.pcap');
    const output = join(folder, 'metered.pcap');
    // Of 100 octets each, four sources in turn; and one that is no flow.
    const frames = Array.from({ length: 20 }, (_, i) => flowFrame(`10.0.0.${1 + (i % 4)}`, i));
    writeCapture(input, [...frames.slice(0, 3), flowFrame('10.0.0.9', 99), ...frames.slice(3)]);
    writeCapture(nothing, []);
    const mapping = join(folder, 'flows.conf');
    writeFileSync(
      mapping,
      `[device 03:00.0]\nport = net_pcap0,rx_pcap=${input},tx_pcap=${join(folder, 'unused.pcap')}\nmtu = 1500\nhold = 300\n` +
        `[device 03:00.1]\nport = net_pcap1,rx_pcap=${nothing},tx_pcap=${output}\nmtu = 1500\n`,
    );
    const { status, stdout, stderr } = spawnSync(
      programOf(release, 'metered_flows'),
      [
        ...['03:00.0', '03:00.1', '20', '--no-huge', '--no-shconf', '-m', '256'],
        ...['--file-prefix', `psp-flows-${process.pid}`],
      ],
      { env: { ...process.env, DOCA_SOFT_CONFIG: mapping }, encoding: 'utf8' },
    );
    expect({ status, stdout, ...(status === 0 ? {} : { stderr }) }).toEqual({
      status: 0,
      stdout: 'packets 20\ngreen 10\nyellow 5\nred 5\naged 4\n',
    });
    const passed: string[] = [];
    for await (const { frame } of readCapture(createReadStream(output))) passed.push(hex(frame));
    expect(passed).toEqual(frames.slice(0, 15).map(hex));
  });
}

describeOnNative(
  "the software DOCA's examples in C",
  SOFT_RELEASES.every((release) => existsSync(prefixOf(release))),
  body,
);

const frameOf = (i: number, destination = '10.0.0.2') =>
  udpFrame('10.0.0.1', destination, new Uint8Array(8 + 20 * i).fill(i));
const flowFrame = (source: string, i: number) => udpFrame(source, '10.0.0.99', new Uint8Array(66).fill(i));

/** `payload` begins with room for UDP's header. */
function udpFrame(source: string, destination: string, payload: Uint8Array): Uint8Array {
  payload.set([0x9c, 0x40, 0x13, 0x88, payload.length >>> 8, payload.length & 255, 0, 0]);
  const packet = buildIpv4Packet({
    source: parseIp(source) as never,
    destination: parseIp(destination) as never,
    protocol: 17,
    ttl: 64,
    payload,
  });
  return Uint8Array.from([2, 0, 0, 0, 0, 0xa0, 2, 0, 0, 0, 0, 0xd1, 8, 0, ...packet]);
}

function writeCapture(path: string, frames: readonly Uint8Array[]): void {
  const records = frames.map((frame, i) => pcapRecord(BigInt(i) * 1_000_000n, frame));
  writeFileSync(path, Buffer.concat([pcapHeader(), ...records]));
}

function hex(octets: Uint8Array): string {
  return Buffer.from(octets.buffer, octets.byteOffset, octets.length).toString('hex');
}
