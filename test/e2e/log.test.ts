/** A gateway whose log nobody takes: it starts, carries packets and stops as one whose log is read. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import {
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { writeCertificates } from '../../src/cli/certificates.js';
import { describeOnKernel } from '../support/kernel.js';
import { loopback } from '../support/loopback.js';
import type { Program } from '../support/program.js';
import { fetchIn } from '../support/prometheus.js';
import { type Kind, World } from './namespaces.js';

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const [FIRST, SECOND] = [loopback(32), loopback(33)] as const;

let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'psp-gateway-log-'));
  await writeCertificates({ out: folder, host: [FIRST, SECOND], force: true });
  writeFileSync(join(folder, 'unread.sh'), `${UNREAD} "$@" & echo $! >pid; wait $!; echo $? >status\n`);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The command line of one of two gateways, for a shell. */
function gateway(own: string, vip: string, other: string, otherVip: string): string {
  return [
    `'${process.execPath}' '${MAIN}' --outer-ip-type=ipv4 -s${own}:3900 -t${other}:3900:${otherVip}`,
    `--sim-wire=udp:${own}:10900 --sim-vf=host:${vip} --log-level=70`,
    `--tls-ca=ca.pem --tls-cert=${own}.pem --tls-key=${own}.key`,
  ].join(' ');
}

const UNREAD = gateway(FIRST, '10.1.0.1', SECOND, '10.2.0.1');
const PINGING = `${gateway(SECOND, '10.2.0.1', FIRST, '10.1.0.1')} --ping=10.1.0.1 --ping-count=2`;

/**
 * Runs the one gateway by `start`, a shell command that may put its standard error where it likes; pings it by the other
 * one, and tells it to end. What the ping says, and the status with which the gateway ends.
 */
function pingBesides(start: string): string {
  const script = `
    cd ${folder}; rm -f pid status
    ${start} &
    until [ -s pid ]; do sleep 0.1; done
    ${PINGING} 2>pinging | grep received || cat pinging
    kill -TERM $(cat pid)
    for i in $(seq 300); do [ -s status ] && break; sleep 0.1; done
    echo "ended with $(cat status)"
    kill -KILL $(cat pid) 2>/dev/null`;
  const { stdout, stderr } = spawnSync('bash', ['-c', script], { encoding: 'utf8', timeout: 200_000 });
  return `${stdout}${stderr}`;
}

/** More than there is time for. */
const MANY_PINGS = 100_000;
const CARRIES_AND_ENDS = / 2 received, 0 % lost\nended with 0\n$/;

describe('packets are carried, and the gateway ends when it is told to, where its log', () => {
  test('is on a disk that is full', () => {
    expect(pingBesides('bash unread.sh 2>/dev/full')).toMatch(CARRIES_AND_ENDS);
  });

  test('is a pipe that is full, and that nobody reads', () => {
    const fill = 'mkfifo full; exec 3<>full; dd if=/dev/zero of=full bs=4096 count=16 status=none';
    expect(pingBesides(`${fill}\nbash unread.sh 2>full`)).toMatch(CARRIES_AND_ENDS);
  });

  test('is a pipe whose reader has gone', () => {
    expect(pingBesides('bash unread.sh 2> >(true)')).toMatch(CARRIES_AND_ENDS);
  });

  test('is a terminal that has been stopped', () => {
    // script(1) makes the terminal, and reads no more of it when nobody reads from script.
    const pinging = `--ping=10.2.0.1 --ping-count=${MANY_PINGS}`;
    const inside = `head -c 300000 /dev/zero & sleep 1; bash unread.sh ${pinging}`;
    const start = `mkfifo shown; exec 4<>shown\nscript -qec '${inside}' /dev/null >shown 2>&1 </dev/null`;
    // What it prints there of its own pings, which it does not end, costs it nothing either.
    expect(pingBesides(start)).toMatch(/ 2 received, 0 % lost\nended with 1\n$/);
  });
});

/** A limit for what hangs, on a machine that many others use. */
const PATIENCE = { timeout: 60_000, interval: 200 };
const METRICS_PORT = 9464;
/** Packets to an address that nobody owns, one after the other at once: of each the log gets a line. */
const MANY_PACKETS = ['-n', '-q', '-l', '2000', '-c', '2000', '-w', '1'];
const LOST = /lines of this log were lost.* lines=(\d+) /g;

/** As much as it takes of what nobody reads. */
function fillTerminal(path: string): void {
  const { O_WRONLY, O_NONBLOCK, O_NOCTTY } = constants;
  const terminal = openSync(path, O_WRONLY | O_NONBLOCK | O_NOCTTY);
  const fill = () => {
    for (;;) writeSync(terminal, Buffer.alloc(1024));
  };
  expect(fill).toThrow(/EAGAIN/);
  closeSync(terminal);
}

/** Two gateways between workloads of the kernel's, the log of one of which goes where the test says. */
class Unread implements AsyncDisposable {
  private constructor(
    readonly world: World,
    private readonly kind: Kind,
  ) {}

  static async open(kind: Kind): Promise<Unread> {
    const world = await World.open();
    await world.startGateway(1, kind, ['--admin=off']);
    return new Unread(world, kind);
  }

  /** @param redirection a shell's, of standard error */
  async start(redirection: string, further: readonly string[] = []): Promise<Program> {
    const flags = ['--admin=off', `--metrics=${METRICS_PORT}`, '--show-rss-rx-packets', '--log-level=70'];
    return this.world.startGateway(0, this.kind, [...flags, ...further], {
      before: ['bash', '-c', `exec "$0" "$@" 2>${redirection}`],
      started: () => vi.waitUntil(() => this.#page('readyz')?.status === 200, PATIENCE),
    });
  }

  /** Packets pass, whatever becomes of the log. */
  async expectsPings(): Promise<void> {
    const [own, other] = this.world.sides;
    const said = await this.world.run(own!.workload, ['ping', '-n', '-c', '2', '-w', '20', other!.vip4]);
    expect(said).toContain('2 received');
  }

  /** Lines that were lost so far. */
  lost(): number {
    return Number(/^psp_gateway_log_lines_lost_total (\d+)/m.exec(this.#page('metrics')!.text)![1]);
  }

  /** Makes lines, of each packet one, until some are lost. */
  async loseLines(): Promise<void> {
    await vi.waitUntil(() => {
      this.makeLines(MANY_PACKETS);
      return this.lost() > 0;
    }, PATIENCE);
  }

  makeLines(packets: readonly string[]): void {
    const { workload } = this.world.sides[0]!;
    spawnSync('ip', ['netns', 'exec', workload, 'ping', ...packets, '192.168.1.99'], { stdio: 'ignore' });
  }

  /** The log goes on, and says before its next line how many are missing: all that were counted. */
  async tellsOfLost(log: string): Promise<void> {
    await vi.waitUntil(() => {
      this.makeLines(['-n', '-q', '-c', '1', '-W', '0.1']);
      return this.#told(log) > 0;
    }, PATIENCE);
    await vi.waitUntil(() => this.#told(log) === this.lost(), PATIENCE);
  }

  #told(log: string): number {
    const lines = [...readFileSync(log, 'utf8').matchAll(LOST)];
    return lines.reduce((sum, [, count]) => sum + Number(count), 0);
  }

  #page(name: string) {
    try {
      return fetchIn(this.world.sides[0]!.gateway, [`http://127.0.0.1:${METRICS_PORT}/${name}`])[0];
    } catch {
      return undefined;
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.world[Symbol.asyncDispose]();
  }
}

describeOnKernel(
  'the log of a gateway between real workloads',
  ['ip', 'ping', 'bash', 'mount', 'script'],
  () => {
    test.each<[Kind]>([['sim'], ['doca']])(
      'over %s: costs lines, which are counted and told, where its disk is full, or its reader or terminal stops or goes',
      async (kind) => {
        await using unread = await Unread.open(kind);

        const disk = join(unread.world.folder, 'disk');
        mkdirSync(disk);
        execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'psp-gateway-log', disk]);
        try {
          const log = join(disk, 'log');
          const gateway = await unread.start(`>'${log}'`);
          await unread.loseLines();
          await unread.expectsPings();
          execFileSync('mount', ['-o', 'remount,size=8m', disk]);
          await unread.tellsOfLost(log);
          expect(await gateway.stop('SIGTERM')).toBe(0);
        } finally {
          execFileSync('umount', ['--lazy', disk]);
        }

        const [log, pid] = [join(unread.world.folder, 'log'), join(unread.world.folder, 'pid')];
        const reader = `>(echo $BASHPID >'${pid}'; exec cat >'${log}')`;
        const gateway = await unread.start(` ${reader}`);
        await vi.waitUntil(() => existsSync(pid) && readFileSync(pid, 'utf8').endsWith('\n'), PATIENCE);
        const reading = Number(readFileSync(pid, 'utf8'));
        process.kill(reading, 'SIGSTOP');
        await unread.loseLines();
        await unread.expectsPings();
        process.kill(reading, 'SIGCONT');
        await unread.tellsOfLost(log);
        process.kill(reading, 'SIGKILL');
        const before = unread.lost();
        await vi.waitUntil(() => {
          unread.makeLines(['-n', '-q', '-c', '1', '-W', '0.1']);
          return unread.lost() > before;
        }, PATIENCE);
        await unread.expectsPings();
        expect(await gateway.stop('SIGTERM')).toBe(0);

        // Whoever shows the terminal, script(1) here, stops before the gateway begins, whose device says much.
        const terminal = join(unread.world.folder, 'terminal');
        const showing = spawn('script', ['-qfc', `tty >'${terminal}'; exec sleep infinity`, '/dev/null'], {
          stdio: 'ignore',
        });
        try {
          await vi.waitUntil(
            () => existsSync(terminal) && readFileSync(terminal, 'utf8').endsWith('\n'),
            PATIENCE,
          );
          showing.kill('SIGSTOP');
          const path = readFileSync(terminal, 'utf8').trim();
          fillTerminal(path);
          const stopped = await unread.start(`'${path}' >&2`, ['--sdk-log-level=70']);
          await unread.loseLines();
          await unread.expectsPings();
          expect(await stopped.stop('SIGTERM')).toBe(0);
        } finally {
          showing.kill('SIGKILL');
        }
      },
      300_000,
    );
  },
);
