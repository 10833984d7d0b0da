import { describe, expect, test } from 'vitest';
import type { LinkFate } from '../../../src/hal-sim/ports/link.js';
import { type CaptureRecord, readCapture } from '../../../src/packet/pcap.js';
import { Captures } from '../../../src/topology/captures.js';
import { linkPlan } from '../../support/topologies.js';

const EPOCH_MS = 1_767_225_600_000;
const LINK = linkPlan('h1:p0', 's1:e1');

function build() {
  const files = new Map<string, Uint8Array[]>();
  let nowMs = EPOCH_MS;
  const captures = new Captures(
    {
      write: (file, octets) => {
        const pieces = files.get(file) ?? [];
        pieces.push(octets.slice());
        files.set(file, pieces);
      },
    },
    () => nowMs,
  );
  const read = async (file: string): Promise<CaptureRecord[]> => {
    async function* source() {
      yield* files.get(file)!;
    }
    const records: CaptureRecord[] = [];
    for await (const record of readCapture(source())) records.push(record);
    return records;
  };
  return {
    captures,
    files,
    read,
    setMs: (ms: number) => {
      nowMs = EPOCH_MS + ms;
    },
  };
}

const frame = (mark: number) => new Uint8Array(60).fill(mark);

test('a link has a file, with an interface by the name of each end, at which a frame was sent', async () => {
  const { captures, files, read, setMs } = build();
  captures.onLink(LINK, 1, frame(1), 'carried');
  setMs(1.234_567);
  captures.onLink(LINK, 0, frame(2), 'carried');
  expect([...files.keys()]).toEqual(['link-h1_p0-s1_e1.pcapng']);
  const sections = Buffer.concat(files.get('link-h1_p0-s1_e1.pcapng')!).toString('latin1').split('\n\r\r\n');
  expect(sections).toHaveLength(2);
  const records = await read('link-h1_p0-s1_e1.pcapng');
  expect(
    records.map(({ interfaceName, interfaceIndex, frame: f }) => [interfaceName, interfaceIndex, f]),
  ).toEqual([
    ['s1:e1', 1, frame(1)],
    ['h1:p0', 0, frame(2)],
  ]);
});

test('times are those of the run, to the microsecond', async () => {
  const { captures, read, setMs } = build();
  for (const ms of [0, 1.234_567, 3_600_000.001]) {
    setMs(ms);
    captures.onLink(LINK, 0, frame(0), 'carried');
  }
  const start = BigInt(EPOCH_MS) * 1_000_000n;
  const records = await read('link-h1_p0-s1_e1.pcapng');
  expect(records.map(({ timestampNs }) => timestampNs - start)).toEqual([0n, 1_235_000n, 3_600_000_001_000n]);
});

describe('what becomes of a frame stands beside it', () => {
  test.each<[LinkFate, RegExp | undefined]>([
    ['carried', undefined],
    ['lost', /lost/],
    ['duplicated', /copy/],
    ['corrupted', /bit flipped/],
    ['queue-dropped', /dropped.*queue/],
  ])('%s', async (fate, comment) => {
    const { captures, read } = build();
    captures.onLink(LINK, 0, frame(1), fate);
    const [record] = await read('link-h1_p0-s1_e1.pcapng');
    if (comment === undefined) expect(record!.comments).toBeUndefined();
    else expect(record!.comments).toEqual([expect.stringMatching(comment)]);
  });
});

test('a VF has a file, with an interface for each direction', async () => {
  const { captures, files, read } = build();
  captures.onVf('h1', 'in', frame(1));
  captures.onVf('h1', 'out', frame(2));
  captures.onVf('h2', 'out', frame(3));
  expect([...files.keys()]).toEqual(['vf-h1.pcapng', 'vf-h2.pcapng']);
  expect((await read('vf-h1.pcapng')).map((r) => [r.interfaceName, r.frame])).toEqual([
    ['h1:vf from workload', frame(1)],
    ['h1:vf to workload', frame(2)],
  ]);
  expect((await read('vf-h2.pcapng')).map((r) => r.interfaceName)).toEqual(['h2:vf to workload']);
});

test('each link has a file of its own, and the frame may be changed once it is written', async () => {
  const { captures, files, read } = build();
  const lent = frame(7);
  captures.onLink(LINK, 0, lent, 'carried');
  lent.fill(0);
  captures.onLink(linkPlan('h1:p0', 's2:e1'), 0, frame(8), 'carried');
  expect(files.size).toBe(2);
  expect((await read('link-h1_p0-s1_e1.pcapng'))[0]!.frame).toEqual(frame(7));
  expect((await read('link-h1_p0-s2_e1.pcapng'))[0]!.frame).toEqual(frame(8));
});
