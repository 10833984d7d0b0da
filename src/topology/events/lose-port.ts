import type { Static } from 'typebox';
import { formatTime } from '../file/quantities.js';
import { choice, name, positiveTime } from '../file/schema-values.js';
import { positiveTimeMs } from '../file/values.js';
import { GATEWAY_PORTS, type GatewayPort } from '../model.js';
import { type At, type EventKind, eventSchema } from './kind.js';

/** A port of the gateway goes, and comes back: meanwhile nothing passes, either way. */
export interface LosePort extends At {
  readonly type: 'lose-port';
  readonly node: string;
  readonly port: GatewayPort;
  readonly durationMs: number;
}

const schema = eventSchema(
  'lose-port',
  name('a port of the gateway goes, and comes back; meanwhile nothing passes, either way'),
  {
    port: choice('which one', GATEWAY_PORTS),
    for: positiveTime('how long'),
  },
);

/** Share of the searches in hostile worlds in which a gateway loses a port. */
const LOSS_RATIO = 0.3;

export const losePort: EventKind<LosePort, Static<typeof schema>> = {
  schema,
  example: { at: '1s', 'lose-port': 'h1', port: 'vf', for: '1s' },
  read(parsed, reading) {
    const { atMs, place, subject } = reading;
    const node = reading.gateway(parsed['lose-port'], subject);
    const durationMs = positiveTimeMs(parsed.for, place.at('for'));
    if (node === undefined) return [];
    return [{ atMs, type: 'lose-port', node: node.name, port: parsed.port, durationMs }];
  },
  write: ({ node, port, durationMs }) => ({ 'lose-port': node, port, for: formatTime(durationMs) }),
  happen: ({ node, port, durationMs }, { gateway }) => gateway(node).losePort(port, durationMs),
  needs: ({ node }) => ({ nodes: [node] }),
  search: {
    // The port is back before the faults are over.
    hostile: {
      turns: [3],
      draw(rng, { gateways, faultsMs, say }) {
        if (!rng.chance(LOSS_RATIO)) return [];
        const node = rng.pick(gateways).name;
        const port = rng.pick(GATEWAY_PORTS);
        const atMs = rng.below(faultsMs);
        const durationMs = 1 + rng.below(faultsMs - atMs);
        say(`${node} loses its ${port} at ${atMs} ms for ${durationMs} ms`);
        return [{ atMs, type: 'lose-port', node, port, durationMs }];
      },
    },
  },
  arbitrary: ({ gateways, pick, positiveMs }) => ({
    type: 'lose-port',
    node: pick(gateways).name,
    port: pick(GATEWAY_PORTS),
    durationMs: positiveMs(),
  }),
};
