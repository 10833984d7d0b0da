// `npm run docs:samples`: what docs/operations.md shows of a running gateway, as the program prints it now: of two gateways and a
// peer that is not there. Times, MAC addresses and counters are the same each time. It takes some seconds.
import { spawn, spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
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
  hits: '5',
  'hits/s': '1',
  'octets/s': '98',
  misses: '1',
  'misses/s': '1',
  'octets/s*': '98',
  'in/s': '98',
  'out/s': '98',
  'packets in': '5',
  'packets out': '5',
};
/** Pipes of which the document shows the counters. */
const PIPE_LINES = 6;
/** Shows what a capture of dropped packets has. */
const TSHARK = 'tshark -r dropped.pcapng -T fields -e frame.interface_name -e ip.dst -e frame.comment';
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

/** The commands' lines in the document, and what they print, the same each time. */
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
  const put = (command, text, steady = stable) => printed.set(command, steady(text));
  const print = (command, steady) => put(command, askGateway(...command.split(' ')), steady);
  for (const command of ['status', `tunnels --peer ${PEER}`, 'peers']) print(command);
  print(`explain ${OWN_VIP} 10.2.0.9 --proto tcp --dport 443`);
  print(`explain ${PEER_VIP} ${OWN_VIP} --direction in`);
  const events = start('events', '--socket', 'admin.sock');
  await until('events are watched', () => JSON.parse(askGateway('status', '--json')).admin.watchers > 0);
  print(`tunnels rekey --peer ${PEER}`);
  await until('the re-key is told', () => events.said.includes('tunnel re-keyed'));
  put('events', events.said.slice(0, events.said.indexOf('\n', events.said.indexOf('tunnel re-keyed'))));
  print('reload');
  print(`rotate`);
  print('pipes --live --once', stablePipes);
  print('top --once');
  const pair = `capture --pair ${OWN_VIP} ${PEER_VIP} --count 4 -w pair.pcapng`;
  put(pair, (await captured(pair)).trimEnd());
  await captured('capture --dropped --count 1 -w dropped.pcapng', sendForged);
  put(TSHARK, shown(TSHARK.split(' ')));
  print(`peers disconnect ${PEER}`);
  second.kill('SIGKILL');
  // Until nothing has passed for a while.
  print('drain');
  return printed;
}

/** What a capture says, from its begin to its end. */
async function captured(command, whenBegun = () => {}) {
  const capture = start(...command.split(' '), '--socket', 'admin.sock');
  await until('the capture has begun', () => capture.said.includes('capturing'));
  whenBegun();
  await until('the capture has ended', () => capture.exitCode !== null);
  return capture.said;
}

/** A packet under an SPI that nobody was told of. */
function sendForged() {
  const socket = createSocket('udp4');
  socket.bind(0, SILENT, () => {
    socket.send(Buffer.from(`0401010077777777${'00'.repeat(64)}`, 'hex'), 10977, OWN, () => socket.close());
  });
}

function shown([program, ...args]) {
  const { stdout, error } = spawnSync(program, args, { cwd: folder, encoding: 'utf8' });
  if (error !== undefined) throw new Error(`${program} cannot be run: ${error.message}`);
  return stdout.trimEnd();
}

/** Pipes and entries that packets have hit, the first ones; their names are indented, and keep that. */
function stablePipes(text) {
  const [head, ...rows] = text.split('\n');
  const columns = [...head.matchAll(/\S+/g)].map(({ 0: name, index }) => ({
    name,
    end: index + name.length,
  }));
  const lines = rows.map((row) => {
    const [label] = /^ *\S+/.exec(row);
    let at = label.length;
    const cells = columns.slice(1).map(({ name, end }) => {
      const cell = row.slice(at, end).trim();
      at = end;
      return ['-', '0'].includes(cell) ? cell : COLUMNS[name];
    });
    return { label, cells };
  });
  const hit = lines.filter(({ cells: [hits] }) => !['-', '0'].includes(hits)).slice(0, PIPE_LINES);
  const labelLength = Math.max(...hit.map(({ label }) => label.length));
  const width = (i) => Math.max(columns[i + 1].name.length, ...hit.map(({ cells }) => cells[i].length));
  const line = (label, cells) =>
    `${label.padEnd(labelLength)}${cells.map((cell, i) => `  ${cell.padStart(width(i))}`).join('')}`;
  const names = columns.slice(1).map(({ name }) => name);
  return [line(columns[0].name, names), ...hit.map(({ label, cells }) => line(label, cells))].join('\n');
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
          .replace(/\b[\d.]+ packets\/s/g, '1 packets/s')
          .replace(/\b[\d.]+ octets\/s/g, '84 octets/s')
          // A ping may have had it made anew.
          .replace(/tunnels removed: \d/, 'tunnels removed: 1')
          .replace(/ageS=\d+/, 'ageS=8'),
      );
      continue;
    }
    const cells = line.split(/ {2,}/).map((cell, i) => {
      if (/^(?:[0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(cell)) return '02:d4:e5:2f:a4:df';
      const value = COLUMNS[columns[i]];
      return value === undefined || [columns[i], '-', '0'].includes(cell) ? cell : value;
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
      `(^(?:What )?\`(?:psp-gateway )?${command}\`[^\\n]*:\\n\\n\`\`\`text\\n)[^]*?(?=\\n\`\`\`$)`,
      'm',
    );
    if (!place.test(document)) throw new Error(`docs/operations.md has no place for ${command}`);
    document = document.replace(place, (_, head) => `${head}${text}`);
  }
  writeFileSync(DOCUMENT, document);
} finally {
  for (const child of children) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
}
