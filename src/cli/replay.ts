/** `psp-gateway replay`: what a gateway was recorded to do, done again on another device, or by its own code. */
import { Command, InvalidArgumentError, Option } from 'commander';
import { systemClock } from '../base/clock.js';
import { printable } from '../base/printable.js';
import { systemRandom } from '../base/random.js';
import { parseDevice } from '../gateway/config/devices.js';
import { HalError, reasonOf } from '../hal/errors.js';
import { UPLINK_PORT, VF_PORT } from '../hal/program.js';
import type { SimPort } from '../hal-sim/port.js';
import { AddressError } from '../packet/address.js';
import { type Difference, fromTheDifference } from '../recording/difference.js';
import { openRecording, type RecordingFile } from '../recording/read-recording.js';
import { RecordingError, type RecordingHead } from '../recording/records.js';
import { type DeviceReplay, type ReplayDevice, replayOnDevice } from '../recording/replay-device.js';
import type { LogLine } from '../recording/replay-gateway.js';
import { failAtFile } from './failure.js';
import { FlagProblems } from './flag-problems.js';
import { complain, EXIT_FAILED, EXIT_USAGE } from './output.js';
import { VERSION } from './version.js';

interface Flags {
  readonly hal?: 'sim' | 'doca';
  readonly gateway?: true;
  readonly log?: true;
  readonly pciAddr?: string;
  readonly repr?: string;
  readonly coreMask?: string;
}

const NOTES = `A gateway writes a recording with --record; docs/recordings.md says what is in it, and what is compared.

  psp-gateway run --record gateway.rec ...
  psp-gateway replay gateway.rec                    the device's calls, on the simulator
  psp-gateway replay gateway.rec --hal doca -p 03:00.0 -r pf0vf0
  psp-gateway replay gateway.rec --gateway --log    what the gateway made of what it got

Without --hal and --gateway it is --hal sim.

Exit status: 0 the same, 1 a difference, of which both sides are shown, 2 wrong flags or no recording that can be replayed.`;

export function replayCommand(): Command {
  const command = new Command('replay')
    .description('do again what a recorded gateway did, and show the first difference')
    .argument('<file>', 'the recording, of psp-gateway run --record')
    .addOption(new Option('--hal <hal>', 'the device on which its calls are made').choices(['sim', 'doca']))
    .option('--gateway', "run the gateway's own code over the recorded device, peers and clock instead")
    .option('--log', 'print the lines that the gateway logs meanwhile (with --gateway)')
    .option(
      '-p, --pci-addr <address>',
      "the device's PCI address, instead of the recorded one (with --hal=doca)",
      pciAddressOf,
    )
    .option('-r, --repr <name>', 'its representor, instead of the recorded one (with --hal=doca)')
    .option('-m, --core-mask <mask>', "EAL's cores, instead of the recorded ones (with --hal=doca)")
    .addHelpText('after', `\n${NOTES}`);
  const wrong = new FlagProblems(command);
  return command.action((path: string, flags: Flags) => replay(path, flags, wrong));
}

async function replay(path: string, flags: Flags, wrong: FlagProblems): Promise<void> {
  const problems = [...wrong.list, ...unfit(flags)];
  if (problems.length > 0) {
    for (const problem of problems) complain(problem);
    process.exitCode = EXIT_USAGE;
    return;
  }
  try {
    const recording = await openRecording(path);
    if (flags.gateway === true) await overRecording(recording, flags);
    else await onDevice(recording, flags);
  } catch (error) {
    if (error instanceof RecordingError || error instanceof ReplayDeviceError) {
      complain(`psp-gateway: ${error.message}`);
      process.exitCode = EXIT_USAGE;
    } else failAtFile(error, path);
  }
}

function unfit(flags: Flags): string[] {
  const { hal, gateway, log } = flags;
  const problems: string[] = [];
  if (gateway === true && hal !== undefined)
    problems.push('--hal: does not go together with --gateway, which runs over the recorded device');
  if (gateway !== true && log === true) problems.push('--log: is for --gateway; give it as well');
  if (hal === 'doca') return problems;
  return problems.concat(deviceFlags(flags));
}

function deviceFlags(flags: Flags): string[] {
  return (['pciAddr', 'repr', 'coreMask'] as const)
    .filter((name) => flags[name] !== undefined)
    .map((name) => `--${name.replace(/[A-Z]/, (letter) => `-${letter.toLowerCase()}`)}: is for --hal=doca`);
}

/** The gateway's own code, over what has happened to it. */
async function overRecording(recording: RecordingFile, { log }: Flags): Promise<void> {
  const { replayGateway } = await import('../recording/replay-gateway.js');
  console.log(`recorded by psp-gateway ${recording.head.program}; here: ${VERSION}`);
  // What the gateway's code throws where nobody listens: it was not so when it was recorded.
  const failed = (error: unknown) => {
    complain(`psp-gateway: the gateway fails over this recording: ${reasonOf(error)}`);
    process.exitCode = EXIT_FAILED;
  };
  process.on('unhandledRejection', failed);
  const replay = await replayGateway(recording, (line) => {
    if (log === true) console.log(printable(textOf(line)));
  }).finally(() => process.off('unhandledRejection', failed));
  console.log(`${replay.inputs} inputs given, ${replay.compared} outputs compared`);
  tellDifference(replay.difference);
}

function textOf({ atS, level, message, fields = {} }: LogLine): string {
  const texts = Object.entries(fields).flatMap(([name, value]) =>
    value === undefined
      ? []
      : [`${name}=${typeof value === 'string' ? JSON.stringify(value) : String(value)}`],
  );
  return [`${atS.toFixed(6)} s`, level.toUpperCase(), message, ...texts].join(' ');
}

/** The device of the replay cannot be had. */
class ReplayDeviceError extends Error {}

async function onDevice(recording: RecordingFile, flags: Flags): Promise<void> {
  const { head, lost } = recording;
  const device = flags.hal === 'doca' ? await openDoca(head, flags) : await openSim(head);
  try {
    console.log(printable(`recorded: ${head.device.text}, psp-gateway ${head.program}`));
    console.log(`here:     ${device.hal.device.text}`);
    if (lost > 0) console.log(`the first ${lost} records are lost: the recording was full`);
    tell(await replayOnDevice(recording, device));
  } finally {
    await device.hal.close();
  }
}

function tell({ calls, compared, passedOver, difference }: DeviceReplay): void {
  console.log(`${calls} calls made, ${compared} results and packets compared`);
  for (const [what, count] of passedOver) console.log(`not compared: ${count} ${what}`);
  tellDifference(difference);
}

function tellDifference(difference: Difference | undefined): void {
  if (difference === undefined) {
    console.log('no difference');
    return;
  }
  const { record, atS, what } = difference;
  const [recorded, here] = fromTheDifference(difference.recorded, difference.here);
  console.log(`the first difference is at record ${record}, ${atS.toFixed(6)} s after the start: ${what}`);
  console.log(printable(`  recorded: ${recorded}`));
  console.log(printable(`  here:     ${here}`));
  process.exitCode = EXIT_FAILED;
}

/** A simulated device like the recorded one, whose VF is in our hands, and whose uplink leads nowhere. */
async function openSim({ device }: RecordingHead): Promise<ReplayDevice> {
  const { openSimHal } = await import('../hal-sim/device.js');
  const place = (id: number, receive: (handler: (frames: readonly Uint8Array[]) => void) => void) => {
    const described = device.ports.find((port) => port.id === id);
    if (described === undefined) throw new RecordingError(`its device has no port ${id}`);
    const port: SimPort = {
      name: described.name,
      mtuOctets: described.mtuOctets,
      send: () => {},
      start: async (handler) => receive(handler),
      close: async () => {},
    };
    return { ...described, port };
  };
  let intoVf: (frames: readonly Uint8Array[]) => void = () => {};
  const { keySlots, entriesPerPipe, keysPerBatch } = device.limits;
  const hal = await openSimHal({
    clock: systemClock,
    random: systemRandom(),
    uplink: place(UPLINK_PORT, () => {}),
    vf: place(VF_PORT, (handler) => {
      intoVf = handler;
    }),
    limits: { keySlots, entriesPerPipe, keysPerBatch },
    gmac: device.gmac === true,
  });
  return { hal, clock: systemClock, inject: (frame) => intoVf([frame]) };
}

async function openDoca(head: RecordingHead, flags: Flags): Promise<ReplayDevice> {
  const { openDoca: open, OpenHalError } = await import('./open-hal.js');
  const { options } = head;
  if (options.hal !== 'doca' && flags.pciAddr === undefined)
    throw new ReplayDeviceError('--pci-addr: is required, since the recorded gateway had a simulated device');
  try {
    const { hal } = await open(
      {
        ...options,
        hal: 'doca',
        pciAddress: flags.pciAddr ?? options.pciAddress,
        representor: flags.repr ?? options.representor,
        coreMask: flags.coreMask ?? options.coreMask,
      },
      { sdkLogLevel: SDK_LOG_LEVEL },
    );
    return { hal, clock: systemClock };
  } catch (error) {
    if (error instanceof OpenHalError || error instanceof HalError)
      throw new ReplayDeviceError(error.message);
    throw error;
  }
}

function pciAddressOf(text: string): string {
  try {
    return parseDevice(text).pciAddress;
  } catch (error) {
    if (error instanceof AddressError) throw new InvalidArgumentError(error.message);
    throw error;
  }
}

/** Warnings, as --sdk-log-level has it. */
const SDK_LOG_LEVEL = 40;
