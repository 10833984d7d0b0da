import { describe, expect, test } from 'vitest';
import type { GatewayEvent } from '../../../src/gateway/events.js';
import { parseIp } from '../../../src/packet/address.js';
import { sequenceMermaid, stepOf } from '../../../src/topology/sequence.js';

const NAMES = {
  peer: (text: string) => ({ '10.0.0.2:3000': 'h2' })[text] ?? text,
  workload: (ip: string) => ({ '192.168.1.1': 'v1' })[ip] ?? ip,
};
const PAIR = { localVip: parseIp('192.168.1.1'), remoteVip: parseIp('192.168.1.2') };
const PEER = '10.0.0.2:3000';
const step = (event: GatewayEvent) => stepOf('h1', event, NAMES);

describe('events are steps between those whom they concern', () => {
  test.each<[GatewayEvent, string, string, string]>([
    [
      { type: 'miss', waiting: 1, ...PAIR },
      'v1',
      'h1',
      'packet to 192.168.1.2 misses the egress ACL, is kept',
    ],
    [
      { type: 'ingress-opened', spi: 0xabc, ...PAIR },
      'h1',
      'h1',
      'SPI 0x00000abc and key derived, ingress ACL open for 192.168.1.2',
    ],
    [
      { type: 'request-sent', peer: PEER, tunnels: 1, method: 'M' },
      'h1',
      'h2',
      'M: 1 tunnel, with keys for the way back',
    ],
    [
      { type: 'request-sent', peer: PEER, tunnels: 3, method: 'M' },
      'h1',
      'h2',
      'M: 3 tunnels, with keys for the way back',
    ],
    [{ type: 'request-failed', peer: PEER, reason: 'late' }, 'h1', 'h1', 'request to h2 failed: late'],
    [{ type: 'request-granted', from: PEER, tunnels: 1 }, 'h1', 'h2', 'answer: SPIs and keys'],
    [
      { type: 'egress-installed', spi: 0xffff_fffe, cryptoId: 7, ...PAIR },
      'h1',
      'h1',
      'egress flow to 192.168.1.2: SPI 0xfffffffe, key slot 7',
    ],
    [{ type: 'resubmitted', packets: 1, ...PAIR }, 'h1', 'h1', '1 kept packet sent again, leave encrypted'],
    [{ type: 'resubmitted', packets: 2, ...PAIR }, 'h1', 'h1', '2 kept packets sent again, leave encrypted'],
    [{ type: 'rotated', rotations: 4, spisGiven: 9 }, 'h1', 'h1', 'master key rotated, rotation 4'],
    [{ type: 'spi-closed', spi: 1, ...PAIR }, 'h1', 'h1', 'SPI 0x00000001 closed for 192.168.1.2'],
  ])('%j', (event, from, to, text) => {
    expect(step(event)).toEqual({ from, to, text });
  });

  test.each<GatewayEvent>([
    { type: 'request-answered', peer: PEER, tunnels: 1 },
    { type: 'request-received', from: PEER, tunnels: 1 },
    { type: 'static-tunnels-up', tunnels: 3 },
    { type: 'session-removed', peer: PEER, ...PAIR },
  ])('%j is told by another one', (event) => {
    expect(step(event)).toBeUndefined();
  });

  test('whose name is not known stands there by the address', () => {
    expect(step({ type: 'request-granted', from: '10.0.0.9:1', tunnels: 1 })!.to).toBe('10.0.0.9:1');
  });
});

describe('the diagram', () => {
  const STEPS = [
    { atMs: 0, from: 'v1', to: 'h1', text: 'one' },
    { atMs: 1.23456, from: 'h1', to: 'h2', text: 'two; #3\nfour' },
    { atMs: 2, from: 'h2', to: 'h1', text: 'three' },
  ];

  test('names everybody once, in the order in which they come, and then has a line per step with its time', () => {
    expect(sequenceMermaid(STEPS)).toBe(
      [
        'sequenceDiagram',
        '  participant v1',
        '  participant h1',
        '  participant h2',
        '  v1->>h1: one (0.000 ms)',
        '  h1->>h2: two, ,3 four (1.235 ms)',
        '  h2->>h1: three (2.000 ms)',
        '',
      ].join('\n'),
    );
  });

  test('says how many steps are not drawn', () => {
    expect(sequenceMermaid(STEPS.slice(0, 1), 12).split('\n').at(-2)).toBe('  %% 12 more steps');
    expect(sequenceMermaid([])).toBe('sequenceDiagram\n\n');
  });
});
