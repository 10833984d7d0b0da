// `npm run docs:samples`: what docs/operations.md shows of a running gateway, as the program prints it now: of two gateways and a
// peer that is not there. Times, MAC addresses and counters are the same each time. It takes some seconds.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { setUp } from './setup.mjs';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const DOCUMENT = join(ROOT, 'docs/operations.md');
const [OWN, PEER, SILENT] = ['127.0.0.92', '127.0.0.93', '127.0.0.94'];
const [OWN_VIP, PEER_VIP] = ['192.168.1.33', '192.168.1.55'];
const PATIENCE_MS = 60_000;
/** What stands in the columns of tables whose values are others each time; what is not known stays so. */
const COLUMNS = {
  age: '4 s',
  in: '5',
  octets: '490',
  out: '5',
  'last packet in': '803 ms ago',
  'last answer': '2 s ago',
};
const EVENTS_BEGIN = Date.UTC(2026, 10, 30, 11, 54, 39, 708);

setUp({ build: true });
const { table } = await import(join(ROOT, 'dist/cli/output.js'));
const folder = mkdtempSync(join(tmpdir(), 'psp-gateway-samples-'));
const children = [];

function start(...args) {
  const child = spawn(process.execPath, [join(ROOT, 'dist/cli/main.js'), ...args], { cwd: folder });
  child.said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (child.said += chunk));
  children.push(child);
  return child;
}

function ask(...args) {
  const command = [join(ROOT, 'dist/cli/main.js'), ...args];
  const { stdout, stderr, status } = spawnSync(process.execPath, command, { cwd: folder, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${args.join(' ')} ends with ${status}: ${stderr}`);
  return stdout.trimEnd();
}

const askGateway = (...args) => ask(...args, '--socket', 'admin.sock');

async function until(what, isSo) {
  const end = performance.now() + PATIENCE_MS;
  while (!isSo()) {
    if (performance.now() > end) throw new Error(`in vain waited until ${what}`);
    await setTimeout(100);
  }
}

function gateway(own, vip, ...more) {
  return start(
    ...['--outer-ip-type=ipv4', `-s${own}:3977`, `--sim-wire=udp:${own}:10977`, `--sim-vf=host:${vip}`],
    ...['--tls-ca=certs/ca.pem', `--tls-cert=certs/${own}.pem`, `--tls-key=certs/${own}.key`, ...more],
  );
}

/** The commands' lines in the document, and what they print. */
async function samples() {
  ask('certificates', '--out', 'certs', '--host', OWN, '--host', PEER);
  const first = gateway(
    ...[OWN, OWN_VIP, '--admin=admin.sock'],
    ...[`-t${PEER}:3977:${PEER_VIP}`, `-t${SILENT}:3977:10.2.0.0/29`],
  );
  await until('the gateway has started', () => first.said.includes('gateway started'));
  const second = gateway(
    ...[PEER, PEER_VIP, `-t${OWN}:3977:${OWN_VIP}`, '--admin=off'],
    ...[`--ping=${OWN_VIP}`, '--ping-count=100000'],
  );
  await until('the peer has started', () => second.said.includes('gateway started'));
  await until('packets have passed', () => {
    const { tunnels } = JSON.parse(askGateway('tunnels', '--vip', PEER_VIP, '--json'));
    return tunnels.some((one) => Number(one.in?.packets ?? 0) > 0 && one.state === 'established');
  });
  await until('the other peer is found to be silent', () =>
    askGateway('status').includes(`! peer ${SILENT}`),
  );
  const printed = new Map();
  const print = (command) => printed.set(command, askGateway(...command.split(' ')));
  for (const command of ['status', `tunnels --peer ${PEER}`, 'peers']) print(command);
  print(`explain ${OWN_VIP} 10.2.0.9 --proto tcp --dport 443`);
  print(`explain ${PEER_VIP} ${OWN_VIP} --direction in`);
  const events = start('events', '--socket', 'admin.sock');
  await until('events are watched', () => JSON.parse(askGateway('status', '--json')).admin.watchers > 0);
  print(`tunnels rekey --peer ${PEER}`);
  await until('the re-key is told', () => events.said.includes('tunnel re-keyed'));
  printed.set(
    'events',
    events.said.slice(0, events.said.indexOf('\n', events.said.indexOf('tunnel re-keyed'))),
  );
  print('reload');
  print(`rotate`);
  return printed;
}

/** The same each time, as far as the program prints the same. */
function stable(text) {
  let at = EVENTS_BEGIN;
  let columns;
  const blocks = [];
  for (const line of text.split('\n')) {
    if (line === '') columns = undefined;
    else if (/^[A-Z]{4,} {2,}/.test(line)) columns = line.split(/ {2,}/);
    if (columns === undefined) {
      blocks.push(
        line
          .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, () => new Date(at++).toISOString())
          .replace(/\b\d+ (?:s|ms)\b/g, '5 s')
          .replace(/ageS=\d+/, 'ageS=8'),
      );
      continue;
    }
    const cells = line.split(/ {2,}/).map((cell, i) => {
      if (/^(?:[0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(cell)) return '02:d4:e5:2f:a4:df';
      const value = COLUMNS[columns[i]];
      return value === undefined || cell === columns[i] || cell === '-' ? cell : value;
    });
    const open = blocks.at(-1);
    if (Array.isArray(open)) open.push(cells);
    else blocks.push([cells]);
  }
  return blocks.map((block) => (Array.isArray(block) ? table(block) : block)).join('\n');
}

try {
  let document = readFileSync(DOCUMENT, 'utf8');
  for (const [command, text] of await samples()) {
    const place = new RegExp(
      `(^\`psp-gateway ${command}\`[^\\n]*:\\n\\n\`\`\`text\\n)[^]*?(?=\\n\`\`\`$)`,
      'm',
    );
    if (!place.test(document)) throw new Error(`docs/operations.md has no place for psp-gateway ${command}`);
    document = document.replace(place, (_, head) => `${head}${stable(text)}`);
  }
  writeFileSync(DOCUMENT, document);
} finally {
  for (const child of children) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
}
