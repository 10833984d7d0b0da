/**
 * The JSON schemas of the files: what the reader checks shapes with, and what editors complete from
 * (schema/topology.schema.json and schema/scenario.schema.json; `npm run docs` writes them).
 */
import {
  ADDRESSES_PER_WORKLOAD_MAX,
  LINKS_MAX,
  NODES_MAX,
  SEED_MAX,
  WORKLOADS_PER_GATEWAY_MAX,
} from './limits.js';
import { scenario } from './schema-scenario.js';
import {
  address,
  endpoint,
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
  type Schema,
  text,
} from './schema-values.js';

const DRAFT = 'http://json-schema.org/draft-07/schema#';
const FLAGS_REF: Schema = { $ref: '#/definitions/flags' };
const DEFINITIONS: Schema = { flags: flags() };

const ADDRESSES = list(
  'IP addresses of either family',
  address('an IPv4 or IPv6 address'),
  ADDRESSES_PER_WORKLOAD_MAX,
  1,
);

const WORKLOAD: Schema = {
  oneOf: [
    { ...ADDRESSES, title: 'a list of addresses' },
    {
      ...object(
        'a workload that may come later',
        {
          addresses: ADDRESSES,
          present: { ...flagged('there when the run begins; otherwise an event adds it'), default: true },
        },
        ['addresses'],
      ),
      title: '{addresses: [...], present: false}',
    },
  ],
};

const kind = (value: string, description: string): Schema => ({ const: value, description });

const UNDERLAY = list(
  "the uplink's addresses, one per family; generated when absent",
  address('an IPv4 or IPv6 address'),
  2,
  1,
);
const OOB_ADDRESS = address(
  'where it serves peers, IP or IP:PORT; port 3000 when absent; generated when absent',
);
const UPLINK_MAC = address("the uplink's MAC address; generated when absent");

const GATEWAY = object(
  'a PSP gateway with one uplink, p0, and workloads behind it',
  {
    kind: kind('gateway', 'a PSP gateway'),
    underlay: UNDERLAY,
    oob: OOB_ADDRESS,
    mac: UPLINK_MAC,
    'workload-mac': address("the workloads' MAC address; generated when absent"),
    flags: FLAGS_REF,
    workloads: map(
      'by name, addresses of each; one is generated when absent',
      WORKLOAD,
      NAME_PATTERN,
      WORKLOADS_PER_GATEWAY_MAX,
    ),
  },
  ['kind'],
);

const INSIDER = object(
  'a configured peer that does whatever is not forbidden, when events say so; honest otherwise',
  {
    kind: kind('insider', 'a peer that is not honest'),
    underlay: UNDERLAY,
    oob: OOB_ADDRESS,
    mac: UPLINK_MAC,
    addresses: {
      ...ADDRESSES,
      description: 'virtual addresses that it owns; one of each family is generated when absent',
    },
    silent: { ...flagged('a peer that is dead: it answers nobody and does nothing'), default: false },
    spoofs: {
      ...flagged('whether the underlay lets it send from addresses that are not its own'),
      default: true,
    },
  },
  ['kind'],
);

const NODE: Schema = {
  type: 'object',
  discriminator: { propertyName: 'kind' },
  oneOf: [
    GATEWAY,
    INSIDER,
    object(
      'learns MAC addresses and floods what it does not know',
      { kind: kind('switch', 'an Ethernet switch') },
      ['kind'],
    ),
    object('forwards IP on the shortest paths, with ECMP', { kind: kind('router', 'an IP router') }, [
      'kind',
    ]),
  ],
};

const LINK = object(
  'two ports and what happens between them',
  {
    endpoints: list('the two ends', endpoint('NODE:PORT; the port of a gateway or insider is p0'), 2, 2),
    ...LINK_VALUES,
  },
  ['endpoints'],
);

const GENERATED: Readonly<Record<string, Schema>> = {
  workloads: integer('behind each gateway', 0, WORKLOADS_PER_GATEWAY_MAX, 1),
  link: object('of all links that it makes', LINK_VALUES),
  flags: FLAGS_REF,
};

const GATEWAYS = integer('gateways h1, h2, ... at one switch, switch1', 1, NODES_MAX - 1);

const FULL_MESH: Schema = {
  description: 'generator: gateways h1, h2, ... at one switch, switch1',
  oneOf: [
    { ...GATEWAYS, title: 'a number of gateways' },
    {
      ...object(
        'gateways at one switch',
        {
          gateways: GATEWAYS,
          static: {
            ...flagged('every gateway makes all its tunnels at start-up, from its first address'),
            default: true,
          },
          ...GENERATED,
        },
        ['gateways'],
      ),
      title: '{gateways: N, ...}',
    },
  ],
};

const LEAF_SPINE = object(
  'generator: routers leaf1, ... and spine1, ..., gateways h1, ... spread over the leaves; tunnels on demand',
  {
    leaves: integer('routers that gateways are at', 1, NODES_MAX - 2),
    spines: integer('routers that every leaf has a link to', 1, NODES_MAX - 2),
    hosts: integer('gateways in all', 1, NODES_MAX - 2),
    ...GENERATED,
  },
  ['leaves', 'spines', 'hosts'],
);

const TOPOLOGY = object('nodes and links', {
  defaults: object('for all gateways', { flags: FLAGS_REF }),
  kinds: object('for all nodes or links of a kind', {
    gateway: object('for all gateways; wins over defaults', { flags: FLAGS_REF }),
    link: object('for all links', LINK_VALUES),
  }),
  nodes: map('by name', NODE, NAME_PATTERN, NODES_MAX),
  links: list('between ports of nodes', LINK, LINKS_MAX),
  'full-mesh': FULL_MESH,
  'leaf-spine': LEAF_SPINE,
});

/** Schema of the whole file. */
export const TOPOLOGY_SCHEMA: Schema = {
  $schema: DRAFT,
  title: 'psp-gateway topology',
  ...object(
    'nodes, links and a scenario, for psp-gateway topology (docs/topology.md)',
    {
      name: name('of the topology'),
      seed: integer('decides every random choice of a run', 0, SEED_MAX, 1),
      epoch: instant('when a run in virtual time begins, on the clocks of its gateways'),
      oob: object("the network of the gateways' RPCs", OOB),
      topology: TOPOLOGY,
      scenario: {
        description: 'what happens: itself, or the file that it is in',
        oneOf: [
          { ...text('path of a file, relative to this one'), title: 'the path of a file' },
          { ...scenario(), title: 'traffic, events and expectations' },
        ],
      },
    },
    ['name', 'topology'],
  ),
  definitions: DEFINITIONS,
};

/** Schema of a scenario in a file of its own. */
export const SCENARIO_SCHEMA: Schema = {
  $schema: DRAFT,
  title: 'psp-gateway topology: scenario',
  ...scenario(),
};
