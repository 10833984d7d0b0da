/** Reports: as pages, and compared. */
import { describe, expect, test } from 'vitest';
import {
  compare,
  countsOf,
  REPORT_FORMAT,
  REPORT_VERSION,
  type Report,
  type Result,
  reportProblem,
} from '../../../src/verify/report.js';
import { reportHtml } from '../../../src/verify/report-html.js';
import { textsOfXml } from '../../support/xml.js';

const asked = { group: 'sessions', title: 'It <holds> & "more"', seconds: 1 } as const;
const PASSED: Result = { ...asked, name: 'good', state: 'passed', cases: 3 };
const FAILED: Result = {
  ...asked,
  name: 'bad',
  state: 'failed',
  cases: 1,
  case: 0,
  reason: '1, and not <2>',
  smallest: 'a packet',
  repeats: '3 of 3',
  frames: 2,
  capture: 'CgsMDQ==',
};
const REFUSED: Result = {
  ...asked,
  name: 'refused',
  state: 'not-possible',
  refused: [{ words: 'no <b>', case: 'a & b', cases: 2 }],
};
const measured = (value: string): Result => ({
  ...asked,
  name: 'port',
  group: 'measured',
  state: 'measured',
  rows: [
    { what: 'source port', value },
    { what: 'speed', value: `${Math.random()}`, varies: true },
  ],
});

const report = (results: readonly Result[], device = 'one'): Report => ({
  format: REPORT_FORMAT,
  version: REPORT_VERSION,
  run: {
    program: 'psp-gateway 1',
    at: '2026-12-01T00:00:00.000Z',
    seconds: 2,
    seed: 1,
    depth: 'quick',
    command: 'psp-gateway verify',
    stopped: false,
  },
  machine: [{ what: 'kernel', value: 'linux' }],
  device: [{ what: 'device', value: device }],
  counts: countsOf(results),
  results,
});

describe('a report', () => {
  test('is a page of its own that shows everything, captures to save included', () => {
    const page = reportHtml(report([PASSED, FAILED, REFUSED, measured('5')]));
    expect(page).not.toMatch(/<script|src=|href="(?!data:)/);
    expect(page).toContain('1, and not &lt;2&gt;');
    expect(page).toContain('no &lt;b&gt;');
    expect(page).toContain('download="bad.pcapng" href="data:application/octet-stream;base64,CgsMDQ=="');
    expect(page).toContain('<dt>source port</dt><dd>5</dd>');
    expect(page).toContain('1 passed</span>, <span class="failed">1 failed');
    const body = page.slice(page.indexOf('<body>'), page.indexOf('</html>')).replaceAll('<br>', '');
    expect(() => textsOfXml(body)).not.toThrow();
  });

  test('is compared by what is the same each time', () => {
    const before = report([PASSED, FAILED, measured('5')]);
    expect(compare(report([PASSED, FAILED, measured('5')]), before).differences).toEqual([]);
    const now = report([{ ...FAILED, name: 'good' }, REFUSED, measured('6')], 'another');
    expect(compare(now, before).differences).toEqual([
      { name: 'device', what: 'device', before: 'one', now: 'another' },
      { name: 'good', what: asked.title, before: 'passed', now: 'failed: 1, and not <2>' },
      { name: 'refused', what: asked.title, before: 'not asked', now: 'not-possible' },
      { name: 'port', what: 'source port', before: '5', now: '6' },
      { name: 'bad', what: asked.title, before: 'failed', now: 'not asked' },
    ]);
  });

  test('is known from what is none', () => {
    expect(reportProblem(JSON.parse(JSON.stringify(report([PASSED, measured('5')]))))).toBeUndefined();
    for (const other of [null, 5, [], {}, { format: REPORT_FORMAT }, { ...report([]), version: 2 }])
      expect(reportProblem(other)).toBeTypeOf('string');
    const broken = { ...report([]), results: [{ name: 'x', title: 'y', state: 'measured', rows: [5] }] };
    expect(reportProblem(broken)).toBe('is a report that lacks results or the device');
  });
});
