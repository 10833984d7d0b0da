/**
 * Tells failures of a search apart by what broke: the invariant that was violated first, or else the expectations that were not met,
 * with the places where. Seeds, times, counts, addresses and the names that the file gives are not part of it, so that one defect has
 * one fingerprint under many seeds and in many processes.
 */
import { createHash } from 'node:crypto';
import type { Expectation, Topology } from '../model.js';
import type { Report } from '../report.js';

/** What broke, as a short name and in words. */
export interface Fingerprint {
  /** The kind and a digest of `what`, such as `key-reuse-1a2b3c4d`; fit for names of files. */
  readonly id: string;
  /** As in `key-reuse at GATEWAY: made again, for SPI #`. */
  readonly what: string;
}

const DIGEST_DIGITS = 8;
const WHAT_CHARACTERS_MAX = 400;
/** Errors of one run that belong to its fingerprint. */
const ERRORS_MAX = 3;

const MAC_OR_IPV6 = /(?<![\w:.])(?:[0-9a-f]{0,4}:){2,7}(?:[0-9a-f]{1,4}|(?<=::))(?!\w)/gi;
const HEX = /\b0x[0-9a-f]+\b/gi;
const NAME = /[A-Za-z][\w-]*/g;
const NUMBER = /\d+(?:[.:]\d+)*/g;

/** The fingerprint of a run that failed; undefined: it did not. */
export function fingerprintOf(topology: Topology, report: Report): Fingerprint | undefined {
  const plain = withoutParticulars(topology);
  const [first] = report.violations;
  if (first !== undefined)
    return fingerprint(first.kind, `${first.kind} at ${plain(first.node)}: ${plain(first.text)}`);
  const unmet = topology.scenario.expectations.flatMap((expectation, i) => {
    const verdict = report.expectations[i]!;
    return verdict.ok ? [] : placesOf(expectation, verdict).map((text) => [expectation.type, plain(text)]);
  });
  if (unmet.length > 0) {
    const texts = inOrder(unmet.map(([type, text]) => `${type}: ${text}`));
    return fingerprint(unmet[0]![0]!, texts.join('; '));
  }
  const errors = inOrder(report.errors.map(plain)).slice(0, ERRORS_MAX);
  return errors.length === 0 ? undefined : fingerprint('error', `error: ${errors.join('; ')}`);
}

/** The fingerprint of a run that could not be made to its end. */
export function fingerprintOfThrown(topology: Topology, error: unknown): Fingerprint {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return fingerprint('thrown', `thrown: ${withoutParticulars(topology)(text)}`);
}

function fingerprint(kind: string, text: string): Fingerprint {
  const what = text.slice(0, WHAT_CHARACTERS_MAX);
  const digest = createHash('sha256').update(text).digest('hex').slice(0, DIGEST_DIGITS);
  return { id: `${kind}-${digest}`, what };
}

/** Of what is left over at the end, what is seen says the places; of all others the expectation does. */
function placesOf({ type }: Expectation, { text, seen }: Report['expectations'][number]): string[] {
  return type === 'no-leaks' ? seen.split('; ') : [text];
}

const inOrder = (texts: readonly string[]) => [...new Set(texts)].sort();

/** Puts the kind of a node in the place of its name, and # in that of every number and address. */
function withoutParticulars({ nodes }: Topology): (text: string) => string {
  const kinds = new Map<string, string>();
  for (const node of nodes) {
    kinds.set(node.name, node.kind.toUpperCase());
    if (node.kind === 'gateway') for (const { name } of node.workloads) kinds.set(name, 'WORKLOAD');
  }
  return (text) =>
    text
      .replace(MAC_OR_IPV6, '#')
      .replace(HEX, '#')
      .replace(NAME, (name) => kinds.get(name) ?? name)
      .replace(NUMBER, '#');
}
