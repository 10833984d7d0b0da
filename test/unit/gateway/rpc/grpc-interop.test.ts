/** Our two ends of gRPC against gRPC's own implementation for Node, which is a dependency of tests alone. */
import {
  Client,
  compressionAlgorithms,
  credentials,
  Metadata,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServiceError,
  type sendUnaryData,
  status,
} from '@grpc/grpc-js';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../../../src/base/clock.js';
import { createThrowAwayAuthority } from '../../../../src/gateway/rpc/certificates.js';
import {
  createGrpcTransport,
  type GrpcTransport,
  type TlsMaterial,
} from '../../../../src/gateway/rpc/grpc-transport.js';
import { RpcError, type RpcHandler, type ServiceAddress } from '../../../../src/gateway/rpc/transport.js';
import { parseIp } from '../../../../src/packet/address.js';
import { ANYBODY } from '../../../support/doorkeepers.js';

const HOST = parseIp('127.0.0.1');
const PATH = '/psp_gateway.PSP_Gateway/RequestTunnelParams';
const MESSAGE_OCTETS = 4 << 20;
const asIs = (octets: Buffer) => octets;
const DETAILS = 'no key slot is left: 100 % used, “full” ä\n';

let tls: TlsMaterial;
beforeAll(async () => {
  const authority = await createThrowAwayAuthority();
  tls = { caPem: authority.caPem, ...(await authority.issue({ commonName: 'x', ips: [HOST] })) };
});

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

function transport(secure: boolean): GrpcTransport {
  const created = createGrpcTransport({
    messageOctetsMax: MESSAGE_OCTETS,
    clock: systemClock,
    ...(secure ? { tls } : {}),
  });
  ends.push(() => created.close());
  return created;
}

const answers: RpcHandler = async (_method, octets) => {
  if (octets.length === 1) throw new RpcError('RESOURCE_EXHAUSTED', DETAILS);
  return octets;
};

describe.each([true, false])('gRPC’s own client calls our service (TLS: %s)', (secure) => {
  async function client(handler: RpcHandler = answers, options = {}) {
    const { port } = await transport(secure).listen({ host: HOST, port: 0 }, handler, ANYBODY);
    const material = [tls.caPem, tls.keyPem, tls.certificatePem].map((pem) => Buffer.from(pem));
    const created = new Client(
      `${HOST}:${port}`,
      secure
        ? credentials.createSsl(material[0]!, material[1]!, material[2]!, {
            checkServerIdentity: () => undefined,
          })
        : credentials.createInsecure(),
      {
        'grpc.max_receive_message_length': -1,
        'grpc.max_send_message_length': -1,
        'grpc.ssl_target_name_override': 'x',
        ...options,
      },
    );
    ends.push(() => created.close());
    return (octets: Uint8Array, path = PATH, deadlineMs = 20_000) =>
      new Promise<{ error: ServiceError | null; response: Buffer | undefined }>((resolve) =>
        created.makeUnaryRequest(
          path,
          asIs,
          asIs,
          Buffer.from(octets),
          new Metadata(),
          { deadline: Date.now() + deadlineMs },
          (error, response) => resolve({ error, response }),
        ),
      );
  }

  test('messages of all sizes go there and back, many at once', async () => {
    const call = await client();
    const sizes = [0, 2, 1000, 16_384, 65_535, 65_536, MESSAGE_OCTETS, ...Array(100).fill(300)];
    const results = await Promise.all(sizes.map((size) => call(new Uint8Array(size).fill(size))));
    results.forEach(({ error, response }, i) => {
      expect(error).toBeNull();
      expect(response?.equals(Buffer.alloc(sizes[i]!, sizes[i]))).toBe(true);
    });
  });

  test('a status comes with its details; what there is not, is UNIMPLEMENTED', async () => {
    const call = await client();
    expect((await call(new Uint8Array(1))).error).toMatchObject({
      code: status.RESOURCE_EXHAUSTED,
      details: DETAILS,
    });
    expect((await call(new Uint8Array(2), '/psp_gateway.PSP_Gateway/Nothing')).error?.code).toBe(
      status.UNIMPLEMENTED,
    );
    expect((await call(new Uint8Array(MESSAGE_OCTETS + 1))).error?.code).toBe(status.RESOURCE_EXHAUSTED);
    expect((await call(new Uint8Array(2))).error).toBeNull();
  });

  test('its deadline is kept; its compression is refused, which it is told', async () => {
    const slow = await client(() => new Promise(() => {}));
    expect((await slow(new Uint8Array(2), PATH, 100)).error?.code).toBe(status.DEADLINE_EXCEEDED);
    const squeezing = await client(answers, {
      'grpc.default_compression_algorithm': compressionAlgorithms.gzip,
    });
    expect((await squeezing(new Uint8Array(2000))).error?.code).toBe(status.UNIMPLEMENTED);
  });
});

describe.each([true, false])('our client calls a service of gRPC’s own (TLS: %s)', (secure) => {
  type Handler = (call: ServerUnaryCall<Buffer, Buffer>, done: sendUnaryData<Buffer>) => void;

  async function service(handler: Handler): Promise<ServiceAddress> {
    const server = new Server({ 'grpc.max_receive_message_length': -1 });
    server.addService(
      {
        RequestTunnelParams: {
          path: PATH,
          requestStream: false,
          responseStream: false,
          requestSerialize: asIs,
          requestDeserialize: asIs,
          responseSerialize: asIs,
          responseDeserialize: asIs,
        },
      },
      { RequestTunnelParams: handler },
    );
    const material = [tls.caPem, tls.keyPem, tls.certificatePem].map((pem) => Buffer.from(pem));
    const port = await new Promise<number>((resolve, reject) =>
      server.bindAsync(
        `${HOST}:0`,
        secure
          ? ServerCredentials.createSsl(
              material[0]!,
              [{ private_key: material[1]!, cert_chain: material[2]! }],
              true,
            )
          : ServerCredentials.createInsecure(),
        (error, bound) => (error === null ? resolve(bound) : reject(error)),
      ),
    );
    ends.push(() => server.forceShutdown());
    return { host: HOST, port };
  }

  test('messages of all sizes go there and back, many at once', async () => {
    const address = await service((call, done) => done(null, call.request));
    const client = transport(secure);
    const sizes = [0, 1, 1000, 16_384, 65_535, 65_536, MESSAGE_OCTETS - 5, ...Array(100).fill(300)];
    const call = (octets: Uint8Array) =>
      client.call(address, 'RequestTunnelParams', octets, { deadlineMs: 20_000 });
    const results = await Promise.all(sizes.map((size) => call(new Uint8Array(size).fill(size))));
    results.forEach((response, i) => {
      expect(Buffer.from(response).equals(Buffer.alloc(sizes[i]!, sizes[i]))).toBe(true);
    });
  });

  test('a status comes with its details, fit for a log; what there is not, is UNIMPLEMENTED', async () => {
    const address = await service((_call, done) =>
      done({ code: status.FAILED_PRECONDITION, details: `${DETAILS}\u001b[31m${'x'.repeat(2000)}` }),
    );
    const client = transport(secure);
    const call = (method: 'RequestTunnelParams' | 'GetOpState') =>
      client.call(address, method, Uint8Array.of(1), { deadlineMs: 20_000 });
    const refusal = await call('RequestTunnelParams').catch((error: RpcError) => error);
    expect(refusal).toMatchObject({ code: 'FAILED_PRECONDITION' });
    const { details } = refusal as RpcError;
    expect(details).toMatch(/^no key slot is left: 100 % used, “full” ä {2}\[31mx+$/);
    expect(details).toHaveLength(512);
    await expect(call('GetOpState')).rejects.toMatchObject({ code: 'UNIMPLEMENTED' });
  });
});
