/** Looking into running gateways that carry traffic: captures, over both HALs, with real processes. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { captureOctets } from '../../src/packet/capture-stream.js';
import { type CaptureRecord, readCapture } from '../../src/packet/pcap.js';
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

function run(...argv: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...argv], {
    encoding: 'utf8',
    timeout: 60_000,
  });
  return { status, out: stdout, err: stderr };
}

async function read(path: string): Promise<CaptureRecord[]> {
  const records: CaptureRecord[] = [];
  for await (const record of readCapture(captureOctets(path))) records.push(record);
  return records;
}

const commentsOf = (records: readonly CaptureRecord[]) => records.flatMap(({ comments = [] }) => comments);

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
    const target = join(folder, 'a.pcapng');
    expect(run('capture', '-w', target, '--socket', join(folder, 'none.sock')).status).toBe(3);
    expect(existsSync(target)).toBe(false);
  });
});
