/** A gateway that is recorded: what it is handed, and what others want of it. */
import type { Random } from '../base/random.js';
import { Gateway } from '../gateway/gateway.js';
import type { GatewayDeps } from '../gateway/surroundings.js';
import { Recorder } from './recorder.js';
import { type CallRecord, FORMAT_MAJOR, FORMAT_MINOR, type RecordingHead } from './records.js';
import { seamedDeps, shownMaterial } from './seamed-deps.js';
import { StandIns } from './stand-ins.js';
import { encoded, hexOf } from './values.js';

const ID_OCTETS = 8;
/** Methods that a transport may lack. */
const OPTIONAL_OF_TRANSPORT: readonly string[] = ['doors', 'peersChanged', 'disconnect', 'reloadTls'];

/** What changes the gateway and answers at once: it is written down where it comes. */
export const AT_ONCE: readonly string[] = ['beginRotation', 'drain', 'cancelDrain', 'rekeyTunnels'];
/** What takes its time: it has a turn of its own. */
export const IN_TURN: readonly string[] = [
  'start',
  'stop',
  'connect',
  'connectNow',
  'rekey',
  'rotateMasterKey',
  'removeTunnels',
  'disconnectPeers',
  'removeSession',
  'reconfigure',
  'tunnels',
  'checkPairs',
  'explain',
  'sessionCounters',
  'deviceCounters',
];

export interface RecordingOptions {
  /** Of psp-gateway. */
  readonly program: string;
  readonly withPayload: boolean;
  /** For the recording's name and the salt of its hashes; the gateway's own draws are those of `deps.random`. */
  readonly random: Random;
  readonly write: (line: string) => void;
}

export interface GatewayRecording {
  readonly gateway: Gateway;
  /** The first line of a part of the recording. */
  head(part: { readonly number: number; readonly linesBefore: number }): string;
}

/** A gateway of `deps`, recorded from before its first step. */
export function recordedGateway(deps: GatewayDeps, options: RecordingOptions): GatewayRecording {
  const { withPayload, random, program, write } = options;
  const standIns = new StandIns(random);
  const recorder = new Recorder({ clock: deps.clock, write });
  let build: CallRecord | undefined;
  const { tls, state } = deps;
  const shownTls =
    tls === undefined ? undefined : { files: tls.files, material: shownMaterial(tls.material, standIns) };
  const head: Omit<RecordingHead, 'part' | 'recordsBefore' | 'build'> = {
    format: 'psp-gateway-recording',
    version: `${FORMAT_MAJOR}.${FORMAT_MINOR}`,
    id: idOf(random),
    program,
    node: process.version,
    startedUs: recorder.startedUs,
    device: deps.hal.device,
    options: deps.options,
    payload: withPayload,
    state: state !== undefined,
    ...(shownTls === undefined ? {} : { tls: shownTls }),
    transport: OPTIONAL_OF_TRANSPORT.filter((name) => name in deps.transport),
  };
  const gateway = new Gateway(
    seamedDeps(deps, {
      seam: recorder,
      standIns,
      withPayload,
      onBuild: (shown) => {
        build = { k: 'call', on: 'hal', m: 'build', a: [shown] };
      },
    }),
  );
  return {
    gateway: watched(gateway, recorder),
    head: ({ number, linesBefore }) =>
      JSON.stringify({
        ...(encoded(head) as object),
        part: number,
        recordsBefore: linesBefore,
        ...(number > 1 && build !== undefined ? { build } : {}),
      }),
  };
}

/** The same gateway, with what others want of it written down. */
function watched(gateway: Gateway, recorder: Recorder): Gateway {
  return new Proxy(gateway, {
    get(target, name) {
      const member: unknown = recorder.outside(() => Reflect.get(target, name, target));
      if (typeof member !== 'function') return member;
      const method = member.bind(target) as (...args: unknown[]) => unknown;
      const m = name === Symbol.asyncDispose ? 'stop' : String(name);
      if (AT_ONCE.includes(m)) {
        return (...args: unknown[]) => {
          recorder.input({ k: 'ask', m, a: encoded(args) as unknown[] });
          return method(...args);
        };
      }
      if (!IN_TURN.includes(m)) return (...args: unknown[]) => recorder.outside(() => method(...args));
      return (...args: unknown[]) =>
        new Promise((resolve, reject) => {
          recorder.later(
            () => ({ k: 'ask', m, a: encoded(args) as unknown[] }),
            () => void (method(...args) as Promise<unknown>).then(resolve, reject),
          );
        });
    },
  });
}

function idOf(random: Random): string {
  const octets = new Uint8Array(ID_OCTETS);
  random.fill(octets);
  return hexOf(octets);
}
