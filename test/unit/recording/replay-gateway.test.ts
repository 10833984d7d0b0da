import { describe, expect, test } from 'vitest';
import { RpcError } from '../../../src/gateway/rpc/transport.js';
import { delegateHal } from '../../../src/hal/delegate.js';
import { HalError } from '../../../src/hal/errors.js';
import { type LogLine, replayGateway } from '../../../src/recording/replay-gateway.js';
import { vip } from '../../support/gateways.js';
import { type Recorded, recordedNetwork, recordingOf } from '../../support/recorded-network.js';

async function busy(recorded: Recorded): Promise<void> {
  const { net, node } = recorded;
  const other = net.nodes.get(2);
  net.send(node, 2, [1, 2, 3]);
  await net.run(500);
  if (other !== undefined) net.send(other, 1, [4, 5], 6);
  await net.run(500);
  const rotated = node.gateway.rotateMasterKey(true).catch(() => {});
  await net.run(2000);
  await rotated;
  net.send(node, 2, [6, 7]);
  node.gateway.drain({ timeoutMs: 60_000, stops: false });
  const tunnels = node.gateway.tunnels({}, 10);
  const explained = node.gateway.explain({
    source: vip(1),
    destination: vip(2),
    protocol: 'udp',
    sourcePort: 1,
    destinationPort: 2,
  });
  await net.run(5000);
  await Promise.all([tunnels, explained]);
  node.gateway.cancelDrain();
  await net.run(20_000);
}

const logOf = ({ node }: Recorded) =>
  node.logs.map(({ level, message, fields }) => ({ level, message, fields }));
const asLogged = (lines: readonly LogLine[]) =>
  lines.map(({ level, message, fields }) => ({ level, message, fields }));

describe("the gateway's own code over a recording", () => {
  test.each<NonNullable<Parameters<typeof recordedNetwork>[0]>>([
    {},
    { cookies: true, withPayload: true },
    { cookies: true, sampleRateLog2: 1 },
    { nodes: 4, staticTunnels: 'all' as const },
    { mode: 'transport' as const },
    { confirmUnderlay: true },
    { limits: { rotationPeriodMs: 10_000 } },
  ])('asks for the same, and logs the same lines: %o', async (options) => {
    const recorded = await recordedNetwork(options);
    await busy(recorded);
    await recorded.stop();
    const lines: LogLine[] = [];
    const replay = await replayGateway(recordingOf(recorded.lines()), (line) => lines.push(line));
    expect(replay.difference).toBeUndefined();
    expect(replay.inputs).toBeGreaterThan(30);
    expect(replay.compared).toBeGreaterThan(30);
    expect(asLogged(lines)).toEqual(logOf(recorded));
    expect(lines.length).toBeGreaterThan(3);
  });

  test('repeats failures, to the same line of the log', async () => {
    let keys = 0;
    let calls = 0;
    const recorded = await recordedNetwork({
      cookies: true,
      wrapHal: (hal) =>
        delegateHal(hal, {
          setKeys: (slots) =>
            ++keys === 2
              ? Promise.reject(new HalError('DRIVER', 'firmware gave no answer'))
              : hal.setKeys(slots),
        }),
      wrapTransport: (transport) => ({
        ...transport,
        call: (...args) =>
          ++calls % 5 === 3 ? Promise.reject(new RpcError('UNAVAILABLE', 'gone')) : transport.call(...args),
      }),
    });
    await busy(recorded);
    await recorded.stop();
    const logged = logOf(recorded);
    expect(logged.map(({ fields }) => fields?.event)).toContain('device-failed');
    const lines: LogLine[] = [];
    const replay = await replayGateway(recordingOf(recorded.lines()), (line) => lines.push(line));
    expect(replay.difference).toBeUndefined();
    expect(asLogged(lines)).toEqual(logged);
  });

  test('may end before the recording does, or anywhere in it', async () => {
    const recorded = await recordedNetwork();
    await busy(recorded);
    const lines = recorded.lines();
    for (let end = 1; end < lines.length; end += 7) {
      const replay = await replayGateway(recordingOf(lines.slice(0, end)));
      expect(replay.difference, `${end} of ${lines.length}`).toBeUndefined();
    }
    await recorded.stop();
  });

  test.each([
    [
      'another argument',
      /"on":"transport","m":"call"/,
      (line: string) => line.replace('Announce', 'Compare'),
    ],
    ['a call that is not made', /"m":"clearKeys"/, (line: string) => `${line}\n${line}`],
    [
      'a line of the log',
      /"m":"log".*tunnel established/,
      (line: string) => line.replace('established', 'gone'),
    ],
  ])('ends at the first difference: %s', async (_name, which, change) => {
    const recorded = await recordedNetwork();
    await busy(recorded);
    await recorded.stop();
    const lines = recorded.lines();
    const at = lines.findIndex((line) => which.test(line));
    expect(at).toBeGreaterThan(0);
    lines[at] = change(lines[at]!);
    const { difference } = await replayGateway(recordingOf(lines.join('\n').split('\n')));
    expect(difference).toBeDefined();
    expect(Math.abs(difference!.record - at)).toBeLessThanOrEqual(1);
    expect(difference!.recorded).not.toBe(difference!.here);
  });

  test('needs a whole recording', async () => {
    const recorded = await recordedNetwork();
    await busy(recorded);
    await recorded.stop();
    const lines = recorded.lines();
    await expect(replayGateway(recordingOf(lines, 3))).rejects.toThrow(
      'its first 3 records are lost, since it was full; the gateway',
    );
    lines.splice(20, 1, '{"k":"gap","n":4}');
    await expect(replayGateway(recordingOf(lines))).rejects.toThrow('it lacks 4 records behind record 20');
  });
});
