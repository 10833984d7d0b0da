/**
 * HTTP/2 as an attacker writes it: frames put together by hand (RFC 9113), headers as HPACK literals (RFC 7541,
 * section 6.2.2), over a socket from an address of one's choice.
 */
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { TlsMaterial } from '../../src/gateway/rpc/grpc-transport.js';

export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
export const DATA = 0;
export const HEADERS = 1;
export const PRIORITY = 2;
export const RST_STREAM = 3;
export const SETTINGS = 4;
export const PING = 6;
export const WINDOW_UPDATE = 8;
export const CONTINUATION = 9;
export const END_STREAM = 1;
export const END_HEADERS = 4;
/** The identifier of a setting. */
export const INITIAL_WINDOW_SIZE = 4;
const CANCEL = 8;

export function frame(type: number, flags: number, stream: number, payload: Uint8Array = new Uint8Array(0)) {
  const octets = Buffer.alloc(9 + payload.length);
  octets.writeUIntBE(payload.length, 0, 3);
  octets[3] = type;
  octets[4] = flags;
  octets.writeUInt32BE(stream, 5);
  octets.set(payload, 9);
  return octets;
}

/** A header block of literals that are in no table; texts of less than 127 octets. */
export function headerBlock(headers: Readonly<Record<string, string>>): Buffer {
  const text = (value: string) => Buffer.concat([Buffer.of(value.length), Buffer.from(value)]);
  return Buffer.concat(
    Object.entries(headers).flatMap(([name, value]) => [Buffer.of(0), text(name), text(value)]),
  );
}

export const GRPC_HEADERS = {
  ':method': 'POST',
  ':scheme': 'http',
  ':path': '/psp_gateway.PSP_Gateway/GetOpState',
  ':authority': 'x',
  'content-type': 'application/grpc',
  te: 'trailers',
};

/** The headers of a request whose body follows. */
export function openStream(stream: number): Buffer {
  return frame(HEADERS, END_HEADERS, stream, headerBlock(GRPC_HEADERS));
}

/** gRPC's prefix of a message of so many octets. */
export function prefix(octets: number): Buffer {
  const buffer = Buffer.alloc(5);
  buffer.writeUInt32BE(octets, 1);
  return buffer;
}

const stream32 = (value: number) => {
  const octets = Buffer.alloc(4);
  octets.writeUInt32BE(value);
  return octets;
};

/** Floods, by kind: the n-th piece of each. They are what CVE-2019-9511 to 9518, CVE-2023-44487 and others did. */
export const FLOODS: Readonly<Record<string, (n: number) => Buffer>> = {
  ping: () => frame(PING, 0, 0, Buffer.alloc(8)),
  settings: () => frame(SETTINGS, 0, 0, Buffer.from([0, 3, 0, 0, 0, 100])),
  'settings acknowledgements': () => frame(SETTINGS, 1, 0),
  'window updates': () => frame(WINDOW_UPDATE, 0, 0, stream32(1)),
  priority: (n) => frame(PRIORITY, 0, 2 * n + 1, Buffer.from([0, 0, 0, 0, 16])),
  'unknown frames': () => frame(0xee, 0, 0, Buffer.alloc(64)),
  'rapid reset': (n) =>
    Buffer.concat([openStream(2 * n + 1), frame(RST_STREAM, 0, 2 * n + 1, stream32(CANCEL))]),
  'rapid reset, with NO_ERROR': (n) =>
    Buffer.concat([openStream(2 * n + 1), frame(RST_STREAM, 0, 2 * n + 1, stream32(0))]),
  'headers without end': (n) =>
    n === 0
      ? frame(HEADERS, 0, 1, headerBlock(GRPC_HEADERS))
      : frame(CONTINUATION, 0, 1, headerBlock({ [`x-${n}`]: 'y' })),
  'empty data': (n) => (n === 0 ? openStream(1) : frame(DATA, 0, 1)),
  'data in single octets': (n) =>
    n === 0
      ? Buffer.concat([openStream(1), frame(DATA, 0, 1, prefix(4 << 20))])
      : frame(DATA, 0, 1, Buffer.of(1)),
  'padding alone': (n) =>
    n === 0
      ? Buffer.concat([openStream(1), frame(DATA, 0, 1, prefix(4 << 20))])
      : frame(DATA, 8, 1, Buffer.concat([Buffer.of(255), Buffer.alloc(255)])),
};

export interface RawFrame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

/** The whole frames that octets begin with; a part of one at the end is left out. */
export function parseFrames(octets: Buffer): RawFrame[] {
  const frames: RawFrame[] = [];
  for (let at = 0; at + 9 <= octets.length; ) {
    const end = at + 9 + octets.readUIntBE(at, 3);
    if (end > octets.length) break;
    frames.push({
      type: octets[at + 3]!,
      flags: octets[at + 4]!,
      stream: octets.readUInt32BE(at + 5),
      payload: octets.subarray(at + 9, end),
    });
    at = end;
  }
  return frames;
}

/** The value of a setting in the payload of a SETTINGS frame; undefined: it is not in there. */
export function settingOf({ payload }: RawFrame, identifier: number): number | undefined {
  for (let at = 0; at < payload.length; at += 6) {
    if (payload.readUInt16BE(at) === identifier) return payload.readUInt32BE(at + 2);
  }
  return undefined;
}

export interface RawClient {
  readonly socket: Socket;
  readonly closed: Promise<void>;
  /** Octets that came. */
  received: number;
  /** Resolves when the octets are out of our hands, or the connection has ended. */
  send(octets: Uint8Array): Promise<void>;
}

export interface RawOptions {
  readonly port: number;
  readonly host?: string;
  /** Where it comes from. */
  readonly from?: string;
  /** Absent: plaintext. */
  readonly tls?: TlsMaterial;
  /** Absent: read. */
  readonly reads?: boolean;
}

/** A connection that is up; resolves also when it was refused. */
export function rawClient({
  port,
  host = '127.0.0.1',
  from,
  tls,
  reads = true,
}: RawOptions): Promise<RawClient> {
  const tcp = connect({ port, host, ...(from === undefined ? {} : { localAddress: from }) });
  tcp.on('error', () => {});
  const socket: Socket =
    tls === undefined
      ? tcp
      : connectTls({
          socket: tcp,
          ca: tls.caPem,
          cert: tls.certificatePem,
          key: tls.keyPem,
          ALPNProtocols: ['h2'],
          checkServerIdentity: () => undefined,
        });
  socket.on('error', () => {});
  const closed = new Promise<void>((resolve) => tcp.once('close', () => resolve()));
  const client: RawClient = {
    socket,
    closed,
    received: 0,
    send: (octets) =>
      new Promise((resolve) => {
        if (tcp.destroyed) return resolve();
        void closed.then(() => resolve());
        socket.write(octets, () => resolve());
      }),
  };
  if (reads) {
    socket.on('data', (octets: Buffer) => {
      client.received += octets.length;
    });
  }
  return new Promise((resolve) => {
    socket.once(tls === undefined ? 'connect' : 'secureConnect', () => resolve(client));
    void closed.then(() => resolve(client));
  });
}

/** HTTP/2's beginning. */
export const HELLO = Buffer.concat([PREFACE, frame(SETTINGS, 0, 0)]);
