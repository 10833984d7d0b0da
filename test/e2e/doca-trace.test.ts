/**
 * `psp-gateway doca-trace` over the trace of native/doca-soft/examples/psp_pipeline as 3.1, which test/native/trace.test.ts compares with
 * what the library writes now, and over files that are none.
 */
import { spawn } from 'node:child_process';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { afterAll, expect, test } from 'vitest';
import { askedWithin } from '../support/asked-within.js';
import { ROOT } from '../support/root.js';

const MAIN = join(ROOT, 'dist/cli/main.js');
const SAMPLE = join(ROOT, 'test/support/traces/psp-pipeline-3.1.jsonl');
const sample = readFileSync(SAMPLE, 'utf8');
const lines = sample.trimEnd().split('\n');
const folder = mkdtempSync(join(tmpdir(), 'psp-gateway-doca-trace-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const ask = (...argv: string[]) => askedWithin(['doca-trace', ...argv], folder);
function written(text: string | Uint8Array): string {
  const path = join(folder, 'trace.jsonl');
  writeFileSync(path, text);
  return path;
}
const START = lines[0]!;

test('is text for people', async () => {
  const { status, out, err } = await ask(SAMPLE);
  expect({ status, err }).toEqual({ status: 0, err: '' });
  for (const told of [
    /^psp_pipeline, DOCA 3\.1\.0105, process \d+, \S+; 1 of 5 packets$/m,
    /doca_flow_pipe_cfg_set_name\(cfg: flow_pipe_cfg \d, name: ENCRYPT\) = DOCA_SUCCESS$/m,
    /pipe 4 ACL is made$/m,
    /^ {14}match\.inner\.ip4\.src_ip: all ones$/m,
    /^ {14}fwd\.type: DOCA_FLOW_FWD_PORT$/m,
    /entry 0 of pipe 1 ENCRYPT is added$/m,
    /entry 0 of pipe 6 ROOT is done: added$/m,
    /packet 1, 82 octets from port 1: .*outer\.ip4\.src_ip: 10\.0\.0\.1/m,
    /^ {14}pipe 5 DECRYPT: entry 0, then pipe 4 ACL\n {18}parser_meta\.inner_l3_type: 0 becomes 1$/m,
    /^ {14}ends: port 0, encrypted$/m,
    /pipe 6 ROOT: 10 hits, 0 misses\n {14}5 packets to pipe 2 EGRESS_ROOT$/m,
    /end \(exit\); left out: 0 calls, 0 on entries, 0 packets$/m,
  ])
    expect(out).toMatch(told);
});

test('is JSON lines for programs, which the published schema takes', async () => {
  const { status, out } = await ask(SAMPLE, '--format', 'json');
  expect(status).toBe(0);
  const objects = (text: string) =>
    text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
  expect(objects(out)).toEqual(objects(sample));
  const schema = JSON.parse(readFileSync(join(ROOT, 'schema/doca-trace.schema.json'), 'utf8'));
  const validate = new Ajv().compile(schema);
  for (const line of objects(sample)) expect(validate(line), JSON.stringify(validate.errors)).toBe(true);
});

test('is a drawing of the pipes, with counters', async () => {
  const mermaid = (await ask(SAMPLE, '--format=mermaid')).out;
  expect(mermaid).toContain('pipe2["EGRESS_ROOT<br/>BASIC, root<br/>1 entry"]');
  expect(mermaid).toContain('match parser_meta.psp_syndrome = entry');
  for (const arrow of [
    'pipe6 -->|"5 packets"| pipe2',
    'pipe4 -.->|"miss"| pipe3',
    'pipe1 -->|"5 packets"| port0_',
    'pipe6 --> drop_',
  ])
    expect(mermaid.split('\n').map((line) => line.trim())).toContain(arrow);
  expect((await ask(SAMPLE, '--format', 'dot')).out).toContain(
    '"pipe4" -> "port1" [style=solid, label="5 packets"];',
  );
  const file = join(folder, 'pipes.svg');
  const { status, out } = await ask(SAMPLE, '--format', 'svg', '--output', file);
  expect({ status, out }).toEqual({ status: 0, out: '' });
  expect(readFileSync(file, 'utf8')).toMatch(/^<svg [\s\S]*5 packets[\s\S]*EGRESS_ROOT[\s\S]*<\/svg>\n$/);
});

test('draws the newest state of a file that grows', async () => {
  const upTo = (what: RegExp) => lines.slice(0, lines.findIndex((line) => what.test(line)) + 1).join('\n');
  const early = await ask(written(`${upTo(/"change":"made","pipe":2,/)}\n`), '--format', 'mermaid');
  expect(early.status).toBe(0);
  expect(early.out).toContain('pipe2 --> pipe1');
  expect(early.out).not.toContain('pipe3[');
  // One that is destroyed while others are there is no longer drawn.
  const one = await ask(written(`${upTo(/"change":"destroyed","pipe":1,/)}\n`), '--format', 'mermaid');
  expect(one.out).not.toContain('pipe1["');
  expect(one.out).toContain('pipe2["');
});

test('goes on with a file that grows, until the trace ends', async () => {
  const path = written(`${START}\n${lines[1]!.slice(0, 30)}`);
  const child = spawn(process.execPath, [MAIN, 'doca-trace', path, '--follow'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  let err = '';
  child.stderr.on('data', (chunk) => {
    err += chunk;
  });
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  await new Promise<void>((resolve) => {
    child.stdout.on('data', (chunk) => {
      out += chunk;
      if (out.includes('\n')) resolve();
    });
  });
  expect(out).toMatch(/^psp_pipeline, DOCA/);
  appendFileSync(path, `${lines[1]!.slice(30)}\n${lines.at(-1)}\n`);
  expect(await ended).toBe(0);
  expect(err).toBe('');
  expect(out).toMatch(/doca_log_backend_create_with_file_sdk[\s\S]*end \(exit\)/);
}, 60_000);

const packet = lines.find((line) => line.includes('"type":"packet"'))!;
const changed = (line: string, from: string | RegExp, to: string) => {
  expect(line).toMatch(from);
  return line.replace(from, to);
};

test.each([
  ['an empty file', '', 'is empty'],
  ['what is no trace', 'hello\n', 'line 1: is no JSON: hello'],
  ['JSON that is no trace', '{"type":"call"}\n', "line 1: must have required property 't'"],
  [
    'a trace without its begin',
    `${lines[1]}\n`,
    'line 1: type: a trace of the software DOCA begins with "start"',
  ],
  [
    'another format',
    `${changed(START, '"format":1', '"format":2')}\n`,
    'line 1: format: is 2; this psp-gateway reads format 1',
  ],
  [
    'a file that is cut',
    sample.slice(0, -20),
    `line ${lines.length}: is cut behind ${lines.at(-1)!.length - 19} octets`,
  ],
  ['a line that is no object', `${START}\n[1]\n`, 'line 2: is no object'],
  ['an unknown type', `${START}\n{"type":"colour"}\n`, 'line 2: type: "colour" is no type of lines'],
  [
    'a name of all objects',
    `${START}\n{"type":"constructor"}\n`,
    'line 2: type: "constructor" is no type of lines',
  ],
  [
    'a wrong number',
    `${START}\n${changed(packet, /"packet":\d+/, '"packet":-1')}\n`,
    'line 2: packet: must be >= 0',
  ],
  [
    'a wrong value within',
    `${START}\n${changed(packet, '"to":"pipe"', '"to":"moon"')}\n`,
    'line 2: way[0].next.to: must be equal to one of the allowed values pipe, port',
  ],
  [
    'a line that is too deep',
    `${START}\n${'{"type":"call","a":'.repeat(40)}1${'}'.repeat(40)}\n`,
    'line 2: is deeper than 32 objects within each other',
  ],
  ['a line that is too long', `${START}\n${' '.repeat(70_000)}\n`, 'line 2: has more than 65536 octets'],
])('%s is refused, with the line', async (_, text, said) => {
  for (const format of ['text', 'json', 'mermaid']) {
    const path = written(text);
    const { status, err } = await ask(path, '--format', format);
    expect({ status, err }).toEqual({
      status: 2,
      err: expect.stringContaining(`psp-gateway: ${path}: ${said}`),
    });
  }
});

test('tells all wrong lines, up to a number, and reads the others', async () => {
  const wrong = await ask(written(`${START}\nx\n${lines[1]}\ny\n${lines.at(-1)}\n`));
  expect(wrong.err.trimEnd().split('\n')).toHaveLength(2);
  expect(wrong.out).toContain('doca_log_backend_create_with_file_sdk');
  const many = await ask(written(`${START}\n${'x\n'.repeat(1000)}`));
  expect(many.err.trimEnd().split('\n')).toHaveLength(21);
  expect(many.err).toContain('is read no further than to 20 problems');
});

test('has no name of a file drive a terminal, or an SVG', async () => {
  const made = lines.find((line) => line.includes('"change":"made"'))!;
  const text = `${START}\n${changed(made, /"name":"ENCRYPT"/g, '"name":"\\u001b[2J<script>"')}\n`;
  const path = written(text);
  for (const format of ['text', 'json', 'mermaid', 'dot', 'svg']) {
    const { status, out } = await ask(path, '--format', format);
    expect(status).toBe(0);
    expect(out).not.toContain('\u001b');
    if (format === 'svg' || format === 'mermaid') expect(out).not.toContain('<script>');
  }
});

test('mistakes of the command line are told at once', async () => {
  const wrong = await ask(SAMPLE, '--format', 'svg', '--follow', '--colour');
  expect(wrong.status).toBe(2);
  expect(wrong.err).toContain('--follow: goes with text and json, not with svg');
  expect(wrong.err).toContain('--colour: there is no such flag');
  expect((await ask(SAMPLE, '--output', 'x')).err).toBe('--output: is for drawings, not for text\n');
  expect((await ask(SAMPLE, '--format', 'gif')).status).toBe(2);
  expect((await ask('none.jsonl')).err).toContain('none.jsonl: there is no such file');
  expect((await ask(folder)).err).toContain('is a folder; name a file');
  expect((await ask('/dev/zero')).err).toContain('/dev/zero is no regular file; name one');
  expect((await ask()).err).toContain("missing required argument 'file'");
});
