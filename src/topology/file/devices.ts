/** The device of a gateway's node: which one, and what the program's own flags say of it. */
import { SOFT_RELEASE, SOFT_RELEASES, type SoftRelease } from '../../hal/native-parts.js';
import type { DocaPlan } from '../model.js';
import type { GivenFlags } from './gateway-flags.js';
import type { ParsedGateway } from './parsed.js';
import type { Place } from './source.js';

/** The fields that are flags of the program. */
const DEVICE_FLAGS = ['pci-addr', 'repr', 'core-mask'] as const;
const OF_DOCA = ['release', ...DEVICE_FLAGS, 'mapping'] as const;
const DEFAULTS = {
  // Any will do: the mapping file gives the device the address that is asked for.
  'pci-addr': '0000:03:00.0',
  repr: '[0]',
  // Each such gateway has a process, and they share the machine.
  'core-mask': '0x1',
};

export interface DeviceRead {
  readonly plan: DocaPlan;
  /** The flags that the gateway's options are read with, besides those of the file. */
  readonly flags: GivenFlags;
}

/** Undefined: a simulated device. Problems are noted. */
export function readDevice(parsed: ParsedGateway, place: Place): DeviceRead | undefined {
  if (parsed.hal !== 'doca') {
    for (const key of OF_DOCA)
      if (parsed[key] !== undefined)
        place.at(key).problem('is for a gateway with "hal: doca"; add that, or leave it out');
    return undefined;
  }
  place
    .at('hal')
    .onlyInRealTime(
      "a gateway over DOCA is a process on the machine's clock, and virtual time cannot wait for it",
    );
  const texts: Record<string, string> = { hal: 'doca', ...DEFAULTS };
  for (const key of DEVICE_FLAGS) if (parsed[key] !== undefined) texts[key] = writtenAt(place.at(key));
  return {
    plan: {
      release: releaseOf(parsed, place),
      mapping: parsed.mapping ?? {},
    },
    flags: {
      texts,
      places: new Map(['hal', ...DEVICE_FLAGS].map((name) => [name, place.at(name)])),
      incomplete: place.lostSomething,
    },
  };
}

function releaseOf({ release }: ParsedGateway, place: Place): SoftRelease {
  if (release === undefined) return SOFT_RELEASE;
  const at = place.at('release');
  const text = writtenAt(at);
  const found = SOFT_RELEASES.find((one) => one === text);
  if (found === undefined)
    at.problem(`"${text}" is no release of DOCA that is known; write one of ${SOFT_RELEASES.join(', ')}`);
  return found ?? SOFT_RELEASE;
}

/** As it is written, not as YAML understands it: 2.10 is no 2.1. */
function writtenAt({ source, path }: Place): string {
  return source.written(path)!;
}
