/**
 * The software DOCA's reader of flags, doca_argp, as programs have it: the example in C is built by pkg-config and asked on command
 * lines, over devices of a mapping file. What of flags needs no process native/doca-soft/test/argp.cc says.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { describeOnNative } from '../support/needs.js';
import { ROOT } from '../support/root.js';
import { SOFT_VERSIONS } from '../support/soft-program.js';

const RELEASES = ['3.1', '3.3'] as const;
const EXAMPLES = join(ROOT, 'native/doca-soft/examples');
const prefixOf = (release: string) => join(ROOT, 'build/native', `prefix-${release}`);

const MAPPING = `[device 03:00.0]
port = net_null0
[representor vf0]
port = net_null1
[representor vf1]
port = net_null2
[device 03:00.1]
subfunction = 2
port = net_null3
`;

const HELP = `Usage: argp_flags [EAL's flags] -- [flags] <command>

DOCA's flags:
  -h, --help                        Print this help, and end
  -v, --version                     Print the versions, and end
  -l, --log-level <level>           The program's log: 10 nothing, 20 critical, 30 errors, 40 warnings, 50 information, 60 debugging, 70 all
      --sdk-log-level <level>       DOCA's own log, by the same levels
  -j, --json <path>                 Read flags from a JSON file; those of the command line come before its

The program's flags:
  -n, --name <text>                 A name (mandatory)
  -c, --count <times>               How often, 1 to 100
  -a, --device <device>[,<arguments>]
                                    A device (may be given several times)
  -r, --rep <device>,<representors>[,<arguments>]
                                    Representors of a device (may be given several times)

Commands:
  add                               Adds it
  remove                            Takes it away
`;

function body(): void {
  const folder = mkdtempSync(join(tmpdir(), 'psp-gateway-argp-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const mapping = join(folder, 'mapping.conf');
  writeFileSync(mapping, MAPPING);

  describe.each(RELEASES)('DOCA %s', (release) => {
    const program = join(folder, release, 'argp_flags');

    beforeAll(() => {
      mkdirSync(join(folder, release));
      const options = ['-C', join(folder, release), '-f', join(EXAMPLES, 'Makefile'), `VPATH=${EXAMPLES}`];
      const env = { ...process.env, PKG_CONFIG_PATH: join(prefixOf(release), 'lib/pkgconfig') };
      const { status, stderr } = spawnSync('make', [...options, 'argp_flags'], { env, encoding: 'utf8' });
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    }, 120_000);

    function run(args: readonly string[], config = mapping) {
      const { status, stdout, stderr } = spawnSync(program, args, {
        env: { ...process.env, DOCA_SOFT_CONFIG: config },
        encoding: 'utf8',
      });
      return { status, out: stdout, err: stderr };
    }

    test('prints its help, also of a command, and its versions, and ends with 0', () => {
      expect(run(['-h'])).toEqual({ status: 0, out: HELP, err: '' });
      expect(run(['-n', 'x', '--help', '--nosuch'])).toEqual({ status: 0, out: HELP, err: '' });
      const { status, out } = run(['--', 'remove', '-h']);
      expect(status).toBe(0);
      expect(out).toContain(
        "Usage: argp_flags [EAL's flags] -- remove [flags]\nTakes it away\n\nDOCA's flags:",
      );
      expect(out).toMatch(/The command's flags:\n {6}--force +Without asking\n$/);
      expect(run(['--version'])).toEqual({
        status: 0,
        out: `DOCA, compiled with: ${SOFT_VERSIONS[release]}\nDOCA, running:       ${SOFT_VERSIONS[release]}-SOFT\n`,
        err: '',
      });
    });

    test('hands over what it is given, in its order', () => {
      const flags = ['-n', 'x', '-a', 'aux/2,dv_flow_en=2', '-r', 'pci/03:00.0,pf0vf[0-1]', '-c', '100'];
      expect(run(['-l', '0', '--', ...flags, 'remove', '--force'])).toEqual({
        status: 0,
        out:
          'name x\ndevice 0000:03:00.1 dv_flow_en=2\nrepresentor SOFTS0D0F0VF0 none\n' +
          'representor SOFTS0D0F0VF1 none\nremove\nforce 1\nEAL -l 0\ncount 100\n',
        err: '',
      });
      // Each device has to be closed as often as it was given: the program ends with 2 where it cannot.
      const twice = ['-a', '03:00.0', '-a', 'pci/0000:03:00.0', '-r', '03:00.0,vf0', '-r', '03:00.0,vf1'];
      expect(run(['-n', 'x', ...twice])).toMatchObject({ status: 0, err: '' });
    });

    test('reads a JSON file beside the command line', () => {
      const file = join(folder, 'flags.json');
      writeFileSync(
        file,
        `/* As programs for DOCA bring it. */
{
  "doca_dpdk_flags": { "devices": [{ "device": "sf", "id": "4", "hws": true }], "core-mask": 3, "flags": "--no-huge", },
  "doca_general_flags": { "log-level": 60, },
  "doca_program_flags": {
    // -c
    "count": 5,
    "name": "of the file",
    "device": ["pci/03:00.0"],
  },
}
`,
      );
      const { status, out, err } = run(['-m', '5', '--', '-j', file, '-n', 'y']);
      expect({ status, out }).toEqual({
        status: 0,
        out:
          'device 0000:03:00.0 none\nname y\n' +
          'EAL -a auxiliary:mlx5_core.sf.4,dv_flow_en=2 -c 0x3 --no-huge -m 5\ncount 5\n',
      });
      expect(err).toMatch(/^\[DOCA\]\[DBG\]\[ARGP_FLAGS\].* counting to 5\n$/);
    });

    const refused = (what: string, error: string, more = '') => ({
      status: 1,
      out: '',
      err: `${more}argp_flags: ${what}\n${HELP}${error}\n`,
    });

    test('says what is wrong, and how it is right, and ends as the program decides', () => {
      expect(run(['--nosuch'])).toEqual(
        refused('--nosuch: there is no such flag', 'DOCA_ERROR_NOT_SUPPORTED'),
      );
      expect(run([])).toEqual(refused('--name: is mandatory', 'DOCA_ERROR_INVALID_VALUE'));
      expect(run(['-j', '/nonexistent'])).toEqual(
        refused('/nonexistent: No such file or directory', 'DOCA_ERROR_IO_FAILED'),
      );
      expect(run(['-a', 'pci/09:00.0'])).toEqual(
        refused(
          '-a pci/09:00.0: there is no such device; there are 0000:03:00.0, 0000:03:00.1',
          'DOCA_ERROR_INVALID_VALUE',
        ),
      );
      expect(run(['-r', '03:00.0,pf0vf2'])).toEqual(
        refused(
          '-r 03:00.0,pf0vf2: the device has no representor pf0vf2; it has vf0, vf1',
          'DOCA_ERROR_INVALID_VALUE',
        ),
      );
      expect(run(['-c', '101', '-n', 'x'])).toEqual({
        ...refused('the program refuses these flags together: DOCA_ERROR_TOO_BIG', 'DOCA_ERROR_TOO_BIG'),
        out: 'name x\n',
      });
    });

    test('wires the levels to the logs, the program and DOCA each to its own', () => {
      const noCount = (level: string) => run(['-c', '0', '-l', level]).err;
      expect(noCount('20')).not.toContain('0 is no count');
      expect(noCount('30')).toMatch(/^\[DOCA\]\[ERR\]\[ARGP_FLAGS\].* 0 is no count\n/);
      // The program has set DOCA's log to what is critical.
      const nothing = join(folder, 'nothing.conf');
      const said = `${nothing}: No such file or directory`;
      const noDevices = (...level: readonly string[]) => run(['-a', '03:00.0', ...level], nothing).err;
      expect(noDevices()).toMatch(
        /^argp_flags: -a 03:00.0: devices cannot be listed: DOCA_ERROR_BAD_CONFIG\n/,
      );
      expect(noDevices()).not.toContain(said);
      expect(noDevices('--sdk-log-level', '30')).toContain(`[DOCA][ERR][doca-soft] ${said}\n`);
    });
  });
}

describeOnNative(
  "the software DOCA's flags",
  RELEASES.every((release) => existsSync(join(prefixOf(release), 'include/doca_argp.h'))),
  body,
);
