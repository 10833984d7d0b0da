/** `psp-gateway [run]`: a gateway until it is told to stop, or until its `--ping` is done. */
import { resolve } from 'node:path';
import { Command } from 'commander';
import { systemClock, type Timer } from '../base/clock.js';
import { systemRandom } from '../base/random.js';
import { fileReason } from '../files/file-problem.js';
import { SocketPathError } from '../files/unix-socket.js';
import { ConfigError } from '../gateway/config/problems.js';
import { Gateway } from '../gateway/gateway.js';
import type { Logger } from '../gateway/log.js';
import { type ProtectionOff, protectionsOff } from '../gateway/protections.js';
import { tlsSource } from '../gateway/rpc/grpc-tls.js';
import { createGrpcTransport } from '../gateway/rpc/grpc-transport.js';
import { type ServiceAddress, serviceText } from '../gateway/rpc/transport.js';
import { type GatewayDeps, GatewayStartError } from '../gateway/surroundings.js';
import { HalError } from '../hal/errors.js';
import type { PipeHal } from '../hal/hal.js';
import type { GatewayMetrics } from '../metrics/gateway-metrics.js';
import { MetricsListenError } from '../metrics/listen-error.js';
import type { CaptureCounts } from '../metrics/metric.js';
import { describeFrame, summarize } from '../packet/describe.js';
import { NoCaptureError } from '../packet/pcap.js';
import { dissectPsp } from '../psp/inspect.js';
import { startRecording } from '../recording/start-recording.js';
import { startAdmin } from './admin-socket.js';
import { failAtFile, listenProblem, whenOutputIsLost } from './failure.js';
import { flagHelp } from './flag-help.js';
import { withGatewayFlags } from './gateway-flags.js';
import { createLogger } from './log.js';
import { metricsFor } from './metrics.js';
import { type OpenHal, OpenHalError, openHal } from './open-hal.js';
import { complain, EXIT_FAILED, EXIT_USAGE } from './output.js';
import { meterPerformance } from './performance-meter.js';
import { type PingPlan, ping } from './ping.js';
import { startPrinting } from './printing.js';
import { nativeGuard, ProcessGuard } from './process-guard.js';
import { readRunOptions } from './read-run-options.js';
import { Reloader } from './reload.js';
import { stateStore } from './state-store.js';
import { VERSION } from './version.js';

/** After a rotation: time for the old keys' last packets. */
const FORGET_DELAY_MS = 1000;

const EXAMPLE = `
Two gateways on one machine, in two terminals; outer IPv4 over UDP sockets on two loopback addresses:

  psp-gateway certificates --out certs --host 127.0.0.2 --host 127.0.0.3
  psp-gateway --outer-ip-type ipv4 -s 127.0.0.2 -t 127.0.0.3:192.168.1.55 \\
      --sim-wire udp:127.0.0.2:10000 --sim-vf host:192.168.1.33 \\
      --tls-ca certs/ca.pem --tls-cert certs/127.0.0.2.pem --tls-key certs/127.0.0.2.key
  psp-gateway --outer-ip-type ipv4 -s 127.0.0.3 -t 127.0.0.2:192.168.1.33 \\
      --sim-wire udp:127.0.0.3:10000 --sim-vf host:192.168.1.55 --ping 192.168.1.33 \\
      --tls-ca certs/ca.pem --tls-cert certs/127.0.0.3.pem --tls-key certs/127.0.0.3.key

Exit status: 0 stopped, or every ping was answered; 1 failed; 2 wrong flags or files.
`;

export function runCommand(): Command {
  return withGatewayFlags(new Command('run'))
    .description('run a gateway')
    .version(`psp-gateway ${VERSION}`, '-v, --version', 'print the version')
    .addHelpText('after', () => `\n${flagHelp()}\n${EXAMPLE}`)
    .action((_flags: unknown, command: Command) => run(command.args));
}

async function run(argv: readonly string[]): Promise<void> {
  try {
    const read = await readRunOptions(argv);
    const { options, run: around, material } = read;
    const logger = createLogger(around.logLevel, around.logFormat);
    const guard = new ProcessGuard({
      native: nativeGuard(options.hal),
      allowCoreDumps: around.allowCoreDumps,
      onProblem: (problem) => logger.log('warning', problem),
    });
    const opened = await openHal(options, around, {
      say: (level, text) => logger.log(level, text),
      protect: (octets) => guard.lock(octets),
    });
    if (opened.lostLogLines !== undefined) logger.countLinesOf(opened.lostLogLines);
    guard.forbidDumps();
    tellDevice(opened.hal, logger);
    let forgetting: Timer | undefined;
    let drained = () => {};
    const whenDrained = new Promise<void>((resolve) => {
      drained = resolve;
    });
    try {
      const meter =
        options.perfPrint === undefined ? undefined : meterPerformance(opened.hal, options.perfPrint);
      let captures: () => CaptureCounts | undefined = () => undefined;
      const metrics = await metricsFor(around, logger, () => captures());
      const transport = createGrpcTransport({
        messageOctetsMax: options.limits.requestOctetsMax,
        // As they are now: the configuration may have been read anew.
        identitiesOf: (peer) => gateway.identitiesOf(peer),
        clock: systemClock,
        limits: options.limits.doors,
        logger,
        ...(material === undefined ? {} : { tls: material }),
        ...(options.tls === undefined ? {} : { tlsFiles: options.tls }),
      });
      const deps: GatewayDeps = {
        observe: (event) => {
          if (event.type === 'drain-finished' && event.stops) drained();
          // Another master key is dead.
          if (event.type === 'rotated')
            forgetting = systemClock.setTimer(() => guard.forget(), FORGET_DELAY_MS);
        },
        hal: meter?.hal ?? opened.hal,
        ports: () => opened.ports(),
        showFrames: opened.showFrames,
        transport: metrics?.observed(transport) ?? transport,
        clock: systemClock,
        random: systemRandom(),
        logger,
        options,
        ...(options.tls === undefined || material === undefined
          ? {}
          : { tls: tlsSource(options.tls, material, systemClock.nowMs) }),
        ...(options.statePath === undefined ? {} : { state: stateStore(options.statePath) }),
        ...(options.showRssRxPackets
          ? {
              onReceived: (why: string, frame: Uint8Array) =>
                logger.log('info', `${why}: ${summarize(describeFrame(frame, dissectPsp))}`),
            }
          : {}),
      };
      await using recording =
        around.record &&
        (await startRecording(deps, {
          ...around.record,
          program: VERSION,
          clock: systemClock,
          random: systemRandom(),
        }));
      const gateway = recording?.gateway ?? new Gateway(deps);
      const reloader = new Reloader({ argv, read, gateway, logger });
      await using admin = await startAdmin(gateway, {
        admin: around.admin,
        service: options.serviceAddress,
        hasTls: options.tls !== undefined,
        logger,
        reload: () => reloader.reload(),
        about: async () => {
          const { configText } = await import('../gateway/config/config-text.js');
          return {
            runtime: `Node ${process.version}, ${process.platform} ${process.arch}`,
            configuration: configText(reloader.read),
            recording: around.record && resolve(around.record.path),
          };
        },
      });
      captures = () => admin?.counters();
      await serve(gateway, opened, logger, {
        onStarted: () => admin?.started(),
        drained: whenDrained,
        reload: () => reloader.reload(),
        remarks: around.remarks,
        metrics,
        metricsAddress: around.metrics,
        protectionsOff: protectionsOff({ ...options, allowCoreDumps: around.allowCoreDumps }),
        startPrinting: () =>
          startPrinting({
            gateway,
            statistics: options.statPrint,
            meter,
            format: around.logFormat,
            onLost: (blocks) => logger.countLost(blocks),
          }),
        ...(around.ping === undefined
          ? {}
          : {
              ping: {
                ip: around.ping,
                count: around.pingCount,
                onLost: (lines: number) => logger.countLost(lines),
              },
            }),
      });
    } finally {
      await opened.close();
      forgetting?.cancel();
      guard.forget();
    }
  } catch (error) {
    fail(error);
  }
}

function tellDevice({ device }: PipeHal, logger: Logger): void {
  logger.log('info', `device: ${device.text}`);
  for (const { id, kind, name, mac, ipv4, ipv6, mtuOctets } of device.ports) {
    const what = kind === 'uplink' ? 'the uplink' : 'of the workload';
    const addresses = { ...(ipv4 === undefined ? {} : { ipv4 }), ...(ipv6 === undefined ? {} : { ipv6 }) };
    logger.log('info', `port ${id}, ${what}`, { name, mac, ...addresses, mtuOctets });
  }
}

interface ServeOptions {
  /** --metrics, and where. */
  readonly metrics: GatewayMetrics | undefined;
  readonly metricsAddress: ServiceAddress | undefined;
  readonly onStarted: () => void;
  /** Resolves when the gateway has been drained, and is to stop then. */
  readonly drained: Promise<void>;
  /** Reads the files again; once the gateway has been started. */
  readonly reload: () => Promise<unknown>;
  readonly remarks: readonly string[];
  readonly protectionsOff: readonly ProtectionOff[];
  /** Begins with --stat-print and --perf-print; gives what ends them. */
  readonly startPrinting: () => () => void;
  readonly ping?: PingPlan;
}

async function serve(
  gateway: Gateway,
  opened: OpenHal,
  logger: Logger,
  options: ServeOptions,
): Promise<void> {
  const stopPrinting = options.startPrinting();
  let started: (() => void) | undefined;
  const running = new Promise<void>((resolve) => (started = resolve));
  // Where its terminal goes the gateway stays, under nohup(1) too, which Node does not let it inherit.
  process.on('SIGHUP', () => {
    logger.log('info', 'SIGHUP: reads its files again; SIGINT or SIGTERM ends it');
    void running.then(() => options.reload());
  });
  const stopped = new Promise<string>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve(signal));
    void options.drained.then(() => resolve('drained'));
    whenOutputIsLost((error, status) => {
      stopPrinting();
      process.exitCode = status;
      const reason = `standard output: ${fileReason(error)}`;
      // Neither a full disk nor a reader that is gone is a reason to carry no packets.
      if (options.ping !== undefined) resolve(reason);
      else logger.log('error', `${reason}; goes on without printing`);
    });
    for (const { name, done } of opened.ending) {
      done.catch((error: Error) => {
        logger.log(
          'error',
          `${name}: ${error.message}; the gateway ends: start it again when the port is there`,
        );
        // Of what comes through a pipe it shows only now.
        process.exitCode = error instanceof NoCaptureError ? EXIT_USAGE : EXIT_FAILED;
        resolve(`${name} is gone`);
      });
    }
  });
  try {
    for (const remark of options.remarks) logger.log('info', remark);
    for (const { flag, consequence } of options.protectionsOff) {
      logger.log('warning', `protection off (${flag}): ${consequence}`);
    }
    await serveMetrics(gateway, options, logger);
    await gateway.start();
    options.onStarted();
    started?.();
    if (options.ping === undefined || opened.host === undefined) {
      logger.log('info', `${await stopped}: stopping`);
    } else {
      const interrupt = new AbortController();
      void stopped.then(() => interrupt.abort());
      const answered = await ping(opened.host, options.ping, interrupt.signal);
      if (!answered) process.exitCode ||= EXIT_FAILED;
    }
  } finally {
    stopPrinting();
    options.metrics?.stopping();
    await gateway.stop();
    await options.metrics?.close();
  }
}

async function serveMetrics(
  gateway: Gateway,
  { metrics, metricsAddress }: ServeOptions,
  logger: Logger,
): Promise<void> {
  if (metrics === undefined || metricsAddress === undefined) return;
  const { host, port } = await metrics.serve(gateway, metricsAddress);
  logger.log('info', 'metrics are served', { at: `http://${serviceText({ host, port })}/metrics` });
}

function fail(error: unknown): void {
  if (error instanceof MetricsListenError) {
    complain(`psp-gateway: --metrics: ${error.message}`);
    process.exitCode = error.isWrongAddress ? EXIT_USAGE : EXIT_FAILED;
    return;
  }
  const listening = listenProblem(error);
  if (listening !== undefined) {
    complain(`psp-gateway: --svc-addr: ${listening.text}`);
    process.exitCode = listening.isWrongPath ? EXIT_USAGE : EXIT_FAILED;
    return;
  }
  if (error instanceof SocketPathError) {
    complain(`psp-gateway: --admin: ${error.message}`);
    process.exitCode = error.isWrongPath ? EXIT_USAGE : EXIT_FAILED;
    return;
  }
  if (error instanceof ConfigError) for (const problem of error.problems) complain(problem);
  else if (error instanceof OpenHalError || error instanceof GatewayStartError || error instanceof HalError)
    complain(`psp-gateway: ${error.message}`);
  else {
    failAtFile(error);
    return;
  }
  process.exitCode = isWrongUsage(error) ? EXIT_USAGE : EXIT_FAILED;
}

function isWrongUsage(error: Error): boolean {
  if (error instanceof OpenHalError) return error.isWrongUsage;
  return error instanceof ConfigError;
}
