/** Captures as streams: their order, their limits, readers that are slow or gone, and what is told at the end. */
import { EventEmitter } from 'node:events';
import { expect, test } from 'vitest';
import type { CaptureMessage, CaptureRequest } from '../../../src/admin/admin-api.js';
import {
  CAPTURE_MESSAGES_MAX,
  CAPTURE_OCTETS_MAX,
  CAPTURES_MAX,
  CaptureStreams,
} from '../../../src/admin/capture-streams.js';
import type { CapturedFrame } from '../../../src/gateway/capture/captures.js';
import type { SaKey } from '../../../src/psp/keys-file.js';

const REQUEST: CaptureRequest = {
  port: '',
  pair: [],
  droppedOnly: false,
  count: 0n,
  snapOctets: 0,
  keys: false,
};

/** A call whose reader takes so many messages until it is told to take more. */
class FakeCall extends EventEmitter {
  readonly messages: CaptureMessage[] = [];
  readonly errors: { code: number; details: string }[] = [];
  hasEnded = false;
  room = Number.POSITIVE_INFINITY;

  constructor(readonly request: CaptureRequest) {
    super();
    this.on('error', (error) => this.errors.push(error));
  }

  write(message: CaptureMessage): boolean {
    this.messages.push(message);
    return --this.room > 0;
  }

  end(): void {
    this.hasEnded = true;
  }

  take(count: number): void {
    this.room = count;
    this.emit('drain');
  }

  get packets() {
    return this.messages.flatMap(({ packet }) => packet ?? []);
  }
}

function world({ debugKeys = false, byRate = 0n } = {}) {
  const viewers = new Set<(captured: CapturedFrame) => void>();
  const key: SaKey = { spi: 0x8000_0001, version: 1, key: new Uint8Array(32).fill(7) };
  const streams = new CaptureStreams({
    capture(_selection, onFrame) {
      viewers.add(onFrame);
      return { cannotShow: ['this'], leftOut: () => byRate, end: () => void viewers.delete(onFrame) };
    },
    showKeys(viewer) {
      if (!debugKeys) return undefined;
      viewer(key);
      return () => {};
    },
  });
  return {
    streams,
    viewers,
    open(request: Partial<CaptureRequest> = {}): FakeCall {
      const call = new FakeCall({ ...REQUEST, ...request });
      streams.add(call as never);
      return call;
    },
    show(octets: Uint8Array, comments: readonly string[] = []) {
      for (const viewer of [...viewers])
        viewer({ atMs: 1_700_000_000_000.25, place: 'vf', direction: 'in', frame: octets, comments });
    },
  };
}

test('a frame is copied, cut to what was asked for, and told with its whole length and its time to the microsecond', () => {
  const { open, show } = world();
  const call = open({ snapOctets: 4 });
  const frame = Uint8Array.of(1, 2, 3, 4, 5, 6);
  show(frame, ['why']);
  frame.fill(0);
  expect(call.messages[0]).toEqual({ begun: { id: 1n, cannotShow: ['this'] } });
  expect(call.packets).toEqual([
    {
      atUnixNs: 1_700_000_000_000_250_000n,
      place: 'vf',
      direction: 'in',
      frame: Uint8Array.of(1, 2, 3, 4),
      octets: 6,
      comments: ['why'],
    },
  ]);
});

test('a count ends it with its last packet, and the tally says how it went', () => {
  const { open, show, viewers, streams } = world({ byRate: 5n });
  const call = open({ count: 2n });
  for (let i = 0; i < 4; i++) show(Uint8Array.of(i));
  expect(call.packets.map(({ frame }) => frame[0])).toEqual([0, 1]);
  expect(call.messages.at(-1)).toEqual({
    ended: { packets: 2n, leftOutByRate: 5n, leftOutUnread: 0n, keysLeftOut: 0n },
  });
  expect([call.hasEnded, viewers.size]).toEqual([true, 0]);
  expect(streams.counters()).toEqual({ captures: 0n, capturesRefused: 0n, capturePacketsLeftOut: 5n });
  expect(streams.end(1n)).toBe(false);
});

test('keys come after the beginning, and from a gateway without --debug-keys there is no capture at all', () => {
  const told = world({ debugKeys: true });
  const call = told.open({ keys: true });
  expect(call.messages.map((message) => Object.keys(message)[0])).toEqual(['begun', 'key']);
  expect(call.messages[1]).toMatchObject({ key: { spi: 0x8000_0001, pspVersion: 1 } });
  const silent = world();
  const refused = silent.open({ keys: true });
  expect(refused.errors).toEqual([
    expect.objectContaining({ code: 7, details: expect.stringContaining('--debug-keys') }),
  ]);
  expect([refused.messages.length, silent.viewers.size, silent.streams.counters().captures]).toEqual([
    0,
    0,
    0n,
  ]);
});

test('a reader that takes nothing gets what waited, in order, and hears what did not fit; nobody else loses any', () => {
  const { open, show, streams } = world();
  const [slow, quick] = [open(), open()];
  slow.room = 1;
  show(Uint8Array.of(0));
  for (let i = 0; i < CAPTURE_MESSAGES_MAX + 3; i++) show(new Uint8Array(2).fill(i));
  expect(slow.packets).toHaveLength(1);
  expect(quick.packets).toHaveLength(CAPTURE_MESSAGES_MAX + 4);
  expect(streams.counters().capturePacketsLeftOut).toBe(3n);
  expect(streams.end(1n)).toBe(true);
  expect(slow.hasEnded).toBe(false);
  slow.take(Number.POSITIVE_INFINITY);
  expect(slow.packets).toHaveLength(CAPTURE_MESSAGES_MAX + 1);
  expect(slow.packets.at(-1)!.frame[0]).toBe((CAPTURE_MESSAGES_MAX - 1) & 0xff);
  expect(slow.messages.at(-1)).toMatchObject({ ended: { packets: 8193n, leftOutUnread: 3n } });
  expect(slow.hasEnded).toBe(true);
});

test('octets that wait have a limit of their own, and give their room back', () => {
  const { open, show } = world();
  const call = open();
  call.room = 1;
  show(Uint8Array.of(0));
  const large = new Uint8Array(CAPTURE_OCTETS_MAX / 2);
  for (let i = 0; i < 3; i++) show(large);
  call.take(Number.POSITIVE_INFINITY);
  expect(call.packets).toHaveLength(3);
  show(large);
  expect(call.packets).toHaveLength(4);
});

test('there are so many at one time, one more is refused, and has room when one has gone', () => {
  const { open, streams, viewers } = world();
  const calls = Array.from({ length: CAPTURES_MAX }, () => open());
  const refused = open();
  expect(refused.errors).toMatchObject([{ code: 8 }]);
  expect(streams.counters()).toMatchObject({ captures: 4n, capturesRefused: 1n });
  calls[1]!.emit('cancelled');
  calls[1]!.emit('close');
  expect(viewers.size).toBe(CAPTURES_MAX - 1);
  expect(open().errors).toEqual([]);
  streams.close();
  expect(calls[0]!.messages.at(-1)).toHaveProperty('ended');
  expect([viewers.size, calls[1]!.messages.at(-1)]).toEqual([
    0,
    expect.not.objectContaining({ ended: true }),
  ]);
});

test.each([
  { port: 'vf0' },
  { pair: ['10.0.0.1'] },
  { pair: ['10.0.0.1', 'nonsense'] },
  { pair: ['10.0.0.1', '10.0.0.2', '10.0.0.3'] },
])('%o is refused as wrong', (request) => {
  const { open, viewers } = world();
  expect(open(request).errors).toMatchObject([{ code: 3 }]);
  expect(viewers.size).toBe(0);
});
