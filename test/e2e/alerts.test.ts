/** Each alert fires when what it is for happens, as promtool finds it, and not without. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ALERT_CASES } from '../support/alert-cases.js';
import { readDocument } from '../support/document-blocks.js';
import { describeNeeding } from '../support/needs.js';
import { ALERTS, alertExpressions, PROMETHEUS_MISSING, promtool } from '../support/prometheus.js';

/** All that an alert waits for is over by then. */
const AT = '30m';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'psp-gateway-alerts-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** promtool's verdict on which alerts fire, each in a world of its own. */
function check(firing: (alert: string) => boolean) {
  const file = join(folder, 'cases.json');
  writeFileSync(
    file,
    JSON.stringify({
      rule_files: [ALERTS],
      evaluation_interval: '1m',
      tests: ALERT_CASES.map(({ alert, series }) => ({
        name: alert,
        interval: '1m',
        input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
        promql_expr_test: [
          {
            expr: `count(ALERTS{alertname="${alert}",alertstate="firing"}) or vector(0)`,
            eval_time: AT,
            exp_samples: [{ labels: '{}', value: firing(alert) ? 1 : 0 }],
          },
        ],
      })),
    }),
  );
  return promtool(['test', 'rules', file]);
}

describeNeeding('alert rules', PROMETHEUS_MISSING, () => {
  test('are valid', () => {
    expect(promtool(['check', 'rules', ALERTS])).toMatchObject({ status: 0 });
  });

  test('fire, each in its case; of none there is no case', () => {
    const alerts = alertExpressions().map(({ name }) => name);
    expect(ALERT_CASES.map(({ alert }) => alert).sort()).toEqual([...alerts].sort());
    const { status, said } = check(() => true);
    expect(status, said).toBe(0);
    // A case that does not fire would be noticed.
    for (const { alert } of ALERT_CASES.slice(0, 2)) expect(check((one) => one !== alert).status).not.toBe(0);
  });

  test('are all in the table of alerts', () => {
    const operations = readDocument('docs/operations.md');
    const told = [...operations.matchAll(/^\| (PspGateway\w+(?:, PspGateway\w+)*) \|/gm)];
    const names = told.flatMap(([, list]) => list!.split(', '));
    expect(names.sort()).toEqual(
      alertExpressions()
        .map(({ name }) => name)
        .sort(),
    );
  });
});
