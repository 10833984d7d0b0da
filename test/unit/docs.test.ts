import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { documentedDrawings, publishedSchemas, withFlagTable } from '../../src/cli/drawings.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

function files(folder: string, ending: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(ending))
    .map((entry) => join(entry.parentPath, entry.name));
}

describe('the documentation', () => {
  test('shows pipelines and topologies as they are (npm run docs draws them anew)', async () => {
    for (const [path, text] of await documentedDrawings()) {
      expect(readFileSync(join(ROOT, path), 'utf8') === text, path).toBe(true);
    }
  });

  test('ships the schemas that the reader uses (npm run docs writes them anew)', () => {
    for (const [path, text] of publishedSchemas()) {
      expect(readFileSync(join(ROOT, path), 'utf8') === text, path).toBe(true);
    }
  });

  test('shows every text of a drawing whole, and no drawing of what is gone', async () => {
    const drawings = await documentedDrawings();
    for (const [path, svg] of drawings.filter(([name]) => name.endsWith('.svg'))) {
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

  test('has the table of flags as it is (npm run docs writes it anew)', () => {
    const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
    expect(withFlagTable(readme)).toBe(readme);
  });

  test('links to files that are there', () => {
    for (const path of [join(ROOT, 'README.md'), ...files('docs', '.md'), ...files('examples', '.md')]) {
      for (const [, link] of readFileSync(path, 'utf8').matchAll(/\]\((?!https?:|#)([^)#]+)/g)) {
        expect(existsSync(resolve(dirname(path), link!)), `${path}: ${link}`).toBe(true);
      }
    }
  });
});

describe('the architecture', () => {
  // Who may import from whom, leaves first. The cli may import from all.
  const ALLOWED: Readonly<Record<string, readonly string[]>> = {
    packet: [],
    psp: ['packet'],
    hal: ['packet', 'psp'],
    'hal-sim': ['packet', 'psp', 'hal'],
    'hal-doca': ['packet', 'hal'],
    gateway: ['packet', 'psp', 'hal'],
    topology: ['packet', 'psp', 'hal', 'hal-sim', 'gateway'],
    cli: ['packet', 'psp', 'hal', 'hal-sim', 'hal-doca', 'gateway', 'topology'],
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
      if (folder === 'cli' || path === 'src/hal/clock.ts' || path === 'src/hal/random.ts') continue;
      // TLS and gRPC live in real time, whatever the gateway's clock says.
      if (/src\/gateway\/(grpc-|certificates)/.test(path)) continue;
      expect(/Date\.now|performance\.now|Math\.random|setTimeout\(|setInterval\(/.test(text), path).toBe(
        false,
      );
    }
  });
});
