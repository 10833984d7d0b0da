/** The tables in docs/topology.md, from the kinds of events, traffic and expectations, an insider's acts, and from the counters that there are. */
import {
  COUNTED_BY_INCARNATIONS,
  type CounterGroup,
  FLOW,
  INSIDER,
  LINK,
  NODE,
  OOB,
  OUTSIDE,
  PERCENTILES,
  PIPE,
  ROUTER,
  RPCS,
  SWITCH,
  VACANT,
} from '../topology/counter-groups.js';
import { counterPaths } from '../topology/counters.js';
import { EVENT_TYPES, EVENTS } from '../topology/events/registry.js';
import { EXPECTATION_TYPES, EXPECTATIONS } from '../topology/expectations/registry.js';
import { BIT_RATE, PACKET_RATE, RATIO, SIZE, TIME } from '../topology/file/quantities.js';
import { LINK_PATTERN, NAME_PATTERN, type Schema } from '../topology/file/schema-values.js';
import { INSIDER_ACT_NAMES, INSIDER_ACTS } from '../topology/nodes/insider/acts.js';
import { TRAFFIC, TRAFFIC_TYPES } from '../topology/traffic/registry.js';

/** By the names of their places in the document. */
export function topologyTables(): ReadonlyMap<string, string> {
  return new Map([
    ['traffic', table(['type', 'what it is', 'its fields, with defaults'], TRAFFIC_TYPES.map(trafficRow))],
    [
      'events',
      table(['event', 'what happens', 'what belongs to it, with defaults'], EVENT_TYPES.map(eventRow)),
    ],
    [
      'acts',
      table(
        ['act', 'what it is'],
        INSIDER_ACT_NAMES.map((act) => [`\`${act}\``, INSIDER_ACTS[act].meaning]),
      ),
    ],
    ['expectations', table(['expectation', 'what is expected'], EXPECTATION_TYPES.map(expectationRow))],
    ['counters', table(['path', 'counters'], counterRows())],
  ]);
}

const table = (head: readonly string[], rows: readonly (readonly string[])[]) =>
  [head, head.map(() => '---'), ...rows]
    .map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`)
    .join('\n');

type Members = Readonly<Record<string, Schema>>;
const membersOf = (schema: unknown) => ((schema as Schema).properties ?? {}) as Members;
const descriptionOf = (schema: unknown) => String((schema as Schema).description);

/** Keys that all traffic has, which a table of their own explains. */
const COMMON = new Set(['type', 'from', 'to', 'family', 'start', 'spread', 'sample']);

function trafficRow(type: (typeof TRAFFIC_TYPES)[number]): string[] {
  const { schema } = TRAFFIC[type];
  const own = Object.entries(membersOf(schema)).filter(([key]) => !COMMON.has(key));
  return [`\`${type}\``, descriptionOf(schema), own.map(memberText).join('; ')];
}

function eventRow(type: (typeof EVENT_TYPES)[number]): string[] {
  const { schema } = EVENTS[type];
  const { at: _, [type]: subject, ...rest } = membersOf(schema);
  const own = [...Object.entries(rest), ...Object.entries(membersOf(subject))];
  return [`\`${type}: ${placeholderOf(subject!)}\``, descriptionOf(schema), own.map(memberText).join('; ')];
}

function expectationRow(type: (typeof EXPECTATION_TYPES)[number]): string[] {
  const { schema } = EXPECTATIONS[type];
  const members = Object.entries(membersOf(schema)).map(([key, value]) => `${key}: ${placeholderOf(value)}`);
  // Of most kinds the key that names them says what there is to say.
  const [whole, ofKey] = [descriptionOf(schema), descriptionOf(membersOf(schema)[EXPECTATIONS[type].key])];
  return [`\`{${members.join(', ')}}\``, whole === ofKey ? whole : `${whole}: ${ofKey}`];
}

/** A member and what it is, with the values that it may have where these are few, and what it is when it is absent. */
function memberText([key, schema]: readonly [string, Schema]): string {
  const { default: fallback } = schema;
  const values = (schema.enum as readonly unknown[] | undefined)?.map((value) => `\`${value}\``).join(' or ');
  const text = [values, descriptionOf(schema)].filter((part) => part !== undefined).join(', ');
  return `\`${key}\`: ${text}${fallback === undefined ? '' : ` (${fallback})`}`;
}

const PLACEHOLDERS: ReadonlyMap<unknown, string> = new Map([
  [TIME.pattern, 'TIME'],
  [RATIO.pattern, 'SHARE'],
  [BIT_RATE.pattern, 'RATE'],
  [PACKET_RATE.pattern, 'RATE'],
  [SIZE.pattern, 'SIZE'],
  [NAME_PATTERN, 'NAME'],
  [LINK_PATTERN, 'LINK'],
]);

/** What stands for a value. */
function placeholderOf(schema: Schema): string {
  if (schema.const !== undefined) return String(schema.const);
  if (schema.oneOf !== undefined) return 'NAMES';
  if (schema.type === 'object') return '{...}';
  if (schema.type === 'array') return `[${placeholderOf(schema.items as Schema)}, ...]`;
  if (schema.type === 'integer' || schema.type === 'number') return 'N';
  return PLACEHOLDERS.get(schema.pattern) ?? 'TEXT';
}

function counterRows(): string[][] {
  const counted = Object.entries(COUNTED_BY_INCARNATIONS).map(([name, group]) => [
    `nodes.GATEWAY.${name}`,
    countersText(group),
  ]);
  const extra = TRAFFIC_TYPES.flatMap((type) => {
    const paths = [...counterPaths(TRAFFIC[type].counters ?? {})].map((path) => `\`${path}\``);
    return paths.length === 0 ? [] : [`of \`${type}\` ${paths.join(', ')}`];
  });
  const rows = [
    ['tunnels', 'sessions that are established at the end, at all gateways'],
    ['nodes.GATEWAY', countersText(NODE)],
    ['nodes.GATEWAY.rpcs', countersText(RPCS)],
    [
      'nodes.GATEWAY.tunnelSetUpMs',
      `time from the first packet or request to the tunnel: ${countersText(PERCENTILES)}`,
    ],
    ...counted,
    ['nodes.GATEWAY.pipes.PIPE', countersText(PIPE)],
    ['nodes.GATEWAY.vacant', `frames that came while it was down: ${countersText(VACANT)}`],
    ['insiders.INSIDER', countersText(INSIDER)],
    ['switches.SWITCH', countersText(SWITCH)],
    ['routers.ROUTER.counters', countersText(ROUTER)],
    ['routers.ROUTER.sent.PORT', 'packets that left by the port'],
    [
      'links.LINK.NODE:PORT',
      `frames from that end, LINK being both ends as in \`h1:p0 s1:e1\`: ${countersText(LINK)}`,
    ],
    ['outside.INTERFACE', `INTERFACE being the end as in \`host:ens2f0np0\`; ${countersText(OUTSIDE)}`],
    ['flows.FLOW', [countersText(FLOW), ...extra].join('; ')],
    ['flows.FLOW.latencyMs', 'one way, of pings there and back: percentiles as of `tunnelSetUpMs`'],
    ['oob', countersText(OOB)],
  ];
  return rows.map(([path, text]) => [`\`${path}\``, text!]);
}

/** The names of the counters, each group of them behind its heading. */
function countersText(group: CounterGroup): string {
  return Object.entries(group)
    .map(([name, { heading, remark }], i) => {
      const separator = i === 0 ? '' : heading === undefined ? ', ' : '; ';
      const before = heading === undefined ? '' : `${heading}: `;
      return `${separator}${before}\`${name}\`${remark === undefined ? '' : ` (${remark})`}`;
    })
    .join('');
}
