/** The addon tells its fields when it is loaded, and is refused where they are not PipeHAL's. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, expect, test, vi } from 'vitest';
import { FIELDS } from '../../src/hal/fields.js';
import { DOCA_ADDON } from '../../src/hal/native-parts.js';
import type { AddonField } from '../../src/hal-doca/addon-fields.js';
import { loadAddon } from '../../src/hal-doca/native.js';
import { docaIsBuilt } from '../support/doca-harness.js';
import { describeOnNative } from '../support/needs.js';
import { ROOT } from '../support/root.js';

const RELEASE = '3.1';
const ADDON = join(ROOT, `build/native/addon-${RELEASE}/Release/psp_gateway_doca.node`);

type Plant = (fields: readonly AddonField[]) => readonly AddonField[] | undefined;

const changed =
  (name: string, change: Partial<AddonField>): Plant =>
  (fields) =>
    fields.map((field) => (field.name === name ? { ...field, ...change } : field));

const PLANTED: [string, Plant, string][] = [
  [
    'of another width',
    changed('tun.psp.spi', { widthBits: 16 }),
    'field tun.psp.spi has 16 bits there and 32 here',
  ],
  [
    'that is an octet instead of a bit',
    changed('parser_meta.outer_l3_ok', { widthBits: 8 }),
    'field parser_meta.outer_l3_ok has 8 bits there and 1 here',
  ],
  [
    'that cannot be written',
    changed('meta.pkt_meta', { writable: false }),
    'field meta.pkt_meta can be written here alone',
  ],
  [
    'that can be written',
    changed('outer.ip4.src_ip', { writable: true }),
    'field outer.ip4.src_ip can be written there alone',
  ],
  [
    'of another name',
    changed('meta.u32.3', { name: 'meta.u32.7' }),
    'it has no field meta.u32.3; field meta.u32.7 is not known here',
  ],
  ['that is missing', (fields) => fields.slice(1), 'it has no field parser_meta.port_id'],
  ['twice', (fields) => [...fields, fields[0]!], 'it has a field twice'],
  ['that it does not tell', () => undefined, 'it does not tell its fields'],
];

describeOnNative('the fields of the addon', docaIsBuilt(RELEASE), () => {
  const folder = mkdtempSync(join(tmpdir(), 'psp-gateway-fields-'));
  const before = process.env[DOCA_ADDON.variable];
  afterEach(() => {
    vi.restoreAllMocks();
    if (before === undefined) delete process.env[DOCA_ADDON.variable];
    else process.env[DOCA_ADDON.variable] = before;
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const load = (path: string) => {
    process.env[DOCA_ADDON.variable] = path;
    return loadAddon();
  };

  test("are PipeHAL's, all of them", () => {
    const told = load(ADDON).fields!.map(({ name, ...field }) => [name, field]);
    expect(Object.fromEntries(told)).toEqual(FIELDS);
  });

  test.each(PLANTED)('a field %s keeps it from being loaded', (what, plant, says) => {
    const fields = plant(load(ADDON).fields!);
    // The addon as it is, but for what it tells.
    const path = join(folder, `${what.replaceAll(' ', '-')}.node`);
    const exports = { ...load(ADDON), fields };
    writeFileSync(path, '');
    vi.spyOn(process, 'dlopen').mockImplementation((module) => {
      Object.assign(module, { exports });
    });
    const error = expect.objectContaining({
      code: 'INITIALIZATION',
      message: expect.stringMatching(
        / belongs to another version of this program: .*; build it again: npm run build:native$/,
      ),
    });
    expect(() => load(path)).toThrow(error);
    expect(() => load(path)).toThrow(says);
  });
});
