/**
 * Metrics of real gateways over both HALs: the numbers of the packets that were sent, the same that --stat-print prints; and a real
 * Prometheus, of Debian's package, by which every expression of the dashboard and of the alert rules is evaluated.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { VERSION } from '../../src/cli/version.js';
import { declaredIn, samplesOf } from '../support/exposition.js';
import { describeOnKernel } from '../support/kernel.js';
import { describeNeeding } from '../support/needs.js';
import type { Program } from '../support/program.js';
import {
  ALERTS,
  alertExpressions,
  dashboardExpressions,
  fetchIn,
  metricsIn,
  PROMETHEUS,
  PROMETHEUS_MISSING,
  promtool,
} from '../support/prometheus.js';
import { type Kind, World } from './namespaces.js';

const PORT = 9464;
const PINGS = 10;
/** Turns of the event loop per second in an idle gateway with metrics, printing and two scrapes: some twenty are usual. */
const IDLE_TURNS_PER_SECOND_MAX = 40;
const IDLE_S = 4;
const IDLE_WINDOWS = 10;
/** For what Prometheus has to see twice, or a look at the counters of sessions to find. */
const DATA_TIMEOUT_MS = 120_000;

/** Expressions of the dashboard that have nothing to show in a healthy system, or over a device that does not count it. */
const EMPTY_WHEN_HEALTHY: readonly string[] = ['Peers that do not answer 1', 'Since the last rotation 1'];
const EMPTY_OVER: Readonly<Partial<Record<Kind, readonly string[]>>> = {
  doca: ['Packets that do not authenticate 3'],
};

interface Printed {
  readonly psp: Readonly<Record<string, number | null>>;
  readonly pipes: readonly { readonly pipe: string; readonly hits: { packets: number; octets: number } }[];
}

/** What --stat-print has printed last. */
function lastPrinted({ out }: Program): Printed {
  const line = out.split('\n').findLast((text) => text.includes('"statistics":') && text.endsWith('}'));
  return (JSON.parse(line!) as { statistics: Printed }).statistics;
}

describeOnKernel('metrics of two gateways', ['ip', 'ping'], () => {
  let world: World;
  beforeEach(async () => {
    world = await World.open();
  });
  afterEach(() => world[Symbol.asyncDispose]());

  /** The first gateway serves its metrics on loopback, the second where the first one's Prometheus reaches it. */
  async function startBoth(kind: Kind): Promise<{ gateways: Program[]; targets: string[] }> {
    const targets = [`127.0.0.1:${PORT}`, `${world.sides[1]!.oob}:${PORT}`];
    const gateways: Program[] = [];
    for (const [index, target] of targets.entries()) {
      const flags = [`--metrics=${index === 0 ? PORT : target}`, '--metrics-per-peer'];
      const printing = ['--stat-print', '--log-format=json', '--idle-timeout=100'];
      gateways.push(await world.startGateway(index, kind, [...flags, ...printing]));
    }
    return { gateways, targets };
  }

  const ping = (count: number) => {
    const [one, two] = world.sides;
    return world.run(one!.workload, ['ping', '-n', '-c', String(count), '-i', '0.2', two!.vip4]);
  };
  const pages = (targets: readonly string[], path = '/metrics') =>
    fetchIn(
      world.sides[0]!.gateway,
      targets.map((target) => `http://${target}${path}`),
    );
  const read = (targets: readonly string[]) => pages(targets).map(({ text }) => samplesOf(text));
  const turns = (targets: readonly string[]) =>
    read(targets).map((samples) => samples.get('psp_gateway_event_loop_iterations_total')!);

  describe.each<Kind>(['sim', 'doca'])('over %s', (kind) => {
    test('are the packets that were sent, as --stat-print prints them; and an idle gateway stays idle', async () => {
      const { gateways, targets } = await startBoth(kind);
      expect(await ping(PINGS)).toContain(` ${PINGS} received`);
      // Those of this second are printed in the next one.
      const printedPings = () =>
        gateways.map((gateway) => {
          const { psp } = lastPrinted(gateway);
          return [psp.rxPackets, psp.txPackets];
        });
      await expect.poll(printedPings, { timeout: 30_000 }).toEqual(gateways.map(() => [PINGS, PINGS]));
      const scraped = read(targets);
      for (const [index, samples] of scraped.entries()) {
        const { psp, pipes } = lastPrinted(gateways[index]!);
        for (const direction of ['rx', 'tx'] as const) {
          const packets = samples.get(`psp_gateway_${direction}_packets_total`);
          const octets = samples.get(`psp_gateway_${direction}_bytes_total`);
          expect([packets, octets]).toEqual([PINGS, PINGS * (20 + 8 + 56)]);
          expect([psp[`${direction}Packets`], psp[`${direction}Bytes`]]).toEqual([packets, octets]);
        }
        expect(psp.rxAuthFail).toBe(samples.get('psp_gateway_rx_auth_fail_total'));
        for (const pipe of ['PSP_DECRYPT', 'INGR_ACL_IPV4', 'EGR_ACL_IPV4']) {
          const { hits } = pipes.find((one) => one.pipe === pipe)!;
          expect(hits.packets).toBe(PINGS);
          expect(samples.get(`psp_gateway_pipe_hit_packets_total{pipe="${pipe}"}`)).toBe(hits.packets);
          expect(samples.get(`psp_gateway_pipe_hit_bytes_total{pipe="${pipe}"}`)).toBe(hits.octets);
        }
        expect(samples.get('psp_gateway_sessions{state="established"}')).toBe(1);
        expect(samples.get(`psp_gateway_info{version="${VERSION}",hal="${kind}"}`)).toBe(1);
        const exchanges = (['client', 'server'] as const).map((side) =>
          samples.get(
            `psp_gateway_rpcs_total{side="${side}",method="RequestMultipleTunnelParams",status="OK"}`,
          ),
        );
        expect(exchanges).toEqual(index === 0 ? [1, 0] : [0, 1]);
        const expiryS = samples.get('psp_gateway_certificate_expiry_timestamp_seconds{role="own"}')!;
        expect(expiryS).toBeGreaterThan(Date.now() / 1000);
      }
      for (const { status, text } of pages(targets, '/readyz'))
        expect({ status, text }).toEqual({ status: 200, text: 'ok\n' });

      // The kernels of the workloads have things to say now and then; what wakes all the time does so in every window.
      const quietest = targets.map(() => Number.POSITIVE_INFINITY);
      for (
        let window = 0;
        window < IDLE_WINDOWS && Math.max(...quietest) >= IDLE_TURNS_PER_SECOND_MAX;
        window++
      ) {
        const before = turns(targets);
        await sleep(IDLE_S * 1000);
        for (const [index, after] of turns(targets).entries())
          quietest[index] = Math.min(quietest[index]!, (after - before[index]!) / IDLE_S);
      }
      for (const perSecond of quietest) {
        expect(perSecond).toBeGreaterThan(0);
        expect(perSecond).toBeLessThan(IDLE_TURNS_PER_SECOND_MAX);
      }
    });

    describeNeeding('with Prometheus', PROMETHEUS_MISSING, () => {
      test('answer every expression of the dashboard, and fire no alert', async () => {
        const { targets } = await startBoth(kind);
        const evaluate = await startPrometheus(targets);
        const texts = pages(targets).map(({ text }) => text);
        for (const text of texts) {
          expect(promtool(['check', 'metrics'], text)).toEqual({ status: 0, said: '' });
          const declared = declaredIn(text).flatMap((name) => [name, `${name}_bucket`]);
          for (const { name, text: expression } of [...dashboardExpressions(), ...alertExpressions()]) {
            const unknown = metricsIn(expression).filter((metric) => !declared.includes(metric));
            expect(unknown, name).toEqual([]);
          }
        }
        const mayBeEmpty = [...EMPTY_WHEN_HEALTHY, ...(EMPTY_OVER[kind] ?? [])];
        const expressions = dashboardExpressions();
        expect(expressions.length).toBeGreaterThan(30);
        const endMs = Date.now() + DATA_TIMEOUT_MS;
        let empty: string[];
        do {
          expect(await ping(PINGS)).toContain(` ${PINGS} received`);
          const counts = evaluate(expressions.map(({ text }) => text));
          empty = expressions.filter((_, i) => counts[i] === 0).map(({ name }) => name);
        } while (empty.length > mayBeEmpty.length && Date.now() < endMs);
        expect(empty).toEqual(
          expressions.map(({ name }) => name).filter((name) => mayBeEmpty.includes(name)),
        );
        // Each parses here as well, and none has anything to say of a healthy system.
        const firing = alertExpressions();
        const counts = evaluate(firing.map(({ text }) => text));
        expect(firing.filter((_, i) => counts[i] !== 0).map(({ name }) => name)).toEqual([]);
        expect(evaluate(['up == 1', 'ALERTS'])).toEqual([2, 0]);
      });
    });
  });

  /** Scrapes the targets every second; gives what evaluates expressions: to how many series each has. */
  async function startPrometheus(
    targets: readonly string[],
  ): Promise<(expressions: readonly string[]) => number[]> {
    const { gateway } = world.sides[0]!;
    const data = join(world.folder, 'prometheus');
    mkdirSync(data);
    const config = join(data, 'prometheus.json');
    // JSON is YAML.
    writeFileSync(
      config,
      JSON.stringify({
        global: { scrape_interval: '1s', evaluation_interval: '1s' },
        rule_files: [ALERTS],
        scrape_configs: [{ job_name: 'psp-gateway', static_configs: [{ targets }] }],
      }),
    );
    const program = world.start(gateway, [
      PROMETHEUS,
      `--config.file=${config}`,
      `--storage.tsdb.path=${join(data, 'data')}`,
      '--web.listen-address=127.0.0.1:9090',
    ]);
    await program.says(/Server is ready to receive web requests/);
    return (expressions) => {
      const urls = expressions.map(
        (text) => `http://127.0.0.1:9090/api/v1/query?query=${encodeURIComponent(text)}`,
      );
      const answers = fetchIn(gateway, urls).map(({ text }) => text);
      return answers.map((text, i) => {
        const answer = JSON.parse(text) as { status: string; data?: { result: unknown[] } };
        expect(answer.status, `${expressions[i]}: ${text}\n${program.out.slice(-2000)}`).toBe('success');
        return answer.data!.result.length;
      });
    };
  }
});
