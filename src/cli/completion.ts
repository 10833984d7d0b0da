/** `psp-gateway completion`: what shells need to complete command lines of this program. */
import { Argument, Command } from 'commander';
import { COMPLETION_SCRIPTS } from './completion-scripts.js';
import { FlagProblems } from './flag-problems.js';
import { complain, EXIT_USAGE } from './output.js';

/** How the scripts ask for candidates; nobody writes it by hand. */
const ASK = 'candidates';

const EXAMPLES = `
The script asks this program what may come next, so that it stays right when the program is updated.

bash, from the next shell on; or for all users, as root:

  echo 'source <(psp-gateway completion bash)' >> ~/.bashrc
  psp-gateway completion bash > /usr/share/bash-completion/completions/psp-gateway

zsh, where a folder of $fpath is written to before compinit is called:

  psp-gateway completion zsh > ~/.zfunc/_psp-gateway

fish:

  psp-gateway completion fish > ~/.config/fish/completions/psp-gateway.fish

Exit status: 0 printed; 2 wrong usage.`;

/** @param argv those of the command, which says itself what shells ask it */
export function completionCommand(argv: readonly string[]): Command {
  const command = new Command('completion').description(
    'print a script by which a shell completes commands, flags, their values and files',
  );
  if (argv[0] === ASK) return answering(command, argv.slice(2));
  command
    .addArgument(new Argument('<shell>', 'which one').choices(Object.keys(COMPLETION_SCRIPTS)))
    .addHelpText('after', EXAMPLES);
  const problems = new FlagProblems(command);
  return command.action((shell: string) => {
    for (const problem of problems.list) complain(problem);
    if (problems.list.length > 0) process.exitCode = EXIT_USAGE;
    else process.stdout.write(COMPLETION_SCRIPTS[shell]!);
  });
}

/** The words are data, whatever they begin with: `completion candidates -- WORD...`. */
function answering(command: Command, words: readonly string[]): Command {
  return command
    .helpOption(false)
    .allowUnknownOption()
    .allowExcessArguments()
    .action(async () => {
      const { complete } = await import('./completion-candidates.js');
      const { files, prefix, candidates } = await complete(words);
      const lines = candidates.map(({ word, meaning }) => (meaning === '' ? word : `${word}\t${meaning}`));
      process.stdout.write(`${[files, prefix, ...lines].join('\n')}\n`);
    });
}
