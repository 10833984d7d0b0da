/**
 * Faults between gateways over the software DOCA, each a process with kernels as workloads: `status` of either end names who is at fault
 * and why, and nobody else, as over the simulator (status-faults.test.ts, which has them all). The first one, the hub, is well and the
 * peer of all others; so is the second one, but for one of its workload's addresses, where nobody is.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { writeCertificates } from '../../src/cli/certificates.js';
import { docaIsBuilt, docaRings } from '../support/doca-harness.js';
import { describeOnKernel } from '../support/kernel.js';
import { describeOnNative } from '../support/needs.js';
import type { Program } from '../support/program.js';
import { makeFaultyProgram } from './faulty-program.js';
import { ip, type Side, World } from './namespaces.js';
import { type Expected, NAMED_WITHIN_MS, type Problem, StatusWatch, TOO_BUSY_FLAG } from './status-watch.js';

const HUB = 0;
const THIRD = 1;
const REFUSES = /^(peer-refuses|request-refused)$/;

const hostOf = (index: number) => `10.5.5.${index + 1}`;
const nameOf = (index: number) => `${hostOf(index)}:3000`;
/** What it is called: by its address alone where it has not proved to be who it is. */
const isNamed = (about: string, index: number) => [nameOf(index), hostOf(index)].includes(about);
const SILENT_VIP = '10.9.2.1';

interface Fault {
  /** Of the faulty gateway. */
  readonly index: number;
  readonly flags?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly hub: Expected;
  readonly own: Expected;
}

const WRONG_CA: Fault = {
  index: 2,
  hub: [/^peer-silent$/, nameOf(2), /authority|does not accept our certificate|ended the connection/],
  own: [/^own-authority$/, /ca\.pem$/, /certificates of another authority than we/],
};

const COOKIES: Fault = {
  index: 4,
  flags: ['--cookie'],
  hub: [REFUSES, nameOf(4), /runs without cookies/],
  // The hub asks first, and refuses what it is answered.
  own: [/^(peer-refuses|no-tunnel-back)$/, nameOf(HUB), /runs without cookies|has no tunnel for any back/],
};

/** Its workload has packets of two sessions. */
const SLOTS_FULL: Fault = {
  index: 6,
  flags: ['--max-tunnels=1'],
  hub: [/^(peer-refuses|no-tunnel-back)$/, nameOf(6), /RESOURCE_EXHAUSTED|has no tunnel for any back/],
  own: [/^table-full$/, '', /all 1 places/],
};

const FAULTS: Readonly<Record<string, Fault>> = {
  'wrong CA': WRONG_CA,
  'device refuses entries': {
    index: 3,
    environment: { FAULT_DOCA: docaRings('3.3') },
    hub: [REFUSES, nameOf(3), /INTERNAL|UNAVAILABLE|RESOURCE_EXHAUSTED/],
    own: [/^device-fails$/, '', /an entry of pipe \w+: driver call failed/],
  },
  'cookie mismatch': COOKIES,
  'transport against tunnel': {
    index: 5,
    flags: ['--mode=transport'],
    hub: [/^modes-differ$/, nameOf(5), /runs in transport mode, and we in tunnel mode/],
    own: [/^modes-differ$/, nameOf(HUB), /runs in tunnel mode, and we in transport mode/],
  },
  'slots full': SLOTS_FULL,
};
const all = Object.entries(FAULTS);
const GATEWAYS = 2 + all.length;

let world: World;
let folder: string;
let main: string;
const programs: Program[] = [];
const watch = new StatusWatch();

const socketOf = (index: number) => join(folder, `${index}.sock`);

async function start(index: number, fault?: Fault): Promise<void> {
  const ofThird = index === WRONG_CA.index ? [THIRD] : [];
  const peersOf = [all.map(([, one]) => one.index).concat(THIRD), [HUB, WRONG_CA.index]];
  programs[index] = await world.startGateway(
    index,
    'doca 3.3',
    [
      ...[`--admin=${socketOf(index)}`, TOO_BUSY_FLAG, ...(fault?.flags ?? [])],
      ...(index === HUB ? ['--static-tunnels'] : []),
    ],
    {
      main,
      started: (program) => watch.connect(index, socketOf(index), program),
      peers: peersOf[index] ?? [HUB, ...ofThird],
      ...(fault === WRONG_CA ? { certificates: join(folder, 'other') } : {}),
      ...(fault?.environment === undefined ? {} : { environment: fault.environment }),
    },
  );
}

/** Between two workloads, both ways, for as long as the test runs. */
function ping(from: Side, to: string): void {
  world.start(from.workload, ['ping', '-n', '-q', to]);
}

/** Who may be named by whom, at any time. */
function isRightAbout(by: number, { about }: Problem): boolean {
  if (by === HUB) return about === SILENT_VIP || all.some(([, { index }]) => isNamed(about, index));
  if (by === THIRD) return about === SILENT_VIP || isNamed(about, WRONG_CA.index);
  const right = all.find(([, { index }]) => index === by)![1].own[1];
  return about === '' || (typeof right === 'string' ? about === right : right.test(about));
}

describeOnNative('faults over the software DOCA', docaIsBuilt('3.3'), () => {
  describeOnKernel('between workloads in network namespaces', ['ip', 'ping'], () => {
    beforeAll(async () => {
      world = await World.open(GATEWAYS, 1);
      folder = join(world.folder, 'faults');
      for (const name of ['.', 'faulty', 'other']) mkdirSync(join(folder, name), { recursive: true });
      main = makeFaultyProgram(join(folder, 'faulty'));
      const { oob } = world.sides[WRONG_CA.index]!;
      await writeCertificates({ out: join(folder, 'other'), host: [oob], force: true });
      // Whoever comes before them would say, rightly, that they do not answer yet.
      await Promise.all([start(HUB), start(THIRD)]);
      await Promise.all(all.map(([, fault]) => start(fault.index, fault)));
      const [hub, ...others] = world.sides as [Side, ...Side[]];
      ip('-n', hub.workload, 'route', 'add', SILENT_VIP, 'dev', 'vf0');
      for (const to of [SILENT_VIP, ...others.map(({ vip4 }) => vip4)]) ping(hub, to);
      for (const from of others) ping(from, hub.vip4);
      const full = world.sides[SLOTS_FULL.index]!;
      ping(hub, full.vip6);
      ping(full, hub.vip6);
      watch.begin();
    }, 400_000);
    afterAll(async () => {
      await watch[Symbol.asyncDispose]();
      await world?.[Symbol.asyncDispose]();
    }, 240_000);

    test.each(all)(
      '%s',
      async (_, { index, hub, own }) => {
        await watch.names(HUB, hub);
        await watch.names(index, own);
      },
      2 * NAMED_WITHIN_MS,
    );

    test(
      'workload silent',
      async () => {
        await watch.names(HUB, [/^workload-silent$/, SILENT_VIP, /^the workload at .* sends none/]);
        await watch.names(THIRD, [/^workload-silent$/, SILENT_VIP, /^our workload at .* sends none/]);
      },
      2 * NAMED_WITHIN_MS,
    );

    test(
      'peer down',
      async () => {
        // Its own fault is known by now.
        programs[COOKIES.index]!.kill('SIGKILL');
        await watch.names(HUB, [/^peer-silent$/, nameOf(COOKIES.index), /nobody listens there/]);
      },
      NAMED_WITHIN_MS,
    );

    test('and never names the healthy one, nor anybody else', () => {
      expect(watch.wrong([nameOf(HUB), nameOf(THIRD)], isRightAbout)).toEqual([]);
    });
  });
});
