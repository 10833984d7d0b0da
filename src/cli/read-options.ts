/** Options of a gateway with the YAML file of --config, whose reader is loaded where such a file may be named only: it needs a library. */
import { readTextFile } from '../files/read-file.js';
import type { ConfigFileParser } from '../gateway/config/configured-peers.js';
import type { FileReader } from '../gateway/config/problems.js';
import { type FlagsRead, type ReadSettings, readGatewayOptions } from '../gateway/config/read-options.js';

/** Throws ConfigError with all problems. @param read how files are read; absent: as text, whatever they are */
export async function readOptions(
  argv: readonly string[],
  settings: Omit<ReadSettings, 'parseConfigFile'> = {},
  read: FileReader = readTextFile,
): Promise<FlagsRead> {
  const parseConfigFile = await configFileParser(argv);
  return readGatewayOptions(argv, read, {
    ...settings,
    ...(parseConfigFile === undefined ? {} : { parseConfigFile }),
  });
}

/** The reader of YAML files, where one of these arguments may name such a file: it loads a library. */
async function configFileParser(argv: readonly string[]): Promise<ConfigFileParser | undefined> {
  const mayName = argv.some((one) => /\.ya?ml$/i.test(one) || /^(-j|--json)/.test(one));
  return mayName ? (await import('../gateway/config/config-file.js')).parseConfigFile : undefined;
}
