import { expect, test } from 'vitest';
import { createVirtualClock } from '../../../src/base/virtual-clock.js';
import {
  PORT_WATCH_INTERVAL_MS,
  type ProcFiles,
  watchKernelPorts,
} from '../../../src/hal-doca/kernel-ports.js';

const HEAD = 'sk               RefCnt Type Proto  Iface R Rmem   User   Inode\n';
const socketLine = (iface: number, inode: number) =>
  `000000004817eddd 2      3    0003   ${iface}    0 0      0      ${inode}\n`;

/** A process with a TAP behind descriptor 5 and a packet socket behind 7; what others have is in the lists, too. */
class Process implements ProcFiles {
  tap: string | undefined = 'vf0';
  uplink: number | undefined = 4;
  looks = 0;
  descriptors() {
    return new Map([
      ['1', '/dev/null'],
      ['5', '/dev/net/tun'],
      ['6', '/dev/net/tun'],
      ['7', 'socket:[206923]'],
    ]);
  }
  fdinfo(descriptor: string): string {
    this.looks++;
    if (descriptor === '5' && this.tap === undefined)
      throw Object.assign(new Error('closed'), { code: 'ENOENT' });
    // A descriptor that was opened, and made no interface.
    return `pos:\t0\nflags:\t02100002\nino:\t104\niff:\t${descriptor === '5' ? this.tap : ''}\n`;
  }
  packetSockets(): string {
    const own = this.uplink === undefined ? '' : socketLine(this.uplink, 206_923);
    return `${HEAD}${socketLine(-1, 11)}${own}`;
  }
  interfaceName = (index: number) => `up${index}`;
}

function watching(proc: ProcFiles) {
  const clock = createVirtualClock(0);
  const watch = watchKernelPorts(clock, proc);
  let ended: string | undefined;
  watch.done.then(
    () => (ended = 'resolved'),
    (error: Error) => (ended = error.message),
  );
  return { clock, watch, ended: () => ended };
}

test('says nothing while interfaces are there, nor when the device closes its ports', async () => {
  const proc = new Process();
  const { clock, ended } = watching(proc);
  await clock.advance(10 * PORT_WATCH_INTERVAL_MS);
  proc.tap = undefined;
  proc.uplink = undefined;
  await clock.advance(10 * PORT_WATCH_INTERVAL_MS);
  expect(ended()).toBe(undefined);
});

test.each([
  [
    'a TAP',
    (proc: Process) => {
      proc.tap = '';
    },
    'vf0: it was removed',
  ],
  [
    'the interface of a packet socket',
    (proc: Process) => {
      proc.uplink = -1;
    },
    'up4: it was removed',
  ],
])('names %s that is removed at the next look, and looks no more', async (_what, remove, message) => {
  const proc = new Process();
  const { clock, watch, ended } = watching(proc);
  await clock.advance(PORT_WATCH_INTERVAL_MS);
  const states = () => watch.states().map(({ name, state }) => `${name} ${state}`);
  expect(states()).toEqual(['vf0 present', 'up4 present']);
  remove(proc);
  expect(ended()).toBe(undefined);
  await clock.advance(PORT_WATCH_INTERVAL_MS);
  expect(ended()).toBe(message);
  const [gone] = message.split(':');
  expect(states()).toEqual(['vf0', 'up4'].map((name) => `${name} ${name === gone ? 'gone' : 'present'}`));
  const { looks } = proc;
  await clock.advance(9 * PORT_WATCH_INTERVAL_MS);
  expect([proc.looks, clock.pending]).toEqual([looks, 0]);
});

test('a process without such ports is not looked at again, and a closed watch neither', async () => {
  const none: ProcFiles = {
    descriptors: () => new Map(),
    fdinfo: () => '',
    packetSockets: () => HEAD,
    interfaceName: () => '',
  };
  expect(watching(none).clock.pending).toBe(0);
  const { clock, watch } = watching(new Process());
  watch.close();
  expect(clock.pending).toBe(0);
});
