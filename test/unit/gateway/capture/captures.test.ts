/** What captures are shown of gateways over simulated devices, and what of one that shows nothing by itself. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { CapturedFrame, CaptureSelection } from '../../../../src/gateway/capture/captures.js';
import { DEBUG_KEYS_MAX, DebugKeys } from '../../../../src/gateway/capture/debug-keys.js';
import type { FrameTap } from '../../../../src/hal/frame-tap.js';
import type { PipeHal } from '../../../../src/hal/hal.js';
import type { SimHal } from '../../../../src/hal-sim/device.js';
import type { SaKey } from '../../../../src/psp/keys-file.js';
import { type NodeOptions, TestNetwork, type TestNode, vip } from '../../../support/gateways.js';

let net: TestNetwork;
/** The tap that the last device had connected last. */
let tap: FrameTap | null | undefined;
beforeEach(() => {
  net = new TestNetwork();
  tap = undefined;
});
afterEach(() => net.stopAll());

const SHOWS: NodeOptions = {
  showFrames: (hal: PipeHal) => (connected) => {
    tap = connected;
    (hal as SimHal).showFrames(connected);
  },
};
const ALL: CaptureSelection = { droppedOnly: false };
const DROPPED: CaptureSelection = { droppedOnly: true };

type Kept = Omit<CapturedFrame, 'frame'> & { frame: Buffer };

/** Begins a capture; what it is shown. Frames are lent, so they are kept as copies. */
function captureAt({ gateway }: TestNode, selection: CaptureSelection = ALL) {
  const shown: Kept[] = [];
  const capture = gateway.capture(selection, (one) => shown.push({ ...one, frame: Buffer.from(one.frame) }));
  return { ...capture, shown };
}

/** Two gateways with an established tunnel. */
async function pairOfGateways(options: NodeOptions = SHOWS): Promise<[TestNode, TestNode]> {
  const a = await net.start(1, [2, 3], options);
  const b = await net.start(2, [1], options);
  await Promise.all([a.gateway.connect([{ localVip: vip(1), remoteVip: vip(2) }]), net.run(1000)]);
  return [a, b];
}

const waysOf = (shown: readonly Kept[]) => shown.map(({ place, direction }) => `${place} ${direction}`);
const commentsOf = (shown: readonly Kept[]) => shown.flatMap(({ comments }) => comments);

test('both ports are shown, each frame as it came in and as it goes out', async () => {
  const [a, b] = await pairOfGateways();
  const [atA, atB] = [captureAt(a), captureAt(b)];
  net.wire.length = 0;
  net.send(a, 2, [7, 8]);
  await net.run(100);
  expect(waysOf(atA.shown)).toEqual(['vf in', 'vf in', 'uplink out', 'uplink out']);
  expect(atA.shown[2]!.frame).toEqual(Buffer.from(net.wire[0]!));
  expect(waysOf(atB.shown)).toEqual(['uplink in', 'vf out', 'uplink in', 'vf out']);
  // Encrypted, though the device decrypts in place.
  expect(atB.shown[0]!.frame).toEqual(Buffer.from(net.wire[0]!));
  expect(atB.shown[1]!.frame.subarray(14)).toEqual(atA.shown[0]!.frame.subarray(14));
  expect(commentsOf([...atA.shown, ...atB.shown])).toEqual([]);
  expect(atA.cannotShow).toEqual([]);
});

test('what is not let in is shown as it arrived, with the reason, and what passes is not where only the dropped is wanted', async () => {
  const [a, b] = await pairOfGateways();
  const { shown } = captureAt(b, DROPPED);
  net.wire.length = 0;
  net.send(a, 2, [7]);
  await net.run(100);
  expect(shown).toEqual([]);
  const damaged = Uint8Array.from(net.wire[0]!);
  damaged[damaged.length - 1]! ^= 1;
  const other = net.wire[0]!.slice();
  // Of no peer, and so of no tunnel: the SPI of a key that nobody was given.
  other[14 + 40 + 8 + 7]! ^= 0x55;
  net.arrive(b, [damaged.slice(), other]);
  await net.run(10);
  expect(waysOf(shown)).toEqual(['uplink in', 'uplink in']);
  expect(shown[0]!.frame).toEqual(Buffer.from(damaged));
  expect(commentsOf(shown)).toEqual([
    expect.stringMatching(/^dropped: it could not be authenticated.*\(FAILED_SOURCE_IPV6\)$/),
    expect.stringMatching(/^dropped: it could not be authenticated/),
  ]);
});

test('what no session lets in, though it is authentic, says so', async () => {
  const [a, b] = await pairOfGateways();
  const { shown } = captureAt(b, DROPPED);
  net.wire.length = 0;
  // The same SPI, and another address of the workload inside.
  net.send(a, 2, [7]);
  await net.run(100);
  const frame = net.wire[0]!.slice();
  await Promise.all([b.gateway.removeSession(vip(2), vip(1)), net.run(100)]);
  net.arrive(b, [frame]);
  await net.run(10);
  expect(commentsOf(shown)).toEqual([
    'dropped: it is authentic, but no session lets it in (FAILED_SOURCE_IPV6)',
  ]);
});

test('what lacks the words that peers must send says so', async () => {
  const [a, b] = await pairOfGateways({ ...SHOWS, extensionRequired: [7] });
  const { shown } = captureAt(b, DROPPED);
  net.send(a, 2, [7]);
  await net.run(100);
  expect(commentsOf(shown)).toEqual([
    'dropped: it is authentic, but lacks the words of --psp-ext-required (PSP_EXT)',
  ]);
});

test('packets that the CPU drops have its reason', async () => {
  const a = await net.start(1, [2], { ...SHOWS, limits: { missedPacketsPerSession: 2 } });
  const { shown } = captureAt(a, DROPPED);
  net.send(a, 77, [1]);
  net.send(a, 2, [1, 2, 3]);
  await net.run(10);
  await net.run(60_000);
  expect(waysOf(shown)).toEqual(['cpu in', 'cpu in', 'cpu in', 'cpu in']);
  expect(commentsOf(shown)).toEqual([
    'dropped: no peer owns the destination',
    'dropped: too many packets wait for a tunnel',
    'dropped: its tunnel has not come about in time',
    'dropped: its tunnel has not come about in time',
  ]);
});

test('a pair is known by its addresses and, in PSP, by the SPIs of its tunnel, before and after a re-key, and not by those of another', async () => {
  const [a] = await pairOfGateways();
  const c = await net.start(3, [1], SHOWS);
  await Promise.all([a.gateway.connect([{ localVip: vip(1), remoteVip: vip(3) }]), net.run(1000)]);
  const spis = a.gateway.view().sessions.map(({ egressSpi }) => egressSpi);
  // What the test needs: both peers gave the same.
  expect(spis[0]).toBe(spis[1]);
  const ofTwo = captureAt(a, { ...ALL, pair: [vip(2), vip(1)] });
  const uplink = captureAt(a, { ...ALL, pair: [vip(1), vip(2)], port: 'uplink' });
  const ofNobody = captureAt(a, { ...ALL, pair: [vip(1), vip(9)] });
  const exchange = async () => {
    net.send(a, 2, [1]);
    net.send(a, 3, [1]);
    net.send(net.nodes.get(2)!, 1, [1]);
    net.send(c, 1, [1]);
    await net.run(100);
  };
  await exchange();
  expect(waysOf(ofTwo.shown).sort()).toEqual(['uplink in', 'uplink out', 'vf in', 'vf out']);
  await Promise.all([a.gateway.rekey(vip(2)), net.run(1000)]);
  await exchange();
  expect(ofTwo.shown).toHaveLength(8);
  expect(waysOf(uplink.shown).sort()).toEqual(['uplink in', 'uplink in', 'uplink out', 'uplink out']);
  expect(ofNobody.shown).toEqual([]);
});

test('a rate is kept for each capture, and what it leaves out is counted, and nothing else', async () => {
  const [a] = await pairOfGateways({ ...SHOWS, limits: { capturedPacketsPerSecond: 4 } });
  const [vf, dropped] = [captureAt(a, { ...ALL, port: 'vf' }), captureAt(a, DROPPED)];
  net.send(a, 2, [1, 2, 3, 4]);
  await net.run(0);
  expect([vf.shown.length, vf.leftOut()]).toEqual([4, 0n]);
  net.send(a, 2, [5, 6, 7]);
  await net.run(0);
  expect([vf.shown.length, vf.leftOut(), dropped.leftOut()]).toEqual([4, 3n, 0n]);
  await net.run(1000);
  net.send(a, 2, [8, 9, 10, 11, 12]);
  await net.run(0);
  expect([vf.shown.length, vf.leftOut(), dropped.shown.length]).toEqual([8, 4n, 0]);
});

test('a device shows nothing before the first capture and after the last', async () => {
  const [, b] = await pairOfGateways();
  expect(tap).toBeUndefined();
  const [first, second] = [captureAt(b), captureAt(b)];
  const connected = tap;
  expect(connected).not.toBeNull();
  first.end();
  first.end();
  expect(tap).toBe(connected);
  second.end();
  expect(tap).toBeNull();
  net.send(b, 1, [1]);
  await net.run(10);
  expect([first.shown, second.shown]).toEqual([[], []]);
  // One that ends with the frame that it is shown, amid a burst, leaves the device whole.
  const seen: string[] = [];
  const last = b.gateway.capture({ ...ALL, port: 'uplink' }, ({ direction }) => {
    seen.push(direction);
    last.end();
  });
  net.send(b, 1, [1, 2, 3]);
  await net.run(10);
  expect(seen).toEqual(['out']);
  expect(tap).toBeNull();
});

test('over a device that shows nothing there is what comes to the CPU, and it is said what there is not', async () => {
  const a = await net.start(1, [2]);
  await net.start(2, [1]);
  const { shown, cannotShow } = captureAt(a);
  expect(cannotShow).toEqual([expect.stringContaining('--sample-rate'), expect.stringContaining('drops')]);
  net.send(a, 2, [1, 2]);
  await net.run(1000);
  net.send(a, 2, [3]);
  net.send(a, 77, [1]);
  await net.run(10);
  expect(shown.map(({ place, direction, comments }) => [place, direction, ...comments])).toEqual([
    ['cpu', 'in', 'left to the CPU'],
    ['cpu', 'in', 'left to the CPU'],
    ['cpu', 'in', 'left to the CPU'],
    ['cpu', 'in', 'dropped: no peer owns the destination'],
  ]);
});

test('keys are kept with --debug-keys only, the last of them, and those to come are told', async () => {
  const [plain] = await pairOfGateways();
  expect(plain.gateway.showKeys(() => {})).toBeUndefined();
  await net.stopAll();
  const [d] = await pairOfGateways({ debugKeys: true });
  const keys: SaKey[] = [];
  const end = d.gateway.showKeys((key) => keys.push({ ...key, key: Uint8Array.from(key.key) }));
  expect(keys.length).toBeGreaterThan(0);
  expect(keys[0]).toMatchObject({ version: 1, key: expect.objectContaining({ length: 32 }) });
  end!();
  const book = new DebugKeys();
  for (let spi = 1; spi <= DEBUG_KEYS_MAX + 1; spi++) book.add(spi, new Uint8Array(16).fill(spi));
  const kept: number[] = [];
  const stop = book.show(({ spi }) => kept.push(spi));
  expect([kept.length, kept[0]]).toEqual([DEBUG_KEYS_MAX, 2]);
  book.add(9999, new Uint8Array(16));
  stop();
  book.add(10_000, new Uint8Array(16));
  expect(kept.at(-1)).toBe(9999);
});
