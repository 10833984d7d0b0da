/** A Topology as a file that reads back to an equal one. Generators, lists and "*" stay expanded. */
import { Document, isMap, isSeq, visit } from 'yaml';
import { flagNamed } from '../../gateway/config/flags.js';
import { serviceText } from '../../gateway/rpc/transport.js';
import { type Impairments, NO_IMPAIRMENTS } from '../../hal-sim/ports/link.js';
import { EVENTS, type EventPlan, type ParsedEvent } from '../events/registry.js';
import { EXPECTATIONS } from '../expectations/registry.js';
import {
  type ExternalPlan,
  type GatewayPlan,
  type InsiderPlan,
  type LinkPlan,
  type NodePlan,
  type Scenario,
  type Topology,
  underlayAddresses,
} from '../model.js';
import { type ParsedTraffic, TRAFFIC, type TrafficPlan } from '../traffic/registry.js';
import type {
  ParsedExternal,
  ParsedFile,
  ParsedGateway,
  ParsedInsider,
  ParsedLink,
  ParsedNode,
  ParsedScenario,
  ParsedWorkload,
} from './parsed.js';
import { formatTime } from './quantities.js';
import type { Flags as ParsedFlags } from './schema-values.js';
import { writeImpairments, writeOob } from './write-values.js';

/** Maps and lists so deep in the file are written on one line. */
const ONE_LINE_DEPTHS: Readonly<Record<string, number>> = {
  oob: 1,
  nodes: 4,
  links: 3,
  traffic: 3,
  default: 3,
};

/** The text of the file, ending with a new line. */
export function topologyToYaml(topology: Topology): string {
  const document = new Document(writeFile(topology));
  visit(document, {
    Collection(_, node, ancestors) {
      // The document, then map and pair by turns.
      const keys = ancestors.flatMap((one) => ('key' in one ? [String(one.key)] : []));
      const depth = ancestors.filter((one) => isMap(one) || isSeq(one)).length;
      const section = keys[0] === 'topology' || keys[0] === 'scenario' ? keys[1] : keys[0];
      if (depth >= (ONE_LINE_DEPTHS[section ?? ''] ?? ONE_LINE_DEPTHS.default!)) node.flow = true;
    },
  });
  return document.toString({ lineWidth: 0, flowCollectionPadding: false });
}

function writeFile({ name, seed, epochMs, nodes, links, oob, scenario }: Topology): ParsedFile {
  return {
    name,
    seed,
    ...(epochMs === undefined ? {} : { epoch: new Date(epochMs).toISOString() }),
    oob: writeOob(oob),
    topology: {
      nodes: Object.fromEntries(nodes.map((node) => [node.name, writeNode(node)])),
      links: links.map(writeLink),
    },
    scenario: writeScenario(scenario),
  };
}

function writeNode(node: NodePlan): ParsedNode {
  if (node.kind === 'gateway') return writeGateway(node);
  if (node.kind === 'insider') return writeInsider(node);
  if (node.kind === 'external') return writeExternal(node);
  return { kind: node.kind };
}

function writeGateway(gateway: GatewayPlan): ParsedGateway {
  const { underlay, serviceAddress, uplinkMac, workloadMac, flags, workloads } = gateway;
  return {
    kind: 'gateway',
    ...writeDevice(gateway),
    underlay: underlayAddresses(underlay),
    oob: serviceText(serviceAddress),
    mac: uplinkMac,
    'workload-mac': workloadMac,
    flags: writeFlags(flags),
    workloads: Object.fromEntries(
      workloads.map(({ name, addresses, present, host }): [string, ParsedWorkload] => [
        name,
        host !== undefined
          ? { kind: 'host', addresses, [host.behind]: host.name }
          : present
            ? addresses
            : { addresses, present },
      ]),
    ),
  };
}

function writeDevice({ doca, options }: GatewayPlan): Partial<ParsedGateway> {
  if (doca === undefined) return {};
  const { release, mapping } = doca;
  return {
    hal: 'doca',
    release,
    'pci-addr': options.pciAddress,
    repr: options.representor,
    'core-mask': options.coreMask,
    ...(Object.keys(mapping).length === 0 ? {} : { mapping }),
  };
}

function writeInsider({
  underlay,
  serviceAddress,
  uplinkMac,
  addresses,
  silent,
  spoofs,
}: InsiderPlan): ParsedInsider {
  return {
    kind: 'insider',
    underlay: underlayAddresses(underlay),
    oob: serviceText(serviceAddress),
    mac: uplinkMac,
    addresses,
    ...(silent ? { silent } : {}),
    ...(spoofs ? {} : { spoofs }),
  };
}

function writeExternal(plan: ExternalPlan): ParsedExternal {
  const { at, serviceAddress, underlay, uplinkMac, workloads, dialect, cookies, version, keysPath } = plan;
  return {
    kind: 'external',
    at,
    service: serviceText(serviceAddress),
    underlay: underlayAddresses(underlay),
    mac: uplinkMac,
    workloads: Object.fromEntries(workloads.map(({ name, addresses }) => [name, addresses])),
    ...(dialect === undefined ? {} : { dialect }),
    ...(cookies === undefined ? {} : { cookies }),
    ...(version === undefined ? {} : { version }),
    ...(keysPath === undefined ? {} : { keys: keysPath }),
  };
}

function writeFlags(flags: Readonly<Record<string, string>>): ParsedFlags {
  return Object.fromEntries(
    Object.entries(flags).map(([name, text]) => {
      const kind = flagNamed(name)?.kind;
      return [name, kind === 'boolean' ? text === 'true' : kind === 'number' ? Number(text) : text];
    }),
  );
}

/** A link as a file has it, with the impairments that it has. */
export function writeLink({ endpoints, mtuOctets, impairments, outside }: LinkPlan): ParsedLink {
  const [a, b] = endpoints.map(({ node, port }) => `${node}:${port}`);
  const changed = Object.entries(impairments).filter(
    ([key, value]) => value !== NO_IMPAIRMENTS[key as keyof Impairments],
  );
  return {
    endpoints: [a!, b!],
    mtu: mtuOctets,
    ...writeImpairments(Object.fromEntries(changed)),
    ...(outside?.mac === undefined ? {} : { mac: outside.mac }),
    ...(outside?.promiscuous === false && outside.kind === 'host' ? { promiscuous: false } : {}),
  };
}

function writeScenario({ durationMs, traffic, events, expectations }: Scenario): ParsedScenario {
  const flows = traffic.map(({ name }) => name);
  return {
    ...(durationMs === undefined ? {} : { duration: formatTime(durationMs) }),
    ...(traffic.length === 0
      ? {}
      : { traffic: Object.fromEntries(traffic.map((plan) => [plan.name, writeTraffic(plan)])) }),
    ...(events.length === 0 ? {} : { events: events.map(writeEvent) }),
    ...(expectations.length === 0
      ? {}
      : { expect: expectations.map((one) => EXPECTATIONS[one.type].write(one, flows)) }),
  };
}

function writeTraffic(plan: TrafficPlan): ParsedTraffic {
  const { type, from } = plan;
  const to = 'to' in plan ? { to: plan.to, family: plan.family } : {};
  return {
    type,
    from,
    ...to,
    start: formatTime(plan.startMs),
    ...TRAFFIC[type].write(plan),
  } as ParsedTraffic;
}

function writeEvent(event: EventPlan): ParsedEvent {
  return { at: formatTime(event.atMs), ...EVENTS[event.type].write(event) } as ParsedEvent;
}
