/** A run's report for people. */
import type { Counts } from './nodes/incarnation.js';
import type { FlowReport, NodeReport, Report } from './report.js';
import { dropsOf } from './report-drops.js';
import { unmetFirst } from './report-order.js';
import type { Percentiles } from './traffic/flow.js';

/** Rows of a table that are shown; the JSON report has all. */
const ROWS_MAX = 50;

/** The report for people. */
export function reportMarkdown(report: Report): string {
  const parts = [
    `# ${report.name}: ${report.ok ? 'as expected' : 'NOT as expected'}`,
    `${report.gateways} gateways, ${report.tunnels} tunnels, ${(report.durationMs / 1000).toFixed(3)} s, seed ${report.seed}.`,
    section(
      'Expectations',
      ['', 'expected', 'seen'],
      unmetFirst(report.expectations).map(({ ok, text, seen }) => [ok ? 'ok' : '**failed**', text, seen]),
    ),
    section(
      `Violations (${report.violationCount})`,
      ['at ms', 'node', 'kind', 'what'],
      report.violations.map(({ atMs, node, kind, text }) => [atMs.toFixed(3), node, kind, text]),
    ),
    section(
      'Errors',
      ['error'],
      report.errors.map((error) => [error]),
    ),
    section(
      'Not checked',
      ['what, and why'],
      (report.notChecked ?? []).map((text) => [text]),
    ),
    section(
      'Flows',
      ['flow', 'type', 'sent', 'delivered', 'lost', 'repeated', 'latency ms: p50', 'p99', 'max', ''],
      Object.entries(report.flows).map(([name, flow]) => flowRow(name, flow)),
    ),
    section(
      'Left out of captures',
      ['flow', 'reason', 'frames'],
      Object.entries(report.flows).flatMap(([name, { leftOut = {} }]) =>
        Object.entries(leftOut).map(([reason, count]) => [name, reason, count]),
      ),
    ),
    section(
      'Gateways',
      [
        'gateway',
        'tunnels',
        'set-up ms: p50',
        'max',
        'RPCs asked',
        'failed',
        'rotations',
        'sealed',
        'opened',
        'not authentic',
      ],
      Object.entries(report.nodes).map(([name, node]) => nodeRow(name, node)),
    ),
    section(
      'Drops',
      ['gateway', 'pipe or reason', 'packets'],
      Object.entries(report.nodes).flatMap(([name, node]) =>
        dropsOf(node).map(([reason, count]) => [name, reason, count]),
      ),
    ),
    section(
      'Links',
      ['link, from', 'sent', 'delivered', 'lost', 'repeated', 'reordered', 'corrupted', 'queue full'],
      Object.values(report.links).flatMap((ends) =>
        Object.entries(ends)
          .filter(([, { sent }]) => sent! > 0)
          .map(([end, c]) => [
            end,
            c.sent!,
            c.delivered!,
            c.lost!,
            c.duplicated!,
            c.reordered!,
            c.corrupted!,
            c.queueDropped!,
          ]),
      ),
    ),
    section(
      'Interfaces of this machine',
      ['interface', 'frames', ''],
      Object.entries(report.outside ?? {}).flatMap(([name, all]) =>
        Object.entries(all)
          .filter(([counter, count]) => count > 0 || counter === 'received' || counter === 'sent')
          .map(([counter, count]) => [name, counter, count]),
      ),
    ),
    section(
      'Routers: packets by port',
      ['router', 'port', 'packets'],
      Object.entries(report.routers).flatMap(([name, { sent }]) =>
        Object.entries(sent).map(([port, count]) => [name, port, count]),
      ),
    ),
    `OOB network: ${counts(report.oob)}.`,
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

function flowRow(name: string, flow: FlowReport): (string | number)[] {
  const failed = flow.failed === true ? ['**failed**'] : [];
  const transfer =
    flow.transfer === undefined
      ? []
      : [
          `${flow.transfer.octets} octets, ${flow.transfer.intact ? 'SHA-256 equal' : 'NOT INTACT'}, ${flow.transfer.retransmissions} segments again`,
        ];
  return [
    name,
    flow.type,
    flow.sent,
    flow.delivered,
    flow.lost,
    flow.duplicates,
    ...latency(flow.latencyMs),
    [...failed, ...transfer].join(', '),
  ];
}

const latency = (l: Percentiles | undefined) =>
  l === undefined ? ['', '', ''] : [l.p50.toFixed(3), l.p99.toFixed(3), l.max.toFixed(3)];

function nodeRow(name: string, node: NodeReport): (string | number)[] {
  const setUp = node.tunnelSetUpMs;
  return [
    name,
    node.sessions,
    setUp?.p50.toFixed(3) ?? '',
    setUp?.max.toFixed(3) ?? '',
    node.rpcs.asked!,
    node.rpcs.failed!,
    node.rotations,
    node.psp.txPackets ?? 0,
    node.psp.rxPackets ?? 0,
    node.psp.rxAuthFail ?? 0,
  ];
}

const counts = (all: Counts) =>
  Object.entries(all)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ');

function section(
  title: string,
  head: readonly string[],
  rows: readonly (readonly (string | number)[])[],
): string {
  if (rows.length === 0) return '';
  const line = (cells: readonly (string | number)[]) =>
    `| ${cells.map((cell) => String(cell).replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`;
  const shown = rows.slice(0, ROWS_MAX).map(line);
  const more = rows.length > ROWS_MAX ? `\n\n${rows.length - ROWS_MAX} more rows are in report.json.` : '';
  return `## ${title}\n\n${[line(head), line(head.map(() => '---')), ...shown].join('\n')}${more}`;
}
