/** Lines of a file that is read in parts. */

/** A line feed, as an octet. */
const LINE_FEED = 10;

/** Cuts octets, as they come, into lines; of a line that is too long no more is kept than shows that it is. */
export class LineCutter {
  #rest: Buffer[] = [];
  #restOctets = 0;

  /** @param octetsMax of a line */
  constructor(private readonly octetsMax: number) {}

  /** The lines that end in these octets, without their ends. */
  *cut(octets: Buffer): Generator<Buffer> {
    let from = 0;
    for (;;) {
      const end = octets.indexOf(LINE_FEED, from);
      this.#keep(octets.subarray(from, end === -1 ? octets.length : end));
      if (end === -1) return;
      yield this.rest();
      from = end + 1;
    }
  }

  /** What has no end yet; it is taken. */
  rest(): Buffer {
    const line = Buffer.concat(this.#rest);
    this.#rest = [];
    this.#restOctets = 0;
    return line;
  }

  #keep(octets: Buffer): void {
    const part = octets.subarray(0, Math.max(0, this.octetsMax + 1 - this.#restOctets));
    if (part.length === 0) return;
    this.#rest.push(Buffer.from(part));
    this.#restOctets += part.length;
  }
}
