/** A program of one control pipe and one basic one, over a device that writes down what it is asked for. */
import { CheckedHal } from '../../src/hal/checked-hal.js';
import type { EntryId, EntryOperation, EntryResult } from '../../src/hal/hal.js';
import type { BasicPipe, ControlEntry, ControlPipe, PipeProgram } from '../../src/hal/program.js';
import { NotingDevice } from './noting-device.js';

export const ROOT: ControlPipe = {
  type: 'control',
  name: 'ROOT',
  domain: 'default',
  isRoot: true,
  sizeEntries: 2,
  miss: { to: 'pipe', pipe: 'ACL' },
  entries: [{ label: 'udp', priority: 1, match: {}, forward: { to: 'rss' }, monitor: { counter: true } }],
};
export const ACL: BasicPipe = {
  type: 'basic',
  name: 'ACL',
  domain: 'default',
  sizeEntries: 2,
  match: { 'outer.ip4.dst_ip': { value: 'entry' } },
  actions: [{}, { set: { 'meta.pkt_meta': { value: 'entry' } } }],
  forward: 'entry',
  miss: { to: 'drop' },
  monitor: { counter: true },
  entries: [{ label: 'static', match: { 'outer.ip4.dst_ip': 99 }, forward: { to: 'drop' } }],
};
export const PROGRAM: PipeProgram = { name: 'two pipes', pipes: [ROOT, ACL] };
/** The numbers of its pipes. */
export const [ROOT_PIPE, ACL_PIPE] = [0, 1];

export async function open(): Promise<{ hal: CheckedHal; device: NotingDevice }> {
  const device = new NotingDevice();
  const hal = new CheckedHal(device);
  await hal.build(PROGRAM);
  device.take();
  return { hal, device };
}

export const entryOf = (address: number, label?: string) => ({
  ...(label === undefined ? {} : { label }),
  match: { 'outer.ip4.dst_ip': address },
  forward: { to: 'drop' } as const,
});
export const add = (address: number, label?: string): EntryOperation => ({
  operation: 'add',
  pipe: 'ACL',
  entry: entryOf(address, label),
});
export const addControl = (entry: Partial<ControlEntry> = {}): EntryOperation => ({
  operation: 'add',
  pipe: 'ROOT',
  entry: { priority: 0, match: {}, forward: { to: 'drop' }, ...entry },
});
export const idOf = (result: EntryResult | undefined): EntryId => {
  if (result === undefined || 'error' in result) throw result?.error ?? new Error('no result');
  return result.id;
};
export const messages = (results: readonly EntryResult[]) =>
  results.map((result) => ('error' in result ? result.error.message : 'done'));
export const rejection = (call: () => unknown) =>
  (async () => call())().then(
    () => 'done',
    (error: Error) => error.message,
  );
