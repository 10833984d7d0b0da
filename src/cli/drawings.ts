/** Generated parts of the documentation: pictures, tables and schemas (scripts/draw-docs.mjs). */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { TRACE_SCHEMA } from '../doca-trace/lines.js';
import { renderMermaid } from '../draw/render.js';
import { renderSvg } from '../draw/render-svg.js';
import { readTextFile } from '../files/read-file.js';
import { CONFIG_SCHEMA } from '../gateway/config/config-schema.js';
import { readGatewayOptions } from '../gateway/config/read-options.js';
import { buildPipeline } from '../gateway/pipeline/pipeline.js';
import { metricTable } from '../metrics/metric-table.js';
import { readTopology } from '../topology/file/read.js';
import { SCENARIO_SCHEMA, TOPOLOGY_SCHEMA } from '../topology/file/schema.js';
import { topologySvg } from '../topology/graph.js';
import { QUESTIONS } from '../verify/catalogue.js';
import type { Question } from '../verify/property.js';
import { flagTables } from './flag-help.js';
import { topologyTables } from './topology-tables.js';

/** The pipelines that the documentation shows, by file name. */
const PIPELINES: Readonly<Record<string, readonly string[]>> = {
  default: [],
  'both-families': ['--inner=both'],
  sampling: ['--inner=both', '--cookie', '--sample-rate=8'],
  transport: ['--mode=transport'],
  extension: ['--psp-ext=0x12345678', '--psp-ext-required=0x12345678'],
};
const UNDERLAY_MTU_OCTETS = 1500;
const EXAMPLES = fileURLToPath(new URL('../../examples/', import.meta.url));

/** Paths from the project's root, and contents. */
export async function documentedDrawings(): Promise<[path: string, text: string][]> {
  const drawings: [string, string][] = await exampleDrawings();
  for (const [name, argv] of Object.entries(PIPELINES)) {
    const { options } = readGatewayOptions([...argv, '--insecure'], () => '');
    const program = buildPipeline({
      ...options,
      underlayMtuOctets: UNDERLAY_MTU_OCTETS,
      decapMacs: new Uint8Array(12),
    });
    drawings.push(
      [`docs/pipes/${name}.mmd`, renderMermaid(program)],
      [`docs/pipes/${name}.svg`, await renderSvg(program)],
    );
  }
  return drawings;
}

async function exampleDrawings(): Promise<[path: string, text: string][]> {
  const names = readdirSync(EXAMPLES).filter((name) => name.endsWith('.yaml'));
  const topologies = names.map((name) => readTopology(join(EXAMPLES, name), readTextFile));
  return Promise.all(
    topologies.map(async (topology): Promise<[string, string]> => {
      return [`docs/topologies/${topology.name}.svg`, await topologySvg(topology)];
    }),
  );
}

/** Paths from the project's root, and contents: what editors complete configurations, topologies and scenarios from. */
export function publishedSchemas(): [path: string, text: string][] {
  const textOf = (schema: object) => `${JSON.stringify(schema, null, 2)}\n`;
  return [
    ['schema/config.schema.json', textOf(CONFIG_SCHEMA)],
    ['schema/topology.schema.json', textOf(TOPOLOGY_SCHEMA)],
    ['schema/scenario.schema.json', textOf(SCENARIO_SCHEMA)],
    ['schema/doca-trace.schema.json', textOf(TRACE_SCHEMA)],
  ];
}

/** docs/flags.md with the tables of flags as they are now. */
export function withFlagTables(document: string): string {
  return withTable(document, 'flags', flagTables());
}

/** docs/topology.md with the tables of traffic, events, an insider's acts, expectations and counters as they are now. */
export function withTopologyTables(document: string): string {
  let text = document;
  for (const [name, table] of topologyTables()) text = withTable(text, name, table);
  return text;
}

/** docs/operations.md with the table of metrics as they are now. */
export function withMetricTable(document: string): string {
  return withTable(document, 'metrics', metricTable());
}

/** docs/verify.md with the table of questions as they are now. */
export function withQuestionTable(document: string): string {
  const counts = (one: Question) =>
    one.kind === 'property' ? `${one.cases.quick}, ${one.cases.usual}` : 'measured';
  const rows = QUESTIONS.map((one) => `| \`${one.name}\` | ${one.title} | ${counts(one)} |`);
  return withTable(
    document,
    'questions',
    ['| name | what is asked | cases, with `--quick` and without |', '|---|---|---|', ...rows].join('\n'),
  );
}

/** Puts a table between its marks. */
function withTable(document: string, name: string, table: string): string {
  const begin = `<!-- ${name}: npm run docs -->`;
  const start = document.indexOf(begin);
  const end = document.indexOf(`<!-- end of ${name} -->`);
  if (start < 0 || end < start) throw new Error(`the document has no ${begin} ... <!-- end of ${name} -->`);
  return `${document.slice(0, start + begin.length)}\n\n${table}\n\n${document.slice(end)}`;
}
