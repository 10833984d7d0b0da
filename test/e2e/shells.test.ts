/** Completion in the shells that it is for, each on a terminal of its own, and manual pages as man shows them. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { manPages } from '../../src/cli/man-pages.js';
import { describeNeeding, inPath } from '../support/needs.js';
import { ROOT } from '../support/root.js';

/** Nothing takes so long on a machine that has anything else to do. */
const TIMEOUT_MS = 120_000;
vi.setConfig({ testTimeout: TIMEOUT_MS });

const MAIN = join(ROOT, 'dist/cli/main.js');
const folder = mkdtempSync(join(tmpdir(), 'psp-gateway-shells-'));
const work = join(folder, 'work');
const env = {
  ...process.env,
  PATH: `${folder}/bin${delimiter}${process.env.PATH}`,
  TERM: 'dumb',
  HOME: folder,
};

beforeAll(() => {
  for (const path of ['bin', 'work', 'work/two words']) mkdirSync(join(folder, path));
  for (const path of ['gateway.yaml', "it's.yaml"]) writeFileSync(join(work, path), '');
  const program = join(folder, 'bin/psp-gateway');
  writeFileSync(program, `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`);
  chmodSync(program, 0o755);
  const show = `show() { printf "<%s>" "\${@%/}"; echo; }`;
  writeFileSync(join(folder, 'bashrc'), `PS1='ready> '; ${show}\nsource <(psp-gateway completion bash)\n`);
  writeFileSync(
    join(folder, '.zshrc'),
    `psp-gateway completion zsh > '${folder}/_psp-gateway'; fpath=('${folder}' $fpath)
autoload -U compinit; compinit -u -D; bindkey -e; ${show}\nPS1='ready> '\n`,
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const missing = (...programs: string[]) => programs.filter((program) => !inPath(program));

/** What is typed, TAB at its end, and the words that stand there then. */
const CASES: readonly (readonly [typed: string, words: readonly string[]])[] = [
  ['psp-gateway expl', ['explain']],
  ['psp-gateway status --so', ['status', '--socket']],
  ['psp-gateway certs iss', ['certs', 'issue']],
  ['psp-gateway --hal do', ['--hal', 'doca']],
  ['psp-gateway --outer-ip-type=ipv6 --hal=do', ['--outer-ip-type=ipv6', '--hal=doca']],
  ['psp-gateway -t 127.0.0.3:192.168.1.55 --sim-vf ho', ['-t', '127.0.0.3:192.168.1.55', '--sim-vf', 'host']],
  ['psp-gateway topology run gat', ['topology', 'run', 'gateway.yaml']],
  ['psp-gateway --config=gat', ['--config=gateway.yaml']],
  ['psp-gateway config check it', ['config', 'check', "it's.yaml"]],
  // Shells differ in when they leave the slash at the end of a folder away: it is not looked at.
  ['psp-gateway certs init tw', ['certs', 'init', 'two words']],
];

/** A shell on a terminal: script(1) makes it. */
class Terminal {
  #said = '';
  readonly #child: ChildProcess;

  constructor(shell: string) {
    this.#child = spawn('script', ['-qec', shell, '/dev/null'], { cwd: work, env });
    this.#child.stdout!.on('data', (chunk) => {
      this.#said += chunk;
    });
  }

  async says(text: string, typed = ''): Promise<void> {
    this.#child.stdin!.write(typed);
    const patience = { timeout: TIMEOUT_MS / 2, interval: 20 };
    await vi
      .waitUntil(() => this.#said.includes(text), patience)
      .catch(() => {
        throw new Error(`the terminal does not show ${text}, but:\n${JSON.stringify(this.#said)}`);
      });
    this.#said = '';
  }

  end(): void {
    this.#child.stdin!.end();
    this.#child.kill('SIGKILL');
  }
}

describeNeeding('on a terminal', missing('script', 'bash', 'zsh'), () => {
  test.each([
    ['bash', `bash --rcfile ${folder}/bashrc -i`],
    // With nothing of the machine's own but the functions of completion.
    ['zsh', `ZDOTDIR=${folder} zsh --no-globalrcs -i`],
  ])('%s completes commands, flags, values, files and folders', async (_, command) => {
    const terminal = new Terminal(command);
    try {
      await terminal.says('ready> ');
      for (const [typed, words] of CASES) {
        const shown = ['psp-gateway', ...words].map((word) => `<${word}>`).join('');
        await terminal.says(`${shown}\r\n`, `${typed}\t\x01show \x05\n`);
      }
    } finally {
      terminal.end();
    }
  });
});

describeNeeding('fish', missing('fish'), () => {
  test('completes commands, flags, values, files and folders', () => {
    const script = `psp-gateway completion fish | source
      for line in $argv; echo "line $line"; complete -C "$line"; end`;
    const lines = CASES.map(([typed]) => typed);
    const { stdout, stderr } = spawnSync('fish', ['--no-config', '-c', script, ...lines], {
      cwd: work,
      env,
      encoding: 'utf8',
    });
    expect(stderr).toBe('');
    const answers = stdout.split(/^line /m).slice(1);
    expect(answers).toHaveLength(CASES.length);
    for (const [i, [typed, words]] of CASES.entries()) {
      const [line, ...candidates] = answers[i]!.trimEnd().split('\n');
      expect(line).toBe(typed);
      expect(candidates.map((one) => one.split('\t')[0]!.replace(/\/$/, ''))).toEqual([words.at(-1)]);
    }
  });
});

describeNeeding('man', missing('man'), () => {
  test('shows every page without a warning', async () => {
    const pages = await manPages();
    for (const [name, text] of pages) writeFileSync(join(folder, name), text);
    const { status, stdout, stderr } = spawnSync(
      'man',
      ['--warnings', '-l', ...pages.map(([name]) => join(folder, name))],
      {
        env: { ...process.env, LC_ALL: 'C.UTF-8', MANWIDTH: '80', MANROFFOPT: '', MANPAGER: 'cat' },
        encoding: 'utf8',
      },
    );
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    for (const [name] of pages) expect(stdout).toContain(`${name.slice(0, -2)} - `);
  });
});
