/** What both ends say of a connection that does not come about: over loopback, with real certificates, as an operator reads it. */
import { connect, createServer, type Socket } from 'node:net';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../../../src/base/clock.js';
import { createVirtualClock } from '../../../../src/base/virtual-clock.js';
import { createLogger } from '../../../../src/cli/log.js';
import { EventLog } from '../../../../src/gateway/event-log.js';
import type { GatewayEvent } from '../../../../src/gateway/events.js';
import { createThrowAwayAuthority, type IssueOptions } from '../../../../src/gateway/rpc/certificates.js';
import { nameText, peerProblem } from '../../../../src/gateway/rpc/connection-problems.js';
import {
  createGrpcTransport,
  type GrpcTransport,
  type TlsMaterial,
} from '../../../../src/gateway/rpc/grpc-transport.js';
import { type ProblemKind, RpcError } from '../../../../src/gateway/rpc/transport.js';
import { parseIp } from '../../../../src/packet/address.js';
import { ANYBODY } from '../../../support/doorkeepers.js';

const HOST = parseIp('127.0.0.1');
const DAY_MS = 86_400_000;
const filesOf = (whose: string) => ({
  caPath: `/${whose}/ca.pem`,
  certificatePath: `/${whose}/cert.pem`,
  keyPath: `/${whose}/key.pem`,
});
const UTC = String.raw`\d{4}-\d\d-\d\dT[\d:.]+Z`;

let good: TlsMaterial;
let expired: TlsMaterial;
let early: TlsMaterial;
/** Another authority's certificate, with trust in ours. */
let foreign: TlsMaterial;
/** Our authority's certificate, with trust in another one. */
let mistrusting: TlsMaterial;
let misnamed: TlsMaterial;

beforeAll(async () => {
  const [ours, others] = [await createThrowAwayAuthority(), await createThrowAwayAuthority()];
  const issue = async (options: Partial<IssueOptions> = {}, by = ours) => ({
    caPem: ours.caPem,
    ...(await by.issue({ commonName: 'h7', ips: [HOST], ...options })),
  });
  const now = Date.now();
  good = await issue();
  expired = await issue({ notAfter: new Date(now - 5000) });
  early = await issue({ notBefore: new Date(now + DAY_MS) });
  foreign = await issue({}, others);
  mistrusting = { ...(await issue()), caPem: others.caPem };
  misnamed = await issue({ ips: [parseIp('127.0.0.7')] });
});

const open: GrpcTransport[] = [];
const close: (() => void)[] = [];
afterEach(async () => {
  for (const transport of open.splice(0).reverse()) await transport.close();
  for (const one of close.splice(0)) one();
});

function transport(tls: TlsMaterial | undefined, whose: string): GrpcTransport {
  const created = createGrpcTransport({
    messageOctetsMax: 1 << 16,
    clock: systemClock,
    ...(tls === undefined ? {} : { tls, tlsFiles: filesOf(whose) }),
  });
  open.push(created);
  return created;
}

/** A gateway's service, and what it tells of callers. */
async function serve(tls: TlsMaterial | undefined) {
  const told: GatewayEvent[] = [];
  const service = transport(tls, 'server');
  const address = await service.listen(
    { host: HOST, port: 0 },
    async (_method, octets) => octets,
    ANYBODY,
    (event) => told.push(event),
  );
  return { address, told, service };
}

/** The kind of the problem that was told last. */
let kind: ProblemKind | undefined;

async function outcomeOf(tls: TlsMaterial | undefined, port: number): Promise<string> {
  kind = undefined;
  try {
    await transport(tls, 'client').call({ host: HOST, port }, 'GetOpState', Uint8Array.of(1), {
      deadlineMs: 20_000,
    });
    return 'OK';
  } catch (error) {
    if (!(error instanceof RpcError)) throw error;
    expect(error.code).toBe('UNAVAILABLE');
    kind = error.problem;
    return error.details;
  }
}

const IN_TIME = { timeout: 20_000, interval: 5 };

describe('who calls and who is called both say what is wrong with', () => {
  test.each<
    [
      string,
      () => [TlsMaterial | undefined, TlsMaterial | undefined],
      RegExp,
      ProblemKind,
      string,
      RegExp,
      ProblemKind,
    ]
  >([
    [
      'a certificate of the called that has expired',
      () => [expired, good],
      new RegExp(
        `: the peer's certificate \\(CN=h7\\) expired at ${UTC}: renew it there \\(--tls-cert\\); our clock says ${UTC}$`,
      ),
      'expired',
      'handshake',
      /^the caller ended the connection in the handshake: it may not accept our certificate \(--tls-cert \/server\/cert\.pem\); its log says why$/,
      'broken-off',
    ],
    [
      'a certificate of the caller that has expired',
      () => [good, expired],
      /: the peer ended the connection before HTTP\/2 was up: it may not accept our certificate \(--tls-cert \/client\/cert\.pem\), or may have no room for us; its log says why$/,
      'broken-off',
      'untrusted',
      new RegExp(`^the caller's certificate \\(CN=h7\\) expired at ${UTC}: renew it there`),
      'expired',
    ],
    [
      'a certificate of the called that is not valid yet',
      () => [early, good],
      new RegExp(
        `the peer's certificate \\(CN=h7\\) is not valid before ${UTC}, and our clock says ${UTC}: set the clock`,
      ),
      'not-yet-valid',
      'handshake',
      /may not accept our certificate/,
      'broken-off',
    ],
    [
      'a certificate of the caller that is not valid yet',
      () => [good, early],
      /may not accept our certificate/,
      'broken-off',
      'untrusted',
      new RegExp(
        `^the caller's certificate \\(CN=h7\\) is not valid before ${UTC}, and our clock says ${UTC}`,
      ),
      'not-yet-valid',
    ],
    [
      'a certificate of the called that another authority has signed',
      () => [foreign, good],
      /the peer's certificate \(CN=h7\) is signed by CN=psp-gateway throw-away authority, no authority of our --tls-ca \/client\/ca\.pem: add that one there, or/,
      'other-authority',
      'handshake',
      /may not accept our certificate/,
      'broken-off',
    ],
    [
      'a certificate of the caller that another authority has signed',
      () => [good, foreign],
      /may not accept our certificate \(--tls-cert \/client\/cert\.pem\)/,
      'broken-off',
      'untrusted',
      /^the caller's certificate \(CN=h7\) is signed by .* no authority of our --tls-ca \/server\/ca\.pem: add/,
      'other-authority',
    ],
    [
      'an authority that only the caller does not know',
      () => [good, mistrusting],
      /the peer's certificate \(CN=h7\) is signed by .* no authority of our --tls-ca \/client\/ca\.pem/,
      'other-authority',
      'handshake',
      /may not accept our certificate \(--tls-cert \/server\/cert\.pem\)/,
      'broken-off',
    ],
    [
      'a certificate of the called that names another address',
      () => [misnamed, good],
      /the server's certificate does not name the peer's service address 127\.0\.0\.1 \(it names IP Address:127\.0\.0\.7\): issue it with that address, or correct the address here$/,
      'other-name',
      'handshake',
      /may not accept our certificate/,
      'broken-off',
    ],
    [
      'a caller in plain text where TLS is spoken',
      () => [good, undefined],
      /the peer ended the connection before HTTP\/2 was up: it may speak TLS, and this gateway runs with --insecure/,
      'broken-off',
      'handshake',
      /^the caller speaks plain text, and this gateway TLS: start both with certificates, or both with --insecure$/,
      'plain-text',
    ],
  ])('%s', async (_, ends, outgoing, outgoingKind, why, incoming, problem) => {
    const [server, client] = ends();
    const { address, told } = await serve(server);
    expect(await outcomeOf(client, address.port)).toMatch(outgoing);
    expect(kind).toBe(outgoingKind);
    const reason = expect.stringMatching(incoming);
    await expect
      .poll(() => told, IN_TIME)
      .toEqual([{ type: 'caller-refused', from: HOST, why, reason, problem }]);
  });
});

describe('who calls says that', () => {
  test('nobody listens there, and a host that is not reached is another matter', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
    const { port } = server.address() as { port: number };
    await new Promise((resolve) => server.close(resolve));
    expect(await outcomeOf(good, port)).toMatch(
      /connect ECONNREFUSED 127\.0\.0\.1:\d+: nobody listens there: is that/,
    );
    expect(kind).toBe('unreachable');
    const unreachable = Object.assign(new Error('connect EHOSTUNREACH 10.0.0.9:3000'), {
      code: 'EHOSTUNREACH',
    });
    expect(peerProblem({ error: unreachable, secure: true, files: undefined, nowMs: 0 })).toMatchObject({
      kind: 'unreachable',
      message: 'connect EHOSTUNREACH 10.0.0.9:3000: no way to that host: look at its link and at the routes',
    });
  });

  test('the peer speaks plain text, and it TLS', async () => {
    const { address } = await serve(undefined);
    expect(await outcomeOf(good, address.port)).toMatch(
      /: the peer speaks plain text, and this gateway TLS: start both with certificates, or both with --insecure$/,
    );
    expect(kind).toBe('plain-text');
  });

  test('the peer speaks an older TLS', async () => {
    const { caPem: ca, certificatePem: cert, keyPem: key } = good;
    const sockets = new Set<Socket>();
    const server = createTlsServer({ ca, cert, key, maxVersion: 'TLSv1.2', ALPNProtocols: ['h2'] });
    server.on('connection', (socket: Socket) => sockets.add(socket));
    close.push(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
    const { port } = server.address() as { port: number };
    expect(await outcomeOf(good, port)).toMatch(/: the peer speaks TLS 1\.2 or older, and 1\.3 is needed$/);
    expect(kind).toBe('old-tls');
  });

  test('the peer has sent an alert about its certificate, and which one', () => {
    const of = (alert: string) => {
      const problem = peerProblem({
        error: Object.assign(new Error('alert'), { code: `ERR_SSL_${alert}` }),
        secure: true,
        files: filesOf('client'),
        nowMs: 0,
      });
      return [problem.kind, problem.message];
    };
    const ours = 'the peer does not accept our certificate (--tls-cert /client/cert.pem)';
    expect(of('TLSV1_ALERT_UNKNOWN_CA')).toEqual([
      'other-authority',
      `${ours}: it does not know the authority of it: name that in its --tls-ca`,
    ]);
    expect(of('SSLV3_ALERT_CERTIFICATE_EXPIRED')).toEqual([
      'ours-refused',
      `${ours}: it has expired by its clock: renew it, or set that clock`,
    ]);
    expect(of('SSLV3_ALERT_BAD_CERTIFICATE')).toEqual(['ours-refused', `${ours}; its log says why`]);
    expect(of('TLSV13_ALERT_CERTIFICATE_REQUIRED')).toEqual(['ours-refused', `${ours}: it has got none`]);
    expect(of('SSLV3_ALERT_HANDSHAKE_FAILURE')).toEqual([
      'handshake-failed',
      'the peer ended the handshake, with the alert HANDSHAKE_FAILURE',
    ]);
  });
});

describe('who is called says that', () => {
  const attempt = (port: number, options: object) =>
    new Promise<void>((resolve) => {
      const { certificatePem: cert, keyPem: key, caPem: ca } = good;
      const socket = connectTls({
        host: HOST,
        port,
        ca,
        cert,
        key,
        checkServerIdentity: () => undefined,
        ...options,
      });
      close.push(() => socket.destroy());
      socket.on('error', () => {});
      socket.once('close', () => resolve());
    });

  test.each<[string, object, string, ProblemKind, string]>([
    [
      'no certificate is shown',
      { cert: undefined, key: undefined, ALPNProtocols: ['h2'] },
      'untrusted',
      'no-certificate',
      'the caller shows no certificate: start it with --tls-cert and --tls-key, of an authority that ours knows',
    ],
    [
      'an older TLS is spoken',
      { maxVersion: 'TLSv1.2', ALPNProtocols: ['h2'] },
      'handshake',
      'old-tls',
      'the caller speaks TLS 1.2 or older, and 1.3 is needed',
    ],
    [
      'something else than HTTP/2 is spoken',
      { ALPNProtocols: ['http/1.1'] },
      'handshake',
      'no-http2',
      'the caller does not speak HTTP/2, as gRPC does',
    ],
  ])('%s', async (_, options, why, problem, reason) => {
    const { address, told } = await serve(good);
    await attempt(address.port, options);
    await expect
      .poll(() => told, IN_TIME)
      .toEqual([{ type: 'caller-refused', from: HOST, why, reason, problem }]);
  });

  test('nothing of who only looks whether somebody is there, and of connections that it ends itself', async () => {
    const { address, told, service } = await serve(good);
    const knock = async () => {
      const socket = connect(address.port, HOST);
      socket.on('error', () => {});
      close.push(() => socket.destroy());
      await new Promise((resolve) => socket.once('connect', resolve));
      return socket;
    };
    const looking = await knock();
    const waiting = await knock();
    waiting.write(Uint8Array.of(22, 3, 1));
    await expect.poll(() => service.doors()!.connections, IN_TIME).toBe(2);
    looking.end();
    await expect.poll(() => service.doors()!.connections, IN_TIME).toBe(1);
    await service.close();
    expect(told).toEqual([]);
  });
});

test('a name in a certificate may drive a terminal, and the log that tells of it does not', async () => {
  const evil = 'h\u001b[2J\u009b31m\u202ex';
  const others = await createThrowAwayAuthority();
  const { certificatePem, keyPem } = await others.issue({
    commonName: evil,
    ips: [HOST],
    dnsNames: ['a.example'],
  });
  const { address, told } = await serve(good);
  await outcomeOf({ caPem: good.caPem, certificatePem, keyPem }, address.port);
  await expect.poll(() => told, IN_TIME).toHaveLength(1);
  for (const format of ['text', 'json'] as const) {
    let text = '';
    const logger = createLogger(50, format, (octets) => {
      text += Buffer.from(octets).toString();
      return octets.length;
    });
    new EventLog({ clock: createVirtualClock(0), logger }).tell(told[0]!);
    expect(text).toContain('2J');
    expect(text).toMatch(/^[^\p{Cc}\u202e]*\n$/u);
  }
});

test('however long a name in a certificate is, what is told of it is short', () => {
  expect(nameText(`CN=${'x'.repeat(10_000)}`)).toHaveLength(163);
  expect(nameText('CN=h1\nO=Example')).toBe('CN=h1, O=Example');
  expect(nameText(undefined)).toBe('');
});
