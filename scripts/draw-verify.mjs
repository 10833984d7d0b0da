// `npm run docs:verify`: the report in docs/verify, of `psp-gateway verify --quick` over the software DOCA on two cables of the kernel's, in
// a namespace of its own. It takes root, the native parts, and a minute.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setUp } from './setup.mjs';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const SPACE = `psp-docs-${process.pid}`;
const MAPPING = `[device 0000:03:00.0]
port = net_af_packet0,iface=up0
mtu = 1500
ipv6 = 2001:db8::1
[representor vf0]
port = net_af_packet1,iface=vf0
mtu = 1500
`;

setUp({ build: true });
const folder = mkdtempSync(join(tmpdir(), 'psp-gateway-verify-'));
mkdirSync(join(ROOT, 'docs/verify'), { recursive: true });
execFileSync('ip', ['netns', 'add', SPACE]);
try {
  const inSpace = ['netns', 'exec', SPACE];
  const quiet = ['default', 'all'].map((name) => `net.ipv6.conf.${name}.disable_ipv6=1`);
  execFileSync('ip', [...inSpace, 'sysctl', '-qw', ...quiet]);
  for (const cable of ['up', 'vf']) {
    const ends = [`${cable}0`, `${cable}1`];
    execFileSync('ip', ['-n', SPACE, 'link', 'add', ends[0], 'type', 'veth', 'peer', 'name', ends[1]]);
    for (const end of ends) execFileSync('ip', ['-n', SPACE, 'link', 'set', end, 'up']);
  }
  writeFileSync(join(folder, 'mapping.conf'), MAPPING);
  const device = ['--hal=doca', '--pci-addr=03:00.0', '--repr=[0]', '--uplink=up1', '--vf=vf1'];
  const command = [
    process.execPath,
    join(ROOT, 'dist/cli/main.js'),
    'verify',
    ...device,
    '--quick',
    '--settle=30',
  ];
  const { status } = spawnSync(
    'ip',
    [...inSpace, ...command, '-O', join(ROOT, 'docs/verify/software-doca')],
    {
      stdio: 'inherit',
      env: { ...process.env, DOCA_SOFT_CONFIG: join(folder, 'mapping.conf') },
    },
  );
  process.exitCode = status ?? 1;
} finally {
  execFileSync('ip', ['netns', 'del', SPACE]);
  rmSync(folder, { recursive: true, force: true });
}
