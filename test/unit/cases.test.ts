/** Small captures and topologies on which the program was wrong once (test/cases), and what is right. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseDecryptConfig, parseEncryptConfig } from '../../src/cli/pcap-config.js';
import { decryptCapture } from '../../src/cli/pcap-decrypt.js';
import { decryptStep, encryptionKey, encryptStep, processCapture } from '../../src/cli/pcap-process.js';
import { readTextFile } from '../../src/files/read-file.js';
import { replaceFile } from '../../src/files/replace-file.js';
import { readGatewayOptions } from '../../src/gateway/config/read-options.js';
import { captureOctets } from '../../src/packet/capture-stream.js';
import { describeRecord, summarize } from '../../src/packet/describe.js';
import { type CaptureRecord, readCapture } from '../../src/packet/pcap.js';
import { dissectPsp } from '../../src/psp/inspect.js';
import { KeyRing } from '../../src/psp/key-ring.js';
import type { Sink } from '../../src/topology/captures.js';
import { readTopology, readTopologyFiles } from '../../src/topology/file/read.js';
import { readReplays } from '../../src/topology/file/read-replays.js';
import { dropsOfAll } from '../../src/topology/report-drops.js';
import { reportMarkdown } from '../../src/topology/report-markdown.js';
import { runVirtually } from '../../src/topology/virtual-run.js';

const CASES = fileURLToPath(new URL('../cases/', import.meta.url));
const textOf = (file: string) => readFileSync(join(CASES, file), 'utf8');

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'psp-gateway-cases-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function recordsOf(path: string): Promise<CaptureRecord[]> {
  const records: CaptureRecord[] = [];
  for await (const record of readCapture(captureOctets(path))) records.push(record);
  return records;
}

const linesOf = async (path: string) =>
  (await recordsOf(path)).map((record) => summarize(describeRecord(record, dissectPsp)));

describe('pcap inspect', () => {
  const DATAGRAM = 'IPv4 192.168.1.33 > 192.168.1.55 | UDP 5000 > 5001';
  test.each([
    ['link-types/raw101.pcap', DATAGRAM],
    ['link-types/sll113.pcap', DATAGRAM],
    ['link-types/null0.pcap', DATAGRAM],
    ['cut-records/snap96.pcap', `${DATAGRAM} | Captured 96 of 542 octets`],
    ['tags-and-tso/vlan.pcap', `VLAN 100 | ${DATAGRAM}`],
    ['tags-and-tso/qinq.pcap', `VLAN 200 | VLAN 100 | ${DATAGRAM}`],
    [
      'tags-and-tso/tso0.pcap',
      'IPv4 192.168.1.33 > 192.168.1.55 | TCP 1 > 2 [PSH ACK] | Offloaded no length in the IP header: segmentation was left to the interface (TSO)',
    ],
  ])('%s', async (file, line) => {
    const lines = await linesOf(join(CASES, file));
    expect(lines[0]).toBe(line);
  });

  test('a link type that is not read is named', () => {
    const frame = new Uint8Array(40);
    const record = { frame, linkType: 105, originalOctets: 40 };
    expect(summarize(describeRecord(record))).toBe('Link layer link type 105, IEEE 802.11: not read');
  });

  test('gzip is read like what is in it', async () => {
    const file = 'link-types/sll113.pcap';
    const compressed = join(folder, 'sll113.pcap.gz');
    await replaceFile(compressed, gzipSync(readFileSync(join(CASES, file))), { readers: 'public' });
    expect(await linesOf(compressed)).toEqual(await linesOf(join(CASES, file)));
    await replaceFile(compressed, gzipSync(readFileSync(join(CASES, file))).subarray(0, -9), {
      readers: 'public',
    });
    await expect(linesOf(compressed)).rejects.toThrow(/^gzip: unexpected end of file \(at octet \d+\)$/);
  });
});

describe('pcap encrypt', () => {
  test.each([
    ['vlan.pcap', 'tagged (VLAN)'],
    ['qinq.pcap', 'tagged (VLAN)'],
    ['tso0.pcap', 'no length in the IP header: segmentation was left to the interface (TSO)'],
  ])('says why it skips %s', async (file, reason) => {
    const config = parseEncryptConfig(textOf('tags-and-tso/enc.cfg'), 'enc.cfg');
    const result = await processCapture({
      input: join(CASES, 'tags-and-tso', file),
      output: join(folder, 'e.pcap'),
      step: encryptStep(config, false),
    });
    expect(result).toEqual({ written: 0, failed: new Map([[reason, 1]]) });
  });

  test.each(['raw101', 'sll113', 'null0'])('encrypts what has no Ethernet header: %s', async (file) => {
    const config = parseEncryptConfig(textOf('tags-and-tso/enc.cfg'), 'enc.cfg');
    const [input, output] = [join(CASES, `link-types/${file}.pcap`), join(folder, 'e.pcap.gz')];
    const { failed } = await processCapture({ input, output, step: encryptStep(config, false) });
    expect(failed.size).toBe(0);
    const lines = await linesOf(output);
    expect(lines[0]).toMatch(/ \| UDP \d+ > 1000 \| PSP SPI /);
  });

  test('of fragments in tunnel mode comes back, by master keys and by a keys file', async () => {
    const text = textOf('fragments-encrypt/tu.cfg');
    const config = parseEncryptConfig(text, 'tu.cfg');
    const input = join(CASES, 'fragments-encrypt/frag.pcap');
    const [encrypted, back, byKeys] = ['e.pcap', 'd.pcap', 'k.pcapng'].map((name) => join(folder, name));
    expect(await processCapture({ input, output: encrypted!, step: encryptStep(config, false) })).toEqual({
      written: 3,
      failed: new Map(),
    });
    expect(
      await processCapture({
        input: encrypted!,
        output: back!,
        step: decryptStep(parseDecryptConfig(text, 'tu.cfg')),
      }),
    ).toEqual({ written: 3, failed: new Map() });
    expect((await recordsOf(back!)).map(({ frame }) => frame)).toEqual(
      (await recordsOf(input)).map(({ frame }) => frame),
    );
    const keys = new KeyRing([encryptionKey(config)]);
    const counts = await decryptCapture({ input: encrypted!, output: byKeys!, keys, keysPath: input });
    expect(counts).toMatchObject({ decrypted: 3, notPsp: 0 });
  });
});

describe('text with a byte-order mark', () => {
  const read = (...argv: string[]) => readGatewayOptions(argv, readTextFile).options.peers;
  const WORKS = ['--pci-addr=0000:03:00.0', '--repr=pf0vf0', '--insecure'];

  test('is read in -j and --config', () => {
    const tunnel = [...WORKS, '-j', join(CASES, 'text-bom/bom.json')];
    expect(read(...tunnel)).toEqual(read(...WORKS, '--tunnel=127.0.0.3:192.168.1.55'));
    const path = join(CASES, 'text-bom/bomcfg.json');
    const bare = join(folder, 'bare.json');
    writeFileSync(bare, readFileSync(path, 'utf8').slice(1).replaceAll('\n', '\r\n'));
    const peers = read(...WORKS, `--config=${path}`);
    expect(peers.length).toBeGreaterThan(0);
    expect(read(...WORKS, `--config=${bare}`)).toEqual(peers);
  });
});

describe('topology run', () => {
  async function flowsOf(file: string, text = textOf(file), sink?: Sink) {
    const { topology, replays, problems } = readTopologyFiles(file, () => text);
    problems.throwIfAny();
    const { report } = await runVirtually(topology!, {
      ...(sink === undefined ? {} : { sink }),
      replays: await readReplays(replays, join(CASES, file)),
    });
    return report;
  }

  test.each([
    ['frags-tunnel', 10],
    ['nodf-tunnel', 5],
  ])('%s: what arrives in correct fragments has arrived', async (name, sent) => {
    const { flows, ok } = await flowsOf(`fragments-report/${name}.yaml`);
    expect(flows.Z).toMatchObject({ sent, delivered: sent, lost: 0, duplicates: 0 });
    expect(ok).toBe(true);
  });

  test('fragments-transport: what is too big for transport mode is answered, counted and told', async () => {
    const file = 'fragments-transport/nodf-transport.yaml';
    let log = '';
    const sink: Sink = {
      write(name, octets) {
        if (name === 'run.log') log += new TextDecoder().decode(octets);
      },
    };
    const report = await flowsOf(file, textOf(file), sink);
    const { flows, nodes } = report;
    const reason = 'too big, answered: fragmentation needed';
    expect(log).toMatch(/H1 info: a packet is too big, answered with the MTU that fits .*mtuOctets=\d+/);
    expect(reportMarkdown(report)).toContain(`| H1 | ${reason} | 5 |`);
    expect(dropsOfAll(report)).toEqual([[reason, 5]]);
    expect(flows.Z).toMatchObject({ sent: 5, delivered: 0 });
    expect(nodes.H1!.slowPath).toMatchObject({ answeredTooBig: 5, fragmented: 0, tooBigDropped: 0 });
    expect(nodes.H1!.psp.txError).toBe(0);
  });

  test('fragments-transport: fragments of a workload are dropped, and counted', async () => {
    const text = textOf('fragments-transport/nodf-transport.yaml').replace(
      'nodf1500.pcap',
      '../fragments-report/frags1500.pcap',
    );
    const { flows, nodes } = await flowsOf('fragments-transport/nodf-transport.yaml', text);
    expect(flows.Z).toMatchObject({ sent: 10, delivered: 0 });
    expect(nodes.H1!.slowPath).toMatchObject({ fragmentsDropped: 10 });
    expect(nodes.H1!.psp.txError).toBe(0);
  });

  test('min-mtu: an underlay that is too small for IPv6 is refused, with the numbers', () => {
    const file = 'min-mtu/v6min-1300.yaml';
    const problem =
      "an MTU of 1300 leaves 1220 octets for the workload's packets, and IPv6 needs 1280 (RFC 8200, section 5); make it 1360, or carry IPv4 only (--inner=ipv4)";
    expect(() => readTopology(file, () => textOf(file))).toThrow(
      `${file}:6: topology.nodes.H1: its link: ${problem}\n${file}:7: topology.nodes.H2: its link: ${problem}`,
    );
    const enough = textOf(file).replace('mtu: 1300', 'mtu: 1360');
    expect(readTopology(file, () => enough).links[0]!.mtuOctets).toBe(1360);
  });

  test('a replay of a capture that cannot be played whole says so, and does not fulfil what is expected', async () => {
    const text = textOf('fragments-report/nodf-tunnel.yaml').replace(
      'nodf1500.pcap',
      '../cut-and-whole.pcap',
    );
    const { flows, ok, expectations } = await flowsOf('fragments-report/nodf-tunnel.yaml', text);
    expect(flows.Z).toMatchObject({ sent: 1, delivered: 1, unplayable: 1 });
    expect(flows.Z!.leftOut).toEqual({ 'captured in part only': 1 });
    expect(ok).toBe(false);
    expect(expectations[0]!.seen).toBe('Z: 1 of 2 lost (1 of the capture cannot be sent)');
  });
});
