/**
 * The calling end of the gRPC transport: one channel per peer, kept while it is of use. A channel on which a deadline
 * passed without any answer meanwhile is dropped, since TCP alone may take minutes to notice that a path is dead.
 */
import { createSecureContext, type SecureContext } from 'node:tls';
import { ChannelCredentials, type ChannelOptions, Client, Metadata, type ServiceError } from '@grpc/grpc-js';
import { ipFamily } from '../packet/address.js';
import { asIs, codeOfStatus, methodPath, toBuffer } from './grpc-service.js';
import { secureContextOptions, serverIdentityProblem, type TlsMaterial } from './grpc-tls.js';
import { type RpcCode, RpcError, type RpcMethod, type ServiceAddress, serviceText } from './transport.js';

/** Channels kept open; beyond that the one least recently used that has no call goes. */
export const CHANNELS_MAX = 8192;
const KEEPALIVE_MS = 10_000;
const KEEPALIVE_TIMEOUT_MS = 5_000;
const RECONNECT_MIN_MS = 100;
const RECONNECT_MAX_MS = 2_000;
/** Peers are known by address, which is no server name (RFC 6066, section 3); the certificate's check is what counts. */
const SERVER_NAME = 'psp-gateway';

interface Channel {
  readonly client: Client;
  callsUnderWay: number;
  /** Answers of the peer so far, whatever they said. */
  answers: number;
}

export class GrpcClient {
  /** By target, least recently used first. */
  readonly #channels = new Map<string, Channel>();
  readonly #underWay = new Set<{ cancel(): void }>();
  readonly #channelOptions: ChannelOptions;
  #secureContext: SecureContext | undefined;
  #closed = false;

  constructor(tls: TlsMaterial | undefined, channelOptions: ChannelOptions) {
    this.#secureContext = tls && createSecureContext(secureContextOptions(tls));
    this.#channelOptions = {
      ...channelOptions,
      'grpc.keepalive_time_ms': KEEPALIVE_MS,
      'grpc.keepalive_timeout_ms': KEEPALIVE_TIMEOUT_MS,
      'grpc.initial_reconnect_backoff_ms': RECONNECT_MIN_MS,
      'grpc.max_reconnect_backoff_ms': RECONNECT_MAX_MS,
      // Asking twice would take two SPIs; the gateway decides what is tried again.
      'grpc.enable_retries': 0,
      'grpc.enable_http_proxy': 0,
      'grpc.service_config_disable_resolution': 1,
      // Connections are this transport's own, so that they end with it and after new certificates.
      'grpc.use_local_subchannel_pool': 1,
      ...(tls === undefined ? {} : { 'grpc.ssl_target_name_override': SERVER_NAME }),
    };
  }

  /** As ControlTransport.call. */
  call(
    peer: ServiceAddress,
    method: RpcMethod,
    request: Uint8Array,
    { deadlineMs, signal }: { readonly deadlineMs: number; readonly signal?: AbortSignal },
  ): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      if (this.#closed || signal?.aborted) {
        reject(new RpcError('CANCELLED', 'the call was cancelled'));
        return;
      }
      const target = targetOf(peer);
      const channel = this.#channelTo(target, peer);
      const answersBefore = channel.answers;
      channel.callsUnderWay++;
      const onAbort = () => call.cancel();
      const call = channel.client.makeUnaryRequest(
        methodPath(method),
        toBuffer,
        asIs,
        request,
        new Metadata(),
        { deadline: Date.now() + deadlineMs },
        (error, response) => {
          channel.callsUnderWay--;
          this.#underWay.delete(call);
          signal?.removeEventListener('abort', onAbort);
          if (error === null) {
            channel.answers++;
            resolve(response!);
            return;
          }
          const code = codeOfStatus(error.code);
          if (code === 'DEADLINE_EXCEEDED' && channel.answers === answersBefore) this.#drop(target, channel);
          else if (isAnswer(code)) channel.answers++;
          reject(new RpcError(code, detailsOf(error, peer)));
        },
      );
      this.#underWay.add(call);
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  /** Certificates for connections from now on; calls under way end on the old ones. */
  reloadTls(tls: TlsMaterial): void {
    this.#secureContext = createSecureContext(secureContextOptions(tls));
    for (const [target, channel] of [...this.#channels]) this.#drop(target, channel);
  }

  /** Calls under way are CANCELLED. */
  close(): void {
    this.#closed = true;
    for (const call of [...this.#underWay]) call.cancel();
    for (const [target, channel] of [...this.#channels]) this.#drop(target, channel);
  }

  #channelTo(target: string, peer: ServiceAddress): Channel {
    let channel = this.#channels.get(target);
    if (channel === undefined) {
      this.#makeRoom();
      const client = new Client(target, this.#credentialsFor(peer), this.#channelOptions);
      channel = { client, callsUnderWay: 0, answers: 0 };
    } else {
      this.#channels.delete(target);
    }
    this.#channels.set(target, channel);
    return channel;
  }

  #credentialsFor(peer: ServiceAddress): ChannelCredentials {
    if (this.#secureContext === undefined) return ChannelCredentials.createInsecure();
    return ChannelCredentials.createFromSecureContext(this.#secureContext, {
      checkServerIdentity: (_name, certificate) => serverIdentityProblem(peer.host, certificate.raw),
    });
  }

  #makeRoom(): void {
    if (this.#channels.size < CHANNELS_MAX) return;
    for (const [target, channel] of this.#channels) {
      if (channel.callsUnderWay > 0) continue;
      this.#drop(target, channel);
      return;
    }
    throw new RpcError('RESOURCE_EXHAUSTED', `calls to ${CHANNELS_MAX} peers are under way`);
  }

  /** Calls under way on it still end, by an answer or by their deadline. */
  #drop(target: string, channel: Channel): void {
    if (this.#channels.get(target) === channel) this.#channels.delete(target);
    channel.client.close();
  }
}

function targetOf(address: ServiceAddress): string {
  return `ipv${ipFamily(address.host)}:${serviceText(address)}`;
}

/** Whether a failure with this code shows that the peer is alive. */
function isAnswer(code: RpcCode): boolean {
  return code !== 'UNAVAILABLE' && code !== 'CANCELLED' && code !== 'DEADLINE_EXCEEDED';
}

function detailsOf(error: ServiceError, peer: ServiceAddress): string {
  const code = codeOfStatus(error.code);
  if (code !== 'UNAVAILABLE' && code !== 'DEADLINE_EXCEEDED') return error.details;
  return `${serviceText(peer)}: ${error.details}`;
}
