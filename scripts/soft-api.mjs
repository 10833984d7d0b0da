// What the software DOCA supports of DOCA's API, read from its headers: docs/doca-soft-api.md, which scripts/draw-docs.mjs writes; a test
// fails when it is stale, or when the headers say other than the sources.
//
// A declaration is supported as it stands, unless a comment of the form "soft: TEXT" stands before it, or behind it in its line:
//
//   not supported, no effect   what the words say
//   match PLACES; set PLACES   a field of packets: where a match may name it, and where actions may set it ("outer", "inner"; none:
//                              wherever it stands). Fields without such a comment are neither matched nor set
//   selector                   a member that says which member of a union counts
//   anything else              supported so far
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const HEADERS = join(dirname(dirname(fileURLToPath(import.meta.url))), 'native/doca-soft/include');
export const API_DOCUMENT = 'docs/doca-soft-api.md';
/** All for which the headers have declarations. */
export const RELEASES = ['2.9', '2.10', '3.0', '3.1', '3.2', '3.3'];
const ROOT_OF_FIELDS = 'doca_flow_match';

/** Names and texts of the headers, in the order in which they are told. */
export function readHeaders() {
  return readdirSync(HEADERS)
    .sort()
    .map((name) => [name.replace(/\.in$/, ''), readFileSync(join(HEADERS, name), 'utf8')]);
}

/** Functions and types of headers, each with the releases that have it and what "soft: " says of it. */
export function apiOf(headers) {
  const functions = new Map();
  const types = new Map();
  for (const release of RELEASES) {
    for (const [header, text] of headers) {
      const resolved = resolve(text, release);
      for (const one of functionsIn(header, resolved)) add(functions, one.name, one, release);
      for (const type of typesIn(resolved)) {
        const { name, kind } = type;
        if (!types.has(name)) types.set(name, { name, kind, members: new Map() });
        for (const member of type.members) add(types.get(name).members, member.name, member, release);
      }
    }
  }
  return { functions: [...functions.values()], types };
}

/** Members of a match and of what it is made of, by paths as "outer.ip4.src_ip": whether each may be matched, and set by actions. */
export function fieldsOf({ types }) {
  const fields = [];
  const walk = (path, name, notes) => {
    for (const member of types.get(name).members.values()) {
      const own = [...path, member.name];
      const all = [...notes, member.note ?? ''];
      if (types.get(member.type)?.kind === 'struct') walk(own, member.type, all);
      else if (!all.includes('selector'))
        fields.push({
          path: own.join('.'),
          releases: member.releases,
          isMatched: all.some((note) => isAllowed(note, 'match', own[0])),
          isSet: all.some((note) => isAllowed(note, 'set', own[0])),
        });
    }
  };
  walk([], ROOT_OF_FIELDS, []);
  return fields;
}

function isAllowed(note, verb, place) {
  const [, places] = new RegExp(`(?:^|; )${verb}(?: ([a-z, ]+))?(?:;|$)`).exec(note) ?? [null, null];
  return places !== null && (places === undefined || places.split(', ').includes(place));
}

function add(map, name, one, release) {
  const known = map.get(name);
  if (known === undefined) map.set(name, { ...one, releases: [release] });
  else if (known.note !== one.note) throw new Error(`${name}: "soft: " says different things of it`);
  else if (known.releases.at(-1) !== release) known.releases.push(release);
}

// ---- Headers ----

const numberOf = (release) => {
  const [major, minor] = release.split('.').map(Number);
  return major * 100 + minor;
};

/** The text as the preprocessor leaves it of a release, in C, with its comments. */
export function resolve(text, release) {
  // Of each open condition: whether its lines count, and whether a branch has counted already.
  const open = [];
  const holds = (condition) => {
    const [, operator, number] = /^DOCA_SOFT_RELEASE_ (<|>=) (\d+)$/.exec(condition) ?? [];
    if (operator === undefined) throw new Error(`a condition that is not read here: ${condition}`);
    return operator === '<' ? numberOf(release) < Number(number) : numberOf(release) >= Number(number);
  };
  const lines = text.split('\n').map((line) => {
    const [, directive, rest = ''] = /^\s*#\s*(\w+)\s*(.*)$/.exec(line) ?? [];
    if (directive === 'ifdef' || directive === 'ifndef')
      open.push({ counts: directive === 'ifndef', done: true });
    else if (directive === 'if') open.push({ counts: holds(rest), done: holds(rest) });
    else if (directive === 'elif' || directive === 'else') {
      const top = open.at(-1);
      top.counts = !top.done && (directive === 'else' || holds(rest));
      top.done ||= top.counts;
    } else if (directive === 'endif') open.pop();
    return directive === undefined && open.every(({ counts }) => counts) ? line : '';
  });
  return lines.join('\n');
}

const noteIn = (comments) =>
  [...(comments ?? '').matchAll(/\/\* soft: ([\s\S]*?) \*\//g)].at(-1)?.[1].replace(/\s+/g, ' ');

function functionsIn(header, text) {
  const sections = [...text.matchAll(/\/\* ---- (.*?) ---- \*\//g)];
  const declarations = text.matchAll(
    /((?:\/\*(?:(?!\*\/)[\s\S])*\*\/\s*)*)^DOCA_(?:STABLE|EXPERIMENTAL)\s[^;(]*?\b(doca_\w+)\([^;]*\);/gm,
  );
  return [...declarations].map(({ index, 0: whole, 1: comments, 2: name }) => {
    const end = index + whole.length;
    const [, section] = sections.findLast((one) => one.index < end) ?? [];
    return {
      name,
      note: noteIn(comments),
      section: section === undefined ? header : `${header}: ${section}`,
    };
  });
}

/** Structures and enumerations; members of unions and of structures without a name stand with those around them. */
function typesIn(text) {
  return [...text.matchAll(/^(struct|enum) (\w+) \{\n([\s\S]*?)^\}/gm)].map(([, kind, name, body]) => ({
    name,
    kind,
    members: kind === 'enum' ? valuesIn(body) : membersIn(body),
  }));
}

function valuesIn(body) {
  return [...body.matchAll(/^\t(\w+)[^,/]*,(.*)$/gm)].map(([, name, comment]) => ({
    name,
    note: noteIn(comment),
  }));
}

function membersIn(body) {
  const members = [];
  const open = [];
  for (const line of body.split('\n')) {
    if (/^\s*(?:struct|union) \{/.test(line)) open.push(members.length);
    const [, end, comment] = /^\s*\}( \w+)?;(.*)$/.exec(line) ?? [];
    if (comment !== undefined) {
      const from = open.pop();
      if (end === undefined) continue;
      // A structure that has no type's name is a member with members.
      for (const member of members.slice(from)) {
        member.name = `${end.trim()}.${member.name}`;
        member.note ??= noteIn(comment);
      }
      continue;
    }
    const [, type, name, behind] =
      /^\s*(?:const )?(?:struct |enum |union )?(\w+) \**(\w+)(?:\[\w+\])?;(.*)$/.exec(line) ?? [];
    if (name !== undefined) members.push({ name, type, note: noteIn(behind) });
  }
  return members;
}

// ---- The document ----

export function apiDocument(headers) {
  const api = apiOf(headers);
  return `${[
    '# Calls and fields of the software DOCA',
    'What of DOCA\'s API [the software DOCA](doca-soft.md) supports. This page is made of the comments "soft: ..." in its\n' +
      '[headers](../native/doca-soft/include) by `npm run docs`. What is not supported returns DOCA_ERROR_NOT_SUPPORTED, with a line in\n' +
      'the log that names it. A release stands where not all have it.',
    '## Calls',
    ...callTables(api),
    '## Fields of packets',
    'As members of `doca_flow_match` and of `doca_flow_actions`.',
    table(['', 'matched', 'set by actions', 'neither'], fieldRows(api)),
    '## Values and members',
    'Structures and enumerations of which not all is supported; those of fields stand above. Values are named by the ends of their names.',
    table(['', 'supported', 'not supported'], typeRows(api)),
  ].join('\n\n')}\n`;
}

function callTables({ functions }) {
  const sections = grouped(functions, ({ section }) => section);
  return [...sections].flatMap(([section, calls]) => [
    `### ${section}`,
    table(
      ['call', 'supported'],
      calls.map(({ name, note, releases }) => [`\`${name}\`${inReleases(releases)}`, note ?? 'yes']),
    ),
  ]);
}

function fieldRows(api) {
  const groupOf = (path) => {
    const [first, second, ...rest] = path.split('.');
    return rest.length === 0 || second === 'eth_vlan' ? first : `${first}.${second}`;
  };
  const groups = grouped(fieldsOf(api), ({ path }) => groupOf(path));
  return [...groups].map(([group, fields]) => {
    const cell = (some) =>
      some
        .map(
          ({ path, releases }) =>
            `\`${path.slice(group === path ? 0 : group.length + 1)}\`${inReleases(releases)}`,
        )
        .join(', ');
    return [
      group === fields[0].path ? '' : `\`${group}\``,
      cell(fields.filter(({ isMatched }) => isMatched)),
      cell(fields.filter(({ isSet }) => isSet)),
      cell(fields.filter(({ isMatched, isSet }) => !isMatched && !isSet)),
    ];
  });
}

function typeRows({ types }) {
  const isField = (note) => /^(?:match|set|selector)\b/.test(note ?? '');
  const told = [...types.values()].filter(({ members }) => {
    const notes = [...members.values()].map(({ note }) => note).filter((note) => note !== undefined);
    return notes.length > 0 && !notes.some(isField);
  });
  return told.map(({ name, kind, members }) => {
    const shorter = kind === 'enum' ? commonPrefix([...members.keys()]).length : 0;
    const cell = (some) =>
      some
        .map(({ name: own, note, releases }) => {
          const limit = note === undefined || note === 'not supported' ? '' : ` (${note})`;
          return `\`${own.slice(shorter)}\`${inReleases(releases)}${limit}`;
        })
        .join(', ');
    const all = [...members.values()];
    return [
      `\`${name}\``,
      cell(all.filter(({ note }) => note !== 'not supported')),
      cell(all.filter(({ note }) => note === 'not supported')),
    ];
  });
}

function grouped(all, keyOf) {
  const groups = new Map();
  for (const one of all) groups.set(keyOf(one), [...(groups.get(keyOf(one)) ?? []), one]);
  return groups;
}

/** What all names begin with, before an underscore. */
function commonPrefix(names) {
  let length = 0;
  while (names.every((name) => name[length] === names[0][length] && length < name.length)) length++;
  return names[0].slice(0, names[0].lastIndexOf('_', length - 1));
}

function inReleases(releases) {
  if (releases.length === RELEASES.length) return '';
  const [first, last] = [releases[0], releases.at(-1)];
  if (RELEASES.indexOf(last) - RELEASES.indexOf(first) + 1 !== releases.length)
    return ` (${releases.join(', ')})`;
  if (first === RELEASES[0]) return ` (up to ${last})`;
  return last === RELEASES.at(-1) ? ` (from ${first} on)` : ` (${first} to ${last})`;
}

function table(head, rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`.replaceAll(/ {2,}/g, ' ');
  return [line(head), `|${head.map(() => '---|').join('')}`, ...rows.map(line)].join('\n');
}
