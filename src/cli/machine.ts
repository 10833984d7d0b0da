/** What runs in real time need of this machine. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { systemClock } from '../base/clock.js';
import { setNetworkSetting } from '../files/kernel-setting.js';
import { readTextFile } from '../files/read-file.js';
import { TemporaryFolder } from '../files/temporary-folder.js';
import {
  BUILD_COMMAND,
  BUILD_FOLDER,
  DOCA_ADDON,
  NativePartError,
  type SoftRelease,
  softAddonFile,
} from '../hal/native-parts.js';
import { openPacketPort } from '../hal-sim/ports/packet-socket.js';
import { loadPortsAddon } from '../hal-sim/ports/ports-addon.js';
import { openTapPort } from '../hal-sim/ports/tap.js';
import type { Machine } from '../topology/real-time/machine.js';
import { enterNamespace } from './network-namespace.js';

/** "Do not reply for all local addresses", as the kernel's ip-sysctl has it. */
const NO_ARP_REPLIES = '8';

/** Limit on the kernel's text for an attribute. */
const SYSFS_OCTETS_MAX = 4096;

export const THIS_MACHINE: Machine = {
  openTap: (options) => openTapPort({ addon: loadPortsAddon(), ...options }),
  openInterface: (name) => openPacketPort({ addon: loadPortsAddon(), clock: systemClock, name }),
  enterNamespace,
  readText: (path, octetsMax) => (existsSync(path) ? readTextFile(path, octetsMax) : undefined),
  indexOf: (interfaceName) =>
    Number(readTextFile(`/sys/class/net/${interfaceName}/ifindex`, SYSFS_OCTETS_MAX)),
  silence(interfaceName) {
    setNetworkSetting(['ipv6', 'conf', interfaceName, 'disable_ipv6'], '1');
    setNetworkSetting(['ipv4', 'conf', interfaceName, 'arp_ignore'], NO_ARP_REPLIES);
  },
  softDoca(release, mapping) {
    const addon = builtAddon(release);
    const folder = new TemporaryFolder();
    return {
      variables: {
        [DOCA_ADDON.variable]: addon,
        DOCA_SOFT_CONFIG: folder.write('mapping.conf', mapping),
        // Where DPDK's EAL puts what it would leave in /var/run.
        RUNTIME_DIRECTORY: folder.path,
      },
      close: () => folder.close(),
    };
  },
};

function builtAddon(release: SoftRelease): string {
  const path = resolve(BUILD_FOLDER, softAddonFile(release));
  if (existsSync(path)) return path;
  const command = BUILD_COMMAND.startsWith('npm') ? `${BUILD_COMMAND} --` : BUILD_COMMAND;
  throw new NativePartError(
    `the software DOCA as release ${release} is not built: ${command} --only doca --release ${release}`,
  );
}
