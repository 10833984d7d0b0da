// The flags of scripts/build-native.mjs.
import { parseArgs } from 'node:util';

const FLAGS = { tests: { type: 'boolean' }, arch: { type: 'string' } };
const CROSS = 'arm64';
const USAGE = `flags: --tests, --arch ${CROSS}; single parts and releases: psp-gateway build-native --help`;

/** Returns { tests, arch }; with `problems`, all that is wrong with them, when they cannot be used. `own`: this machine's kind of processor. */
export function readFlags(args, own) {
  const { values, tokens } = parseArgs({ args, options: FLAGS, strict: false, tokens: true });
  const problems = [];
  const isUnknown = (token) => token?.kind === 'option' && !(token.name in FLAGS);
  for (const [i, token] of tokens.entries()) {
    const { kind, name, rawName, value } = token;
    // Behind a flag that is not there it is that one's value.
    if (kind === 'positional' && !isUnknown(tokens[i - 1])) problems.push(`${value}: expected flags only`);
    if (kind !== 'option') continue;
    if (isUnknown(token)) problems.push(`${rawName}: there is no such flag`);
    else if (name === 'tests' && value !== undefined) problems.push(`--tests: it takes no value`);
    else if (name === 'arch' && value !== own && value !== CROSS)
      problems.push(`--arch: expected ${CROSS}, not ${value ?? 'nothing'}`);
  }
  return {
    tests: values.tests === true,
    arch: values.arch ?? own,
    ...(problems.length > 0 ? { problems: [...problems, USAGE] } : {}),
  };
}
