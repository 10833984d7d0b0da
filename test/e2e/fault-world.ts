/** The gateways of status-faults.test.ts, each a process on the loopback device, and what stands between them or in their place. */
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createSecureServer } from 'node:http2';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeCertificates } from '../../src/cli/certificates.js';
import { createThrowAwayAuthority } from '../../src/gateway/rpc/certificates.js';
import { parseIp } from '../../src/packet/address.js';
import { pcapHeader } from '../../src/packet/pcap.js';
import { Program } from '../support/program.js';
import {
  EMPTY_CAPTURE,
  type Ends,
  FAULTS,
  type FaultyWorld,
  HUB,
  hostOf,
  nameOf,
  OTHER_WIRE_PORT,
  RELAYED_PORT,
  SERVICE_PORT,
  SILENT_VIP,
  STATE_FILE,
  THIRD,
  vipOf,
  WIRE_PORT,
} from './faults-over-sim.js';
import { makeFaultyProgram } from './faulty-program.js';
import { TOO_BUSY_FLAG } from './status-watch.js';

/** The life of a certificate that ends while it is in use; its gateway is started again where that takes longer. */
const SHORT_LIFE_MS = 30_000;
/** Octets of a PSP packet that a relay lets through. */
const RELAYED_OCTETS_MAX = 700;

const all = Object.values(FAULTS);

export class FaultWorld implements FaultyWorld, AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'psp-gateway-faults-'));
  /** The compiled program, with faults. */
  readonly main: string;
  readonly #programs: Program[] = [];
  readonly #closing: (() => void)[] = [];
  /** When the certificate ends that ends, wall time. */
  expiresAtMs = 0;
  #isServiceCut = false;
  /** Makes the certificate that ends. */
  #writeShort: (endsAtMs: number) => Promise<void> = async () => {};

  private constructor() {
    for (const name of ['state', 'faulty', 'healthy']) mkdirSync(this.#file(name));
    writeFileSync(this.#file('empty.pcap'), pcapHeader(0));
    this.main = makeFaultyProgram(this.#file('faulty'));
  }

  /** All that is no gateway is there. */
  static async open(): Promise<FaultWorld> {
    const world = new FaultWorld();
    await world.#writeAllCertificates();
    await world.#startOtherKind(24, 12, 'no such RPC');
    await world.#startOtherKind(26, 3, 'psp_versions_accepted: 1; this gateway speaks 0');
    await world.#relayService(hostOf(15), SERVICE_PORT, RELAYED_PORT);
    await world.#relayService(hostOf(HUB), RELAYED_PORT, SERVICE_PORT);
    await world.#relayWire(17);
    return world;
  }

  /** For gateways without a fault. */
  get healthyFolder(): string {
    return this.#file('healthy');
  }

  socketOf(number: number): string {
    return this.#file(`${number}.sock`);
  }

  cutService(): void {
    this.#isServiceCut = true;
  }

  removeStateFolder(): void {
    rmSync(this.#file('state'), { recursive: true });
  }

  startHub(): Program {
    return this.#start(HUB, [
      ...[`-s${nameOf(HUB)}`, `-t${nameOf(THIRD)}:${vipOf(THIRD)}`],
      ...all.flatMap(({ number, vips = [vipOf(number)] }) => `-t${nameOf(number)}:${vips.join()}`),
      `--peer-dialect=${nameOf(24)}=3.x`,
      ...[`--sim-wire=udp:${hostOf(HUB)}:${WIRE_PORT}`, `--sim-vf=host:${vipOf(HUB)}`],
      ...this.#certificates(hostOf(HUB), 'ca'),
      ...['--static-tunnels', `--ping=${SILENT_VIP}`, '--ping-count=100000'],
    ]);
  }

  startThird(): Program {
    const known = all.filter(({ knowsThird }) => knowsThird === true).map(({ number }) => number);
    return this.#start(THIRD, [
      ...[`-s${nameOf(THIRD)}`, `-t${nameOf(HUB)}:${vipOf(HUB)}`],
      ...known.map((number) => `-t${nameOf(number)}:${vipOf(number)}`),
      ...[`--sim-wire=udp:${hostOf(THIRD)}:${WIRE_PORT}`, `--sim-vf=host:${vipOf(THIRD)}`],
      ...this.#certificates(hostOf(THIRD), 'ca'),
      ...[`--ping=${vipOf(HUB)}`, '--ping-count=100000'],
    ]);
  }

  startFaulty(ends: Ends): Program {
    const { number, hubVip = vipOf(HUB), servicePort = SERVICE_PORT, hubPort = SERVICE_PORT } = ends;
    const { flags = [], wirePort = WIRE_PORT, workload = `host:${vipOf(number)}`, environment } = ends;
    const { wire = `udp:${hostOf(number)}:${wirePort}` } = ends;
    return this.#start(
      number,
      [
        `-s${hostOf(number)}:${servicePort}`,
        `-t${hostOf(HUB)}:${hubPort}:${hubVip}`,
        ...(ends.knowsThird === true ? [`-t${nameOf(THIRD)}:${vipOf(THIRD)}`] : []),
        ...[`--sim-wire=${wire.replace(EMPTY_CAPTURE, this.#file('empty.pcap'))}`, `--sim-vf=${workload}`],
        ...this.#certificates(ends.files ?? hostOf(number), ends.authority ?? 'ca'),
        ...(ends.isLazy === true ? [] : ['--static-tunnels']),
        ...[`--ping=${hubVip}`, '--ping-count=100000'],
        ...flags.map((flag) => flag.replace(STATE_FILE, this.#file('state/state.json'))),
      ],
      environment,
    );
  }

  /** Started while its certificate is valid. */
  async startExpiring(ends: Ends): Promise<Program> {
    for (;;) {
      this.expiresAtMs = Date.now() + SHORT_LIFE_MS;
      await this.#writeShort(this.expiresAtMs);
      const program = this.startFaulty(ends);
      const started = await program.says(/gateway started/).then(
        () => true,
        () => false,
      );
      if (started) return program;
      if (!program.out.includes('expired on')) throw new Error(program.out);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const close of this.#closing.reverse()) close();
    await Promise.all(this.#programs.map((program) => program.stop('SIGKILL')));
    rmSync(this.folder, { recursive: true, force: true });
  }

  #file(name: string): string {
    return join(this.folder, name);
  }

  #start(number: number, flags: readonly string[], environment = {}): Program {
    const command = [
      ...[process.execPath, this.main, '--outer-ip-type=ipv4', `--admin=${this.socketOf(number)}`],
      ...[TOO_BUSY_FLAG, ...flags],
    ];
    // A full disk has the log of one.
    const wrapped = number === 22 ? ['sh', '-c', 'exec "$@" 2>/dev/full', 'sh', ...command] : command;
    const program = new Program(wrapped, environment);
    this.#programs.push(program);
    return program;
  }

  #certificates(files: string, authority: string): string[] {
    const [cert, key] = [this.#file(`${files}.pem`), this.#file(`${files}.key`)];
    return [`--tls-ca=${this.#file(authority)}.pem`, `--tls-cert=${cert}`, `--tls-key=${key}`];
  }

  async #writeAllCertificates(): Promise<void> {
    const numbers = [HUB, THIRD, ...all.map(({ number }) => number)];
    await writeCertificates({ out: this.folder, host: numbers.map(hostOf), force: true });
    const other = await createThrowAwayAuthority();
    const write = (name: string, text: string) => writeFileSync(this.#file(name), text, { mode: 0o600 });
    write('other-ca.pem', other.caPem);
    const issued = await other.issue({ commonName: 'other', ips: [parseIp(hostOf(12))] });
    write('other.pem', issued.certificatePem);
    write('other.key', issued.keyPem);
    // A second authority that all but that one believe, since the first one's key is thrown away.
    const second = await createThrowAwayAuthority();
    write('ca.pem', readFileSync(this.#file('ca.pem'), 'utf8') + second.caPem);
    this.#writeShort = async (endsAtMs) => {
      const notAfter = new Date(endsAtMs);
      const short = await second.issue({ commonName: 'short', ips: [parseIp(hostOf(13))], notAfter });
      write('short.pem', short.certificatePem);
      write('short.key', short.keyPem);
    };
  }

  /** A tunnel service that answers every request with one status. */
  async #startOtherKind(number: number, status: number, message: string): Promise<void> {
    const [key, cert, ca] = [`${hostOf(number)}.key`, `${hostOf(number)}.pem`, 'ca.pem'].map((name) =>
      readFileSync(this.#file(name)),
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
    this.#closing.push(() => server.close());
  }

  /** Carries connections on, until the OOB network is cut: then nothing passes, and nobody is told. */
  async #relayService(host: string, port: number, to: number): Promise<void> {
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
          if (!this.#isServiceCut) other.write(octets);
        });
      }
    });
    server.listen(port, host);
    await once(server, 'listening');
    this.#closing.push(() => {
      server.close();
      for (const socket of open) socket.destroy();
    });
  }

  /** Carries PSP packets between the hub and another one, up to a size. */
  async #relayWire(number: number): Promise<void> {
    const forHub = await this.#boundTo(hostOf(number), WIRE_PORT);
    const forOther = await this.#boundTo(hostOf(HUB), OTHER_WIRE_PORT);
    const pass = (from: UdpSocket, to: UdpSocket, port: number, host: string) =>
      from.on('message', (octets) => {
        if (octets.length <= RELAYED_OCTETS_MAX) to.send(octets, port, host);
      });
    pass(forHub, forOther, OTHER_WIRE_PORT, hostOf(number));
    pass(forOther, forHub, WIRE_PORT, hostOf(HUB));
  }

  async #boundTo(host: string, port: number): Promise<UdpSocket> {
    const socket = createSocket('udp4');
    socket.bind(port, host);
    await once(socket, 'listening');
    this.#closing.push(() => socket.close());
    return socket;
  }
}
