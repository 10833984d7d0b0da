/** What is kept of peers from one life to the next: no keys, bounded, and a bad file is told of and stays as it is. */
import { lstatSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { stateFileProblem, stateStore } from '../../../../src/cli/state-store.js';
import type { PeerOptions } from '../../../../src/gateway/options.js';
import { Peers } from '../../../../src/gateway/peers.js';
import {
  applyState,
  encodeState,
  STATE_OCTETS_MAX,
  StateFileError,
} from '../../../../src/gateway/recovery/state-file.js';
import { UnderlayAddresses } from '../../../../src/gateway/underlay/underlay-addresses.js';
import { parseIp } from '../../../../src/packet/address.js';
import { TestNetwork, type TestNode, vip } from '../../../support/gateways.js';
import { TEST_BUDGETS } from '../../../support/peers.js';

const MINUTE_MS = 60_000;
const AT_MS = 1_700_000_040_000;

function peersOf(count: number, more: Partial<PeerOptions> = {}): Peers {
  return new Peers({
    peers: Array.from({ length: count }, (_, i) => ({
      serviceAddress: { host: parseIp(`10.0.${i >>> 8}.${i & 255}`), port: 3000 },
      virtualIps: [],
      ...more,
    })),
    localVips: [],
    budgets: TEST_BUDGETS,
    mayRotate: true,
    nowMs: () => 0,
  });
}

describe('the state', () => {
  test('comes back as it was, those that answered last first, and what is configured is not in it', () => {
    const [peers, addresses] = [peersOf(3), new UnderlayAddresses()];
    const [one, two, three] = peers.all as [Peers['all'][number], Peers['all'][number], Peers['all'][number]];
    for (const address of ['2001:db8::1', '2001:db8::2'].map(parseIp)) {
      addresses.note(one, address, 'learnt');
      addresses.confirm(one, address);
    }
    // Nobody has proved it.
    addresses.note(one, parseIp('2001:db8::9'), 'learnt');
    addresses.note(two, parseIp('2001:db8::3'), 'configured');
    one.answeredAtMs = AT_MS;
    two.heardAtMs = AT_MS + 5 * MINUTE_MS;
    two.dialect = '2.8';
    const text = encodeState(peers, addresses, new Map());
    const [again, known] = [peersOf(3), new UnderlayAddresses()];
    const answered = applyState(text, again, known);
    expect(answered.get(again.all[0]!)).toBe(AT_MS);
    expect(answered.get(again.all[1]!)).toBe(AT_MS + 5 * MINUTE_MS);
    expect(again.all.map(({ dialect }) => dialect)).toEqual([undefined, '2.8', undefined]);
    expect(known.of(again.all[0]!).map(({ address, origin }) => [address, origin])).toEqual([
      ['2001:db8::2', 'kept'],
      ['2001:db8::1', 'kept'],
    ]);
    expect(known.of(again.all[1]!)).toEqual([]);
    expect(JSON.parse(text).peers.map(({ service }: { service: string }) => service)).toEqual([
      '10.0.0.1:3000',
      '10.0.0.0:3000',
    ]);
    // Nobody heard of them in this life: what is known of them stays.
    expect(encodeState(again, known, answered)).toBe(text);
    expect(three.name).not.toBe('');
  });

  test('says nothing of peers that are not configured any more, and a configured dialect wins', () => {
    const peers = peersOf(1, { dialect: '3.x' });
    const state = {
      version: 1,
      peers: [
        { service: '10.0.0.0:3000', underlay: [], dialect: '2.7', answeredAtMs: 1 },
        { service: '10.9.9.9:3000', underlay: ['2001:db8::9'] },
      ],
    };
    const known = new UnderlayAddresses();
    expect(applyState(JSON.stringify(state), peers, known).size).toBe(1);
    expect(peers.all[0]!.dialect).toBe('3.x');
    expect(known.size).toBe(0);
  });

  const peer = { service: '10.0.0.0:3000', underlay: ['2001:db8::1'] };
  test.each([
    ['nothing', ''],
    ['no JSON', '{"version":1,'],
    ['no object', '[]'],
    ['another version', '{"version":2,"peers":[]}'],
    ['no list', '{"version":1,"peers":{}}'],
    ['a peer that is none', '{"version":1,"peers":[7]}'],
    ['a service that is none', JSON.stringify({ version: 1, peers: [{ ...peer, service: 7 }] })],
    ['an address that is none', JSON.stringify({ version: 1, peers: [{ ...peer, underlay: ['x'] }] })],
    [
      'too many addresses',
      JSON.stringify({ version: 1, peers: [{ ...peer, underlay: Array(5).fill('2001:db8::1') }] }),
    ],
    ['a dialect that is none', JSON.stringify({ version: 1, peers: [{ ...peer, dialect: '9' }] })],
    ['a time that is none', JSON.stringify({ version: 1, peers: [{ ...peer, answeredAtMs: '1' }] })],
    ['more than it may have', ' '.repeat(STATE_OCTETS_MAX + 1)],
    ['too many peers', JSON.stringify({ version: 1, peers: Array(16_385).fill(peer) })],
    ['depth', '['.repeat(100_000)],
  ])('that is %s is refused, and nothing of it is taken', (_, text) => {
    const known = new UnderlayAddresses();
    expect(() => applyState(text, peersOf(1), known)).toThrow(StateFileError);
    expect(known.size).toBe(0);
  });

  test('of the largest mesh fits', () => {
    const [peers, addresses] = [peersOf(4096), new UnderlayAddresses()];
    peers.all.forEach((one, i) => {
      one.answeredAtMs = AT_MS;
      for (let j = 0; j < 4; j++)
        addresses.note(
          one,
          parseIp(`2001:db8:ffff:ffff:ffff:ffff:${(4096 + j).toString(16)}:${i.toString(16)}`),
          'kept',
        );
    });
    const text = encodeState(peers, addresses, new Map());
    expect(text.length).toBeLessThan(STATE_OCTETS_MAX);
    const known = new UnderlayAddresses();
    expect(applyState(text, peers, known).size).toBe(4096);
    expect(known.size).toBe(4 * 4096);
  });
});

describe('the file', () => {
  let folder: string;
  let net: TestNetwork;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'psp-state-'));
    net = new TestNetwork();
  });
  afterEach(async () => {
    await net.stopAll();
    rmSync(folder, { recursive: true, force: true });
  });
  const path = () => join(folder, 'state.json');
  const warnings = (node: TestNode) =>
    node.logs.filter(({ level }) => level === 'warning').map(({ message }) => message);

  test("is its owner's only, has no keys and no SPIs, and is there after a crash", async () => {
    const a = await net.start(1, [2], { state: stateStore(path()) });
    const b = await net.start(2, [1]);
    net.send(a, 2, [1]);
    await net.run(100);
    net.send(b, 1, [2]);
    await net.run(2_000);
    await net.stop(a);
    expect(statSync(path()).mode & 0o777).toBe(0o600);
    const { version, peers } = JSON.parse(readFileSync(path(), 'utf8'));
    expect(version).toBe(1);
    expect(peers).toEqual([
      { service: '10.0.0.2:3000', underlay: ['2001:db8::2'], answeredAtMs: expect.any(Number) },
    ]);
    expect(readFileSync(path(), 'utf8')).not.toContain(String(vip(2)));
  });

  test.each<[what: string, text: string, reason: string, encoding?: BufferEncoding]>([
    ['text', 'my notes\n', 'not JSON'],
    ['JSON of something else', '{"name":"psp-gateway"}', 'not of version 1'],
    ['a list where peers should be', '{"version":1,"peers":{}}', 'peers: not a list of at most 16384'],
    ['of a version that is not known', '{"version":2,"peers":[]}', 'not of version 1'],
    [
      'large',
      ' '.repeat(STATE_OCTETS_MAX + 1),
      `it has ${STATE_OCTETS_MAX + 1} octets, and at most ${STATE_OCTETS_MAX} octets are read here; is it the right file? Otherwise make it smaller`,
    ],
    ['of UTF-16', '\ufeff{"version":1,"peers":[]}', 'it is UTF-16; save it as UTF-8', 'utf16le'],
  ])(
    'that is not ours, %s, is refused, and stays as it is when a gateway runs',
    async (_, text, reason, encoding = 'utf8') => {
      writeFileSync(path(), text, encoding);
      expect(stateFileProblem(path())).toBe(
        `${path()} is no state file of a gateway: ${reason}; it would be replaced: name another file, or remove it`,
      );
      const a = await net.start(1, [2], { state: stateStore(path()) });
      expect(warnings(a)).toEqual([`--state-file: neither read nor written: ${reason}`]);
      await net.start(2, [1]);
      net.send(a, 2, [1]);
      await net.run(5_000);
      await net.stop(a);
      expect(readFileSync(path(), encoding)).toBe(text);
    },
  );

  test('that an editor has marked and whose lines it has ended otherwise is ours', () => {
    const text = encodeState(peersOf(1), new UnderlayAddresses(), new Map());
    writeFileSync(path(), `\ufeff${text.replaceAll('\n', '\r\n')}`);
    expect(stateFileProblem(path())).toBeUndefined();
  });

  test('that is missing, empty or ours is taken', async () => {
    for (const prepare of [() => {}, () => writeFileSync(path(), ''), () => {}]) {
      prepare();
      expect(stateFileProblem(path())).toBeUndefined();
      const a = await net.start(1, [2], { state: stateStore(path()) });
      expect(warnings(a)).toEqual([]);
      await net.stop(a);
      expect(JSON.parse(readFileSync(path(), 'utf8'))).toEqual({ version: 1, peers: [] });
      await net.stopAll();
      net = new TestNetwork();
    }
  });

  test('that is a link is refused and not read through, and both stay as they are', async () => {
    const elsewhere = join(folder, 'elsewhere');
    writeFileSync(elsewhere, encodeState(peersOf(1), new UnderlayAddresses(), new Map()));
    const before = readFileSync(elsewhere, 'utf8');
    symlinkSync(elsewhere, path());
    expect(stateFileProblem(path())).toMatch(/: it is a symbolic link; /);
    const a = await net.start(1, [2], { state: stateStore(path()) });
    expect(warnings(a)).toEqual(['--state-file: neither read nor written: it is a symbolic link']);
    await net.stop(a);
    expect(readFileSync(elsewhere, 'utf8')).toBe(before);
    expect(lstatSync(path()).isSymbolicLink()).toBe(true);
  });

  test('that cannot be written is told of once', async () => {
    const a = await net.start(1, [2], { state: stateStore(join(folder, 'no', 'such', 'folder')) });
    await net.start(2, [1]);
    for (let i = 0; i < 10; i++) {
      net.send(a, 2, [i]);
      await net.run(3_000);
      // What is written has no place in virtual time.
      await new Promise((resolve) => setImmediate(resolve));
    }
    await net.stop(a);
    expect(warnings(a).filter((line) => line.startsWith('--state-file: not written'))).toHaveLength(1);
  });
});
