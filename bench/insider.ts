/**
 * `npm run bench:insider [-- sim|doca [ROUNDS [SECONDS]]]`: what a peer at its limit of SPIs costs another one. A gateway in a process of
 * its own; a peer asks it for a tunnel 50 times a second over one connection, by turns alone and while an insider has as many
 * requests under way as a connection takes, in another process. The insider has used up what it may have at once before a turn is
 * measured. Prints the peer's latencies of both, their ratios, and what the insider got.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { sleep, systemClock } from '../src/base/clock.js';
import { table } from '../src/cli/output.js';
import { createGrpcTransport, type TlsMaterial } from '../src/gateway/rpc/grpc-transport.js';
import { encodeMultiTunnelRequest } from '../src/gateway/rpc/tunnel-messages.js';
import type { AskingPeer } from '../test/support/asking-peer.js';
import { peersAt } from '../test/support/doorkeepers.js';
import {
  DEADLINE_MS,
  type GatewayProcess,
  GREEDY,
  GREEDY_VIP,
  type HalName,
  honestPeer,
  LOCAL_VIP,
  MESSAGE_OCTETS,
  openPlace,
  quantile,
  SERVER,
  startGateway,
} from './gateway-process.js';

/** Short turns, so that what else the machine does falls on both kinds. */
const ROUNDS = Number(process.argv[3] ?? 20);
const TURN_MS = Number(process.argv[4] ?? 2) * 1000;
const ASK_EVERY_MS = 20;
const INSIDER_CALLS = 256;
const INSIDER_DEADLINE_MS = 20_000;

/** Measurements of turns of one kind. */
interface Turn {
  readonly latenciesMs: number[];
  /** Processor time of the gateway's main thread, and how long the turns lasted; seconds. */
  ranS: number;
  lastedS: number;
}

type Order = { readonly tls: TlsMaterial } | 'burn' | 'pause' | 'end';
/** The insider's message: that it is at its limit now, or what it got in a turn. */
type Answer = 'limited' | { readonly granted: number; readonly refused: number };

if (process.send !== undefined) burnAsTold();
else await measure(process.argv[2] === 'doca' ? 'doca' : 'sim');

/** The insider's process. */
function burnAsTold(): void {
  let on = false;
  let counts = { granted: 0, refused: 0 };
  const burn = async (transport: ReturnType<typeof createGrpcTransport>, request: Uint8Array) => {
    while (true) {
      if (!on) {
        await sleep(systemClock, 5);
        continue;
      }
      await transport
        .call(SERVER, 'RequestMultipleTunnelParams', request, { deadlineMs: INSIDER_DEADLINE_MS })
        .then(
          () => counts.granted++,
          () => {
            if (counts.refused++ === 0 && on) process.send!('limited' satisfies Answer);
          },
        );
    }
  };
  process.on('message', (order: Order) => {
    if (order === 'end') process.exit();
    if (order === 'burn' || order === 'pause') {
      on = order === 'burn';
      if (on) counts = { granted: 0, refused: 0 };
      else process.send!(counts satisfies Answer);
      return;
    }
    const transport = createGrpcTransport({
      tls: order.tls,
      messageOctetsMax: MESSAGE_OCTETS,
      clock: systemClock,
    });
    const request = encodeMultiTunnelRequest('3.x', {
      requestId: 1n,
      versionsAccepted: [1],
      tunnels: [{ virtSource: GREEDY_VIP, virtDestination: LOCAL_VIP, reverse: undefined }],
    });
    void transport
      .listen({ host: GREEDY, port: 0 }, async (_method, octets) => octets, peersAt())
      .then(() => {
        for (let i = 0; i < INSIDER_CALLS; i++) void burn(transport, request);
      });
  });
}

async function measure(hal: HalName): Promise<void> {
  const place = await openPlace();
  const gateway = await startGateway(hal, place);
  const insider = fork(fileURLToPath(import.meta.url));
  const peer = await honestPeer(place, false);
  const alone: Turn = { latenciesMs: [], ranS: 0, lastedS: 0 };
  const beside: Turn = { latenciesMs: [], ranS: 0, lastedS: 0 };
  let granted = 0;
  let refused = 0;
  try {
    insider.send({ tls: await place.tlsOf(GREEDY) } satisfies Order);
    await turn(peer, gateway, { latenciesMs: [], ranS: 0, lastedS: 0 });
    for (let round = 0; round < ROUNDS; round++) {
      await turn(peer, gateway, alone);
      insider.send('burn' satisfies Order);
      await answer(insider);
      await turn(peer, gateway, beside);
      insider.send('pause' satisfies Order);
      const counts = (await answer(insider)) as Exclude<Answer, 'limited'>;
      granted += counts.granted;
      refused += counts.refused;
    }
  } finally {
    insider.kill();
    await peer.close();
    gateway.kill();
    place.close();
  }
  const row = ({ latenciesMs, ranS, lastedS }: Turn) => {
    const sorted = latenciesMs.toSorted((a, b) => a - b);
    return [...[0.5, 0.9, 0.99, 1].map((share) => quantile(sorted, share)), (100 * ranS) / lastedS];
  };
  const rows = [row(alone), row(beside)] as const;
  process.stdout.write(
    `${table([
      [hal, 'served', 'p50 ms', 'p90 ms', 'p99 ms', 'most ms', "gateway's main thread, % of a core"],
      ['alone', alone.latenciesMs.length, ...rows[0].map((value) => value.toFixed(1))],
      ['beside the insider', beside.latenciesMs.length, ...rows[1].map((value) => value.toFixed(1))],
      ['ratio', '', ...rows[1].map((value, i) => (value / rows[0][i]!).toFixed(2))],
    ])}\nnot served: ${peer.failures.length}; the insider: ${granted} granted, ${refused} refused\n`,
  );
}

/** One turn of the peer, added to those before. */
async function turn(peer: AskingPeer, gateway: GatewayProcess, sum: Turn): Promise<void> {
  const asking: Promise<void>[] = [];
  const began = { ms: systemClock.nowMs(), ranS: gateway.cpu().ran };
  while (systemClock.nowMs() < began.ms + TURN_MS) {
    asking.push(peer.ask());
    await sleep(systemClock, ASK_EVERY_MS);
  }
  await Promise.all(asking);
  sum.latenciesMs.push(...peer.latenciesMs.splice(0));
  sum.ranS += gateway.cpu().ran - began.ranS;
  sum.lastedS += (systemClock.nowMs() - began.ms) / 1000;
}

async function answer(insider: ChildProcess): Promise<Answer> {
  const [message] = (await once(insider, 'message', {
    signal: AbortSignal.timeout(10 * DEADLINE_MS),
  })) as [Answer];
  return message;
}
