/** A gateway over a device, in virtual time, whose peers, workload and underlay are the test. */

import { seededRandom } from '../../src/base/random.js';
import { createVirtualClock } from '../../src/base/virtual-clock.js';
import { Gateway } from '../../src/gateway/gateway.js';
import type { GatewayOptions } from '../../src/gateway/options.js';
import type { StateStore } from '../../src/gateway/recovery/state-keeper.js';
import type { RpcHandler, RpcMethod, ServiceAddress } from '../../src/gateway/rpc/transport.js';
import {
  decodeMultiTunnelRequest,
  decodeMultiTunnelResponse,
  encodeMultiTunnelRequest,
  encodeMultiTunnelResponse,
  type TunnelParameters,
} from '../../src/gateway/rpc/tunnel-messages.js';
import { UPLINK_PORT, VF_PORT } from '../../src/hal/program.js';
import { parseIp, parseMac } from '../../src/packet/address.js';
import { opensslEngine } from '../../src/psp/aead-openssl.js';
import { encapsulate } from '../../src/psp/encapsulate.js';
import type { HalHarness } from '../../src/verify/harness.js';
import { CallsUnderWay } from '../support/calls-under-way.js';
import { gatewayOptions, LIMITS } from '../support/gateways.js';
import { HalLedger } from '../support/hal-ledger.js';
import { outerHeaderTo } from '../support/psp-frames.js';
import { addressOf, wideFrame } from '../support/wide-nodes.js';

const OUR_UNDERLAY = parseIp('2001:db8::1');
/** Of the outer source's last octet, in a frame. */
const OUTER_SOURCE_LAST = 14 + 8 + 15;
/** Looks in a row that find nothing more, after which nothing comes. */
const LAST_LOOKS = 3;
const PEERS = [2, 3] as const;
const ADDRESSES = 8;

export const serviceOf = (number: number) => ({ host: parseIp(`10.0.0.${number}`), port: 3000 });
const numbers = (count: number) => Array.from({ length: count }, (_, i) => i);

/** Gateway 1 over the device; its peers are the test. */
export class GatewayWorld {
  readonly clock = createVirtualClock(1_700_000_000_000);
  readonly ledger = new HalLedger();
  gateway!: Gateway;
  /** The remote addresses that we have asked peers for. */
  readonly asked: string[] = [];
  /** Under what they may send since then. */
  readonly offered = new Map<string, TunnelParameters>();
  #handler!: RpcHandler;
  readonly #calls = new CallsUnderWay();
  #spi = 1000;
  #id = 1;

  constructor(
    readonly harness: HalHarness,
    /** Where they differ from those of tests. */
    private readonly options: Partial<GatewayOptions>,
    private readonly around: {
      readonly state?: StateStore;
      /** What becomes of a call; undefined: peers grant what is asked for. */
      readonly call?: (service: ServiceAddress, method: RpcMethod) => Promise<Uint8Array> | undefined;
    } = {},
  ) {}

  async start(): Promise<void> {
    this.gateway = new Gateway({
      hal: this.#calls.wrap(this.ledger.wrap(this.harness.hal)),
      transport: {
        listen: async (address, handler) => {
          this.#handler = handler;
          return address;
        },
        call: async (service, method, octets) => {
          const otherwise = this.around.call?.(service, method);
          if (otherwise !== undefined) return otherwise;
          const { requestId, tunnels } = decodeMultiTunnelRequest(octets);
          this.asked.push(...tunnels.map(({ virtDestination }) => virtDestination));
          for (const { virtDestination, reverse } of tunnels) {
            // The message is wiped.
            if (reverse !== undefined)
              this.offered.set(virtDestination, { ...reverse, key: reverse.key.slice() });
          }
          const peer = Number(service.host.split('.').at(-1));
          return encodeMultiTunnelResponse(
            requestId,
            tunnels.map(() => this.#parameters(peer)),
          );
        },
        forget: () => {},
        close: async () => {},
      },
      clock: this.clock,
      random: seededRandom(7),
      logger: { log: () => {}, enabled: () => false },
      ...(this.around.state === undefined ? {} : { state: this.around.state }),
      options: {
        ...gatewayOptions(
          serviceOf(1),
          PEERS.map((number) => ({
            serviceAddress: serviceOf(number),
            virtualIps: numbers(ADDRESSES).map((i) => addressOf(number, i)),
          })),
        ),
        localVirtualIps: [addressOf(1, 0)],
        decapDmac: parseMac('02:00:00:00:00:11'),
        innerFamilies: [4],
        limits: LIMITS,
        ...this.options,
      },
    });
    await this.gateway.start();
  }

  /** A peer asks for its addresses' sessions; what it got for each. Rejects with what it was refused with. */
  async request(peer: number, addresses: readonly number[]): Promise<TunnelParameters[]> {
    const { host } = serviceOf(peer);
    const request = encodeMultiTunnelRequest('3.x', {
      requestId: 1n,
      versionsAccepted: [1],
      tunnels: addresses.map((i) => ({
        virtSource: addressOf(peer, i),
        virtDestination: addressOf(1, 0),
        reverse: this.#parameters(peer),
      })),
    });
    const response = await this.#handler('RequestMultipleTunnelParams', request, {
      authenticated: true,
      names: [{ type: 'ip', value: host }],
      source: host,
      from: `${host}:1`,
    });
    return decodeMultiTunnelResponse(response, addresses.length);
  }

  /** A packet of a peer under what it was given, from 2001:db8::`from`; whether the workload gets it. */
  async letsIn(peer: number, address: number, given: TunnelParameters, from = 9): Promise<boolean> {
    this.harness.takeSent(VF_PORT);
    this.send(peer, address, given, from);
    return (await this.#sent(VF_PORT)).length === 1;
  }

  /** The same, and what becomes of it is not waited for. */
  send(peer: number, address: number, { spi, key }: TunnelParameters, from: number): void {
    const id = this.#id++;
    const frame = encapsulate(wideFrame(addressOf(peer, address), addressOf(1, 0), id), {
      engine: opensslEngine,
      version: 1,
      spi,
      key,
      iv: BigInt(id),
      cryptOffsetWords: 0,
      sourcePort: 50_000,
      outerHeader: outerHeaderTo(OUR_UNDERLAY),
    } as never);
    frame[OUTER_SOURCE_LAST] = from;
    this.harness.inject(UPLINK_PORT, [frame]);
  }

  /** Packets of our workload for an address of a peer; how many leave by the uplink. */
  async leaves(peer: number, address: number, count = 1): Promise<number> {
    this.harness.takeSent(UPLINK_PORT);
    const frames = numbers(count).map(() => wideFrame(addressOf(1, 0), addressOf(peer, address), this.#id++));
    this.harness.inject(VF_PORT, frames);
    return this.left();
  }

  /** How many packets have left by the uplink since the last look. */
  async left(): Promise<number> {
    return (await this.#sent(UPLINK_PORT)).length;
  }

  /** What leaves by a port until device and gateway have nothing more to do with what came in. */
  async #sent(port: number): Promise<Uint8Array[]> {
    const frames: Uint8Array[] = [];
    for (let still = 0; still < LAST_LOOKS; still++) {
      await this.harness.settle();
      await this.#calls.quiet(this.clock);
      const fresh = this.harness.takeSent(port);
      frames.push(...fresh);
      if (fresh.length > 0) still = 0;
    }
    return frames;
  }

  /** Lets time pass, and the device do what it is told meanwhile. */
  async run(durationMs: number): Promise<void> {
    const steps = Math.max(1, Math.ceil(durationMs / 500));
    for (let i = 0; i < steps; i++) {
      await this.#calls.quiet(this.clock);
      await this.clock.advance(durationMs / steps);
    }
    await this.#calls.quiet(this.clock);
  }

  #parameters(peer: number): TunnelParameters {
    const key = new Uint8Array(32);
    seededRandom(this.#spi).fill(key);
    return {
      mac: parseMac(`02:00:00:00:01:0${peer}`),
      underlayIp: parseIp(`2001:db8::${peer}`),
      pspVersion: 1,
      spi: this.#spi++,
      key,
      cookie: 0n,
    };
  }
}
