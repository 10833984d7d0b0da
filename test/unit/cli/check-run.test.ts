/** What shows only with the files and the workload that flags name, told before anything is opened. */
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { checkRun } from '../../../src/cli/check-run.js';
import { readTextFile } from '../../../src/files/read-file.js';
import { ConfigError } from '../../../src/gateway/config/problems.js';
import { readGatewayOptions } from '../../../src/gateway/config/read-options.js';
import { pcapHeader } from '../../../src/packet/pcap.js';

const HOST = ['--insecure', '--outer-ip-type', 'ipv4', '--sim-wire', 'udp:127.0.0.1:10000'];

function problemsOf(...argv: string[]): readonly string[] {
  try {
    const host = argv.includes('--sim-wire') ? HOST.slice(0, -2) : HOST;
    readGatewayOptions([...host, ...argv], () => '', { check: checkRun });
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe('static tunnels from all addresses of the workload', () => {
  const peer = ['-t', '10.0.0.2:1.1.1.0/30'];

  test('are as many as these and the peers have together', () => {
    const from = (addresses: string, places: number) =>
      problemsOf(...peer, '--static-tunnels', '--sim-vf', `host:${addresses}`, '-x', String(places));
    expect(from('2.2.2.1,2.2.2.2', 8)).toEqual([]);
    expect(from('2.2.2.1,2.2.2.2', 7)).toEqual([
      '--max-tunnels: 8 static tunnels are configured, 7 allowed; say --max-tunnels 8, or leave out --static-tunnels: sessions are then made at their first packet',
    ]);
    // Tunnels to IPv4 are from IPv4.
    expect(from('2.2.2.1,fd00::1', 4)).toEqual([]);
  });

  test('need an address of the workload to be known', () => {
    const none = problemsOf(...peer, '--static-tunnels', '--sim-vf', 'tap:vf0');
    expect(none).toContain(
      '--static-tunnels: no address of the workload is known, from which they could be; say --static-tunnels=IP, or --local-virt-ip IP',
    );
    expect(problemsOf(...peer, '--static-tunnels', '--sim-vf', 'tap:vf0,2.2.2.1')).toEqual([]);
    expect(problemsOf(...peer, '--static-tunnels', '--local-virt-ip', '2.2.2.1')).toEqual([]);
    expect(problemsOf(...peer, '--static-tunnels', '2.2.2.1', '--sim-vf', 'host:2.2.2.1')).toEqual([]);
  });
});

test("DOCA's own session file makes static tunnels under default limits", () => {
  const path = fileURLToPath(new URL('../../cases/doca-forms/two-prefixes.json', import.meta.url));
  const argv = ['-c', path, '-z', '--sim-vf', 'host:9.9.9.9'];
  expect(readGatewayOptions([...HOST, ...argv], readTextFile, { check: checkRun }).options.maxTunnels).toBe(
    769,
  );
});

test('a length of captured frames needs a port that writes a capture', () => {
  const folder = mkdtempSync(join(tmpdir(), 'psp-gateway-check-'));
  const input = join(folder, 'in.pcap');
  writeFileSync(input, pcapHeader());
  const written = `pcap:${input},${join(folder, 'out.pcap')}`;
  const none = ['--snaplen: is for captures, and no port writes one; say --sim-wire or --sim-vf pcap:IN,OUT'];
  const host = ['--sim-vf', 'host:2.2.2.1'];
  expect(problemsOf('--snaplen=64', ...host)).toEqual(none);
  expect(problemsOf('--snaplen=64', '--sim-vf', `pcap:${input}`)).toEqual(none);
  expect(problemsOf('--snaplen=64', '--sim-vf', written)).toEqual([]);
  expect(problemsOf('--snaplen=64', '--sim-wire', written, ...host)).toEqual([]);
  expect(problemsOf('--snaplen=0', ...host)).toEqual([]);
  // Whether a port that is wrong would have written one is not known.
  expect(problemsOf('--snaplen=64', '--sim-vf', 'pcap:')).toEqual([expect.stringContaining('--sim-vf: ')]);
  rmSync(folder, { recursive: true });
});

test('a capture of a link that is not read has nothing for a port', () => {
  const folder = mkdtempSync(join(tmpdir(), 'psp-gateway-check-'));
  const path = join(folder, 'wlan.pcap');
  const look = (linkType: number, compress = (octets: Buffer) => octets) => {
    const header = Buffer.from(pcapHeader());
    header.writeUInt32LE(linkType, 20);
    writeFileSync(path, compress(header));
    return problemsOf('--sim-vf', `pcap:${path}`);
  };
  const none = [`--sim-vf: ${path} has no frame that could come in: link type 105, IEEE 802.11: not read`];
  expect(look(105)).toEqual(none);
  expect(look(105, gzipSync)).toEqual(none);
  for (const linkType of [1, 101, 113, 276]) expect(look(linkType)).toEqual([]);
  rmSync(folder, { recursive: true });
});

test('files that are written are no two flags’, and none that is read, under whatever names', () => {
  const folder = mkdtempSync(join(tmpdir(), 'psp-gateway-check-'));
  const at = (name: string) => join(folder, name);
  for (const name of ['a.pcap', 'b.pcap']) writeFileSync(at(name), pcapHeader());
  symlinkSync('a.pcap', at('link.pcap'));
  symlinkSync('.', at('here'));
  const look = (wire: string, vf: string, ...more: string[]) =>
    problemsOf(
      '--sim-wire',
      `pcap:${at('a.pcap')},${at(wire)}`,
      '--sim-vf',
      `pcap:${at('b.pcap')},${at(vf)}`,
      ...more,
    );
  const state = ['--state-file', at('here/new')];
  expect(look('one', 'two', ...state)).toEqual([]);
  expect(look('one', 'here/one')).toEqual([
    `--sim-vf: --sim-wire writes ${at('here/one')} too; write to another file`,
  ]);
  expect(look('link.pcap', 'two')).toEqual([
    `--sim-wire: ${at('link.pcap')} is the capture that is read; write to another file`,
  ]);
  expect(look('one', 'link.pcap')).toEqual([
    `--sim-vf: would overwrite ${at('a.pcap')}, which the other port reads`,
  ]);
  expect(look('one', 'new', ...state)).toEqual([
    `--state-file: --sim-vf writes ${at('new')} too; name another file`,
  ]);
  expect(look('new', 'two', ...state)).toEqual([
    `--state-file: --sim-wire writes ${at('new')} too; name another file`,
  ]);
  rmSync(folder, { recursive: true });
});

test('the loopback interface is no VF', () => {
  expect(problemsOf('--hal=doca', '-p', '03:00.0', '--vf-name', 'lo')).toContainEqual(
    expect.stringContaining('--vf-name: this machine has no network device "lo" with a MAC'),
  );
});

test('the outer source address is that of the socket', () => {
  expect(problemsOf('--sim-vf', 'host:2.2.2.1', '--local-pip', '127.0.0.1')).toEqual([]);
  expect(problemsOf('--sim-vf', 'host:2.2.2.1', '--local-pip', '127.0.0.9')).toEqual([
    '--local-pip: is 127.0.0.9, and the socket of --sim-wire is at 127.0.0.1; name one address',
  ]);
});

test('a state file that would take the place of something else is refused', () => {
  const path = fileURLToPath(new URL('../../../package.json', import.meta.url));
  expect(problemsOf('--sim-vf', 'host:2.2.2.1', '--state-file', path)).toEqual([
    `--state-file: ${path} is no state file of a gateway: not of version 1; it would be replaced: name another file, or remove it`,
  ]);
  expect(problemsOf('--sim-vf', 'host:2.2.2.1', '--state-file', '/dev/null')).toEqual([
    '--state-file: /dev/null is no state file of a gateway: it is not a regular file; it would be replaced: name another file, or remove it',
  ]);
});
