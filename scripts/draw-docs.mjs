// Writes what comes from the program: docs' pipe graphs, the tables of flags, of metrics, of what verify asks and of what topologies are
// made of, the JSON schemas, the names of the manual pages in package.json, what the software DOCA supports, the functions of its trace and the manual page of its mapping file. A test fails when they are stale.
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setUp } from './setup.mjs';
import { API_DOCUMENT, apiDocument, readHeaders } from './soft-api.mjs';
import { MAN_PAGE, mappingManPage } from './soft-man-page.mjs';
import { traceFiles } from './soft-trace.mjs';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
setUp({ build: true });
const {
  documentedDrawings,
  publishedSchemas,
  withFlagTables,
  withMetricTable,
  withQuestionTable,
  withTopologyTables,
} = await import(join(ROOT, 'dist/cli/drawings.js'));
for (const [path, text] of [...(await documentedDrawings()), ...publishedSchemas()]) {
  writeFileSync(join(ROOT, path), text);
}
for (const [path, withTables] of [
  ['docs/flags.md', withFlagTables],
  ['docs/operations.md', withMetricTable],
  ['docs/topology.md', withTopologyTables],
  ['docs/verify.md', withQuestionTable],
]) {
  const file = join(ROOT, path);
  writeFileSync(file, withTables(readFileSync(file, 'utf8')));
}
writeFileSync(join(ROOT, API_DOCUMENT), apiDocument(readHeaders()));
for (const [path, text] of traceFiles(readHeaders())) writeFileSync(join(ROOT, path), text);
writeFileSync(join(ROOT, MAN_PAGE), mappingManPage(readFileSync(join(ROOT, 'docs/doca-soft.md'), 'utf8')));

const { manPages } = await import(join(ROOT, 'dist/cli/man-pages.js'));
const manifest = join(ROOT, 'package.json');
const man = (await manPages()).map(([name]) => `man/${name}`).sort();
writeFileSync(
  manifest,
  `${JSON.stringify({ ...JSON.parse(readFileSync(manifest, 'utf8')), man }, null, 2)}\n`,
);
