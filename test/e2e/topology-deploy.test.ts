/**
 * `psp-gateway topology run --deploy`: what it writes, run as engines would run it, without one: the commands of the manifests and of the
 * containerlab file as processes, each in a network namespace of its own with what its container would have of addresses, names and
 * files. Certificates come from the scripts beside them.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { Report } from '../../src/topology/report.js';
import {
  type Container,
  containerlabContainers,
  kubernetesContainers,
  type Manifest,
  manifestsOf,
} from '../support/deployed.js';
import { describeOnKernel, nameOfThisRun } from '../support/kernel.js';
import { Program } from '../support/program.js';
import { MAIN, topologyFolder } from './topology-folder.js';

const { path, topology } = topologyFolder();

const LAB = `name: two
topology:
  kinds: {link: {delay: 1ms}}
  full-mesh: {gateways: 2, static: false, flags: {inner: both}}
scenario:
  traffic:
    A: {type: ping, from: "*", to: "*", count: 30, interval: 100ms, timeout: 5s, size: 1000}
  events:
    - {at: 100ms, impair: "h1:p0", delay: 5ms}
    - {at: 200ms, rotate: h1}
  expect:
    - {flow: "*", delivered: 30%}
`;

function lab(): string {
  writeFileSync(path('lab.yaml'), LAB);
  return path('lab.yaml');
}

const ip = (...args: readonly string[]) =>
  execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'inherit'] });
const SWITCH = nameOfThisRun('dsw');
/** What `ip netns exec` puts in the place of files in /etc. */
const NAMES_FOLDER = '/etc/netns';

/** A namespace for each container, at one switch. */
class Machines implements Disposable {
  readonly #namespaces: string[] = [];
  readonly #names = new Map<string, string>();

  constructor(hosts: ReadonlyMap<string, string>) {
    this.#add(SWITCH);
    ip('-n', SWITCH, 'link', 'add', 'br0', 'type', 'bridge');
    ip('-n', SWITCH, 'link', 'set', 'br0', 'up');
    for (const [i, [container, address]] of [...hosts].entries()) {
      const name = nameOfThisRun(`d${i}`);
      this.#names.set(container, name);
      this.#add(name);
      this.#cable(name, 'eth0', SWITCH, `p${i}`);
      ip('-n', SWITCH, 'link', 'set', `p${i}`, 'master', 'br0');
      ip('-n', name, 'addr', 'add', address, 'dev', 'eth0');
    }
  }

  of(container: string): string {
    return this.#names.get(container)!;
  }

  /** Cables two containers, with addresses. */
  link(ends: readonly (readonly [container: string, port: string, address: string])[], mtu: number): void {
    const [[one, port, address], [other, otherPort, otherAddress]] = ends as [
      (typeof ends)[number],
      (typeof ends)[number],
    ];
    this.#cable(this.of(one), port, this.of(other), otherPort);
    for (const [container, end, at] of [
      [one, port, address],
      [other, otherPort, otherAddress],
    ] as const) {
      ip('-n', this.of(container), 'link', 'set', end, 'mtu', String(mtu));
      ip('-n', this.of(container), 'addr', 'add', at, 'dev', end);
    }
  }

  /** What the names of the service are in all of them. */
  resolve(lines: readonly string[]): void {
    for (const name of this.#names.values()) {
      mkdirSync(join(NAMES_FOLDER, name), { recursive: true });
      writeFileSync(join(NAMES_FOLDER, name, 'hosts'), ['127.0.0.1 localhost', ...lines, ''].join('\n'));
    }
  }

  [Symbol.dispose](): void {
    for (const name of this.#namespaces) {
      spawnSync('ip', ['netns', 'del', name], { stdio: ['ignore', 'ignore', 'inherit'] });
      rmSync(join(NAMES_FOLDER, name), { recursive: true, force: true });
    }
  }

  #add(name: string): void {
    ip('netns', 'add', name);
    this.#namespaces.push(name);
    ip('-n', name, 'link', 'set', 'lo', 'up');
  }

  #cable(one: string, port: string, other: string, otherPort: string): void {
    ip('-n', one, 'link', 'add', port, 'type', 'veth', 'peer', 'name', otherPort, 'netns', other);
    ip('-n', one, 'link', 'set', port, 'up');
    ip('-n', other, 'link', 'set', otherPort, 'up');
  }
}

/** The command, with its container's files in a folder. */
function commandOf({ name, command, files }: Container, root: string): string[] {
  const own = join(root, name);
  for (const [at, text] of files) {
    mkdirSync(dirname(join(own, at)), { recursive: true });
    writeFileSync(join(own, at), text);
  }
  const [program, ...args] = command;
  expect(program).toBe('psp-gateway');
  const inFolder = args.map((word) =>
    /^\/(?:topology|certificates|tmp)\b/.test(word) ? join(own, word) : word,
  );
  return [process.execPath, MAIN, ...inFolder];
}

/** Runs a script of a deployment, with commands of its own in the PATH. */
function runScript(folder: string, script: string, kubectl: string): void {
  const programs = join(folder, 'bin');
  mkdirSync(programs);
  const own = { 'psp-gateway': `exec ${process.execPath} ${MAIN} "$@"`, kubectl };
  for (const [name, text] of Object.entries(own)) {
    writeFileSync(join(programs, name), `#!/bin/sh\n${text}\n`);
    chmodSync(join(programs, name), 0o755);
  }
  const env = { ...process.env, PATH: `${programs}:${process.env.PATH}` };
  execFileSync('sh', [script], { cwd: folder, env, stdio: ['ignore', 'ignore', 'inherit'] });
}

const programs: Program[] = [];
afterEach(async () => {
  for (const program of programs.splice(0)) await program.stop('SIGKILL');
});

/** The report of a run in one of these containers; the others go on meanwhile. The run starts first: it waits for the others. */
async function reportOf(containers: readonly Container[], machines: Machines, between = () => {}) {
  const start = (container: Container) => {
    const command = ['ip', 'netns', 'exec', machines.of(container.name), ...commandOf(container, path('fs'))];
    const program = new Program(command);
    programs.push(program);
    return program;
  };
  const isRun = ({ name }: Container) => name === 'run';
  const run = start(containers.find(isRun)!);
  await run.says(/waiting for it/);
  between();
  const nodes = containers.filter((one) => !isRun(one)).map(start);
  const status = await run.ended;
  for (const node of nodes) expect(await node.stop('SIGTERM'), node.out).toBe(0);
  const report = JSON.parse(run.out.slice(run.out.indexOf('{'))) as Report;
  return { status, report };
}

function expectSound({ status, report }: Awaited<ReturnType<typeof reportOf>>): void {
  expect(report.violations).toEqual([]);
  expect(report.errors).toEqual([]);
  expect(report.expectations).toMatchObject([{ ok: true }]);
  for (const { sent, delivered } of Object.values(report.flows)) {
    expect(sent).toBe(30);
    expect(delivered).toBeGreaterThan(4);
  }
  expect(status).toBe(0);
}

describeOnKernel('deployments, as processes in namespaces', ['ip', 'sh'], () => {
  test('Kubernetes: pods find each other by name, peers are told by these names, and the run waits for them', async () => {
    const folder = path('kubernetes');
    const written = await topology('run', lab(), '--deploy', 'kubernetes', '-o', folder);
    expect(written.out).toContain('left out: 1 event rotate');
    expect(written.status).toBe(0);
    // Secrets as files, as kubectl is told to make them.
    runScript(
      folder,
      'secrets.sh',
      `[ "$1 $2 $3" = 'create secret generic' ] || exit 1
folder="secrets/$4"; mkdir -p "$folder"; shift 4
for one in "$@"; do pair="\${one#--from-file=}"; cp "\${pair#*=}" "$folder/\${pair%%=*}"; done`,
    );
    const secret = (name: string) => {
      const files = readdirSync(join(folder, 'secrets', name));
      expect(files).toHaveLength(3);
      return new Map(files.map((one) => [one, readFileSync(join(folder, 'secrets', name, one), 'utf8')]));
    };
    const manifests = manifestsOf(readFileSync(join(folder, 'kubernetes.yaml'), 'utf8'));
    const containers = kubernetesContainers(manifests, secret);
    expect(containers.map(({ name }) => name)).toEqual(['h1', 'h2', 'run']);
    const hosts = new Map(containers.map(({ name }, i) => [name, `10.9.8.${i + 1}/24`]));
    using machines = new Machines(hosts);
    const names = [...hosts].map(([name, address]) => `${address.replace('/24', '')} ${name}.two`);
    // Pods that are not there yet have no names.
    machines.resolve(names.slice(1));
    expectSound(await reportOf(containers, machines, () => machines.resolve(names)));
  });

  test('containerlab: frames go on cables, which may come late, and RPCs over the management network', async () => {
    const folder = path('containerlab');
    const written = await topology('run', lab(), '--deploy', 'containerlab', '-o', folder);
    expect(written.status).toBe(0);
    runScript(folder, 'certificates.sh', 'exit 1');
    const containers = containerlabContainers(folder, 'two.clab.yml');
    const { nodes, links } = parse(readFileSync(join(folder, 'two.clab.yml'), 'utf8')).topology;
    const hosts = new Map(
      Object.entries(nodes as Record<string, Manifest>).map(([name, node]) => [
        name,
        `${node['mgmt-ipv4']}/16`,
      ]),
    );
    using machines = new Machines(hosts);
    const outcome = await reportOf(containers, machines, () => {
      for (const { endpoints, mtu } of links)
        machines.link(
          endpoints.map((end: Manifest) => [end.node, end.interface, end.ipv4]),
          mtu,
        );
    });
    expectSound(outcome);
    // The cables have carried the frames, and the management network has not.
    const octets = (container: string, port: string) =>
      Number(
        execFileSync(
          'ip',
          ['netns', 'exec', machines.of(container), 'cat', `/sys/class/net/${port}/statistics/rx_bytes`],
          { encoding: 'utf8' },
        ),
      );
    expect(octets('h1', 'eth1')).toBeGreaterThan(10 * 1000);
    expect(octets('h1', 'eth0')).toBeLessThan(octets('h1', 'eth1'));
  });
});

test('the Indexed Job is a search whose pods print shards that are merged', async () => {
  const folder = path('search');
  const deploy = ['--deploy', 'kubernetes', '-o', folder, '--seeds', '5..10', '--parts', '2'];
  expect((await topology('run', lab(), ...deploy)).status).toBe(0);
  const [config] = manifestsOf(readFileSync(join(folder, 'kubernetes.yaml'), 'utf8'));
  const [job] = manifestsOf(readFileSync(join(folder, 'search.yaml'), 'utf8'));
  mkdirSync(join(folder, 'shards'));
  for (let index = 0; index < job.spec.completions; index++) {
    const [pod] = kubernetesContainers([config, job], () => new Map(), {
      JOB_COMPLETION_INDEX: String(index),
    });
    const [, , ...words] = commandOf(pod!, path(`pod-${index}`));
    const { out, status } = await topology(...words.slice(1));
    expect(status).toBe(0);
    writeFileSync(join(folder, `shards/shard-${index}.jsonl`), out);
  }
  const merged = await topology('fuzz', join(folder, 'topology.yaml'), '--merge', join(folder, 'shards'));
  expect(merged.out).toBe('2 shards of seeds 5..10: 6 runs (5..10), 0 failed\n');
  expect(merged.status).toBe(0);
});

test('a file of containerlab is validated, run and drawn, and what is left out of it is said each time', async () => {
  writeFileSync(
    path('clos.clab.yml'),
    `name: clos
topology:
  nodes:
    leaf1: {kind: nokia_srlinux, image: ghcr.io/nokia/srlinux}
    client1: {kind: linux, image: alpine}
    client2: {kind: linux, image: alpine}
  links:
    - endpoints: ["client1:eth1", "leaf1:e1-1"]
    - endpoints: ["client2:eth1", "leaf1:e1-2"]
`,
  );
  writeFileSync(
    path('pings.yaml'),
    'traffic: {A: {type: ping, from: "*", to: "*", count: 3}}\nexpect: [{flow: A, lost: 0}]\n',
  );
  const scenario = path('pings.yaml');
  for (const args of [
    ['validate', path('clos.clab.yml'), scenario],
    ['run', path('clos.clab.yml'), scenario, '-o', path('clos')],
    ['graph', path('clos.clab.yml')],
  ]) {
    const { status, out, err } = await topology(...args);
    const file = path('clos.clab.yml');
    expect(err).toBe(
      `${file}: read as gateway: client1, client2\n${file}: read as router: leaf1\n${file}: left out of nodes: image\n`,
    );
    expect(out).toMatch(/clos|leaf1/);
    expect(status).toBe(0);
  }
});

test('a folder that no --deploy has written is left alone; its own is replaced', async () => {
  const input = lab();
  const deploy = (engine: string, folder: string) => topology('run', input, '--deploy', engine, '-o', folder);
  const own = path('own');
  expect((await deploy('kubernetes', own)).status).toBe(0);
  expect((await deploy('containerlab', own)).status).toBe(0);
  // Of the other engine's files none is left.
  expect(readdirSync(own).sort()).toEqual([
    '.psp-gateway-deploy',
    'DEPLOY.md',
    'certificates.sh',
    'topology.yaml',
    'two.clab.yml',
    'where.txt',
  ]);
  const others = path('others');
  cpSync(own, others, { recursive: true });
  rmSync(join(others, '.psp-gateway-deploy'));
  const refused = await deploy('kubernetes', others);
  expect(refused.err).toContain('has files that no --deploy has written');
  expect(refused.status).toBe(2);
  expect(existsSync(join(others, 'kubernetes.yaml'))).toBe(false);
});

test.each([
  [['--deploy', 'swarm'], '--deploy: allowed choices are kubernetes, containerlab'],
  [['--image', 'x'], '--image: is for --deploy; name the engine'],
  [['--deploy', 'kubernetes', '--image', 'a b'], '--image: expected a name of an image'],
  [['--deploy', 'kubernetes', '--processes'], '--processes: --deploy runs nothing here'],
  [['--deploy', 'containerlab', '--parts', '3'], '--parts: a search is written for kubernetes only'],
  [['--deploy', 'kubernetes', '--seeds', '1..3', '--parts', '4'], '--parts: 3 seeds have no 4 parts'],
  [['--processes', '--where-file', 'nowhere.txt'], '--where-file: nowhere.txt: there is no such file'],
  [['--processes', '--where-file', 'WHERE'], '--where-file: line 2: expected NAME=HOST'],
  [['--processes', '--where', 'h1=Upper.Case'], '--where:'],
  [
    ['--processes', '--where', 'h1=a.b,10.0.0.1,10.0.0.1', '--core', 'run.b', '--certificates', 'x'],
    '--where: h1: 10.0.0.1 is at another end of a cable already',
  ],
])('%j: exit status 2, and what to do', async (args, words) => {
  writeFileSync(path('where'), '# fine\nh1\nh2=10.0.0.1\n');
  const named = args.map((arg) => (arg === 'WHERE' ? path('where') : arg));
  const { status, err } = await topology('run', lab(), ...named);
  expect(err).toContain(words);
  expect(status).toBe(2);
});
