/** A YAML file: its value, and the line of everything in it. */
import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Pair, visit } from 'yaml';
import { readProblem } from '../../files/file-problem.js';
import { InputFileError } from '../../files/read-file.js';
import { type FileReader, shortened } from '../../gateway/config/problems.js';
import { type BoundedYaml, parseBoundedYaml, YamlLimitError } from './bounded-yaml.js';
import { FILE_OCTETS_MAX, PROBLEMS_KEPT_MAX, PROBLEMS_MAX } from './limits.js';

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

/** Keys and indexes from the top of a file to a value in it. */
export type Path = readonly (string | number)[];

/** `topology.nodes.h1.underlay[0]` */
export function pathText(path: Path): string {
  return path.map((key, i) => (typeof key === 'number' ? `[${key}]` : i === 0 ? key : `.${key}`)).join('');
}

interface Found {
  readonly order: number;
  readonly line: number;
  readonly text: string;
}

/** By file and line. */
const inOrder = (found: readonly Found[]): string[] =>
  [...found].sort((a, b) => a.order - b.order || a.line - b.line).map(({ text }) => text);

export class FileProblems {
  readonly #problems = new Set<string>();
  readonly #found: Found[] = [];
  readonly #warnings: Found[] = [];
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

/** One file. `value` is what is in it, undefined when it cannot be read as YAML. */
export class Source {
  readonly value: unknown;
  /** Paths of wrong parts that are not in `value` any more. */
  readonly removed: Path[] = [];
  readonly #order: number;
  readonly #lines = new LineCounter();
  readonly #yaml: BoundedYaml | undefined;
  /** Pairs by key of maps that were looked into. */
  readonly #pairs = new WeakMap<object, Map<string, Pair>>();

  constructor(
    readonly path: string,
    text: string,
    readonly problems: FileProblems,
  ) {
    this.#order = problems.nextFile();
    if (text.length > FILE_OCTETS_MAX) {
      this.#problemAt(1, `the file is longer than ${FILE_OCTETS_MAX} characters`);
      return;
    }
    try {
      const yaml = parseBoundedYaml(text, this.#lines);
      const { document } = yaml;
      for (const { pos, message } of document.errors) this.#problemAt(this.#lineOf(pos[0]), plain(message));
      if (document.errors.length > 0 || !this.#keysAreUnique(document)) return;
      // The values that aliases stand for have been counted.
      this.value = document.toJS({ maxAliasCount: -1 });
      this.#yaml = yaml;
    } catch (error) {
      if (error instanceof YamlLimitError) {
        this.#problemAt(this.#lineOf(error.offset), error.message);
        return;
      }
      // Aliases without anchor, and merges of what is no map.
      this.#problemAt(1, `cannot be read as YAML: ${plain((error as Error).message)}`);
    }
  }

  /** Maps, lists and texts in it, those behind aliases counted wherever these stand. */
  get values(): number {
    return this.#yaml?.values ?? 0;
  }

  /** The place of the whole file. */
  get root(): Place {
    return new Place(this, []);
  }

  problem(path: Path, reason: string): void {
    const field = pathText(path);
    this.#problemAt(this.line(path), field === '' ? reason : `${field}: ${reason}`);
  }

  warning(path: Path, reason: string): void {
    this.problems.warn(this.#order, this.path, this.line(path), `${pathText(path)} ${reason}`);
  }

  /** Line of the key or item at the path; of the value around it if it came through an alias or merge. */
  line(path: Path): number {
    let node: unknown = this.#yaml?.document.contents;
    let line = this.#lineOfNode(node) ?? 1;
    for (const key of path) {
      if (isAlias(node)) node = this.#yaml!.targets.get(node);
      if (isMap(node)) {
        const pair = this.#pairOf(node, String(key));
        if (pair === undefined) return line;
        line = this.#lineOfNode(pair.key) ?? line;
        node = pair.value;
      } else if (isSeq(node)) {
        node = node.items[key as number];
        line = this.#lineOfNode(node) ?? line;
      } else return line;
    }
    return line;
  }

  /** A scalar as it is written, without quotes; undefined where there is none. */
  written(path: Path): string | undefined {
    let node: unknown = this.#yaml?.document.contents;
    for (const key of path) {
      if (isAlias(node)) node = this.#yaml!.targets.get(node);
      if (isMap(node)) node = this.#pairOf(node, String(key))?.value;
      else if (isSeq(node)) node = node.items[key as number];
    }
    if (isAlias(node)) node = this.#yaml!.targets.get(node);
    return isScalar(node) ? node.source : undefined;
  }

  #keysAreUnique(document: Document): boolean {
    let unique = true;
    visit(document, {
      Map: (_, map) => {
        const keys = new Set<unknown>();
        for (const { key } of map.items) {
          const text = (key as { value?: unknown }).value;
          if (keys.has(text)) {
            this.#problemAt(this.#lineOfNode(key) ?? 1, `"${text}" is there twice`);
            unique = false;
          }
          keys.add(text);
        }
      },
    });
    return unique;
  }

  #pairOf(node: { items: Pair[] }, key: string): Pair | undefined {
    let pairs = this.#pairs.get(node);
    if (pairs === undefined) {
      pairs = new Map(node.items.map((pair) => [String((pair.key as { value?: unknown }).value), pair]));
      this.#pairs.set(node, pairs);
    }
    return pairs.get(key);
  }

  #lineOfNode(node: unknown): number | undefined {
    const range = (node as { range?: [number, number, number] | null } | undefined)?.range;
    return range ? this.#lineOf(range[0]) : undefined;
  }

  #lineOf(offset: number): number {
    return this.#lines.linePos(offset).line;
  }

  #problemAt(line: number, reason: string): void {
    this.problems.add(this.#order, this.path, line, reason);
  }
}

/** The parser's message, or a plainer one. */
function plain(message: string): string {
  if (message.startsWith('Source contains multiple documents'))
    return 'a file is one document, here a second begins';
  return message;
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
