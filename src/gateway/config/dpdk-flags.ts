/** DOCA's section doca_dpdk_flags of a JSON flags file: what DPDK programs of DOCA hand over to EAL, as flags of ours. */
import type { Node } from 'jsonc-parser';
import type { FlagValue } from './flag-values.js';
import type { Problems } from './problems.js';

export const DPDK_SECTION = 'doca_dpdk_flags';

/** EAL knows no more cores. */
const CORE_MAX = 127;

type Add = (flag: string, value: FlagValue) => void;

/** The section's members; `add` gets what they say in terms of our flags. */
export function readDpdkFlags(
  section: Node,
  at: (offset: number) => string,
  problems: Problems,
  add: Add,
): void {
  for (const property of section.children ?? []) {
    const [key, value] = property.children as [Node, Node];
    const name = key.value as string;
    const where = at(value.offset);
    if (name === 'core-mask') readCoreMask(value, where, problems, add);
    else if (name === 'core-list') readCoreList(value, where, problems, add);
    else if (name === 'devices') readDevices(value, at, problems, add);
    else if (name === 'flags') {
      if (value.value !== '')
        problems.add(where, 'arguments for EAL are given in the environment, PSP_GATEWAY_EAL_ARGUMENTS');
    } else {
      problems.add(
        at(key.offset),
        `there is no "${name}" in ${DPDK_SECTION}; known are devices, core-mask, core-list, flags`,
      );
    }
  }
}

function readCoreMask(value: Node, where: string, problems: Problems, add: Add): void {
  const mask = value.type === 'number' ? maskOfNumber(value.value as number) : value.value;
  if (typeof mask === 'string') add('core-mask', { text: mask, where });
  else problems.add(where, '"core-mask" is neither a whole number nor a text such as "0x3"');
}

/** 3 is 0x3, and 10 is 0xa: a number in JSON is decimal. */
export function maskOfNumber(mask: number): string | undefined {
  return Number.isSafeInteger(mask) && mask >= 0 ? `0x${mask.toString(16)}` : undefined;
}

/** 0-3,6 */
function readCoreList(value: Node, where: string, problems: Problems, add: Add): void {
  const text: unknown = value.value;
  const isList = typeof text === 'string' && /^\d{1,3}(-\d{1,3})?(,\d{1,3}(-\d{1,3})?)*$/.test(text);
  let mask = 0n;
  for (const range of isList ? text.split(',') : []) {
    const [first, last = first] = range.split('-').map(Number) as [number, number?];
    for (let core = first; core <= Math.min(last!, CORE_MAX); core++) mask |= 1n << BigInt(core);
    if (last! > CORE_MAX) mask = 0n;
  }
  if (mask > 0n) add('core-mask', { text: `0x${mask.toString(16)}`, where });
  else problems.add(where, `"core-list" is not a list of cores such as "0-3,6", from 0 to ${CORE_MAX}`);
}

/** [{"device": "pf", "id": "03:00.0", ...}]: the PF is the uplink; representors stand in the program's own flags. */
function readDevices(list: Node, at: (offset: number) => string, problems: Problems, add: Add): void {
  if (list.type !== 'array') {
    problems.add(at(list.offset), '"devices" is not a list');
    return;
  }
  for (const device of list.children ?? []) {
    const properties = device.type === 'object' ? (device.children ?? []) : [];
    const members = new Map(
      properties.map(({ children }) => [children![0]!.value as string, children![1]!] as const),
    );
    const [kind, id] = [members.get('device')?.value, members.get('id')];
    if (kind === 'pf' && typeof id?.value === 'string')
      add('pci-addr', { text: id.value, where: at(id.offset) });
    else if (kind === 'vf' || kind === 'sf')
      problems.add(at(device.offset), `the ${kind} is given as representor, "repr"; only the pf stands here`);
    else problems.add(at(device.offset), 'a device is {"device": "pf", "id": "PCI address"}');
    // sft, hws and the like say how DPDK is to drive it, which the gateway says itself.
    const others = [...members.keys()].filter((name) => name !== 'device' && name !== 'id');
    if (others.length > 0)
      problems.remark(at(device.offset), `not used, since the gateway says it itself: ${others.join(', ')}`);
  }
}
