/**
 * The software DOCA's calls in the wrong order, too large or too late, and its RSS queues: native/doca-soft/test/api.cc, a
 * process per case.
 */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { pcapHeader, pcapRecord } from '../../src/packet/pcap.js';
import { type Family, frameOf, V1, V2 } from '../support/inner-packets.js';
import { describeOnNative } from '../support/needs.js';
import { ROOT } from '../support/root.js';
import { buildSoftProgram, CASE_TIMEOUT_MS, runCase } from '../support/soft-program.js';

const RSS_CASES = ['rss-ipv4', 'rss-ipv6', 'rss'];
const CASES = [
  ...['no-slots', 'no-memory', 'not-there', 'failures', 'gone-pipes', 'old-keys', 'representors', 'set-up'],
  ...['inside', 'inside-control'],
  ...RSS_CASES,
];
/** When operations are reported, by case; `queued` for the others. */
const COMPLETIONS: Readonly<Record<string, string>> = { inside: 'inside', 'inside-control': 'control' };
/** Of each family; api.cc counts them. */
const FLOWS = 32;
/** Memory is shared out and looked through: not what a sanitizer's process is for. */
const NOT_UNDER_SANITIZERS = ['no-memory', 'old-keys'];

function body(): void {
  const folder = mkdtempSync(join(tmpdir(), 'psp-gateway-api-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const capture = join(folder, 'flows.pcap');
  const flows = Array.from({ length: FLOWS }, (_, i) => [flowFrame(4, i), flowFrame(6, i)]).flat();
  writeFileSync(capture, Buffer.concat([pcapHeader(), ...flows.map((frame) => pcapRecord(0n, frame))]));

  function run(program: string, name: string, crypto = 'auto'): void {
    const mapping = join(folder, 'mapping.conf');
    // Where packets are counted no others come.
    const [uplink, vf] = RSS_CASES.includes(name)
      ? [`net_pcap0,rx_pcap=${capture}\nhold = 300`, 'net_null1,no-rx=1']
      : ['net_null0', 'net_null1'];
    writeFileSync(
      mapping,
      `[device 03:00.0]\nport = ${uplink}\nmtu = 1500\nbuffers = 1024\nderived-keys = 64\ncrypto = ${crypto}\n` +
        `completions = ${COMPLETIONS[name] ?? 'queued'}\n` +
        `[representor vf0]\nport = ${vf}\nmtu = 1500\n`,
    );
    expect(runCase(program, name, mapping)).not.toMatch(/\b(4294967295|18446744073709551615)\b/);
  }

  describe.each([
    { release: '3.1', cases: [...CASES, 'mirrors'] },
    { release: '3.3', cases: [...CASES, 'put-twice'] },
  ])('DOCA $release', ({ release, cases }) => {
    let program: string;

    test('builds', () => {
      program = buildSoftProgram('api.cc', release, folder);
    }, 60_000);

    test.each(cases)('%s', (name) => run(program, name), CASE_TIMEOUT_MS);
    test('old-keys, of OpenSSL', () => run(program, 'old-keys', 'openssl'), CASE_TIMEOUT_MS);
  });

  describe('DOCA 3.1 under sanitizers', () => {
    const cases = [...CASES, 'mirrors'].filter((name) => !NOT_UNDER_SANITIZERS.includes(name));
    test.each(cases)('%s', (name) => run(join(ROOT, 'build/native/robustness/api'), name), CASE_TIMEOUT_MS);
  });
}

/** A datagram of flow number `i`. */
function flowFrame(family: Family, i: number): Uint8Array {
  const payload = Uint8Array.of(0x30, i, 0x13, 0x88, 0, 8, 0, 0);
  const addresses = { source: V1[family], destination: V2[family] };
  return frameOf({ family, ...addresses, protocol: 17, payload, trafficClass: 0, ttl: 64 });
}

describeOnNative('the API of the software DOCA', existsSync(join(ROOT, 'build/native/robustness/api')), body);
