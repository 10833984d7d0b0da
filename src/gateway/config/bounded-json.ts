/** JSON with comments, of bounded depth and number of parts, whose errors have a place. */
import { createScanner, type Node, type ParseError, parseTree, printParseErrorCode } from 'jsonc-parser';
import { JSON_DEPTH_MAX, JSON_TOKENS_MAX } from './limits.js';
import type { Problems } from './problems.js';

/** jsonc-parser's SyntaxKind, whose values its types do not let out. */
const OPEN_BRACE = 1;
const CLOSE_BRACE = 2;
const OPEN_BRACKET = 3;
const CLOSE_BRACKET = 4;
const END = 17;

export interface JsonSource {
  readonly root: Node;
  /** file:line:column of an octet of the text. */
  readonly at: (offset: number) => string;
}

/** The text's value; undefined with the problems noted. */
export function parseBoundedJson(text: string, path: string, problems: Problems): JsonSource | undefined {
  const at = placesIn(text, path);
  const excess = findExcess(text);
  if (excess !== undefined) {
    problems.add(at(excess.offset), excess.reason);
    return undefined;
  }
  const errors: ParseError[] = [];
  const root = parseTree(text, errors, { allowTrailingComma: true });
  for (const { offset, length, error } of errors)
    problems.add(at(offset), jsonProblem(printParseErrorCode(error), text, offset, length));
  return root === undefined || errors.length > 0 ? undefined : { root, at };
}

/** Place where the text exceeds its bounds. The parser calls itself for each level and keeps a node for each part. */
function findExcess(text: string): { offset: number; reason: string } | undefined {
  const scanner = createScanner(text, true);
  let depth = 0;
  let tokens = 0;
  for (let kind: number = scanner.scan(); kind !== END; kind = scanner.scan()) {
    const offset = scanner.getTokenOffset();
    if (++tokens > JSON_TOKENS_MAX)
      return { offset, reason: `has more than ${JSON_TOKENS_MAX} values, keys and signs; make it smaller` };
    if (kind === OPEN_BRACE || kind === OPEN_BRACKET) {
      if (++depth > JSON_DEPTH_MAX) return { offset, reason: `nests deeper than ${JSON_DEPTH_MAX} levels` };
    } else if (kind === CLOSE_BRACE || kind === CLOSE_BRACKET) depth--;
  }
  return undefined;
}

/** Finds lines by halving: there may be a problem in each. */
function placesIn(text: string, path: string): (offset: number) => string {
  let starts: number[] | undefined;
  return (offset) => {
    if (starts === undefined) {
      starts = [0];
      for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
    }
    let [low, high] = [0, starts.length];
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (starts[middle]! <= offset) low = middle;
      else high = middle;
    }
    return `${path}:${low + 1}:${offset - starts[low]! + 1}`;
  };
}

/** Limit on the quoted part of a text that is no JSON. */
const QUOTED_CHARACTERS_MAX = 60;

/** A code of jsonc-parser's, such as CommaExpected, in words, and what was probably meant. */
function jsonProblem(code: string, text: string, offset: number, length: number): string {
  const before = text.slice(Math.max(0, offset - QUOTED_CHARACTERS_MAX), offset);
  const token = text.slice(offset, offset + length);
  const isShort = token.length <= QUOTED_CHARACTERS_MAX;
  const key = /("[^"\\\n]*")\s*$/.exec(before)?.[1];
  if (code === 'ColonExpected' && key !== undefined) {
    const value = isShort && /^["\dtfn-]/.test(token) ? token : '...';
    return `is not JSON: there is no colon behind ${key}; did you mean ${key}: ${value}?`;
  }
  if (code === 'InvalidSymbol' && isShort) {
    if (before.endsWith('0') && /^x[0-9a-f]+$/i.test(token))
      return `is not JSON: numbers are decimal; did you mean "0${token}", in quotes, or ${Number(`0${token}`)}?`;
    if (/^\s*:/.test(text.slice(offset + length, offset + length + QUOTED_CHARACTERS_MAX)))
      return `is not JSON: keys stand in quotes; did you mean "${token}"?`;
  }
  return `is not JSON: ${code.replace(/([a-z])([A-Z])/g, '$1 $2').toLowerCase()}`;
}
