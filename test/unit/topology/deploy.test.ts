/** Deployments: manifests that Kubernetes' own models take, a containerlab file by the rules of its documentation, and what is left out. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Job } from 'kubernetes-models/batch/v1';
import { ConfigMap, Pod, Service } from 'kubernetes-models/v1';
import { describe, expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { containerlabDeployment } from '../../../src/topology/deploy/containerlab.js';
import { kubernetesDeployment } from '../../../src/topology/deploy/kubernetes.js';
import type { Deployment, DeployOptions } from '../../../src/topology/deploy/plan.js';
import { readTopology } from '../../../src/topology/file/read.js';
import { gatewaysOf, type NodePlan, type Topology } from '../../../src/topology/model.js';
import { type Manifest, manifestsOf } from '../../support/deployed.js';
import { ROOT } from '../../support/root.js';
import { mesh, ping } from '../../support/topologies.js';

const OPTIONS: DeployOptions = { image: 'registry.example/psp:1', seeds: { first: 1, last: 90 }, parts: 9 };
const EXAMPLES = join(ROOT, 'examples');

const read = (text: string) => readTopology('lab.yaml', () => text);
const lab = (scenario = '', nodes = '', links = '') =>
  read(`name: Lab_1
topology:
  nodes:
    h1: {kind: gateway}
    H_2: {kind: gateway, flags: {inner: both}}
    leaf1: {kind: switch}
${nodes}
  links:
    - {endpoints: ["h1:p0", "leaf1:eth1"], loss: 1%, delay: 2ms}
    - {endpoints: ["H_2:p0", "leaf1:eth2"]}
${links}
${scenario === '' ? '' : `scenario:\n${scenario}`}`);

function deployed(
  make: (topology: Topology, options: DeployOptions, problems: string[]) => Deployment,
  topology = lab(),
) {
  const problems: string[] = [];
  const deployment = make(topology, OPTIONS, problems);
  return { ...deployment, problems };
}

test('names that YAML 1.1 takes for truth values stay names for engines, which read that', () => {
  const named = lab('', '    no: {kind: gateway}', '    - {endpoints: ["no:p0", "leaf1:eth3"]}');
  const pods = deployed(kubernetesDeployment, named).files.get('kubernetes.yaml')!;
  const hostnames = parseAllDocuments(pods, { version: '1.1' }).map((one) => one.toJS().spec?.hostname);
  expect(hostnames).toContain('no');
  expect(pods).toMatch(/^ +- "no"$/m);
  const file = deployed(containerlabDeployment, named).files.get('Lab_1.clab.yml')!;
  expect(file).toMatch(/^ +"no":$/m);
  expect(parse(file, { version: '1.1' })).toEqual(parse(file));
});

/** Examples that machines in real time can run. */
const examples = readdirSync(EXAMPLES)
  .filter((name) => name.endsWith('.yaml'))
  .map((name) => ({
    name,
    topology: readTopology(join(EXAMPLES, name), (path) => readFileSync(path, 'utf8')),
  }))
  .filter(({ topology }) => topology.nodes.every(({ kind }) => kind !== 'insider'));

describe('for Kubernetes', () => {
  const MODELS: Readonly<Record<string, new (manifest: never) => { validate(): void }>> = {
    ConfigMap,
    Service,
    Pod,
    Job,
  };
  /** The models let unknown fields pass: whatever is a field of any of theirs is known. */
  const fields = new Set(
    ['kubernetes-models/v1', 'kubernetes-models/batch/v1', '@kubernetes-models/apimachinery/apis/meta/v1']
      .map((folder) => join(ROOT, 'node_modules', folder))
      .flatMap((folder) =>
        readdirSync(folder)
          .filter((name) => name.endsWith('.d.ts'))
          .flatMap((name) => [...readFileSync(join(folder, name), 'utf8').matchAll(/^\s+"(\w+)"\??:/gm)]),
      )
      .map(([, field]) => field!),
  );

  function unknownFields(value: unknown, path = ''): string[] {
    if (value === null || typeof value !== 'object') return [];
    return Object.entries(value).flatMap(([key, inner]) => {
      if (['data', 'labels', 'selector'].includes(key)) return [];
      const at = `${path}.${key}`;
      const isKnown = Array.isArray(value) || fields.has(key);
      return [...(isKnown ? [] : [at]), ...unknownFields(inner, at)];
    });
  }

  function problemsOf(manifest: Manifest): string[] {
    try {
      new MODELS[manifest.kind]!(manifest as never).validate();
      return unknownFields(manifest);
    } catch (error) {
      return [(error as Error).message];
    }
  }

  test('what these tests hold manifests to finds wrong types, missing fields and misspelt ones', () => {
    const pod = (container: object) => ({
      kind: 'Pod',
      metadata: { name: 'x' },
      spec: { containers: [container] },
    });
    expect(problemsOf(pod({ name: 'x', image: 'y', command: ['z'] }))).toEqual([]);
    expect(problemsOf(pod({ name: 'x', command: 'z' }))[0]).toMatch(/command/);
    expect(problemsOf(pod({ image: 'x' }))[0]).toMatch(/name/);
    expect(problemsOf(pod({ name: 'x', comand: ['z'] }))).toEqual(['.spec.containers.0.comand']);
  });

  test.each(examples)('manifests of $name are valid', ({ topology }) => {
    const { files, problems } = deployed(kubernetesDeployment, topology);
    expect(problems).toEqual([]);
    for (const name of ['kubernetes.yaml', 'search.yaml']) {
      const manifests = manifestsOf(files.get(name)!);
      expect(manifests.flatMap(problemsOf)).toEqual([]);
    }
  });

  const { files, problems } = deployed(kubernetesDeployment);
  const manifests = manifestsOf(files.get('kubernetes.yaml')!);
  const [search] = manifestsOf(files.get('search.yaml')!);
  const podsOf = (all: readonly Manifest[]): Manifest[] =>
    all.flatMap(({ kind, spec }) => (kind === 'Pod' ? [spec] : kind === 'Job' ? [spec.template.spec] : []));

  test('there is a pod for each gateway, found by its name in the service, and a Job for the run', () => {
    expect(problems).toEqual([]);
    expect(manifests.map(({ kind, metadata }) => `${kind} ${metadata.name}`)).toEqual([
      'ConfigMap lab-1-topology',
      'Service lab-1',
      'Pod lab-1-h1',
      'Pod lab-1-h-2',
      'Job lab-1-run',
    ]);
    expect(files.get('where.txt')).toContain('h1=h1.lab-1\nH_2=h-2.lab-1\n');
    const service = manifests[1];
    for (const pod of manifests.filter(({ kind }) => kind === 'Pod')) {
      expect(pod.spec.subdomain).toBe(service.metadata.name);
      expect(pod.metadata.labels).toMatchObject(service.spec.selector);
    }
    const run = manifests.at(-1).spec.template;
    expect(run.metadata.labels).toMatchObject(service.spec.selector);
    expect(run.spec.containers[0].command.join(' ')).toContain(`--core ${run.spec.hostname}.lab-1 `);
    // Pods of a search are not found under the names of the run's.
    expect(search.spec.template.metadata.labels).not.toMatchObject(service.spec.selector);
  });

  test('each gateway has its own key, from a Secret, and nobody else has one; no key is in any file', () => {
    const secrets = podsOf([...manifests, search]).map(({ volumes }) =>
      volumes.flatMap(({ secret }: Manifest) => secret?.secretName ?? []),
    );
    expect(secrets).toEqual([['lab-1-h1-tls'], ['lab-1-h-2-tls'], [], []]);
    const script = files.get('secrets.sh')!;
    expect(script).toContain('for gateway in h1 h-2; do');
    for (const text of files.values()) expect(text).not.toMatch(/PRIVATE KEY|BEGIN CERT/);
  });

  test('containers run as nobody, with nothing that they do not need', () => {
    for (const spec of podsOf([...manifests, search])) {
      expect(spec).toMatchObject({
        automountServiceAccountToken: false,
        securityContext: { runAsNonRoot: true },
      });
      expect(spec.containers[0]).toMatchObject({
        image: OPTIONS.image,
        securityContext: { readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } },
      });
    }
  });

  test('the search is an Indexed Job, each index a part of the seeds, and what is found is not tried again', () => {
    expect(search.spec).toMatchObject({ completionMode: 'Indexed', completions: 9, parallelism: 9 });
    const [container] = search.spec.template.spec.containers;
    expect(container.command.join(' ')).toContain('--seeds 1..90 --part $(JOB_COMPLETION_INDEX)/9 --json');
    expect(container.env[0].name).toBe('JOB_COMPLETION_INDEX');
    expect(search.spec.podFailurePolicy.rules[0].onExitCodes.values).toEqual([1, 2]);
  });

  test('names that Kubernetes would take for one are refused, all at once', () => {
    const topology = read(`name: ${'long'.repeat(15)}
topology:
  nodes: {a-b: {kind: gateway}, a_b: {kind: gateway}, Run: {kind: gateway}, s: {kind: switch}}
  links: [{endpoints: ["a-b:p0", "s:e1"]}, {endpoints: ["a_b:p0", "s:e2"]}, {endpoints: ["Run:p0", "s:e3"]}]
`);
    expect(deployed(kubernetesDeployment, topology).problems).toEqual([
      expect.stringContaining('name the topology in 56 characters'),
      'a_b: would be "a-b" in Kubernetes, as a-b is; name it otherwise',
      'Run: would be "run" in Kubernetes, as the pod of the run is; name it otherwise',
    ]);
  });

  test('a file that no ConfigMap takes is refused', () => {
    const small = mesh(2);
    const traffic = Array.from({ length: 10_000 }, (_, i) => ping(1, 2, { name: `ping-${i}` }));
    const big = { ...small, name: 'big', scenario: { ...small.scenario, traffic } };
    expect(deployed(kubernetesDeployment, big).problems).toEqual([
      expect.stringMatching(/^big: its file has \d+ octets, and a ConfigMap takes 1048576$/),
    ]);
  });
});

describe('for containerlab', () => {
  /** Rules of containerlab's documentation on topology files: names, kinds, the extended format of links. */
  function problemsOf(text: string, known: readonly string[]): string[] {
    const found: string[] = [];
    const only = (value: object, keys: readonly string[], at: string) => {
      for (const key of Object.keys(value)) if (!keys.includes(key)) found.push(`${at}: key ${key}`);
    };
    const file = parse(text);
    only(file, ['name', 'mgmt', 'topology'], 'file');
    if (!/^[a-zA-Z0-9][a-zA-Z0-9._-]*$/.test(file.name)) found.push(`name ${file.name}`);
    only(file.mgmt, ['network', 'ipv4-subnet'], 'mgmt');
    only(file.topology, ['nodes', 'links'], 'topology');
    const hosts = new Set<string>();
    for (const [name, node] of Object.entries(file.topology.nodes as Record<string, Manifest>)) {
      only(node, ['kind', 'image', 'mgmt-ipv4', 'entrypoint', 'cmd', 'binds', 'labels'], name);
      if (node.kind !== 'linux') found.push(`${name}: kind ${node.kind}`);
      if (!/^[A-Za-z][\w-]*$/.test(name)) found.push(`node ${name}`);
      if (!node['mgmt-ipv4'].startsWith('198.18.') || hosts.has(node['mgmt-ipv4']))
        found.push(`${name}: ${node['mgmt-ipv4']}`);
      hosts.add(node['mgmt-ipv4']);
      for (const value of [node.image, node.entrypoint, node.cmd, ...Object.values(node.labels)])
        if (typeof value !== 'string' || value === '') found.push(`${name}: no text: ${value}`);
      for (const bind of node.binds) {
        const [from, to, mode, ...more] = bind.split(':');
        if (!known.includes(from) && !from.startsWith('certs/')) found.push(`${name}: there is no ${from}`);
        if (!to.startsWith('/') || mode !== 'ro' || more.length > 0) found.push(`${name}: bind ${bind}`);
      }
    }
    const used = new Set<string>();
    const addresses = new Set<string>();
    for (const [i, link] of (file.topology.links as Manifest[]).entries()) {
      const at = `link ${i}`;
      if (link.type === 'host') {
        only(link, ['type', 'endpoint', 'host-interface', 'mtu', 'vars'], at);
        only(link.endpoint, ['node', 'interface'], at);
        const { node, interface: port } = link.endpoint;
        const name = `${node}:${port}`;
        if (file.topology.nodes[node] === undefined || used.has(name)) found.push(`${at}: ${name}`);
        if (port !== link['host-interface'] || port.length > 15) found.push(`${at}: ${port}`);
        used.add(name);
        continue;
      }
      only(link, ['type', 'endpoints', 'mtu', 'vars'], at);
      if (link.type !== 'veth' || link.endpoints.length !== 2) found.push(`${at}: ${link.type}`);
      if (!Number.isInteger(link.mtu) || link.mtu > 65_535) found.push(`${at}: mtu ${link.mtu}`);
      for (const end of link.endpoints) {
        only(end, ['node', 'interface', 'ipv4'], at);
        const name = `${end.node}:${end.interface}`;
        if (file.topology.nodes[end.node] === undefined || used.has(name)) found.push(`${at}: ${name}`);
        // The kernel's limit; eth0 is the management network's.
        if (!/^eth[1-9]\d{0,10}$/.test(end.interface)) found.push(`${at}: ${end.interface}`);
        if (!/^198\.19\.\d+\.\d+\/31$/.test(end.ipv4) || addresses.has(end.ipv4))
          found.push(`${at}: ${end.ipv4}`);
        used.add(name);
        addresses.add(end.ipv4);
      }
    }
    return found;
  }

  test.each(examples)('the file of $name keeps its rules', ({ topology }) => {
    const { files, problems } = deployed(containerlabDeployment, topology);
    expect(problems).toEqual([]);
    const name = [...files.keys()].find((file) => file.endsWith('.clab.yml'))!;
    expect(problemsOf(files.get(name)!, [...files.keys()])).toEqual([]);
  });

  const { files, leftOut } = deployed(containerlabDeployment);
  const file = parse(files.get('Lab_1.clab.yml')!);

  test('what these tests hold it to finds what is wrong', () => {
    const text = files.get('Lab_1.clab.yml')!;
    const wrong = (from: string | RegExp, to: string) =>
      problemsOf(text.replace(from, to), [...files.keys()]).length;
    expect(wrong('', '')).toBe(0);
    for (const [from, to] of [
      ['kind: linux', 'kind: linus'],
      ['interface: eth2', 'interface: eth1'],
      ['node: H_2', 'node: H_3'],
      ['198.18.0.10\n', '198.18.0.11\n'],
      ['where.txt:', 'there.txt:'],
      ['mtu:', 'mtus:'],
    ] as const)
      expect(wrong(from, to), to).toBeGreaterThan(0);
  });

  test('each gateway has a cable to the run, whose ends where.txt and the links say alike', () => {
    const ends = Object.fromEntries(
      (file.topology.links as Manifest[]).map(({ endpoints: [gateway, run] }) => [
        gateway.node,
        [gateway.ipv4, run.ipv4].map((prefix) => prefix.replace('/31', '')),
      ]),
    );
    for (const name of ['h1', 'H_2']) {
      const host = file.topology.nodes[name]['mgmt-ipv4'];
      expect(files.get('where.txt')).toContain(`${name}=${host},${ends[name]!.join()}\n`);
      expect(file.topology.nodes[name].binds.at(-1)).toBe(`certs/${host}.key:/certificates/${host}.key:ro`);
      expect(files.get('certificates.sh')).toContain(` ${host}`);
    }
    expect(file.topology.links[0].vars['psp-link']).toEqual({
      endpoints: ['h1:p0', 'leaf1:eth1'],
      mtu: 1500,
      delay: '2ms',
      loss: '1%',
    });
    expect(leftOut).toContainEqual(expect.stringContaining('containers of leaf1: they are in the run'));
  });

  const cabled = `    - {endpoints: ["leaf1:eth3", "host:ens2f0np0"], loss: 2%}`;

  test('an interface of the host that a link ends at is cabled to the run, under its name', () => {
    const { files: all, problems } = deployed(containerlabDeployment, lab('', '', cabled));
    expect(problems).toEqual([]);
    const text = all.get('Lab_1.clab.yml')!;
    expect(problemsOf(text, [...all.keys()])).toEqual([]);
    expect(parse(text).topology.links[0]).toMatchObject({
      type: 'host',
      endpoint: { node: 'run', interface: 'ens2f0np0' },
      'host-interface': 'ens2f0np0',
      vars: { 'psp-link': { loss: '2%' } },
    });
    expect(all.get('topology.yaml')).toContain('host:ens2f0np0');
    // Pods have none.
    expect(deployed(kubernetesDeployment, lab('', '', cabled)).problems).toEqual([
      'leaf1:eth3 host:ens2f0np0: no pod has interfaces of its machine; leave the link out',
    ]);
  });

  test('insiders, and devices that the run would cable itself, are refused', () => {
    const topology = lab('', '    bad: {kind: insider}', '    - {endpoints: ["bad:p0", "leaf1:eth9"]}');
    const nodes = topology.nodes.map((node) =>
      node.name === 'h1' && node.kind === 'gateway'
        ? { ...node, doca: { release: '3.3' as const, mapping: {} } }
        : node,
    );
    const { serviceAddress, uplinkMac, underlay } = gatewaysOf(topology)[0]!;
    const external: NodePlan = {
      kind: 'external',
      name: 'theirs',
      at: 'host:ens2f0np0',
      serviceAddress,
      uplinkMac,
      underlay,
      workloads: [],
    };
    expect(deployed(containerlabDeployment, { ...topology, nodes: [...nodes, external] }).problems).toEqual([
      expect.stringContaining('bad: an insider would be in the run'),
      'theirs: of kind external: containers do not reach it; leave it out',
      expect.stringContaining('h1: the run cables a device of DOCA itself'),
    ]);
  });

  test('a gateway with the name of the run is refused', () => {
    const topology = read(
      'name: x\ntopology:\n  nodes: {run: {kind: gateway}, b: {kind: gateway}}\n  links: [{endpoints: ["run:p0", "b:p0"]}]\n',
    );
    expect(deployed(containerlabDeployment, topology).problems).toEqual([
      expect.stringContaining('run: is the container of the run'),
    ]);
  });
});

describe('what the run cannot reach is left out, and said', () => {
  const scenario = `  traffic:
    A: {type: ping, from: h1-v1, to: H_2-v1}
    R: {type: replay, from: h1-v1, file: x.pcap}
  events:
    - {at: 1s, rotate: [h1, H_2]}
    - {at: 1s, cut: "h1:p0"}
    - {at: 1s, partition: [[h1], [H_2]]}
    - {at: 2s, remove-workload: h1-v1}
  expect:
    - {flow: A, lost: 0}
    - {flow: [A, R], delivered: 90%}
    - {flow: R, lost: 0}
    - {counter: nodes.h1.starts, min: 1}
    - {counter: switches.leaf1.flooded, min: 1}
    - {no-leaks: true}
`;
  const { files, leftOut, problems } = deployed(kubernetesDeployment, lab(scenario));
  const left = parse(files.get('topology.yaml')!).scenario;

  test('of the scenario what happens and is seen in the run stays', () => {
    expect(problems).toEqual([]);
    expect(left.events.map((event: object) => Object.keys(event)[1])).toEqual(['cut', 'remove-workload']);
    expect(Object.keys(left.traffic)).toEqual(['A']);
    expect(left.expect).toEqual([
      { flow: '*', lost: 0 },
      { flow: '*', delivered: '90%' },
      { counter: 'switches.leaf1.flooded', min: 1 },
    ]);
    // What is left reads as it was written.
    expect(() => read(files.get('topology.yaml')!)).not.toThrow();
  });

  test('each kind has a line, in the guide too', () => {
    for (const words of [
      '1 event rotate',
      '1 event partition',
      '2 expectations of counters',
      '1 flow of captures',
      'key-reuse',
    ]) {
      expect(leftOut).toContainEqual(expect.stringContaining(words));
      expect(files.get('DEPLOY.md')).toContain(words);
    }
  });

  test('files that flags name are refused: no container has them', () => {
    const topology = lab();
    const nodes = topology.nodes.map((node) =>
      node.kind === 'gateway' ? { ...node, flags: { 'tunnels-file': 'x' } } : node,
    );
    expect(deployed(kubernetesDeployment, { ...topology, nodes }).problems).toEqual([
      expect.stringContaining('h1: --tunnels-file names a file'),
      expect.stringContaining('H_2: --tunnels-file names a file'),
    ]);
    expect(deployed(containerlabDeployment, { ...topology, nodes: [] }).problems).toEqual([
      'Lab_1 has no gateways: there is nothing to deploy',
    ]);
  });
});
