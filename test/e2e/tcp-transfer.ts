/** Octets over TCP from one workload of a World to another; what arrives must be what was sent. */
import { expect } from 'vitest';
import type { World } from './namespaces.js';

const RECEIVER = `
  const hash = require('node:crypto').createHash('sha256');
  const server = require('node:net').createServer((socket) => {
    socket.on('data', (octets) => hash.update(octets));
    socket.on('end', () => { console.log('sha256 ' + hash.digest('hex')); socket.end(); server.close(); });
  });
  server.listen(5000, '::', () => console.log('ready'));`;
const senderOf = (octets: number) => `
  const { createHash, randomBytes } = require('node:crypto');
  const octets = randomBytes(${octets});
  console.log('sha256 ' + createHash('sha256').update(octets).digest('hex'));
  require('node:net').connect(5000, process.argv[1]).on('close', (failed) => process.exit(failed ? 1 : 0)).resume().end(octets);`;

export async function transfer(
  world: World,
  family: 'vip4' | 'vip6',
  from: number,
  to: number,
  octets: number,
): Promise<void> {
  const [one, two] = [world.sides[from]!, world.sides[to]!];
  const receiver = world.start(two.workload, [process.execPath, '-e', RECEIVER]);
  await receiver.says(/ready/);
  const sent = await world.run(one.workload, [process.execPath, '-e', senderOf(octets), two[family]]);
  expect(await receiver.ended).toBe(0);
  expect(sent).toMatch(/^sha256 [0-9a-f]{64}\n$/);
  expect(receiver.out).toBe(`ready\n${sent}`);
}
