/**
 * Frames that the device makes are cut from slabs, which costs a fraction of an allocation each. Nothing is
 * returned: a slab goes when the last frame on it has gone.
 */

const SLAB_OCTETS = 256 * 1024;
/** Larger frames get their own memory, so that a slab's rest is not thrown away for one. */
const POOLED_FRAME_OCTETS_MAX = SLAB_OCTETS / 32;

let slab: ArrayBuffer = newSlab();
let used = 0;

/** A frame of `octets` octets, of unknown contents: the caller must write every one. */
export function allocateFrame(octets: number): Uint8Array {
  if (octets > POOLED_FRAME_OCTETS_MAX) return new Uint8Array(octets);
  if (used + octets > SLAB_OCTETS) {
    slab = newSlab();
    used = 0;
  }
  const frame = new Uint8Array(slab, used, octets);
  used += octets;
  return frame;
}

function newSlab(): ArrayBuffer {
  return Buffer.allocUnsafeSlow(SLAB_OCTETS).buffer;
}
