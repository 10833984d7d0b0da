/**
 * A topology as a file for containerlab: a container for each gateway and one for the run, a cable from each gateway to the run, on
 * which its frames go, and the management network as the OOB network.
 */
import { type IpAddress, parseIp } from '../../packet/address.js';
import { writeLink } from '../file/write.js';
import type { LinkPlan, Topology } from '../model.js';
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

const CERTIFICATES_SCRIPT = 'certificates.sh';
/** Of the run, as a node. */
const RUN = 'run';
/** RFC 2544's addresses for tests: the lower half are the management network, the upper half cables. */
const MANAGEMENT_SUBNET = '198.18.0.0/16';
const FIRST_GATEWAY = 10;
/** A cable carries a frame of a VF, 9,000 octets and its Ethernet header, in one datagram. */
const CABLE_MTU_OCTETS = 9216;

/** Says which of the topology's nodes a container is. */
const KIND_LABEL = 'psp-kind';

export function containerlabDeployment(
  topology: Topology,
  { image }: DeployOptions,
  problems: string[],
): Deployment {
  const { gateways, text, leftOut } = planOf(topology, problems);
  if (gateways.some(({ name }) => name === RUN))
    problems.push(`${RUN}: is the container of the run; name the gateway otherwise`);
  const lab = topology.name.replaceAll(/[^a-zA-Z0-9._-]+/g, '-').replace(/^[^a-zA-Z0-9]+/, '');
  const core = management(2);
  const numbered = gateways.map(({ name }, number) => ({
    name,
    number,
    host: management(FIRST_GATEWAY + number),
  }));
  const where = whereLines(
    numbered.map(({ name, number, host }) => {
      const { gateway, run } = cable(number);
      return [name, `${host},${gateway},${run}`];
    }),
  );
  const files = [TOPOLOGY_FILE, WHERE_FILE].map((file) => `${file}:${TOPOLOGY_FOLDER}/${file}:ro`);
  const nodeOf = (host: string, command: readonly string[], kind: string, binds: readonly string[]) => ({
    kind: 'linux',
    image,
    'mgmt-ipv4': host,
    entrypoint: command[0],
    cmd: command.slice(1).join(' '),
    binds: [...files, ...binds],
    labels: { [KIND_LABEL]: kind },
  });
  const file = {
    name: lab,
    mgmt: { network: `psp-${lab}`, 'ipv4-subnet': MANAGEMENT_SUBNET },
    topology: {
      nodes: Object.fromEntries([
        [RUN, nodeOf(core, runCommand(core), 'run', [])],
        ...numbered.map(({ name, host }) => [
          name,
          nodeOf(
            host,
            nodeCommand(name, core),
            'gateway',
            ['ca.pem', `${host}.pem`, `${host}.key`].map(
              (one) => `certs/${one}:${CERTIFICATES_FOLDER}/${one}:ro`,
            ),
          ),
        ]),
      ]),
      links: [
        ...hostLinks(topology),
        ...numbered.map(({ name, number }) => {
          const ends = cable(number);
          return {
            type: 'veth',
            mtu: CABLE_MTU_OCTETS,
            endpoints: [
              { node: name, interface: 'eth1', ipv4: `${ends.gateway}/31` },
              { node: RUN, interface: `eth${number + 1}`, ipv4: `${ends.run}/31` },
            ],
            // For readers, and for `topology` commands on this file; the run has them from the topology's own file.
            vars: varsOf(topology.links.find(({ endpoints }) => endpoints.some(({ node }) => node === name))),
          };
        }),
      ],
    },
  };
  const others = topology.nodes.filter(({ kind }) => kind === 'switch' || kind === 'router');
  const inRun =
    others.length === 0
      ? []
      : [
          `containers of ${others.map(({ name }) => name).join(', ')}: they are in the run, as links and workloads are`,
        ];
  const all = [
    ...leftOut,
    ...inRun,
    'impairments of links as settings of containerlab, whose files have none: the run impairs its own links; `vars` only tell of them',
  ];
  const hosts = numbered.map(({ host }) => host);
  return {
    files: new Map([
      [`${lab}.clab.yml`, engineYaml(file)],
      [TOPOLOGY_FILE, text],
      [WHERE_FILE, where],
      [CERTIFICATES_SCRIPT, certificatesScript(hosts)],
      [GUIDE_FILE, guide(lab, image, all)],
    ]),
    leftOut: all,
  };
}

/** Interfaces of the host that links end at: in the run's container there is one of that name, which containerlab cables to the host. */
function hostLinks(topology: Topology): object[] {
  return topology.links.flatMap((link) => {
    const { outside, endpoints, mtuOctets } = link;
    if (outside?.kind !== 'host') return [];
    const { port } = endpoints[outside.end];
    return [
      {
        type: 'host',
        endpoint: { node: RUN, interface: port },
        'host-interface': port,
        mtu: mtuOctets,
        vars: varsOf(link),
      },
    ];
  });
}

const management = (host: number): IpAddress => parseIp(`198.18.${host >>> 8}.${host & 255}`);

function cable(number: number): { gateway: IpAddress; run: IpAddress } {
  const end = (host: number) => parseIp(`198.19.${host >>> 8}.${host & 255}`);
  return { run: end(2 * number), gateway: end(2 * number + 1) };
}

const varsOf = (link: LinkPlan | undefined) => (link === undefined ? {} : { 'psp-link': writeLink(link) });

const certificatesScript = (hosts: readonly string[]) => `#!/bin/sh
# Makes certs, with a certificate and a key for each gateway, of a throw-away authority. Each container gets its own key alone.
set -eu
psp-gateway certificates --out certs --host ${hosts.join(' ')}
`;

const guide = (lab: string, image: string, leftOut: readonly string[]) => `# ${lab} in containerlab

Written by \`psp-gateway topology run --deploy containerlab\`. The image \`${image}\` has psp-gateway in its PATH.

    sh ${CERTIFICATES_SCRIPT}                     # once: certs/
    containerlab deploy -t ${lab}.clab.yml
    docker wait clab-${lab}-${RUN}                # its exit status is that of topology run
    docker logs clab-${lab}-${RUN}                # the report, as JSON
    containerlab destroy -t ${lab}.clab.yml

The management network is the OOB network. Each gateway has a cable to the container \`${RUN}\`, which has links, switches, routers,
workloads and the scenario; on it go the frames of its uplink and of its VF, in UDP (${WHERE_FILE}), neither encrypted nor authenticated:
a network for tests.

${leftOutText(leftOut)}`;
