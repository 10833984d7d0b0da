import { expect, test } from 'vitest';
import { createVirtualClock } from '../../../src/base/virtual-clock.js';
import { PER_CAUSE, SELDOM } from '../../../src/gateway/event-lines.js';
import {
  CAUSES_MAX,
  EventLog,
  LINES_PER_KIND_AT_ONCE,
  SUMMARY_INTERVAL_MS,
} from '../../../src/gateway/event-log.js';
import type { GatewayEvent } from '../../../src/gateway/events.js';
import type { LogFields, LogLevel } from '../../../src/gateway/log.js';
import { macFromOctets, parseIp } from '../../../src/packet/address.js';

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
const MAC = macFromOctets(Uint8Array.of(2, 0, 0, 0, 0, 9));
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
    { type: 'rotation-refused', peer: 'h2', from: '10.0.0.9:1', code: 'PERMISSION_DENIED', reason: 'no' },
    'warning',
    'a rotation that a peer asked for is refused: no',
    { peer: 'h2', from: '10.0.0.9:1', code: 'PERMISSION_DENIED' },
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
  [
    { type: 'rotated', rotations: 2, spisGiven: 9 },
    'info',
    'master key rotated',
    { rotations: 2, spisGiven: 9 },
  ],
  [
    { type: 'spi-use', given: 8, left: 56 },
    'info',
    'SPIs of the master key have been given out',
    { given: 8, left: 56 },
  ],
  [
    { type: 'spis-low', exhausted: true, given: 64, left: 0 },
    'warning',
    'the master key has no SPIs left; rotating it',
    { given: 64, left: 0 },
  ],
  [
    { type: 'caller-refused', from: '10.0.0.9', why: 'untrusted', reason: 'it has expired' },
    'warning',
    'connection refused: it has expired',
    { from: '10.0.0.9', why: 'untrusted' },
  ],
  [
    { type: 'no-session', reason: 'the table is full', ...PAIR },
    'warning',
    'packet dropped: no session: the table is full',
    PAIR,
  ],
  [
    { type: 'fragment-dropped', source: PAIR.localVip, destination: PAIR.remoteVip },
    'warning',
    'packet dropped: a fragment; in transport mode only whole packets are encapsulated',
    { source: PAIR.localVip, destination: PAIR.remoteVip },
  ],
  [
    { type: 'packet-too-big', source: PAIR.localVip, destination: PAIR.remoteVip, mtuOctets: 1400 },
    'info',
    'a packet is too big, answered with the MTU that fits',
    { source: PAIR.localVip, destination: PAIR.remoteVip, mtuOctets: 1400 },
  ],
  [
    {
      type: 'segment-dropped',
      side: 'underlay',
      kind: 'router-advertisement',
      why: 'router',
      source: parseIp('fe80::9'),
      mac: MAC,
    },
    'warning',
    'router-advertisement dropped: no --allow-router names its source',
    { side: 'underlay', kind: 'router-advertisement', why: 'router', source: 'fe80::9', mac: MAC },
  ],
  [
    { type: 'announcement-received', peer: 'h2', sessions: 3, packetsFail: false },
    'info',
    'a peer has started anew',
    { peer: 'h2', sessions: 3 },
  ],
  [
    { type: 'announcement-received', peer: 'h2', sessions: 0, packetsFail: true },
    'info',
    'a peer does not let packets in',
    { peer: 'h2', sessions: 0 },
  ],
  [
    { type: 'packets-not-let-in', peer: 'h2', packets: 7 },
    'warning',
    "packets from a peer's address are not let in",
    { peer: 'h2', packets: 7 },
  ],
  [
    { type: 'packets-not-let-in', packets: 7 },
    'warning',
    "packets are not let in; they come from no peer's known address",
    { packets: 7 },
  ],
  [
    { type: 'pair-search', peer: 'h2', tunnels: 3, missing: 9 },
    'info',
    'a peer is asked for tunnels, since its packets are not let in',
    { peer: 'h2', tunnels: 3, missing: 9 },
  ],
  [
    { type: 'underlay-address', peer: 'h2', address: PAIR.remoteVip, mac: MAC, confirmed: true },
    'info',
    "a peer's underlay address",
    { peer: 'h2', address: PAIR.remoteVip, mac: MAC, confirmed: true },
  ],
  [
    {
      type: 'underlay-changed',
      peer: 'h2',
      address: PAIR.remoteVip,
      mac: MAC,
      confirmed: false,
      before: PAIR.localVip,
    },
    'warning',
    "a peer's underlay address has changed",
    { peer: 'h2', address: PAIR.remoteVip, mac: MAC, confirmed: false, before: PAIR.localVip },
  ],
  [
    { type: 'underlay-claimed', peer: 'h2', address: PAIR.remoteVip, holder: 'h3' },
    'warning',
    'a peer claims the underlay address of another',
    { peer: 'h2', address: PAIR.remoteVip, holder: 'h3' },
  ],
  [
    { type: 'underlay-proved', peer: 'h2', address: PAIR.remoteVip },
    'info',
    "a peer's underlay address is proved",
    { peer: 'h2', address: PAIR.remoteVip },
  ],
  [
    { type: 'underlay-held', peer: 'h2', address: PAIR.remoteVip, waiting: 4 },
    'info',
    "packets wait until their peer's underlay address is proved",
    { peer: 'h2', address: PAIR.remoteVip, waiting: 4 },
  ],
  [
    { type: 'device-leftovers', entries: 2, keys: 1 },
    'warning',
    'the device does not take back entries or keys; trying again',
    { entries: 2, keys: 1 },
  ],
  [
    { type: 'work-failed', work: 'recovery', reason: 'late', peer: 'h2' },
    'warning',
    'looking into packets that are not let in failed: late',
    { work: 'recovery', peer: 'h2' },
  ],
  [
    { type: 'work-failed', work: 're-keying', reason: 'late' },
    'error',
    're-keying failed: late',
    { work: 're-keying' },
  ],
  [{ type: 'state-not-written', reason: 'no space' }, 'warning', '--state-file: not written: no space', {}],
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
    { type: 'announcement-received', peer: 'h2', sessions: 0, packetsFail: false },
    { type: 'announcement-failed', peer: 'h2', reason: 'late' },
    { type: 'work-failed', work: 'underlay-look', reason: 'gone' },
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
  expect(taken()).toHaveLength(PER_CAUSE.atOnce);
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

test('a caller that connects from another port each time is one cause, and each address is one', () => {
  const { log, taken } = open();
  const refused = (from: string) =>
    log.tell({ type: 'request-refused', from, method: 'Announce', code: 'PERMISSION_DENIED', reason: 'no' });
  for (let port = 1; port <= 100; port++) refused(`10.0.0.9:${port}`);
  expect(taken()).toHaveLength(PER_CAUSE.atOnce);
  refused('10.0.0.8:1');
  expect(taken()).toHaveLength(1);
  for (const from of ['fd00::9', 'fd00::8']) {
    for (let i = 0; i < 100; i++) log.tell({ type: 'caller-refused', from, why: 'untrusted', reason: 'no' });
    expect(taken(), from).toHaveLength(SELDOM.atOnce);
  }
});

test('what goes on and on has fewer lines about each cause, and all it left out is in the summary', async () => {
  const { clock, log, taken } = open();
  const claims = (peer: string) =>
    log.tell({ type: 'underlay-claimed', peer, address: PAIR.remoteVip, holder: 'h9' });
  for (let i = 0; i < 20; i++) claims('h2');
  expect(taken()).toHaveLength(SELDOM.atOnce);
  claims('h3');
  expect(taken()).toHaveLength(1);
  await clock.advance(9_999);
  claims('h2');
  expect(taken()).toEqual([]);
  await clock.advance(1);
  expect(taken()).toMatchObject([{ level: 'warning', fields: { leftOut: 17, mostAbout: 'h2' } }]);
  claims('h2');
  expect(taken()).toHaveLength(1);
});

test('work of our own that fails silences no other work', () => {
  const { log, taken } = open();
  const failed = (work: 're-keying' | 'session-removal') =>
    log.tell({ type: 'work-failed', work, reason: 'late' });
  for (let i = 0; i < 50; i++) failed('re-keying');
  expect(taken()).toHaveLength(PER_CAUSE.atOnce);
  failed('session-removal');
  expect(taken()).toHaveLength(1);
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
  for (let i = 0; i < PER_CAUSE.atOnce + 2; i++) log.tell(seen('one more'));
  for (let i = 0; i < PER_CAUSE.atOnce; i++) log.tell(seen('and another'));
  expect(taken()).toHaveLength(PER_CAUSE.atOnce);
});

test('at the end what was left out is told', () => {
  const { clock, log, taken } = open();
  for (let i = 0; i < 12; i++) log.tell(seen('h2'));
  taken();
  log.stop();
  expect(taken()).toMatchObject([{ fields: { leftOut: 2 } }]);
  expect(clock.pending).toBe(0);
});
