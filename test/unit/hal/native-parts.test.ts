import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest';
import {
  BUILD_FOLDER,
  DOCA_ADDON,
  isNativePartThere,
  loadNativePart,
  type NativePart,
  NativePartError,
  namedFile,
  PORTS,
} from '../../../src/hal/native-parts.js';
import { describeNeeding } from '../../support/needs.js';
import { PORTS_ADDON, ROOT } from '../../support/root.js';

const folder = mkdtempSync(join(tmpdir(), 'psp-gateway-parts-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

/** Loads a file of this content, as the ports. */
function loadText(name: string, text: string) {
  const path = join(folder, name);
  writeFileSync(path, text);
  return () => loadNativePart(PORTS, path);
}

describe('a native part', () => {
  test('is looked for where the build puts it', () => {
    expect(BUILD_FOLDER).toBe(join(ROOT, 'build'));
    expect(PORTS.files).toEqual(['ports/Release/psp_ports.node']);
    // NVIDIA's before the software DOCA's, of which 3.1 is what is built where nobody asks for another release.
    expect(DOCA_ADDON.files).toEqual(
      ['addon', 'addon-3.1', 'addon-2.9', 'addon-2.10', 'addon-3.0', 'addon-3.2', 'addon-3.3'].map(
        (name) => `native/${name}/Release/psp_gateway_doca.node`,
      ),
    );
  });

  test('that is not built is not there, and the command that builds it is named', () => {
    const none: NativePart = { ...PORTS, variable: 'PSP_GATEWAY_NO_SUCH', files: ['no/such.node'] };
    expect(isNativePartThere(none)).toBe(false);
    expect(() => loadNativePart(none)).toThrow(NativePartError);
    expect(() => loadNativePart(none)).toThrow('the native ports are not built: npm run build:native');
  });

  test('may be named by an environment variable, from the folder where the program runs', () => {
    vi.stubEnv(PORTS.variable, relative(process.cwd(), join(folder, 'x.node')));
    expect(namedFile(PORTS)).toBe(join(folder, 'x.node'));
    expect(isNativePartThere(PORTS)).toBe(true);
    vi.stubEnv(PORTS.variable, '');
    expect(namedFile(PORTS)).toBeUndefined();
  });

  test.each([
    [
      'that is not there',
      () => loadNativePart(PORTS, '/nowhere/x.node'),
      /^.*: \/nowhere\/x\.node is not there/,
    ],
    ['that is a folder', () => loadNativePart(PORTS, folder), /cannot be loaded: .*[Ii]s a directory/],
    ['that is empty', loadText('empty.node', ''), /cannot be loaded: .*file too short/],
    ['that is text', loadText('text.node', 'x'.repeat(1000)), /cannot be loaded: .*invalid ELF header/],
    ['that is a program of JavaScript', loadText('script.js', 'globalThis.ran = true;'), /cannot be loaded/],
  ])('%s is refused, with the reason and what to do', (_, load, says) => {
    expect(load).toThrow(NativePartError);
    expect(load).toThrow(says);
    expect(load).toThrow(/; name the file that npm run build:native makes$/);
    // Nothing but an addon is ever run.
    expect(globalThis).not.toHaveProperty('ran');
  });

  test('is initialised once', () => {
    const path = join(folder, 'once.node');
    writeFileSync(path, '');
    const dlopen = vi.spyOn(process, 'dlopen').mockImplementation((module) => {
      Object.assign(module, { exports: { Tap: class {} } });
    });
    expect(loadNativePart(PORTS, path).exports).toBe(loadNativePart(PORTS, path).exports);
    expect(dlopen).toHaveBeenCalledTimes(1);
  });
});

describeNeeding(
  'the native ports',
  existsSync(PORTS_ADDON) ? [] : ['the native ports (npm run build:native)'],
  () => {
    test('are not taken for another part', () => {
      expect(loadNativePart(PORTS, PORTS_ADDON).exports).toHaveProperty('acceptZeroChecksum');
      expect(() => loadNativePart(DOCA_ADDON, PORTS_ADDON)).toThrow(
        /psp_ports\.node is another addon than the parts of --hal=doca; name/,
      );
    });
  },
);
