/** The order of the installer's steps. */
import { beforeEach, expect, test } from 'vitest';
import type { Offer } from '../../../../src/gateway/sessions/ingress-spis.js';
import type { Session } from '../../../../src/gateway/sessions/session.js';
import { A, B, InstallerWorld, want } from '../../../support/installer-world.js';

let world: InstallerWorld;
beforeEach(() => {
  world = new InstallerWorld();
});

test('what concerns several peers waits for its turn like one of them', async () => {
  const installer = world.open();
  const sessions = await installer.open([want(1, A), want(2, B)]);
  const offers = await installer.offer(sessions, 0);
  const done: string[] = [];
  const close = (some: readonly Offer[], name: string) =>
    installer.close(some).finally(() => done.push(name));
  void close(offers.slice(0, 1), 'a1');
  void close(offers.slice(0, 1), 'a2');
  void close(offers, 'both');
  void close(offers.slice(1), 'b');
  void installer.remove(sessions.slice(0, 1)).finally(() => done.push('a3'));
  void close([], 'none');
  await installer.settled();
  expect(done).toEqual(['a1', 'both', 'b', 'a2', 'none', 'a3']);
});

test('steps of one peer follow each other, other peers take turns, and all are waited for', async () => {
  const installer = world.open();
  const done: string[] = [];
  const offer = (sessions: readonly Session[], name: string): Promise<Offer[]> =>
    installer.offer(sessions, 0).finally(() => done.push(name));
  const sessions = await installer.open([want(1, A), want(2, B)]);
  const [a, b] = [sessions.slice(0, 1), sessions.slice(1)];
  void offer(a, 'a1');
  void offer(a, 'a2');
  void offer(a, 'a3');
  void offer(b, 'b1');
  await installer.settled();
  expect(done).toEqual(['a1', 'b1', 'a2', 'a3']);
});
