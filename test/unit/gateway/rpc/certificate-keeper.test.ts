/** What a gateway says of its own certificates while time goes by. */
import { afterEach, describe, expect, test } from 'vitest';
import { createVirtualClock, type VirtualClock } from '../../../../src/base/virtual-clock.js';
import type { GatewayEvent } from '../../../../src/gateway/events.js';
import { CertificateKeeper } from '../../../../src/gateway/rpc/certificate-keeper.js';
import { DAY_MS } from '../../../../src/gateway/rpc/certificate-status.js';
import { createThrowAwayAuthority } from '../../../../src/gateway/rpc/certificates.js';
import { type IpAddress, parseIp } from '../../../../src/packet/address.js';

const A: IpAddress = parseIp('192.0.2.1');
const FILES = { caPath: 'ca.pem', certificatePath: 'a.pem', keyPath: 'a.key' };
/** Ends of certificates are whole seconds. */
const NOW = Math.floor(Date.now() / 1000) * 1000;

let keepers: CertificateKeeper[] = [];
afterEach(() => {
  for (const one of keepers) one.stop();
  keepers = [];
});

/** An authority for 100 days, and a certificate of it that lives for `lifeMs` from now on. */
async function material(lifeMs: number) {
  const authority = await createThrowAwayAuthority(100);
  const end = new Date(NOW + lifeMs);
  return { caPem: authority.caPem, ...(await authority.issue({ commonName: 'a', ips: [A], notAfter: end })) };
}

async function open(lifeMs: number) {
  const clock: VirtualClock = createVirtualClock(NOW);
  const events: GatewayEvent[] = [];
  const keeper = new CertificateKeeper({
    clock,
    observe: (event) => events.push(event),
    source: { files: FILES, material: await material(lifeMs) },
  });
  keepers.push(keeper);
  return { clock, keeper, events, taken: () => events.splice(0) };
}

describe('a certificate of ours', () => {
  test('is shown with its names and its end, and its state as it is at that moment', async () => {
    const { keeper, clock } = await open(20 * DAY_MS);
    const [own, authority, ...others] = keeper.view().certificates;
    expect(others).toEqual([]);
    expect(own).toMatchObject({
      role: 'own',
      path: 'a.pem',
      subject: 'CN=a',
      issuer: 'CN=psp-gateway throw-away authority',
      names: 'IP Address:192.0.2.1',
      notAfterMs: NOW + 20 * DAY_MS,
      state: 'valid',
    });
    expect(authority).toMatchObject({ role: 'authority', path: 'ca.pem', state: 'valid', names: '' });
    const states = async (ms: number) => {
      await clock.advance(ms);
      return keeper.view().certificates.map(({ state }) => state);
    };
    expect(await states(6 * DAY_MS - 1)).toEqual(['valid', 'valid']);
    expect(await states(1)).toEqual(['expires-soon', 'valid']);
    expect(await states(14 * DAY_MS)).toEqual(['expires-soon', 'valid']);
    expect(await states(1)).toEqual(['expired', 'valid']);
  });

  test('is told to end from 14 days before on, once a day, and to have ended when it has', async () => {
    const { keeper, clock, taken } = await open(16 * DAY_MS);
    const about = {
      role: 'own',
      path: 'a.pem',
      subject: 'CN=a',
      notAfter: new Date(NOW + 16 * DAY_MS).toISOString(),
    };
    keeper.start();
    await clock.advance(2 * DAY_MS - 1);
    expect(taken()).toEqual([]);
    await clock.advance(1);
    expect(taken()).toEqual([{ type: 'certificate-expires', days: 14, ...about }]);
    await clock.advance(DAY_MS - 1);
    expect(taken()).toEqual([]);
    await clock.advance(1);
    expect(taken()).toEqual([{ type: 'certificate-expires', days: 13, ...about }]);
    await clock.advance(13 * DAY_MS);
    expect(taken().map(({ type }) => type)).toEqual(Array(13).fill('certificate-expires'));
    await clock.advance(1);
    expect(taken()).toEqual([{ type: 'certificate-expired', ...about }]);
    await clock.advance(DAY_MS);
    expect(taken()).toEqual([{ type: 'certificate-expired', ...about }]);
  });

  test('is told at once by a gateway that starts in its last days, and not any more by one that stops', async () => {
    const { keeper, clock, taken } = await open(DAY_MS / 2);
    keeper.start();
    expect(taken()).toMatchObject([{ type: 'certificate-expires', days: 0 }]);
    keeper.stop();
    await clock.advance(3 * DAY_MS);
    expect(taken()).toEqual([]);
  });
});
