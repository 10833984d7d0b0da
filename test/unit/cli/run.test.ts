import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { flagHelp, flagTables } from '../../../src/cli/flag-help.js';
import { runCommand } from '../../../src/cli/run.js';

/** What the command prints when it answers and ends without a gateway. */
async function answer(...argv: string[]): Promise<string> {
  let out = '';
  const command = runCommand()
    .configureOutput({
      writeOut: (text) => {
        out += text;
      },
    })
    .exitOverride();
  await expect(command.parseAsync(argv, { from: 'user' })).rejects.toMatchObject({ exitCode: 0 });
  return out;
}

describe('psp-gateway run', () => {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };

  test.each([['-v'], ['--version'], ['-x', '3', '-v']])('%s prints the version', async (...argv) => {
    expect(await answer(...argv)).toBe(`psp-gateway ${version}\n`);
  });

  test.each(['-h', '--help'])('%s prints every flag, its own ones among them', async (flag) => {
    const help = await answer(flag);
    for (const words of ['-v, --version', '-h, --help', '-j, --json FILE', '-x, --max-tunnels N']) {
      expect(help).toContain(words);
    }
  });
});

test('the tables of flags have those that stand on the command line only', () => {
  const tables = flagTables();
  for (const start of ['| `--json` | `-j` |', '| `--version` | `-v` |', '| `--help` | `-h` |'])
    expect(tables).toContain(`\n${start}`);
  expect(flagHelp()).toContain('  -j, --json FILE ');
});
