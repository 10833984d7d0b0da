/** The text of a YAML file: its value, and the line of everything in it. */
import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Pair, visit } from 'yaml';
import { type BoundedYaml, type EntriesMax, parseBoundedYaml, YamlLimitError } from './bounded-yaml.js';

/** Keys and indexes from the top of a file to a value in it. */
export type Path = readonly (string | number)[];

/** `topology.nodes.h1.underlay[0]` */
export function pathText(path: Path): string {
  return path.map((key, i) => (typeof key === 'number' ? `[${key}]` : i === 0 ? key : `.${key}`)).join('');
}

export interface YamlSourceOptions {
  /** Limit on the characters of the text. */
  readonly charactersMax: number;
  readonly entriesMax?: EntriesMax;
  /** Notes why the text, or a part of it, cannot be read as YAML. */
  readonly onProblem: (line: number, reason: string) => void;
}

export class YamlSource {
  /** What is in the text; undefined when it cannot be read as YAML. */
  readonly value: unknown;
  readonly #lines = new LineCounter();
  readonly #yaml: BoundedYaml | undefined;
  readonly #onProblem: YamlSourceOptions['onProblem'];
  /** Pairs by key of maps that were looked into. */
  readonly #pairs = new WeakMap<object, Map<string, Pair>>();

  constructor(text: string, { charactersMax, entriesMax = {}, onProblem }: YamlSourceOptions) {
    this.#onProblem = onProblem;
    if (text.length > charactersMax) {
      onProblem(1, `the file is longer than ${charactersMax} characters`);
      return;
    }
    try {
      const yaml = parseBoundedYaml(text, this.#lines, { entriesMax });
      const { document } = yaml;
      for (const { pos, message } of document.errors) onProblem(this.#lineOf(pos[0]), plain(message));
      if (document.errors.length > 0 || !this.#keysAreUnique(document)) return;
      // The values that aliases stand for have been counted.
      this.value = document.toJS({ maxAliasCount: -1 });
      this.#yaml = yaml;
    } catch (error) {
      if (error instanceof YamlLimitError) {
        onProblem(this.#lineOf(error.offset), error.message);
        return;
      }
      // Aliases without anchor, and merges of what is no map.
      onProblem(1, `cannot be read as YAML: ${plain((error as Error).message)}`);
    }
  }

  /** Maps, lists and texts in it, those behind aliases counted wherever these stand. */
  get values(): number {
    return this.#yaml?.values ?? 0;
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
            this.#onProblem(this.#lineOfNode(key) ?? 1, `"${text}" is there twice`);
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
}

/** The parser's message, or a plainer one. */
function plain(message: string): string {
  if (message.startsWith('Source contains multiple documents'))
    return 'a file is one document, here a second begins';
  return message;
}
