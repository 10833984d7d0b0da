/**
 * What is said of the software DOCA, held against its sources: the mapping file's keys in docs/doca-soft.md are those that the program
 * reads, and what the headers say of calls and fields is what the program does with them.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  API_DOCUMENT,
  apiDocument,
  apiOf,
  fieldsOf,
  RELEASES,
  readHeaders,
} from '../../scripts/soft-api.mjs';
import { MAN_PAGE, mappingKeys, mappingManPage } from '../../scripts/soft-man-page.mjs';
import { TRACE_FOLDER, traceFiles } from '../../scripts/soft-trace.mjs';
import { SOFT_RELEASES } from '../../src/hal/native-parts.js';
import { ROOT } from '../support/root.js';

const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const document = read('docs/doca-soft.md');

describe("the mapping file's keys", () => {
  test('are described, each of them and no other', () => {
    const keys = [...read('native/doca-soft/src/mapping.cc').matchAll(/\bkey == "([^"]+)"/g)].map(
      ([, key]) => key!,
    );
    expect(keys.length).toBeGreaterThan(15);
    expect([...mappingKeys(document)].sort()).toEqual(keys.sort());
  });

  test('are in the manual page as they are in the document (npm run docs writes it anew)', () => {
    const page = mappingManPage(document);
    for (const key of mappingKeys(document)) expect(page).toContain(`\\fB${key.replaceAll('-', '\\-')}\\fR`);
    expect(read(MAN_PAGE)).toBe(page);
  });

  test('stand there without marks of Markdown', () => {
    expect(read(MAN_PAGE)).not.toMatch(/`|\]\(|^\||\*\*/m);
  });
});

describe('the trace', () => {
  test('is made of the headers as they are (npm run docs writes it anew)', () => {
    const files = traceFiles(readHeaders());
    expect(files.length).toBeGreaterThan(3);
    for (const [path, text] of files) expect(read(path), path).toBe(text);
    expect(readdirSync(join(ROOT, TRACE_FOLDER)).sort()).toEqual(
      files.map(([path]) => path.slice(TRACE_FOLDER.length + 1)).sort(),
    );
  });

  test('is told of with all its settings', () => {
    const settings = [...read('native/doca-soft/src/trace_file.cc').matchAll(/name [!=]= "(\w+)"/g)].map(
      ([, name]) => name,
    );
    expect(new Set(settings).size).toBe(4);
    for (const name of settings) expect(document).toContain(`| \`${name}=N\` |`);
  });
});

describe('what is supported', () => {
  const api = apiOf(readHeaders());
  const notes = new Map(api.functions.map(({ name, note }) => [name, note]));
  /** Of a function its bodies: releases whose signatures differ have one each. */
  const bodies = new Map<string, string[]>();
  for (const folder of ['src', 'argp'].map((name) => join('native/doca-soft', name)))
    for (const file of readdirSync(join(ROOT, folder)).filter((name) => name.endsWith('.cc')))
      for (const [, name, body] of read(join(folder, file)).matchAll(
        /^\w[\w *]*?\b(doca_\w+)\([^;{}]*?\)\s(?:try )?\{(?:\}|\n([\s\S]*?)^\})/gm,
      ))
        bodies.set(name!, [...(bodies.get(name!) ?? []), body ?? '']);
  const isOf = (body: string, result: RegExp) => {
    const checks = /^\s*(?:\(void\)\w+;|REQUIRE\([^;]*\);|if \([^;]*\)\s+return DOCA_ERROR_INVALID_VALUE;)/;
    let rest = body;
    while (checks.test(rest)) rest = rest.replace(checks, '');
    return result.test(rest);
  };
  const REFUSES = /^\s*return (?:not_supported|unknown_here)\([^;]*\);\s*$/;
  const DOES_NOTHING = /^\s*(?:return DOCA_SUCCESS;)?\s*$/;

  test('is told of all releases that are built', () => {
    expect(RELEASES).toEqual(SOFT_RELEASES);
  });

  test('is told as the headers have it (npm run docs writes it anew)', () => {
    expect(read(API_DOCUMENT)).toBe(apiDocument(readHeaders()));
  });

  test('is told of all functions that there are', () => {
    expect(notes.size).toBeGreaterThan(150);
    const declared = [...notes.keys()].filter((name) => !bodies.has(name));
    expect(declared).toEqual([]);
  });

  test('of calls is what the sources do not only refuse', () => {
    const refused = [...bodies].filter(([, all]) => all.every((body) => isOf(body, REFUSES)));
    const told = [...notes].filter(([, note]) => note === 'not supported');
    expect(told.map(([name]) => name).sort()).toEqual(refused.map(([name]) => name).sort());
    expect(told.length).toBeGreaterThan(15);
    for (const [name, all] of bodies)
      if (all.some((body) => isOf(body, REFUSES)) && !all.every((body) => isOf(body, REFUSES)))
        expect(notes.get(name), name).toMatch(/^from \d/);
  });

  test('of calls is told with a limit where a call does nothing', () => {
    const idle = [...bodies].filter(([, all]) => all.some((body) => isOf(body, DOES_NOTHING)));
    expect(idle.length).toBeGreaterThan(5);
    for (const [name] of idle.filter(([name]) => notes.has(name)))
      expect(notes.get(name), name).toBe('no effect');
  });

  const paths = (text: string, pattern: RegExp) =>
    [...new Set([...text.matchAll(pattern)].map(([, path]) => path!))].sort();

  test('of matches is what the parser of matches knows', () => {
    const places = read('native/doca-soft/src/fields.cc').split('PLACES[] = {')[1]!.split('\n};')[0]!;
    const known = paths(
      places.replace(/SCRATCH\(\d\)/g, 'OWN(meta.u32,'),
      /\b(?:OWN\(|HEADER\(\w+, )([\w.]+),/g,
    );
    const told = fieldsOf(api).filter(({ isMatched }) => isMatched);
    expect(told.map(({ path }) => path).sort()).toEqual(known);
    expect(known.length).toBeGreaterThan(40);
    const unknown = paths(read('native/doca-soft/src/fields.cc'), /\bUNKNOWN\(\w+, ([\w.]+)\)/g);
    expect(unknown.length).toBeGreaterThan(30);
    expect(unknown.filter((path) => known.includes(path))).toEqual([]);
  });

  test('of actions is what they set', () => {
    const apart = paths(
      read('native/doca-soft/src/actions.cc'),
      /\badd\(Target::\w+, offsetof\(doca_flow_actions, ([\w.]+)\)/g,
    );
    const settable = read('native/doca-soft/src/bit_fields.cc').split('SETTABLE[] = {')[1]!.split('\n};')[0]!;
    const known = [...apart, ...paths(settable, /\b(?:WHOLE|PART)\(\w+, ([\w.]+),/g)].sort();
    const told = fieldsOf(api).filter(({ isSet }) => isSet);
    expect(told.map(({ path }) => path).sort()).toEqual(known);
    expect(known.length).toBeGreaterThan(20);
  });
});
