// The software DOCA's trace, made from its headers: a function around each function of the API, which tells its call, and tables of
// the structures and enumerations that such calls are given. scripts/draw-docs.mjs writes them; a test fails when they are stale, so
// that a call or a member that is new is traced like the others.
//
// The library's sources define the functions of the API under other names (untraced_flow.h, untraced_argp.h, which the compiler
// includes before each of them); what programs call are the functions here.
import { apiOf, RELEASES, resolve } from './soft-api.mjs';

export const TRACE_FOLDER = 'native/doca-soft/generated';
const ARGP_HEADER = 'doca_argp.h';

/** Of members of unions, when they count: members of the same structure, and the values of which any must be there. */
const WHEN_IN_UNION = {
  'doca_flow_header_format.ip4': { l3_type: ['DOCA_FLOW_L3_TYPE_IP4'] },
  'doca_flow_header_format.ip6': { l3_type: ['DOCA_FLOW_L3_TYPE_IP6'] },
  'doca_flow_header_format.icmp': {
    l4_type_ext: ['DOCA_FLOW_L4_TYPE_EXT_ICMP', 'DOCA_FLOW_L4_TYPE_EXT_ICMP6'],
  },
  'doca_flow_header_format.udp': { l4_type_ext: ['DOCA_FLOW_L4_TYPE_EXT_UDP'] },
  'doca_flow_header_format.tcp': { l4_type_ext: ['DOCA_FLOW_L4_TYPE_EXT_TCP'] },
  'doca_flow_header_format.transport': { l4_type_ext: ['DOCA_FLOW_L4_TYPE_EXT_TRANSPORT'] },
  'doca_flow_header_format.roce_v2': { l4_type_ext: ['DOCA_FLOW_L4_TYPE_EXT_ROCE_V2'] },
  'doca_flow_tun.vxlan_tun_id': { type: ['DOCA_FLOW_TUN_VXLAN'] },
  'doca_flow_tun.gre_key': { type: ['DOCA_FLOW_TUN_GRE'] },
  'doca_flow_tun.gtp_teid': { type: ['DOCA_FLOW_TUN_GTPU'] },
  'doca_flow_tun.esp_spi': { type: ['DOCA_FLOW_TUN_ESP'] },
  'doca_flow_tun.esp_sn': { type: ['DOCA_FLOW_TUN_ESP'] },
  'doca_flow_tun.mpls': { type: ['DOCA_FLOW_TUN_MPLS_O_UDP'] },
  'doca_flow_tun.geneve': { type: ['DOCA_FLOW_TUN_GENEVE'] },
  'doca_flow_tun.geneve_options': { type: ['DOCA_FLOW_TUN_GENEVE'] },
  'doca_flow_tun.psp': { type: ['DOCA_FLOW_TUN_PSP'] },
  'doca_flow_ip_addr.ipv4_addr': { type: ['DOCA_FLOW_L3_TYPE_IP4'] },
  'doca_flow_ip_addr.ipv6_addr': { type: ['DOCA_FLOW_L3_TYPE_IP6'] },
  'doca_flow_match_condition.field_op': {},
  'doca_flow_action_desc.field_op': {},
  'doca_flow_push_action.vlan': { type: ['DOCA_FLOW_PUSH_ACTION_VLAN'] },
  'doca_flow_actions.decap_cfg': { decap_type: ['DOCA_FLOW_RESOURCE_TYPE_NON_SHARED'] },
  'doca_flow_actions.shared_decap_id': { decap_type: ['DOCA_FLOW_RESOURCE_TYPE_SHARED'] },
  'doca_flow_actions.encap_cfg': { encap_type: ['DOCA_FLOW_RESOURCE_TYPE_NON_SHARED'] },
  'doca_flow_actions.shared_encap_id': { encap_type: ['DOCA_FLOW_RESOURCE_TYPE_SHARED'] },
  'doca_flow_fwd.rss_outer_flags': { type: ['DOCA_FLOW_FWD_RSS'] },
  'doca_flow_fwd.rss_inner_flags': { type: ['DOCA_FLOW_FWD_RSS'] },
  'doca_flow_fwd.rss_queues': { type: ['DOCA_FLOW_FWD_RSS'] },
  'doca_flow_fwd.num_of_queues': { type: ['DOCA_FLOW_FWD_RSS'] },
  'doca_flow_fwd.rss_hash_func': { type: ['DOCA_FLOW_FWD_RSS'] },
  'doca_flow_fwd.rss_type': { type: ['DOCA_FLOW_FWD_RSS'] },
  'doca_flow_fwd.rss': { type: ['DOCA_FLOW_FWD_RSS'], rss_type: ['DOCA_FLOW_RESOURCE_TYPE_NON_SHARED'] },
  'doca_flow_fwd.shared_rss_id': {
    type: ['DOCA_FLOW_FWD_RSS'],
    rss_type: ['DOCA_FLOW_RESOURCE_TYPE_NONE', 'DOCA_FLOW_RESOURCE_TYPE_SHARED'],
  },
  'doca_flow_fwd.port_id': { type: ['DOCA_FLOW_FWD_PORT'] },
  'doca_flow_fwd.next_pipe': { type: ['DOCA_FLOW_FWD_PIPE'] },
  'doca_flow_fwd.ordered_list_pipe': { type: ['DOCA_FLOW_FWD_ORDERED_LIST_PIPE'] },
  'doca_flow_fwd.target': { type: ['DOCA_FLOW_FWD_TARGET'] },
  'doca_flow_fwd.hash_pipe': { type: ['DOCA_FLOW_FWD_HASH_PIPE'] },
  'doca_flow_monitor.non_shared_meter': { meter_type: ['DOCA_FLOW_RESOURCE_TYPE_NON_SHARED'] },
  'doca_flow_monitor.shared_meter': { meter_type: ['DOCA_FLOW_RESOURCE_TYPE_SHARED'] },
  'doca_flow_monitor.shared_counter': { counter_type: ['DOCA_FLOW_RESOURCE_TYPE_SHARED'] },
  'doca_flow_resource_meter_cfg.rfc2697': { alg: ['DOCA_FLOW_METER_ALGORITHM_TYPE_RFC2697'] },
  'doca_flow_resource_meter_cfg.rfc2698': { alg: ['DOCA_FLOW_METER_ALGORITHM_TYPE_RFC2698'] },
  'doca_flow_resource_meter_cfg.rfc4115': { alg: ['DOCA_FLOW_METER_ALGORITHM_TYPE_RFC4115'] },
  'doca_flow_crypto_action.ipsec_sa': { resource_type: ['DOCA_FLOW_CRYPTO_RESOURCE_IPSEC_SA'] },
  'doca_flow_ordered_list_element.actions': { type: ['DOCA_FLOW_ORDERED_LIST_ELEMENT_ACTIONS'] },
  'doca_flow_ordered_list_element.actions_mask': { type: ['DOCA_FLOW_ORDERED_LIST_ELEMENT_ACTIONS'] },
  'doca_flow_ordered_list_element.action_descs': { type: ['DOCA_FLOW_ORDERED_LIST_ELEMENT_ACTIONS'] },
  'doca_flow_ordered_list_element.monitor': { type: ['DOCA_FLOW_ORDERED_LIST_ELEMENT_MONITOR'] },
  'doca_flow_ordered_list_element.nat64': { type: ['DOCA_FLOW_ORDERED_LIST_ELEMENT_NAT64'] },
  'doca_flow_ordered_list_element.crypto': { type: ['DOCA_FLOW_ORDERED_LIST_ELEMENT_CRYPTO'] },
  // By the call's argument `type`, which stands beside the structure.
  'doca_flow_shared_resource_cfg.meter_cfg': { '': ['DOCA_FLOW_SHARED_RESOURCE_METER'] },
  'doca_flow_shared_resource_cfg.rss_cfg': { '': ['DOCA_FLOW_SHARED_RESOURCE_RSS'] },
  'doca_flow_shared_resource_cfg.psp_cfg': { '': ['DOCA_FLOW_SHARED_RESOURCE_PSP'] },
  'doca_flow_shared_resource_cfg.mirror_cfg': { '': ['DOCA_FLOW_SHARED_RESOURCE_MIRROR'] },
  'doca_flow_shared_resource_cfg.encap_cfg': { '': ['DOCA_FLOW_SHARED_RESOURCE_ENCAP'] },
  'doca_flow_shared_resource_cfg.decap_cfg': { '': ['DOCA_FLOW_SHARED_RESOURCE_DECAP'] },
  'doca_flow_resource_query.counter': {},
  'doca_flow_resource_query.ipsec_sa': null,
  'doca_flow_entropy_format.ip4': { l3_type: ['DOCA_FLOW_L3_TYPE_IP4'] },
  'doca_flow_entropy_format.ip6': { l3_type: ['DOCA_FLOW_L3_TYPE_IP6'] },
};
/** Of members that point to several, or whose octets do not all count: the member that says how many. */
const COUNTED_BY = {
  'doca_flow_resource_rss_cfg.queues_array': 'nr_queues',
  'doca_flow_fwd.rss_queues': 'num_of_queues',
  'doca_flow_action_descs.desc_array': 'nb_action_desc',
  'doca_flow_ordered_list.elements': 'size',
  'doca_flow_resource_mirror_cfg.target': 'nr_targets',
  'doca_flow_crypto_encap_action.encap_data': 'data_size',
};
/** Names of members and of arguments whose octets never reach the trace. */
const SECRET = /(?:^|_)(?:key|secret|salt|password)$/;
/** What a program's flags and configuration may hold besides. */
const LEFT_OUT = new Set(['argv', 'program_config']);
/** Structures that calls fill in. */
const FILLED_IN = new Set(['query', 'queries', 'set_up']);
/** Calls that programs make again and again while they wait: told once in a second. */
const OFTEN = new Set([
  'doca_flow_entries_process',
  'doca_flow_aging_handle',
  'doca_flow_pipe_entry_get_status',
  'doca_flow_resource_query_entry',
  'doca_flow_resource_query_pipe_miss',
  'doca_flow_shared_resources_query',
  'doca_flow_port_shared_resources_query',
  'doca_flow_port_query_default_miss',
  'doca_pe_progress',
  'doca_error_get_name',
  'doca_error_get_descr',
  'doca_soft_quiesce',
  'doca_soft_rss_packets',
  'doca_soft_kernel_drops',
]);
/** What is not traced, and why. */
export const NOT_TRACED = {
  doca_log: 'has any number of arguments; its messages are in the log',
  doca_soft_trace_start: 'begins the trace',
  doca_soft_trace_stop: 'ends the trace',
};

/** The files by their names. */
export function traceFiles(headers) {
  const { functions } = apiOf(headers);
  const types = typesOf(headers);
  const calls = callsOf(headers);
  const names = functions.map(({ name }) => name).filter((name) => !(name in NOT_TRACED));
  const ofArgp = new Set(
    functions.filter(({ section }) => section.startsWith(ARGP_HEADER)).map(({ name }) => name),
  );
  const [flow, argp] = [names.filter((name) => !ofArgp.has(name)), names.filter((name) => ofArgp.has(name))];
  const includes = headers
    .map(([name]) => name)
    .filter((name) => ![ARGP_HEADER, 'doca_bitfield.h', 'doca_config.h'].includes(name));
  return [
    ['untraced_flow.h', renames(flow)],
    ['untraced_argp.h', renames(argp)],
    ['traced_flow.cc', wrappers(flow, calls, types, includes)],
    ['traced_argp.cc', wrappers(argp, calls, types, [ARGP_HEADER])],
    ['trace_types.h', declarations(types)],
    ['trace_types.inc', tables(types)],
  ].map(([name, text]) => [`${TRACE_FOLDER}/${name}`, text]);
}

const MADE = '// Made of the headers by `npm run docs` (scripts/soft-trace.mjs).\n';

const renames = (names) =>
  `${MADE}// The names under which the library's sources define what programs call: the functions with the names themselves trace the call.\n` +
  '// clang-format off\n#pragma once\n' +
  `${names.map((name) => `#define ${name} untraced_${name}`).join('\n')}\n`;

/** A condition of the preprocessor around lines for these releases; nothing around those for all. */
function forReleases(releases, text) {
  if (releases.length === RELEASES.length) return text;
  const first = RELEASES.indexOf(releases[0]);
  const next = RELEASES[first + releases.length];
  const number = (release) => {
    const [major, minor] = release.split('.').map(Number);
    return major * 100 + minor;
  };
  const conditions = [
    ...(first > 0 ? [`DOCA_SOFT_RELEASE_ >= ${number(releases[0])}`] : []),
    ...(next === undefined ? [] : [`DOCA_SOFT_RELEASE_ < ${number(next)}`]),
  ];
  if (releases.at(-1) !== RELEASES[first + releases.length - 1])
    throw new Error(`releases with a gap: ${releases}`);
  return `#if ${conditions.join(' && ')}\n${text}#endif\n`;
}

/** Values by a key, each with the releases that have it; the key is a text of the value. */
function byReleases(headers, valuesIn) {
  const all = new Map();
  for (const release of RELEASES)
    for (const [header, text] of headers)
      for (const [key, value] of valuesIn(withoutComments(resolve(text, release)), header)) {
        if (!all.has(key)) all.set(key, { ...value, releases: [] });
        all.get(key).releases.push(release);
      }
  return [...all.values()];
}

const withoutComments = (text) => text.replace(/\/\*[\s\S]*?\*\//g, ' ').replace(/\/\/.*$/gm, '');

// ---- Types ----

function typesOf(headers) {
  const types = new Map();
  for (const release of RELEASES)
    for (const [header, text] of headers)
      for (const [, kind, name, body] of withoutComments(resolve(text, release)).matchAll(
        /^(struct|enum) (\w+) \{\n([\s\S]*?)^\}/gm,
      )) {
        if (!types.has(name)) types.set(name, { name, kind, header, releases: [], members: new Map() });
        const type = types.get(name);
        type.releases.push(release);
        const members =
          kind === 'enum'
            ? [...body.matchAll(/^\s*(\w+)\s*(?:=[^,]*)?,/gm)].map(([, own]) => ({ name: own }))
            : membersOf(body);
        for (const member of members) {
          // What differs between releases stands there once for each form.
          const key = `${member.text} ${member.name}`;
          const known = type.members.get(key);
          if (known === undefined) type.members.set(key, { ...member, releases: [release] });
          else known.releases.push(release);
        }
      }
  return types;
}

/** Members by their paths; those of unions and structures without a name stand with those around them, and know that. */
function membersOf(body) {
  const members = [];
  const open = [];
  for (const line of body.split('\n')) {
    const [, kind] = /^\s*(struct|union) \{/.exec(line) ?? [];
    if (kind !== undefined) open.push({ kind, from: members.length });
    const closed = /^\s*\}(?: (\w+))?;/.exec(line);
    if (closed !== null) {
      const [, end] = closed;
      const { from } = open.pop();
      const isInUnion = open.some((one) => one.kind === 'union');
      if (end === undefined) continue;
      // A structure that has no type's name is a member with members.
      for (const member of members.slice(from)) {
        member.name = `${end}.${member.name}`;
        member.union = isInUnion ? end : undefined;
      }
      continue;
    }
    const [, isConst, tag, type, stars, name, array] =
      /^\s*(const )?(struct |enum |union )?(\w+) (\**)(\w+)(\[\w+\])?;/.exec(line) ?? [];
    if (name === undefined) continue;
    members.push({
      name,
      tag: tag?.trim(),
      type,
      stars: stars.length,
      isArray: array !== undefined,
      union: open.some((one) => one.kind === 'union') ? name : undefined,
      text: `${isConst ?? ''}${tag ?? ''}${type} ${stars}${array ?? ''}`,
    });
  }
  return members;
}

const isTold = ({ name, kind, members }) =>
  kind === 'enum' || (name.startsWith('doca_') && members.size > 0 && !name.startsWith('doca_gather'));

function declarations(types) {
  const lines = [...types.values()]
    .filter(isTold)
    .map(({ name, kind, releases }) =>
      forReleases(
        releases,
        `extern const ${kind === 'enum' ? 'Enumeration' : 'Structure'} ${kind}_${name};\n`,
      ),
    );
  return `${MADE}// clang-format off\n#pragma once\n\n#include <doca_version.h>\n\n#include "../src/trace_types.h"\n\n#pragma GCC visibility push(default)\nnamespace soft::trace {\n\n${lines.join('')}\n} // namespace soft::trace\n#pragma GCC visibility pop\n`;
}

function tables(types) {
  const told = [...types.values()].filter(isTold);
  const enums = told.filter(({ kind }) => kind === 'enum').map(enumeration);
  const structures = told.filter(({ kind }) => kind === 'struct').map((type) => structure(type, types));
  // Pointers are told by whether they are there: their own size is meant.
  const lint = 'bugprone-sizeof-expression';
  return `${MADE}// clang-format off\n// NOLINTBEGIN(${lint})\n${[...enums, ...structures].join('\n')}// NOLINTEND(${lint})\n`;
}

function enumeration({ name, members, releases }) {
  const values = [...members.values()].map((value) =>
    forReleases(value.releases, `\t{static_cast<int64_t>(${value.name}), "${value.name}"},\n`),
  );
  return forReleases(
    releases,
    `static const EnumerationValue values_${name}[] = {\n${values.join('')}};\n` +
      `const Enumeration enum_${name} = {values_${name}, std::size(values_${name})};\n`,
  );
}

function structure(type, types) {
  const lines = [...type.members.values()]
    .map((member) => memberLine(type, member, types))
    .filter((line) => line !== undefined);
  return forReleases(
    type.releases,
    `static const Member members_${type.name}[] = {\n${lines.join('')}};\n` +
      `const Structure struct_${type.name} = {members_${type.name}, std::size(members_${type.name}), sizeof(${type.name})};\n`,
  );
}

const isIn = (type, name, releases) =>
  releases.every((release) =>
    [...type.members.values()].some((member) => member.name === name && member.releases.includes(release)),
  );

const INTEGERS = {
  uint8_t: 'NUMBER',
  uint16_t: 'NUMBER',
  uint32_t: 'NUMBER',
  uint64_t: 'NUMBER',
  int: 'SIGNED',
  doca_be16_t: 'NETWORK_ORDER',
  doca_be32_t: 'NETWORK_ORDER',
  doca_be64_t: 'NETWORK_ORDER',
  bool: 'BOOLEAN',
};

function memberLine(type, member, types) {
  const path = `${type.name}.${member.name}`;
  const own = member.name.split('.').at(-1);
  let conditions = '';
  if (member.union !== undefined) {
    const when = WHEN_IN_UNION[`${type.name}.${member.union}`];
    if (when === undefined)
      throw new Error(`${path} is in a union: say in WHEN_IN_UNION of scripts/soft-trace.mjs when it counts`);
    if (when === null) return undefined;
    if (Object.keys(when).length === 0) conditions = ', ALWAYS';
    // A release may lack a selector.
    const missing = Object.keys(when).find(
      (selector) => selector !== '' && !isIn(type, selector, member.releases),
    );
    if (missing !== undefined && member.releases.length > 1) {
      const [having, others] = [true, false].map((has) =>
        member.releases.filter((release) => isIn(type, missing, [release]) === has),
      );
      return [having, others].map((releases) => memberLine(type, { ...member, releases }, types)).join('');
    }
    conditions += Object.entries(when)
      .filter(([selector]) => selector === '' || isIn(type, selector, member.releases))
      .map(([selector, values]) =>
        selector === ''
          ? `, BESIDE(${values.join(', ')})`
          : `, WHEN(${type.name}, ${selector}, ${values.join(', ')})`,
      )
      .join('');
  }
  const counter = COUNTED_BY[path];
  const of = types.get(member.type);
  let kind;
  let table = '';
  if (SECRET.test(own) && member.stars > 0) kind = 'SECRET';
  else if (member.type === 'char') kind = 'TEXT';
  else if (member.stars === 0 && member.isArray && member.type === 'uint8_t')
    kind = own.endsWith('_mac') ? 'MAC' : 'OCTETS';
  else if (/^(?:src_ip|dst_ip|ipv[46]_addr)$/.test(own)) kind = member.isArray ? 'IP6' : 'IP4';
  else if (of !== undefined && isTold(of)) {
    kind = of.kind === 'enum' ? 'ENUMERATION' : member.stars === 0 ? 'STRUCTURE' : 'STRUCTURES';
    table = `${of.kind}_${of.name}`;
    if (member.stars > 1 || (of.kind === 'enum' && member.stars > 0)) kind = 'POINTER';
  } else if (member.stars > 0) {
    kind =
      counter !== undefined && member.type in INTEGERS
        ? 'NUMBERS'
        : member.type === 'doca_flow_pipe'
          ? 'PIPE'
          : 'POINTER';
  } else if (member.tag === 'union') kind = 'OCTETS';
  else kind = INTEGERS[member.type] ?? 'POINTER';
  const isOfElements = member.isArray && !['MAC', 'OCTETS', 'IP6', 'TEXT'].includes(kind);
  const form = isOfElements
    ? 'ARRAY'
    : kind === 'STRUCTURES' || kind === 'NUMBERS'
      ? 'POINTED'
      : counter === undefined
        ? 'MEMBER'
        : 'COUNTED';
  const by = form === 'COUNTED' || (form === 'POINTED' && counter !== undefined) ? `, ${counter}` : '';
  return forReleases(
    member.releases,
    `\t${form}${form === 'POINTED' && counter === undefined ? '_ONE' : ''}(${type.name}, ${member.name}, ${kind}, ${table === '' ? 'nullptr' : `&${table}`}${by}${conditions}),\n`,
  );
}

// ---- Calls ----

function callsOf(headers) {
  const calls = byReleases(headers, (text) =>
    [...text.matchAll(/^(DOCA_STABLE|DOCA_EXPERIMENTAL)\s([^;(]*?)\b(doca_\w+)\(([^;]*)\);/gm)]
      .filter(([, , , name]) => !(name in NOT_TRACED))
      .map(([whole, , result, name, list]) => [
        whole.replace(/\s+/g, ' '),
        { name, result: result.trim(), parameters: parametersOf(list) },
      ]),
  );
  const byName = new Map();
  for (const call of calls) byName.set(call.name, [...(byName.get(call.name) ?? []), call]);
  return byName;
}

function parametersOf(list) {
  if (list.trim() === 'void') return [];
  return list.split(',').map((one) => {
    const [, type, name] = /^(.*?)(\w+)$/.exec(one.trim().replace(/\s+/g, ' '));
    return { type: type.trim(), name };
  });
}

function wrappers(names, calls, types, includes) {
  const bodies = names.flatMap((name) =>
    calls.get(name).map((call) => forReleases(call.releases, wrapper(call, types))),
  );
  return (
    `${MADE}// Each function of the API: calls the function that does it, and tells the call when there is a trace.\n` +
    '// clang-format off\n' +
    `${names.map((name) => `#undef ${name}`).join('\n')}\n` +
    `${includes.map((name) => `#include <${name}>`).join('\n')}\n\n#include "trace_types.h"\n#include "../src/trace_call.h"\n\nusing namespace soft::trace;\n\n${bodies.join('\n')}`
  );
}

function wrapper(call, types) {
  const { name, result, parameters } = call;
  const list = parameters
    .map(({ type, name: own }) => `${type}${type.endsWith('*') ? '' : ' '}${own}`)
    .join(', ');
  const given = parameters.map(({ name: own }) => own).join(', ');
  const isVoid = result === 'void';
  const told = parameters.map((parameter) => argument(parameter, call, types));
  const before = told.map(({ before: line }) => line).filter((line) => line !== undefined);
  const after = told.map(({ after: line }) => line).filter((line) => line !== undefined);
  const hooks = hooksOf(call);
  const often = OFTEN.has(name);
  const untraced = `untraced_${name}(${given})`;
  const lines = [
    `extern "C" __attribute__((visibility("hidden"))) decltype(${name}) untraced_${name};`,
    `${result}${result.endsWith('*') ? '' : ' '}${name}(${list === '' ? 'void' : list})`,
    '{',
    '\tif (!is_on())',
    `\t\treturn ${untraced};`,
    ...(often ? ['\tstatic Often often;'] : []),
    `\tCall call("${name}"${often ? ', &often' : ''});`,
    ...(often ? ['\tif (call.is_passed_over())', `\t\treturn ${untraced};`] : []),
    ...before.map((line) => `\t${line}`),
    ...hooks.before.map((line) => `\t${line}`),
    `\t${isVoid ? '' : 'const auto result = '}${untraced};`,
    `\tcall.ended(${isVoid ? '' : resultOf(result, types)});`,
    ...(after.length + hooks.after.length === 0
      ? []
      : [
          result === 'doca_error_t' ? '\tif (result == DOCA_SUCCESS) {' : '\t{',
          ...[...hooks.after, ...after].map((line) => `\t\t${line}`),
          '\t}',
        ]),
    ...(isVoid ? [] : ['\treturn result;']),
    '}',
  ];
  return `${lines.join('\n')}\n`;
}

function resultOf(result, types) {
  const [, tag, type] = /^(?:const )?(?:(struct|enum) )?(\w+)/.exec(result);
  if (type === 'doca_error_t') return 'result, enum_doca_error';
  if (tag === 'enum') return `result, enum_${types.get(type).name}`;
  if (tag === 'struct') return `handle("${handleOf(type)}", result)`;
  if (type === 'char') return 'Text{result}';
  return result.endsWith('*') ? 'Pointer{result}' : 'result';
}

const handleOf = (type) => type.replace(/^doca_/, '');

/** How an argument is told: before the call, or what the call has written to it after it. */
function argument({ type, name }, call, types) {
  const [, isConst, tag, base, stars] =
    /^(const )?(?:(struct|enum|union) )?(\w+) ?((?:\*(?:const )?)*)$/.exec(type) ?? [];
  if (base === undefined) throw new Error(`${call.name}: an argument that is not read here: ${type} ${name}`);
  const depth = stars.replace(/const /g, '').length;
  const key = `"${name}"`;
  const known = types.get(base === 'doca_error_t' ? 'doca_error' : base);
  const count = call.parameters.find(({ name: own }) => /^(?:count|nr_\w+)$/.test(own))?.name;
  const has = (own) => call.parameters.some((parameter) => parameter.name === own);
  if (SECRET.test(name) && depth > 0) return { before: `call.secret(${key}, ${name});` };
  if (LEFT_OUT.has(name)) return { before: `call.left_out(${key}, ${name});` };
  if (known?.kind === 'enum' && depth === 0)
    return { before: `call.enumeration(${key}, ${name}, enum_${known.name});` };
  if (known?.kind === 'enum' && depth === 1)
    return { after: `call.enumeration(${key}, *${name}, enum_${known.name});` };
  if (base === 'char') {
    if (isConst && depth === 1) return { before: `call.text(${key}, ${name});` };
    if (isConst && depth === 2) return { after: `call.text(${key}, *${name});` };
    return name === 'buffer'
      ? { before: `call.pointer(${key}, ${name});` }
      : { after: `call.text(${key}, ${name});` };
  }
  if (tag === 'struct' && known !== undefined) {
    const table = `struct_${base}`;
    if (FILLED_IN.has(name))
      return {
        after: `call.structures(${key}, ${name}, ${count !== undefined ? count : '1'}, ${table});`,
      };
    if (depth === 2)
      return {
        before: `call.structures(${key}, ${name}, ${count}, ${table}${name === 'actions_masks' ? ', actions' : ''});`,
      };
    if (name === 'match_mask' && has('match'))
      return { before: `call.structure(${key}, ${name}, ${table}, match);` };
    if (name === 'actions_mask') return { before: `call.structure(${key}, ${name}, ${table}, actions);` };
    if (name === 'match' && has('pipe'))
      return { before: `call.structure(${key}, ${name}, ${table}, call.match_of(pipe));` };
    if (base === 'doca_flow_shared_resource_cfg')
      return { before: `call.structure(${key}, ${name}, ${table}, nullptr, type);` };
    return { before: `call.structure(${key}, ${name}, ${table});` };
  }
  if (tag === 'struct') {
    const one = (value) =>
      base === 'doca_flow_pipe'
        ? `call.pipe(${key}, ${value});`
        : base === 'doca_flow_pipe_entry'
          ? `call.entry(${key}, ${value});`
          : `call.handle(${key}, "${handleOf(base)}", ${value});`;
    if (depth === 1) return { before: one(name) };
    if (depth === 2 && name === 'reps')
      return { before: `call.handles(${key}, "${handleOf(base)}", ${name}, ${count});` };
    if (depth === 2 && name === 'list') return { before: `call.pointer(${key}, ${name});` };
    if (depth === 2) return { after: `if (${name} != nullptr) ${one(`*${name}`)}` };
    return {};
  }
  if (depth === 0 && (base in INTEGERS || ['size_t', 'double'].includes(base)))
    return { before: `call.number(${key}, ${name});` };
  if (depth === 1 && (base in INTEGERS || ['size_t', 'double'].includes(base))) {
    if (name === 'ids') return { before: `call.numbers(${key}, ${name}, ${count});` };
    if (base === 'uint8_t' && has('size')) return { after: `call.octets(${key}, ${name}, size);` };
    return { after: `if (${name} != nullptr) call.number(${key}, *${name});` };
  }
  return depth > 0 || base.endsWith('_cb') || base.endsWith('_cb_t')
    ? { before: `call.pointer(${key}, ${name});` }
    : {};
}

/** What the trace remembers of calls: pipes while they are described, when they are made, and entries. */
function hooksOf({ name, parameters }) {
  const has = (text) => parameters.some(({ type, name: own }) => `${type}${own}`.includes(text));
  if (name === 'doca_flow_pipe_cfg_set_match')
    return { before: [], after: ['call.keep_match(cfg, match);', 'call.keep(cfg, "match", false);'] };
  if (name.startsWith('doca_flow_pipe_cfg_set_'))
    return {
      before: [],
      after: [
        `call.keep(cfg, "${name.replace('doca_flow_pipe_cfg_set_', '')}", ${parameters.length === 2});`,
      ],
    };
  if (name === 'doca_flow_pipe_cfg_create') return { before: [], after: ['call.forget(*cfg);'] };
  if (name === 'doca_flow_pipe_cfg_destroy') return { before: ['call.forget(cfg);'], after: [] };
  if (name === 'doca_flow_pipe_create') return { before: [], after: ['call.pipe_made(cfg, *pipe);'] };
  if (name === 'doca_flow_pipe_update_miss') return { before: [], after: ['call.miss_updated(pipe);'] };
  if (has('struct doca_flow_pipe_entry **'))
    return { before: [], after: ['call.entry_changed("added", pipe, entry == nullptr ? nullptr : *entry);'] };
  if (/_update_entry$/.test(name))
    return { before: [], after: ['call.entry_changed("updated", pipe, entry);'] };
  if (/_remove_entry$/.test(name))
    return { before: [], after: ['call.entry_changed("removed", nullptr, entry);'] };
  return { before: [], after: [] };
}
