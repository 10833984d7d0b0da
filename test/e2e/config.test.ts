/** `psp-gateway config`: a file is judged as a gateway would judge it that is started with it, and shown so that it reads back. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { askedWithin } from '../support/asked-within.js';

const folder = mkdtempSync(join(tmpdir(), 'psp-gateway-config-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function run(...argv: string[]) {
  const { status, out, err } = await askedWithin(argv, folder);
  return { status, out, lines: err.split('\n').slice(0, -1) };
}

const write = (name: string, text: string | Buffer) => writeFileSync(join(folder, name), text);

const RIGHT = `flags:
  svc-addr: 127.0.0.61
  outer-ip-type: ipv4
  insecure: true
  sim-wire: udp:127.0.0.61:10000
  sim-vf: host:192.168.1.33
peers:
  - {service: 127.0.0.62, owns: [192.168.1.55, 192.168.2.0/24]}
`;

test('a right file is right, and its effective configuration reads back to itself', async () => {
  write('right.yaml', RIGHT);
  expect(await run('config', 'check', 'right.yaml')).toEqual({
    status: 0,
    out: 'right.yaml: right\n',
    lines: [],
  });
  const shown = await run('config', 'show', '--config', 'right.yaml', '--cookie');
  expect(shown.status).toBe(0);
  expect(shown.out).toContain('  cookie: true\n');
  expect(shown.out).toContain('    owns: [192.168.1.55, 192.168.2.0/24]\n');
  write('shown.yaml', shown.out);
  expect((await run('config', 'show', '--config', 'shown.yaml')).out).toBe(shown.out);
  expect((await run('pipes', '--config', 'shown.yaml')).out).toContain('flowchart');
});

test('what is wrong with a file, and what this machine lacks of it, is told together, with status 2', async () => {
  write(
    'wrong.yaml',
    RIGHT.replace('insecure: true', 'tls-ca: none\n  tls-cert: none\n  tls-key: none')
      .replace('[192', '[x, 192')
      .replace('outer', 'outr'),
  );
  const { status, lines } = await run('config', 'check', 'wrong.yaml');
  expect(status).toBe(2);
  expect(lines.map((line) => line.replace(/ \(expected.*/, ''))).toEqual([
    'wrong.yaml:3: flags: there is no flag "outr-ip-type"; did you mean outer-ip-type?',
    'wrong.yaml:10: peers[0].owns[0]: "x" is not an IP address',
    'wrong.yaml:4: flags.tls-ca: there is no file none',
    'wrong.yaml:5: flags.tls-cert: there is no file none',
    'wrong.yaml:6: flags.tls-key: there is no file none',
    expect.stringMatching(/^wrong\.yaml:7: flags\.sim-wire: 127\.0\.0\.61 is IPv4, /),
  ]);
});

test.each([
  ['with a mark and lines of another system', Buffer.from(`\ufeff${RIGHT.replaceAll('\n', '\r\n')}`), 0, []],
  [
    'in UTF-16',
    Buffer.from(`\ufeff${RIGHT}`, 'utf16le'),
    2,
    ['--config: odd.yaml is UTF-16; save it as UTF-8'],
  ],
  ['with tabs', RIGHT.replace('  svc', '\tsvc'), 2, [expect.stringMatching(/^odd\.yaml:2: Tabs are not/)]],
  ['that is empty', '', 2, ['odd.yaml:1: the file is empty; write flags: and peers:']],
])('a file %s', async (_, octets, status, lines) => {
  write('odd.yaml', octets);
  const result = await run('config', 'check', 'odd.yaml', ...(status === 0 ? [] : ['--insecure']));
  expect(result.lines.slice(0, 1)).toEqual(lines);
  expect(result.status).toBe(status);
});

test('a file that is not there, and no file at all', async () => {
  expect(await run('config', 'check', 'none.yaml', '--insecure', '--sim-vf=host:192.168.1.33')).toMatchObject(
    {
      status: 2,
      lines: ['--config: there is no file none.yaml'],
    },
  );
  expect((await run('config', 'check')).status).toBe(2);
  expect((await run('config', 'shows')).status).toBe(2);
});
