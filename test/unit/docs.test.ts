import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import {
  documentedDrawings,
  publishedSchemas,
  withFlagTables,
  withMetricTable,
  withQuestionTable,
  withTopologyTables,
} from '../../src/cli/drawings.js';
import { EVENT_LINES, SELDOM } from '../../src/gateway/event-lines.js';
import { QUESTIONS } from '../../src/verify/catalogue.js';
import { type Report, reportProblem } from '../../src/verify/report.js';
import { reportHtml } from '../../src/verify/report-html.js';
import { documents, readDocument } from '../support/document-blocks.js';
import { textsOfXml } from '../support/xml.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

function files(folder: string, ending: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(ending))
    .map((entry) => join(entry.parentPath, entry.name));
}

/** As GitHub names a heading in links. */
function anchorsOf(path: string): string[] {
  return [...readFileSync(path, 'utf8').matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

describe('the documentation', () => {
  test('shows pipelines and topologies as they are (npm run docs draws them anew)', async () => {
    const drawings = await documentedDrawings();
    expect(drawings.length).toBeGreaterThan(5);
    for (const [path, text] of drawings) {
      expect(readFileSync(join(ROOT, path), 'utf8') === text, path).toBe(true);
    }
  });

  test('ships the schemas that the reader uses (npm run docs writes them anew)', () => {
    const schemas = [...publishedSchemas()];
    expect(schemas.length).toBeGreaterThan(1);
    for (const [path, text] of schemas) {
      expect(readFileSync(join(ROOT, path), 'utf8') === text, path).toBe(true);
    }
  });

  test('has every event of the log once, with its level, and a mark where there are few lines of it', () => {
    const rows = readFileSync(join(ROOT, 'docs/running.md'), 'utf8').matchAll(
      /^\| ((?:`[a-z-]+`(?:, )?)+)( \*)? \| ([^|]+) \|/gm,
    );
    const documented = [...rows].flatMap(([, names, mark, level]) =>
      [...names!.matchAll(/`([^`]+)`/g)].map(([, name]) => ({ name, level, seldom: mark !== undefined })),
    );
    const events = Object.entries(EVENT_LINES);
    for (const [name, { level, limit }] of events) {
      const found = documented.filter((row) => row.name === name);
      expect(found, name).toHaveLength(1);
      expect(found[0]!.seldom, name).toBe(limit === SELDOM);
      if (typeof level === 'string') expect(found[0]!.level, name).toBe(level);
      else expect(found[0]!.level, name).toContain(';');
    }
    const gone = documented.filter(({ level }) => /^(error|warning|info|debug)\b/.test(level!));
    expect(gone.map(({ name }) => name).filter((name) => !Object.hasOwn(EVENT_LINES, name!))).toEqual([]);
  });

  test('shows every text of a drawing whole, and no drawing of what is gone', async () => {
    const drawings = await documentedDrawings();
    for (const [path, svg] of drawings.filter(([name]) => name.endsWith('.svg'))) {
      expect(() => textsOfXml(svg), path).not.toThrow();
      const width = Number(/viewBox="0 0 (\d+) /.exec(svg)![1]);
      for (const [, x, text] of svg.matchAll(/<text x="([\d.]+)"[^>]*>([^<]*)</g))
        expect(Number(x) + text!.length * 6, `${path}: ${text}`).toBeLessThanOrEqual(width);
    }
    const drawn = drawings.map(([path]) => join(ROOT, path)).sort();
    const there = ['docs/pipes', 'docs/topologies'].flatMap((folder) => files(folder, ''));
    expect(there.sort()).toEqual(drawn);
  });

  test('says of every example what it shows', () => {
    const readme = readFileSync(join(ROOT, 'examples/README.md'), 'utf8');
    const examples = readdirSync(join(ROOT, 'examples')).filter((name) => name.endsWith('.yaml'));
    const titles = [...readme.matchAll(/^## \[(.+)\]\(\1\)$/gm)].map(([, name]) => name);
    expect(titles.sort()).toEqual(examples.sort());
  });

  test('tells in the changelog of the version that this is, and of what comes', () => {
    const { version } = JSON.parse(readDocument('package.json')) as { version: string };
    const lock = JSON.parse(readDocument('package-lock.json')) as { version: string };
    expect(lock.version).toBe(version);
    const [unreleased, latest] = [...readDocument('CHANGELOG.md').matchAll(/^## (.+)$/gm)];
    expect(unreleased![1]).toBe('Unreleased');
    expect(latest![1]).toMatch(new RegExp(`^${version.replaceAll('.', '\\.')} - \\d{4}-\\d{2}-\\d{2}$`));
    const kinds = [...readDocument('CHANGELOG.md').matchAll(/^### (.+)$/gm)].map(([, kind]) => kind!);
    const known = ['Added', 'Changed', 'Deprecated', 'Removed', 'Fixed', 'Security'];
    expect(kinds.filter((kind) => !known.includes(kind))).toEqual([]);
  });

  test('has the tables of flags as they are (npm run docs writes them anew)', () => {
    const flags = readFileSync(join(ROOT, 'docs/flags.md'), 'utf8');
    expect(withFlagTables(flags)).toBe(flags);
  });

  test('has the table of metrics as it is (npm run docs writes it anew)', () => {
    const operations = readFileSync(join(ROOT, 'docs/operations.md'), 'utf8');
    expect(withMetricTable(operations)).toBe(operations);
  });

  test('has the table of what verify asks as it is (npm run docs writes it anew)', () => {
    const verify = readFileSync(join(ROOT, 'docs/verify.md'), 'utf8');
    expect(withQuestionTable(verify)).toBe(verify);
  });

  test('shows a report of verify that has been asked all there is to ask (npm run docs:verify makes it anew)', () => {
    const report = JSON.parse(readFileSync(join(ROOT, 'docs/verify/software-doca.json'), 'utf8')) as Report;
    expect(reportProblem(report)).toBeUndefined();
    expect(report.results.map(({ name }) => name).sort()).toEqual(
      ['counter-age', ...QUESTIONS.map(({ name }) => name)].sort(),
    );
    expect(report.counts.failed).toBe(0);
    expect(reportHtml(report)).toBe(readFileSync(join(ROOT, 'docs/verify/software-doca.html'), 'utf8'));
  });

  test('has the tables of topologies as they are (npm run docs writes them anew)', () => {
    const topology = readFileSync(join(ROOT, 'docs/topology.md'), 'utf8');
    expect(withTopologyTables(topology)).toBe(topology);
  });

  test('links to files, and to headings of them, that are there', () => {
    let links = 0;
    for (const document of documents()) {
      for (const [, link, , heading] of readDocument(document).matchAll(
        /\]\((?!https?:)([^)#]*)(#([^)]+))?\)/g,
      )) {
        const target = link === '' ? join(ROOT, document) : resolve(ROOT, dirname(document), link!);
        expect(existsSync(target), `${document}: ${link}`).toBe(true);
        if (heading !== undefined)
          expect(anchorsOf(target), `${document}: ${link}#${heading}`).toContain(heading);
        links++;
      }
    }
    expect(links).toBeGreaterThan(100);
  });

  test('names files and folders that are there', () => {
    const PATH = /`((?:src|test|native|scripts|bench|examples|proto|schema|wireshark)\/[\w./-]+)`/g;
    let paths = 0;
    for (const document of documents()) {
      for (const [, path] of readDocument(document).matchAll(PATH)) {
        expect(existsSync(join(ROOT, path!)), `${document}: ${path}`).toBe(true);
        paths++;
      }
    }
    expect(paths).toBeGreaterThan(50);
  });

  test('has no figure in the README that the bench has not', () => {
    const section = /^## How fast$(.*?)^## /ms.exec(readDocument('README.md'))![1]!;
    const rows = [...section.matchAll(/^\| .*\|$/gm)].map(([row]) => row);
    const figures = rows.flatMap((row) => row.match(/\d[\d,.]*\d|\d/g) ?? []);
    expect(figures.length).toBeGreaterThan(10);
    const known = new Set(
      readDocument('docs/bench.md')
        .replaceAll(',', '')
        .match(/\d+(?:\.\d+)?/g),
    );
    expect(figures.filter((figure) => !known.has(figure.replaceAll(',', '')))).toEqual([]);
  });

  test('names environment variables that something reads', () => {
    const sources = ['src', 'test', 'bench', 'scripts', 'native']
      .flatMap((folder) => ['.ts', '.mjs', '.h', '.cc'].flatMap((ending) => files(folder, ending)))
      .map((path) => readFileSync(path, 'utf8'))
      .join('\n');
    const read = new Set(sources.match(/\b(?:PSP|FC)_[A-Z_]+\b/g));
    for (const document of documents())
      for (const [name] of readDocument(document).matchAll(/\b(?:PSP|FC)_[A-Z_]+\b/g))
        expect(read.has(name), `${document}: ${name}`).toBe(true);
  });
});

describe('the architecture', () => {
  // Who may import from whom, leaves first. The cli may import from all.
  const ALLOWED: Readonly<Record<string, readonly string[]>> = {
    base: [],
    files: [],
    packet: [],
    psp: ['base', 'packet'],
    hal: ['base', 'packet', 'psp'],
    draw: ['hal'],
    'doca-trace': ['base', 'draw'],
    'hal-sim': ['base', 'files', 'packet', 'psp', 'hal'],
    'hal-doca': ['base', 'files', 'packet', 'hal'],
    gateway: ['base', 'files', 'packet', 'psp', 'hal'],
    metrics: ['base', 'hal', 'gateway'],
    recording: ['base', 'files', 'packet', 'psp', 'hal', 'gateway'],
    topology: ['base', 'files', 'packet', 'psp', 'hal', 'draw', 'hal-sim', 'gateway'],
    verify: ['base', 'packet', 'psp', 'hal', 'hal-sim', 'gateway'],
    // What a running gateway is asked from outside of it.
    admin: ['base', 'files', 'packet', 'psp', 'hal', 'gateway'],
    'native-build': ['hal'],
    // What the library exports.
    api: ['base', 'files', 'packet', 'psp', 'hal', 'draw', 'hal-sim', 'topology'],
    cli: [
      ...['base', 'files', 'packet', 'psp', 'hal', 'draw', 'hal-sim', 'hal-doca', 'gateway', 'topology'],
      'metrics',
      'admin',
      'native-build',
      'doca-trace',
      'verify',
      'recording',
    ],
  };
  /**
   * The gateway's rooms, and what each builds on. What stands beside them is either their vocabulary (options, events, log,
   * peers, directory), which all of them use, or puts them together.
   */
  const ROOMS: Readonly<Record<string, readonly string[]>> = {
    generated: [],
    doors: [],
    rpc: ['doors', 'generated'],
    config: ['doors', 'rpc'],
    pipeline: ['rpc'],
    sessions: ['doors', 'pipeline', 'rpc'],
    underlay: ['doors', 'pipeline', 'rpc', 'sessions'],
    'slow-path': ['doors', 'pipeline', 'rpc', 'sessions', 'underlay'],
    recovery: ['doors', 'pipeline', 'rpc', 'sessions', 'underlay'],
    capture: ['doors', 'sessions', 'slow-path'],
    diagnosis: ['doors', 'rpc', 'sessions'],
    explain: ['pipeline', 'sessions', 'underlay'],
  };
  const sources = files('src', '.ts').map((path) => ({
    path: path.slice(ROOT.length),
    folder: path.slice(ROOT.length).split('/')[1]!,
    text: readFileSync(path, 'utf8'),
  }));

  test('is what the folders say: imports go one way only', () => {
    expect(sources.length).toBeGreaterThan(50);
    for (const { path, folder, text } of sources) {
      for (const [, to] of text.matchAll(/from '(\.[^']+)'/g)) {
        const target = join(dirname(path), to!).split('/')[1]!;
        expect([folder, ...ALLOWED[folder]!].includes(target), `${path} imports from ${target}`).toBe(true);
      }
    }
  });

  test('has rooms in the gateway, each of which builds on others only as it says', () => {
    const rooms = readdirSync(join(ROOT, 'src/gateway'), { withFileTypes: true });
    const names = rooms.filter((entry) => entry.isDirectory()).map(({ name }) => name);
    expect(names.sort()).toEqual(Object.keys(ROOMS).sort());
    const roomOf = (path: string) => /^src\/gateway\/([\w-]+)\//.exec(path)?.[1];
    let imports = 0;
    for (const { path, text } of sources) {
      const room = roomOf(path);
      if (room === undefined) continue;
      for (const [, to] of text.matchAll(/from '(\.[^']+)'/g)) {
        const target = roomOf(join(dirname(path), to!));
        if (target === undefined || target === room) continue;
        expect(ROOMS[room]!.includes(target), `${path} imports from ${target}`).toBe(true);
        imports++;
      }
    }
    expect(imports).toBeGreaterThan(70);
    const order = Object.keys(ROOMS);
    for (const [room, others] of Object.entries(ROOMS))
      for (const other of others)
        expect(order.indexOf(other), `${room}: ${other}`).toBeLessThan(order.indexOf(room));
  });

  test('is in HACKING.md as it is', () => {
    const rows = readDocument('HACKING.md').matchAll(/^\| `src\/([\w-]+)` \| .* \| (.*) \|$/gm);
    const told = [...rows].map(([, folder, names]) => [folder, names!.match(/[\w-]+(?=`)/g) ?? []]);
    expect(Object.fromEntries(told)).toEqual(ALLOWED);
  });

  test('has no cycles of files', () => {
    const imports = new Map(
      sources.map(({ path, text }) => [
        path,
        [...text.matchAll(/^(?:import|export) (?!type )[^;]*?from '(\.[^']+)\.js'/gms)].map(([, to]) =>
          join(dirname(path), `${to}.ts`),
        ),
      ]),
    );
    const done = new Set<string>();
    const visit = (path: string, way: readonly string[]): void => {
      expect(way.includes(path), `${way.join(' > ')} > ${path}`).toBe(false);
      if (done.has(path)) return;
      for (const next of imports.get(path) ?? []) visit(next, [...way, path]);
      done.add(path);
    };
    for (const path of imports.keys()) visit(path, []);
  });

  test('reads time and randomness where they are injected, and nowhere else', () => {
    for (const { path, folder, text } of sources) {
      if (folder === 'cli' || path === 'src/base/clock.ts' || path === 'src/base/random.ts') continue;
      // TLS and gRPC live in real time, whatever the gateway's clock says.
      if (/src\/gateway\/rpc\/(grpc-|certificates)/.test(path)) continue;
      expect(/Date\.now|performance\.now|Math\.random|setTimeout\(|setInterval\(/.test(text), path).toBe(
        false,
      );
      // Names of unfinished files are nobody's to choose.
      if (folder !== 'files') expect(/random(Bytes|UUID|FillSync|Int)\b/.test(text), path).toBe(false);
    }
  });

  test('writes files in one place only', () => {
    const WRITES =
      /\b(?:writeFile|appendFile|createWriteStream|copyFile|cp|link|symlink|mkdtemp|truncate|rename|rm|rmdir|unlink)(?:Sync)?\b/;
    const FROM_FS = /import (?:type )?\{([^}]*)\} from 'node:fs(?:\/promises)?'/g;
    for (const { path, folder, text } of sources) {
      // The folder of a run is made beside its place, and is a private one until then.
      if (folder === 'files' || path === 'src/cli/output-folder.ts') continue;
      const taken = [...text.matchAll(FROM_FS)].map(([, names]) => names).join();
      expect(WRITES.test(taken) || /\bopen(?:Sync)?\b/.test(taken), `${path}: ${taken}`).toBe(false);
      expect(/import \* as \w+ from 'node:fs|import \w+ from 'node:fs/.test(text), path).toBe(false);
    }
  });
});
