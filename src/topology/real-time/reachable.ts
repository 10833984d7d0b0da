/** Waits until the service of a gateway on another machine takes connections: who starts both need not start them in turn. */
import { connect } from 'node:net';
import { sleep, systemClock } from '../../base/clock.js';
import { type ServiceAddress, serviceText } from '../../gateway/rpc/transport.js';
import { TopologyFileError } from '../file/read.js';

/** For whoever waits for somebody else's start: of a machine, of its name, of an interface. */
export const START_WAIT_MAX_MS = 120_000;
export const START_LOOK_MS = 250;
/** A host that says nothing is asked again after so long. */
const CONNECT_MAX_MS = 2_000;

/** Throws TopologyFileError when it has waited for too long. */
export async function reachable(
  gateway: string,
  service: ServiceAddress,
  onWait?: (gateway: string) => void,
  waitMaxMs = START_WAIT_MAX_MS,
): Promise<void> {
  const endMs = systemClock.nowMs() + waitMaxMs;
  let isTold = false;
  while (!(await takesConnections(service))) {
    if (systemClock.nowMs() >= endMs)
      throw new TopologyFileError([
        `--where: ${gateway} takes no connections at ${serviceText(service)}, ${waitMaxMs / 1000} s long; start \`topology node\` there`,
      ]);
    if (!isTold) onWait?.(gateway);
    isTold = true;
    await sleep(systemClock, START_LOOK_MS);
  }
}

function takesConnections({ host, port }: ServiceAddress): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (is: boolean) => {
      late.cancel();
      socket.destroy();
      resolve(is);
    };
    const late = systemClock.setTimer(() => end(false), CONNECT_MAX_MS);
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
  });
}
