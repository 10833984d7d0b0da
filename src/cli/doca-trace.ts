/** `psp-gateway doca-trace`: the trace of a program that runs on the software DOCA, as text, JSON lines or a drawing. */
import { Command, Option } from 'commander';
import { escapedInJson } from '../base/printable.js';
import { LINE_OCTETS_MAX, type TraceLine } from '../doca-trace/lines.js';
import { PROBLEMS_MAX, TraceLineError, TraceReader } from '../doca-trace/reader.js';
import { TraceState, TraceTooLargeError } from '../doca-trace/state.js';
import { textOf } from '../doca-trace/text.js';
import { dotOf, mermaidOf, type ProgramGraph } from '../draw/render.js';
import { octetsOfGrowing } from '../files/growing-file.js';
import { LineCutter } from '../files/line-cutter.js';
import { replaceFile } from '../files/replace-file.js';
import { failAtFile } from './failure.js';
import { FlagProblems } from './flag-problems.js';
import { complain, EXIT_USAGE } from './output.js';
import { outputProblem } from './replaceable.js';

const DRAWINGS: Readonly<Record<string, (graph: ProgramGraph) => string | Promise<string>>> = {
  mermaid: mermaidOf,
  dot: (graph) => dotOf('doca-trace', graph),
  svg: async (graph) => (await import('../draw/render-svg.js')).svgOf(graph),
};

interface Flags {
  readonly format: string;
  readonly follow?: true;
  readonly output?: string;
}

const NOTES = `A program that runs on the software DOCA writes the trace when the variable DOCA_SOFT_TRACE names a file for it:

  DOCA_SOFT_TRACE=trace.jsonl,packets=10 ./program
  psp-gateway doca-trace trace.jsonl
  psp-gateway doca-trace trace.jsonl --follow
  psp-gateway doca-trace trace.jsonl --format svg --output pipes.svg

A drawing has the pipes that there are at the end of the file, and when none is left, those that were there last; a file may grow meanwhile.`;

export function docaTraceCommand(): Command {
  const command = new Command('doca-trace')
    .description('show what a program that runs on the software DOCA does')
    .argument('<file>', 'the trace that the program writes, or has written')
    .addOption(
      new Option('--format <format>', 'of what is shown')
        .choices(['text', 'json', ...Object.keys(DRAWINGS)])
        .default('text'),
    )
    .option('-f, --follow', 'go on with what the program writes, until the trace ends or Ctrl-C')
    .option('-O, --output <file>', 'write a drawing to a file instead of standard output')
    .addHelpText('after', `\n${NOTES}`);
  const wrong = new FlagProblems(command);
  return command.action((path: string, flags: Flags) => show(path, flags, wrong));
}

async function show(path: string, flags: Flags, wrong: FlagProblems): Promise<void> {
  try {
    const problems = [...wrong.list, ...(await unfit(flags))];
    if (problems.length > 0) {
      for (const problem of problems) complain(problem);
      process.exitCode = EXIT_USAGE;
      return;
    }
    const draw = DRAWINGS[flags.format];
    const state = new TraceState();
    const { format } = flags;
    await eachLine(path, flags.follow === true, (line) => {
      if (draw !== undefined) state.add(line);
      else if (format === 'json') process.stdout.write(`${escapedInJson(JSON.stringify(line))}\n`);
      else process.stdout.write(`${textOf(line).join('\n')}\n`);
    });
    if (draw === undefined) return;
    const drawing = await draw(state.graph());
    if (flags.output === undefined) process.stdout.write(drawing);
    else await replaceFile(flags.output, drawing, { readers: 'public' });
  } catch (error) {
    failAtFile(error, path);
  }
}

async function unfit({ format, follow, output }: Flags): Promise<string[]> {
  const isDrawing = format in DRAWINGS;
  const problem = output === undefined || !isDrawing ? undefined : await outputProblem(output, 'drawing');
  return [
    ...(follow === true && isDrawing ? [`--follow: goes with text and json, not with ${format}`] : []),
    ...(output !== undefined && !isDrawing ? [`--output: is for drawings, not for ${format}`] : []),
    ...(problem === undefined ? [] : [problem]),
  ];
}

/** Calls back for each line, and complains of those that are none; the first line must be one. */
async function eachLine(path: string, isFollowed: boolean, take: (line: TraceLine) => void): Promise<void> {
  const problems = new Problems(path);
  const reader = new TraceReader();
  const cutter = new LineCutter(LINE_OCTETS_MAX);
  let hasEnded = false;
  let lines = 0;
  for await (const octets of octetsOfGrowing(path, () => isFollowed && !hasEnded)) {
    for (const one of cutter.cut(octets)) {
      const line = problems.unless(() => reader.read(one));
      lines++;
      if (line === undefined && lines === 1) return;
      if (line !== undefined) problems.unless(() => take(line));
      if (problems.areTooMany) return;
      hasEnded = line?.type === 'end';
    }
  }
  const rest = cutter.rest();
  if (rest.length > 0) problems.note(reader.cut(rest));
  else if (lines === 0) problems.note(new TraceLineError('is empty'));
}

class Problems {
  #count = 0;

  constructor(private readonly path: string) {}

  get areTooMany(): boolean {
    return this.#count >= PROBLEMS_MAX;
  }

  note({ message }: Error): void {
    this.#count++;
    process.exitCode = EXIT_USAGE;
    complain(`psp-gateway: ${this.path}: ${message}`);
    if (this.areTooMany)
      complain(`psp-gateway: ${this.path}: is read no further than to ${PROBLEMS_MAX} problems`);
  }

  /** What `read` returns; undefined where it throws what is wrong with a line. */
  unless<T>(read: () => T): T | undefined {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof TraceLineError) && !(error instanceof TraceTooLargeError)) throw error;
      this.note(error);
      return undefined;
    }
  }
}
