/**
 * Twenty faults between gateways that run, each a process: `status` of either end names who is at fault and why, and nobody else. One
 * gateway, the hub, is well and is the peer of all others; each other one has a fault, but for the third, which is well too and is
 * never named. They all run side by side.
 */
import { spawnSync } from 'node:child_process';
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createSecureServer, type Http2SecureServer } from 'node:http2';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { StatusResponse } from '../../src/admin/admin-api.js';
import { AdminClient } from '../../src/admin/admin-client.js';
import { writeCertificates } from '../../src/cli/certificates.js';
import { createThrowAwayAuthority } from '../../src/gateway/rpc/certificates.js';
import { parseIp } from '../../src/packet/address.js';
import { Program } from '../support/program.js';
import { makeFaultyProgram } from './faulty-program.js';

type Problem = Pick<StatusResponse['problems'][number], 'cause' | 'about' | 'text'>;

const SERVICE_PORT = 3980;
const WIRE_PORT = 10980;
/** Where relays of the tunnel service listen for the hub, and the one that it is relayed to listens for the relay. */
const RELAYED_PORT = 3981;
/** Of a wire of which a relay, or nobody, stands between. */
const OTHER_WIRE_PORT = 10981;
/** An interval between two looks of people who are in a hurry. */
const POLL_MS = 500;
/** For a machine that does much else: idle, all are named in a fifth of it. */
const NAMED_WITHIN_MS = 90_000;
/** The life of a certificate that ends while it is in use; its gateway is started again where that takes longer. */
const SHORT_LIFE_MS = 30_000;
/** Octets of a PSP packet that a relay lets through. */
const RELAYED_OCTETS_MAX = 700;

const hostOf = (number: number) => `127.0.20.${number}`;
const vipOf = (number: number) => `10.20.0.${number}`;
const nameOf = (number: number) => `${hostOf(number)}:${SERVICE_PORT}`;

const HUB = 1;
const THIRD = 2;
const SILENT_VIP = '10.20.0.120';
const SECOND_VIP = '10.20.0.110';

interface Ends {
  /** Of the faulty gateway; the hub's pair with it is `PAIR`. */
  readonly number: number;
  readonly flags?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** What the hub says, and what the faulty gateway says: cause, about and text of one of their problems. */
  readonly hub?: readonly [cause: RegExp, about: string, text: RegExp];
  readonly own?: readonly [cause: RegExp, about: string | RegExp, text: RegExp];
  /** Whom the faulty gateway may name besides, where its own fault keeps all others out. */
  readonly inject?: (gateway: Faulty) => void | Promise<void>;
  /** The addresses behind it, where they are others than its own. */
  readonly vips?: readonly string[];
  readonly workload?: string;
  /** What it takes for the hub's address. */
  readonly hubVip?: string;
  readonly servicePort?: number;
  readonly hubPort?: number;
  readonly wirePort?: number;
  readonly knowsThird?: boolean;
  /** It makes tunnels at their first packets only. */
  readonly isLazy?: boolean;
  /** Names of files of certificates, instead of its host's and of ca. */
  readonly files?: string;
  readonly authority?: string;
}

interface Faulty {
  readonly program: Program;
  readonly client: () => AdminClient;
}

const pair = (one: string, other: string) => `${one} - ${other}`;
const PEER_SILENT = /^(peer-silent|caller-refused)$/;
const REFUSES = /^(peer-refuses|request-refused)$/;

/** What the relays of the test do; faults change it. */
const relays = { serviceCut: false };

const FAULTS: Readonly<Record<string, Ends>> = {
  'peer down': {
    number: 11,
    inject: ({ program }) => program.kill('SIGKILL'),
    hub: [/^peer-silent$/, nameOf(11), /nobody listens there/],
  },
  'wrong CA': {
    number: 12,
    knowsThird: true,
    files: 'other',
    authority: 'other-ca',
    hub: [PEER_SILENT, nameOf(12), /authority|does not accept our certificate|ended the connection/],
    own: [/^own-authority$/, /other-ca\.pem$/, /certificates of another authority than we/],
  },
  'expired certificate': {
    number: 13,
    files: 'short',
    hub: [PEER_SILENT, nameOf(13), /expired/],
    own: [/^certificate-unusable$/, /short\.pem$/, /has expired/],
  },
  'clock off': {
    number: 14,
    knowsThird: true,
    environment: { FAULT_CLOCK_MS: '-1800000' },
    hub: [/^clocks-differ$/, nameOf(14), /is 1[78]\d\d s behind ours/],
    own: [/^clocks-differ$/, '', /our clock is wrong/],
  },
  'OOB cut': {
    number: 15,
    servicePort: RELAYED_PORT,
    hubPort: RELAYED_PORT,
    inject: async ({ client }) => {
      await hasTraffic(client());
      relays.serviceCut = true;
    },
    hub: [/^peer-silent$/, nameOf(15), /its packets come: the OOB network/],
    own: [/^peer-silent$/, `${hostOf(HUB)}:${RELAYED_PORT}`, /its packets come: the OOB network/],
  },
  'underlay cut': {
    number: 16,
    // Nobody is behind the port to which its packets, and those for it, go.
    wirePort: OTHER_WIRE_PORT + 1,
    hub: [/^packets-lost$/, pair(vipOf(HUB), vipOf(16)), /underlay/],
    own: [/^packets-lost$/, pair(vipOf(16), vipOf(HUB)), /underlay/],
  },
  'MTU too small': {
    number: 17,
    wirePort: OTHER_WIRE_PORT,
    environment: { FAULT_LARGE: '1200' },
    hub: [/^mtu-too-small$/, pair(vipOf(HUB), vipOf(17)), /MTU of the underlay on the way here/],
    own: [/^mtu-too-small$/, pair(vipOf(17), vipOf(HUB)), /MTU of the underlay on the way there/],
  },
  'ACL mismatch': {
    number: 18,
    hubVip: '10.20.9.9',
    hub: [REFUSES, nameOf(18), /does not belong to a peer|is not behind this gateway/],
    own: [REFUSES, nameOf(HUB), /does not belong to a peer|is not behind this gateway/],
  },
  'SPI space near its end': {
    number: 19,
    environment: { FAULT_SPIS: String(2 ** 31 - 1000) },
    own: [/^spis-low$/, '', /has \d+ SPIs left/],
  },
  'slots full': {
    number: 20,
    isLazy: true,
    flags: ['--max-tunnels=1'],
    vips: [vipOf(20), SECOND_VIP],
    workload: `host:${vipOf(20)},${SECOND_VIP}`,
    hub: [REFUSES, nameOf(20), /RESOURCE_EXHAUSTED/],
    own: [/^table-full$/, '', /all 1 places/],
  },
  'device refuses entries': {
    number: 21,
    environment: { FAULT_ENTRIES: '1' },
    hub: [REFUSES, nameOf(21), /INTERNAL|UNAVAILABLE|RESOURCE_EXHAUSTED/],
    own: [/^device-fails$/, '', /the entry is not taken/],
  },
  'log disk full': {
    number: 22,
    flags: ['--log-level=70'],
    own: [/^log-lost$/, '', /our log cannot be written: ENOSPC/],
  },
  'directory gone': {
    number: 23,
    flags: ['--state-file=STATE/state.json'],
    inject: async ({ client }) => {
      await hasTraffic(client());
      rmSync(join(folder, 'state'), { recursive: true });
      // What it learns then is to be kept.
      await client().call('RekeyTunnels', { selection: undefined, all: true });
    },
    own: [/^state-not-written$/, '', /state file.*cannot be written/],
  },
  'older dialect': {
    number: 24,
    hub: [/^peer-older-dialect$/, nameOf(24), /UNIMPLEMENTED/],
  },
  'cookie mismatch': {
    number: 25,
    flags: ['--cookie'],
    hub: [REFUSES, nameOf(25), /runs without cookies/],
    own: [REFUSES, nameOf(HUB), /runs without cookies/],
  },
  'version mismatch': {
    number: 26,
    hub: [/^peer-refuses$/, nameOf(26), /psp_versions_accepted: 1/],
  },
  'address owned by two': {
    number: 28,
    workload: `host:${vipOf(THIRD)}`,
    hub: [REFUSES, nameOf(28), /does not belong to a peer|is not behind this gateway/],
    own: [REFUSES, nameOf(HUB), /does not belong to a peer|is not behind this gateway/],
  },
  'workload silent': {
    number: 30,
    vips: [vipOf(30), SILENT_VIP],
    flags: [`--local-virt-ip=${vipOf(30)},${SILENT_VIP}`],
    hub: [/^workload-silent$/, SILENT_VIP, /sends none/],
    own: [/^workload-silent$/, SILENT_VIP, /our workload at .* sends none/],
  },
};
const all = Object.entries(FAULTS);
/** They are no gateways of this program: the test answers in their place. */
const NO_GATEWAYS = [24, 26];
const isGateway = ({ number }: Ends) => !NO_GATEWAYS.includes(number);

let folder: string;
/** Makes the certificate that ends. */
let writeShort: (endsAtMs: number) => Promise<void>;
const programs: Program[] = [];
const closing: (() => void)[] = [];
const clients = new Map<number, AdminClient>();
/** What each has said at any time. */
const said = new Map<number, Problem[]>();

const socketOf = (number: number) => join(folder, `${number}.sock`);

async function hasTraffic(client: AdminClient): Promise<void> {
  await vi.waitUntil(
    async () => {
      const { tunnels } = await client.call('ListTunnels', { selection: undefined, most: 0 });
      return tunnels.some((one) => (one.out?.packets ?? 0n) > 1n && (one.in?.packets ?? 0n) > 1n);
    },
    { timeout: NAMED_WITHIN_MS, interval: POLL_MS },
  );
}

function start(main: string, number: number, flags: readonly string[], environment = {}): Program {
  const command = [
    ...[process.execPath, main, '--outer-ip-type=ipv4', `--admin=${socketOf(number)}`, '--rpc-deadline=5000'],
    ...flags,
  ];
  // A full disk has the log of one.
  const wrapped = number === 22 ? ['sh', '-c', 'exec "$@" 2>/dev/full', 'sh', ...command] : command;
  const program = new Program(wrapped, environment);
  programs.push(program);
  return program;
}

const certificates = (files: string, authority: string) => [
  `--tls-ca=${folder}/${authority}.pem`,
  ...[`--tls-cert=${folder}/${files}.pem`, `--tls-key=${folder}/${files}.key`],
];

function startFaulty(main: string, ends: Ends): Program {
  const { number, hubVip = vipOf(HUB), servicePort = SERVICE_PORT, hubPort = SERVICE_PORT } = ends;
  const { flags = [], wirePort = WIRE_PORT, workload = `host:${vipOf(number)}`, environment } = ends;
  return start(
    main,
    number,
    [
      `-s${hostOf(number)}:${servicePort}`,
      `-t${hostOf(HUB)}:${hubPort}:${hubVip}`,
      ...(ends.knowsThird === true ? [`-t${nameOf(THIRD)}:${vipOf(THIRD)}`] : []),
      ...[`--sim-wire=udp:${hostOf(number)}:${wirePort}`, `--sim-vf=${workload}`],
      ...certificates(ends.files ?? hostOf(number), ends.authority ?? 'ca'),
      ...(ends.isLazy === true ? [] : ['--static-tunnels']),
      ...[`--ping=${hubVip}`, '--ping-count=100000'],
      ...flags.map((flag) => flag.replace('STATE', join(folder, 'state'))),
    ],
    environment,
  );
}

/** A tunnel service that answers every request with one status. */
async function startOtherKind(number: number, status: number, message: string): Promise<Http2SecureServer> {
  const [key, cert, ca] = [`${hostOf(number)}.key`, `${hostOf(number)}.pem`, 'ca.pem'].map((name) =>
    readFileSync(join(folder, name)),
  );
  const server = createSecureServer({ key: key!, cert: cert!, ca: ca!, requestCert: true });
  server.on('stream', (stream) => {
    stream.on('error', () => {});
    stream.respond(
      {
        ':status': 200,
        'content-type': 'application/grpc',
        'grpc-status': String(status),
        'grpc-message': message,
      },
      { endStream: true },
    );
  });
  server.listen(SERVICE_PORT, hostOf(number));
  await once(server, 'listening');
  closing.push(() => server.close());
  return server;
}

/** Carries connections on, until the OOB network is cut: then nothing passes, and nobody is told. */
async function relayService(host: string, port: number, to: number): Promise<Server> {
  const open = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(to, host);
    for (const [from, other] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(from);
      from.on('error', () => {});
      from.on('close', () => other.destroy());
      from.on('data', (octets) => {
        if (!relays.serviceCut) other.write(octets);
      });
    }
  });
  server.listen(port, host);
  await once(server, 'listening');
  closing.push(() => {
    server.close();
    for (const socket of open) socket.destroy();
  });
  return server;
}

async function boundTo(host: string, port: number): Promise<UdpSocket> {
  const socket = createSocket('udp4');
  socket.bind(port, host);
  await once(socket, 'listening');
  closing.push(() => socket.close());
  return socket;
}

/** Carries PSP packets between the hub and another one, up to a size. */
async function relayWire(number: number): Promise<void> {
  const forHub = await boundTo(hostOf(number), WIRE_PORT);
  const forOther = await boundTo(hostOf(HUB), OTHER_WIRE_PORT);
  const pass = (from: UdpSocket, to: UdpSocket, port: number, host: string) =>
    from.on('message', (octets) => {
      if (octets.length <= RELAYED_OCTETS_MAX) to.send(octets, port, host);
    });
  pass(forHub, forOther, OTHER_WIRE_PORT, hostOf(number));
  pass(forOther, forHub, WIRE_PORT, hostOf(HUB));
}

async function writeAllCertificates(): Promise<void> {
  const numbers = [HUB, THIRD, ...all.map(([, { number }]) => number)];
  await writeCertificates({ out: folder, host: numbers.map(hostOf), force: true });
  const other = await createThrowAwayAuthority();
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text, { mode: 0o600 });
  write('other-ca.pem', other.caPem);
  const issued = await other.issue({ commonName: 'other', ips: [parseIp(hostOf(12))] });
  write('other.pem', issued.certificatePem);
  write('other.key', issued.keyPem);
  // A second authority that all but that one believe, since the first one's key is thrown away.
  const second = await createThrowAwayAuthority();
  write('ca.pem', readFileSync(join(folder, 'ca.pem'), 'utf8') + second.caPem);
  writeShort = async (endsAtMs) => {
    const notAfter = new Date(endsAtMs);
    const short = await second.issue({ commonName: 'short', ips: [parseIp(hostOf(13))], notAfter });
    write('short.pem', short.certificatePem);
    write('short.key', short.keyPem);
  };
}

/** Started while its certificate is valid. */
async function startExpiring(main: string, ends: Ends): Promise<Program> {
  for (;;) {
    await writeShort(Date.now() + SHORT_LIFE_MS);
    const program = startFaulty(main, ends);
    const started = await program.says(/gateway started/).then(
      () => true,
      () => false,
    );
    if (started) return program;
    if (!program.out.includes('expired on')) throw new Error(program.out);
  }
}

async function clientOf(number: number, program: Program): Promise<AdminClient> {
  let hasEnded = false;
  void program.ended.then(() => (hasEnded = true));
  let failure: unknown;
  const fails = (error: unknown) => {
    failure = error;
    return undefined;
  };
  const answers = vi.waitUntil(
    async () => {
      if (hasEnded) throw new Error('it has ended');
      const client = await AdminClient.connect(socketOf(number)).catch(fails);
      if (client === undefined) return false;
      const status = await client.call('Status', { unchecked: true }).catch(fails);
      if (status?.uptimeMs !== undefined) {
        clients.set(number, client);
        return true;
      }
      client.close();
      return false;
    },
    { timeout: NAMED_WITHIN_MS, interval: POLL_MS },
  );
  await answers.catch((error: Error) => {
    throw new Error(`gateway ${number} does not answer: ${error.message}: ${failure}\n${program.out}`);
  });
  return clients.get(number)!;
}

/** Of a gateway that has had no processor for so long, on a machine that does much else: it is true, and no fault of ours. */
const TOO_BUSY = /no answer within 5000 ms|the connection was not made in time/;

/** Who may be named by whom, at any time. */
function isRightAbout(by: number, { about, text }: Problem): boolean {
  if (TOO_BUSY.test(text)) return true;
  const mine = all.find(([, { number }]) => number === by)?.[1];
  if (by === HUB)
    return all.some(([, { number, hub }]) => [hub?.[1], nameOf(number)].includes(about) && hub !== undefined);
  if (by === THIRD)
    return all.some(([, { number, knowsThird }]) => knowsThird === true && about === nameOf(number));
  const right = mine?.own?.[1];
  if (about === '' || about.endsWith('.pem')) return true;
  return typeof right === 'string' ? right === about : right?.test(about) === true;
}

/** Asks all of them again and again, until it is over. */
async function watchAll(over: AbortSignal): Promise<void> {
  await Promise.all(
    [...clients].map(async ([number, client]) => {
      while (!over.aborted) {
        const status = await client.call('Status', { unchecked: false }).catch(() => undefined);
        said.set(number, [...(said.get(number) ?? []), ...(status?.problems ?? [])]);
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      }
    }),
  );
}

const has = (by: number, [cause, about, text]: readonly [RegExp, string | RegExp, RegExp]) =>
  (said.get(by) ?? []).some(
    (one) =>
      cause.test(one.cause) &&
      (typeof about === 'string' ? about === one.about : about.test(one.about)) &&
      text.test(one.text),
  );

const over = new AbortController();
let watching: Promise<void>;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'psp-gateway-faults-'));
  mkdirSync(join(folder, 'state'));
  mkdirSync(join(folder, 'faulty'));
  const main = makeFaultyProgram(join(folder, 'faulty'));
  await writeAllCertificates();
  await startOtherKind(24, 12, 'no such RPC');
  await startOtherKind(26, 3, 'psp_versions_accepted: 1; this gateway speaks 0');
  await relayService(hostOf(15), SERVICE_PORT, RELAYED_PORT);
  await relayService(hostOf(HUB), RELAYED_PORT, SERVICE_PORT);
  await relayWire(17);
  const hubFlags = all.flatMap(
    ([, { number, vips = [vipOf(number)] }]) => `-t${nameOf(number)}:${vips.join()}`,
  );
  const hub = start(main, HUB, [
    ...[`-s${nameOf(HUB)}`, `-t${nameOf(THIRD)}:${vipOf(THIRD)}`, ...hubFlags],
    `--peer-dialect=${nameOf(24)}=3.x`,
    ...[`--sim-wire=udp:${hostOf(HUB)}:${WIRE_PORT}`, `--sim-vf=host:${vipOf(HUB)}`],
    ...certificates(hostOf(HUB), 'ca'),
    ...['--static-tunnels', `--ping=${SILENT_VIP}`, '--ping-count=100000'],
  ]);
  const ofThird = all.filter(([, { knowsThird }]) => knowsThird === true).map(([, { number }]) => number);
  const third = start(main, THIRD, [
    ...[`-s${nameOf(THIRD)}`, `-t${nameOf(HUB)}:${vipOf(HUB)}`],
    ...ofThird.map((number) => `-t${nameOf(number)}:${vipOf(number)}`),
    ...[`--sim-wire=udp:${hostOf(THIRD)}:${WIRE_PORT}`, `--sim-vf=host:${vipOf(THIRD)}`],
    ...certificates(hostOf(THIRD), 'ca'),
    ...[`--ping=${vipOf(HUB)}`, '--ping-count=100000'],
  ]);
  await Promise.all([hub, third].map((program) => program.says(/gateway started/)));
  const gateways = all.filter(([, ends]) => isGateway(ends));
  // The first one, whose time is short, does not share the processor with all others that start.
  const [[, expiring], ...others] = [...gateways].sort(
    ([, a], [, b]) => Number(b.number === 13) - Number(a.number === 13),
  );
  const first = await startExpiring(main, expiring!);
  const faulty = [
    [expiring!, first] as const,
    ...others.map(([, ends]) => [ends, startFaulty(main, ends)] as const),
  ];
  const started = [
    [HUB, hub],
    [THIRD, third],
    ...faulty.map(([{ number }, program]) => [number, program] as const),
  ] as const;
  const notStarted = (
    await Promise.allSettled(started.map(([number, program]) => clientOf(number, program)))
  ).flatMap((one) => (one.status === 'rejected' ? [String(one.reason)] : []));
  expect(notStarted).toEqual([]);
  watching = watchAll(over.signal);
  await Promise.all(
    faulty.map(async ([{ number, inject }, program]) =>
      inject?.({ program, client: () => clients.get(number)! }),
    ),
  );
}, 240_000);

afterAll(async () => {
  over.abort();
  await watching;
  for (const client of clients.values()) client.close();
  for (const close of closing.reverse()) close();
  await Promise.all(programs.map((program) => program.stop('SIGKILL')));
  rmSync(folder, { recursive: true, force: true });
}, 60_000);

describe('status names, at both ends, who is at fault and why', () => {
  test.each(all)(
    '%s',
    async (_, { number, hub, own }) => {
      const ends = [
        ...(hub === undefined ? [] : [[HUB, hub] as const]),
        ...(own === undefined ? [] : [[number, own] as const]),
      ];
      for (const [by, expected] of ends) {
        const named = () => has(by, expected);
        await vi.waitUntil(named, { timeout: NAMED_WITHIN_MS, interval: POLL_MS }).catch(() => {
          throw new Error(`${by} has not said ${expected.join(' ')}, but:\n${texts(by)}`);
        });
      }
    },
    2 * NAMED_WITHIN_MS,
  );

  test(
    'rotation stuck',
    async () => {
      // One is down, and one does not hear us: neither takes new keys.
      const hub = clients.get(HUB)!;
      for (let rotations = 0; rotations < 2; rotations++) await hub.call('Rotate', {});
      const waits = () => has(HUB, [/^rotation-waits$/, nameOf(15), /waits for peer .* to take new keys/]);
      await vi.waitUntil(waits, { timeout: NAMED_WITHIN_MS, interval: POLL_MS });
    },
    NAMED_WITHIN_MS,
  );

  test('and never names the healthy third, nor anybody else', () => {
    for (const [by, problems] of said)
      expect({ by, wrong: problems.filter((one) => !isRightAbout(by, one)) }).toEqual({ by, wrong: [] });
    for (const problem of [...said.values()].flat())
      if (!TOO_BUSY.test(problem.text)) expect(problem.text).not.toContain(nameOf(THIRD));
  });

  test('on the screen as for programs', () => {
    const { stdout, status } = spawnSync(
      process.execPath,
      ['dist/cli/main.js', 'status', '--socket', socketOf(HUB)],
      { encoding: 'utf8', timeout: 60_000 },
    );
    expect(status).toBe(0);
    expect(stdout).toMatch(/^! peer 127\.0\.20\.11:3980 does not answer, for \d+ s: /m);
  });
});

function texts(by: number): string {
  return [
    ...new Set((said.get(by) ?? []).map(({ cause, about, text }) => `${cause} [${about}] ${text}`)),
  ].join('\n');
}
