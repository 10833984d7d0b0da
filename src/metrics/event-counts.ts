/** Counts what happens in a gateway, and its RPCs. All labels are of closed sets: no address, name or reason of anybody's is among them. */
import type { DeviceOperation, GatewayEvent } from '../gateway/events.js';
import type { RpcEnd } from '../gateway/rpc/observed-transport.js';
import { RPC_METHODS } from '../gateway/rpc/transport.js';
import type { VacatedReason } from '../gateway/sessions/fair-share.js';
import { newHistogram } from './histogram.js';
import { RPC_DURATION } from './histograms.js';
import { LabelledCounts } from './labelled-counts.js';

const ASKED_BY = [['us'], ['peer']] as const;
const REMOVAL_REASONS: Readonly<Record<VacatedReason | 'asked', true>> = {
  asked: true,
  idle: true,
  'idle-in-full-table': true,
  'above-share': true,
  replaced: true,
};
const OPERATIONS: Readonly<Record<DeviceOperation, true>> = {
  apply: true,
  setKeys: true,
  clearKeys: true,
  generateKeys: true,
  rotateMasterKey: true,
  counters: true,
};
const keysOf = (record: object) => Object.keys(record).map((key) => [key]);

export class EventCounts {
  readonly established = new LabelledCounts(ASKED_BY);
  readonly rekeyed = new LabelledCounts(ASKED_BY);
  readonly removed = new LabelledCounts(keysOf(REMOVAL_REASONS));
  exchangesFailed = 0;
  rotationsFailed = 0;
  /** Those that peers asked for, by gRPC status. */
  readonly rotationsRefused = new LabelledCounts([
    ['PERMISSION_DENIED'],
    ['RESOURCE_EXHAUSTED'],
    ['FAILED_PRECONDITION'],
  ]);
  /** Sessions whose key a rotation has ended before they had a new one. */
  cutOff = 0;
  /** Wall time in milliseconds; undefined: there was none. */
  lastRotationAtMs: number | undefined;
  readonly deviceFailures = new LabelledCounts(keysOf(OPERATIONS));
  readonly slowOperations = new LabelledCounts(keysOf(OPERATIONS));
  readonly rpcs = new LabelledCounts(
    RPC_METHODS.flatMap((method) => (['client', 'server'] as const).map((side) => [side, method, 'OK'])),
  );
  readonly rpcDurations = newHistogram(RPC_DURATION);

  constructor(private readonly nowMs: () => number) {}

  readonly onEvent = (event: GatewayEvent): void => {
    switch (event.type) {
      case 'tunnel-established':
        this.established.add([event.askedBy]);
        break;
      case 'tunnel-rekeyed':
        this.rekeyed.add([event.askedBy]);
        break;
      case 'session-removed':
        this.removed.add([event.reason ?? 'asked']);
        break;
      case 'exchange-failed':
        this.exchangesFailed++;
        break;
      case 'rotated':
        this.lastRotationAtMs = this.nowMs();
        break;
      case 'rotation-failed':
        this.rotationsFailed++;
        break;
      case 'rotation-refused':
        this.rotationsRefused.add([event.code]);
        break;
      case 'rotation-cut-off':
        this.cutOff += event.sessions;
        break;
      case 'device-failed':
        this.deviceFailures.add([event.operation], event.count);
        break;
      case 'slow-operation':
        this.slowOperations.add([event.operation]);
        break;
    }
  };

  readonly onRpc = ({ side, method, status, durationMs }: RpcEnd): void => {
    this.rpcs.add([side, method, status]);
    this.rpcDurations.observe({ side, method }, durationMs / 1000);
  };
}
