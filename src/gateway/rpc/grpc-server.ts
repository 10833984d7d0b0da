/**
 * The serving end of the gRPC transport. A plain listener stands in front: what the doors turn away is closed before
 * any cryptography or HTTP/2 is begun for it. Then TLS (1.3, a client certificate of our authority), then HTTP/2; who
 * turns out to be no peer gets its refusal as a status, at the headers of its first request, and can send no data. At the
 * end of the caller's certificate, or of ours, the connection takes no more requests; those under way get a little time.
 */
import type { X509Certificate } from 'node:crypto';
import { constants, performServerHandshake, type ServerHttp2Session } from 'node:http2';
import { createServer as createPlainServer, type Server as NetServer, type Socket } from 'node:net';
import { createServer as createTlsServer, type TLSSocket, type Server as TlsServer } from 'node:tls';
import type { Clock, Timer } from '../../base/clock.js';
import type { IpAddress } from '../../packet/address.js';
import type { DoorLimits } from '../doors/door-limits.js';
import {
  DOOR_REFUSAL_TEXTS,
  type DoorRefusal,
  type DoorView,
  type ToldOneByOne,
} from '../doors/door-view.js';
import { Doors, type Party, type Refusal, sourceOf, type Visit } from '../doors/doors.js';
import { FloodWatch, type Watched } from '../doors/flood-watch.js';
import { RefusalLog } from '../doors/refusal-log.js';
import type { CallerRefusal, GatewayObserver } from '../events.js';
import type { Logger } from '../log.js';
import type { TlsFiles } from '../options.js';
import {
  type ConnectionError,
  type ConnectionProblem,
  callerProblem,
  noCertificateProblem,
} from './connection-problems.js';
import { type CallCounters, refuseCall, serveCall } from './grpc-call.js';
import { atCertificateEnd, certificateNames, ownEndMs, secureContextOptions } from './grpc-tls.js';
import {
  type CallerIdentity,
  type Doorkeeper,
  ListenError,
  RpcError,
  type RpcHandler,
  type ServiceAddress,
  type TlsMaterial,
} from './transport.js';

/** RPCs under way at once on one connection; more wait at the caller. */
export const CONCURRENT_STREAMS_MAX = 32;
/**
 * Connections that the kernel holds for us until we come to them: what a thousand peers bring at once. A longer queue
 * would not let in more of those whom a flood keeps waiting, but make them wait past their deadlines: a busy machine
 * takes about 700 a second.
 */
const BACKLOG = 1024;
/** Time for RPCs under way after close, after a change of authorities, or after the end of a certificate. */
const DRAIN_MS = 2_000;
/** Time for a stranger to receive its refusal. */
const REFUSAL_MS = 1_000;
/** The kernel asks after this silence whether the other end is still there. */
const KEEPALIVE_MS = 60_000;
/**
 * HTTP/2's windows: what a caller may send before we have read it, on a stream and on a connection. The smallest that
 * there is for a connection (RFC 9113, section 6.9.2); what is read opens it again at once.
 */
const WINDOW_OCTETS = 65_535;
const HEADER_OCTETS_MAX = 8 * 1024;
const HEADER_PAIRS_MAX = 64;
const SETTINGS_MAX = 32;
const INVALID_FRAMES_MAX = 100;
const REJECTED_STREAMS_MAX = 100;
const MIB = 1 << 20;
/** Memory that an HTTP/2 session may take in the library, in MiB and in messages of the greatest length. */
const SESSION_MIB_LEAST = 10;
const SESSION_MESSAGES = 4;
/** Node's own limit on handshakes is behind ours. */
const HANDSHAKE_TIMEOUT_MARGIN_MS = 60_000;

export interface GrpcServerOptions {
  /** Absent: plaintext; a caller is who its source address says. */
  readonly tls: TlsMaterial | undefined;
  readonly tlsFiles: TlsFiles | undefined;
  readonly handler: RpcHandler;
  readonly doorkeeper: Doorkeeper;
  readonly clock: Clock;
  readonly limits: DoorLimits;
  /** Largest request and answer. */
  readonly messageOctetsMax: number;
  /** Is told of callers that do not get in because of who they are, or are not. */
  readonly observe: GatewayObserver;
  /** Gets a line for what else is refused; absent: no lines. */
  readonly logger?: Logger;
}

/** Refusals that are counted here and not by one of the parts. */
type OwnRefusal = Exclude<DoorRefusal, `refused.${Refusal}` | 'floods' | 'octetsRefused'>;

/** One accepted connection, from the listener to its end. */
interface Connection {
  readonly socket: Socket;
  readonly source: IpAddress | undefined;
  readonly from: string;
  /** Its count among those that have not shown to be a peer's. */
  readonly visit: Visit;
  /** Runs until HTTP/2 is up, and for good with a stranger; afterwards it measures the time without a request. */
  timer: Timer | undefined;
  /** The end of our certificate that it is made with. */
  readonly ownEndMs: number;
  /** Fires when the first certificate of the connection ends; undefined without TLS, and until the handshake is over. */
  certificateEnd: Timer | undefined;
  /** The flood watch, once HTTP/2 has begun. */
  watched: Watched | undefined;
  session: ServerHttp2Session | undefined;
  /** Both once admitted. */
  party: Party | undefined;
  caller: CallerIdentity | undefined;
  calls: number;
  usedAtMs: number;
  /** It is not the caller who has ended it. */
  endedByUs: boolean;
}

export class GrpcServer {
  readonly #options: GrpcServerOptions;
  readonly #doors: Doors;
  readonly #floods: FloodWatch;
  readonly #listener: NetServer;
  readonly #tls: TlsServer | undefined;
  readonly #connections = new Set<Connection>();
  /** Connections in a TLS handshake, by address and port. */
  readonly #handshakes = new Map<string, Connection>();
  readonly #calls: CallCounters = { requests: 0 };
  readonly #refusals: Record<OwnRefusal, number> = {
    acceptErrors: 0,
    handshakeFailures: 0,
    untrusted: 0,
    openingTimeouts: 0,
    notPeers: 0,
    protocolErrors: 0,
    requestTimeouts: 0,
  };
  readonly #log: RefusalLog<Exclude<DoorRefusal, ToldOneByOne>> | undefined;
  #ownEndMs = Number.POSITIVE_INFINITY;
  #accepted = 0;
  #replaced = 0;
  #idleClosed = 0;
  #closing = false;

  constructor(options: GrpcServerOptions) {
    this.#options = options;
    const { tls, doorkeeper, clock, limits, logger } = options;
    this.#log = logger && new RefusalLog({ clock, logger, texts: DOOR_REFUSAL_TEXTS });
    const onRefused = (why: Refusal, from: string) => this.#log?.note(`refused.${why}`, from);
    this.#doors = new Doors(limits, clock, (source) => doorkeeper.peersAt(source), onRefused);
    this.#floods = new FloodWatch(clock);
    this.#listener = createPlainServer((socket) => this.#accept(socket));
    if (tls === undefined) return;
    this.#ownEndMs = ownEndMs(tls);
    this.#tls = createTlsServer(
      {
        ...secureContextOptions(tls),
        requestCert: true,
        // Node would close those whose certificate does not verify before anybody could count and tell them: #secured does it.
        rejectUnauthorized: false,
        ALPNProtocols: ['h2'],
        handshakeTimeout: limits.openingMs + HANDSHAKE_TIMEOUT_MARGIN_MS,
      },
      (socket) => this.#secured(socket),
    );
    this.#tls.on('tlsClientError', (error, socket: TLSSocket) => {
      const connection = this.#handshakes.get(addressesOf(socket));
      // Node closes what fails, but not what is late.
      if (connection === undefined) socket.destroy();
      else {
        connection.endedByUs = true;
        this.#handshakeFailed(connection, error);
        connection.socket.destroy();
      }
    });
  }

  /** Port 0: any free one. Rejects when the address cannot be bound. */
  listen(address: ServiceAddress): Promise<ServiceAddress> {
    return new Promise((resolve, reject) => {
      const cannot = (error: NodeJS.ErrnoException) => reject(new ListenError(address, error));
      this.#listener.once('error', cannot);
      this.#listener.listen({ host: address.host, port: address.port, backlog: BACKLOG }, () => {
        this.#listener.off('error', cannot);
        // No descriptor left, for one: that connection is lost, the listener goes on.
        this.#listener.on('error', () => this.#refused('acceptErrors', 'unknown'));
        const bound = this.#listener.address();
        resolve({ host: address.host, port: typeof bound === 'object' ? bound!.port : address.port });
      });
    });
  }

  view(): DoorView {
    const { refused, octets, strangers } = this.#doors;
    return {
      connections: this.#connections.size,
      strangers,
      accepted: this.#accepted,
      refused: { ...refused },
      replaced: this.#replaced,
      idleClosed: this.#idleClosed,
      floods: this.#floods.floods,
      ...this.#refusals,
      ...this.#calls,
      octetsHeld: octets.held,
      octetsHeldPeak: octets.heldPeak,
      octetsRefused: octets.refused,
    };
  }

  /** Certificates for connections from now on. With `endConnections` those that exist end soon, so that nobody stays in under old ones. */
  reloadTls(tls: TlsMaterial, endConnections: boolean): void {
    const endMs = ownEndMs(tls);
    this.#tls!.setSecureContext(secureContextOptions(tls));
    this.#ownEndMs = endMs;
    if (!endConnections) return;
    for (const connection of this.#connections) this.#drain(connection);
  }

  /** Ends connections of peers that are gone, or are others now, and forgets the peers that are gone. */
  peersChanged(): void {
    const { doorkeeper } = this.#options;
    for (const connection of this.#connections) {
      const { caller, party } = connection;
      if (caller === undefined || this.#problemOf(doorkeeper, caller, party!) === undefined) continue;
      connection.endedByUs = true;
      this.#end(connection);
    }
    this.#doors.forgetStrangers();
  }

  /** Ends connections of peers that are meant; gives how many. */
  disconnect(isMeant: (caller: CallerIdentity) => boolean): number {
    const meant = [...this.#connections].filter(({ caller }) => caller !== undefined && isMeant(caller));
    for (const connection of meant) {
      connection.endedByUs = true;
      this.#end(connection);
    }
    return meant.length;
  }

  /** Takes no more connections, gives RPCs under way a little time, then ends them. */
  async close(): Promise<void> {
    this.#closing = true;
    const closed = new Promise<void>((resolve) => this.#listener.close(() => resolve()));
    for (const connection of this.#connections) this.#drain(connection);
    this.#log?.stop();
    await closed;
    this.#log?.stop();
  }

  /** Counts and tells what was refused; `from` is whom. */
  #refused(what: Exclude<OwnRefusal, ToldOneByOne>, from: string): void {
    this.#refusals[what]++;
    this.#log?.note(what, from);
  }

  /** Counts and tells of a caller that does not get in, and why. */
  #callerRefused(
    what: ToldOneByOne,
    { socket, source, from: peer }: Connection,
    { message: reason, kind: problem }: ConnectionError | { readonly message: string; readonly kind?: never },
  ): void {
    this.#refusals[what]++;
    const from = source ?? socket.remoteAddress ?? peer;
    const why = CALLER_REFUSALS[what];
    this.#options.observe({
      type: 'caller-refused',
      from,
      why,
      reason,
      ...(problem === undefined ? {} : { problem }),
    });
  }

  #handshakeFailed(connection: Connection, error: unknown): void {
    this.#callerRefused('handshakeFailures', connection, callerProblem(this.#problem(error)));
  }

  #problem(error: unknown, certificate?: X509Certificate): ConnectionProblem {
    const { tlsFiles: files, clock } = this.#options;
    return { error, certificate, secure: true, files, nowMs: clock.nowMs() };
  }

  #accept(socket: Socket): void {
    this.#accepted++;
    // A connection that breaks ends its RPCs; there is nobody else to tell.
    socket.on('error', () => {});
    const source = sourceOf(socket.remoteAddress);
    const visit = this.#closing ? undefined : this.#doors.knock(source);
    if (visit === undefined) {
      // A reset leaves nothing of it in the kernel.
      socket.resetAndDestroy();
      return;
    }
    const { clock, limits } = this.#options;
    const connection: Connection = {
      socket,
      source,
      from: `${socket.remoteAddress}:${socket.remotePort}`,
      visit,
      timer: undefined,
      ownEndMs: this.#ownEndMs,
      certificateEnd: undefined,
      watched: undefined,
      session: undefined,
      party: undefined,
      caller: undefined,
      calls: 0,
      usedAtMs: clock.nowMs(),
      endedByUs: false,
    };
    connection.timer = clock.setTimer(() => {
      connection.endedByUs = true;
      this.#refused('openingTimeouts', connection.from);
      socket.resetAndDestroy();
    }, limits.openingMs);
    this.#connections.add(connection);
    socket.once('close', () => this.#closed(connection));
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEPALIVE_MS);
    if (this.#tls === undefined) this.#admit(connection, socket, { authenticated: false, names: [] });
    else {
      const addresses = addressesOf(socket);
      this.#handshakes.set(addresses, connection);
      socket.once('close', () => {
        // It had begun one, and did not like what it saw; who says nothing may only have looked whether somebody is there.
        const inHandshake = this.#handshakes.delete(addresses);
        if (inHandshake && socket.bytesRead > 0 && !connection.endedByUs) {
          this.#handshakeFailed(connection, { code: 'ECONNRESET' });
        }
      });
      this.#tls.emit('connection', socket);
    }
  }

  #secured(socket: TLSSocket): void {
    const addresses = addressesOf(socket);
    const connection = this.#handshakes.get(addresses);
    this.#handshakes.delete(addresses);
    socket.on('error', () => {});
    const certificate = socket.getPeerX509Certificate();
    if (connection === undefined) {
      socket.destroy();
      return;
    }
    if (!socket.authorized || certificate === undefined) {
      const problem =
        certificate === undefined
          ? noCertificateProblem()
          : callerProblem(this.#problem(socket.authorizationError, certificate));
      this.#callerRefused('untrusted', connection, problem);
      connection.socket.resetAndDestroy();
      return;
    }
    if (socket.alpnProtocol !== 'h2') {
      this.#refused('protocolErrors', connection.from);
      connection.socket.resetAndDestroy();
      return;
    }
    const { clock } = this.#options;
    connection.certificateEnd = atCertificateEnd(certificate, connection.ownEndMs, clock, () =>
      this.#drain(connection),
    );
    this.#admit(connection, socket, { authenticated: true, names: certificateNames(certificate) });
  }

  /** The caller is known: counts the connection to the peers' share, or refuses a stranger. */
  #admit(
    connection: Connection,
    transport: Socket | TLSSocket,
    proof: Pick<CallerIdentity, 'authenticated' | 'names'>,
  ): void {
    const caller: CallerIdentity = { ...proof, source: connection.source, from: connection.from };
    let party: Party;
    try {
      party = this.#doors.party(this.#options.doorkeeper.admit(caller));
    } catch (error) {
      const refusal = asRefusal(error);
      this.#callerRefused('notPeers', connection, { message: refusal.details });
      this.#serveStranger(connection, transport, refusal);
      return;
    }
    if (!this.#makeRoom(party)) {
      this.#doors.refuse('peer', connection.source);
      connection.socket.resetAndDestroy();
      return;
    }
    connection.party = party;
    connection.caller = caller;
    party.connections.add(connection);
    connection.visit.leave();
    this.#servePeer(connection, transport, caller, party);
  }

  /** At its limit a peer's connection that was used least recently, and has no request, goes. */
  #makeRoom(party: Party): boolean {
    if (party.connections.size < this.#doors.connectionsOf(party.host)) return true;
    let oldest: Connection | undefined;
    for (const connection of party.connections as Set<Connection>) {
      if (connection.calls > 0) continue;
      if (oldest === undefined || connection.usedAtMs < oldest.usedAtMs) oldest = connection;
    }
    if (oldest === undefined) return false;
    this.#replaced++;
    this.#end(oldest);
    return true;
  }

  #servePeer(
    connection: Connection,
    transport: Socket | TLSSocket,
    caller: CallerIdentity,
    party: Party,
  ): void {
    const { handler, doorkeeper, clock, limits, messageOctetsMax } = this.#options;
    const session = this.#startSession(connection, transport, WINDOW_OCTETS, CONCURRENT_STREAMS_MAX);
    session.once('remoteSettings', () => this.#startIdleTimer(connection));
    session.on('stream', (stream, headers) => {
      // Peers come and go while connections last.
      const problem = this.#problemOf(doorkeeper, caller, party);
      if (problem !== undefined) {
        this.#callerRefused('notPeers', connection, { message: problem.details });
        refuseCall(stream, problem);
        this.#drain(connection);
        return;
      }
      connection.calls++;
      connection.usedAtMs = clock.nowMs();
      if (connection.session?.closed !== true) connection.timer?.cancel();
      serveCall(stream, headers, {
        clock,
        handler,
        caller,
        party,
        watched: connection.watched!,
        requestMs: limits.requestMs,
        messageOctetsMax,
        counters: this.#calls,
        onRefused: (why) => {
          // Octets are counted by their budget.
          if (why === 'requestTimeouts') this.#refusals[why]++;
          this.#log?.note(why, party.host);
        },
        onEnd: () => {
          connection.calls--;
          connection.usedAtMs = clock.nowMs();
          this.#startIdleTimer(connection);
        },
      });
    });
  }

  /** The peer behind the connection has changed since, or is none any more. */
  #problemOf(doorkeeper: Doorkeeper, caller: CallerIdentity, party: Party): RpcError | undefined {
    try {
      if (doorkeeper.admit(caller) === party.host) return undefined;
      return new RpcError('UNAVAILABLE', 'the peers were configured anew; connect again');
    } catch (error) {
      return asRefusal(error);
    }
  }

  /** Answers the first request with the refusal; without a window nobody can send data. */
  #serveStranger(connection: Connection, transport: Socket | TLSSocket, refusal: RpcError): void {
    const session = this.#startSession(connection, transport, 0, 1);
    session.on('stream', (stream) => {
      refuseCall(stream, refusal);
      connection.timer?.cancel();
      connection.timer = this.#options.clock.setTimer(() => connection.socket.destroy(), REFUSAL_MS);
      session.close();
    });
  }

  #startSession(
    connection: Connection,
    transport: Socket | TLSSocket,
    windowOctets: number,
    streamsMax: number,
  ): ServerHttp2Session {
    const { messageOctetsMax } = this.#options;
    const session = performServerHandshake(transport, {
      maxSessionMemory: Math.max(SESSION_MIB_LEAST, Math.ceil((SESSION_MESSAGES * messageOctetsMax) / MIB)),
      maxHeaderListPairs: HEADER_PAIRS_MAX,
      maxSettings: SETTINGS_MAX,
      maxSessionInvalidFrames: INVALID_FRAMES_MAX,
      maxSessionRejectedStreams: REJECTED_STREAMS_MAX,
      settings: {
        initialWindowSize: windowOctets,
        maxConcurrentStreams: streamsMax,
        maxHeaderListSize: HEADER_OCTETS_MAX,
      },
    });
    connection.session = session;
    connection.watched = this.#floods.add(connection.socket, () => {
      this.#log?.note('floods', connection.from);
      session.destroy(undefined, constants.NGHTTP2_ENHANCE_YOUR_CALM);
      connection.socket.destroy();
    });
    session.on('error', () => {
      this.#refused('protocolErrors', connection.from);
      connection.socket.destroy();
    });
    session.once('close', () => connection.socket.destroySoon());
    return session;
  }

  /** The connection, if it has no request, is closed when it has had none for a while. */
  #startIdleTimer(connection: Connection): void {
    const { clock, limits } = this.#options;
    if (connection.socket.destroyed || connection.session?.closed === true || connection.calls > 0) return;
    connection.timer?.cancel();
    connection.timer = clock.setTimer(() => {
      this.#idleClosed++;
      this.#end(connection);
    }, limits.idleMs);
  }

  /** No more requests; those under way get a little time. */
  #drain(connection: Connection): void {
    connection.endedByUs = true;
    connection.timer?.cancel();
    if (connection.session === undefined) {
      connection.socket.destroy();
      return;
    }
    connection.session.close();
    connection.timer = this.#options.clock.setTimer(() => this.#end(connection), DRAIN_MS);
  }

  #end(connection: Connection): void {
    connection.session?.close();
    connection.session?.destroy();
    connection.socket.destroy();
  }

  #closed(connection: Connection): void {
    connection.timer?.cancel();
    connection.certificateEnd?.cancel();
    connection.visit.leave();
    connection.party?.connections.delete(connection);
    if (connection.watched !== undefined) this.#floods.delete(connection.watched);
    connection.session?.destroy();
    this.#connections.delete(connection);
  }
}

/** Both ends of a connection: one key for the socket and for the TLS around it. */
function addressesOf({ remoteAddress, remotePort, localAddress }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress}`;
}

const CALLER_REFUSALS: Readonly<Record<ToldOneByOne, CallerRefusal>> = {
  handshakeFailures: 'handshake',
  untrusted: 'untrusted',
  notPeers: 'not-a-peer',
};

function asRefusal(error: unknown): RpcError {
  return error instanceof RpcError ? error : new RpcError('PERMISSION_DENIED', 'not a peer');
}
