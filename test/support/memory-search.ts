/** A look for octets in the memory of a running process: /proc/PID/mem of what is there and written to. Needs root. */
import { createCipheriv } from 'node:crypto';
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';

const PAGE_OCTETS = 4096;
const CHUNK_PAGES = 1024;
/** Of /proc/PID/pagemap: the page is in memory, or swapped out. */
const PRESENT = 0xc0;
const ENTRY_OCTETS = 8;
const PART_OCTETS = 16;
const MASTER_KEY_OCTETS = 32;
/** Of what an allocator gives, and of tables. */
const ALIGNMENT_OCTETS = 8;
/** Different octets among 32 random ones; fewer, once in 10^6 keys. */
const DISTINCT_MIN = 23;
const ZERO_BLOCK = new Uint8Array(PART_OCTETS);

/** Calls back with each stretch of memory that is there; stretches overlap by `overlapOctets`. */
export function eachStretch(
  pid: number,
  overlapOctets: number,
  look: (octets: Buffer, address: bigint, where: string) => void,
): void {
  const memory = openSync(`/proc/${pid}/mem`, 'r');
  const pagemap = openSync(`/proc/${pid}/pagemap`, 'r');
  try {
    for (const line of readFileSync(`/proc/${pid}/maps`, 'utf8').split('\n')) {
      const [, from, to, rights, name] =
        /^([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ \S+\s*(.*)$/.exec(line) ?? [];
      if (rights === undefined || !rights.startsWith('rw') || name === '[vvar]') continue;
      const start = BigInt(`0x${from}`);
      const pages = Number((BigInt(`0x${to}`) - start) / BigInt(PAGE_OCTETS));
      // The end of the stretch before, where this one goes on from it.
      let tail = Buffer.alloc(0);
      for (let page = 0; page < pages; ) {
        const count = Math.min(CHUNK_PAGES, pages - page);
        const entries = Buffer.alloc(count * ENTRY_OCTETS);
        const at = (start / BigInt(PAGE_OCTETS) + BigInt(page)) * BigInt(ENTRY_OCTETS);
        readSync(pagemap, entries, 0, entries.length, at as unknown as number);
        let i = 0;
        while (i < count) {
          const isPresent = (n: number) => (entries[n * ENTRY_OCTETS + 7]! & PRESENT) !== 0;
          const first = i;
          const present = isPresent(i);
          while (i < count && isPresent(i) === present) i++;
          if (!present) {
            tail = Buffer.alloc(0);
            continue;
          }
          const address = start + BigInt((page + first) * PAGE_OCTETS);
          const octets = Buffer.alloc(tail.length + (i - first) * PAGE_OCTETS);
          tail.copy(octets);
          try {
            readSync(memory, octets, tail.length, octets.length - tail.length, address as unknown as number);
          } catch {
            // Of a device, or gone meanwhile.
            tail = Buffer.alloc(0);
            continue;
          }
          look(octets, address - BigInt(tail.length), name === '' ? 'anonymous' : name!);
          tail = octets.subarray(Math.max(0, octets.length - overlapOctets));
        }
        page += count;
      }
    }
  } finally {
    closeSync(memory);
    closeSync(pagemap);
  }
}

/**
 * How often each key is there, whole or in part: its first 16 octets and its last, which stand apart in key schedules, are
 * looked for one by one. A schedule of AES for encryption begins with the key.
 */
export function countKeys(pid: number, keys: readonly Uint8Array[]): number[] {
  const counts = keys.map(() => 0);
  const parts = keys.flatMap((key, i) => [
    { i, octets: key.subarray(0, PART_OCTETS) },
    { i, octets: key.subarray(key.length - PART_OCTETS) },
  ]);
  // By their first two octets, so that one pass looks for all of them.
  const begins = new Uint8Array(1 << 16);
  for (const { octets } of parts) begins[(octets[0]! << 8) | octets[1]!] = 1;
  eachStretch(pid, PART_OCTETS - 1, (stretch) => {
    let former = stretch[0]!;
    for (let at = 0; at + PART_OCTETS <= stretch.length; at++) {
      const next = stretch[at + 1]!;
      if (begins[(former << 8) | next] === 1) {
        for (const { i, octets } of parts) {
          if (stretch.compare(octets, 0, PART_OCTETS, at, at + PART_OCTETS) === 0) counts[i]!++;
        }
      }
      former = next;
    }
  });
  return counts;
}

/** A session key of version 1 and the SPI that it was given out with. */
export interface GivenKey {
  readonly spi: number;
  readonly key: Uint8Array;
}

/** For each key, how often the master key that it was derived from is there: whatever 32 octets lead from the SPI to the key. */
export function countMasterKeys(pid: number, given: readonly GivenKey[]): number[] {
  const counts = given.map(() => 0);
  const lastSeen = new Int32Array(256);
  let window = 0;
  const ends = given.map(({ key }) => key.subarray(PART_OCTETS));
  // Whole places: otherwise those of a stretch that goes on from another one would be between the places that are looked at.
  eachStretch(pid, MASTER_KEY_OCTETS - ALIGNMENT_OCTETS, (stretch) => {
    for (let at = 0; at + MASTER_KEY_OCTETS <= stretch.length; at += ALIGNMENT_OCTETS) {
      window++;
      let distinct = 0;
      for (let i = at; i < at + MASTER_KEY_OCTETS; i++) {
        const octet = stretch[i]!;
        if (lastSeen[octet] === window) continue;
        lastSeen[octet] = window;
        distinct++;
      }
      if (distinct < DISTINCT_MIN) continue;
      // By hand: there are a hundred thousand of them.
      const cipher = createCipheriv('aes-256-ecb', stretch.subarray(at, at + MASTER_KEY_OCTETS), null);
      const subkey = doubled(cipher.update(ZERO_BLOCK));
      given.forEach(({ spi }, i) => {
        const block = secondBlock(spi);
        for (let octet = 0; octet < PART_OCTETS; octet++) block[octet]! ^= subkey[octet]!;
        if (cipher.update(block).equals(ends[i]!)) counts[i]!++;
      });
    }
  });
  return counts;
}

/** CMAC's first subkey of the encryption of zero (RFC 4493, section 2.3). */
function doubled(zero: Buffer): Buffer {
  const carry = zero[0]! >>> 7;
  for (let i = 0; i < zero.length; i++) zero[i] = (zero[i]! << 1) | ((zero[i + 1] ?? 0) >>> 7);
  zero[zero.length - 1]! ^= carry * 0x87;
  return zero;
}

/** Of PSP's key derivation for version 1: the block that the last 16 octets of the key come from. */
function secondBlock(spi: number): Buffer {
  const block = Buffer.from('00000002507631000000000000000100', 'hex');
  block.writeUInt32BE(spi, 8);
  return block;
}
