/** A gateway whose log nobody takes: it starts, carries packets and stops as one whose log is read. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeCertificates } from '../../src/cli/certificates.js';

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const [FIRST, SECOND] = ['127.0.0.32', '127.0.0.33'];

let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'psp-gateway-log-'));
  await writeCertificates({ out: folder, host: [FIRST, SECOND], force: true });
  writeFileSync(join(folder, 'unread.sh'), `${UNREAD} & echo $! >pid; wait $!; echo $? >status\n`);
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
    const inside = 'head -c 300000 /dev/zero & sleep 1; bash unread.sh';
    const start = `mkfifo shown; exec 4<>shown\nscript -qec '${inside}' /dev/null >shown 2>&1 </dev/null`;
    expect(pingBesides(start)).toMatch(CARRIES_AND_ENDS);
  });
});
