/** The flags of a YAML file of --config, merged with those of the command line, which win. */
import { type ConfigFile, type ConfigFileParser, isYaml } from './configured-peers.js';
import type { FlagValue, FlagValues } from './flag-values.js';
import { CONFIG_FILE_OCTETS_MAX } from './limits.js';
import { type FileReader, type Problems, readText } from './problems.js';

const NOTHING: ConfigFile = { flags: new Map(), peers: [] };

/** The file that --config names, if it is a YAML file. */
export function readConfigFile(
  given: FlagValues,
  read: FileReader,
  problems: Problems,
  parse: ConfigFileParser | undefined,
): ConfigFile {
  const path = given.get('config')?.[0];
  if (path === undefined || !isYaml(path.text)) return NOTHING;
  if (parse === undefined) {
    problems.add(
      path.where,
      'is a YAML file of flags and peers, which is not read here; give the flags themselves',
    );
    return NOTHING;
  }
  const text = readText(path.text, path.where, CONFIG_FILE_OCTETS_MAX, read, problems);
  return text === undefined ? NOTHING : parse(text, path.text, problems);
}

/** A flag of the file counts where the command line does not give it; a JSON flags file beside it may not give it too. */
export function withConfigFile(given: FlagValues, { flags }: ConfigFile, problems: Problems): FlagValues {
  const values = new Map<string, readonly FlagValue[]>(given);
  for (const [name, list] of flags) {
    const other = given.get(name)?.[0];
    if (other === undefined) values.set(name, list);
    else if (!other.where.startsWith('-')) {
      for (const { where } of list.slice(0, 1)) problems.add(where, `is given twice, also at ${other.where}`);
    }
  }
  return values;
}
