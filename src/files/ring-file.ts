/**
 * A file of lines that is bounded in size: two parts, of which the older one has the name with `.1` behind it. When the newer one is full
 * it takes the place of the older one, which is lost. Each part begins with a line of its own, so that a reader knows what is missing.
 * Whoever writes is never held up: what the disk does not take in time is left out, and counted in a line.
 */
import { rename } from 'node:fs/promises';
import { FileReplacement } from './replace-file.js';
import { lstatIfThere } from './stat.js';

/** Lines that wait for the disk, in octets. What comes beyond that is left out. */
export const WAITING_OCTETS_MAX = 16 * 1024 * 1024;
/** So much is written at once, whether or not it is time. */
const WRITE_OCTETS = 1024 * 1024;
/** Behind the name of the file. */
export const OLDER_PART = '.1';
/** Behind the name of a file that was there before. */
export const SET_ASIDE = '.before';

export interface RingPart {
  /** 1, then one more for each. */
  readonly number: number;
  /** Lines of all parts before, without their first ones. */
  readonly linesBefore: number;
}

export interface RingFileOptions {
  /** Of both parts together. */
  readonly octetsMax: number;
  /** The first line of a part. */
  readonly head: (part: RingPart) => string;
  /** The line that says how many lines are missing here. */
  readonly gap: (lines: number) => string;
  /** Calls back a little later. */
  readonly soon: (work: () => void) => void;
  /** Told once, when nothing can be written any more. */
  readonly onProblem: (error: unknown) => void;
}

interface Line {
  readonly text: string;
  /** With its end. */
  readonly octets: number;
}

const octetsOf = (text: string): number => Buffer.byteLength(text) + 1;
const lineOf = (text: string): Line => ({ text, octets: octetsOf(text) });

export class RingFile {
  #waiting: Line[] = [];
  #waitingOctets = 0;
  #part = 1;
  #partOctets = 0;
  #lines = 0;
  #leftOut = 0;
  #isDue = false;
  #writing: Promise<void> | undefined;
  #failed = false;

  private constructor(
    private readonly path: string,
    private readonly options: RingFileOptions,
    private file: FileReplacement,
  ) {}

  /** What has the name already is set aside first. Throws OutputFileError, and what the file system throws. */
  static async open(path: string, options: RingFileOptions): Promise<RingFile> {
    await setAside(path);
    const file = await FileReplacement.open(path, { readers: 'private', live: true });
    const ring = new RingFile(path, options, file);
    await ring.#begin();
    return ring;
  }

  /** Takes a line, without its end. */
  write(line: string): void {
    if (this.#failed) return;
    const octets = octetsOf(line);
    if (this.#waitingOctets + octets > WAITING_OCTETS_MAX) {
      this.#leftOut++;
      return;
    }
    this.#noteLeftOut();
    this.#push({ text: line, octets });
    if (this.#waitingOctets >= WRITE_OCTETS) this.#flush();
    else if (!this.#isDue) {
      this.#isDue = true;
      this.options.soon(() => {
        this.#isDue = false;
        this.#flush();
      });
    }
  }

  /** Writes what waits, and takes no more. */
  async close(): Promise<void> {
    this.#noteLeftOut();
    this.#flush();
    await this.#writing;
    this.#failed = true;
    await this.file.finish();
  }

  #push(line: Line): void {
    this.#waiting.push(line);
    this.#waitingOctets += line.octets;
  }

  #noteLeftOut(): void {
    if (this.#leftOut === 0) return;
    this.#push(lineOf(this.options.gap(this.#leftOut)));
    this.#leftOut = 0;
  }

  #flush(): void {
    if (this.#writing !== undefined || this.#waiting.length === 0 || this.#failed) return;
    this.#writing = this.#writeAll()
      .catch((error: unknown) => {
        this.#failed = true;
        this.#waiting = [];
        this.options.onProblem(error);
      })
      .finally(() => {
        this.#writing = undefined;
      });
  }

  async #writeAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const lines = this.#fitting();
      if (lines.length > 0) {
        const octets = Buffer.from(`${lines.map(({ text }) => text).join('\n')}\n`);
        await this.file.write(octets);
        this.#partOctets += octets.length;
      } else await this.#nextPart();
    }
  }

  /** Takes the lines that this part has room for. One that no part has room for is left out. */
  #fitting(): Line[] {
    const { octetsMax } = this.options;
    const roomOctets = Math.floor(octetsMax / 2) - this.#partOctets;
    let count = 0;
    let octets = 0;
    for (const line of this.#waiting) {
      if (octets + line.octets > roomOctets) break;
      octets += line.octets;
      count++;
    }
    const lines = this.#waiting.splice(0, count);
    this.#waitingOctets -= octets;
    this.#lines += count;
    const [next] = this.#waiting;
    if (next !== undefined && next.octets > octetsMax / 4) {
      this.#waiting[0] = lineOf(this.options.gap(1));
      this.#waitingOctets += this.#waiting[0].octets - next.octets;
    }
    return lines;
  }

  async #nextPart(): Promise<void> {
    await this.file.finish();
    await rename(this.path, this.path + OLDER_PART);
    this.file = await FileReplacement.open(this.path, { readers: 'private', live: true });
    this.#part++;
    await this.#begin();
  }

  async #begin(): Promise<void> {
    const { head } = this.options;
    const octets = Buffer.from(`${head({ number: this.#part, linesBefore: this.#lines })}\n`);
    await this.file.write(octets);
    this.#partOctets = octets.length;
  }
}

/** What an earlier run has left under the name, perhaps what is looked for, gets another one; one that was set aside before goes. */
async function setAside(path: string): Promise<void> {
  for (const part of ['', OLDER_PART]) {
    if (lstatIfThere(path + part)?.isFile() === true) await rename(path + part, path + SET_ASIDE + part);
  }
}
