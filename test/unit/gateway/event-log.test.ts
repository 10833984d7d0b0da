import { expect, test } from 'vitest';
import { createVirtualClock } from '../../../src/base/virtual-clock.js';
import {
  CAUSES_MAX,
  EventLog,
  LINES_PER_CAUSE_AT_ONCE,
  LINES_PER_KIND_AT_ONCE,
  SUMMARY_INTERVAL_MS,
} from '../../../src/gateway/event-log.js';
import type { GatewayEvent } from '../../../src/gateway/events.js';
import type { LogFields, LogLevel } from '../../../src/gateway/log.js';
import { parseIp } from '../../../src/packet/address.js';

const LEVELS: readonly LogLevel[] = ['critical', 'error', 'warning', 'info', 'debug', 'trace'];

function open(least: LogLevel = 'info') {
  const clock = createVirtualClock(1_000_000);
  const lines: { level: LogLevel; message: string; fields: LogFields }[] = [];
  const logger = {
    log: (level: LogLevel, message: string, fields: LogFields = {}) => lines.push({ level, message, fields }),
    enabled: (level: LogLevel) => LEVELS.indexOf(level) <= LEVELS.indexOf(least),
  };
  const log = new EventLog({ clock, logger });
  return { clock, log, lines, taken: () => lines.splice(0) };
}

const PAIR = { localVip: parseIp('10.1.0.1'), remoteVip: parseIp('10.2.0.1') };
const UP = { ...PAIR, peer: 'h2', spi: 0x8000_00ff, ingressSpi: 7, cryptoId: 3, askedBy: 'us' } as const;
const seen = (peer: string): GatewayEvent => ({ type: 'peer-seen', peer });

test.each<[GatewayEvent, LogLevel, string, LogFields]>([
  [
    { type: 'tunnel-established', ...UP },
    'info',
    'tunnel established',
    { ...PAIR, peer: 'h2', spi: '0x800000ff', ingressSpi: '0x00000007', cryptoId: 3, askedBy: 'us' },
  ],
  [
    { type: 'tunnel-rekeyed', ...UP, formerSpi: 1, ageS: 9 },
    'info',
    'tunnel re-keyed',
    {
      ...PAIR,
      peer: 'h2',
      spi: '0x800000ff',
      ingressSpi: '0x00000007',
      cryptoId: 3,
      askedBy: 'us',
      formerSpi: '0x00000001',
      ageS: 9,
    },
  ],
  [
    { type: 'session-removed', peer: 'h2', reason: 'idle', ageS: 40, ...PAIR },
    'info',
    'tunnel expired: it was idle',
    { peer: 'h2', ageS: 40, ...PAIR },
  ],
  [
    { type: 'session-removed', peer: 'h2', ageS: 1, ...PAIR },
    'info',
    'tunnel removed',
    { peer: 'h2', ageS: 1, ...PAIR },
  ],
  [
    { type: 'certificate-expires', role: 'own', path: 'a.pem', subject: 'CN=a', notAfter: 'T', days: 3 },
    'warning',
    'our certificate ends soon; renew it',
    { role: 'own', path: 'a.pem', subject: 'CN=a', notAfter: 'T', days: 3 },
  ],
  [
    { type: 'certificate-expired', role: 'authority', path: 'a.pem', subject: 'CN=a', notAfter: 'T' },
    'error',
    "an authority's certificate has ended",
    { role: 'authority', path: 'a.pem', subject: 'CN=a', notAfter: 'T' },
  ],
  [seen('h2'), 'info', 'peer seen', { peer: 'h2' }],
  [{ type: 'peer-seen', peer: 'h2', silentS: 7 }, 'info', 'peer seen again', { peer: 'h2', silentS: 7 }],
  [
    { type: 'peer-silent', peer: 'h2', seen: true, reason: 'late' },
    'warning',
    'peer does not answer: late',
    { peer: 'h2' },
  ],
  [
    { type: 'exchange-failed', peer: 'h2', tunnels: 2, reason: 'late', attempt: 3, retryInMs: 80 },
    'warning',
    'tunnel request failed: late',
    { peer: 'h2', tunnels: 2, attempt: 3, retryInMs: 80 },
  ],
  [
    {
      type: 'request-refused',
      from: '10.0.0.9:1',
      method: 'Announce',
      code: 'PERMISSION_DENIED',
      reason: 'no',
    },
    'warning',
    'refused: no',
    { from: '10.0.0.9:1', method: 'Announce', code: 'PERMISSION_DENIED' },
  ],
  [
    { type: 'packet-refused', reason: 'no peer', source: PAIR.localVip, destination: PAIR.remoteVip },
    'warning',
    'packet dropped: no peer',
    { source: PAIR.localVip, destination: PAIR.remoteVip },
  ],
  [
    { type: 'device-failed', operation: 'apply', code: 'DRIVER', reason: 'no answer', count: 3 },
    'error',
    'the device failed: no answer',
    { operation: 'apply', code: 'DRIVER', count: 3 },
  ],
  [
    { type: 'slow-operation', operation: 'setKeys', count: 3, durationMs: 1500 },
    'warning',
    'the device was slow',
    { operation: 'setKeys', count: 3, durationMs: 1500 },
  ],
  [{ type: 'rotated', rotations: 2 }, 'info', 'master key rotated', { rotations: 2 }],
])('%j', (event, level, message, fields) => {
  const { log, lines } = open();
  log.tell(event);
  expect(lines).toEqual([{ level, message, fields: { event: event.type, ...fields } }]);
});

test('steps of the slow path, and sessions that never were established, are for debugging', () => {
  const events: GatewayEvent[] = [
    { type: 'miss', waiting: 1, ...PAIR },
    { type: 'request-failed', peer: 'h2', reason: 'late' },
    { type: 'egress-installed', spi: 1, cryptoId: 1, ...PAIR },
    { type: 'session-removed', peer: 'h2', ...PAIR },
    { type: 'announcement-received', peer: 'h2', sessions: 0 },
  ];
  const info = open('info');
  const debug = open('debug');
  for (const event of events) {
    info.log.tell(event);
    debug.log.tell(event);
  }
  expect(info.lines).toEqual([]);
  // What is not logged is not remembered either.
  expect(info.clock.pending).toBe(0);
  expect(debug.lines.map(({ level }) => level)).toEqual(events.map(() => 'debug'));
});

test('a loud cause has its lines at once, one a second, and a summary; it silences no other', async () => {
  const { clock, log, lines, taken } = open();
  for (let i = 0; i < 500; i++) log.tell(seen('loud'));
  expect(taken()).toHaveLength(LINES_PER_CAUSE_AT_ONCE);
  log.tell(seen('other'));
  expect(taken()).toMatchObject([{ fields: { peer: 'other' } }]);
  await clock.advance(1000);
  for (let i = 0; i < 5; i++) log.tell(seen('loud'));
  expect(taken()).toHaveLength(1);
  await clock.advance(SUMMARY_INTERVAL_MS);
  expect(taken()).toEqual([
    {
      level: 'info',
      message: 'lines left out: peer-seen',
      fields: { event: 'peer-seen', leftOut: 490 + 4, mostAbout: 'loud' },
    },
  ]);
  expect(log.leftOut).toBe(494);
  // All is quiet: nothing more is told or remembered.
  await clock.advance(3 * SUMMARY_INTERVAL_MS);
  expect([lines, clock.pending]).toEqual([[], 0]);
});

test('many causes together have a bounded number of lines, and one summary of each kind', async () => {
  const { clock, log, taken } = open();
  for (let i = 0; i < 3 * CAUSES_MAX; i++) log.tell(seen(`h${i}`));
  expect(taken()).toHaveLength(LINES_PER_KIND_AT_ONCE);
  await clock.advance(SUMMARY_INTERVAL_MS);
  const leftOut = 3 * CAUSES_MAX - LINES_PER_KIND_AT_ONCE;
  // Those that came when no more were told apart are the largest cause.
  expect(taken()).toMatchObject([{ fields: { event: 'peer-seen', leftOut, mostAbout: 'others' } }]);
});

test('of CAUSES_MAX causes each is told apart, one more is not', async () => {
  const { clock, log, taken } = open();
  for (let i = 0; i < CAUSES_MAX; i++) log.tell(seen(`h${i}`));
  await clock.advance(9_000);
  taken();
  for (let i = 0; i < LINES_PER_CAUSE_AT_ONCE + 2; i++) log.tell(seen('one more'));
  for (let i = 0; i < LINES_PER_CAUSE_AT_ONCE; i++) log.tell(seen('and another'));
  expect(taken()).toHaveLength(LINES_PER_CAUSE_AT_ONCE);
});

test('at the end what was left out is told', () => {
  const { clock, log, taken } = open();
  for (let i = 0; i < 12; i++) log.tell(seen('h2'));
  taken();
  log.stop();
  expect(taken()).toMatchObject([{ fields: { leftOut: 2 } }]);
  expect(clock.pending).toBe(0);
});
