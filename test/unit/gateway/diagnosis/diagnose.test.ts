/** What each cause names, at its edges, and whom it does not name. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { CAUSE_NAMES, diagnose, FINDINGS_PER_CAUSE_MAX } from '../../../../src/gateway/diagnosis/diagnose.js';
import type { DiagnosisInput } from '../../../../src/gateway/diagnosis/finding.js';
import type { PairChecks } from '../../../../src/gateway/diagnosis/pair-check.js';
import { RecentLosses } from '../../../../src/gateway/diagnosis/recent-losses.js';
import { TROUBLE_MS } from '../../../../src/gateway/diagnosis/recent-troubles.js';
import type { ProblemKind, RpcCode } from '../../../../src/gateway/rpc/transport.js';
import type { GatewaySummary, PeerFailure, PeerView } from '../../../../src/gateway/view.js';
import { parseIp } from '../../../../src/packet/address.js';
import { ROOT } from '../../../support/root.js';

const NOW_MS = Date.parse('2026-06-01T12:00:00Z');

const WELL = {
  mode: 'tunnel',
  peers: [],
  ports: [],
  sessionsByState: {},
  sessionsReadable: 0,
  tables: { capacity: 8, refused: 0 },
  keySlots: 100,
  keySlotsUsed: 0,
  spis: { given: 0, left: 2 ** 31 - 1 },
  rotation: { nextAtMs: undefined, waiting: undefined },
  entriesLeft: 0,
  tls: undefined,
  stateProblem: undefined,
};
const peer = (number: number, more: Partial<PeerView>) =>
  ({ name: `10.0.0.${number}:3000`, ...more }) as PeerView;
/** @param reason with the code that it begins with, as errors have it */
const failure = (atMs: number, reason: string): PeerFailure => {
  const [code] = reason.split(':');
  return { atMs, code: code!.startsWith('DOCA_ERROR') ? undefined : (code as RpcCode), reason };
};
const silent = (number: number, silentReason: string, more: Partial<PeerView> = {}) =>
  peer(number, { silentSinceMs: NOW_MS - 1000, silentReason, ...more });

interface Given {
  readonly summary?: object;
  readonly checks?: Partial<PairChecks>;
  readonly logLinesLost?: number;
  readonly logProblem?: string;
  readonly events?: readonly { readonly type: string }[];
}
const problems = ({ summary = {}, checks = {}, logLinesLost = 0, logProblem, events = [] }: Given) =>
  diagnose({
    summary: { ...WELL, ...summary } as unknown as GatewaySummary,
    troubles: {
      of: (type: string) =>
        events.filter((event) => event.type === type).map((event) => ({ event, count: 2, atMs: NOW_MS })),
    } as unknown as DiagnosisInput['troubles'],
    checks: { pairs: [], peers: [], letIn: new Set(), withoutWords: 0, ...checks },
    logLinesLost,
    logProblem,
    nowMs: NOW_MS,
  });
const named = (given: Given) => problems(given).map(({ cause, about }) => [cause, about]);

test('nothing is wrong where nothing is', () => expect(problems({})).toEqual([]));

test('operations.md has every cause', () => {
  const text = readFileSync(join(ROOT, 'docs/operations.md'), 'utf8');
  const rows = [...text.matchAll(/^\| ((?:`[a-z-]+`(?:, )?)+) \|/gm)].flatMap(
    ([, cell]) => cell!.match(/[a-z-]+/g)!,
  );
  for (const name of CAUSE_NAMES) expect(rows, name).toContain(name);
});

const certificate = (state: string, role = 'own') => ({
  role,
  state,
  path: `${role}.pem`,
  subject: `CN=${role}`,
  notBeforeMs: NOW_MS + 3_600_000,
  notAfterMs: NOW_MS - 86_400_000,
});
const tls = (...certificates: object[]) => ({ certificates, problem: undefined });
/** The texts say nothing: programs go by the kind. */
const without = (number: number, silentProblem: ProblemKind) =>
  silent(number, 'UNAVAILABLE', { silentProblem });

describe('certificates', () => {
  test('of ours that have ended, or are not valid by our clock, are told, and not the peers that refuse them', () => {
    const peers = [without(2, 'ours-refused'), without(3, 'unreachable')];
    expect(named({ summary: { tls: tls(certificate('expired')), peers } })).toEqual([
      ['certificate-unusable', 'own.pem'],
      ['peer-silent', '10.0.0.3:3000'],
    ]);
    const [early] = problems({ summary: { tls: tls(certificate('not-yet-valid')) } });
    expect(early!.text).toContain(
      'not valid before 2026-06-01T13:00:00.000Z, and our clock says 2026-06-01T12:00',
    );
    expect(early!.advice).toContain('clock of this machine');
    expect(named({ summary: { tls: tls(certificate('valid')), peers } })).toHaveLength(2);
  });

  test('in files that cannot be used are told while the old ones stay', () => {
    const [one] = problems({ summary: { tls: { certificates: [], problem: 'there is no file a.pem' } } });
    expect(one).toMatchObject({
      cause: 'certificate-files-unusable',
      text: expect.stringContaining('no file a.pem'),
    });
  });

  test('of another authority are the fault of one peer, but ours where all are of that one, and there are several', () => {
    const authorities = tls(certificate('valid', 'authority'));
    const all = [without(2, 'other-authority'), without(3, 'broken-off')];
    expect(named({ summary: { tls: authorities, peers: all } })).toEqual([
      ['own-authority', 'authority.pem'],
    ]);
    expect(named({ summary: { tls: authorities, peers: all.slice(1) } })).toEqual([
      ['peer-silent', '10.0.0.3:3000'],
    ]);
    const answers = peer(4, { heardAtMs: NOW_MS });
    expect(named({ summary: { tls: authorities, peers: [...all, answers] } })).toEqual([
      ['peer-silent', '10.0.0.2:3000'],
      ['peer-silent', '10.0.0.3:3000'],
    ]);
    // They break off as well where our certificate has ended, whatever their authority.
    const ended = tls(certificate('valid', 'authority'), certificate('expired'));
    const broken = [2, 3].map((number) => without(number, 'broken-off'));
    expect(named({ summary: { tls: ended, peers: broken } })).toEqual([
      ['certificate-unusable', expect.any(String)],
    ]);
    // Of whom nothing is known says nothing.
    expect(named({ summary: { tls: authorities, peers: [...all, peer(5, {})] } })).toEqual([
      ['own-authority', 'authority.pem'],
    ]);
  });
});

describe('peers', () => {
  test('that do not answer although their packets come have the OOB network cut', () => {
    const peers = [2, 3].map((number) => silent(number, 'DEADLINE_EXCEEDED', { heardAtMs: 1 }));
    const found = problems({ summary: { peers }, checks: { letIn: new Set(['10.0.0.2:3000']) } });
    expect(found.map(({ text }) => text.includes('OOB'))).toEqual([true, false]);
  });

  test('that do not know an RPC speak an older dialect, and those that refuse anything else refuse', () => {
    const failed = (number: number, reason: string) => peer(number, { failure: failure(NOW_MS, reason) });
    const peers = [failed(2, 'UNIMPLEMENTED: no such RPC'), failed(3, 'INVALID_ARGUMENT: UNIMPLEMENTED')];
    expect(named({ summary: { peers } })).toEqual([
      ['peer-older-dialect', '10.0.0.2:3000'],
      ['peer-refuses', '10.0.0.3:3000'],
    ]);
  });

  test('that refuse are told for a minute; who was only not heard once, or met a fault of our device, is not', () => {
    const failed = (reason: string, agoMs = 1) =>
      peer(2, { heardAtMs: NOW_MS, failure: failure(NOW_MS - agoMs, reason) });
    const about = (one: PeerView) => named({ summary: { peers: [one] } });
    expect(about(failed('PERMISSION_DENIED: no', TROUBLE_MS - 1))).toEqual([
      ['peer-refuses', '10.0.0.2:3000'],
    ]);
    expect(about(failed('PERMISSION_DENIED: no', TROUBLE_MS))).toEqual([]);
    expect(about(failed('DEADLINE_EXCEEDED: no answer'))).toEqual([]);
    expect(about(failed('DOCA_ERROR_IO_FAILED: no'))).toEqual([]);
    // It has refused, and has fallen silent since.
    const silentSince = { silentSinceMs: NOW_MS - 10, silentReason: 'x' };
    expect(about({ ...failed('NOT_FOUND: no', 11), ...silentSince })).toEqual([
      ['peer-silent', '10.0.0.2:3000'],
    ]);
  });

  test('whose handshake was broken off are not blamed for it', () => {
    const refused = { type: 'caller-refused', from: '10.0.0.2', why: 'handshake', reason: 'x' };
    const events = [{ ...refused, problem: 'broken-off' }];
    expect(named({ summary: { peers: [peer(2, {})] }, events })).toEqual([]);
  });

  test('are not named where callers at their address do not get in, who have proved nothing; strangers are nobody’s fault', () => {
    const from = (address: string) => ({
      type: 'caller-refused',
      from: address,
      why: 'untrusted',
      reason: 'x',
    });
    const peers = [peer(2, {}), peer(3, {}), { ...peer(3, {}), name: '10.0.0.3:3001' }];
    const events = ['10.0.0.2', '10.0.0.3', '10.9.9.9'].map(from);
    const found = problems({ summary: { peers }, events });
    expect(found.map(({ cause, about }) => [cause, about])).toEqual([
      ['caller-refused', '10.0.0.2'],
      ['caller-refused', '10.0.0.3'],
    ]);
    for (const { name } of peers) expect(JSON.stringify(found)).not.toContain(name);
  });

  test('are not named where somebody at their address, who has not proved to be one, is refused what it asks for', () => {
    const from = (address: string) => ({
      type: 'request-refused',
      from: `${address}:41`,
      method: 'Announce',
      reason: 'x',
    });
    const events = [from('10.0.0.2'), from('10.9.9.9')];
    const found = problems({ summary: { peers: [peer(2, {})] }, events });
    expect(found.map(({ cause, about }) => [cause, about])).toEqual([
      ['request-refused', '10.0.0.2'],
      ['request-refused', '10.9.9.9'],
    ]);
    expect(JSON.stringify(found)).not.toContain('10.0.0.2:3000');
  });

  test('are named by what they have proved, wherever they call from; who asks too early, or while we drain, is not', () => {
    const refused = (type: 'request-refused' | 'rotation-refused', code: RpcCode) => ({
      type,
      peer: '10.0.0.2:3000',
      from: '10.9.9.9:41',
      method: 'RequestTunnelParams',
      code,
      reason: 'x',
    });
    const causes = (code: RpcCode) =>
      named({
        summary: { peers: [peer(2, {})] },
        events: [refused('request-refused', code), refused('rotation-refused', code)],
      });
    expect(causes('PERMISSION_DENIED')).toEqual([
      ['request-refused', '10.0.0.2:3000'],
      ['rotation-refused', '10.0.0.2:3000'],
    ]);
    expect(causes('FAILED_PRECONDITION')).toEqual([]);
  });

  test('have three seconds for the keys of a rotation', () => {
    const waiting = (sinceMs: number) => ({
      rotation: { waiting: { spis: 1, sinceMs, deadlineAtMs: NOW_MS + 60_000, peers: ['10.0.0.2:3000'] } },
    });
    expect(named({ summary: waiting(NOW_MS - 2999) })).toEqual([]);
    expect(named({ summary: waiting(NOW_MS - 3000) })).toEqual([['rotation-waits', '10.0.0.2:3000']]);
  });

  const facts = (number: number, clockAheadMs: number, mode: 'tunnel' | 'transport' = 'tunnel') => ({
    peer: `10.0.0.${number}:3000`,
    clockAheadMs,
    mode,
  });
  test('have other clocks than we by more than a minute, or we than all of them', () => {
    const clocks = (...aheadMs: number[]) =>
      named({ checks: { peers: aheadMs.map((ms, i) => facts(i + 2, ms)) } });
    expect(clocks(60_000, -60_000)).toEqual([]);
    expect(clocks(60_001, 0)).toEqual([['clocks-differ', '10.0.0.2:3000']]);
    expect(clocks(-60_001)).toEqual([['clocks-differ', '10.0.0.2:3000']]);
    expect(clocks(90_000, 90_500)).toEqual([['clocks-differ', '']]);
    expect(clocks(90_000, -90_000)).toHaveLength(2);
    expect(clocks(90_000, 90_000, 0)).toHaveLength(2);
  });

  test('whose packets lack words are not told apart, and the underlay is not blamed for packets that have come', () => {
    const pair = {
      localVip: parseIp('10.1.0.1'),
      remoteVip: parseIp('10.2.0.1'),
      forMs: 3000,
      peer: '10.0.0.2:3000',
    };
    const found = (withoutWords: number, verdict: 'lost-here' | 'lost-there' | 'lost-both-ways') =>
      named({ checks: { withoutWords, pairs: [{ ...pair, verdict }] } });
    const lost = ['packets-lost', '10.1.0.1 - 10.2.0.1'];
    expect(found(0, 'lost-here')).toEqual([lost]);
    expect(found(2, 'lost-here')).toEqual([['words-missing', '']]);
    expect(found(2, 'lost-both-ways')).toEqual([['words-missing', '']]);
    expect(found(2, 'lost-there')).toEqual([['words-missing', ''], lost]);
  });

  test('of another mode are told, and not the packets that are lost for it', () => {
    const pair = { localVip: parseIp('10.1.0.1'), remoteVip: parseIp('10.2.0.1'), forMs: 3000 };
    const lost = (number: number) => ({
      ...pair,
      peer: `10.0.0.${number}:3000`,
      verdict: 'lost-both-ways' as const,
    });
    const checks = { peers: [facts(2, 0, 'transport'), facts(3, 0)], pairs: [lost(2), lost(3)] };
    expect(named({ checks })).toEqual([
      ['modes-differ', '10.0.0.2:3000'],
      ['packets-lost', '10.1.0.1 - 10.2.0.1'],
    ]);
  });
});

test('a workload that is silent is named by its address, and no peer is', () => {
  const pair = {
    localVip: parseIp('10.1.0.1'),
    remoteVip: parseIp('10.2.0.1'),
    forMs: 3000,
    peer: '10.0.0.2:3000',
  };
  const found = problems({
    checks: {
      pairs: [
        { ...pair, verdict: 'silent-there' },
        { ...pair, verdict: 'silent-here' },
      ],
    },
  });
  expect(found.map(({ about }) => about)).toEqual(['10.2.0.1', '10.1.0.1']);
  for (const { text } of found) expect(text).not.toContain('10.0.0.2');
});

test('files of ours: the state that is not written, and lines of the log that were lost', () => {
  expect(named({ summary: { stateProblem: 'ENOENT' }, logLinesLost: 1 })).toEqual([
    ['state-not-written', ''],
    ['log-lost', ''],
  ]);
});

test('a log that cannot be written is told before lines of it are lost', () => {
  const [one] = problems({ logProblem: 'ENOSPC: no space left on device' });
  expect(one).toMatchObject({ cause: 'log-lost', text: expect.stringContaining('no space left') });
});

test('limits: SPIs, key slots and places', () => {
  const spis = (left: number) => named({ summary: { spis: { given: 1, left } } });
  expect([spis(2 ** 28), spis(2 ** 28 - 1)]).toEqual([[], [['spis-low', '']]]);
  const slots = (keySlotsUsed: number) => named({ summary: { keySlotsUsed } });
  expect([slots(94), slots(95)]).toEqual([[], [['key-slots-full', '']]]);
  const placed = (established: number) =>
    named({ summary: { sessionsByState: { established, dormant: 9 } } });
  expect([placed(7), placed(8)]).toEqual([[], [['table-full', '']]]);
});

test('nor is who is refused what we have too little of, though all places are free again', () => {
  const refused = {
    type: 'request-refused',
    peer: '10.0.0.2:3000',
    from: '10.0.0.2:41',
    method: 'RequestTunnelParams',
    code: 'RESOURCE_EXHAUSTED',
    reason: 'more than 1 tunnels',
    ownLimit: true,
  };
  const found = problems({ summary: { peers: [peer(2, {})] }, events: [refused] });
  expect(found).toMatchObject([
    { cause: 'table-full', about: '', text: expect.stringContaining('more than 1 tunnels') },
  ]);
});

test('where our own places are taken, who is refused one is not named', () => {
  const refused = (code: 'RESOURCE_EXHAUSTED' | 'PERMISSION_DENIED') =>
    ({
      type: 'request-refused',
      peer: '10.0.0.2:3000',
      from: '10.0.0.2:41',
      method: 'RequestTunnelParams',
      code,
      reason: 'x',
    }) as const;
  const causes = (established: number, code: Parameters<typeof refused>[0]) =>
    named({ summary: { peers: [peer(2, {})], sessionsByState: { established } }, events: [refused(code)] });
  const PEER_REFUSED = ['request-refused', '10.0.0.2:3000'];
  expect(causes(8, 'RESOURCE_EXHAUSTED')).toEqual([['table-full', '']]);
  expect(causes(7, 'RESOURCE_EXHAUSTED')).toEqual([PEER_REFUSED]);
  expect(causes(8, 'PERMISSION_DENIED')).toContainEqual(PEER_REFUSED);
});

test('of one cause so many are told, and how many more there are', () => {
  const peers = Array.from({ length: FINDINGS_PER_CAUSE_MAX + 2 }, (_, i) => silent(i + 1, 'gone'));
  const found = problems({ summary: { peers } });
  expect(found).toHaveLength(FINDINGS_PER_CAUSE_MAX + 1);
  expect(found.at(-1)).toMatchObject({ about: '', text: 'and 2 more of that kind' });
});

test('what was lost counts until a minute after the last time', () => {
  let nowMs = 0;
  const losses = new RecentLosses({ nowMs: () => nowMs });
  expect(losses.of(0)).toBe(0);
  expect(losses.of(3)).toBe(3);
  nowMs = TROUBLE_MS - 1;
  expect(losses.of(5)).toBe(5);
  nowMs += TROUBLE_MS - 1;
  expect(losses.of(5)).toBe(5);
  nowMs += 1;
  expect(losses.of(5)).toBe(0);
  expect(losses.of(6)).toBe(1);
});
