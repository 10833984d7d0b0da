/**
 * `npm run bench:doors [-- sim|doca [ATTACK [SECONDS]]]`: a gateway in a process of its own, attacked at its tunnel service from another
 * one by all that a host of the OOB network can do, while an honest peer connects anew and asks for a tunnel five times a
 * second. Prints what was offered, what the peer was served and when, the gateway's resident memory before, during and after, and
 * what its heap and its buffers outside of it held before and after, each after a garbage collection. What the gateway says of
 * refusals, and what failed for the peer, goes to standard error.
 */
import { fork } from 'node:child_process';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { sleep, systemClock } from '../src/base/clock.js';
import { table } from '../src/cli/output.js';
import { createGrpcTransport, type TlsMaterial } from '../src/gateway/rpc/grpc-transport.js';
import type { IpAddress } from '../src/packet/address.js';
import {
  DATA,
  END_STREAM,
  FLOODS,
  frame,
  HELLO,
  openStream,
  prefix,
  rawClient,
} from '../test/support/raw-http2.js';
import {
  DEADLINE_MS,
  GREEDY,
  type HalName,
  honestPeer,
  MESSAGE_OCTETS,
  NOBODY,
  openPlace,
  type Place,
  quantile,
  SERVER,
  startGateway,
} from './gateway-process.js';

const CONNECTIONS_TRIED = 50_000;
const SOURCES = 250;
const ATTACK_MS = Number(process.argv[4] ?? 15) * 1000;
const REST_MS = 10_000;
const ASK_EVERY_MS = 200;

interface Orders {
  readonly attack: string;
  readonly tls: TlsMaterial;
}

/** The attacks, each of which runs until it is told to stop and returns what it offered. */
const ATTACKS: Readonly<
  Record<string, { from: IpAddress; run: (tls: TlsMaterial, on: () => boolean) => Promise<string> }>
> = {
  nothing: { from: NOBODY, run: (_tls, on) => workers(1, on, async () => 0).then(() => '-') },
  '50,000 connections, held and silent': {
    from: NOBODY,
    run: async (_tls, on) => {
      let tried = 0;
      for (; on() && tried < CONNECTIONS_TRIED; tried++) {
        const socket = connect({ ...SERVER, localAddress: `127.0.1.${1 + (tried % SOURCES)}` });
        socket.on('error', () => {});
        if (tried % 200 === 0) await sleep(systemClock, 20);
      }
      while (on()) await sleep(systemClock, 10);
      return `${tried} connections`;
    },
  },
  'TLS handshakes that fail': {
    from: NOBODY,
    run: (tls, on) =>
      workers(64, on, async (n) => {
        const { caPem } = tls;
        const client = await rawClient({
          port: SERVER.port,
          from: `127.0.1.${1 + (n % SOURCES)}`,
          tls: { caPem, certificatePem: '', keyPem: '' },
        });
        await client.send(Buffer.alloc(1));
        client.socket.destroy();
        return 1;
      }).then((count) => `${count} handshakes`),
  },
  '256 streams of 4 MiB, by nobody’s certificate': {
    from: NOBODY,
    run: (tls, on) =>
      workers(4, on, () => streams(tls, NOBODY, 256)).then((octets) => `${(octets / 1e6).toFixed(0)} MB`),
  },
  '256 streams of 4 MiB, by a peer': {
    from: GREEDY,
    run: (tls, on) =>
      workers(4, on, () => streams(tls, GREEDY, 256)).then((octets) => `${(octets / 1e6).toFixed(0)} MB`),
  },
  'requests without pause, by a peer': {
    from: GREEDY,
    run: async (tls, on) => {
      const client = createGrpcTransport({ tls, messageOctetsMax: MESSAGE_OCTETS, clock: systemClock });
      await client.listen({ host: GREEDY, port: 0 }, async (_method, octets) => octets, {
        peersAt: () => 0,
        admit: () => GREEDY,
      });
      const count = await workers(256, on, async () => {
        await client
          .call(SERVER, 'GetOpState', new Uint8Array(100), { deadlineMs: DEADLINE_MS })
          .catch(() => {});
        return 1;
      });
      await client.close();
      return `${count} requests answered`;
    },
  },
  ...Object.fromEntries(
    ['ping', 'rapid reset', 'data in single octets', 'headers without end'].map((kind) => [
      `flood of ${kind}, by a peer that comes back`,
      {
        from: GREEDY,
        run: (tls: TlsMaterial, on: () => boolean) =>
          workers(4, on, async () => {
            const client = await rawClient({ port: SERVER.port, from: GREEDY, tls });
            await client.send(HELLO);
            let octets = 0;
            for (let n = 0; on() && !client.socket.destroyed; ) {
              const pieces = Buffer.concat(Array.from({ length: 500 }, () => FLOODS[kind]!(n++)));
              await client.send(pieces);
              octets += pieces.length;
            }
            client.socket.destroy();
            return octets;
          }).then((octets) => `${(octets / 1e6).toFixed(0)} MB`),
      },
    ]),
  ),
};

/** So many at once, over and over; gives the sum. */
async function workers(
  count: number,
  on: () => boolean,
  work: (n: number) => Promise<number>,
): Promise<number> {
  let sum = 0;
  let started = 0;
  await Promise.all(
    Array.from({ length: count }, async () => {
      while (on()) {
        const done = await work(started++);
        sum += done;
        await sleep(systemClock, 1);
      }
    }),
  );
  return sum;
}

/** Streams that send all of a message of 4 MiB but its last octet, a piece of each in turn; gives the octets sent. */
async function streams(tls: TlsMaterial, from: IpAddress, count: number): Promise<number> {
  const client = await rawClient({ port: SERVER.port, from, tls });
  await client.send(HELLO);
  const body = Buffer.alloc(16_000);
  let octets = 0;
  for (let i = 0; i < count && !client.socket.destroyed; i++) {
    await client.send(
      Buffer.concat([openStream(2 * i + 1), frame(DATA, 0, 2 * i + 1, prefix(MESSAGE_OCTETS))]),
    );
  }
  for (let piece = 0; piece < 250 && !client.socket.destroyed; piece++) {
    for (let i = 0; i < count && !client.socket.destroyed; i++) {
      await client.send(frame(DATA, piece === 300 ? END_STREAM : 0, 2 * i + 1, body));
      octets += body.length;
    }
  }
  client.socket.destroy();
  return octets;
}

if (process.send !== undefined) attackAsTold();
else await measure(process.argv[2] === 'doca' ? 'doca' : 'sim');

/** The attacker's process. */
function attackAsTold(): void {
  let on = true;
  process.on('message', (message: Orders | 'stop') => {
    if (message === 'stop') {
      on = false;
      return;
    }
    void ATTACKS[message.attack]!.run(message.tls, () => on).then((offered) => {
      process.send!(offered);
      process.disconnect();
      process.exit();
    });
  });
}

async function measure(hal: HalName): Promise<void> {
  const place = await openPlace();
  const rows: (string | number)[][] = [];
  try {
    const wanted = process.argv[3];
    for (const [attack, { from }] of Object.entries(ATTACKS)) {
      if (wanted !== undefined && !attack.includes(wanted)) continue;
      process.stderr.write(`bench: ${attack}\n`);
      rows.push([attack, ...(await underAttack(hal, place, attack, await place.tlsOf(from)))]);
    }
  } finally {
    place.close();
  }
  const heads = [
    'attack',
    'offered',
    'asked',
    'served',
    'p50 ms',
    'max ms',
    'ran s',
    'waited s',
    'MB before',
    'most',
    'after',
    'heap MB',
    'after',
    'buffers MB',
    'after',
    'octets held',
  ];
  process.stdout.write(`${table([heads, ...rows])}\n`);
}

async function underAttack(
  hal: HalName,
  place: Place,
  attack: string,
  attacker: TlsMaterial,
): Promise<(string | number)[]> {
  const gateway = await startGateway(hal, place);
  const peer = await honestPeer(place, true);
  try {
    for (let i = 0; i < 5; i++) await peer.ask();
    peer.latenciesMs.length = 0;
    const heldBefore = await gateway.held();
    const before = gateway.rss();
    let most = before;
    const cpuBefore = gateway.cpu();
    const child = fork(fileURLToPath(import.meta.url));
    const offered = new Promise<string>((resolve) => child.once('message', (text) => resolve(String(text))));
    child.send({ attack, tls: attacker } satisfies Orders);
    let asked = 0;
    const asking: Promise<void>[] = [];
    for (const end = systemClock.nowMs() + ATTACK_MS; systemClock.nowMs() < end; asked++) {
      asking.push(peer.ask());
      await sleep(systemClock, ASK_EVERY_MS);
      most = Math.max(most, gateway.rss());
    }
    if (child.connected) child.send('stop');
    const gone = setTimeout(() => child.kill('SIGKILL'), DEADLINE_MS);
    const what = await Promise.race([
      offered,
      new Promise<string>((resolve) => child.once('exit', () => resolve('?'))),
    ]);
    clearTimeout(gone);
    await Promise.all(asking);
    const cpuAfter = gateway.cpu();
    await sleep(systemClock, REST_MS);
    const after = gateway.rss();
    const heldAfter = await gateway.held();
    for (const failure of peer.failures) process.stderr.write(`bench: the peer is not served: ${failure}\n`);
    const sorted = peer.latenciesMs.toSorted((a, b) => a - b);
    return [
      what,
      asked,
      sorted.length,
      quantile(sorted, 0.5).toFixed(0),
      quantile(sorted, 1).toFixed(0),
      (cpuAfter.ran - cpuBefore.ran).toFixed(1),
      (cpuAfter.waited - cpuBefore.waited).toFixed(1),
      before,
      most,
      after,
      megabytes(heldBefore.heapUsed),
      megabytes(heldAfter.heapUsed),
      megabytes(heldBefore.external),
      megabytes(heldAfter.external),
      heldAfter.doors.octetsHeld,
    ];
  } finally {
    await peer.close();
    gateway.kill();
  }
}

function megabytes(octets: number): string {
  return (octets / 2 ** 20).toFixed(1);
}
