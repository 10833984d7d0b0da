// Runs a topology in virtual time: gateways, traffic and faults of a file, in a second or two, and the same each time.
import { fileURLToPath } from 'node:url';
import { readTopology, runTopology, TopologyFileError, topologyMermaid } from 'psp-gateway/topology';

const path = process.argv[2] ?? fileURLToPath(new URL('../two-hosts.yaml', import.meta.url));
try {
  console.log(topologyMermaid(readTopology(path)));
  const report = await runTopology(path);
  for (const [name, { sent, delivered, lost }] of Object.entries(report.flows))
    console.log(`${name}: ${sent} sent, ${delivered} delivered, ${lost} lost`);
  for (const { text, ok, seen } of report.expectations) console.log(`${ok ? 'ok' : 'FAILED'}  ${text} (${seen})`);
  process.exitCode = report.ok ? 0 : 1;
} catch (error) {
  if (!(error instanceof TopologyFileError)) throw error;
  console.error(error.message);
  process.exitCode = 2;
}
