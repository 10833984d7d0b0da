/** A capture that grows while others may read it. However it ends, it has whole blocks only; so has standard output, unless that is a pipe. */
import { FileReplacement } from '../files/replace-file.js';
import { compressionFor, STANDARD_STREAM } from '../packet/capture-stream.js';

export class GrowingFile {
  #wholeOctets = 0;

  private constructor(
    private readonly file: FileReplacement,
    private readonly compress: (octets: Uint8Array) => Promise<Uint8Array>,
  ) {}

  /** For its owner only; `-` is standard output. Throws OutputFileError, and what the file system throws. */
  static async open(path: string): Promise<GrowingFile> {
    const place = path === STANDARD_STREAM ? '/dev/stdout' : path;
    const file = await FileReplacement.open(place, { readers: 'private', live: true });
    return new GrowingFile(file, compressionFor(path));
  }

  /** Writes all of it or, where that fails and it throws what the file system throws, as far as can be nothing of it. */
  async append(octets: Uint8Array): Promise<void> {
    const compressed = await this.compress(octets);
    try {
      await this.file.write(compressed);
      this.#wholeOctets += compressed.length;
    } catch (error) {
      await this.file.cut(this.#wholeOctets);
      throw error;
    }
  }

  /** Idempotent. */
  close(): Promise<void> {
    return this.file.finish();
  }
}
