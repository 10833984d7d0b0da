/**
 * What a gateway's options do between two releases of DOCA: kernels as workloads, a gateway over each release between them,
 * and a look at every PSP header that either puts on the underlay.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { claimsToBeSegmentMessage } from '../../src/packet/segment.js';
import { FLAG_S, hasCookie, PSP_CRYPT_OFFSET, PSP_FLAGS, pspVersion } from '../../src/psp/header.js';
import { locatePsp } from '../../src/topology/packets.js';
import { docaIsBuilt } from '../support/doca-harness.js';
import { describeOnKernel } from '../support/kernel.js';
import { describeOnNative } from '../support/needs.js';
import type { Program } from '../support/program.js';
import { type Kind, type Side, World } from './namespaces.js';
import { onUnderlay } from './on-underlay.js';
import { transfer } from './tcp-transfer.js';
import { UnderlayCapture } from './underlay-capture.js';

const KINDS: readonly [Kind, Kind] = ['doca 3.1', 'doca 3.3'];
const FAMILIES = ['vip4', 'vip6'] as const;
const MARK = 'psp-gateway-mark';
const PINGS = 40;
const TRANSFER_OCTETS = 1 << 20;
/** More than any frame has. */
const WHOLE_OCTETS = 4096;

interface Options {
  readonly outer: 4 | 6;
  readonly mode: 'tunnel' | 'transport';
  readonly cookie: boolean;
  readonly version: 0 | 1;
  /** undefined: what the gateway takes by itself. */
  readonly cryptOffsetWords: number | undefined;
  /** One packet in two is sampled. */
  readonly sampling: 'none' | 'any order' | 'in order';
}

/** Every option with several of the others; both releases have each of them, since both are in every world. */
const WORLDS: readonly Options[] = [
  { outer: 4, mode: 'tunnel', cookie: true, version: 0, cryptOffsetWords: 0, sampling: 'any order' },
  { outer: 6, mode: 'tunnel', cookie: true, version: 1, cryptOffsetWords: 9, sampling: 'none' },
  {
    outer: 6,
    mode: 'transport',
    cookie: true,
    version: 0,
    cryptOffsetWords: undefined,
    sampling: 'in order',
  },
  { outer: 6, mode: 'transport', cookie: false, version: 1, cryptOffsetWords: 0, sampling: 'any order' },
  { outer: 4, mode: 'tunnel', cookie: false, version: 1, cryptOffsetWords: undefined, sampling: 'in order' },
];

const nameOf = ({ outer, mode, cookie, version, cryptOffsetWords, sampling }: Options) =>
  [
    mode === 'tunnel' ? `tunnels over IPv${outer}` : 'transport mode',
    `PSP version ${version}`,
    ...(cookie ? ['cookies'] : []),
    ...(cryptOffsetWords === undefined ? [] : [`a crypt offset of ${cryptOffsetWords}`]),
    ...(sampling === 'none' ? [] : [`sampled, ${sampling}`]),
  ].join(', ');

const flagsOf = ({ mode, cookie, version, cryptOffsetWords, sampling }: Options) => [
  `--mode=${mode}`,
  `--psp-version=${version}`,
  ...(cookie ? ['--cookie'] : []),
  ...(cryptOffsetWords === undefined ? [] : [`--crypt-offset=${cryptOffsetWords}`]),
  ...(sampling === 'none' ? [] : ['--sample-rate=1']),
  ...(sampling === 'in order' ? ['--maintain-order'] : []),
];

describeOnNative('gateways over two releases of the software DOCA', built(), () => {
  describeOnKernel('between workloads in network namespaces', ['ip', 'ping', 'tcpdump'], () => {
    describe.each(WORLDS.map((options) => [nameOf(options), options] as const))('%s', (_, options) => {
      let world: World;
      const gateways: Program[] = [];
      const captures: UnderlayCapture[] = [];
      beforeAll(async () => {
        world = await World.open();
        for (const [index, kind] of KINDS.entries()) {
          captures.push(await UnderlayCapture.start(world, index, WHOLE_OCTETS));
          gateways.push(await world.startGateway(index, kind, flagsOf(options), { outer: options.outer }));
        }
      }, 60_000);
      afterAll(() => world?.[Symbol.asyncDispose]());

      test('carry pings and TCP both ways', async () => {
        for (const [from, to] of [
          [0, 1],
          [1, 0],
        ] as const) {
          const [one, two] = [world.sides[from], world.sides[to]] as [Side, Side];
          for (const family of FAMILIES) {
            const pattern = Buffer.from(MARK).toString('hex');
            const more = ['-c', `${PINGS}`, '-i', '0.02', '-s', '600', '-W', '10'];
            const out = await world.run(one.workload, [
              'ping',
              '-n',
              '-q',
              '-p',
              pattern,
              ...more,
              two[family],
            ]);
            expect(out).toContain(`${PINGS} received`);
          }
          await transfer(world, FAMILIES[from]!, from, to, TRANSFER_OCTETS);
        }
      }, 60_000);

      test.each(KINDS.map((kind, from) => [kind, from] as const))(
        'and all that %s sends is PSP as the options say',
        async (__, from) => {
          const other: string[] = [];
          const headers: Header[] = [];
          for await (const frame of captures[1 - from]!.frames()) {
            expect(Buffer.from(frame).includes(MARK)).toBe(false);
            const header = headerOf(frame);
            if (header !== undefined) headers.push(header);
            else if (onUnderlay(frame) === undefined && !claimsToBeSegmentMessage(frame))
              other.push(Buffer.from(frame).toString('hex'));
          }
          expect(other.slice(0, 3)).toEqual([]);
          // Pings and answers of both families, and what the transfer takes.
          expect(headers.length).toBeGreaterThan(2 * FAMILIES.length * PINGS + TRANSFER_OCTETS / 1500);
          expectOptions(options, headers);
        },
      );

      test('and they end well', async () => {
        for (const gateway of gateways) {
          expect({ status: await gateway.stop('SIGTERM'), out: gateway.out }).toMatchObject({ status: 0 });
        }
      });
    });
  });
});

function built(): boolean {
  return docaIsBuilt('3.1') && docaIsBuilt('3.3');
}

interface Header {
  readonly family: 4 | 6;
  readonly version: number;
  readonly cookie: boolean;
  readonly cryptOffsetWords: number;
  readonly sampled: boolean;
}

/** undefined: the frame is no PSP packet. */
function headerOf(frame: Uint8Array): Header | undefined {
  const at = locatePsp(frame)?.at;
  if (at === undefined) return undefined;
  return {
    family: frame[12] === 0x08 ? 4 : 6,
    version: pspVersion(frame, at),
    cookie: hasCookie(frame, at),
    cryptOffsetWords: frame[at + PSP_CRYPT_OFFSET]!,
    sampled: (frame[at + PSP_FLAGS]! & FLAG_S) !== 0,
  };
}

function expectOptions(options: Options, headers: readonly Header[]): void {
  const distinct = <Value>(of: (header: Header) => Value) => [...new Set(headers.map(of))].sort();
  expect(distinct(({ version }) => version)).toEqual([options.version]);
  expect(distinct(({ cookie }) => cookie)).toEqual([options.cookie]);
  // Of transport mode that of the workload's packets.
  expect(distinct(({ family }) => family)).toEqual(options.mode === 'tunnel' ? [options.outer] : [4, 6]);
  expect(distinct(({ sampled }) => sampled)).toEqual(options.sampling === 'none' ? [false] : [false, true]);
  if (options.cryptOffsetWords !== undefined)
    expect(distinct(({ cryptOffsetWords }) => cryptOffsetWords)).toEqual([options.cryptOffsetWords]);
}
