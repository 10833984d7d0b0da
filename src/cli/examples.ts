/** `psp-gateway examples`: where the examples are that come with the program, or a copy of them to run and change. */
import { existsSync, readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { Command } from 'commander';
import { printable } from '../base/printable.js';
import { fileProblem } from '../files/file-problem.js';
import { makeFolder, mustTakeFiles, removeEmptyFolders } from '../files/folders.js';
import { type NewFile, replaceFiles } from '../files/replace-file.js';
import { PACKAGE_FOLDER } from '../hal/native-parts.js';
import { failAtFile } from './failure.js';
import { FlagProblems } from './flag-problems.js';
import { complain, EXIT_USAGE } from './output.js';

const EXAMPLES = join(PACKAGE_FOLDER, 'examples');

const HELP = `
Examples:
  psp-gateway examples --out examples
  psp-gateway topology run examples/two-hosts.yaml

Exit status: 0 done, 2 wrong usage, or a folder that cannot take the files.
`;

export function examplesCommand(): Command {
  const command = new Command('examples')
    .description('say where the example topologies and library programs are, or copy them')
    .option('-o, --out <folder>', 'copy them there')
    .option('--force', 'replace files that exist', false)
    .addHelpText('after', HELP);
  const wrong = new FlagProblems(command);
  return command.action(async ({ out, force }: { out?: string; force: boolean }) => {
    try {
      if (out !== undefined) await copyTo(out, force, wrong);
      else if (wrong.list.length === 0) list();
      else tell(wrong.list);
    } catch (error) {
      failAtFile(error);
    }
  });
}

/** All files, from the folder of the examples. */
function examples(): string[] {
  return readdirSync(EXAMPLES, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(EXAMPLES, join(entry.parentPath, entry.name)))
    .sort();
}

function list(): void {
  console.log(EXAMPLES);
  for (const name of examples()) console.log(`  ${name}`);
  console.log('README.md says what each shows; psp-gateway examples --out FOLDER copies them');
}

function tell(problems: readonly string[]): void {
  for (const problem of problems) complain(problem);
  process.exitCode = EXIT_USAGE;
}

/** All of them or none. */
async function copyTo(folder: string, force: boolean, wrong: FlagProblems): Promise<void> {
  const names = examples();
  const problems = [...wrong.list];
  try {
    mustTakeFiles(folder);
  } catch (error) {
    const problem = fileProblem(error);
    if (problem === undefined) throw error;
    problems.push(`--out: ${problem.text}`);
  }
  const existing = force ? [] : names.map((name) => join(folder, name)).filter((path) => existsSync(path));
  problems.push(...existing.map((path) => `${path} exists; --force replaces it`));
  if (problems.length > 0) {
    tell(problems);
    return;
  }
  const options = { readers: 'public', replace: force } as const;
  const files = await Promise.all(
    names.map(async (name): Promise<NewFile> => {
      return { name, content: await readFile(join(EXAMPLES, name)), options };
    }),
  );
  const made = [...new Set(names.map((name) => dirname(join(folder, name))))].flatMap((one) =>
    makeFolder(one, 'public'),
  );
  try {
    for (const path of await replaceFiles(folder, files, 'public')) console.log(printable(path));
  } catch (error) {
    removeEmptyFolders(made);
    throw error;
  }
}
