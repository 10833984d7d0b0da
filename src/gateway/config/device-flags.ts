/** The flags that name the device: the uplink and the workload's representor. */
import { attempt } from './addresses.js';
import { parseDevice, parseRepresentors } from './devices.js';
import type { FlagReader } from './flag-reader.js';

const NO_PCI_ADDRESS = '0000:00:00.0';

/** The uplink and the workload's representor, each of which may be named together with the other. */
export function readDevices(
  flags: FlagReader,
  hal: 'sim' | 'doca',
): { pciAddress: string; representor: string } {
  const device = flags.parsed('pci-addr', parseDevice);
  const repr = flags.text('repr')!;
  // A representor by its own PCI address has nothing behind it.
  const namesDevice = /^[a-z]+\//i.test(repr.text);
  const behind = namesDevice ? flags.parsed('repr', parseDevice) : undefined;
  const isRepresentor = behind !== undefined && behind.representors === undefined;
  const itsDevice = isRepresentor ? undefined : behind?.pciAddress;
  if (device !== undefined && itsDevice !== undefined && itsDevice !== device.pciAddress) {
    flags.problems.add(repr.where, `is of device ${itsDevice}, and the uplink is ${device.pciAddress}`);
  }
  if (hal === 'doca' && !flags.given('pci-addr') && itsDevice === undefined)
    flags.problem('pci-addr', 'is required with --hal=doca');
  for (const [name, found] of [
    ['pci-addr', device],
    ['repr', behind],
  ] as const) {
    for (const text of found?.ignored ?? [])
      flags.problems.remark(
        flags.whereOf(name),
        `${text} is not used: the gateway has device arguments of its own`,
      );
  }
  if (namesDevice && behind === undefined)
    return { pciAddress: device?.pciAddress ?? NO_PCI_ADDRESS, representor: '[0]' };
  const own = isRepresentor ? behind.pciAddress : (behind?.representors ?? repr.text);
  const fromDevice = device?.representors;
  const given = flags.given('repr');
  const first = readRepresentor(flags, 'repr', given || fromDevice === undefined ? own : fromDevice);
  if (given && fromDevice !== undefined && readRepresentor(flags, 'pci-addr', fromDevice) !== first)
    flags.problems.add(
      repr.where,
      `names another representor than ${flags.whereOf('pci-addr')}, ${fromDevice}`,
    );
  return { pciAddress: device?.pciAddress ?? itsDevice ?? NO_PCI_ADDRESS, representor: first ?? '[0]' };
}

/** The one that is opened: the first of the list. */
function readRepresentor(flags: FlagReader, flag: string, text: string): string | undefined {
  const where = flags.whereOf(flag);
  const parsed = attempt(() => parseRepresentors(text));
  if ('reason' in parsed) {
    flags.problems.add(where, parsed.reason);
    return undefined;
  }
  const { first, count } = parsed.value;
  if (count > 1)
    flags.problems.remark(
      where,
      `of the ${count} representors of ${text} the gateway uses the first, ${first}`,
    );
  return first;
}
