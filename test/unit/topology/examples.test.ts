import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readTopology } from '../../../src/topology/file/read.js';
import { ROOT } from '../../support/root.js';
import { topologyOf } from '../../support/topology-text.js';

const FOLDER = join(ROOT, 'examples');
const readFile = (path: string) => readFileSync(path, 'utf8');
const yamlIn = (folder: string) => readdirSync(join(FOLDER, folder)).filter((name) => name.endsWith('.yaml'));
const files = [...yamlIn('.'), ...yamlIn('hardware').map((name) => `hardware/${name}`)];
const isScenario = (name: string) => readFile(join(FOLDER, name)).includes('scenario.schema.json');

describe('the examples', () => {
  test.each(files.filter((name) => !isScenario(name)))('%s is right', (name) => {
    expect(readTopology(join(FOLDER, name), readFile).nodes.length).toBeGreaterThan(1);
  });

  test.each(files)('%s begins with its schema, for editors', (name) => {
    const schema = isScenario(name) ? 'scenario' : 'topology';
    const up = '../'.repeat(name.split('/').length);
    expect(readFile(join(FOLDER, name))).toMatch(
      new RegExp(`^# yaml-language-server: \\$schema=${up}schema/${schema}.schema.json\n`),
    );
  });

  test('in the documentation are right', () => {
    const text = readFile(join(ROOT, 'docs/topology.md'));
    const blocks = [...text.matchAll(/```yaml\n(.*?)```/gs)].map(([, block]) => block!);
    expect(blocks).not.toHaveLength(0);
    for (const block of blocks) {
      const { traffic, events } = topologyOf(block).scenario;
      expect([...traffic, ...events]).not.toHaveLength(0);
    }
  });
});
