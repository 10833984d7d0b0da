/** Packets that were captured before an interface cut them have no length in their IP header: nothing here takes their rest for padding. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.js';
import { encryptStep, processCapture } from '../../../src/cli/pcap-process.js';
import { createPcapPort } from '../../../src/hal-sim/ports/pcap-port.js';
import { parseIp } from '../../../src/packet/address.js';
import { describeFrame, summarize } from '../../../src/packet/describe.js';
import { pcapHeader, pcapRecord } from '../../../src/packet/pcap.js';
import { OFFLOADED } from '../../../src/packet/tags.js';
import { replayOf } from '../../../src/topology/traffic/replay-frames.js';

const IPV6_SOURCE = 'fd00:0:0:1::33';
const IPV4_SOURCE = '192.168.1.33';
const TCP = [0, 1, 0, 2, ...new Array<number>(8).fill(0), 0x50, 0x18, ...new Array<number>(586).fill(7)];

/** An Ethernet frame with an IPv6 packet whose payload length is 0, whatever is behind the header. */
function ipv6(nextHeader: number, behind: readonly number[], tag: readonly number[] = []): Uint8Array {
  const frame = Uint8Array.from([
    ...new Array<number>(12).fill(2),
    ...tag,
    ...[0x86, 0xdd, 0x60, 0, 0, 0, 0, 0, nextHeader, 64],
    ...new Array<number>(32).fill(0),
    ...behind,
  ]);
  const source = 14 + tag.length + 8;
  frame.set([0xfd, 0, 0, 0, 0, 0, 0, 1], source);
  frame[source + 15] = 0x33;
  frame.set([0xfd, 0, 0, 0, 0, 0, 0, 1], source + 16);
  frame[source + 31] = 0x55;
  return frame;
}

function ipv4(tag: readonly number[] = []): Uint8Array {
  const header = [0x45, 0, 0, 0, 0, 0, 0, 0, 64, 6, 0, 0, 192, 168, 1, 33, 192, 168, 1, 55];
  return Uint8Array.from([...new Array<number>(12).fill(2), ...tag, 8, 0, ...header, ...TCP]);
}

/** Hop-by-hop options: the jumbo payload option, or padding alone. */
const jumbo = [6, 0, 0xc2, 4, 0, 0, (TCP.length + 8) >>> 8, (TCP.length + 8) & 0xff, ...TCP];
const padded = [6, 0, 1, 4, 0, 0, 0, 0, ...TCP];
const VLAN = [0x81, 0, 0, 100];

const FRAMES: readonly (readonly [name: string, frame: Uint8Array])[] = [
  ['IPv4', ipv4()],
  ['IPv4 in a VLAN', ipv4(VLAN)],
  ['IPv6', ipv6(6, TCP)],
  ['IPv6 with a jumbo option', ipv6(0, jumbo)],
  ['IPv6 with a jumbo option in a VLAN', ipv6(0, jumbo, VLAN)],
  ['IPv6 with other hop-by-hop options', ipv6(0, padded)],
  ['IPv6 with destination options', ipv6(60, padded)],
  ['IPv6 with SCTP', ipv6(132, TCP)],
];

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'psp-gateway-offloaded-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function written(frame: Uint8Array): string {
  const path = join(folder, 'in.pcap');
  writeFileSync(path, Buffer.concat([pcapHeader(), pcapRecord(0n, frame)]));
  return path;
}

async function intoPort(frame: Uint8Array) {
  const port = createPcapPort({ input: written(frame), clock: systemClock, mtuOctets: 9000 });
  const received: Uint8Array[] = [];
  await port.start((batch) => received.push(...batch));
  await port.done;
  await port.close();
  return { received, skipped: port.counters.skipped };
}

function replayed(frame: Uint8Array) {
  const record = { atMs: 0, linkType: 1, originalOctets: frame.length, frame };
  return replayOf([parseIp(IPV4_SOURCE), parseIp(IPV6_SOURCE)], [record]);
}

const step = encryptStep(
  {
    masterKeys: [new Uint8Array(32), new Uint8Array(32)],
    spi: 1,
    mode: 'tunnel',
    version: 0,
    cryptOffsetWords: { transport: 0, tunnelIpv4: 0, tunnelIpv6: 0 },
    cookie: false,
  },
  false,
);

describe.each(FRAMES)('%s', (_name, frame) => {
  test('is not encrypted', async () => {
    expect(step(frame)).toEqual({ reason: OFFLOADED });
    const result = await processCapture({ input: written(frame), output: join(folder, 'out.pcap'), step });
    expect(result).toEqual({ written: 0, failed: new Map([[OFFLOADED, 1]]) });
  });

  test('is not replayed, and counted as what cannot be', () => {
    expect(replayed(frame)).toEqual({ frames: [], leftOut: { [OFFLOADED]: 1 }, unplayable: 1 });
  });

  test('does not come in at a port', async () => {
    expect(await intoPort(frame)).toEqual({ received: [], skipped: new Map([[OFFLOADED, 1]]) });
  });

  test('is shown with what is behind its headers', () => {
    const line = summarize(describeFrame(frame));
    expect(line).toContain(` | Offloaded ${OFFLOADED}`);
    expect(line).toMatch(/ \| (TCP 1 > 2|SCTP|protocol 132)/);
    expect(line).not.toContain('Malformed');
  });
});

test('padding behind a packet that has nothing (No Next Header) is padding', async () => {
  const frame = ipv6(59, [0, 0, 0, 0, 0, 0]);
  expect(step(frame)).toHaveProperty('frame');
  expect(replayed(frame).frames).toHaveLength(1);
  expect(await intoPort(frame)).toEqual({ received: [frame], skipped: new Map() });
  expect(summarize(describeFrame(frame))).not.toContain('Offloaded');
});
