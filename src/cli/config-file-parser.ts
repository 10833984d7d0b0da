/** The reader of YAML files of --config, which loads a library: only where such a file may be named. */
import type { ConfigFileParser } from '../gateway/config/configured-peers.js';

/** The reader of YAML files, where one of these arguments may name such a file: it loads a library. */
export async function configFileParser(argv: readonly string[]): Promise<ConfigFileParser | undefined> {
  const mayName = argv.some((one) => /\.ya?ml$/i.test(one) || /^(-j|--json)/.test(one));
  return mayName ? (await import('../gateway/config/config-file.js')).parseConfigFile : undefined;
}
