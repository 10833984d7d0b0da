/** Looking into running gateways that carry traffic: captures, live pipes, and top, over both HALs, with real processes. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { captureOctets } from '../../src/packet/capture-stream.js';
import { type CaptureRecord, readCapture } from '../../src/packet/pcap.js';
import { askedAlone } from '../support/asked-within.js';
import { describeOnKernel } from '../support/kernel.js';
import { inPath } from '../support/needs.js';
import { Program } from '../support/program.js';
import { ROOT } from '../support/root.js';
import { TsharkFolder } from '../support/tshark.js';
import { type Kind, World } from './namespaces.js';

const MAIN = join(ROOT, 'dist/cli/main.js');

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'psp-gateway-look-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const run = (...argv: string[]) => askedAlone(argv, ROOT);

async function read(path: string): Promise<CaptureRecord[]> {
  const records: CaptureRecord[] = [];
  for await (const record of readCapture(captureOctets(path))) records.push(record);
  return records;
}

const commentsOf = (records: readonly CaptureRecord[]) => records.flatMap(({ comments = [] }) => comments);

interface Pipe {
  readonly name: string;
  readonly hits: { readonly packets: number } | null;
  readonly misses: { readonly packets: number } | null;
  readonly hitRate: { readonly packets: number } | null;
}

/** `pipes --live` and `top` of a gateway, between two of whose workloads `send` begins to send packets. */
async function looksLive(
  socket: string,
  { from, to, send }: { from: string; to: string; send: () => Program },
): Promise<void> {
  const sending = send();
  const watch = (...argv: string[]) =>
    new Program([process.execPath, MAIN, ...argv, '--socket', socket, '--interval', '0.5']);
  // Counters of DOCA may be a second old: each goes on until it has seen what it is to show.
  const pipes = watch('pipes', '--live', '--json');
  await pipes.says(/"name":"EGR_ACL_IPV4","hits":[^[]*"hitRate":\{"packets":0*\.?0*[1-9]/);
  expect(await pipes.stop('SIGHUP')).toBe(0);
  const [line] = pipes.out.split('\n');
  const { pipes: rows } = JSON.parse(line!) as { pipes: Pipe[] };
  const root = rows.find(({ name }) => name === 'ROOT')!;
  expect(root.hits!.packets).toBeGreaterThan(2);
  // Before there is anything to compare with.
  expect(root.hitRate).toBeNull();
  expect(rows.find(({ name }) => name === 'RSS_MISS')!.misses).toBeNull();

  const top = watch('top', '--json');
  await top.says(
    /"tunnels":\[\{"localVip":[^[]*\[\d+\][^[]*"inRate":\{"packets":0*\.?0*[1-9][^}]*\},"outRate":\{"packets":0*\.?0*[1-9]/,
  );
  expect(await top.stop('SIGTERM')).toBe(0);
  expect(JSON.parse(top.out.split('\n')[0]!)).toMatchObject({
    tunnels: [{ localVip: from, remoteVip: to, state: 'established' }],
    leftOut: 0,
    problems: [],
  });
  await sending.stop('SIGINT');

  const once = (...argv: string[]) => run(...argv, '--once', '--interval', '0.1', '--socket', socket);
  expect(once('pipes', '--live')).toMatchObject({
    status: 0,
    out: expect.stringMatching(/^PIPE .*\nROOT +\d+ .*\n {2}vf-arp +\d+ .* - +-\n/),
  });
  expect(once('pipes', '--live', '--format', 'dot')).toMatchObject({
    status: 0,
    out: expect.stringMatching(/^digraph "psp-gateway" \{\n.*\bEGR_ACL_IPV4\b.*\n\}\n$/s),
  });
  expect(once('pipes', '--live', '--format', 'mermaid').out).toMatch(/^flowchart LR\n/);
  expect(once('top', '--rows', '5')).toMatchObject({
    status: 0,
    out: expect.stringMatching(
      new RegExp(`^gateway .* tunnels: 1 established\\nin .*\\n\\nTUNNEL .*\\n${from} - ${to} `),
    ),
  });
  if (inPath('script')) {
    // On a terminal, which is given back.
    const argv = `'${process.execPath}' '${MAIN}' top --socket '${socket}' --interval 0.1`;
    const terminal = new Program(['script', '-qec', `stty rows 20 cols 100; exec ${argv}`, '/dev/null']);
    await terminal.says(new RegExp(`${from} - ${to}`));
    spawnSync('pkill', ['-INT', '-P', String(terminal.pid)]);
    expect(await terminal.ended).toBe(0);
    expect(terminal.out.startsWith('\x1b[?1049h')).toBe(true);
    expect(terminal.out.endsWith('\x1b[?1049l')).toBe(true);
  }
}

describeOnKernel('a gateway that carries traffic', ['ip', 'ping', 'bash'], () => {
  test.each<[Kind]>([['sim'], ['doca']])(
    'over %s: shows its packets as far as it can, and those that nobody takes, to who captures them',
    async (kind) => {
      await using world = await World.open();
      const [own, other] = world.sides as [(typeof world.sides)[number], (typeof world.sides)[number]];
      const socket = join(world.folder, 'admin.sock');
      const gateway = await world.startGateway(0, kind, [`--admin=${socket}`, '--debug-keys']);
      const silent = join(world.folder, 'silent.sock');
      await world.startGateway(1, kind, [`--admin=${silent}`]);
      const file = (name: string) => join(world.folder, name);
      const captureTo = async (name: string, ...more: string[]) => {
        const path = file(name);
        const argv = [MAIN, 'capture', '--socket', socket, '-w', path, ...more];
        const program = new Program([process.execPath, ...argv]);
        await program.says(/capturing; Ctrl-C ends it/);
        return { program, path };
      };
      const ping = (to: string, ...more: string[]) =>
        world.start(own.workload, ['ping', '-n', '-i', '0.2', ...more, to]);

      // No keys of a gateway that keeps none, and no file either.
      const refused = run('capture', '--socket', silent, '-w', file('no'), '--keys', file('no-keys'));
      expect(refused).toMatchObject({ status: 1, err: expect.stringContaining('--debug-keys') });
      expect([existsSync(file('no')), existsSync(file('no-keys'))]).toEqual([false, false]);

      const all = await captureTo('all.pcapng', '--keys', file('keys.jsonl'));
      const dropped = await captureTo('dropped.pcapng', '--dropped', '--count', '1');
      expect(await ping(other.vip4, '-c', '3', '-w', '20').ended).toBe(0);
      await looksLive(socket, { from: own.vip4, to: other.vip4, send: () => ping(other.vip4) });
      // Of nobody; again and again, since its first packets may wait for an answer of ARP.
      const lost = ping('192.168.1.77');
      expect(await dropped.program.ended).toBe(0);
      expect(dropped.program.out).toContain('1 packets captured');
      const [nobodys, ...more] = await read(dropped.path);
      expect(nobodys).toMatchObject({
        interfaceName: 'cpu',
        comments: ['dropped: no peer owns the destination'],
      });
      expect(more).toEqual([]);

      // The reader has seen enough; the file may be no larger: neither concerns the gateway.
      const P = `'${process.execPath}' '${MAIN}' capture --socket '${socket}'`;
      const shell = (text: string) =>
        execFileSync('bash', ['-c', text], { encoding: 'utf8', timeout: 60_000 });
      expect(shell(`set +e; ${P} -w - 2>/dev/null | head -c 200 >/dev/null; echo \${PIPESTATUS[0]}`)).toBe(
        '141\n',
      );
      const small = file('small.pcapng');
      expect(shell(`trap '' XFSZ; ulimit -f 1; ${P} -w '${small}' 2>'${file('said')}'; echo $?`)).toBe('1\n');
      expect((await read(small)).length).toBeGreaterThan(1);
      await lost.stop('SIGINT');

      expect(await all.program.stop('SIGINT')).toBe(0);
      expect(all.program.out).toMatch(/\d+ packets captured\n$/);
      const records = await read(all.path);
      expect(commentsOf(records)).toContain('dropped: no peer owns the destination');
      const seen = new Set(records.map(({ interfaceName }) => interfaceName));
      if (kind === 'sim') {
        expect(seen).toEqual(new Set(['uplink', 'vf', 'cpu']));
        const opened = run(
          'pcap',
          'decrypt',
          '--keys',
          file('keys.jsonl'),
          all.path,
          file('open.pcapng'),
          '--json',
        );
        expect(opened.status).toBe(0);
        const { decrypted, noKey } = JSON.parse(opened.out);
        expect(decrypted).toBeGreaterThanOrEqual(6);
        expect(noKey).toBe(0);
        expect(all.program.out).not.toContain('not shown');
      } else {
        expect(seen).toEqual(new Set(['cpu']));
        expect(commentsOf(records)).toContain('left to the CPU');
        expect(all.program.out).toContain('not shown: packets that the device forwards by itself');
      }
      if (inPath('tshark')) {
        const tshark = new TsharkFolder();
        try {
          const lines = tshark.fields(all.path, ['frame.interface_name', 'frame.packet_flags_direction']);
          expect(lines).toHaveLength(records.length);
          expect(lines[0]).toEqual([records[0]!.interfaceName, '0x00000001']);
        } finally {
          tshark.close();
        }
      }

      // The gateway goes: what was captured stays whole, and the status says it.
      const last = await captureTo('last.pcapng');
      expect(await gateway.stop('SIGTERM')).toBe(0);
      expect(await last.program.ended).toBe(3);
      await read(last.path);
    },
    240_000,
  );
});

describe('a capture that cannot be', () => {
  test('is told with all that is wrong at once, and touches nothing', () => {
    const precious = join(folder, 'precious');
    writeFileSync(precious, 'precious');
    const { status, out, err } = run(
      ...['capture', '--pair', 'nonsense', '10.0.0.1', '--count', '0', '--port', 'eth0', '--snaplen', '3'],
      ...['--frobnicate', '-w', join(precious, 'a.pcapng'), '--keys', precious, '--socket', 'none.sock'],
    );
    expect({ status, out }).toEqual({ status: 2, out: '' });
    expect(err.trim().split('\n')).toEqual([
      expect.stringMatching(/^--frobnicate: there is no such flag/),
      expect.stringMatching(/^--pair: expected an IP address, not "nonsense"/),
      expect.stringMatching(/^--count: expected a number of packets, from 1, not "0"/),
      expect.stringMatching(/^--port: /),
      expect.stringMatching(/^--snaplen: /),
      expect.stringMatching(/^--write: .*a part of this path is a file/),
      expect.stringMatching(/^--keys: .*is no keys file/),
    ]);
    expect(run('capture', '--pair', '10.0.0.1')).toMatchObject({
      status: 2,
      err: '--pair: needs two addresses, not 1\n--write: is needed: a file, or - for standard output\n',
    });
    expect(run('capture', '-w', '-', '--json')).toMatchObject({
      status: 2,
      err: expect.stringContaining('--json'),
    });
    expect(run('pipes', '--live', '--format', 'svg', '--interval', '0', '--tunnel=x')).toMatchObject({
      status: 2,
      err: expect.stringMatching(/^--tunnel: .*\n--format: .*\n--interval: expected seconds .*\n$/),
    });
    expect(run('top', '--sort', 'size', '--rows', '0')).toMatchObject({
      status: 2,
      err: expect.stringMatching(/^--sort: .*\n--rows: .*\n$/),
    });
    for (const argv of [['pipes', '--live'], ['top']])
      expect(run(...argv, '--socket', join(folder, 'none.sock')).status).toBe(3);
    const target = join(folder, 'a.pcapng');
    expect(run('capture', '-w', target, '--socket', join(folder, 'none.sock')).status).toBe(3);
    expect(existsSync(target)).toBe(false);
  });
});
