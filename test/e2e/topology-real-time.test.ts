/** `psp-gateway topology` as a user runs it, in real time, and with a process per gateway. */
import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import type { Report } from '../../src/topology/report.js';
import { Program } from '../support/program.js';
import { MAIN, PINGS, topologyFolder } from './topology-folder.js';

const { path, topologyAlone, file } = topologyFolder();

describe('topology run, in real time', () => {
  const events = `  traffic:
    A: {type: ping, from: "*", to: "*", count: 100, interval: 100ms, timeout: 2s}
  events:
    - {at: 500ms, rotate: "*"}
    - {at: 1s, crash: h2, down: 200ms}
    - {at: 1500ms, oob: {loss: 10%}}
  expect:
    - {flow: "*", delivered: 10%}
    - {counter: nodes.h2.starts, min: 2, max: 2}
    - {counter: nodes.h1.rotations, min: 1, max: 1}
    - {counter: nodes.h1.psp.txPackets, min: 20}
`;

  test.each(['--real-time', '--processes'])(
    '%s: gateways over gRPC and TLS rotate, crash and come back',
    (flag) => {
      const { status, out, err } = topologyAlone(
        'run',
        file('events.yaml', events),
        '-o',
        path(flag),
        flag,
        '--json',
      );
      expect(err).toBe('');
      const report = JSON.parse(out) as Report;
      expect(report.violations).toEqual([]);
      expect(report.expectations.filter(({ ok }) => !ok)).toEqual([]);
      expect(report.errors).toEqual([]);
      expect(status).toBe(0);
    },
  );

  test('a gateway that somebody starts elsewhere takes part', async () => {
    const [here, there] = ['127.64.255.1', '127.99.0.5'];
    const certificates = [MAIN, 'certificates', '--out', path('certs'), '--host', here, there];
    expect(spawnSync(process.execPath, certificates).status).toBe(0);
    const input = file('pings.yaml', PINGS);
    const places = ['--where', `h3=${there}`, '--core', here, '--certificates', path('certs')];
    const node = new Program([process.execPath, MAIN, 'topology', 'node', input, 'h3', ...places]);
    try {
      await node.says(/gateway started/);
      const { out } = topologyAlone('run', input, '-o', path('where'), '--processes', ...places, '--json');
      const report = JSON.parse(out) as Report;
      expect(report.violations).toEqual([]);
      for (const flow of ['A/h1-v1>h3-v1', 'A/h3-v1>h2-v1'])
        expect(report.flows[flow]!.delivered).toBeGreaterThan(4);
    } finally {
      await node.stop('SIGTERM');
    }
  });
});
