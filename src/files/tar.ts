/** Archives as tar(1) reads them: POSIX's ustar (IEEE Std 1003.1, pax, "ustar Interchange Format"), regular files only. */

export interface TarFile {
  /** Up to 100 octets, without a leading slash. */
  readonly name: string;
  readonly content: Uint8Array;
}

const BLOCK_OCTETS = 512;
const NAME_OCTETS_MAX = 100;
const CHECKSUM_AT = 148;
const CHECKSUM_OCTETS = 8;

/** The same octets for the same files: they are the owner's alone, of nobody, and of 1970. */
export function tarOf(files: readonly TarFile[]): Buffer {
  const parts = files.flatMap(({ name, content }) => {
    const padding = -content.length & (BLOCK_OCTETS - 1);
    return [headerOf(name, content.length), content, Buffer.alloc(padding)];
  });
  return Buffer.concat([...parts, Buffer.alloc(2 * BLOCK_OCTETS)]);
}

function headerOf(name: string, octets: number): Buffer {
  if (Buffer.byteLength(name) > NAME_OCTETS_MAX) throw new RangeError(`${name}: too long for an archive`);
  const header = Buffer.alloc(BLOCK_OCTETS);
  let at = 0;
  const text = (value: string, length: number) => {
    header.write(value, at);
    at += length;
  };
  const octal = (value: number, length: number) => text(value.toString(8).padStart(length - 1, '0'), length);
  text(name, NAME_OCTETS_MAX);
  // Mode, owner, group, size, time of modification.
  octal(0o600, 8);
  octal(0, 8);
  octal(0, 8);
  octal(octets, 12);
  octal(0, 12);
  // The sum is over blanks in its own place.
  text(' '.repeat(CHECKSUM_OCTETS), CHECKSUM_OCTETS);
  text('0', 1);
  text('', NAME_OCTETS_MAX);
  text('ustar\0', 6);
  text('00', 2);
  const sum = header.reduce((total, octet) => total + octet, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, CHECKSUM_AT);
  return header;
}
