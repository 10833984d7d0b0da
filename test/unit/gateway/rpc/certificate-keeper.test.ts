/** What a gateway says of its own certificates while time goes by. */
import { afterEach, describe, expect, test } from 'vitest';
import { createVirtualClock, type VirtualClock } from '../../../../src/base/virtual-clock.js';
import type { GatewayEvent } from '../../../../src/gateway/events.js';
import {
  CertificateKeeper,
  LOOK_INTERVAL_MS,
  RETRY_INTERVAL_MS,
} from '../../../../src/gateway/rpc/certificate-keeper.js';
import { DAY_MS } from '../../../../src/gateway/rpc/certificate-status.js';
import { createThrowAwayAuthority } from '../../../../src/gateway/rpc/certificates.js';
import { TlsFilesError } from '../../../../src/gateway/rpc/grpc-tls.js';
import type { TlsMaterial } from '../../../../src/gateway/rpc/transport.js';
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
  const first = await material(lifeMs);
  /** The files: what is in them, and what `stamps` says of them. */
  const disk = {
    now: first as TlsMaterial | Error,
    text: '1',
    special: undefined as string | undefined,
    reads: 0,
  };
  const reloads: { tls: TlsMaterial; endConnections: boolean }[] = [];
  const keeper = new CertificateKeeper({
    clock,
    observe: (event) => events.push(event),
    source: {
      files: FILES,
      material: first,
      stamps: async () => ({ text: disk.text, special: disk.special }),
      read() {
        disk.reads++;
        if (disk.now instanceof Error) throw disk.now;
        return disk.now;
      },
    },
    reload: (tls, { endConnections }) => {
      if (tls.keyPem === 'unusable') throw new Error('no key');
      reloads.push({ tls, endConnections });
    },
  });
  keepers.push(keeper);
  return { clock, keeper, first, disk, events, taken: () => events.splice(0), reloads };
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

describe('files that change', () => {
  /** Another certificate of the same authority would need its key: an own one beside the old one does as well. */
  async function renewed(first: TlsMaterial, lifeMs = 50 * DAY_MS): Promise<TlsMaterial> {
    const next = await material(lifeMs);
    return { ...next, caPem: first.caPem + next.caPem };
  }

  test('are taken when two looks have found the same, and read no more after that', async () => {
    const { keeper, clock, first, disk, taken, reloads } = await open(30 * DAY_MS);
    keeper.start();
    await clock.advance(10 * LOOK_INTERVAL_MS);
    // Once, since they may have changed between the start and the first look.
    expect({ reads: disk.reads, reloads, events: taken() }).toEqual({ reads: 1, reloads: [], events: [] });
    const next = await renewed(first);
    Object.assign(disk, { now: next, text: '2' });
    await clock.advance(LOOK_INTERVAL_MS);
    expect(reloads).toEqual([]);
    await clock.advance(LOOK_INTERVAL_MS);
    expect(reloads).toEqual([{ tls: next, endConnections: false }]);
    expect(taken()).toEqual([
      {
        type: 'certificates-reloaded',
        subject: 'CN=a',
        notAfter: new Date(NOW + 50 * DAY_MS).toISOString(),
        authorities: 2,
        endsConnections: false,
      },
    ]);
    expect(keeper.view()).toMatchObject({ reloads: 1, refusals: 0, problem: undefined });
    expect(keeper.view().certificates.map(({ role }) => role)).toEqual(['own', 'authority', 'authority']);
    await clock.advance(10 * LOOK_INTERVAL_MS);
    expect(disk.reads).toBe(2);
  });

  test('that change at each look are not read before they stand still', async () => {
    const { keeper, clock, first, disk, reloads } = await open(30 * DAY_MS);
    keeper.start();
    await clock.advance(2 * LOOK_INTERVAL_MS);
    const next = await renewed(first);
    disk.now = next;
    for (let i = 0; i < 20; i++) {
      disk.text = `half ${i}`;
      await clock.advance(LOOK_INTERVAL_MS);
    }
    expect([disk.reads, reloads.length]).toEqual([1, 0]);
    await clock.advance(LOOK_INTERVAL_MS);
    expect(reloads.map(({ tls }) => tls)).toEqual([next]);
  });

  test('while they are read count neither as good nor as bad', async () => {
    const { keeper, clock, first, disk, taken, reloads } = await open(30 * DAY_MS);
    keeper.start();
    await clock.advance(2 * LOOK_INTERVAL_MS);
    const next = await renewed(first);
    let reading: TlsMaterial | Error = next;
    Object.defineProperty(disk, 'now', {
      get() {
        disk.text += '+';
        return reading;
      },
    });
    disk.text = '2';
    await clock.advance(2 * LOOK_INTERVAL_MS);
    expect(disk.reads).toBe(2);
    reading = new Error('half');
    await clock.advance(2 * LOOK_INTERVAL_MS);
    expect(disk.reads).toBe(3);
    expect([reloads, taken(), keeper.view().problem]).toEqual([[], [], undefined]);
  });

  test('that cannot be used are told once a day, and tried again and again', async () => {
    const { keeper, clock, first, disk, taken, reloads } = await open(30 * DAY_MS);
    keeper.start();
    await clock.advance(2 * LOOK_INTERVAL_MS);
    const wrong = new TlsFilesError([
      { what: 'key', reason: 'a.key: not the key' },
      { what: 'authority', reason: 'ca.pem: expired' },
    ]);
    Object.assign(disk, { now: wrong, text: '2' });
    await clock.advance(2 * LOOK_INTERVAL_MS);
    const refused = {
      type: 'certificates-refused',
      reason: 'key a.key: not the key; authority ca.pem: expired',
    };
    expect(taken()).toEqual([refused]);
    expect(keeper.view()).toMatchObject({ problem: refused.reason, refusals: 1, reloads: 0 });
    const before = disk.reads;
    await clock.advance(10 * (RETRY_INTERVAL_MS + LOOK_INTERVAL_MS));
    expect(disk.reads - before).toBeGreaterThanOrEqual(10);
    expect(taken()).toEqual([]);
    await clock.advance(DAY_MS);
    expect(taken()).toEqual([refused]);
    // The same files are no news, even where there is another reason, such as one with the time in it.
    disk.now = new Error('at another time');
    await clock.advance(RETRY_INTERVAL_MS + LOOK_INTERVAL_MS);
    expect([taken(), keeper.view().problem]).toEqual([[], 'at another time']);
    // Other files are; what OpenSSL does not take is a reason, too.
    Object.assign(disk, { now: { ...first, keyPem: 'unusable' }, text: '3' });
    await clock.advance(2 * LOOK_INTERVAL_MS);
    expect(taken()).toEqual([{ type: 'certificates-refused', reason: 'no key' }]);
    expect(reloads).toEqual([]);
    // Nobody has touched the files: only their time had not come yet.
    disk.now = await renewed(first);
    await clock.advance(RETRY_INTERVAL_MS + LOOK_INTERVAL_MS);
    expect(taken()).toMatchObject([{ type: 'certificates-reloaded' }]);
    expect(keeper.view()).toMatchObject({ problem: undefined, refusals: 2, reloads: 1 });
  });

  test('back to what is in use are no news, and no problem any more', async () => {
    const { keeper, clock, first, disk, taken, reloads } = await open(30 * DAY_MS);
    keeper.start();
    Object.assign(disk, { now: new Error('gone'), text: 'ENOENT' });
    await clock.advance(2 * LOOK_INTERVAL_MS);
    expect(taken()).toHaveLength(1);
    Object.assign(disk, { now: { ...first }, text: '3' });
    await clock.advance(2 * LOOK_INTERVAL_MS);
    expect([taken(), reloads, keeper.view().problem]).toEqual([[], [], undefined]);
  });

  test('that take an authority away end the connections, and so does the end of an authority', async () => {
    const { keeper, clock, first, disk, taken, reloads } = await open(30 * DAY_MS);
    keeper.start();
    const next = await material(120 * DAY_MS);
    Object.assign(disk, { now: { ...next, caPem: first.caPem + next.caPem }, text: '2' });
    await clock.advance(2 * LOOK_INTERVAL_MS);
    Object.assign(disk, { now: next, text: '3' });
    await clock.advance(2 * LOOK_INTERVAL_MS);
    expect(reloads.map(({ endConnections }) => endConnections)).toEqual([false, true]);
    expect(taken()).toMatchObject([{ endsConnections: false }, { endsConnections: true }]);
    const end = keeper.view().certificates.at(-1)!.notAfterMs;
    await clock.advance(end - clock.nowMs());
    expect(reloads).toHaveLength(2);
    await clock.advance(1);
    expect(reloads.slice(2)).toEqual([{ tls: next, endConnections: true }]);
    await clock.advance(2 * DAY_MS);
    expect(reloads).toHaveLength(3);
  });

  test('are taken, and told, where the certificate is of none of the authorities', async () => {
    const { keeper, clock, first, disk, reloads, taken } = await open(30 * DAY_MS);
    keeper.start();
    await clock.advance(2 * LOOK_INTERVAL_MS);
    expect(taken()).toEqual([]);
    const other = await material(30 * DAY_MS);
    Object.assign(disk, { now: { ...first, caPem: other.caPem }, text: '2' });
    await clock.advance(2 * LOOK_INTERVAL_MS);
    const told = {
      type: 'certificate-of-other-authority',
      path: 'a.pem',
      issuer: 'CN=psp-gateway throw-away authority',
      authorities: 'ca.pem',
    };
    expect(taken()).toEqual([expect.objectContaining({ type: 'certificates-reloaded' }), told]);
    Object.assign(disk, { now: { ...first, caPem: `${other.caPem}${first.caPem}` }, text: '3' });
    await clock.advance(2 * LOOK_INTERVAL_MS);
    expect(taken()).toEqual([expect.objectContaining({ type: 'certificates-reloaded' })]);
    expect(reloads).toHaveLength(2);
  });

  test('are left alone where one is a pipe from the start, and are a problem where one becomes a pipe', async () => {
    const piped = await open(30 * DAY_MS);
    piped.disk.special = '/dev/fd/63';
    piped.keeper.start();
    await piped.clock.advance(20 * LOOK_INTERVAL_MS);
    expect(piped.disk.reads).toBe(0);
    expect(piped.taken()).toEqual([{ type: 'certificates-not-watched', path: '/dev/fd/63' }]);
    const { keeper, clock, disk, taken } = await open(30 * DAY_MS);
    keeper.start();
    await clock.advance(2 * LOOK_INTERVAL_MS);
    Object.assign(disk, { special: 'a.key', text: '2' });
    await clock.advance(20 * LOOK_INTERVAL_MS);
    expect(disk.reads).toBe(1);
    expect(taken()).toEqual([{ type: 'certificates-refused', reason: 'a.key is no regular file any more' }]);
  });

  test('are looked at no more by a gateway that has stopped', async () => {
    const { keeper, clock, first, disk, reloads } = await open(30 * DAY_MS);
    keeper.start();
    Object.assign(disk, { now: await renewed(first), text: '2' });
    await clock.advance(LOOK_INTERVAL_MS);
    keeper.stop();
    await clock.advance(10 * LOOK_INTERVAL_MS);
    expect([disk.reads, reloads]).toEqual([0, []]);
  });

  test('for others of the same name warn once a day together, as they are renewed by the hour', async () => {
    const { keeper, clock, first, disk, taken } = await open(DAY_MS / 12);
    keeper.start();
    for (let hour = 0; hour < 24; hour++) {
      Object.assign(disk, { now: await renewed(first, (hour + 2) * 3_600_000), text: `hour ${hour}` });
      await clock.advance(3_600_000 - 1);
    }
    const types = taken().map(({ type }) => type);
    expect(types.filter((type) => type === 'certificates-reloaded')).toHaveLength(24);
    expect(types.filter((type) => type !== 'certificates-reloaded')).toEqual(['certificate-expires']);
  });
});
