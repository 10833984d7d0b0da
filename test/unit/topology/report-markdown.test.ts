import { describe, expect, test } from 'vitest';
import type { FlowReport, NodeReport, Report } from '../../../src/topology/report.js';
import { reportMarkdown } from '../../../src/topology/report-markdown.js';

const LATENCY = { count: 9, min: 0.1, p50: 1.23456, p90: 3, p99: 4.5, max: 6 };
const FLOW: FlowReport = {
  type: 'ping',
  from: 'v1',
  to: 'v2',
  sent: 10,
  delivered: 9,
  lost: 1,
  duplicates: 2,
  reordered: 3,
  latencyMs: LATENCY,
};
const NODE: NodeReport = {
  starts: 1,
  sessions: 4,
  keySlotsUsed: 4,
  rotations: 2,
  egressUpdates: 0,
  rpcs: { asked: 11, answered: 9, failed: 1, received: 8, granted: 7 },
  tunnelSetUpMs: { ...LATENCY, p50: 7, max: 8 },
  psp: { txPackets: 21, rxPackets: 22, rxAuthFail: 23 },
  fates: {},
  slowPath: {},
  pipes: {},
  vacant: { uplink: 0, vf: 0 },
};
const END = {
  sent: 31,
  delivered: 32,
  lost: 33,
  duplicated: 34,
  reordered: 35,
  corrupted: 36,
  queueDropped: 37,
  closed: 0,
};
const REPORT: Report = {
  name: 'three',
  seed: 7,
  ok: true,
  durationMs: 12_345.6,
  gateways: 3,
  tunnels: 6,
  flows: {},
  nodes: {},
  switches: {},
  routers: {},
  links: {},
  oob: { calls: 12, lost: 1 },
  injected: 0,
  expectations: [],
  violations: [],
  violationCount: 0,
  errors: [],
};

/** The rows of a section's table, cells without padding; undefined when there is no such section. */
function rows(report: Partial<Report>, title: string): string[][] | undefined {
  const section = reportMarkdown({ ...REPORT, ...report })
    .split('\n\n## ')
    .find((part) => part.startsWith(`${title}\n`));
  return section
    ?.split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) => line.slice(2, -2).split(' | '));
}

test('begins with the verdict and what the run was; sections without rows are not there', () => {
  expect(reportMarkdown(REPORT)).toBe(
    '# three: as expected\n\n3 gateways, 6 tunnels, 12.346 s, seed 7.\n\nOOB network: calls 12, lost 1.\n',
  );
  expect(reportMarkdown({ ...REPORT, ok: false })).toMatch(/^# three: NOT as expected\n/);
});

test('expectations, violations and errors are told as they are, what is not met first', () => {
  const expectations = [
    { text: 'all arrive', ok: true, seen: 'lost: 0' },
    { text: 'none arrives', ok: false, seen: 'a arrived' },
  ];
  expect(rows({ expectations }, 'Expectations')!.slice(2)).toEqual([
    ['**failed**', 'none arrives', 'a arrived'],
    ['ok', 'all arrive', 'lost: 0'],
  ]);
  const violations = [{ kind: 'plaintext', atMs: 1.5, node: 'h1', text: 'a frame' }] as const;
  expect(rows({ violations, violationCount: 103 }, 'Violations (103)')!.slice(2)).toEqual([
    ['1.500', 'h1', 'plaintext', 'a frame'],
  ]);
  expect(rows({ errors: ['one', 'two'] }, 'Errors')!.slice(2)).toEqual([['one'], ['two']]);
});

describe('flows', () => {
  const flow = (change: Partial<FlowReport>) => rows({ flows: { A: { ...FLOW, ...change } } }, 'Flows')![2];

  test('their counts and latencies, under heads that say which', () => {
    expect(rows({ flows: { A: FLOW } }, 'Flows')![0]).toEqual([
      ...['flow', 'type', 'sent', 'delivered', 'lost', 'repeated', 'latency ms: p50', 'p99', 'max', ''],
    ]);
    expect(flow({})).toEqual(['A', 'ping', '10', '9', '1', '2', '1.235', '4.500', '6.000', '']);
    const { latencyMs: _, ...none } = FLOW;
    expect(rows({ flows: { A: none } }, 'Flows')![2]!.slice(6)).toEqual(['', '', '', '']);
  });

  test('transfers say whether what arrived is what was sent', () => {
    const transfer = { octets: 500, intact: true, retransmissions: 3 };
    expect(flow({ transfer })!.at(-1)).toBe('500 octets, SHA-256 equal, 3 segments again');
    expect(flow({ transfer: { ...transfer, intact: false } })!.at(-1)).toMatch(/^500 octets, NOT INTACT/);
  });

  test('those that do not meet an expectation say so', () => {
    const transfer = { octets: 500, intact: true, retransmissions: 3 };
    expect(flow({ failed: true })!.at(-1)).toBe('**failed**');
    expect(flow({ failed: true, transfer })!.at(-1)).toMatch(/^\*\*failed\*\*, 500 octets/);
  });
});

describe('gateways', () => {
  test('their tunnels, RPCs, rotations and packets', () => {
    const table = rows({ nodes: { h1: NODE } }, 'Gateways')!;
    expect(table[0]!.length).toBe(table[2]!.length);
    expect(table[2]).toEqual(['h1', '4', '7.000', '8.000', '11', '1', '2', '21', '22', '23']);
    const { tunnelSetUpMs: _, ...none } = NODE;
    expect(rows({ nodes: { h1: { ...none, psp: {} } } }, 'Gateways')![2]).toEqual([
      ...['h1', '4', '', '', '11', '1', '2', '0', '0', '0'],
    ]);
  });

  test('a drop is a row with its reason; what did not happen is none', () => {
    const node: NodeReport = {
      ...NODE,
      psp: { ...NODE.psp, rxError: 1, rxBad: 2, txError: 3, portDropped: 4, rssDropped: 5 },
      slowPath: {
        noPeer: 6,
        noSession: 7,
        unusable: 8,
        overflowed: 9,
        expired: 10,
        abandoned: 11,
        looping: 12,
        tooBigDropped: 13,
        answeredTooBig: 18,
      },
      pipes: { SYNDROME_STATS: { packets: 14, misses: 1 }, OTHER: { packets: 99, misses: 99 } },
      vacant: { uplink: 16, vf: 1 },
    };
    const drops = rows({ nodes: { h0: NODE, h1: node } }, 'Drops')!.slice(2);
    expect(drops.map(([name]) => name)).toEqual(drops.map(() => 'h1'));
    expect(Object.fromEntries(drops.map(([, reason, count]) => [reason, Number(count)]))).toEqual({
      'SYNDROME_STATS: not authenticated, or not allowed': 15,
      'malformed PSP': 1,
      'reserved version or SPI': 2,
      'could not be encrypted': 3,
      'larger than the MTU': 4,
      'queue of the CPU full': 5,
      'no peer owns the destination': 6,
      'no room for another session': 7,
      'no packet that a session could carry': 8,
      'queue for its session full': 9,
      'waited too long for its session': 10,
      'session removed': 11,
      'missed again and again': 12,
      'too big, answered: fragmentation needed': 18,
      'too big': 13,
      'came while the gateway was down': 17,
    });
    expect(rows({ nodes: { h1: NODE } }, 'Drops')).toBeUndefined();
  });
});

test('links have a row for each end that sent something, routers one for each port', () => {
  const links = { 'h1:p0 s1:e1': { 'h1:p0': END, 's1:e1': { ...END, sent: 0 } } };
  expect(rows({ links }, 'Links')!.slice(2)).toEqual([['h1:p0', '31', '32', '33', '34', '35', '36', '37']]);
  const routers = { r1: { counters: {}, sent: { e0: 3, e1: 0 } } };
  expect(rows({ routers }, 'Routers: packets by port')!.slice(2)).toEqual([
    ['r1', 'e0', '3'],
    ['r1', 'e1', '0'],
  ]);
});

describe('a table stays one', () => {
  test('after fifty rows it says how many more there are', () => {
    const errors = Array.from({ length: 53 }, (_, i) => `error ${i}`);
    expect(rows({ errors }, 'Errors')).toHaveLength(52);
    expect(reportMarkdown({ ...REPORT, errors })).toContain('\n\n3 more rows are in report.json.\n');
    expect(reportMarkdown({ ...REPORT, errors: errors.slice(0, 50) })).not.toContain('more rows');
  });

  test('whatever bars and line ends its texts have', () => {
    expect(reportMarkdown({ ...REPORT, errors: ['a|b|c', 'one\ntwo'] })).toContain(
      '\n| a\\|b\\|c |\n| one two |\n',
    );
  });
});
