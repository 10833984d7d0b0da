/** Questions of peers about packets between us: what they get, and what they do not. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { COMPARISONS_BURST } from '../../../../src/gateway/diagnosis/peer-comparison.js';
import {
  type ComparedPair,
  decodeCompared,
  decodeComparison,
  encodeCompared,
  encodeComparison,
  PAIRS_COMPARED_MAX,
} from '../../../../src/gateway/rpc/comparison-messages.js';
import { RpcError } from '../../../../src/gateway/rpc/transport.js';
import { TestNetwork, vip } from '../../../support/gateways.js';

let net: TestNetwork;
beforeEach(() => {
  net = new TestNetwork();
});
afterEach(() => net.stopAll());

const service = (number: number) => ({ host: `10.0.0.${number}` as never, port: 3000 });
const pair = (sender: number, receiver: number): ComparedPair => ({
  sender: vip(sender),
  receiver: vip(receiver),
});
const codeOf = (error: unknown) => (error instanceof RpcError ? error.code : error);

/** What node 1 says to node `by`. */
async function ask(by: number, pairs: readonly ComparedPair[]) {
  const transport = net.network.transport({ ...service(by), port: 3999 }, [
    { type: 'ip', value: service(by).host },
  ]);
  const asked = transport
    .call(service(1), 'Compare', encodeComparison({ servicePort: 3000, pairs }), { deadlineMs: 1000 })
    .then((answer) => decodeCompared(answer, pairs.length), codeOf);
  await net.run(20);
  return asked;
}

test('a peer is told of its own pairs, and of nobody else’s', async () => {
  const a = await net.start(1, [2, 3]);
  await net.start(2, [1]);
  await net.start(3, [1]);
  for (const peer of [2, 3]) net.send(a, peer, [1, 2, 3]);
  await net.run(2000);
  const answer = await ask(2, [pair(2, 1), pair(3, 1), pair(2, 9)]);
  expect(answer).toMatchObject({
    mode: 'tunnel',
    uses: [
      { outPackets: 3, inPackets: 0 },
      { outPackets: 0, epoch: '', countsOut: false, countsIn: false },
      { outPackets: 0, epoch: '', countsOut: false, countsIn: false },
    ],
  });
  expect(await ask(9, [pair(9, 1)])).toBe('PERMISSION_DENIED');
});

test('so many questions are answered at once, and two a second', async () => {
  await net.start(1, [2]);
  const answers: unknown[] = [];
  for (let i = 0; i < COMPARISONS_BURST + 1; i++) answers.push(await ask(2, []));
  expect(answers.filter((one) => one === 'RESOURCE_EXHAUSTED')).toHaveLength(1);
  expect(answers.at(-1)).toBe('RESOURCE_EXHAUSTED');
  await net.run(500);
  expect(await ask(2, [])).toMatchObject({ uses: [] });
});

test('messages have at most so many pairs, addresses in them, and an answer for each', () => {
  const many = Array.from({ length: PAIRS_COMPARED_MAX }, () => pair(1, 2));
  expect(decodeComparison(encodeComparison({ servicePort: 7, pairs: many }))).toEqual({
    servicePort: 7,
    pairs: many,
  });
  const tooMany = encodeComparison({ servicePort: 7, pairs: [...many, pair(1, 2)] });
  expect(() => decodeComparison(tooMany)).toThrow(/more than 16/);
  const wrong = { sender: 'x'.repeat(100) as never, receiver: vip(1) };
  expect(() => decodeComparison(encodeComparison({ servicePort: 7, pairs: [wrong] }))).toThrow(
    /virt_src_ip: no address/,
  );
  expect(() => decodeComparison(Uint8Array.from([0xff]))).toThrow(/not a Comparison/);
  const use = { spis: [1, 0xffff_ffff], outPackets: 2 ** 40, outOctets: 1, inPackets: 2, inOctets: 3 };
  const answer = encodeCompared(1.6, 'transport', [use]);
  const { spis: _, ...counts } = use;
  expect(decodeCompared(answer, 1)).toEqual({
    nowMs: 2,
    mode: 'transport',
    uses: [{ ...counts, epoch: '1,4294967295', countsOut: true, countsIn: true }],
  });
  expect(() => decodeCompared(answer, 2)).toThrow(/1 for 2 pairs/);
});
