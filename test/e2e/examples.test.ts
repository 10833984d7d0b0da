/** The examples as a user runs them: each as it expects, with captures that Wireshark reads, and the same every time. */
import { execFile, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Report } from '../../src/topology/report.js';
import { type Answer, askedWithin } from '../support/asked-within.js';
import { describeNeeding, inPath } from '../support/needs.js';
import { ROOT } from '../support/root.js';
import { TsharkFolder } from '../support/tshark.js';

const MAIN = join(ROOT, 'dist/cli/main.js');
const EXAMPLES = readdirSync(join(ROOT, 'examples'))
  .filter((name) => name.endsWith('.yaml'))
  .map((name) => basename(name, '.yaml'));
/** It begins again in a process with a larger heap. Captures are made of up to 50 gateways. */
const LARGE = 'leaf-spine-200';
const CAPTURED = EXAMPLES.filter((name) => name !== LARGE);
const TIMEOUT_MS = 180_000;

interface Run {
  readonly status: number | null;
  readonly text: string;
  readonly path: string;
  readonly report: Report;
}

let folder: TsharkFolder;
const runs = new Map<string, Promise<Run>>();
let lastWithin: Promise<unknown> = Promise.resolve();
beforeAll(() => {
  folder = new TsharkFolder();
});
afterAll(() => folder.close());

/** Runs an example, or gives the run that has been: `again` makes another one, in a process of its own. */
function run(name: string, again = '', ...args: readonly string[]): Promise<Run> {
  const path = folder.file(`${name}${again}`);
  let made = runs.get(path);
  if (made === undefined) {
    const argv = ['topology', 'run', join(ROOT, `examples/${name}.yaml`), '-o', path, ...args];
    made = (again !== '' || name === LARGE ? alone(argv) : within(argv)).then(({ status, out, err }) => {
      const report = JSON.parse(readFileSync(join(path, 'report.json'), 'utf8')) as Report;
      return { status, text: out + err, path, report };
    });
    runs.set(path, made);
  }
  return made;
}

/** One after the other. */
function within(argv: readonly string[]): Promise<Answer> {
  const answer = lastWithin.then(() => askedWithin(argv, ROOT));
  lastWithin = answer.catch(() => {});
  return answer;
}

function alone(argv: readonly string[]): Promise<Answer> {
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [MAIN, ...argv], { timeout: TIMEOUT_MS }, (error, out, err) => {
      if (error !== null && typeof error.code !== 'number') return reject(error);
      resolve({ status: Number(error?.code ?? 0), out, err });
    });
  });
}

const captures = (path: string) => readdirSync(path).filter((name) => name.endsWith('.pcapng'));
const digest = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex');
const digests = (path: string) =>
  Object.fromEntries(readdirSync(path).map((name) => [name, digest(join(path, name))]));

describe.concurrent('examples/', () => {
  test.each(EXAMPLES)(
    '%s.yaml goes as it expects, and expects something',
    async (name) => {
      const { status, text, report } = await run(name);
      expect(status, text).toBe(0);
      expect(report.expectations.length).toBeGreaterThan(1);
      expect(report.name).toBe(name);
    },
    TIMEOUT_MS,
  );

  test.each(['two-hosts', 'attacker', 'workloads'])(
    '%s.yaml gives the same files to the byte every time, and others with another seed',
    async (name) => {
      const [one, again, other] = await Promise.all([
        run(name),
        run(name, '-again'),
        run(name, '-other', '--seed', '77'),
      ]);
      expect(other.status, other.text).toBe(0);
      const files = digests(one.path);
      expect(digests(again.path)).toEqual(files);
      const links = captures(one.path).filter((file) => file.startsWith('link-'));
      expect(links.length).toBeGreaterThan(0);
      const others = digests(other.path);
      for (const link of links) expect(others[link]).not.toBe(files[link]);
    },
    TIMEOUT_MS,
  );
});

describeNeeding('captures of examples', inPath('tshark') && inPath('capinfos') ? [] : ['tshark'], () => {
  /** Packets of each capture, as Wireshark's reader counts them. */
  function counted(path: string): Record<string, number> {
    const files = captures(path).map((name) => join(path, name));
    const { stdout, status, stderr } = spawnSync('capinfos', ['-TcM', ...files], { encoding: 'utf8' });
    expect(status, stderr).toBe(0);
    const lines = stdout.trim().split('\n').slice(1);
    return Object.fromEntries(
      lines.map((line) => {
        const [file, count] = line.split('\t');
        return [basename(file!), Number(count)];
      }),
    );
  }

  test.each(CAPTURED)(
    '%s.yaml: every packet that a link was given is in its capture, and tshark reads it',
    async (name) => {
      const { path, report } = await run(name);
      const counts = counted(path);
      const given = Object.entries(report.links).flatMap(([link, ends]) => {
        const packets = Object.values(ends).reduce((sum, end) => sum + end.sent! + end.duplicated!, 0);
        return packets === 0 ? [] : [[`link-${link.replaceAll(':', '_').replace(' ', '-')}.pcapng`, packets]];
      });
      const links = Object.entries(counts).filter(([file]) => file.startsWith('link-'));
      expect(Object.fromEntries(links)).toEqual(Object.fromEntries(given));
      const [file, count] = links[0]!;
      expect(folder.fields(join(path, file), ['frame.number'])).toHaveLength(count);
    },
    TIMEOUT_MS,
  );

  /** How many packets of a link's capture the filter shows, and how many there are. */
  async function shown(name: string, link: string, filter: string): Promise<[number, number]> {
    const { path } = await run(name);
    const matching = folder.fields(join(path, link), ['frame.number'], '-Y', filter).length;
    return [matching, counted(path)[link]!];
  }

  test.each([
    ['two-hosts', 'link-H1_p0-H2_p0.pcapng', 'psp && ipv6.version == 6'],
    ['ipv4-underlay', 'link-H1_p0-R1_eth1.pcapng', 'psp && ip.version == 4 && !ipv6'],
    ['transport-mode', 'link-H1_p0-S1_eth1.pcapng', 'psp || arp || icmpv6.type == 135 || icmpv6.type == 136'],
  ])('%s.yaml: the underlay carries nothing else on %s: %s', async (name, link, filter) => {
    const [matching, all] = await shown(name, link, filter);
    expect(all).toBeGreaterThan(1000);
    expect(matching).toBe(all);
  });
});
