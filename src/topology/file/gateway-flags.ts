/** The flags of gateways: layers merged, read by the gateway's own code, problems brought to the flag's line. */
import { type FlagKind, flagNamed } from '../../gateway/config/flags.js';
import { ConfigError, type FileReader } from '../../gateway/config/problems.js';
import { readGatewayOptions } from '../../gateway/config/read-options.js';
import type { GatewayOptions } from '../../gateway/options.js';
import type { Layers } from './expanded.js';
import type { Flags as ParsedFlags, FlagValue as ParsedFlagValue } from './schema-values.js';
import type { Place } from './source.js';

/** Flags by their long names, a text each as on the command line; the values of a list with spaces between. */
export interface GivenFlags {
  readonly texts: Readonly<Record<string, string>>;
  readonly places: ReadonlyMap<string, Place>;
  /** Some were wrong, which was said, and are not here. */
  readonly incomplete: boolean;
}

/** Later layers win, flag by flag. */
export function mergeFlags(layers: Layers<ParsedFlags>): GivenFlags {
  const texts: Record<string, string> = {};
  const places = new Map<string, Place>();
  for (const { value: flags, place } of layers) {
    const inLayer = new Set<string>();
    for (const [written, value] of Object.entries(flags)) {
      const { name, kind } = flagNamed(written)!;
      const at = place.at(written);
      if (inLayer.has(name)) at.problem(`is given twice, also as ${name}`);
      inLayer.add(name);
      texts[name] = textOf(value, kind, at);
      places.set(name, at);
    }
  }
  return { texts, places, incomplete: layers.some(({ place }) => place.lostSomething) };
}

/** The text of a value as it is written, not as YAML understands it: 2.10 stays 2.10. */
function textOf(value: ParsedFlagValue | readonly ParsedFlagValue[], kind: FlagKind, place: Place): string {
  if (typeof value === 'object') {
    return value.map((item, i) => textOf(item, kind, place.at(i)).replaceAll(/\s+/g, '')).join(' ');
  }
  const isText = kind === 'text' || kind === 'list';
  return (isText ? place.source.written(place.path) : undefined) ?? String(value);
}

/** Reads flags; the same flags are read once. */
export class FlagReader {
  readonly #read = new Map<string, { options?: GatewayOptions; problems: readonly string[] }>();

  constructor(private readonly readFile: FileReader) {}

  /**
   * The options of these flags, without what the topology adds; undefined where there are problems, which are noted.
   * @param place of the gateway, for problems that no given flag has
   */
  options(flags: GivenFlags, place: Place): GatewayOptions | undefined {
    const argv = argumentsOf(flags.texts);
    const key = argv.join('\n');
    let result = this.#read.get(key);
    if (result === undefined) {
      result = this.#readOnce(argv);
      this.#read.set(key, result);
    }
    for (const problem of result.problems) {
      const [, name = '', reason] = /^--([a-z0-9-]+): (.*)$/s.exec(problem) ?? [];
      const flagPlace = flags.places.get(name);
      if (flagPlace === undefined) place.problem(problem);
      else flagPlace.problem(reason!);
    }
    return flags.incomplete ? undefined : result.options;
  }

  #readOnce(argv: readonly string[]): { options?: GatewayOptions; problems: readonly string[] } {
    try {
      // There is no TLS in virtual time, and the engine's own is not a flag.
      return { ...readGatewayOptions([...argv, '--insecure'], this.readFile), problems: [] };
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      return { problems: error.problems };
    }
  }
}

function argumentsOf(texts: Readonly<Record<string, string>>): string[] {
  return Object.entries(texts).flatMap(([name, text]) => {
    const { kind } = flagNamed(name)!;
    const values = kind === 'list' ? text.split(/\s+/) : [text];
    return values.map((value) => `--${name}=${value}`);
  });
}
