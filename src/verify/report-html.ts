/** A report as one page that needs nothing besides: no script, no picture, no file. Captures are in it as links to save. */
import { GROUPS, type Group, type Measured } from './property.js';
import type { Comparison, Report, Result, State } from './report.js';

const STYLE = `
:root { color-scheme: light dark; --line: #8885; --good: #1a7f37; --bad: #cf222e; --open: #9a6700; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2.2rem; }
table { border-collapse: collapse; width: 100%; }
td, th { border-bottom: 1px solid var(--line); padding: .35rem .6rem; text-align: left; vertical-align: top; }
td:first-child, th:first-child { white-space: nowrap; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; margin: .3rem 0; }
dt { opacity: .75; } dd { margin: 0; overflow-wrap: anywhere; }
.passed { color: var(--good); } .failed { color: var(--bad); font-weight: 600; } .not-possible { color: var(--open); }
.name { font-family: ui-monospace, monospace; font-size: .85em; opacity: .75; }
.said { overflow-wrap: anywhere; }
`;

const STATE_NAMES: Readonly<Record<State, string>> = {
  passed: 'passed',
  failed: 'failed',
  'not-possible': 'not possible',
  measured: 'measured',
};

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const text = (given: string) => given.replace(/[&<>"]/g, (one) => ESCAPES[one]!);

export function reportHtml(report: Report): string {
  const { run, counts, results } = report;
  const groups = (Object.keys(GROUPS) as Group[]).filter((group) =>
    results.some((one) => one.group === group),
  );
  const title = `psp-gateway verify: ${report.device[0]?.value ?? 'a device'}`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${text(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>${text(title)}</h1>
<p>${(Object.keys(STATE_NAMES) as State[])
    .map((state) => `<span class="${state}">${counts[state]} ${STATE_NAMES[state]}</span>`)
    .join(', ')}${run.stopped ? '; <strong>stopped before all was asked</strong>' : ''}.</p>
<h2>What was verified</h2>
${list([...report.device, ...report.machine])}
<h2>How</h2>
${list([
  { what: 'program', value: run.program },
  { what: 'at', value: run.at },
  { what: 'time', value: `${run.seconds} s, ${run.depth}` },
  { what: 'seed', value: `${run.seed}` },
  { what: 'command', value: run.command },
])}
${report.comparison === undefined ? '' : comparisonHtml(report.comparison)}${groups
  .map((group) =>
    groupHtml(
      GROUPS[group],
      results.filter((one) => one.group === group),
    ),
  )
  .join('')}</body>
</html>
`;
}

function list(rows: readonly Measured[]): string {
  const items = rows.map(({ what, value }) => `<dt>${text(what)}</dt><dd>${text(value)}</dd>`);
  return `<dl>${items.join('\n')}</dl>`;
}

function groupHtml(title: string, results: readonly Result[]): string {
  const rows = results.map(
    (result) =>
      `<tr id="${text(result.name)}"><td class="${result.state}">${STATE_NAMES[result.state]}</td><td>${text(result.title)} <span class="name">${text(result.name)}</span>${detail(result)}</td></tr>`,
  );
  return `<h2>${text(title)}</h2>
<table>
${rows.join('\n')}
</table>
`;
}

function detail(result: Result): string {
  switch (result.state) {
    case 'measured':
      return list(result.rows);
    case 'passed':
      return `<br>${result.cases} ${result.cases === 1 ? 'case' : 'cases'}${againText(result.again)}, ${result.seconds} s${refusals(result.refused)}`;
    case 'not-possible':
      return refusals(result.refused);
    case 'failed':
      return `${list([
        { what: 'why', value: result.reason },
        { what: 'smallest case', value: result.smallest },
        {
          what: 'fails',
          value: `${result.repeats} times that it was run again; first as case ${result.case}`,
        },
      ])}<a download="${text(result.name)}.pcapng" href="data:application/octet-stream;base64,${result.capture}">its capture, ${result.frames} frames</a>`;
  }
}

const againText = (again = 0) => (again === 0 ? '' : `, ${again} of them only when run again with more time`);

function refusals(refused: Extract<Result, { state: 'not-possible' }>['refused'] = []): string {
  return refused
    .map(
      ({ words, cases, case: first }) =>
        `<div class="said">the device says, of ${cases === 1 ? 'a case' : `${cases} cases`} (${text(first)}): <q>${text(words)}</q></div>`,
    )
    .join('');
}

function comparisonHtml({ baseline, differences }: Comparison): string {
  const rows = differences.map(
    ({ name, what, before, now }) =>
      `<tr><td class="name">${text(name)}</td><td>${text(what)}</td><td>${text(before)}</td><td>${text(now)}</td></tr>`,
  );
  const table =
    rows.length === 0
      ? '<p>Nothing is different.</p>'
      : `<table>\n<tr><th>question</th><th>what</th><th>there</th><th>here</th></tr>\n${rows.join('\n')}\n</table>`;
  return `<h2>Compared with ${text(baseline)}</h2>\n${table}\n`;
}
