/**
 * Which key a gateway gave to whom, by what crosses the OOB network and by nothing that the gateway itself knows. Opens PSP
 * packets with those keys, and so tells whose a packet is. Keys stand in typed arrays: a mesh has a million.
 */
import { enlarged } from '../base/enlarged.js';
import type {
  CallerIdentity,
  ControlTransport,
  RpcMethod,
  ServiceAddress,
} from '../gateway/rpc/transport.js';
import {
  decodeMultiTunnelRequest,
  decodeMultiTunnelResponse,
  decodeNewTunnelRequest,
  decodeNewTunnelResponse,
  type TunnelParameters,
} from '../gateway/rpc/tunnel-messages.js';
import { opensslEngine } from '../psp/aead-openssl.js';
import { decapsulate } from '../psp/decapsulate.js';
import { keyLengthOctets, type PspVersion, pspSpi, pspVersion } from '../psp/header.js';

const SLOT_OCTETS = 32;
const CAPACITY_FIRST = 1 << 8;
/** Keys of one SPI that a packet is tried with, newest first. Two master keys are alive; a broken device may keep more. */
const TRIES_MAX = 8;
const NONE = -1;

/** The keys that one exchange carried. */
export interface Given {
  /** The gateway that packets under the key come to, and who may send them; both by name. */
  readonly receiver: string;
  readonly holder: string;
  readonly parameters: TunnelParameters;
}

/** A PSP packet that a key has opened. */
export interface Opened {
  readonly inner: Uint8Array;
  readonly spi: number;
  /** The peer to whom the key was given. */
  readonly holder: string;
}

export class GivenKeys {
  #size = 0;
  #keys = new Uint8Array(CAPACITY_FIRST * SLOT_OCTETS);
  #versions = new Uint8Array(CAPACITY_FIRST);
  #holders = new Uint32Array(CAPACITY_FIRST);
  /** The key before it with the same receiver and SPI. */
  #before = new Int32Array(CAPACITY_FIRST);
  readonly #names: string[] = [];
  readonly #numbers = new Map<string, number>();
  /** The newest key, by receiver and SPI. */
  readonly #newest = new Map<string, Map<number, number>>();

  give({ receiver, holder, parameters }: Given): void {
    const { spi, key, pspVersion: version } = parameters;
    if (this.#size === this.#versions.length) this.#grow();
    const index = this.#size++;
    this.#keys.set(key, index * SLOT_OCTETS);
    this.#versions[index] = version;
    this.#holders[index] = this.#numberOf(holder);
    let bySpi = this.#newest.get(receiver);
    if (bySpi === undefined) {
      bySpi = new Map();
      this.#newest.set(receiver, bySpi);
    }
    this.#before[index] = bySpi.get(spi) ?? NONE;
    bySpi.set(spi, index);
  }

  /** The receiver starts anew: what it gave before opens nothing any more. */
  forget(receiver: string): void {
    this.#newest.delete(receiver);
  }

  /** What a PSP packet for `receiver` holds, whose header is at octet `at`; undefined: no key that was given opens it. */
  open(receiver: string, frame: Uint8Array, at: number): Opened | undefined {
    const spi = pspSpi(frame, at);
    const version = pspVersion(frame, at);
    let index = this.#newest.get(receiver)?.get(spi) ?? NONE;
    for (let tries = 0; index !== NONE && tries < TRIES_MAX; tries++) {
      if (this.#versions[index] === version) {
        const key = this.#keys.subarray(
          index * SLOT_OCTETS,
          index * SLOT_OCTETS + keyLengthOctets(version as PspVersion),
        );
        const result = decapsulate(frame, {
          engine: opensslEngine,
          deriveKeyInto: (_spi, _version, out, offset) => out.set(key, offset),
        });
        if ('frame' in result)
          return { inner: result.frame, spi, holder: this.#names[this.#holders[index]!]! };
      }
      index = this.#before[index]!;
    }
    return undefined;
  }

  #numberOf(name: string): number {
    const known = this.#numbers.get(name);
    if (known !== undefined) return known;
    const number = this.#names.push(name) - 1;
    this.#numbers.set(name, number);
    return number;
  }

  #grow(): void {
    const keys = 2 * this.#versions.length;
    this.#keys = enlarged(this.#keys, keys * SLOT_OCTETS);
    this.#versions = enlarged(this.#versions, keys);
    this.#holders = enlarged(this.#holders, keys);
    this.#before = enlarged(this.#before, keys);
  }
}

/** Observes the exchanges on the OOB network. */
export interface TransportWatcher {
  /** Name of the node that serves at an address; undefined: no node that is known. */
  nameOf(address: ServiceAddress): string | undefined;
  onGiven(given: Given): void;
  onRequest?(caller: string, callee: string | undefined, method: RpcMethod, request: Uint8Array): void;
  onGranted?(caller: string, callee: string, method: RpcMethod, keys: number): void;
  /** Name of a caller whose own calls nobody watches; undefined: somebody does, or it is nobody that is known. */
  strangerOf?(caller: CallerIdentity): string | undefined;
}

/**
 * `transport`, with the keys that it carries shown: those of a request before it leaves, those of an answer before the
 * caller has it. What is lost on the way, or does not decode, was given to nobody.
 */
export function watchTransport(
  caller: string,
  transport: ControlTransport,
  watcher: TransportWatcher,
): ControlTransport {
  return {
    listen: (address, handler, ...more) =>
      transport.listen(
        address,
        async (method, request, from) => {
          const stranger = watcher.strangerOf?.(from);
          if (stranger === undefined) return handler(method, request, from);
          watcher.onRequest?.(stranger, caller, method, request);
          for (const parameters of offersIn(method, request))
            watcher.onGiven({ receiver: stranger, holder: caller, parameters });
          const response = await handler(method, request, from);
          const answers = answersIn(method, request, response);
          for (const parameters of answers)
            watcher.onGiven({ receiver: caller, holder: stranger, parameters });
          watcher.onGranted?.(stranger, caller, method, answers.length);
          return response;
        },
        ...more,
      ),
    doors: () => transport.doors?.(),
    forget: (peer) => transport.forget(peer),
    close: () => transport.close(),
    async call(peer, method, request, options) {
      const callee = watcher.nameOf(peer);
      watcher.onRequest?.(caller, callee, method, request);
      const offered = callee === undefined ? [] : offersIn(method, request);
      for (const parameters of offered) watcher.onGiven({ receiver: caller, holder: callee!, parameters });
      const response = await transport.call(peer, method, request, options);
      if (callee !== undefined) {
        const answers = answersIn(method, request, response);
        for (const parameters of answers) watcher.onGiven({ receiver: callee, holder: caller, parameters });
        watcher.onGranted?.(caller, callee, method, answers.length);
      }
      return response;
    },
  };
}

function offersIn(method: RpcMethod, request: Uint8Array): TunnelParameters[] {
  return ifDecoded(() =>
    method === 'RequestMultipleTunnelParams'
      ? decodeMultiTunnelRequest(request).tunnels
      : method === 'RequestTunnelParams'
        ? decodeNewTunnelRequest(request).tunnels
        : [],
  ).flatMap(({ reverse }) => reverse ?? []);
}

function answersIn(
  method: RpcMethod,
  request: Uint8Array,
  response: Uint8Array,
): readonly TunnelParameters[] {
  return ifDecoded(() => {
    if (method === 'RequestTunnelParams') return [decodeNewTunnelResponse(response)];
    if (method !== 'RequestMultipleTunnelParams') return [];
    return decodeMultiTunnelResponse(response, decodeMultiTunnelRequest(request).tunnels.length);
  });
}

/** Messages that are no messages carry no keys: whoever gets them finds that out. */
function ifDecoded<T>(decode: () => readonly T[]): readonly T[] {
  try {
    return decode();
  } catch {
    return [];
  }
}
