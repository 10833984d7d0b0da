/** `psp-gateway [run]`: a gateway until it is told to stop, or until its `--ping` is done. */
import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { ConfigError } from '../gateway/config/problems.js';
import { readGatewayOptions } from '../gateway/config/read-options.js';
import { Gateway, GatewayStartError } from '../gateway/gateway.js';
import { readTlsFiles, TlsFilesError } from '../gateway/grpc-tls.js';
import { createGrpcTransport } from '../gateway/grpc-transport.js';
import type { Logger } from '../gateway/log.js';
import { systemClock } from '../hal/clock.js';
import { HalError } from '../hal/errors.js';
import { systemRandom } from '../hal/random.js';
import { describeFrame, summarize } from '../packet/describe.js';
import { dissectPsp } from '../psp/inspect.js';
import { flagHelp } from './flag-help.js';
import { createLogger } from './log.js';
import { type OpenHal, OpenHalError, openHal, SIM_FLAG_CHECKS } from './open-hal.js';
import { EXIT_FAILED, EXIT_USAGE } from './output.js';
import { ping } from './ping.js';
import { meterPerformance, statisticsText } from './statistics.js';
import { VERSION } from './version.js';

const PRINT_INTERVAL_MS = 1000;

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
  return new Command('run')
    .description('run a gateway')
    .allowUnknownOption()
    .allowExcessArguments()
    .version(`psp-gateway ${VERSION}`, '-v, --version', 'print the version')
    .addHelpText('after', () => `\n${flagHelp()}\n${EXAMPLE}`)
    .action((_flags: unknown, command: Command) => run(command.args));
}

async function run(argv: readonly string[]): Promise<void> {
  try {
    const { options, run: around } = readGatewayOptions(
      argv,
      (path) => readFileSync(path, 'utf8'),
      SIM_FLAG_CHECKS,
    );
    const logger = createLogger(around.logLevel, around.logFormat);
    const { tls } = options;
    const material = tls === undefined ? undefined : readTlsFiles(tls, systemClock.nowMs());
    const opened = await openHal(options, around);
    try {
      for (const { name, done } of opened.ending) {
        done.catch((error: Error) => logger.log('error', `${name}: ${error.message}`));
      }
      const meter =
        options.perfPrint === undefined ? undefined : meterPerformance(opened.hal, options.perfPrint);
      const gateway = new Gateway({
        hal: meter?.hal ?? opened.hal,
        transport: createGrpcTransport({
          messageOctetsMax: options.limits.requestOctetsMax,
          ...(material === undefined ? {} : { tls: material }),
        }),
        clock: systemClock,
        random: systemRandom(),
        logger,
        options,
        ...(options.showRssRxPackets
          ? {
              onReceived: (why: string, frame: Uint8Array) =>
                logger.log('info', `${why}: ${summarize(describeFrame(frame, dissectPsp))}`),
            }
          : {}),
      });
      await serve(gateway, opened, logger, {
        insecure: options.insecure,
        debugKeys: options.debugKeys,
        print: async () => [
          ...(options.statPrint ? [await statisticsText(opened.hal, gateway)] : []),
          ...[meter?.take()].filter((text) => text !== undefined),
        ],
        ...(around.ping === undefined ? {} : { ping: { ip: around.ping, count: around.pingCount } }),
      });
    } finally {
      await opened.close();
    }
  } catch (error) {
    fail(error);
  }
}

interface ServeOptions {
  readonly insecure: boolean;
  readonly debugKeys: boolean;
  /** Blocks to print every second. */
  readonly print: () => Promise<string[]>;
  readonly ping?: { readonly ip: Parameters<typeof ping>[1]; readonly count: number };
}

async function serve(
  gateway: Gateway,
  opened: OpenHal,
  logger: Logger,
  options: ServeOptions,
): Promise<void> {
  const stopped = new Promise<string>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve(signal));
  });
  const printing = setInterval(() => {
    void options.print().then((blocks) => {
      for (const block of blocks) process.stdout.write(`${block}\n\n`);
    }, ignoreAfterStop);
  }, PRINT_INTERVAL_MS);
  try {
    if (options.insecure) {
      logger.log(
        'warning',
        'gRPC in plaintext (--insecure): whoever reaches the port gets keys, and can read them',
      );
    }
    if (options.debugKeys) logger.log('warning', 'keys are printed to the log (--debug-keys, level 60)');
    await gateway.start();
    if (options.ping === undefined || opened.host === undefined) {
      logger.log('info', `${await stopped}: stopping`);
    } else {
      const answered = await Promise.race([
        ping(opened.host, options.ping.ip, options.ping.count),
        stopped.then(() => false),
      ]);
      if (!answered) process.exitCode = EXIT_FAILED;
    }
  } finally {
    clearInterval(printing);
    await gateway.stop();
  }
}

/** A print that was under way when the gateway stopped has nothing more to say. */
function ignoreAfterStop(error: unknown): void {
  if (!(error instanceof HalError && error.code === 'SHUTDOWN')) throw error;
}

function fail(error: unknown): void {
  const usage = error instanceof ConfigError || error instanceof TlsFilesError;
  if (error instanceof ConfigError) for (const problem of error.problems) console.error(problem);
  else if (
    usage ||
    error instanceof OpenHalError ||
    error instanceof GatewayStartError ||
    error instanceof HalError
  ) {
    console.error(`psp-gateway: ${(error as Error).message}`);
  } else if (error instanceof Error && error.message.startsWith('cannot listen')) {
    console.error(`psp-gateway: --svc-addr: ${error.message}`);
  } else throw error;
  process.exitCode = usage ? EXIT_USAGE : EXIT_FAILED;
}
