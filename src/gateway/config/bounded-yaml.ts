/**
 * YAML of bounded size, depth and expansion. The parser's own work is for friendly files: it calls itself for each level,
 * keeps an object for each piece, looks through all anchors for each alias, and has no end to what it finds wrong. Here
 * its pieces are counted while it reads them, and what is too much ends it.
 */
import {
  type Alias,
  Composer,
  type CST,
  type Document,
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  Lexer,
  type LineCounter,
  type Node,
  Parser,
} from 'yaml';
import { loneReturnsProblem } from '../../base/lone-returns.js';
import {
  YAML_ALIASES_MAX,
  YAML_ANCHORS_MAX,
  YAML_DEPTH_MAX,
  YAML_LEXEME_CHARACTERS_MAX,
  YAML_LEXEMES_MAX,
  YAML_SYNTAX_ERRORS_MAX,
  YAML_TAGS_MAX,
  YAML_VALUES_MAX,
} from './limits.js';

/** A file goes beyond one of its bounds. */
export class YamlLimitError extends Error {
  override readonly name = 'YamlLimitError';
  constructor(
    reason: string,
    /** Offset in the text. */
    readonly offset: number,
    /** Pieces that were read until then. */
    readonly lexemes: number,
  ) {
    super(reason);
  }
}

export interface BoundedYaml {
  readonly document: Document;
  /** Values that aliases stand for. */
  readonly targets: WeakMap<Alias, Node>;
  /** Maps, lists and texts, those behind aliases counted wherever these stand. */
  readonly values: number;
}

/** Before a scalar the lexer says that one comes; what looks like a mark is a text then. */
const SCALAR_FOLLOWS = '\u001f';

/**
 * Maps and lists with a bound of their own, by the keys that lead to them, joined with dots. They end a file that has far too
 * many of them long before it is read.
 */
export type EntriesMax = Readonly<Record<string, readonly [what: string, max: number]>>;

export interface YamlBounds {
  readonly entriesMax?: EntriesMax;
  readonly lexemesMax?: number;
}

/** Throws YamlLimitError. What is wrong otherwise is in the document's errors, up to YAML_SYNTAX_ERRORS_MAX. */
export function parseBoundedYaml(text: string, lines: LineCounter, bounds: YamlBounds = {}): BoundedYaml {
  const reader = new BoundedReader(lines, bounds);
  const document = reader.read(text);
  const { targets, values } =
    document.errors.length > 0
      ? { targets: new WeakMap<Alias, Node>(), values: 0 }
      : expand(document, reader.lexemes);
  return { document, targets, values };
}

class BoundedReader {
  lexemes = 0;
  #tags = 0;
  #anchors = 0;
  #aliases = 0;
  #offset = 0;
  readonly #lexemesMax: number;
  readonly #entriesMax: EntriesMax;
  /** The least of those bounds: lists that are no longer are not looked at. */
  readonly #entriesMaxLeast: number;

  constructor(
    private readonly lines: LineCounter,
    { lexemesMax = YAML_LEXEMES_MAX, entriesMax = {} }: YamlBounds,
  ) {
    this.#lexemesMax = lexemesMax;
    this.#entriesMax = entriesMax;
    this.#entriesMaxLeast = Math.min(...Object.values(entriesMax).map(([, max]) => max));
  }

  read(text: string): Document {
    const composer = new Composer({
      prettyErrors: false,
      merge: true,
      stringKeys: true,
      // The parser's own check takes quadratic time.
      uniqueKeys: false,
      logLevel: 'error',
    });
    this.#boundErrors(composer);
    let document: Document | undefined;
    for (const one of composer.compose(this.#tokens(text), true, text.length)) {
      if (document !== undefined)
        throw this.#error('a file is one document, here a second begins', one.range[0]);
      document = one;
    }
    return document!;
  }

  /** The composer tells its errors to a function of its own, for which there is no other way in. */
  #boundErrors(composer: Composer): void {
    const inside = composer as unknown as { onError: (source: unknown, ...more: unknown[]) => void };
    const { onError } = inside;
    let errors = 0;
    inside.onError = (source, ...more) => {
      if (++errors > YAML_SYNTAX_ERRORS_MAX) {
        const at = typeof source === 'number' ? source : this.#offset;
        throw this.#error(`more than ${YAML_SYNTAX_ERRORS_MAX} mistakes up to here; is it YAML?`, at);
      }
      onError(source, ...more);
    };
  }

  *#tokens(text: string): Generator<CST.Token> {
    const parser = new Parser(this.lines.addNewLine);
    this.lines.addNewLine(0);
    this.#checkReturns(text);
    let isScalarNext = false;
    for (const lexeme of new Lexer().lex(text)) {
      this.#offset = parser.offset;
      this.#count(lexeme, isScalarNext);
      isScalarNext = lexeme === SCALAR_FOLLOWS;
      yield* parser.next(lexeme);
      this.#checkStack(parser.stack);
    }
    yield* parser.end();
  }

  #checkReturns(text: string): void {
    const returns = loneReturnsProblem(text);
    if (returns === undefined) return;
    // Its line is found by those before it.
    for (let at = text.indexOf('\n'); at >= 0 && at < returns.offset; at = text.indexOf('\n', at + 1))
      this.lines.addNewLine(at + 1);
    throw this.#error(returns.reason, returns.offset);
  }

  #count(lexeme: string, isScalarText: boolean): void {
    if (++this.lexemes > this.#lexemesMax)
      throw this.#error(`more than ${this.#lexemesMax} words, marks and blanks up to here`);
    if (lexeme.length > YAML_LEXEME_CHARACTERS_MAX)
      throw this.#error(`a text longer than ${YAML_LEXEME_CHARACTERS_MAX} characters begins here`);
    if (isScalarText) return;
    if (lexeme[0] === '!' && ++this.#tags > YAML_TAGS_MAX)
      throw this.#error(`more than ${YAML_TAGS_MAX} tags (!...) up to here`);
    if (lexeme[0] === '&' && ++this.#anchors > YAML_ANCHORS_MAX)
      throw this.#error(`more than ${YAML_ANCHORS_MAX} anchors (&...) up to here`);
    if (lexeme[0] === '*' && ++this.#aliases > YAML_ALIASES_MAX)
      throw this.#error(`more than ${YAML_ALIASES_MAX} aliases (*...) up to here`);
  }

  #checkStack(stack: readonly CST.Token[]): void {
    if (stack.length > YAML_DEPTH_MAX) throw this.#error(`nested deeper than ${YAML_DEPTH_MAX} levels`);
    const top = stack.at(-1);
    if (top === undefined || !('items' in top) || top.items.length <= this.#entriesMaxLeast) return;
    const keys = stack
      .slice(0, -1)
      .flatMap((token) => ('items' in token ? [keyText(token.items.at(-1))] : []));
    const bound = this.#entriesMax[keys.join('.')];
    if (bound === undefined) return;
    const [what, max] = bound;
    // The last one may be a comment, or a comma, behind which nothing comes.
    if (top.items.length > max + 1) throw this.#error(`${what} more than ${max} ${keys.at(-1)}`);
  }

  #error(reason: string, offset = this.#offset): YamlLimitError {
    return new YamlLimitError(reason, offset, this.lexemes);
  }
}

function keyText(item: { key?: CST.Token | null } | undefined): string {
  const key = item?.key;
  const source = key !== undefined && key !== null && 'source' in key ? key.source : '';
  return source.replace(/^(["'])(.*)\1$/, '$2');
}

/** Finds what each alias stands for, and counts the values that there are then. */
function expand(document: Document, lexemes: number): { targets: WeakMap<Alias, Node>; values: number } {
  const targets = new WeakMap<Alias, Node>();
  /** Anchors of what is being counted. */
  const open = new Set<string>();
  const anchored = new Map<string, { readonly node: Node; readonly values: number }>();
  const valuesOf = (node: unknown): number => {
    let values = 1;
    const anchor = isMap(node) || isSeq(node) || isScalar(node) ? node.anchor : undefined;
    if (anchor !== undefined) open.add(anchor);
    if (isAlias(node)) {
      if (open.has(node.source))
        throw new YamlLimitError(
          `*${node.source} is inside of what it stands for`,
          node.range?.[0] ?? 0,
          lexemes,
        );
      const target = anchored.get(node.source);
      if (target !== undefined) targets.set(node, target.node);
      values += target?.values ?? 0;
    } else if (isPair(node)) values = valuesOf(node.key) + valuesOf(node.value);
    else if (isMap(node) || isSeq(node)) for (const item of node.items) values += valuesOf(item);
    if (values > YAML_VALUES_MAX) {
      const offset = (node as Partial<Node>).range?.[0] ?? 0;
      throw new YamlLimitError(`its aliases stand for more than ${YAML_VALUES_MAX} values`, offset, lexemes);
    }
    if (anchor !== undefined) {
      open.delete(anchor);
      anchored.set(anchor, { node: node as Node, values });
    }
    return values;
  };
  return { targets, values: valuesOf(document.contents) };
}
