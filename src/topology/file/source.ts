/** A YAML file: its value, and the line of everything in it. */
import { readProblem } from '../../files/file-problem.js';
import { InputFileError } from '../../files/read-file.js';
import { type FileReader, shortened } from '../../gateway/config/problems.js';
import { type Path, pathText, YamlSource } from '../../gateway/config/yaml-source.js';
import { ENTRIES_MAX, FILE_OCTETS_MAX, PROBLEMS_KEPT_MAX, PROBLEMS_MAX } from './limits.js';

/** Everything that is wrong with the files of a topology, each as `file:line: reason`. */
export class TopologyFileError extends Error {
  override readonly name = 'TopologyFileError';
  /** @param isWrongPath a file that was asked for cannot be read at all */
  constructor(
    readonly problems: readonly string[],
    readonly isWrongPath = false,
  ) {
    super(problems.join('\n'));
  }
}

interface Found {
  readonly order: number;
  readonly line: number;
  readonly text: string;
}

/** By file and line. */
const inOrder = (found: readonly Found[]): string[] =>
  [...found].sort((a, b) => a.order - b.order || a.line - b.line).map(({ text }) => text);

const REMARKS_MAX = 20;

export class FileProblems {
  readonly #problems = new Set<string>();
  readonly #found: Found[] = [];
  readonly #warnings: Found[] = [];
  readonly #remarks: string[] = [];
  readonly #onlyInRealTime: (() => void)[] = [];
  #files = 0;
  #more = 0;
  #isWrongPath = false;

  get isEmpty(): boolean {
    return this.#found.length === 0;
  }

  /** What is right and had better be written otherwise, by file and line; it keeps nobody from going on. */
  get warnings(): readonly string[] {
    return inOrder(this.#warnings).slice(0, PROBLEMS_MAX);
  }

  warn(order: number, file: string, line: number, reason: string): void {
    if (this.#warnings.length < PROBLEMS_KEPT_MAX)
      this.#warnings.push({ order, line, text: shortened(`${file}:${line}: ${reason}`) });
  }

  /** What a run in virtual time cannot have: no problem, until somebody asks for such a run. */
  noteOnlyInRealTime(refuse: () => void): void {
    if (this.#onlyInRealTime.length < PROBLEMS_KEPT_MAX) this.#onlyInRealTime.push(refuse);
  }

  /** The topology is to run in virtual time: what cannot be there becomes a problem, each at its place. */
  refuseVirtualTime(): void {
    for (const refuse of this.#onlyInRealTime.splice(0)) refuse();
  }

  /** What is not taken as it is written, for users to know: a line each. */
  get remarks(): readonly string[] {
    return this.#remarks;
  }

  remark(text: string): void {
    if (this.#remarks.length < REMARKS_MAX) this.#remarks.push(shortened(text));
  }

  nextFile(): number {
    return this.#files++;
  }

  add(order: number, file: string, line: number, reason: string): void {
    const text = shortened(`${file}:${line}: ${reason}`);
    if (this.#problems.has(text)) return;
    if (this.#found.length === PROBLEMS_KEPT_MAX) {
      this.#more++;
      return;
    }
    this.#problems.add(text);
    this.#found.push({ order, line, text });
  }

  /** A file that no other file names, and that cannot be read. */
  addUnread(file: string, reason: string): void {
    this.#isWrongPath = true;
    this.add(this.nextFile(), file, 1, reason);
  }

  /** A file that was asked for cannot be read at all. */
  get isWrongPath(): boolean {
    return this.#isWrongPath;
  }

  /** The problems, by file and line. */
  get list(): readonly string[] {
    const sorted = inOrder(this.#found);
    const shown = sorted.slice(0, PROBLEMS_MAX);
    const more = sorted.length - shown.length + this.#more;
    if (more > 0) shown.push(`and ${more} more problems`);
    return shown;
  }

  throwIfAny(): void {
    if (!this.isEmpty) throw new TopologyFileError(this.list, this.#isWrongPath);
  }
}

/** One file of a topology. */
export class Source extends YamlSource {
  /** Paths of wrong parts that are not in `value` any more. */
  readonly removed: Path[] = [];
  readonly #order: number;

  constructor(
    readonly path: string,
    text: string,
    readonly problems: FileProblems,
  ) {
    const order = problems.nextFile();
    super(text, {
      charactersMax: FILE_OCTETS_MAX,
      entriesMax: ENTRIES_MAX,
      onProblem: (line, reason) => problems.add(order, path, line, reason),
    });
    this.#order = order;
  }

  /** The value becomes another, of which each part has the place of that which it was made of. */
  become(value: unknown): void {
    (this as { value: unknown }).value = value;
  }

  /** Says what of the file is not taken as it is written. */
  remark(text: string): void {
    this.problems.remark(`${this.path}: ${text}`);
  }

  /** The place of the whole file. */
  get root(): Place {
    return new Place(this, []);
  }

  problem(path: Path, reason: string): void {
    const field = pathText(path);
    const text = field === '' ? reason : `${field}: ${reason}`;
    this.problems.add(this.#order, this.path, this.line(path), text);
  }

  warning(path: Path, reason: string): void {
    this.problems.warn(this.#order, this.path, this.line(path), `${pathText(path)} ${reason}`);
  }
}

/** A path in a file, to say what is wrong there. */
export class Place {
  constructor(
    readonly source: Source,
    readonly path: Path,
  ) {}

  at(...keys: Path): Place {
    return new Place(this.source, [...this.path, ...keys]);
  }

  problem(reason: string): void {
    this.source.problem(this.path, reason);
  }

  warning(reason: string): void {
    this.source.warning(this.path, reason);
  }

  /** What stands here can be in real time only; the reason is told where it is to be in virtual time. */
  onlyInRealTime(reason: string): void {
    this.source.problems.noteOnlyInRealTime(() => this.problem(`${reason}; run it with --real-time`));
  }

  /** Something in here was wrong and was taken out. */
  get lostSomething(): boolean {
    return this.source.removed.some((path) => this.#leadsTo(path));
  }

  /** One of the keys right here was not known, or its value wrong, and was taken out: what it said is not known. */
  get lostKey(): boolean {
    return this.source.removed.some((path) => path.length === this.path.length + 1 && this.#leadsTo(path));
  }

  #leadsTo(path: Path): boolean {
    return path.length > this.path.length && this.path.every((key, i) => path[i] === key);
  }

  /** `file:line`, for problems that name another place. */
  get where(): string {
    return `${this.source.path}:${this.source.line(this.path)}`;
  }
}

/** Reads and parses a file; a file that cannot be read is a problem at `asked`, or of the file itself. */
export function openSource(
  path: string,
  readFile: FileReader,
  problems: FileProblems,
  asked?: Place,
): Source | undefined {
  let text: string;
  try {
    text = readFile(path, FILE_OCTETS_MAX);
  } catch (error) {
    if (!(error instanceof InputFileError) && (error as NodeJS.ErrnoException).code === undefined)
      throw error;
    const reason = readProblem(path, error);
    if (asked === undefined) problems.addUnread(path, reason);
    else asked.problem(reason);
    return undefined;
  }
  return new Source(path, text, problems);
}
