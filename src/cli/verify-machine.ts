/** What a report says of the machine, the device's firmware and the library: read where the kernel tells it, and never guessed. */
import { readdirSync, readlinkSync, realpathSync } from 'node:fs';
import { cpus, release as kernelRelease, totalmem } from 'node:os';
import { basename, join, relative } from 'node:path';
import { readTextFile } from '../files/read-file.js';
import { PACKAGE_FOLDER } from '../hal/native-parts.js';
import type { Measured } from '../verify/property.js';

const OCTETS_MAX = 1 << 20;
const DEVICES = '/sys/bus/pci/devices';

/** The file's text without blanks at its ends; undefined: there is none. */
function textOf(path: string): string | undefined {
  try {
    return readTextFile(path, OCTETS_MAX).trim() || undefined;
  } catch {
    return undefined;
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

export function machineRows(): Measured[] {
  const [processor] = cpus();
  const product = textOf('/sys/class/dmi/id/product_name');
  return [
    ...(product === undefined ? [] : [{ what: 'machine', value: product }]),
    {
      what: 'processor',
      value: `${cpus().length} of ${processor?.model.trim() ?? process.arch}, ${process.arch}`,
    },
    { what: 'memory', value: `${Math.round(totalmem() / 2 ** 30)} GiB` },
    { what: 'kernel', value: `${process.platform} ${kernelRelease()}` },
    { what: 'Node', value: process.version },
  ];
}

/** Of the PCI device: what it is, its firmware and its driver; nothing where the machine has no such device, as with the software DOCA. */
export function pciRows(address: string): Measured[] {
  const folder = join(DEVICES, /^[\da-f]{4}:/i.test(address) ? address : `0000:${address}`);
  const ids = ['vendor', 'device', 'subsystem_vendor', 'subsystem_device', 'revision'].map((name) =>
    textOf(join(folder, name)),
  );
  if (ids[0] === undefined)
    return [{ what: 'PCI device', value: `${address}: this machine has none; a mapped one` }];
  const rows: Measured[] = [{ what: 'PCI device', value: `${address}: ${ids.filter(Boolean).join(' ')}` }];
  try {
    rows.push({ what: 'driver', value: basename(readlinkSync(join(folder, 'driver'))) });
  } catch {
    rows.push({ what: 'driver', value: 'none' });
  }
  for (const name of namesIn(join(folder, 'infiniband'))) {
    for (const [file, what] of [
      ['fw_ver', 'firmware'],
      ['board_id', 'board'],
    ] as const) {
      const value = textOf(join(folder, 'infiniband', name, file));
      if (value !== undefined) rows.push({ what, value });
    }
  }
  return rows;
}

const LIBRARIES: Readonly<Record<string, RegExp>> = {
  'DOCA Flow': /\/\S*libdoca_flow\.so\S*/,
  DPDK: /\/\S*librte_eal\.so\S*/,
  addon: /\/\S*psp_gateway_doca\S*/,
};

/** The libraries that this process has loaded for it. */
export function libraryRows(): Measured[] {
  const maps = textOf('/proc/self/maps') ?? '';
  return Object.entries(LIBRARIES).flatMap(([what, pattern]) => {
    const [path] = pattern.exec(maps) ?? [];
    return path === undefined ? [] : [{ what, value: shownPath(path) }];
  });
}

/** Without links, and what is in this package without the way to it. */
function shownPath(path: string): string {
  try {
    const real = realpathSync(path);
    const within = relative(PACKAGE_FOLDER, real);
    return within.startsWith('..') ? real : within;
  } catch {
    return path;
  }
}
