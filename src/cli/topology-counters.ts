/** `psp-gateway topology counters`: the numbers of a run's report that expectations may name. */
import type { Command } from 'commander';
import { printable } from '../base/printable.js';
import { counterPaths, counterTree } from '../topology/counters.js';
import { FlagProblems } from './flag-problems.js';
import { loadBeside, withTopology } from './topology-file.js';

const HELP = `
One path per line, as \`expect\` takes them: {counter: PATH, min: N, max: N}. Percentiles have a value only where
something was measured; docs/topology.md says what each counter counts.

Example:
  psp-gateway topology counters examples/two-hosts.yaml | grep rxAuthFail

Exit status: 0 listed, 2 wrong usage or a wrong file.`;

export function setUpCounters(command: Command): void {
  command.addHelpText('after', HELP);
  const wrong = new FlagProblems(command);
  command.action((file: string, scenarioPath: string | undefined) =>
    withTopology(() => {
      const read = loadBeside(wrong, file, [], scenarioPath === undefined ? {} : { scenarioPath });
      const paths = [...counterPaths(counterTree(read))];
      process.stdout.write(paths.map((path) => `${printable(path)}\n`).join(''));
    }),
  );
}
