/**
 * The calling end of the gRPC transport: one channel per peer, kept while it is of use. A channel on which a deadline
 * passed without any answer meanwhile is dropped, since TCP alone may take minutes to notice that a path is dead.
 * A peer's server is believed no more than a caller: its answers are bounded in size, in time and in what they carry
 * beside messages. At the end of its certificate, or of ours, the connection gets no more calls; those under way get a little time.
 */
import { X509Certificate } from 'node:crypto';
import { type ClientHttp2Session, connect as connectHttp2, constants } from 'node:http2';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls, createSecureContext, type SecureContext } from 'node:tls';
import { onAbort } from '../../base/abort.js';
import type { Clock } from '../../base/clock.js';
import { reasonOf } from '../../hal/errors.js';
import { type IpAddress, ipFamily } from '../../packet/address.js';
import type { DoorLimits } from '../doors/door-limits.js';
import { FloodWatch, type Watched } from '../doors/flood-watch.js';
import { OctetBudget, type OctetShare } from '../doors/octet-budget.js';
import type { TlsFiles } from '../options.js';
import { ConnectionError, type ConnectionProblem, kindOf, peerProblem } from './connection-problems.js';
import { ClientCall } from './grpc-client-call.js';
import { atCertificateEnd, ownEndMs, secureContextOptions, serverIdentityProblem } from './grpc-tls.js';
import { decodeDetails } from './grpc-wire.js';
import {
  type IdentitiesOf,
  isAnswer,
  RpcError,
  type RpcMethod,
  type ServiceAddress,
  serviceText,
  type TlsMaterial,
} from './transport.js';

/** Channels kept open; beyond that the one least recently used that has no call goes. */
export const CHANNELS_MAX = 8192;
/** Calls at once on a channel before the server has said how many it takes. */
const CONCURRENT_STREAMS_ASSUMED = 32;
/** HTTP/2's window for an answer; one for a thousand tunnels passes in a round trip or two. */
const WINDOW_OCTETS = 65_535;
const HEADER_OCTETS_MAX = 16 * 1024;
const HEADER_PAIRS_MAX = 64;

export interface GrpcClientOptions {
  /** Absent: plaintext. */
  readonly tls: TlsMaterial | undefined;
  readonly tlsFiles: TlsFiles | undefined;
  readonly clock: Clock;
  readonly limits: DoorLimits;
  /** Largest request and answer. */
  readonly messageOctetsMax: number;
  readonly identitiesOf: IdentitiesOf | undefined;
}

interface Channel {
  readonly peer: ServiceAddress;
  readonly octets: OctetShare;
  connection: Promise<Connected> | undefined;
  socket: Socket | undefined;
  /** Whether the connection is up. */
  isUp: boolean;
  /** Functions that end each call under way. */
  readonly calls: Set<() => void>;
  /** Answers of the peer so far, whatever they said. */
  answers: number;
  /** No more calls; ends with the last one. */
  dropped: boolean;
}

interface Connected {
  readonly session: ClientHttp2Session;
  readonly watched: Watched;
  /** What to say when the connection ends now. */
  readonly whyEnded: (error?: Error) => Error;
}

export class GrpcClient {
  /** The address that calls come from, so that peers know us by it (--insecure); undefined: the kernel chooses. */
  sourceHost: IpAddress | undefined;
  /** Channels by target, least recently used first. */
  readonly #channels = new Map<string, Channel>();
  readonly #underWay = new Set<() => void>();
  readonly #sockets = new Set<Socket>();
  readonly #options: GrpcClientOptions;
  readonly #octets: OctetBudget;
  readonly #floods: FloodWatch;
  #tls: { readonly context: SecureContext; readonly endMs: number } | undefined;
  #closed = false;

  constructor(options: GrpcClientOptions) {
    this.#options = options;
    const { tls, clock, limits } = options;
    this.#octets = new OctetBudget(limits.octetsPerPeer, limits.octetsInAll);
    this.#floods = new FloodWatch(clock);
    this.#tls = tls && tlsOf(tls);
  }

  /** Implements ControlTransport.call. */
  call(
    peer: ServiceAddress,
    method: RpcMethod,
    request: Uint8Array,
    { deadlineMs, signal }: { readonly deadlineMs: number; readonly signal?: AbortSignal },
  ): Promise<Uint8Array> {
    const cancelled = () => new RpcError('CANCELLED', 'the call was cancelled');
    if (this.#closed || signal?.aborted) return Promise.reject(cancelled());
    if (request.length > this.#options.messageOctetsMax) {
      return Promise.reject(new RpcError('RESOURCE_EXHAUSTED', 'the request is larger than messages may be'));
    }
    let channel: Channel;
    try {
      channel = this.#channelTo(peer);
    } catch (error) {
      return Promise.reject(error);
    }
    const { clock } = this.#options;
    const answersBefore = channel.answers;
    const endMs = clock.nowMs() + deadlineMs;
    return new Promise((resolve, reject) => {
      let abandon: (taken: boolean) => void = () => {};
      let settled = false;
      const settle = (error: RpcError | undefined, response?: Uint8Array) => {
        if (settled) return;
        settled = true;
        deadline.cancel();
        this.#underWay.delete(cancel);
        release?.();
        channel.calls.delete(cancel);
        abandon(error === undefined);
        if (error === undefined || isAnswer(error.code)) channel.answers++;
        else if (error.code === 'DEADLINE_EXCEEDED' && channel.answers === answersBefore) this.#drop(channel);
        this.#endIfUnused(channel);
        if (error === undefined) resolve(response!);
        else reject(error);
      };
      const cancel = () => settle(cancelled());
      const deadline = clock.setTimer(
        () =>
          settle(
            new RpcError('DEADLINE_EXCEEDED', `${serviceText(peer)}: no answer within ${deadlineMs} ms`),
          ),
        deadlineMs,
      );
      this.#underWay.add(cancel);
      const release = signal && onAbort(signal, cancel);
      channel.calls.add(cancel);
      this.#connected(channel).then(
        ({ session, watched, whyEnded }) => {
          if (settled) return;
          const call = new ClientCall({
            peer,
            octets: channel.octets,
            messageOctetsMax: this.#options.messageOctetsMax,
            watched,
            whyEnded,
            settle,
          });
          abandon = (taken) => call.abandon(taken);
          call.begin(session, method, request, endMs - clock.nowMs());
        },
        (error: unknown) =>
          settle(
            new RpcError(
              'UNAVAILABLE',
              `${serviceText(peer)}: ${decodeDetails(reasonOf(error))}`,
              kindOf(error),
            ),
          ),
      );
    });
  }

  /** Certificates for connections from now on; with `endConnections` only calls under way end on the old ones. */
  reloadTls(tls: TlsMaterial, endConnections: boolean): void {
    this.#tls = tlsOf(tls);
    if (!endConnections) return;
    for (const channel of [...this.#channels.values()]) {
      if (channel.isUp) {
        this.#limit(channel.socket!);
        this.#drop(channel);
      } else channel.socket?.destroy(new Error('the authorities have changed meanwhile'));
    }
  }

  /** Implements ControlTransport.forget. */
  forget(peer: ServiceAddress): void {
    const channel = this.#channels.get(serviceText(peer));
    if (channel === undefined) return;
    for (const cancel of [...channel.calls]) cancel();
    this.#drop(channel);
  }

  /** Calls under way are CANCELLED. */
  close(): void {
    this.#closed = true;
    for (const cancel of [...this.#underWay]) cancel();
    this.#channels.clear();
    for (const socket of this.#sockets) socket.destroy();
  }

  #channelTo(peer: ServiceAddress): Channel {
    const target = serviceText(peer);
    let channel = this.#channels.get(target);
    if (channel === undefined) {
      this.#makeRoom();
      channel = {
        peer,
        octets: this.#octets.share(),
        connection: undefined,
        socket: undefined,
        isUp: false,
        calls: new Set(),
        answers: 0,
        dropped: false,
      };
    } else {
      this.#channels.delete(target);
    }
    this.#channels.set(target, channel);
    return channel;
  }

  /** The channel's connection, made anew when there is none. */
  #connected(channel: Channel): Promise<Connected> {
    channel.connection ??= this.#connect(channel);
    return channel.connection;
  }

  #connect(channel: Channel): Promise<Connected> {
    return new Promise((resolve, reject) => {
      const { clock, limits, identitiesOf } = this.#options;
      const { host, port } = channel.peer;
      const localAddress = this.#localAddressTo(host);
      const tcp = connectTcp({
        host,
        port,
        noDelay: true,
        ...(localAddress === undefined ? {} : { localAddress }),
      });
      channel.socket = tcp;
      this.#sockets.add(tcp);
      /** The certificate that the peer has shown, and what has ended the connection. */
      let shown: X509Certificate | undefined;
      let fault: unknown;
      const problem = (error: unknown): ConnectionProblem => {
        const { tlsFiles: files } = this.#options;
        const secure = this.#tls !== undefined;
        return { error, certificate: shown, secure, files, nowMs: clock.nowMs() };
      };
      const gone = (error?: Error) => {
        fault ??= error;
        late.cancel();
        if (channel.socket === tcp) {
          channel.socket = undefined;
          channel.connection = undefined;
          channel.isUp = false;
        }
        reject(peerProblem(problem(error)));
      };
      const late = clock.setTimer(() => {
        const text =
          'the connection was not made in time: the host does not answer, or something on the way drops packets';
        tcp.destroy(new ConnectionError('unreachable', text));
      }, limits.openingMs);
      tcp.once('close', () => {
        this.#sockets.delete(tcp);
        gone();
      });
      tcp.on('error', gone);
      const start = (socket: Socket, certificate?: X509Certificate) => {
        late.cancel();
        const session = this.#startSession(socket, channel.peer);
        session.on('error', (error) => {
          gone(error);
          tcp.destroy();
        });
        session.once('close', () => tcp.destroySoon());
        let isUp = false;
        session.once('remoteSettings', () => {
          isUp = true;
        });
        const whyEnded = (error?: Error) => {
          if (!isUp) return peerProblem(problem(fault ?? error));
          return error ?? new Error('the connection ended before the answer');
        };
        session.once('goaway', () => this.#leave(channel, tcp));
        const watched = this.#floods.add(tcp, () => {
          session.destroy(undefined, constants.NGHTTP2_ENHANCE_YOUR_CALM);
          tcp.destroy();
        });
        channel.isUp = true;
        const end =
          certificate &&
          atCertificateEnd(certificate, secure!.endMs, clock, () => {
            this.#leave(channel, tcp);
            session.close();
          });
        tcp.once('close', () => {
          end?.cancel();
          this.#floods.delete(watched);
          session.destroy();
        });
        resolve({ session, watched, whyEnded });
      };
      const secure = this.#tls;
      if (secure === undefined) tcp.once('connect', () => start(tcp));
      else {
        const tls = connectTls({
          socket: tcp,
          secureContext: secure.context,
          ALPNProtocols: ['h2'],
          // The name is not asked for: peers are known by address, which is no server name (RFC 6066, section 3).
          checkServerIdentity: (_name, certificate) =>
            serverIdentityProblem(host, identitiesOf?.(channel.peer), certificate.raw),
        });
        // Before Node looks whether it believes the certificate: after that the socket is closed and shows none.
        tls.prependOnceListener('secure', () => {
          // Not getPeerX509Certificate: after that Node finds no certificate to check.
          const { raw } = tls.getPeerCertificate() as { readonly raw?: Buffer };
          if (raw !== undefined) shown = new X509Certificate(raw);
        });
        tls.on('error', (error) => {
          gone(error);
          tcp.destroy();
        });
        tls.once('secureConnect', () => {
          if (tls.alpnProtocol === 'h2') start(tls, tls.getPeerX509Certificate());
          else tls.destroy(new ConnectionError('no-http2', 'the server does not speak HTTP/2'));
        });
      }
    });
  }

  #startSession(socket: Socket, peer: ServiceAddress): ClientHttp2Session {
    const scheme = this.#tls === undefined ? 'http' : 'https';
    return connectHttp2(`${scheme}://${serviceText(peer)}`, {
      createConnection: () => socket,
      peerMaxConcurrentStreams: CONCURRENT_STREAMS_ASSUMED,
      maxHeaderListPairs: HEADER_PAIRS_MAX,
      settings: {
        enablePush: false,
        initialWindowSize: WINDOW_OCTETS,
        maxHeaderListSize: HEADER_OCTETS_MAX,
      },
    });
  }

  /**
   * Our service's own address, so that it is by this that a peer without TLS knows us; not from loopback to elsewhere,
   * which the kernel would refuse.
   */
  #localAddressTo(host: IpAddress): IpAddress | undefined {
    const own = this.sourceHost;
    if (own === undefined || isUnspecified(own) || ipFamily(own) !== ipFamily(host)) return undefined;
    return isLoopback(own) && !isLoopback(host) ? undefined : own;
  }

  /** The connection is to have no more calls: the next goes over another, those under way get a little time. */
  #leave(channel: Channel, tcp: Socket): void {
    if (channel.socket === tcp) {
      channel.connection = undefined;
      channel.socket = undefined;
      channel.isUp = false;
    }
    this.#limit(tcp);
  }

  /** What is under way on the connection gets a little time. */
  #limit(tcp: Socket): void {
    const { clock, limits } = this.#options;
    const late = clock.setTimer(() => tcp.destroy(), limits.requestMs);
    tcp.once('close', () => late.cancel());
  }

  #makeRoom(): void {
    if (this.#channels.size < CHANNELS_MAX) return;
    for (const channel of this.#channels.values()) {
      if (channel.calls.size > 0) continue;
      this.#drop(channel);
      return;
    }
    throw new RpcError('RESOURCE_EXHAUSTED', `calls to ${CHANNELS_MAX} peers are under way`);
  }

  /** Calls under way on it still end, by an answer or by their deadline. */
  #drop(channel: Channel): void {
    const target = serviceText(channel.peer);
    if (this.#channels.get(target) === channel) this.#channels.delete(target);
    channel.dropped = true;
    this.#endIfUnused(channel);
  }

  #endIfUnused(channel: Channel): void {
    if (channel.dropped && channel.calls.size === 0) channel.socket?.destroy();
  }
}

function tlsOf(tls: TlsMaterial) {
  return { context: createSecureContext(secureContextOptions(tls)), endMs: ownEndMs(tls) };
}

function isUnspecified(ip: IpAddress): boolean {
  return ip === '0.0.0.0' || ip === '::';
}

function isLoopback(ip: IpAddress): boolean {
  return ip === '::1' || ip.startsWith('127.');
}
