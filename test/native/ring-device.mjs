/** For the processes that tests start: the addon that the environment names, on a device whose ports are rings. */
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

export const PCI_ADDRESS = '0000:00:00.0';
/** Of the rings, uplink first. */
export const PORTS = ['p0u', 'p0v'];

/** Starts the rings; the mapping file, with more `lines` of the device's, is in `folder`. */
export function startRingDevice(folder, lines = []) {
  const rings = createRequire(import.meta.url)(
    join(dirname(process.env.PSP_GATEWAY_DOCA_ADDON), 'psp_gateway_test_rings.node'),
  );
  rings.start(['test', '-a00:00.0', '--no-huge', '--no-shconf', '-m', '1024', '--log-level=*:error']);
  for (const name of PORTS) rings.createPort(name);
  const mapping = join(folder, 'mapping.conf');
  const device = [`[device ${PCI_ADDRESS}]`, 'port = net_ring_p0u', ...lines];
  writeFileSync(mapping, [...device, '[representor vf0]', 'port = net_ring_p0v', ''].join('\n'));
  process.env.DOCA_SOFT_CONFIG = mapping;
  return rings;
}
