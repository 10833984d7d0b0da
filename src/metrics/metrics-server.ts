/**
 * An HTTP server for those who watch a gateway: /metrics, /healthz and /readyz. Whoever can reach it is answered, so that everything is
 * bounded and cheap: one request per connection, few connections, small headers, little time, and no body is read.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Clock } from '../base/clock.js';
import type { ServiceAddress } from '../gateway/rpc/transport.js';
import { CONTENT_TYPES, type Format, formatFor } from './exposition.js';
import { MetricsListenError } from './listen-error.js';

export interface MetricsServerLimits {
  /** At once; one more is closed, and counted. */
  readonly connections: number;
  /** Of a request's line and headers together. */
  readonly headerOctets: number;
  /** From the connection to the end of the answer. */
  readonly requestMs: number;
}

/** A few Prometheis, probes and people. */
export const METRICS_SERVER_LIMITS: MetricsServerLimits = {
  connections: 16,
  headerOctets: 8 * 1024,
  requestMs: 5000,
};

export interface MetricsServerDeps {
  readonly clock: Clock;
  readonly text: (format: Format) => Promise<string>;
  /** Why the gateway cannot carry packets; none: it can. */
  readonly notReady: () => readonly string[];
  /** Limits that differ from METRICS_SERVER_LIMITS. */
  readonly limits?: Partial<MetricsServerLimits>;
}

const PLAIN_TEXT = 'text/plain; charset=utf-8';

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
}

const plain = (status: number, text: string): Answer => ({ status, type: PLAIN_TEXT, text: `${text}\n` });

export class MetricsServer implements AsyncDisposable {
  /** Connections for which there was no place. */
  connectionsRefused = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor(private readonly deps: MetricsServerDeps) {
    const { connections, headerOctets, requestMs } = { ...METRICS_SERVER_LIMITS, ...deps.limits };
    this.#server = createServer(
      { maxHeaderSize: headerOctets, insecureHTTPParser: false },
      (request, response) => this.#serve(request, response),
    );
    this.#server.maxConnections = connections;
    this.#server.maxRequestsPerSocket = 1;
    this.#server.on('drop', () => {
      this.connectionsRefused++;
    });
    this.#server.on('connection', (socket) => this.#limitTime(socket, requestMs));
  }

  /** Port 0: any free one. Rejects with MetricsListenError. */
  listen(address: ServiceAddress): Promise<ServiceAddress> {
    return new Promise((resolve, reject) => {
      const cannot = (error: NodeJS.ErrnoException) => reject(new MetricsListenError(address, error));
      this.#server.once('error', cannot);
      this.#server.listen({ host: address.host, port: address.port, exclusive: true }, () => {
        this.#server.off('error', cannot);
        // No descriptor left, for one: that connection is lost, the server goes on.
        this.#server.on('error', () => {
          this.connectionsRefused++;
        });
        const bound = this.#server.address();
        resolve({ host: address.host, port: typeof bound === 'object' ? bound!.port : address.port });
      });
    });
  }

  /** Ends connections at once. Idempotent. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      for (const socket of this.#sockets) socket.destroy();
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #limitTime(socket: Socket, requestMs: number): void {
    const late = this.deps.clock.setTimer(() => socket.destroy(), requestMs);
    this.#sockets.add(socket);
    socket.once('close', () => {
      late.cancel();
      this.#sockets.delete(socket);
    });
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let answer: Answer;
    try {
      answer = await this.#answerTo(request);
    } catch {
      answer = plain(500, 'the metrics could not be read');
    }
    response.writeHead(answer.status, {
      'content-type': answer.type,
      'content-length': Buffer.byteLength(answer.text),
      // What is old is wrong.
      'cache-control': 'no-store',
      ...(answer.status === 405 ? { allow: 'GET, HEAD' } : {}),
    });
    response.end(request.method === 'HEAD' ? undefined : answer.text);
  }

  async #answerTo({ method, url = '', headers }: IncomingMessage): Promise<Answer> {
    if (method !== 'GET' && method !== 'HEAD') return plain(405, 'GET only');
    const [path] = url.split('?', 1);
    switch (path) {
      case '/metrics': {
        const format = formatFor(headers.accept);
        return { status: 200, type: CONTENT_TYPES[format], text: await this.deps.text(format) };
      }
      case '/healthz':
        return plain(200, 'ok');
      case '/readyz': {
        const reasons = this.deps.notReady();
        return reasons.length === 0 ? plain(200, 'ok') : plain(503, reasons.join('\n'));
      }
      default:
        return plain(404, 'there are /metrics, /healthz and /readyz');
    }
  }
}
