/**
 * What is said of the software DOCA, held against its sources: the mapping file's keys in docs/doca-soft.md are those that the program
 * reads, and the manual page is made of that document.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { MAN_PAGE, mappingKeys, mappingManPage } from '../../scripts/soft-man-page.mjs';
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
