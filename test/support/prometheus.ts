/** Prometheus of Debian's package, and the expressions of our dashboard and alert rules. */
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { unpackedPackage } from './debian-package.js';
import { ROOT } from './root.js';

const unpacked = unpackedPackage('prometheus');

/** What is missing for tests with Prometheus; none: nothing. */
export const PROMETHEUS_MISSING: readonly string[] = 'missing' in unpacked ? [unpacked.missing] : [];

const program = (name: string) => join('folder' in unpacked ? unpacked.folder : '', 'usr/bin', name);

export const PROMETHEUS = program('prometheus');
export const ALERTS = join(ROOT, 'packaging/grafana/alerts.yaml');
const DASHBOARD = join(ROOT, 'packaging/grafana/dashboard.json');

/** promtool's result and all that it said. */
export function promtool(args: readonly string[], input = ''): { status: number | null; said: string } {
  const { status, stdout, stderr } = spawnSync(program('promtool'), args, { input, encoding: 'utf8' });
  return { status, said: `${stdout}${stderr}` };
}

export interface Expression {
  /** The alert, or the panel and the place in it. */
  readonly name: string;
  readonly text: string;
}

/** The rules' expressions. */
export function alertExpressions(): Expression[] {
  const { groups } = parse(readFileSync(ALERTS, 'utf8')) as {
    groups: { rules: { alert: string; expr: string }[] }[];
  };
  return groups.flatMap(({ rules }) => rules.map(({ alert, expr }) => ({ name: alert, text: expr })));
}

interface Panel {
  readonly title: string;
  readonly targets?: readonly { readonly expr: string }[];
}

/** The dashboard's expressions, with its variables as Grafana fills them in for all gateways. */
export function dashboardExpressions(): Expression[] {
  const { panels } = JSON.parse(readFileSync(DASHBOARD, 'utf8')) as { panels: Panel[] };
  return panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr }, i) => ({
      name: `${title} ${i + 1}`,
      text: expr.replaceAll('$instance', '.*').replaceAll('$__rate_interval', '30s'),
    })),
  );
}

/** The metrics that an expression names. */
export function metricsIn(expression: string): string[] {
  return expression.match(/\b(?:psp_gateway|process)_[a-z0-9_]+/g) ?? [];
}

const FETCH = `
  const urls = process.argv.slice(1);
  const answers = [];
  for (const url of urls) {
    const answer = await fetch(url);
    answers.push({ status: answer.status, text: await answer.text() });
  }
  console.log(JSON.stringify(answers));
`;

/** What pages answer in a namespace, one after the other. Throws when one does not answer at all. */
export function fetchIn(namespace: string, urls: readonly string[]): { status: number; text: string }[] {
  const command = [process.execPath, '--input-type=module', '-e', FETCH, ...urls];
  const said = execFileSync('ip', ['netns', 'exec', namespace, ...command], {
    encoding: 'utf8',
    maxBuffer: 64 << 20,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return JSON.parse(said);
}
