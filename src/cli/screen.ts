/**
 * A terminal that is drawn over and over: its alternate screen, left as it was found however the program ends. Plain escape sequences,
 * which every terminal of the last decades knows.
 */

const ENTER = '\x1b[?1049h\x1b[?25l';
const LEAVE = '\x1b[?25h\x1b[?1049l';
const HOME = '\x1b[H';
const END_OF_LINE = '\x1b[K';
const END_OF_SCREEN = '\x1b[J';
const ROWS_DEFAULT = 24;
const COLUMNS_DEFAULT = 80;

/** What of a terminal is needed. */
export interface Terminal {
  readonly rows?: number;
  readonly columns?: number;
  write(text: string): unknown;
}

export interface KeySource {
  setRawMode?(raw: boolean): unknown;
  on(event: 'data', listener: (octets: Uint8Array) => void): unknown;
  off(event: 'data', listener: (octets: Uint8Array) => void): unknown;
  pause(): unknown;
}

export class Screen {
  #isOpen = true;
  readonly #leave = () => this.close();

  /** @param keys where keys come from; each is handed to `onKey`, Ctrl-C among them, since nothing else tells of it then */
  constructor(
    private readonly terminal: Terminal,
    private readonly keys?: KeySource,
    private readonly onKey: (key: string) => void = () => {},
  ) {
    // Whatever ends the program; writes to terminals are done when they return.
    process.on('exit', this.#leave);
    terminal.write(ENTER);
    keys?.setRawMode?.(true);
    keys?.on('data', this.#hear);
  }

  /** A terminal that does not know its size says 0. */
  get rows(): number {
    return this.terminal.rows || ROWS_DEFAULT;
  }

  /** Draws as many of the lines as there is room for, cut to its width. */
  draw(lines: readonly string[]): void {
    if (!this.#isOpen) return;
    const columns = this.terminal.columns || COLUMNS_DEFAULT;
    const shown = lines.slice(0, this.rows).map((line) => `${line.slice(0, columns)}${END_OF_LINE}`);
    this.terminal.write(`${HOME}${shown.join('\r\n')}${END_OF_SCREEN}`);
  }

  /** Gives the terminal back. Idempotent. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    process.off('exit', this.#leave);
    this.keys?.off('data', this.#hear);
    this.keys?.setRawMode?.(false);
    this.keys?.pause();
    this.terminal.write(LEAVE);
  }

  readonly #hear = (octets: Uint8Array) => {
    for (const key of Buffer.from(octets).toString('latin1')) this.onKey(key);
  };
}
