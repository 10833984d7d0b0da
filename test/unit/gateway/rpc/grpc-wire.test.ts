/** gRPC's own octets, as the project's documents have them: messages with their prefix, deadlines, texts, paths and codes. */
import { describe, expect, test } from 'vitest';
import {
  codeOfStatus,
  methodOfPath,
  methodPath,
  statusOfCode,
} from '../../../../src/gateway/rpc/grpc-service.js';
import {
  CONTENT_TYPE,
  decodeDetails,
  encodeDetails,
  framed,
  MessageReader,
  parseTimeout,
  timeoutText,
} from '../../../../src/gateway/rpc/grpc-wire.js';

describe('a message', () => {
  const MAX = 300;

  /** What comes of octets in pieces of a size, and how much room was asked for. */
  function read(octets: Uint8Array, pieceOctets: number, hasRoom = true) {
    const asked: number[] = [];
    const reader = new MessageReader(MAX, (length) => {
      asked.push(length);
      return hasRoom;
    });
    const chunks: Uint8Array[] = [];
    let result: unknown;
    try {
      for (let at = 0; at < octets.length; at += pieceOctets) {
        const chunk = octets.slice(at, at + pieceOctets);
        chunks.push(chunk);
        reader.write(chunk);
      }
      result = [...reader.finish()];
    } catch (error) {
      result = (error as Error).message;
    }
    return { result, asked, chunks, reader };
  }

  test('stands behind five octets, which say that it is not compressed, and how long it is', () => {
    expect(CONTENT_TYPE).toBe('application/grpc+proto');
    expect([...framed(Uint8Array.of(7, 8))]).toEqual([0, 0, 0, 0, 2, 7, 8]);
    expect([...framed(new Uint8Array(0x1234)).subarray(0, 5)]).toEqual([0, 0, 0, 0x12, 0x34]);
    expect([...framed(new Uint8Array(0))]).toEqual([0, 0, 0, 0, 0]);
  });

  test.each([1, 2, 4, 5, 6, 7, 100, 1000])(
    'comes out whole of pieces of %i octets, for room that is asked once',
    (size) => {
      for (const length of [0, 1, 10, MAX]) {
        const message = Uint8Array.from({ length }, (_, i) => i + 1);
        const { result, asked, reader } = read(framed(message), size);
        expect(result).toEqual([...message]);
        expect([asked, reader.reserved]).toEqual([[length], length]);
      }
    },
  );

  test('leaves nothing of itself in what it came in, and nothing at all when it is wiped', () => {
    const { chunks, reader } = read(framed(Uint8Array.of(1, 2, 3, 4)), 7);
    expect(chunks.map((chunk) => [...chunk])).toEqual([Array(7).fill(0), [0, 0]]);
    reader.wipe();
    expect([...reader.finish()]).toEqual([0, 0, 0, 0]);
    const none = new MessageReader(MAX, () => true);
    expect(none.reserved).toBe(0);
    expect(() => none.wipe()).not.toThrow();
  });

  test.each<[string, number[], string]>([
    ['is compressed', [1, 0, 0, 0, 1, 9], 'UNIMPLEMENTED: compressed messages are not understood'],
    ['is too large', [0, 0, 0, 1, 45], 'RESOURCE_EXHAUSTED: a message of 301 octets; at most 300 are taken'],
    ['ends early', [0, 0, 0, 0, 2, 9], 'INTERNAL: the stream ended before its message did'],
    ['ends within its prefix', [0, 0, 0, 0], 'INTERNAL: the stream ended before its message did'],
    ['is none', [], 'INTERNAL: the stream ended before its message did'],
    [
      'is followed by more',
      [0, 0, 0, 0, 1, 9, 9],
      'INTERNAL: more octets than the one message of a unary call',
    ],
    [
      'is followed by another',
      [0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
      'INTERNAL: more octets than the one message of a unary call',
    ],
  ])('that %s is refused', (_, octets, problem) => {
    for (const size of [1, 5, 100]) expect(read(Uint8Array.from(octets), size).result).toBe(problem);
  });

  test('for which there is no room is refused', () => {
    expect(read(framed(Uint8Array.of(1)), 100, false).result).toBe(
      'RESOURCE_EXHAUSTED: too many octets of messages are under way; try again later',
    );
  });
});

describe('a deadline', () => {
  test('is written in milliseconds, at least one, and in seconds where eight digits are not enough', () => {
    expect([0, 0.2, 1, 1.5, 5000, 99_999_999, 100_000_000, 100_000_001].map(timeoutText)).toEqual([
      '1m',
      '1m',
      '1m',
      '2m',
      '5000m',
      '99999999m',
      '100000S',
      '100001S',
    ]);
  });

  test('is read in every unit', () => {
    expect(['2H', '2M', '2S', '2m', '2000u', '2000000n', '00000002S', '0m'].map(parseTimeout)).toEqual([
      7_200_000, 120_000, 2000, 2, 2, 2, 2000, 0,
    ]);
    for (const text of ['', 'S', '1', '1s', '1 S', '-1S', '1.5S', '123456789m', '1mm', 'x1m', '1m\n'])
      expect(parseTimeout(text), text).toBeUndefined();
  });
});

describe('the text of a status', () => {
  test('is percent-encoded UTF-8 on the wire, and comes back', () => {
    expect(encodeDetails('a b~%\n\u007fé€')).toBe('a b~%25%0A%7F%C3%A9%E2%82%AC');
    for (const text of ['', 'plain', '100 %', 'é€😀', ' ~'])
      expect(decodeDetails(encodeDetails(text))).toBe(text);
  });

  test('is bounded either way, and has nothing that would disturb a log', () => {
    expect(encodeDetails('x'.repeat(600))).toBe('x'.repeat(512));
    expect(decodeDetails('x'.repeat(600))).toBe('x'.repeat(512));
    expect(decodeDetails('%41'.repeat(600))).toBe('A'.repeat(512));
    expect(decodeDetails('a%0Ab%7Fc%C2%85d%E2%80%A8e\u0000f')).toBe('a b c d e f');
  });

  test('that is not encoded as it should be is read as far as it can', () => {
    expect(decodeDetails('50% of %4 %zz %')).toBe('50% of %4 %zz %');
    expect(decodeDetails('%4a%4A')).toBe('JJ');
    expect(decodeDetails('%%41')).toBe('%A');
  });
});

test('each RPC has its path, and no other path has one', () => {
  const paths = {
    RequestMultipleTunnelParams: '/psp_gateway.PSP_Gateway/RequestMultipleTunnelParams',
    RequestTunnelParams: '/psp_gateway.PSP_Gateway/RequestTunnelParams',
    RequestKeyRotation: '/psp_gateway.PSP_Gateway/RequestKeyRotation',
    SetOpState: '/psp_gateway.PSP_Gateway/SetOpState',
    GetOpState: '/psp_gateway.PSP_Gateway/GetOpState',
    Announce: '/psp_gateway_peer.PSP_Gateway_Peer/Announce',
  } as const;
  for (const [method, path] of Object.entries(paths)) {
    expect(methodPath(method as keyof typeof paths)).toBe(path);
    expect(methodOfPath(path)).toBe(method);
  }
  for (const path of [undefined, '', '/', '/psp_gateway.PSP_Gateway/Announce', 'Announce', '/x/SetOpState'])
    expect(methodOfPath(path)).toBeUndefined();
});

test('each code has the number of gRPC, and other numbers are UNKNOWN', () => {
  const codes = [
    ['CANCELLED', 1],
    ['UNKNOWN', 2],
    ['INVALID_ARGUMENT', 3],
    ['DEADLINE_EXCEEDED', 4],
    ['NOT_FOUND', 5],
    ['ALREADY_EXISTS', 6],
    ['PERMISSION_DENIED', 7],
    ['RESOURCE_EXHAUSTED', 8],
    ['FAILED_PRECONDITION', 9],
    ['ABORTED', 10],
    ['UNIMPLEMENTED', 12],
    ['INTERNAL', 13],
    ['UNAVAILABLE', 14],
    ['UNAUTHENTICATED', 16],
  ] as const;
  for (const [code, number] of codes)
    expect([statusOfCode(code), codeOfStatus(number)]).toEqual([number, code]);
  expect([0, 11, 15, 17, -1, Number.NaN].map(codeOfStatus)).toEqual(Array(6).fill('UNKNOWN'));
});
