/** What an output may take the place of, and what a capture is by its first octets. */
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { mustBeCapture } from '../../../src/cli/capture-check.js';
import {
  mustBeReplaceable,
  mustTakeOutput,
  type OutputKind,
  outputProblem,
} from '../../../src/cli/replaceable.js';
import { loadTopology } from '../../../src/cli/topology-file.js';
import { renderDot, renderJson, renderMermaid } from '../../../src/draw/render.js';
import { renderSvg } from '../../../src/draw/render-svg.js';
import { pcapHeader } from '../../../src/packet/pcap.js';
import { PcapngWriter } from '../../../src/packet/pcapng.js';
import { formatSaKey } from '../../../src/psp/keys-file.js';
import { topologyDot, topologyMermaid, topologySvg } from '../../../src/topology/graph.js';
import { sequenceMermaid } from '../../../src/topology/sequence.js';
import { sequenceSvg } from '../../../src/topology/sequence-svg.js';
import { ROOT } from '../../support/root.js';

let folder: string;
let place: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'psp-gateway-replaceable-'));
  place = join(folder, 'place');
});
afterEach(() => rmSync(folder, { recursive: true }));

const pcapng = () => {
  const blocks: Uint8Array[] = [];
  new PcapngWriter((octets) => blocks.push(octets)).addInterface('one');
  return Buffer.concat(blocks);
};

async function ownOutputs(): Promise<readonly (readonly [OutputKind, string | Uint8Array])[]> {
  const topology = loadTopology(join(ROOT, 'examples/two-hosts.yaml'));
  const program = { name: 'a "name"', pipes: [] };
  return [
    ['capture', pcapHeader()],
    ['capture', gzipSync(pcapHeader())],
    ['capture', pcapng()],
    ['keys', formatSaKey({ spi: 1, version: 0, key: new Uint8Array(16) })],
    ['drawing', topologyDot(topology)],
    ['drawing', topologyMermaid(topology)],
    ['drawing', await topologySvg(topology)],
    ['drawing', renderDot(program)],
    ['drawing', renderMermaid(program)],
    ['drawing', await renderSvg(program)],
    ['drawing', renderJson({ name: 'a', pipes: [{} as never] })],
    ['drawing', sequenceMermaid([])],
    ['drawing', sequenceSvg([])],
  ];
}

const KINDS: readonly OutputKind[] = ['capture', 'keys', 'drawing'];

test('everything that is written takes the place of its own kind, and of no other', async () => {
  for (const [own, content] of await ownOutputs()) {
    writeFileSync(place, content);
    for (const kind of KINDS) {
      const look = () => mustBeReplaceable(place, kind);
      if (kind === own) expect(look, String(content).slice(0, 80)).not.toThrow();
      else
        expect(look).toThrow(
          /place is there and is no .*; it would be replaced: name another file, or remove/,
        );
    }
  }
});

test('nothing of anybody else’s is replaced', () => {
  const others = [
    'my own',
    readFileSync(join(ROOT, 'package.json')),
    '{"name": "my own", "pipes": []}',
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10 10"></svg>',
    'graph "mine" {\n  a -- b\n}\n',
    gzipSync('my own'),
    'x'.repeat(9 * 1024 * 1024),
  ];
  for (const content of others) {
    writeFileSync(place, content);
    for (const kind of KINDS) expect(() => mustBeReplaceable(place, kind)).toThrow('it would be replaced');
  }
});

test('nothing, an empty file and a link are nobody’s', async () => {
  await mustTakeOutput(place, 'capture');
  writeFileSync(place, '');
  await mustTakeOutput(place, 'keys');
  symlinkSync(join(ROOT, 'package.json'), join(folder, 'link'));
  await mustTakeOutput(join(folder, 'link'), 'drawing');
});

describe('a file that is no capture', () => {
  test.each([
    ['text', Buffer.from('no capture at all, and long enough to be one'), 'neither pcap nor pcapng'],
    ['nothing', Buffer.of(), 'the file is empty'],
    ['three octets', Buffer.of(0xd4, 0xc3, 0xb2), 'neither pcap nor pcapng'],
    [
      'no link type',
      Buffer.from(pcapHeader()).subarray(0, 20),
      'the file ends after 20 octets, in its pcap header',
    ],
    ['half a section', pcapng().subarray(0, 23), 'the file ends after 23 octets, in its pcapng header'],
    ['no order', Buffer.from(`0a0d0d0a${'00'.repeat(24)}`, 'hex'), 'a section without byte order mark'],
    ['compressed text', gzipSync('no capture at all, and long enough'), 'neither pcap nor pcapng'],
    ['no gzip', Buffer.from(`1f8b0800${'ff'.repeat(30)}`, 'hex'), 'gzip: '],
  ])('%s', (_, content, why) => {
    writeFileSync(place, content);
    expect(() => mustBeCapture(place)).toThrow(why);
  });

  test('is not one that is large, or damaged further on', () => {
    const large = Buffer.concat([pcapHeader(), Buffer.alloc(1 << 20, 0x55)]);
    for (const content of [large, gzipSync(large), gzipSync(large).subarray(0, 100)]) {
      writeFileSync(place, content);
      mustBeCapture(place);
    }
  });
});

test('"-" is no name of a file: keys and drawings do not go into one of this name', async () => {
  await expect(mustTakeOutput('-', 'keys')).rejects.toThrow('"-" is standard output for captures only');
  expect(await outputProblem('-', 'drawing')).toBe(
    '--output: "-" is standard output for captures only; name a file',
  );
});
