/** The faults that `status` is to name, each of the gateway FAULTY of a FaultNetwork: how it comes, and what either end is to say. */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { vi } from 'vitest';
import { createLogger } from '../../src/cli/log.js';
import { stateStore } from '../../src/cli/state-store.js';
import { RpcError } from '../../src/gateway/rpc/transport.js';
import { SpiBook } from '../../src/gateway/sessions/spi-book.js';
import { HalError } from '../../src/hal/errors.js';
import type { PipeHal } from '../../src/hal/hal.js';
import { parseIp } from '../../src/packet/address.js';
import { FAULTY, type FaultNetwork, type FaultyOptions, HUB, serviceOf, THIRD } from './fault-network.js';
import { vip } from './gateways.js';

export type Expected = readonly [cause: RegExp, about: RegExp, text: RegExp];

export interface FaultCase {
  /** Of the faulty gateway when it is well, where that needs something. */
  readonly well?: (net: FaultNetwork) => FaultyOptions;
  /** It is started with this, before packets pass or anew when they do. */
  readonly faulty?: (net: FaultNetwork) => FaultyOptions;
  /** What happens at that moment. */
  readonly inject?: (net: FaultNetwork) => void | Promise<void>;
  /** Before anything else. */
  readonly prepare?: (net: FaultNetwork) => void;
  readonly hub?: Expected;
  readonly own?: Expected;
  /** Whom the faulty one may name besides: others have another configuration than it. */
  readonly alsoNames?: RegExp;
  /** What the hub says where tunnels were there before. */
  readonly hubLater?: Expected;
  /** When whoever asks once asks, after the fault: it is found once in a while. */
  readonly onceMs?: { readonly before?: number; readonly later?: number };
  /** Who asks once when it has just come is told nothing: what has been before may be all that there is to be. */
  readonly notOnceLater?: true;
  /** It cannot be there before packets pass. */
  readonly onlyLater?: true;
  /** Nor come when they do. */
  readonly onlyBefore?: true;
}

const named = (number: number) => new RegExp(`^10\\.0\\.0\\.${number}:3000$`);
const FAULTY_NAME = named(FAULTY);
const HUB_NAME = named(HUB);
const NOBODY = /^$/;
const pair = (a: number, b: number) => new RegExp(`^${vip(a)} - ${vip(b)}$`);
/** Of tunnels that were made before: nobody is asked for new ones. */
const NOTHING_BACK: Expected = [
  /^packets-lost$/,
  pair(HUB, FAULTY),
  /none was let in from there.* does not say which/,
];
const REFUSES = /^(peer-refuses|request-refused)$/;
/** From its last three octets an outer IPv6 address is known: 2001:db8::n. */
const isBetween = (frame: Uint8Array, from: number, to: number) => frame[37] === from && frame[53] === to;
const isOfBoth = (frame: Uint8Array) => isBetween(frame, HUB, FAULTY) || isBetween(frame, FAULTY, HUB);

const faultyNode = (net: FaultNetwork) => net.nodes.get(FAULTY)!;

/** Somebody stands there who answers every request with one status, and asks for nothing. */
const standIn = (error: RpcError) => async (net: FaultNetwork) => {
  const there = net.nodes.get(FAULTY);
  if (there !== undefined) await net.stop(there);
  const service = serviceOf(FAULTY);
  await net.network
    .transport(service)
    .listen(service, () => Promise.reject(error), { admit: () => service.host, peersAt: () => 1 });
};

/** From then on the device refuses entries. */
function refusingEntries(isRefusing: () => boolean): (hal: PipeHal) => PipeHal {
  return (hal) =>
    new Proxy(hal, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name, target);
        if (typeof value !== 'function') return value;
        if (name === 'apply' && isRefusing())
          return () => Promise.reject(new HalError('IO_FAILED', 'the entry is not taken'));
        return value.bind(target) as unknown;
      },
    });
}

/** All control messages between hub and faulty one are lost, and nobody is told. */
function cutService(net: FaultNetwork): void {
  net.network.fate = (from, to) => {
    const ends = [from, to].map(({ host }) => host);
    const isCut = [HUB, FAULTY].every((one) => ends.includes(serviceOf(one).host));
    return { delayMs: 0.5, ...(isCut ? { lost: 'request' } : {}) };
  };
}

const stateFolder = (net: FaultNetwork) => join(net.folder, 'state');
const newKeys = (net: FaultNetwork) => void faultyNode(net).gateway.rekey();

export const FAULTS: Readonly<Record<string, FaultCase>> = {
  'peer down': {
    inject: async (net) => net.stop(faultyNode(net)),
    hub: [/^peer-silent$/, FAULTY_NAME, /nobody serves there/],
  },
  'peer down, with its whole machine': {
    inject: (net) => {
      net.lose = (frame) => [frame[37], frame[53]].includes(FAULTY);
      net.network.fate = (from, to) => ({
        delayMs: 0.5,
        ...([from, to].some(({ host }) => host === serviceOf(FAULTY).host) ? { lost: 'request' } : {}),
      });
    },
    hub: [/^peer-silent$/, FAULTY_NAME, /no answer within/],
    alsoNames: /^peer-silent$/,
    onceMs: { before: 4000 },
  },
  'wrong CA': {
    faulty: ({ certificates }) => ({ material: certificates.strange }),
    hub: [/^peer-silent$/, FAULTY_NAME, /authority|does not accept our certificate|ended the connection/],
    own: [/^own-authority$/, /ca-2\.pem$/, /certificates of another authority than we/],
  },
  'expired certificate': {
    well: ({ certificates }) => ({ material: certificates.ending }),
    hub: [/^peer-silent$/, FAULTY_NAME, /expired/],
    own: [/^certificate-unusable$/, /2\.pem$/, /has expired/],
    alsoNames: /^certificate-expires$/,
    onlyLater: true,
  },
  'clock off': {
    faulty: () => ({ wrapClock: (clock) => ({ ...clock, nowMs: () => clock.nowMs() - 1_800_000 }) }),
    hub: [/^clocks-differ$/, FAULTY_NAME, /is 1800 s behind ours/],
    own: [/^clocks-differ$/, NOBODY, /our clock is wrong/],
    alsoNames: /^clocks-differ$/,
  },
  'OOB cut': {
    inject: cutService,
    hub: [/^peer-silent$/, FAULTY_NAME, /its packets come: the OOB network/],
    own: [/^peer-silent$/, HUB_NAME, /its packets come: the OOB network/],
    onlyLater: true,
  },
  'OOB cut, and no tunnel yet': {
    inject: cutService,
    hub: [/^peer-silent$/, FAULTY_NAME, /no answer/],
    own: [/^peer-silent$/, HUB_NAME, /no answer/],
    onceMs: { before: 4000 },
    onlyBefore: true,
  },
  'underlay cut': {
    inject: (net) => {
      net.lose = isOfBoth;
    },
    hub: [/^packets-lost$/, pair(HUB, FAULTY), /underlay/],
    own: [/^packets-lost$/, pair(FAULTY, HUB), /underlay/],
  },
  'underlay cut one way': {
    inject: (net) => {
      net.lose = (frame) => isBetween(frame, FAULTY, HUB);
    },
    hub: [/^packets-lost$/, pair(HUB, FAULTY), /on the way here/],
    own: [/^packets-lost$/, pair(FAULTY, HUB), /on the way there/],
  },
  'MTU too small': {
    inject: (net) => {
      net.lose = (frame) => frame.length > 600 && isOfBoth(frame);
    },
    hub: [/^mtu-too-small$/, pair(HUB, FAULTY), /MTU of the underlay on the way/],
    own: [/^mtu-too-small$/, pair(FAULTY, HUB), /MTU of the underlay on the way/],
  },
  'ACL mismatch': {
    faulty: () => ({
      peers: [
        { serviceAddress: serviceOf(HUB), virtualIps: [parseIp('192.168.9.9')] },
        { serviceAddress: serviceOf(THIRD), virtualIps: [vip(THIRD)] },
      ],
    }),
    hub: [REFUSES, FAULTY_NAME, /does not belong to a peer|is not behind this gateway/],
    own: [REFUSES, HUB_NAME, /does not belong to a peer|is not behind this gateway/],
    // Its workload sends to an address that nobody has any more.
    alsoNames: /^no-peer-for-packets$/,
  },
  'SPI space near its end': {
    inject: (net) => {
      const { prototype } = SpiBook;
      let book: unknown;
      const spy = vi.spyOn(prototype, 'given', 'get');
      const before = function (this: unknown) {
        book = this;
        return 0;
      };
      // That of the faulty one is the one that it looks at.
      spy.mockImplementation(before);
      faultyNode(net).gateway.summary();
      spy.mockImplementation(function (this: unknown) {
        return this === book ? 2 ** 31 - 1000 : 0;
      });
    },
    own: [/^spis-low$/, NOBODY, /has \d+ SPIs left/],
    // It rotates for it, and says for whom it waits.
    alsoNames: /^rotation-waits$/,
  },
  'slots full': {
    prepare: (net) => {
      net.families = (from, to) => ([from, to].includes(THIRD) ? [4] : [4, 6]);
    },
    faulty: () => ({ maxTunnels: 1 }),
    hub: [/^(peer-refuses|no-tunnel-back)$/, FAULTY_NAME, /RESOURCE_EXHAUSTED|has no tunnel for any back/],
    own: [/^table-full$/, NOBODY, /all 1 places|there was no room/],
  },
  'device refuses entries': {
    well: (net) => ({ wrapHal: refusingEntries(() => net.isRefusing) }),
    inject: (net) => {
      net.isRefusing = true;
      // Who has all entries that it needs does not notice.
      for (const node of net.nodes.values()) void node.gateway.rekey();
    },
    hub: [REFUSES, FAULTY_NAME, /INTERNAL|UNAVAILABLE|RESOURCE_EXHAUSTED/],
    own: [/^device-fails$/, NOBODY, /the entry is not taken/],
    alsoNames: /^device-keeps-entries$/,
  },
  'log disk full': {
    well: (net) => {
      const log = createLogger(70, 'text', (octets) => {
        if (net.isRefusing) throw Object.assign(new Error('ENOSPC: no space left'), { code: 'ENOSPC' });
        return octets.length;
      });
      return { logger: log, log };
    },
    inject: (net) => {
      net.isRefusing = true;
      // A log that nothing is written to is never too long.
      newKeys(net);
    },
    own: [/^log-lost$/, NOBODY, /our log cannot be written: ENOSPC/],
  },
  'directory gone': {
    well: (net) => {
      mkdirSync(stateFolder(net));
      const store = stateStore(join(stateFolder(net), 'state.json'));
      return {
        state: {
          load: () => net.track(store.load()),
          save: (text) => net.track(store.save(text)),
          isThere: () => store.isThere(),
        },
      };
    },
    inject: (net) => rmSync(stateFolder(net), { recursive: true }),
    own: [/^state-not-written$/, NOBODY, /state file.*cannot be written/],
    onceMs: { before: 3500, later: 3500 },
  },
  'peer on an older dialect': {
    prepare: (net) => {
      net.dialects.set(FAULTY, '3.x');
    },
    inject: standIn(new RpcError('UNIMPLEMENTED', 'no such RPC')),
    hub: [/^peer-older-dialect$/, FAULTY_NAME, /UNIMPLEMENTED/],
    hubLater: NOTHING_BACK,
    notOnceLater: true,
  },
  'cookie mismatch': {
    faulty: () => ({ cookies: true }),
    hub: [REFUSES, FAULTY_NAME, /runs without cookies/],
    own: [/^(peer-refuses|no-tunnel-back)$/, HUB_NAME, /runs without cookies|has no tunnel for any back/],
    alsoNames: /^(peer-refuses|no-tunnel-back|request-refused)$/,
  },
  'version mismatch': {
    inject: standIn(new RpcError('INVALID_ARGUMENT', 'psp_versions_accepted: 1; this gateway speaks 0')),
    hub: [/^peer-refuses$/, FAULTY_NAME, /psp_versions_accepted: 1/],
    hubLater: NOTHING_BACK,
    notOnceLater: true,
  },
  'transport against tunnel': {
    faulty: () => ({ mode: 'transport', localPip: parseIp(`2001:db8::${FAULTY}`) }),
    hub: [/^modes-differ$/, FAULTY_NAME, /runs in transport mode, and we in tunnel mode/],
    own: [/^modes-differ$/, HUB_NAME, /runs in tunnel mode, and we in transport mode/],
    alsoNames: /^modes-differ$/,
  },
  'address owned by two': {
    prepare: (net) => {
      net.speaks = (from, to) => ![from, to].every((one) => one !== HUB);
    },
    faulty: (net) => {
      net.sourceOf.set(FAULTY, THIRD);
      return { localVirtualIps: [vip(THIRD)], knows: [HUB] };
    },
    hub: [REFUSES, FAULTY_NAME, /does not belong to a peer|is not behind this gateway/],
    own: [REFUSES, HUB_NAME, /does not belong to a peer|is not behind this gateway/],
    // Its workload sends from that address, and not from its own.
    alsoNames: /^(no-peer-for-packets|workload-silent)$/,
  },
  'rotation stuck': {
    inject: (net) => {
      cutService(net);
      // The former key goes with the second one, which waits.
      const { gateway } = net.nodes.get(HUB)!;
      gateway.beginRotation();
      net.clock.setTimer(() => gateway.beginRotation(), 100);
    },
    hub: [/^rotation-waits$/, FAULTY_NAME, /waits for peer .* to take new keys/],
    alsoNames: /^peer-silent$/,
    onceMs: { later: 3150 },
    onlyLater: true,
  },
  'workload silent': {
    inject: (net) => {
      net.speaks = (from, to) => from !== FAULTY || to !== HUB;
    },
    hub: [/^workload-silent$/, new RegExp(`^${vip(FAULTY)}$`), /sends none/],
    own: [/^workload-silent$/, new RegExp(`^${vip(FAULTY)}$`), /our workload at .* sends none/],
    notOnceLater: true,
  },
};

export const isFaultyAbout = (about: string) =>
  [FAULTY_NAME, pair(HUB, FAULTY), pair(THIRD, FAULTY), new RegExp(`^${vip(FAULTY)}$`), /^10\.0\.0\.2$/].some(
    (one) => one.test(about),
  );
