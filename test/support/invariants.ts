/** What the watch of a topology looks at, made by hand: gateways, what workloads send, PSP packets, devices. */
import { expect } from 'vitest';
import type { PipeHal, SpiKeyBatch, TransmitPacket } from '../../src/hal/hal.js';
import { type IpAddress, ipToOctets, parseIp } from '../../src/packet/address.js';
import { buildUdp } from '../../src/packet/udp.js';
import type { AeadEngine } from '../../src/psp/aead.js';
import { opensslEngine } from '../../src/psp/aead-openssl.js';
import { type EncapsulateOptions, encapsulate } from '../../src/psp/encapsulate.js';
import { InvariantChecker, type InvariantCheckerOptions } from '../../src/topology/invariant-checker.js';
import type { GatewayPlan } from '../../src/topology/model.js';
import type { GatewayNode } from '../../src/topology/nodes/gateway-node.js';
import { buildPayload } from '../../src/topology/traffic/payload.js';
import { type Family, frameOf } from '../../src/verify/inner-packets.js';
import { outerHeaderTo } from './psp-frames.js';
import { gatewayPlan } from './topologies.js';

const UDP = 17;

export interface Stub {
  readonly name: string;
  readonly plan: GatewayPlan;
  incarnations: number;
}

/** What the watch looks at of a gateway. */
export function gateway(number: number, flags: readonly string[] = []): Stub & GatewayNode {
  const stub: Stub = { name: `h${number}`, plan: gatewayPlan(number, 3, flags), incarnations: 1 };
  return stub as Stub & GatewayNode;
}

export const h1 = gateway(1);
export const h2 = gateway(2);
export const h3 = gateway(3);

export function build(options: InvariantCheckerOptions = {}) {
  const watch = new InvariantChecker(() => 12.5, options);
  /** Kind and node of the violations since the last look. */
  const seen = () => watch.violations.splice(0).map(({ kind, node }) => `${kind} ${node}`);
  return { watch, seen };
}

const vip = (number: number, family: Family) =>
  parseIp(family === 4 ? `192.168.1.${number}` : `fd00::${number}`);

export interface Inner {
  readonly family?: Family;
  readonly from?: IpAddress;
  readonly to?: IpAddress;
  readonly protocol?: number;
  readonly sequence?: number;
  readonly payload?: Uint8Array;
  readonly ttl?: number;
  readonly trafficClass?: number;
}

/** A workload's frame from v1 to v2. */
export function inner(change: Inner = {}): Uint8Array {
  const { family = 4, from = vip(1, family), to = vip(2, family) } = change;
  return frameOf({
    family,
    source: ipToOctets(from),
    destination: ipToOctets(to),
    protocol: change.protocol ?? UDP,
    payload: change.payload ?? buildUdp(10_000, 5201, buildPayload(0, change.sequence ?? 0, 64)),
    trafficClass: change.trafficClass ?? 0,
    ttl: change.ttl ?? 64,
  });
}

/** Seals nothing: what it makes looks like PSP and can be read. */
export const NO_ENGINE: AeadEngine = { ...opensslEngine, seal: () => undefined };

export function psp(
  change: Partial<EncapsulateOptions> & { frame?: Uint8Array; to?: IpAddress } = {},
): Uint8Array {
  const { frame = inner(), to = parseIp('2001:db8::2'), ...options } = change;
  return encapsulate(frame, {
    engine: opensslEngine,
    version: 0,
    spi: 0x1000,
    key: new Uint8Array(16).fill(7),
    iv: 1n,
    cryptOffsetWords: 0,
    sourcePort: 50_000,
    outerHeader: outerHeaderTo(to),
    ...options,
  });
}

/** A watched device that does nothing, and what reached it. */
export function device(watch: InvariantChecker, node: GatewayNode) {
  const sent: TransmitPacket[] = [];
  const slots: unknown[] = [];
  const batches: SpiKeyBatch[] = [];
  const hal = watch.wrapHal(node, {
    generateKeys: async () => batches.shift(),
    setKeys: async (given: readonly unknown[]) => {
      slots.push(...given);
      return given.map(() => null);
    },
    transmit: (packets: readonly TransmitPacket[]) => void sent.push(...packets),
  } as unknown as PipeHal);
  const keyOf = (n: number, octets = 16) => new Uint8Array(octets).fill(n);
  return {
    hal,
    sent,
    slots,
    /** The device makes these keys. */
    make: async (...keys: number[]) => {
      const batch: SpiKeyBatch = {
        spis: Uint32Array.from(keys, (_, i) => i + 1),
        keys: Uint8Array.from(keys.flatMap((n) => [...keyOf(n)])),
        keyLengthOctets: 16,
      };
      batches.push(batch);
      expect(await hal.generateKeys(16, keys.length)).toBe(batch);
      return batch;
    },
    use: (...keys: number[]) =>
      hal.setKeys(keys.map((n) => ({ cryptoId: n, key: keyOf(n), version: 0 }) as never)),
  };
}
