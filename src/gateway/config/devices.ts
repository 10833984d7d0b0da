/**
 * Devices and representors as DOCA's programs name them: a PCI address, TYPE/ID as its argument parser has them since 3.1,
 * with a representor behind a comma, and lists and ranges of representors.
 */
import { AddressError } from '../../packet/address.js';
import { REPRESENTOR_CHARACTERS_MAX, REPRESENTOR_NUMBER_MAX } from './limits.js';

const PCI_PATTERN = /^(?:([0-9a-f]{4}):)?([0-9a-f]{2}):([0-9a-f]{2})\.([0-7])$/i;
/** A number, or numbers and ranges in brackets. */
const RANGE = String.raw`(?:\d+|\[\d+(?:-\d+)?(?:,\d+(?:-\d+)?)*\])`;
/** pf0vf1, vf1pf0, sf2, pf0 and [0], with a range in the place of each number. */
const REPRESENTOR_PATTERN = new RegExp(
  `^(?:(?:pf(?<pf>${RANGE}))?(?:(?<kind>[vs]f)(?<number>${RANGE}))?|(?<kindFirst>[vs]f)(?<numberFirst>${RANGE})pf(?<pfLast>${RANGE})|(?<index>${RANGE}))$`,
  'i',
);
const EXPECTED = 'a list such as vf0pf0, pf[0-1] or [0], or a PCI address';

export interface DeviceText {
  /** DDDD:BB:DD.F */
  readonly pciAddress: string;
  /** The representors named behind the address. */
  readonly representors?: string;
  /** Devargs, which the gateway has of its own. */
  readonly ignored: readonly string[];
}

export interface RepresentorList {
  /** The first, in DPDK's order: pf0vf1, vf1, pf0, [1], or a PCI address. */
  readonly first: string;
  readonly count: number;
}

/** Whether a text is that of a device, and of nothing else that a flag may have. */
export function isDeviceText(text: string): boolean {
  const [device] = text.split(',');
  return /^[a-z]+\//i.test(device!) || PCI_PATTERN.test(device!);
}

/** [pci/][DDDD:]BB:DD.F[,REPRESENTORS][,DEVARGS]; throws AddressError. */
export function parseDevice(text: string): DeviceText {
  const [device, ...rest] = topLevelParts(text);
  const [type, id] = device!.includes('/') ? device!.split('/', 2) : ['pci', device];
  if (type !== 'pci') {
    throw new AddressError(
      `"${device}": the gateway opens devices by their PCI address only; write pci/DDDD:BB:DD.F, as in lspci -D`,
    );
  }
  const pciAddress = fullPciAddress(id!);
  if (pciAddress === undefined)
    throw new AddressError(
      `"${text}" is not a PCI address such as 03:00.0, 0000:03:00.0 or pci/0000:03:00.0`,
    );
  const representors = rest.filter((part) => !part.includes('='));
  return {
    pciAddress,
    ...(representors.length === 0 ? {} : { representors: representors.join(',') }),
    ignored: rest.filter((part) => part.includes('=')),
  };
}

/** A list of representors; throws AddressError. */
export function parseRepresentors(text: string): RepresentorList {
  if (text.length > REPRESENTOR_CHARACTERS_MAX)
    throw new AddressError(`is longer than ${REPRESENTOR_CHARACTERS_MAX} characters`);
  const items = topLevelParts(text).map((item) => parseRepresentor(item, text));
  return { first: items[0]!.first, count: items.reduce((sum, { count }) => sum + count, 0) };
}

function parseRepresentor(item: string, text: string): RepresentorList {
  const pciAddress = fullPciAddress(item);
  if (pciAddress !== undefined) return { first: pciAddress, count: 1 };
  const groups = item === '' ? undefined : REPRESENTOR_PATTERN.exec(item)?.groups;
  if (groups === undefined) throw new AddressError(`"${text}" is not ${EXPECTED}`);
  const pf = numbersOf(groups.pf ?? groups.pfLast, text);
  const kind = (groups.kind ?? groups.kindFirst)?.toLowerCase();
  const number = numbersOf(groups.number ?? groups.numberFirst ?? groups.index, text);
  const count = (pf?.count ?? 1) * (number?.count ?? 1);
  if (groups.index !== undefined) return { first: `[${number!.first}]`, count };
  return {
    first: `${pf === undefined ? '' : `pf${pf.first}`}${kind === undefined ? '' : `${kind}${number!.first}`}`,
    count,
  };
}

function numbersOf(range: string | undefined, text: string): { first: number; count: number } | undefined {
  if (range === undefined) return undefined;
  const ranges = range
    .replaceAll(/[[\]]/g, '')
    .split(',')
    .map((part) => {
      const [low, high = low] = part.split('-').map(Number) as [number, number?];
      if (Math.max(low, high) > REPRESENTOR_NUMBER_MAX)
        throw new AddressError(`"${text}": numbers go up to ${REPRESENTOR_NUMBER_MAX}`);
      if (high < low) throw new AddressError(`"${text}": the range ${part} runs backwards`);
      return { low, count: high - low + 1 };
    });
  return { first: ranges[0]!.low, count: ranges.reduce((sum, { count }) => sum + count, 0) };
}

function fullPciAddress(text: string): string | undefined {
  const match = PCI_PATTERN.exec(text);
  if (match === null) return undefined;
  return `${match[1] ?? '0000'}:${match[2]}:${match[3]}.${match[4]}`.toLowerCase();
}

/** Parts between commas that are not in brackets. */
function topLevelParts(text: string): string[] {
  return text.split(/,(?![^[]*\])/);
}
