/** Frames that the device makes: each has octets of its own, and what they cost in memory. */
import { expect, test } from 'vitest';
import { allocateFrame } from '../../../src/hal/packet/frame-pool.js';

const SLAB_OCTETS = 256 * 1024;
const POOLED_OCTETS_MAX = SLAB_OCTETS / 32;

test('no frame has an octet of another', () => {
  const frames = Array.from({ length: 2000 }, (_, i) => allocateFrame(1 + ((i * 7919) % 12_000)).fill(i));
  for (const [i, frame] of frames.entries()) {
    expect(frame).toHaveLength(1 + ((i * 7919) % 12_000));
    expect(frame.every((octet) => octet === (i & 0xff))).toBe(true);
  }
});

test('frames of up to 8 KiB share slabs, which they use to their ends', () => {
  // To the beginning of a slab.
  let frame = allocateFrame(POOLED_OCTETS_MAX);
  while (frame.byteOffset !== 0) frame = allocateFrame(POOLED_OCTETS_MAX);
  for (let i = 1; i < 32; i++) expect(allocateFrame(POOLED_OCTETS_MAX).buffer).toBe(frame.buffer);
  expect(allocateFrame(1).buffer).not.toBe(frame.buffer);
});

test('a larger frame keeps no memory but its own, and takes none of a slab', () => {
  let before = allocateFrame(1);
  while (before.byteOffset > SLAB_OCTETS / 2) before = allocateFrame(1000);
  const large = allocateFrame(POOLED_OCTETS_MAX + 1);
  expect(large.buffer.byteLength).toBe(POOLED_OCTETS_MAX + 1);
  const after = allocateFrame(1);
  expect(after.buffer).toBe(before.buffer);
  expect(after.byteOffset).toBe(before.byteOffset + before.length);
});
