/** The cases of native/doca-soft/test/api.cc and behaviours.cc, and the mapping files that they are run with. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { pcapHeader, pcapRecord } from '../../src/packet/pcap.js';
import { type Family, frameOf, V1, V2 } from '../../src/verify/inner-packets.js';
import { ringDevice, writeMapping } from './ring-programs.js';
import { runCase } from './soft-program.js';

const RSS_CASES = ['rss-ipv4', 'rss-ipv6', 'rss'];
/** Those that the release decides stand where they are run. */
export const API_CASES = [
  ...['no-slots', 'no-memory', 'not-there', 'failures', 'gone-pipes', 'old-keys', 'representors', 'set-up'],
  ...['inside', 'inside-control'],
  ...RSS_CASES,
];
/** When operations are reported, by case; `queued` for the others. */
const COMPLETIONS: Readonly<Record<string, string>> = { inside: 'inside', 'inside-control': 'control' };
/** Of each family; api.cc counts them. */
const FLOWS = 32;

/** A case of behaviours.cc, and the line of the mapping file. */
export const BEHAVIOUR_CASES = [
  ['late', 'completions = late'],
  ['one', 'completions = one'],
  ['shuffled', 'completions = shuffled'],
  ['refused', 'equal-keys = refused'],
  ['hint', 'nr-entries = hint'],
  ['limit', 'nr-entries = limit'],
] as const;

/** Runs a case of api.cc; files that it needs go into `folder`. */
export function runApiCase(
  program: string | readonly string[],
  name: string,
  folder: string,
  crypto = 'auto',
): void {
  const mapping = join(folder, 'mapping.conf');
  // Where packets are counted no others come.
  const [uplink, vf] = RSS_CASES.includes(name)
    ? [`net_pcap0,rx_pcap=${flowsIn(folder)}\nhold = 300`, 'net_null1,no-rx=1']
    : ['net_null0', 'net_null1'];
  writeFileSync(
    mapping,
    `[device 03:00.0]\nport = ${uplink}\nmtu = 1500\nbuffers = 1024\nderived-keys = 64\ncrypto = ${crypto}\n` +
      `completions = ${COMPLETIONS[name] ?? 'queued'}\n` +
      `[representor vf0]\nport = ${vf}\nmtu = 1500\n`,
  );
  expect(runCase(program, name, mapping)).not.toMatch(/\b(4294967295|18446744073709551615)\b/);
}

/** Runs one of BEHAVIOUR_CASES. */
export function runBehaviourCase(
  program: string | readonly string[],
  [name, line]: readonly [name: string, line: string],
  folder: string,
): void {
  // Where completions are not what it is about, control entries wait for the queue in all releases.
  const lines = line.startsWith('completions') ? [line] : ['completions = queued', line];
  runCase(program, name, writeMapping(folder, ringDevice({ lines })));
}

/** A capture with datagrams of each flow. */
function flowsIn(folder: string): string {
  const capture = join(folder, 'flows.pcap');
  const flows = Array.from({ length: FLOWS }, (_, i) => [flowFrame(4, i), flowFrame(6, i)]).flat();
  writeFileSync(capture, Buffer.concat([pcapHeader(), ...flows.map((frame) => pcapRecord(0n, frame))]));
  return capture;
}

/** A datagram of flow number `i`. */
function flowFrame(family: Family, i: number): Uint8Array {
  const payload = Uint8Array.of(0x30, i, 0x13, 0x88, 0, 8, 0, 0);
  const addresses = { source: V1[family], destination: V2[family] };
  return frameOf({ family, ...addresses, protocol: 17, payload, trafficClass: 0, ttl: 64 });
}
