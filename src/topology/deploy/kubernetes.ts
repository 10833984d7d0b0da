/**
 * A topology as manifests for Kubernetes: a pod for each gateway, found by its name in a headless service, a Job that is the run, and
 * an Indexed Job that is a search. Certificates come from Secrets, one for each gateway, which a script beside the manifests makes.
 */
import type { Topology } from '../model.js';
import {
  CERTIFICATES_FOLDER,
  type Deployment,
  type DeployOptions,
  engineYaml,
  GUIDE_FILE,
  leftOutText,
  nodeCommand,
  planOf,
  runCommand,
  TOPOLOGY_FILE,
  TOPOLOGY_FOLDER,
  WHERE_FILE,
  whereLines,
} from './plan.js';

const MANIFESTS_FILE = 'kubernetes.yaml';
const SEARCH_FILE = 'search.yaml';
const SECRETS_FILE = 'secrets.sh';
/** Host name of the run's pod. */
const RUN = 'run';
/** What the API server takes of a ConfigMap. */
const CONFIG_MAP_OCTETS_MAX = 1024 * 1024;
/** RFC 1123, section 2.1: a label. Names of Jobs are labels of their pods, too. */
const LABEL_CHARACTERS_MAX = 63;
const JOB_SUFFIX_CHARACTERS = '-search'.length;
/** Nobody: no container needs root. */
const USER = 65532;

type Manifest = Readonly<Record<string, unknown>>;

/** What cannot be expressed at all is noted as problems. */
export function kubernetesDeployment(
  topology: Topology,
  options: DeployOptions,
  problems: string[],
): Deployment {
  const { gateways, text, leftOut } = planOf(topology, problems);
  const app = labelOf(topology.name);
  if (app.length > LABEL_CHARACTERS_MAX - JOB_SUFFIX_CHARACTERS)
    problems.push(`${topology.name}: names in Kubernetes are shorter; name the topology in 56 characters`);
  const names = new Map(gateways.map(({ name }) => [name, labelOf(name)]));
  const taken = new Map([[RUN, 'the pod of the run']]);
  for (const [name, label] of names) {
    const other = taken.get(label);
    if (other !== undefined)
      problems.push(`${name}: would be "${label}" in Kubernetes, as ${other} is; name it otherwise`);
    else taken.set(label, name);
  }
  for (const { name, outside } of topology.links) {
    if (outside !== undefined)
      problems.push(`${name}: no pod has interfaces of its machine; leave the link out`);
  }
  const core = `${RUN}.${app}`;
  const places = [...names].map(([name, label]) => [name, `${label}.${app}`] as const);
  const files = { [TOPOLOGY_FILE]: text, [WHERE_FILE]: whereLines(places) };
  const octets = Object.values(files).reduce((sum, one) => sum + Buffer.byteLength(one), 0);
  if (octets > CONFIG_MAP_OCTETS_MAX)
    problems.push(
      `${topology.name}: its file has ${octets} octets, and a ConfigMap takes ${CONFIG_MAP_OCTETS_MAX}`,
    );
  const metadata = (name: string, part: string) => ({ name, labels: labelsOf(app, part) });
  const manifests: Manifest[] = [
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: metadata(`${app}-topology`, 'topology'),
      data: files,
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: metadata(app, 'names'),
      // Without an address of its own: names lead to the pods, which frames must come from. Also before they are ready.
      spec: { clusterIP: 'None', publishNotReadyAddresses: true, selector: { [INSTANCE]: app } },
    },
    ...[...names].map(
      ([name, label]): Manifest => ({
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: metadata(`${app}-${label}`, 'gateway'),
        spec: {
          ...podSpec(app, label),
          restartPolicy: 'Always',
          containers: [container('gateway', options.image, nodeCommand(name, core), [CERTIFICATES])],
          volumes: [
            ...volumesOf(app),
            { name: CERTIFICATES, secret: { secretName: secretOf(app, label), defaultMode: 0o440 } },
          ],
        },
      }),
    ),
    {
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: metadata(`${app}-run`, 'run'),
      spec: {
        // Gateways know the address of the first pod.
        backoffLimit: 0,
        template: {
          metadata: { labels: labelsOf(app, 'run') },
          spec: {
            ...podSpec(app, RUN),
            restartPolicy: 'Never',
            containers: [container('run', options.image, runCommand(core), [])],
            volumes: volumesOf(app),
          },
        },
      },
    },
  ];
  const all = new Map([
    [MANIFESTS_FILE, yamlOf(manifests)],
    [SEARCH_FILE, yamlOf([searchJob(app, options)])],
    [TOPOLOGY_FILE, text],
    [WHERE_FILE, files[WHERE_FILE]],
    [SECRETS_FILE, secretsScript(app, [...names.values()])],
  ]);
  return { files: all.set(GUIDE_FILE, guide(app, options, leftOut)), leftOut };
}

const CERTIFICATES = 'certificates';
const INSTANCE = 'app.kubernetes.io/instance';

const labelsOf = (app: string, part: string) => ({
  'app.kubernetes.io/name': 'psp-gateway',
  [INSTANCE]: app,
  'app.kubernetes.io/component': part,
});

const secretOf = (app: string, label: string) => `${app}-${label}-tls`;

/** A name as Kubernetes takes it: of lower-case letters, digits and hyphens, which are not at its ends. */
function labelOf(name: string): string {
  return name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '');
}

function podSpec(app: string, hostname: string): Manifest {
  return {
    hostname,
    subdomain: app,
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    securityContext: { runAsNonRoot: true, runAsUser: USER, runAsGroup: USER, fsGroup: USER },
  };
}

const volumesOf = (app: string): Manifest[] => [
  { name: 'topology', configMap: { name: `${app}-topology` } },
  { name: 'tmp', emptyDir: {} },
];

function container(
  name: string,
  image: string,
  command: readonly string[],
  secrets: readonly string[],
  more: Manifest = {},
): Manifest {
  return {
    name,
    image,
    command,
    ...more,
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    },
    volumeMounts: [
      { name: 'topology', mountPath: TOPOLOGY_FOLDER, readOnly: true },
      { name: 'tmp', mountPath: '/tmp' },
      ...secrets.map((secret) => ({ name: secret, mountPath: CERTIFICATES_FOLDER, readOnly: true })),
    ],
  };
}

/** Its pods' standard output is shards. A shard that has found something is a failed index, which is not tried again. */
function searchJob(app: string, { image, seeds, parts }: DeployOptions): Manifest {
  const command = [
    ...['psp-gateway', 'topology', 'fuzz', `${TOPOLOGY_FOLDER}/${TOPOLOGY_FILE}`],
    ...['--seeds', `${seeds.first}..${seeds.last}`, '--part', `$(JOB_COMPLETION_INDEX)/${parts}`, '--json'],
  ];
  const index = {
    name: 'JOB_COMPLETION_INDEX',
    valueFrom: {
      fieldRef: { fieldPath: "metadata.annotations['batch.kubernetes.io/job-completion-index']" },
    },
  };
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: `${app}-search`, labels: labelsOf(app, 'search') },
    spec: {
      completionMode: 'Indexed',
      completions: parts,
      parallelism: parts,
      backoffLimitPerIndex: 1,
      podFailurePolicy: {
        rules: [
          { action: 'FailIndex', onExitCodes: { containerName: 'search', operator: 'In', values: [1, 2] } },
        ],
      },
      template: {
        metadata: { labels: { ...labelsOf(app, 'search'), [INSTANCE]: `${app}-search` } },
        spec: {
          automountServiceAccountToken: false,
          enableServiceLinks: false,
          securityContext: { runAsNonRoot: true, runAsUser: USER, runAsGroup: USER, fsGroup: USER },
          restartPolicy: 'Never',
          containers: [container('search', image, command, [], { env: [index] })],
          volumes: volumesOf(app),
        },
      },
    },
  };
}

const yamlOf = (manifests: readonly Manifest[]) => manifests.map(engineYaml).join('---\n');

function secretsScript(app: string, labels: readonly string[]): string {
  return `#!/bin/sh
# Makes an authority in the folder pki, which stays with you, a certificate for each gateway, and a Secret for each, with that
# gateway's key alone. Keys go from this machine into Secrets, and are in no manifest and no ConfigMap. Needs psp-gateway and kubectl.
set -eu
[ -e pki/ca.key ] || psp-gateway certs init pki
for gateway in ${labels.join(' ')}; do
  host="$gateway.${app}"
  [ -e "pki/$host.pem" ] || psp-gateway certs issue pki "$host"
  kubectl create secret generic "${app}-$gateway-tls" \\
    --from-file=ca.pem=pki/ca.pem --from-file="$host.pem=pki/$host.pem" --from-file="$host.key=pki/$host.key"
done
`;
}

const guide = (
  app: string,
  { image, seeds, parts }: DeployOptions,
  leftOut: readonly string[],
) => `# ${app} in Kubernetes

Written by \`psp-gateway topology run --deploy kubernetes\`. The image \`${image}\` has psp-gateway in its PATH.

    sh ${SECRETS_FILE}                                  # once: an authority in pki/, and a Secret for each gateway
    kubectl apply -f ${MANIFESTS_FILE}
    kubectl wait --for=condition=complete job/${app}-run
    kubectl logs job/${app}-run                         # the report, as JSON
    kubectl delete -f ${MANIFESTS_FILE}                  # also before the next run

A search under seeds ${seeds.first} to ${seeds.last} in ${parts} pods, and what joins its shards:

    kubectl apply -f ${MANIFESTS_FILE} -l app.kubernetes.io/component=topology
    kubectl apply -f ${SEARCH_FILE}
    mkdir shards
    for pod in $(kubectl get pods -l ${INSTANCE}=${app}-search -o name); do
      kubectl logs "$pod" > "shards/shard-\${pod##*-}.jsonl"
    done
    psp-gateway topology fuzz ${TOPOLOGY_FILE} --merge shards

Pods find each other by names of the Service \`${app}\` (${WHERE_FILE}), and tell peers by these names in their certificates. Frames go
over UDP between pods, VFs' frames included, neither encrypted nor authenticated: a network for tests.

${leftOutText(leftOut)}`;
