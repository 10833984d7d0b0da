/**
 * The JSON schemas of the files: what the reader checks shapes with, and what editors complete from
 * (schema/topology.schema.json and schema/scenario.schema.json; `npm run docs` writes them).
 */
import type { TSchema } from 'typebox';
import {
  ADDRESSES_PER_WORKLOAD_MAX,
  LINKS_MAX,
  NODES_MAX,
  SEED_MAX,
  WORKLOADS_PER_GATEWAY_MAX,
} from './limits.js';
import { DEVICE } from './schema-device.js';
import { HOST } from './schema-host.js';
import { SCENARIO } from './schema-scenario.js';
import {
  address,
  annotated,
  choice,
  constant,
  endpoint,
  type Flags,
  flagged,
  flags,
  instant,
  integer,
  LINK_VALUES,
  list,
  map,
  NAME_PATTERN,
  name,
  OOB,
  object,
  oneOf,
  optional,
  outsideEnd,
  type Schema,
  schemaOf,
  text,
} from './schema-values.js';

const DRAFT = 'http://json-schema.org/draft-07/schema#';
const FLAGS_REF = optional(schemaOf<Flags>({ $ref: '#/definitions/flags' }));
const DEFINITIONS: Schema = { flags: flags() };

const ADDRESSES = list(
  'IP addresses of either family',
  address('an IPv4 or IPv6 address'),
  ADDRESSES_PER_WORKLOAD_MAX,
  1,
);

const WORKLOAD = oneOf(
  {},
  annotated(ADDRESSES, { title: 'a list of addresses' }),
  annotated(
    object('a workload that may come later, or that is a real host', {
      addresses: ADDRESSES,
      present: optional(
        annotated(flagged('there when the run begins; otherwise an event adds it'), { default: true }),
      ),
      ...HOST,
    }),
    { title: '{addresses: [...], present: false}' },
  ),
);

const UNDERLAY = optional(
  list(
    "the uplink's addresses, one per family; generated when absent",
    address('an IPv4 or IPv6 address'),
    2,
    1,
  ),
);
const OOB_ADDRESS = optional(
  address('where it serves peers, IP or IP:PORT; port 3000 when absent; generated when absent'),
);
const UPLINK_MAC = optional(address("the uplink's MAC address; generated when absent"));

export const GATEWAY = object('a PSP gateway with one uplink, p0, and workloads behind it', {
  kind: constant('gateway', 'a PSP gateway'),
  ...DEVICE,
  underlay: UNDERLAY,
  oob: OOB_ADDRESS,
  mac: UPLINK_MAC,
  'workload-mac': optional(address("the workloads' MAC address; generated when absent")),
  flags: FLAGS_REF,
  workloads: optional(
    map(
      'by name, addresses of each; one is generated when absent',
      WORKLOAD,
      NAME_PATTERN,
      WORKLOADS_PER_GATEWAY_MAX,
    ),
  ),
});

export const INSIDER = object(
  'a configured peer that does whatever is not forbidden, when events say so; honest otherwise',
  {
    kind: constant('insider', 'a peer that is not honest'),
    underlay: UNDERLAY,
    oob: OOB_ADDRESS,
    mac: UPLINK_MAC,
    addresses: optional(
      annotated(ADDRESSES, {
        description: 'virtual addresses that it owns; one of each family is generated when absent',
      }),
    ),
    silent: optional(
      annotated(flagged('a peer that is dead: it answers nobody and does nothing'), { default: false }),
    ),
    spoofs: optional(
      annotated(flagged('whether the underlay lets it send from addresses that are not its own'), {
        default: true,
      }),
    ),
  },
);

export const EXTERNAL = object(
  "a gateway that somebody else runs, behind a link's end outside; in real time only",
  {
    kind: constant('external', 'a gateway of somebody else'),
    at: outsideEnd('the end of a link that it is behind'),
    service: address('where it serves its peers, IP or IP:PORT; port 3000 when absent'),
    underlay: list("its uplink's addresses, one per family", address('an IPv4 or IPv6 address'), 2, 1),
    mac: address("its uplink's MAC address"),
    workloads: optional(
      map('by name, addresses of each', ADDRESSES, NAME_PATTERN, WORKLOADS_PER_GATEWAY_MAX),
    ),
    dialect: optional(choice('what it speaks; learnt when absent', ['2.7', 2.7, '2.8', 2.8, '3.x'] as const)),
    cookies: optional(flagged('whether the keys that it gives have cookies; not looked at when absent')),
    version: optional(text('what runs there, for the report')),
    keys: optional(text('a file to which its keys are written while it runs, relative to this one')),
  },
);

export const NODE = oneOf(
  { type: 'object', discriminator: { propertyName: 'kind' } },
  GATEWAY,
  INSIDER,
  EXTERNAL,
  object('learns MAC addresses and floods what it does not know', {
    kind: constant('switch', 'an Ethernet switch'),
  }),
  object('forwards IP on the shortest paths, with ECMP', { kind: constant('router', 'an IP router') }),
);

const ENDPOINTS = list(
  'the two ends',
  endpoint(
    'NODE:PORT, where the port of a gateway or insider is p0; or host:INTERFACE or tap:INTERFACE of this machine',
  ),
  2,
  2,
);
export const LINK = object('two ports and what happens between them', {
  endpoints: schemaOf<readonly [string, string]>({ ...ENDPOINTS }),
  ...LINK_VALUES,
  mac: optional(
    address("of tap: the interface's; of host: whose frames it takes too, with promiscuous: false"),
  ),
  promiscuous: optional(
    annotated(flagged('of host: whether the interface takes frames for all MACs'), { default: true }),
  ),
});

const GENERATED = {
  workloads: optional(integer('behind each gateway', 0, WORKLOADS_PER_GATEWAY_MAX, 1)),
  link: optional(object('of all links that it makes', LINK_VALUES)),
  flags: FLAGS_REF,
};

const GATEWAYS = integer('gateways h1, h2, ... at one switch, switch1', 1, NODES_MAX - 1);

export const FULL_MESH_MAP = object('gateways at one switch', {
  gateways: GATEWAYS,
  static: optional(
    annotated(flagged('every gateway makes all its tunnels at start-up, from its first address'), {
      default: true,
    }),
  ),
  ...GENERATED,
});
const FULL_MESH = oneOf(
  { description: 'generator: gateways h1, h2, ... at one switch, switch1' },
  annotated(GATEWAYS, { title: 'a number of gateways' }),
  annotated(FULL_MESH_MAP, { title: '{gateways: N, ...}' }),
);

export const LEAF_SPINE = object(
  'generator: routers leaf1, ... and spine1, ..., gateways h1, ... spread over the leaves; tunnels on demand',
  {
    leaves: integer('routers that gateways are at', 1, NODES_MAX - 2),
    spines: integer('routers that every leaf has a link to', 1, NODES_MAX - 2),
    hosts: integer('gateways in all', 1, NODES_MAX - 2),
    ...GENERATED,
  },
);

export const TOPOLOGY = object('nodes and links', {
  defaults: optional(object('for all gateways', { flags: FLAGS_REF })),
  kinds: optional(
    object('for all nodes or links of a kind', {
      gateway: optional(object('for all gateways; wins over defaults', { flags: FLAGS_REF })),
      link: optional(object('for all links', LINK_VALUES)),
    }),
  ),
  nodes: optional(map('by name', NODE, NAME_PATTERN, NODES_MAX)),
  links: optional(list('between ports of nodes', LINK, LINKS_MAX)),
  'full-mesh': optional(FULL_MESH),
  'leaf-spine': optional(LEAF_SPINE),
});

export const FILE = object('nodes, links and a scenario, for psp-gateway topology (docs/topology.md)', {
  name: name('of the topology'),
  seed: optional(integer('decides every random choice of a run', 0, SEED_MAX, 1)),
  epoch: optional(instant('when a run in virtual time begins, on the clocks of its gateways')),
  oob: optional(object("the network of the gateways' RPCs", OOB)),
  topology: TOPOLOGY,
  scenario: optional(
    oneOf(
      { description: 'what happens: itself, or the file that it is in' },
      annotated(text('path of a file, relative to this one'), { title: 'the path of a file' }),
      annotated(SCENARIO, { title: 'traffic, events and expectations' }),
    ),
  ),
});

/** JSON schema as ajv and editors take it, with what belongs to the whole file. */
const published = (title: string, schema: TSchema, definitions?: Schema): Schema => ({
  $schema: DRAFT,
  title,
  ...schema,
  ...(definitions === undefined ? {} : { definitions }),
});

/** Schema of the whole file. */
export const TOPOLOGY_SCHEMA: Schema = published('psp-gateway topology', FILE, DEFINITIONS);

/** Schema of a scenario in a file of its own. */
export const SCENARIO_SCHEMA: Schema = published('psp-gateway topology: scenario', SCENARIO);
