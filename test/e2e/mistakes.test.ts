/**
 * What goes wrong when the program is called: every mistake is told at once, with the status of mistakes; nobody sees a
 * stack; nothing half done stays; pipes and signals end what they should, and only that.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeCertificates } from '../../src/cli/certificates.js';
import { DEMO_OUTPUTS } from '../../src/cli/demo.js';
import { type Answer, askedAlone, askedWithin } from '../support/asked-within.js';
import { loopback } from '../support/loopback.js';
import { Program } from '../support/program.js';
import { ROOT } from '../support/root.js';

const MAIN = join(ROOT, 'dist/cli/main.js');
const TRAFFIC = join(ROOT, 'examples/traffic/v1-v2.pcap');
const TWO_HOSTS = join(ROOT, 'test/support/topology-files/two-hosts.yaml');
/** Not that of any other test's gateway. */
const ADDRESS = loopback(51);
const GATEWAY = [
  ...['--outer-ip-type=ipv4', '-s', `${ADDRESS}:3000`, '-t', `${loopback(44)}:192.168.1.55`, '--insecure'],
  ...['--sim-wire', `udp:${ADDRESS}:10000`, '--sim-vf', 'host:192.168.1.33'],
];

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'psp-gateway-mistakes-'));
  writeFileSync(join(folder, 'file'), 'precious');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function told({ status, out, err }: Answer) {
  return { status, out, lines: err.split('\n').slice(0, -1) };
}
const run = (...argv: string[]) => told(askedAlone(argv, folder));
/** Not for `topology node`, which talks to whoever has started its process. */
const ask = async (...argv: string[]) => told(await askedWithin(argv, folder));

/** What `sh` makes of a command line in which $P is the program. */
function shell(text: string) {
  const { stdout, stderr } = spawnSync('bash', ['-c', text], {
    encoding: 'utf8',
    cwd: folder,
    env: { ...process.env, P: `${process.execPath} ${MAIN}` },
    timeout: 200_000,
  });
  return { out: stdout, err: stderr };
}

test('the script that builds the native parts builds nothing by flags that it has not', () => {
  const script = join(ROOT, 'scripts/build-native.mjs');
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, '--frobnicate'], {
    encoding: 'utf8',
  });
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).toMatch(
    /^native: --frobnicate: there is no such flag\nnative: flags: --tests, --arch .*\n$/,
  );
});

test('the program says the same within this process as in one of its own', async () => {
  writeFileSync(join(folder, 'same.yaml'), 'name: same\ntopology: {full-mesh: 0}\n');
  for (const argv of [
    ['--help'],
    ['frobnicate'],
    ['run', '--help'],
    ['-t', 'nonsense', '--sim-wire', 'pcap:none.pcap,none/out.pcap', '--ping', 'fd00::1'],
    ['topology', 'validate', 'same.yaml', '--json'],
    ['topology', 'run', '--frobnicate'],
    ['pcap', 'inspect', 'file', '--frobnicate', '-i'],
    ['pcap', 'inspect', TRAFFIC, '--json'],
    ['pipes', '--format', 'json'],
  ])
    expect(await askedWithin(argv, folder), argv.join(' ')).toEqual(askedAlone(argv, folder));
  rmSync(join(folder, 'same.yaml'));
});

describe('every mistake is told at once, with status 2', () => {
  test('by a gateway, of flags and of the files that they name', async () => {
    const missing = (path: string) => `${path}: there is no such file or folder (ENOENT)`;
    expect(
      await ask(
        ...['-t', 'nonsense', '--crypt-offset=999', '--frobnicate', '--config', 'none', '-f', 'none'],
        ...['--tls-ca', 'none', '--tls-cert', '.', '--tls-key', 'file', '--state-file', 'none/state'],
        ...['--sim-wire', 'pcap:none.pcap,none/out.pcap', '--sim-vf', 'pcap:.,file/out.pcap'],
        ...['--ping', 'fd00::1'],
      ),
    ).toEqual({
      status: 2,
      out: '',
      lines: [
        '--frobnicate: there is no such flag',
        '--config: there is no file none',
        expect.stringContaining('--tunnel: "nonsense" is not SERVICE-ADDRESS'),
        '--tunnels-file: there is no file none',
        expect.stringContaining('--crypt-offset: "999" is not a whole number'),
        '--tls-ca: there is no file none',
        '--tls-cert: . is a folder; name a file',
        '--tls-key: file: not PEM of the kind that belongs here',
        `--state-file: ${missing('none')}`,
        `--sim-wire: ${missing('none.pcap')}`,
        `--sim-wire: ${missing('none')}`,
        '--sim-vf: . is a folder; name a file',
        expect.stringContaining('--sim-vf: file/out.pcap: a part of this path is a file'),
        '--ping: needs a host in this process as workload; say --sim-vf host:IP',
      ],
    });
  });

  test('by a gateway, of addresses that do not go together', async () => {
    const { status, lines } = await ask(
      ...['--outer-ip-type=ipv4', '--insecure', '--sim-wire', 'udp:[::1]', '--sim-vf', 'host:192.168.1.33'],
      ...['--ping', 'fd00::1'],
    );
    expect({ status, lines }).toEqual({
      status: 2,
      lines: [
        '--sim-wire: ::1 is IPv6, but tunnels are over IPv4; say --outer-ip-type ipv6',
        '--ping: fd00::1 is IPv6, and the tunnels carry IPv4; say --inner ipv6 or both',
        '--ping: fd00::1 is IPv6, and the workload has no such address; give it one, --sim-vf host:IP',
      ],
    });
  });

  test('by a gateway over DOCA, and of a workload without an address', async () => {
    expect(
      await ask('--hal=doca', '--insecure', '--core-mask', '0xffffffff', '--vf-name', 'none0'),
    ).toMatchObject({
      status: 2,
      lines: [
        '--pci-addr: is required with --hal=doca',
        expect.stringMatching(/^--core-mask: 0xffffffff names core 31; this machine has cores 0 to \d+/),
        expect.stringContaining('--vf-name: this machine has no network device "none0"'),
      ],
    });
    expect(await ask('--insecure', '--outer-ip-type=ipv4', '--sim-wire', `udp:${ADDRESS}`)).toMatchObject({
      status: 2,
      lines: ['--sim-vf: the workload has no address; give it one, --sim-vf host:IP'],
    });
  });

  test('of flags that mean nothing without another', async () => {
    const workload = ['--sim-vf', 'host:192.168.1.33'];
    const flags = ['--ping-count', '3', '--snaplen', '64', '--maintain-order', '--neighbors-per-second', '9'];
    expect(
      await ask('--insecure', '--outer-ip-type=ipv4', '--sim-wire', `udp:${ADDRESS}`, ...workload, ...flags),
    ).toMatchObject({
      status: 2,
      lines: [
        '--maintain-order: is for sampling; give --sample-rate as well',
        expect.stringContaining('--neighbors-per-second: is for --mode=transport'),
        '--ping-count: is for --ping; give it as well',
        '--snaplen: is for captures, and no port writes one; say --sim-wire or --sim-vf pcap:IN,OUT',
      ],
    });
  });

  test('of what a wire cannot carry', async () => {
    const workload = ['--sim-vf', 'host:192.168.1.33'];
    expect(
      await ask('--insecure', '--mode=transport', '--sim-wire', `udp:${ADDRESS}`, ...workload),
    ).toMatchObject({
      status: 2,
      lines: [expect.stringMatching(/^--sim-wire: udp: carries .*; say --mode=tunnel, or run a topology/)],
    });
  });

  test('by topology validate and run, of captures, counters and flags', async () => {
    const file = join(folder, 'wrong.yaml');
    writeFileSync(
      file,
      [
        'name: wrong',
        'topology: {full-mesh: 2}',
        'scenario:',
        '  traffic: {A: {type: replay, from: h1-v1, file: none.pcap}}',
        '  expect:',
        '    - {counter: nodes.h1.psp.rxAuthFial, max: 0}',
        '    - {counter: flows.B.lost, max: 0}',
      ].join('\n'),
    );
    const counters = [
      `${file}:6: scenario.expect[0].counter: there is no counter "nodes.h1.psp.rxAuthFial"; did you mean "nodes.h1.psp.rxAuthFail"?`,
      `${file}:7: scenario.expect[1].counter: there is no traffic "B"`,
    ];
    const flags = ['--where needs --core: the address of the run, as the other machines reach it'];
    const where = ['--where', 'h9=192.0.2.9'];
    const missing = `${file}:4: scenario.traffic.A.file: ${folder}/none.pcap: there is no such file or folder (ENOENT)`;
    expect(await ask('topology', 'validate', file, ...where)).toMatchObject({
      status: 1,
      lines: [missing, ...counters, flags[0], expect.stringContaining('--where needs --certificates')],
    });
    writeFileSync(
      file,
      'name: r\ntopology: {full-mesh: 2}\nscenario: {traffic: {A: {type: replay, from: h1-v1, file: none.pcap}}}',
    );
    const replay = `${file}:3: scenario.traffic.A.file: ${folder}/none.pcap: there is no such file or folder (ENOENT)`;
    const places = [...where, '--certificates', 'none'];
    const values = ['--core', 'H!', '--seed', 'abc', '--snaplen', '3', '--where', 'h8'];
    expect(await ask('topology', 'run', file, ...places, ...values, '-o', 'file')).toEqual({
      status: 2,
      out: '',
      lines: [
        replay,
        expect.stringMatching(/^--core: expected an IP address, or a DNS name .*, not "H!"$/),
        '--seed: expected a number from 0 to 4294967295, not "abc"',
        expect.stringMatching(/^--snaplen: expected a number from 14 .*, not "3"$/),
        expect.stringMatching(/^--where: expected NAME=HOST, such as .*, not "h8"$/),
        '--where: r has no gateway h9',
        '--where: gateways on other machines need --processes',
        '--core: is for gateways in other processes; give --processes',
        '--output: file is a file; name a folder',
      ],
    });
    expect(await ask('topology', 'fuzz', 'none.yaml', '--runs', '0', '--recover', 'x')).toMatchObject({
      status: 2,
      lines: [
        'none.yaml:1: there is no file none.yaml',
        '--runs: expected a number from 1 to 10000000, not "0"',
        '--recover: expected a number from 1 to 10000000, not "x"',
      ],
    });
    expect(await ask('topology', 'graph', 'none.yaml', '--format', 'x')).toMatchObject({
      status: 2,
      lines: [
        'none.yaml:1: there is no file none.yaml',
        '--format: allowed choices are mermaid, dot, svg, not "x"',
      ],
    });
    expect(await ask('topology', 'run', file, ...places, '-o', 'file')).toMatchObject({
      status: 2,
      lines: [
        replay,
        '--where: r has no gateway h9',
        ...flags,
        '--where: gateways on other machines need --processes',
        '--output: file is a file; name a folder',
      ],
    });
    expect(readdirSync(folder).sort()).toEqual(['file', 'wrong.yaml']);
  });

  test('by pcap, certificates and the demo', async () => {
    const paths = ['-c', 'none', '-i', 'none.pcap', '-o', 'none/out.pcap', '--write-keys', 'file/keys'];
    expect(await ask('pcap', 'encrypt', ...paths)).toEqual({
      status: 2,
      out: '',
      lines: [
        expect.stringContaining('none: there is no such file'),
        expect.stringContaining('none.pcap: there is no such file'),
        expect.stringContaining('none/out.pcap: there is no such file'),
        expect.stringContaining('file/keys: a part of this path is a file'),
      ],
    });
    expect(await ask('certificates', '--out', 'file', '--host', 'one', '127.0.0.2', 'two')).toMatchObject({
      status: 2,
      lines: [
        expect.stringContaining('--host: "one"'),
        expect.stringContaining('--host: "two"'),
        '--out: file is a file; name a folder',
      ],
    });
    expect(await ask('demo', '--traffic', 'none.pcap', '-o', 'file')).toEqual({
      status: 2,
      out: '',
      lines: [
        'psp-gateway: none.pcap: there is no such file or folder (ENOENT)',
        'psp-gateway: file is a file; name a folder',
      ],
    });
  });
});

test('a file that is no capture is wrong as it is named: status 2, before anything is opened', async () => {
  const reason = 'file: neither pcap nor pcapng (at octet 0)';
  expect(await ask('pcap', 'inspect', 'file')).toEqual({
    status: 2,
    out: '',
    lines: [`psp-gateway pcap: ${reason}`],
  });
  const ports = ['--sim-wire', 'pcap:file', '--sim-vf', 'pcap:file,wrong.yaml'];
  expect(await ask('--insecure', '--frobnicate', ...ports)).toEqual({
    status: 2,
    out: '',
    lines: [
      '--frobnicate: there is no such flag',
      ...['--sim-wire', '--sim-vf'].map(
        (flag) =>
          `${flag}: file is no capture: neither pcap nor pcapng (at octet 0); name a pcap or pcapng file`,
      ),
      '--sim-vf: wrong.yaml is there and is no capture; it would be replaced: name another file, or remove it',
    ],
  });
  // Of a pipe it shows only when it is read; what is damaged further on is status 1.
  const { out } = shell(
    `for c in "head -c 9 file" "head -c 1000 ${TRAFFIC}"; do $c | $P pcap inspect - >/dev/null 2>&1; echo $?; done`,
  );
  expect(out).toBe('2\n1\n');
});

test('the demo replaces files of a demo, and nobody else’s', () => {
  const names = Object.keys(DEMO_OUTPUTS);
  mkdirSync(join(folder, 'shown'));
  for (const name of names) writeFileSync(join(folder, 'shown', name), 'my own');
  expect(run('demo', '-o', 'shown')).toEqual({
    status: 2,
    out: '',
    lines: names.map((name) => expect.stringContaining(`shown/${name} is there and is no `)),
  });
  for (const name of names) {
    expect(readFileSync(join(folder, 'shown', name), 'utf8')).toBe('my own');
    rmSync(join(folder, 'shown', name));
  }
  for (let times = 0; times < 2; times++)
    expect(run('demo', '-o', 'shown')).toMatchObject({ status: 0, lines: [] });
  expect(readdirSync(join(folder, 'shown')).sort()).toEqual(names.sort());
});

describe('wrong flags are told together, by every command', () => {
  const MISSING = 'none.yaml:1: there is no file none.yaml';
  const NO_SUCH = '--frobnicate: there is no such flag; see --help';
  test.each([
    [
      ['topology', 'run', 'none.yaml', '--frobnicate', '--sed', '7', '--output'],
      [MISSING, NO_SUCH, '--sed: there is no such flag; did you mean --seed?', '--output: needs a value'],
    ],
    [
      ['topology', 'validate', 'none.yaml', '--frobnicate', '--core', '--json=yes'],
      [MISSING, NO_SUCH, '--core: needs a value', '--json: takes no value'],
    ],
    [
      ['topology', 'node', 'none.yaml', 'h1', '--frobnicate', '--certificates'],
      [MISSING, NO_SUCH, '--certificates: needs a value'],
    ],
    [
      ['topology', 'counters', 'none.yaml', '--frobnicate', '-x'],
      [MISSING, NO_SUCH, '-x: there is no such flag; see --help'],
    ],
    [
      ['topology', 'graph', 'none.yaml', '--frobnicate', '--format', 'x', '-o', 'file'],
      [
        MISSING,
        NO_SUCH,
        '--format: allowed choices are mermaid, dot, svg, not "x"',
        expect.stringContaining('--output: file is there'),
      ],
    ],
    [
      ['topology', 'fuzz', 'none.yaml', '--frobnicate', '--runs', '0', '-o', 'file'],
      [
        MISSING,
        NO_SUCH,
        '--runs: expected a number from 1 to 10000000, not "0"',
        expect.stringContaining('--output: file is there'),
      ],
    ],
    [
      ['pcap', 'inspect', 'file', '--frobnicate', '-i'],
      [
        `psp-gateway pcap: ${NO_SUCH}`,
        'psp-gateway pcap: --input: needs a value',
        expect.stringContaining('file: neither pcap'),
      ],
    ],
    [
      ['pcap', 'encrypt', '--frobnicate', '-vx', '-c', 'none', '-i', TRAFFIC, '-o', 'file'],
      [
        `psp-gateway pcap: ${NO_SUCH}`,
        'psp-gateway pcap: -vx: there is no such flag; see --help',
        expect.stringContaining('none: there is no such file'),
        expect.stringContaining('file is there'),
      ],
    ],
    [
      ['demo', '--frobnicate', '--snaplen', '3', '--traffic', 'file', '-o', 'file'],
      [
        NO_SUCH,
        expect.stringMatching(/^--snaplen: expected a number from 14/),
        expect.stringContaining('file: neither pcap'),
        expect.stringContaining('file is a file'),
      ],
    ],
    [
      ['pipes', '--frobnicate', '-t', 'x', '--format', 'x', '-O', 'file'],
      [
        '--format: allowed choices are mermaid, dot, svg, json, not "x"',
        expect.stringContaining('--output: file is there'),
        '--frobnicate: there is no such flag',
        expect.stringContaining('--tunnel: "x"'),
      ],
    ],
    [
      ['certs', 'issue', '--frobnicate', '--days=0', 'none', '10.0.0.300'],
      [
        NO_SUCH,
        '--days: a number of days from 1 to 36500, not "0"',
        expect.stringContaining('none: has no authority'),
        expect.stringContaining('10.0.0.300'),
      ],
    ],
    [
      ['certs', 'show', '--jsn', 'none.pem'],
      [
        '--jsn: there is no such flag; did you mean --json?',
        expect.stringContaining('none.pem: there is no'),
      ],
    ],
    [
      ['certificates', '--frobnicate', '--host'],
      [NO_SUCH, '--host: needs a value', '--out: is required; name a folder'],
    ],
    [
      ['examples', '--frobnicate', '--out', 'file'],
      [NO_SUCH, '--out: file is a file; name a folder'],
    ],
    [
      ['build-native', '--frobnicate', '--only', 'x', '--release', '3.4', '--arch', 'sparc', '-o', 'file'],
      [
        NO_SUCH,
        '--only: expected one of ports, doca, not "x"',
        '--release: expected one of 2.9, 2.10, 3.0, 3.1, 3.2, 3.3, not "3.4"',
        '--arch: expected one of arm64, not "sparc"',
        expect.stringContaining('file is a file; name a folder'),
      ],
    ],
    [
      ['build-native', '--frobnicate', '--only', 'ports', '--release', '3.3'],
      [NO_SUCH, '--release: the ports have none; leave it out'],
    ],
    [
      ['topology', 'validate', '--frobnicate', 'none.yaml', 'more', 'and-more'],
      [
        'none.yaml:1: there is no file none.yaml',
        NO_SUCH,
        "error: too many arguments for 'validate'. Expected 2 arguments but got 3.",
      ],
    ],
    // Of a file that is not even named nothing can be told.
    [
      ['topology', 'run', '--frobnicate'],
      [NO_SUCH, "error: missing required argument 'file'"],
    ],
    [
      ['demo', '--frobnicate', 'more'],
      [NO_SUCH, 'error: too many arguments. Expected 0 arguments but got 1.'],
    ],
    [
      ['demo', '--frobnicate', '-o', '', '--traffic='],
      [NO_SUCH, '--output: needs a value', '--traffic: needs a value'],
    ],
  ])('%j', async (argv, lines) => {
    const answer = argv[1] === 'node' ? run(...argv) : await ask(...argv);
    expect(answer).toEqual({ status: 2, out: '', lines });
  });
});

test('what is quoted drives no terminal', async () => {
  const evil = 'a\r\u001b[2Jb';
  writeFileSync(join(folder, 'tunnels'), `${evil}\n\u009bc\n`);
  for (const argv of [
    ['-f', 'tunnels', '-t', evil, `--${evil}`, '--state-file', `${evil}/x`, '--insecure'],
    ['pcap', 'inspect', evil],
    ['pcap', 'inspect', 'x', `--${evil}`],
    ['pcap', 'encrypt', '-i', evil, '-o', `${evil}/x`, '-c', evil],
    ['topology', 'validate', evil, `--${evil}`],
    ['topology', evil],
    ['topology', 'graph', 'a', 'b', evil],
    ['demo', '--traffic', evil, '-o', `file/${evil}`],
    [evil],
  ]) {
    const { status, out, lines } = await ask(...argv);
    expect({ status, out }, argv.join(' ')).toEqual({ status: 2, out: '' });
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.filter((line) => /\p{Cc}/u.test(line))).toEqual([]);
  }
  rmSync(join(folder, 'tunnels'));
});

describe('what the file system refuses is one line, and no stack', () => {
  test.each([
    [['pipes', '-O', '/nonexistent/a'], 2, '/nonexistent/a: there is no such file or folder (ENOENT)'],
    // Node's own way of making folders goes round for ever there.
    [['certificates', '--out', '/proc/x/y', '--host', '127.0.0.2'], 2, '/proc/x: there is no such file'],
  ])('%j', async (argv, status, words) => {
    const { lines, ...ended } = await ask(...argv);
    expect(ended.status).toBe(status);
    expect(lines).toEqual([expect.stringContaining(words)]);
  });

  test('an address that is not of this machine, when other parts have been started', async () => {
    const file = join(folder, 'two.yaml');
    writeFileSync(file, 'name: two\ntopology: {full-mesh: 2}\n');
    const host = '192.0.2.77';
    await writeCertificates({ out: join(folder, 'certs'), host: [host], force: true });
    const places = ['--where', `h1=${host}`, '--core', '127.0.0.1', '--certificates', 'certs'];
    expect(run('topology', 'node', file, 'h1', ...places)).toEqual({
      status: 2,
      out: '',
      lines: [`psp-gateway: ${host} port 20000: it is no address of this machine (EADDRNOTAVAIL)`],
    });
  });

  test('standard output that is full or closed', () => {
    const { out } = shell(
      `for c in --help "run --help" demo "pcap inspect ${TRAFFIC}" "topology counters ${TWO_HOSTS}" "certificates --out full-certs --host 127.0.0.9"; do $P $c 2>&1 >/dev/full; echo $?; done; $P pipes 2>&1 >&-`,
    );
    // Node puts /dev/null in the place of one that is closed, as others do who want no output.
    const said = 'psp-gateway: standard output: the disk is full; make room and try again (ENOSPC)\n1\n';
    expect(out).toBe(said.repeat(6));
  });
});

test('where there is no room, a command fails with a word about the file, and leaves nothing', () => {
  const room = join(folder, 'room');
  mkdirSync(room);
  const earlier = run('pipes', '--format', 'svg').out;
  writeFileSync(join(room, 'drawing.svg'), earlier);
  const masterKeys = '00 '.repeat(64);
  writeFileSync(join(folder, 'psp.cfg'), `${masterKeys}\n1\ntunnel\naes-gcm-128\n0 0 0\nno-vc\n`);
  const commands = [
    'demo -o new/demo',
    'pipes --format svg -O drawing.svg',
    `topology graph ${TWO_HOSTS} --format svg -o drawing.svg`,
    `topology run ${TWO_HOSTS} -o new/run`,
    `pcap encrypt -c ../psp.cfg -i ${TRAFFIC} -o new.pcap --write-keys new.keys`,
  ];
  const { out } = shell(
    `cd room; ulimit -f 1; for c in ${commands.map((c) => `"${c}"`).join(' ')}; do $P $c 2>&1 >/dev/null; echo $?; done`,
  );
  const lines = out.trim().split('\n');
  const said = ['new/demo/wire.pcap', 'drawing.svg', 'drawing.svg', 'link-h1', 'new.pcap'].flatMap((name) => [
    expect.stringMatching(`${name}.*: larger than files may be here; raise the limit .*\\(EFBIG\\)$`),
    '1',
  ]);
  expect(lines).toEqual(said);
  expect(readdirSync(room)).toEqual(['drawing.svg']);
  expect(lstatSync(join(room, 'drawing.svg')).size).toBe(earlier.length);
});

test('metrics that cannot be served are told with what to do, before the gateway starts', async () => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, ADDRESS, resolve));
  try {
    const { port } = other.address() as AddressInfo;
    const taken = run(...GATEWAY, `--metrics=${ADDRESS}:${port}`);
    expect(taken).toMatchObject({ status: 1, out: '' });
    expect(taken.lines.at(-1)).toBe(
      `psp-gateway: --metrics: cannot serve metrics at ${ADDRESS}:${port}: another program listens there; give another PORT, or end that program (\`ss -ltnp\` names it)`,
    );
    expect(taken.lines.join('\n')).not.toContain('gateway started');
  } finally {
    other.close();
  }
  const elsewhere = run(...GATEWAY, '--metrics=192.0.2.1:9464');
  expect(elsewhere.status).toBe(2);
  expect(elsewhere.lines.at(-1)).toBe(
    'psp-gateway: --metrics: cannot serve metrics at 192.0.2.1:9464: this machine has no such address; give one of its own, or a PORT alone for loopback',
  );
});

describe('pipes and signals', () => {
  test('what nobody reads to its end does not end as if all were done', () => {
    const { out } = shell(
      `set -o pipefail; $P demo -o pipe 2>&1 | head -1; echo $?; $P ${GATEWAY.join(' ')} --stat-print 2>log > >(head -1) & until grep -q 'without printing' log; do sleep 0.1; done; kill $!; wait $!; echo $?; tail -2 log`,
    );
    expect(out.split('\n')).toEqual([
      expect.stringContaining('PSP gateway demo'),
      '141',
      expect.stringContaining('rx-packets'),
      '141',
      expect.stringContaining(
        'standard output: nobody reads from it any more (EPIPE); goes on without printing',
      ),
      expect.stringContaining('SIGTERM: stopping'),
      '',
    ]);
    expect(() => lstatSync(join(folder, 'pipe'))).toThrow();
  });

  test('SIGHUP ends no gateway; Ctrl-C ends one that pings, long before it has sent all', async () => {
    const argv = [...GATEWAY, '--ping', '192.168.1.55', '--ping-count', '1000'];
    const gateway = new Program([process.execPath, MAIN, ...argv]);
    await gateway.says(/^PING /m);
    execFileSync('kill', ['-HUP', String(gateway.pid)]);
    await gateway.says(/SIGHUP: reads its files again/);
    execFileSync('kill', ['-INT', String(gateway.pid)]);
    expect(await gateway.ended).toBe(1);
    const [, sent] = /^(\d+) sent, 0 received/m.exec(gateway.out)!;
    expect(Number(sent)).toBeLessThan(100);
  });
});
