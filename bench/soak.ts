/** `npm run soak -- --hours N` or `--minutes N`, with `--logs FOLDER` for what the gateways say: see test/e2e/soak/soak.ts. */
import { parseArgs } from 'node:util';
import { soak } from '../test/e2e/soak/soak.js';

const MINUTES_DEFAULT = 10;

const { values } = parseArgs({
  options: { hours: { type: 'string' }, minutes: { type: 'string' }, logs: { type: 'string' } },
});
const minutes =
  Number(values.hours ?? 0) * 60 +
  Number(values.minutes ?? (values.hours === undefined ? MINUTES_DEFAULT : 0));
if (!Number.isFinite(minutes) || minutes <= 0) {
  process.stderr.write('soak: give --hours N or --minutes N, numbers above 0\n');
  process.exit(2);
}
const { problems, table } = await soak({
  seconds: minutes * 60,
  progress: (line) => process.stdout.write(`${line}\n`),
  ...(values.logs === undefined ? {} : { logs: values.logs }),
});
process.stdout.write(`${table}\n`);
for (const problem of problems) process.stdout.write(`error: ${problem}\n`);
process.exitCode = problems.length > 0 ? 1 : 0;
