/** The slow path as a sequence of steps, out of the events that gateways reported; as a Mermaid diagram. */
import type { GatewayEvent } from '../gateway/events.js';
import { spiText } from '../psp/header.js';

export interface SequenceStep {
  /** Time since the start of the run. */
  readonly atMs: number;
  readonly from: string;
  readonly to: string;
  readonly text: string;
}

/** Names of gateways' services and of workloads, by address. */
export interface Names {
  /** `peer` as events have it: address and port. */
  readonly peer: (peer: string) => string;
  readonly workload: (ip: string) => string;
}

/** The step that an event of the gateway `node` is; undefined for events that are none. */
export function stepOf(
  node: string,
  event: GatewayEvent,
  names: Names,
): Omit<SequenceStep, 'atMs'> | undefined {
  const own = (text: string) => ({ from: node, to: node, text });
  switch (event.type) {
    case 'miss':
      return {
        from: names.workload(event.localVip),
        to: node,
        text: `packet to ${event.remoteVip} misses the egress ACL, is kept`,
      };
    case 'ingress-opened':
      return own(`SPI ${spiText(event.spi)} and key derived, ingress ACL open for ${event.remoteVip}`);
    case 'request-sent':
      return {
        from: node,
        to: names.peer(event.peer),
        text: `${event.method}: ${event.tunnels} ${tunnels(event.tunnels)}, with keys for the way back`,
      };
    case 'request-failed':
      return own(`request to ${names.peer(event.peer)} failed: ${event.reason}`);
    case 'request-granted':
      return { from: node, to: names.peer(event.from), text: 'answer: SPIs and keys' };
    case 'egress-installed':
      return own(`egress flow to ${event.remoteVip}: SPI ${spiText(event.spi)}, key slot ${event.cryptoId}`);
    case 'resubmitted':
      return own(`${event.packets} kept packet${event.packets === 1 ? '' : 's'} sent again, leave encrypted`);
    case 'rotated':
      return own(`master key rotated, rotation ${event.rotations}`);
    case 'spi-closed':
      return own(`SPI ${spiText(event.spi)} closed for ${event.remoteVip}`);
    default:
      return undefined;
  }
}

/** The participants in the order of their first step. */
export function participantsOf(steps: readonly SequenceStep[]): string[] {
  return [...new Set(steps.flatMap(({ from, to }) => [from, to]))];
}

/** @param left steps that are not drawn. */
export function sequenceMermaid(steps: readonly SequenceStep[], left = 0): string {
  const lines = [
    ...participantsOf(steps).map((name) => `  participant ${name}`),
    ...steps.map(
      ({ atMs, from, to, text }) =>
        // Line ends and semicolons end a statement in Mermaid, number signs escape.
        `  ${from}->>${to}: ${text.replace(/[;#]/g, ',').replaceAll('\n', ' ')} (${atMs.toFixed(3)} ms)`,
    ),
    ...(left === 0 ? [] : [`  %% ${left} more steps`]),
  ];
  return `sequenceDiagram\n${lines.join('\n')}\n`;
}

const tunnels = (count: number) => (count === 1 ? 'tunnel' : 'tunnels');
