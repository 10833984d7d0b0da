/** A network one gateway of which is recorded, and all secrets of its run. */
import { seededRandom } from '../../src/base/random.js';
import type { Gateway } from '../../src/gateway/gateway.js';
import type { ControlTransport, RpcMethod } from '../../src/gateway/rpc/transport.js';
import {
  decodeMultiTunnelRequest,
  decodeMultiTunnelResponse,
} from '../../src/gateway/rpc/tunnel-messages.js';
import { delegateHal } from '../../src/hal/delegate.js';
import type { PipeHal } from '../../src/hal/hal.js';
import type { RecordingFile } from '../../src/recording/read-recording.js';
import { recordedGateway } from '../../src/recording/recorded-gateway.js';
import { readHead, readRecord } from '../../src/recording/records.js';
import { GatewayNetwork, type NodeOptions, TestNetwork, type TestNode } from './gateways.js';
import type { NodeDevices } from './node-devices.js';

export interface Recorded {
  readonly net: GatewayNetwork;
  /** Node 1, which is recorded. */
  readonly node: TestNode;
  /** Lines of the recording so far, the first one included. */
  lines(): string[];
  /** Keys and cookies that the recorded gateway has had. */
  readonly secrets: { readonly keys: Uint8Array[]; readonly cookies: Uint8Array[] };
  /** Stops the recorded gateway, whose calls have turns of the clock. */
  stop(): Promise<void>;
}

/** Node 1 is recorded and knows nodes 2 to `nodes`. */
export async function recordedNetwork(
  options: NodeOptions & {
    readonly withPayload?: boolean;
    readonly nodes?: number;
    /** Simulated ones when absent. */
    readonly devices?: NodeDevices<PipeHal>;
  } = {},
): Promise<Recorded> {
  const { withPayload = false, nodes = 2, devices, ...ofNode } = options;
  const net: GatewayNetwork = devices === undefined ? new TestNetwork() : new GatewayNetwork(devices);
  const others = Array.from({ length: nodes - 1 }, (_, i) => i + 2);
  const secrets = { keys: [] as Uint8Array[], cookies: [] as Uint8Array[] };
  for (const other of others) await net.start(other, [1], ofNode);
  const lines: string[] = [];
  let head: ((part: { number: number; linesBefore: number }) => string) | undefined;
  const node = await net.start(1, others, {
    ...ofNode,
    wrapHal: (hal) => seeingKeys(ofNode.wrapHal?.(hal) ?? hal, secrets.keys),
    wrapTransport: (transport) => seeingCookies(ofNode.wrapTransport?.(transport) ?? transport, secrets),
    make: (deps): Gateway => {
      const recording = recordedGateway(deps, {
        program: 'test',
        withPayload,
        random: seededRandom(77),
        write: (line) => void lines.push(line),
      });
      ({ head } = recording);
      return recording.gateway;
    },
  });
  return {
    net,
    node,
    secrets,
    lines: () => [head!({ number: 1, linesBefore: 0 }), ...lines],
    stop: async () => void (await Promise.all([net.stop(node), net.run(0)])),
  };
}

/** Lines as a recording on disk. */
export function recordingOf(lines: readonly string[], lost = 0): RecordingFile {
  return {
    head: readHead(lines[0]!),
    lost,
    async *records() {
      for (const line of lines.slice(1)) {
        const read = readRecord(line);
        if (read !== undefined) yield read;
      }
    },
  };
}

function seeingKeys(hal: PipeHal, keys: Uint8Array[]): PipeHal {
  return delegateHal(hal, {
    generateKeys: async (octets, count, algorithm) => {
      const batch = await hal.generateKeys(octets, count, algorithm);
      for (let i = 0; i < count; i++) keys.push(batch.keys.slice(i * octets, (i + 1) * octets));
      return batch;
    },
    setKeys: (slots) => {
      keys.push(...slots.map(({ key }) => key.slice()));
      return hal.setKeys(slots);
    },
  });
}

/** What passes in bodies of the plural RPC, both ways. */
function seeingCookies(
  transport: ControlTransport,
  { keys, cookies }: { keys: Uint8Array[]; cookies: Uint8Array[] },
): ControlTransport {
  const note = (parameters: { readonly key: Uint8Array; readonly cookie: bigint } | undefined) => {
    if (parameters === undefined) return;
    keys.push(parameters.key.slice());
    const octets = new Uint8Array(8);
    new DataView(octets.buffer).setBigUint64(0, parameters.cookie);
    if (parameters.cookie !== 0n) cookies.push(octets);
  };
  const isPlural = (method: RpcMethod) => method === 'RequestMultipleTunnelParams';
  const request = (method: RpcMethod, body: Uint8Array) => {
    if (isPlural(method)) for (const { reverse } of decodeMultiTunnelRequest(body).tunnels) note(reverse);
  };
  const response = (method: RpcMethod, body: Uint8Array, tunnels: number, id: bigint) => {
    if (isPlural(method)) decodeMultiTunnelResponse(body, tunnels, id).forEach(note);
  };
  return {
    ...transport,
    call: async (peer, method, body, options) => {
      request(method, body);
      const asked = isPlural(method) ? decodeMultiTunnelRequest(body) : undefined;
      const answer = await transport.call(peer, method, body, options);
      if (asked !== undefined) response(method, answer, asked.tunnels.length, asked.requestId);
      return answer;
    },
    listen: (address, handler, doorkeeper, observe) =>
      transport.listen(
        address,
        async (method, body, caller) => {
          request(method, body);
          const asked = isPlural(method) ? decodeMultiTunnelRequest(body) : undefined;
          const answer = await handler(method, body, caller);
          if (asked !== undefined) response(method, answer, asked.tunnels.length, asked.requestId);
          return answer;
        },
        doorkeeper,
        observe,
      ),
  };
}
