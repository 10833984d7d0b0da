import { describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.js';
import { seededRandom } from '../../../src/base/random.js';
import { delegateHal } from '../../../src/hal/delegate.js';
import { HalError } from '../../../src/hal/errors.js';
import type { PipeHal } from '../../../src/hal/hal.js';
import { openSimHal } from '../../../src/hal-sim/device.js';
import { type ReplayDevice, replayOnDevice } from '../../../src/recording/replay-device.js';
import { CapturePort } from '../../../src/verify/capture-port.js';
import { packetBetween } from '../../support/gateways.js';
import { type Recorded, recordedNetwork, recordingOf } from '../../support/recorded-network.js';

/** A run with tunnels in both directions, a rotation, and packets. */
async function busy(recorded: Recorded): Promise<void> {
  const { net, node } = recorded;
  const other = net.nodes.get(2)!;
  net.send(node, 2, [1, 2, 3]);
  await net.run(500);
  net.send(other, 1, [4, 5], 6);
  await net.run(500);
  const rotated = node.gateway.rotateMasterKey(true);
  await net.run(2000);
  await rotated;
  net.send(node, 2, [6, 7]);
  await net.run(20_000);
}

const encodings = (octets: Uint8Array): string[] => {
  const buffer = Buffer.from(octets);
  // Of base64 what does not depend on where it begins.
  const inner = [0, 1, 2].map((skip) =>
    Buffer.concat([Buffer.alloc(skip), buffer])
      .toString('base64')
      .slice(4, -4),
  );
  return [buffer.toString('hex'), buffer.toString('hex').toUpperCase(), buffer.toString('latin1'), ...inner];
};

/** Secrets that can be read in a text, in whatever form. */
function found(text: string, secrets: readonly Uint8Array[]): string[] {
  return secrets.flatMap((secret) => encodings(secret).filter((form) => text.includes(form)));
}

const varint = (octets: Uint8Array): Uint8Array => {
  const bytes: number[] = [];
  for (let rest = new DataView(octets.buffer).getBigUint64(0); ; rest >>= 7n) {
    bytes.push(Number(rest & 0x7fn) | (rest > 0x7fn ? 0x80 : 0));
    if (rest <= 0x7fn) return Uint8Array.from(bytes);
  }
};

async function simulated(recorded: Recorded, wrap = (hal: PipeHal) => hal): Promise<ReplayDevice> {
  const { device } = recorded.node.hal;
  const [uplink, vf] = [new CapturePort('uplink', 1500), new CapturePort('vf', 9000)];
  const hal = await openSimHal({
    clock: systemClock,
    random: seededRandom(4711),
    uplink: { ...device.ports[0]!, port: uplink },
    vf: { ...device.ports[1]!, port: vf },
    limits: device.limits,
    firstSpi: 90_000,
  });
  return { hal: wrap(hal), clock: systemClock, inject: (frame) => vf.inject([frame]) };
}

describe('a recording', () => {
  test.each([
    { cookies: false, withPayload: false },
    { cookies: true, withPayload: false },
    { cookies: true, withPayload: true },
    { cookies: true, withPayload: false, extensionWords: [1, 2] },
  ])('has no key, no cookie and no payload in it: %o', async ({ withPayload, cookies, ...more }) => {
    const recorded = await recordedNetwork({
      ...more,
      cookies,
      withPayload,
      debugKeys: true,
      sampleRateLog2: 1,
      sampledOctets: true,
    });
    await busy(recorded);
    await recorded.stop();
    const text = recorded.lines().join('\n');
    const { secrets } = recorded;
    expect(secrets.keys.length).toBeGreaterThan(10);
    if (cookies) expect(secrets.cookies.length).toBeGreaterThan(5);
    expect(found(text, secrets.keys)).toEqual([]);
    expect(found(text, secrets.cookies)).toEqual([]);
    expect(found(text, secrets.cookies.map(varint))).toEqual([]);
    const payloads = [6, 7, 1, 2].map((id) => packetBetween(1, 2, id).payload.subarray(8));
    expect(found(text, payloads).length > 0).toBe(withPayload);
  });

  test('has what the gateway asked and got, in order', async () => {
    const recorded = await recordedNetwork({ cookies: true });
    await busy(recorded);
    await recorded.stop();
    const kinds = new Map<string, number>();
    for (const line of recorded.lines().slice(1)) {
      const { k, on = '', m = '' } = JSON.parse(line);
      const name = `${k} ${on} ${m}`.trim();
      kinds.set(name, (kinds.get(name) ?? 0) + 1);
    }
    for (const name of [
      'ask  start',
      'call hal build',
      'call hal apply',
      'call hal setKeys',
      'call hal generateKeys',
      'call hal rotateMasterKey',
      'call hal transmit',
      'call transport listen',
      'call transport call',
      'request  RequestMultipleTunnelParams',
      'answer',
      'packets',
      'timer',
      'result',
      'call random fill',
      'call log log',
      'ask  rotateMasterKey',
      'call hal close',
    ])
      expect(kinds.get(name), name).toBeGreaterThan(0);
  });
});

describe('the calls of a recording on another device', () => {
  test.each([{ cookies: false }, { cookies: true, sampleRateLog2: 2 }, { outerFamily: 4 as const }])(
    'have the same results there: %o',
    async (options) => {
      const recorded = await recordedNetwork(options);
      await busy(recorded);
      await recorded.stop();
      const given = new Set<number>();
      const asked: unknown[] = [];
      const device = await simulated(recorded, (hal) =>
        delegateHal(hal, {
          generateKeys: async (...args) => {
            const batch = await hal.generateKeys(...args);
            for (const spi of batch.spis) given.add(spi);
            return batch;
          },
          apply: (operations) => {
            for (const one of operations) {
              const spi = one.operation === 'add' ? one.entry.match?.['tun.psp.spi'] : undefined;
              if (spi !== undefined)
                asked.push(typeof spi === 'number' ? spi : (spi as { value: unknown }).value);
            }
            return hal.apply(operations);
          },
        }),
      );
      const replay = await replayOnDevice(recordingOf(recorded.lines()), device);
      expect(replay.difference).toBeUndefined();
      // What lets packets in is for SPIs that this device has given.
      expect(asked.length).toBeGreaterThan(3);
      expect(asked.filter((spi) => !given.has(spi as number))).toEqual([]);
      expect(replay.calls).toBeGreaterThan(20);
      expect(replay.compared).toBeGreaterThan(20);
    },
  );

  test('have the keys that this device has given in the places of those that were given then', async () => {
    const recorded = await recordedNetwork();
    await recorded.stop();
    const key = '6b6579'.padEnd(64, '30');
    const lines = [
      recorded.lines()[0]!,
      '{"k":"call","on":"hal","m":"generateKeys","c":1,"a":[32,1]}',
      `{"k":"result","t":1,"c":1,"v":{"spis":{"$u32":[7]},"keys":{"$hex":"${key}"},"keyLengthOctets":32}}`,
      `{"k":"call","on":"hal","m":"setKeys","c":2,"a":[[{"cryptoId":1,"key":{"$hex":"${key}"}},{"cryptoId":2,"key":{"$hex":"${'11'.repeat(32)}"}}]]}`,
      '{"k":"result","t":2,"c":2,"v":[null,null]}',
    ];
    const given: string[] = [];
    const set: string[] = [];
    const hex = (octets: Uint8Array) => Buffer.from(octets).toString('hex');
    const device = await simulated(recorded, (hal) =>
      delegateHal(hal, {
        generateKeys: async (...args) => {
          const batch = await hal.generateKeys(...args);
          given.push(hex(batch.keys));
          return batch;
        },
        setKeys: (slots) => {
          set.push(...slots.map((slot) => hex(slot.key)));
          return hal.setKeys(slots);
        },
      }),
    );
    expect((await replayOnDevice(recordingOf(lines), device)).difference).toBeUndefined();
    expect(set).toEqual([given[0], '11'.repeat(32)]);
    await device.hal.close();
  });

  test('of a recording that has lost its beginning are made as far as they go, and the rest is counted', async () => {
    const recorded = await recordedNetwork({ cookies: true });
    await busy(recorded);
    await recorded.stop();
    const lines = recorded.lines();
    const build = JSON.parse(lines.find((line) => line.includes('"m":"build"'))!);
    let cut = 0;
    for (let lost = 60; lost < lines.length; lost += 23) {
      const head = { ...JSON.parse(lines[0]!), part: 2, recordsBefore: lost, build };
      const left = [JSON.stringify(head), ...lines.slice(1 + lost)];
      const device = await simulated(recorded);
      const replay = await replayOnDevice(recordingOf(left, lost), device);
      await device.hal.close();
      expect(replay.difference, `without the first ${lost}`).toBeUndefined();
      if ([...replay.passedOver.keys()].some((what) => what.includes('from before the recording'))) cut++;
    }
    expect(cut).toBeGreaterThan(0);
  });

  test('end at the first difference, of which both sides are shown', async () => {
    const recorded = await recordedNetwork();
    await busy(recorded);
    await recorded.stop();
    let calls = 0;
    const device = await simulated(recorded, (hal) =>
      delegateHal(hal, {
        apply: async (operations) => {
          const results = await hal.apply(operations);
          return ++calls === 3 ? results.map(() => ({ error: new HalError('FULL', 'no room') })) : results;
        },
      }),
    );
    const { difference } = await replayOnDevice(recordingOf(recorded.lines()), device);
    expect(difference).toMatchObject({ recorded: 'done', here: 'HalError FULL: no room' });
    expect(difference!.what).toMatch(/^apply, operation 1 of \d+: /);
    await device.hal.close();
  });
});
