/**
 * Checks of entries against their pipe: of static ones when a program is validated, of dynamic ones whenever an
 * implementation is given one. Every problem is a HalError that names pipe, entry and field.
 */
import { PSP_EXT_LEN_UNIT_OCTETS } from '../psp/header.js';
import { checkForward, checkMirror, type ForwardContext } from './check-forward.js';
import { type HalError, type Report, reporter } from './errors.js';
import { FIELDS, type FieldName, type FieldValue, isPspWord, L3_IPV4, L3_IPV6 } from './fields.js';
import type {
  ActionTemplate,
  ActionValues,
  BasicEntry,
  BasicPipe,
  ControlEntry,
  ControlPipe,
  Domain,
  FieldMatch,
  Forward,
  MatchTemplate,
  PspNetType,
} from './program.js';
import { forwardShape, valuesShape } from './program-shape.js';
import { describeValue, isObject, text } from './shapes.js';

/** 0 is the highest of a control pipe's priorities. Hardware has one more, 7, which is the pipe's miss there. */
export const PRIORITY_LOWEST = 6;
const ETHERNET_HEADER_OCTETS = 14;
const UDP_AND_PSP_OCTETS = 8 + 16;
const COOKIE_OCTETS = 8;
/**
 * Extension fields of an encap: up to the word that fields name last, tun.psp.dw9, and the end of its unit. DOCA Flow has no room
 * for much longer ones behind an IPv6 header (DOCA_FLOW_CRYPTO_HEADER_LEN_MAX).
 */
const EXTENSION_OCTETS_MAX = 24;
/** The highest value of a field, by its width in bits up to 32. */
const HIGHEST = Array.from({ length: 33 }, (_, widthBits) => 2 ** widthBits - 1);
const NOTHING = {};
const NO_ACTIONS: readonly ActionTemplate[] = [{}];

/** Octets of an entry's encapHeader (facts of doca_flow_crypto_encap_action.data_size). */
export function encapHeaderLengthOctets(encap: NonNullable<ActionTemplate['encap']>): number {
  const ip = encap.outer === 'ipv4' ? 20 : 40;
  const before = encap.netType === 'psp-tunnel' ? ETHERNET_HEADER_OCTETS + ip : 0;
  return before + UDP_AND_PSP_OCTETS + (encap.cookie ? COOKIE_OCTETS : 0) + (encap.extensionOctets ?? 0);
}

/** Octets of a wide field's value. */
function valueOctets(field: FieldName): number {
  return FIELDS[field].widthBits / 8;
}

function isField(name: string): name is FieldName {
  return Object.hasOwn(FIELDS, name);
}

/** Why `value`, which may be anything, cannot be a value of `field`. */
export function valueProblem(field: FieldName, value: unknown): string | undefined {
  const { widthBits } = FIELDS[field];
  if (widthBits > 32) {
    if (value instanceof Uint8Array && value.length === valueOctets(field)) return undefined;
    return `expected ${valueOctets(field)} octets, got ${describeValue(value)}`;
  }
  const highest = HIGHEST[widthBits]!;
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= highest)
    return undefined;
  return `expected a number from 0 to ${highest}, got ${describeValue(value)}`;
}

/** Whether all bits of `value` lie under `mask`. */
export function underMask(value: FieldValue, mask: FieldValue): boolean {
  if (typeof value === 'number') return typeof mask === 'number' && (value & ~mask) === 0;
  return mask instanceof Uint8Array && value.every((octet, i) => (octet & ~mask[i]!) === 0);
}

function isZero(value: FieldValue): boolean {
  return typeof value === 'number' ? value === 0 : value.every((octet) => octet === 0);
}

/** Checks names, values and masks of a match or of the `set` of an action. */
export function checkFields(template: MatchTemplate, allowEntry: boolean, report: Report): void {
  for (const [name, match] of Object.entries<FieldMatch>(template)) {
    if (!isField(name)) {
      report('there is no such field', name);
      continue;
    }
    const maskProblem = match.mask === undefined ? undefined : valueProblem(name, match.mask);
    if (maskProblem !== undefined) report(`mask: ${maskProblem}`, name);
    else if (match.mask !== undefined && isZero(match.mask)) report('a mask of zero looks at nothing', name);
    if (match.value === 'entry') {
      if (!allowEntry) report("'entry' is for templates; here the value must be fixed", name);
      continue;
    }
    const problem = valueProblem(name, match.value);
    if (problem !== undefined) report(problem, name);
    else if (match.mask !== undefined && maskProblem === undefined && !underMask(match.value, match.mask)) {
      report('the value has bits outside of the mask, so nothing can match', name);
    }
  }
}

/** Words of the PSP header, which not every device looks at. */
export function checkWords(
  names: readonly string[],
  { pspWords }: EntryContext,
  prefix: string,
  report: Report,
): void {
  if (pspWords) return;
  for (const name of names)
    if (isPspWord(name)) report('this device does not look at words of the PSP header', prefix + name);
}

function checkGiven(
  fields: readonly FieldName[],
  values: Readonly<Partial<Record<FieldName, FieldValue>>>,
  templates: Readonly<Partial<Record<FieldName, FieldMatch>>>,
  prefix: string,
  report: Report,
): void {
  for (const field of fields) {
    const value = values[field];
    if (value === undefined) {
      report('the entry must give a value', prefix + field);
      continue;
    }
    const problem = valueProblem(field, value);
    if (problem !== undefined) report(problem, prefix + field);
    else if (templates[field]?.mask !== undefined && !underMask(value, templates[field].mask)) {
      report('the value has bits outside of the mask', prefix + field);
    }
  }
  for (const name in values) {
    if (!fields.includes(name as FieldName))
      report('the pipe does not take this from entries', prefix + name);
  }
}

/** The fields that entries give, cached for each template: a pipe has few templates and very many entries. */
const fieldsOfEntries = new WeakMap<object, FieldName[]>();

function entryFields(template: Readonly<Partial<Record<FieldName, FieldMatch>>>): FieldName[] {
  let fields = fieldsOfEntries.get(template);
  if (fields === undefined) {
    fields = Object.keys(template).filter(
      (field): field is FieldName => isField(field) && template[field]!.value === 'entry',
    );
    fieldsOfEntries.set(template, fields);
  }
  return fields;
}

function checkHeader(header: Uint8Array | undefined, octets: number, name: string, report: Report): void {
  if (octets === 0) {
    if (header !== undefined) report('the pipe does not take this from entries', name);
  } else if (!(header instanceof Uint8Array) || header.length !== octets) {
    report(`expected ${octets} octets, got ${header === undefined ? 'none' : describeValue(header)}`, name);
  }
}

/** Checks the values that an entry gives for an action template; `keySlots` bounds crypto_id. */
export function checkActionValues(
  template: ActionTemplate,
  values: ActionValues | undefined,
  keySlots: number,
  report: Report,
): void {
  const set = template.set ?? NOTHING;
  checkGiven(entryFields(set), values?.set ?? NOTHING, set, 'set.', report);
  const takesEthernet = template.decap?.ethernetHeader === 'entry';
  checkHeader(values?.ethernetHeader, takesEthernet ? ETHERNET_HEADER_OCTETS : 0, 'ethernetHeader', report);
  const encapOctets = template.encap === undefined ? 0 : encapHeaderLengthOctets(template.encap);
  checkHeader(values?.encapHeader, encapOctets, 'encapHeader', report);
  const cryptoId = values?.cryptoId;
  if (template.encrypt?.cryptoId === 'entry') {
    if (cryptoId === undefined || !isCryptoId(cryptoId, keySlots)) {
      const got = cryptoId === undefined ? 'none' : describeValue(cryptoId);
      report(`expected a key slot from 1 to ${keySlots}, got ${got}`, 'cryptoId');
    }
  } else if (cryptoId !== undefined) report('the pipe does not take this from entries', 'cryptoId');
}

export function isCryptoId(cryptoId: unknown, keySlots: number): boolean {
  return Number.isInteger(cryptoId) && (cryptoId as number) >= 1 && (cryptoId as number) <= keySlots;
}

/** The parts of the program and the device that an entry is checked against besides its pipe. */
export interface EntryContext extends ForwardContext {
  readonly keySlots: number;
  /** As DeviceLimits has it. */
  readonly pspWords: boolean;
}

/**
 * Reports what has not even the parts that can be checked one by one. Unlike shapes, which copy what they read, this costs next to
 * nothing: it is asked of every entry.
 */
function checkParts(values: ActionValues | undefined, forward: Forward | undefined, report: Report): void {
  if (!isObjectOrNone(values) || !isObjectOrNone(values?.set)) valuesShape(values, 'values', report);
  if (forward !== undefined && !isForward(forward)) forwardShape(forward, 'forward', report);
}

/** Whether a forward has its shape, without a copy of it. */
function isForward(forward: Forward): boolean {
  switch (forward?.to) {
    case 'pipe':
      return typeof forward.pipe === 'string';
    case 'port':
      return typeof forward.port === 'number';
    case 'rss':
    case 'drop':
    case 'kernel':
      return true;
    default:
      return false;
  }
}

const isObjectOrNone = (value: unknown) => value === undefined || isObject(value);

/** All problems of an entry of a basic pipe, which may be anything; `name` names one without a label in the errors. */
export function checkBasicEntry(
  pipe: BasicPipe,
  entry: BasicEntry,
  context: EntryContext,
  name: string | number,
): HalError[] {
  const problems: HalError[] = [];
  const label = isObject(entry) && typeof entry.label === 'string' ? entry.label : name;
  const report = reporter(problems, { pipe: pipe.name, entry: label });
  if (!isObject(entry)) {
    report(`expected an object, got ${describeValue(entry)}`);
    return problems;
  }
  if (entry.label !== undefined) text(entry.label, 'label', report);
  if (!isObjectOrNone(entry.match)) report(`expected an object, got ${describeValue(entry.match)}`, 'match');
  checkParts(entry.values, entry.forward, report);
  if (problems.length > 0) return problems;
  checkGiven(entryFields(pipe.match), entry.match ?? NOTHING, pipe.match, 'match.', report);
  const actionIndex = entry.actionIndex ?? 0;
  const templates = pipe.actions ?? NO_ACTIONS;
  const template = typeof actionIndex === 'number' ? templates[actionIndex] : undefined;
  if (template === undefined) {
    report(
      `expected an action template from 0 to ${templates.length - 1}, got ${describeValue(actionIndex)}`,
      'actionIndex',
    );
  } else checkActionValues(template, entry.values, context.keySlots, report);
  checkEntryForward(pipe, entry.forward, context, report);
  return problems;
}

function checkEntryForward(
  pipe: BasicPipe,
  forward: Forward | undefined,
  context: EntryContext,
  report: Report,
): void {
  if (pipe.forward === 'entry') {
    if (forward === undefined) report('the entry must say where packets go', 'forward');
    else checkForward(pipe, forward, 'forward', context, report);
  } else if (forward !== undefined) report('the pipe does not take this from entries', 'forward');
}

/** The domains in which each action may be used. */
const ACTION_DOMAINS: readonly { action: keyof ActionTemplate; domains: readonly Domain[] }[] = [
  { action: 'decrypt', domains: ['secure-ingress'] },
  { action: 'decap', domains: ['default', 'secure-ingress'] },
  { action: 'encap', domains: ['egress', 'secure-egress'] },
  { action: 'encrypt', domains: ['secure-egress'] },
];

/** Whether actions may stand in a pipe of the domain, and say all that they must. */
export function checkActions(
  actions: ActionTemplate,
  domain: Domain,
  context: EntryContext,
  report: Report,
): void {
  for (const { action, domains } of ACTION_DOMAINS) {
    if (actions[action] !== undefined && !domains.includes(domain)) {
      report(`belongs in domain ${domains.join(' or ')}, not ${domain}`, action);
    }
  }
  checkWords(Object.keys(actions.set ?? {}), context, 'set.', report);
  for (const name of Object.keys(actions.set ?? {})) {
    if (isField(name) && !FIELDS[name].writable) report('the field cannot be written', `set.${name}`);
  }
  const { decap, encap, encrypt } = actions;
  if (decap !== undefined) {
    const header = decap.ethernetHeader;
    const tunnel = decap.netType === 'psp-tunnel';
    if (tunnel === (header === undefined)) {
      report(
        tunnel ? 'a tunnel needs the new Ethernet header' : 'only a tunnel takes it',
        'decap.ethernetHeader',
      );
    }
    if (header instanceof Uint8Array && header.length !== ETHERNET_HEADER_OCTETS) {
      report(`expected ${ETHERNET_HEADER_OCTETS} octets, got ${header.length}`, 'decap.ethernetHeader');
    }
  }
  if (encap !== undefined) {
    const family = netTypeFamily(encap.netType);
    if (family !== undefined && family !== encap.outer)
      report(`${encap.netType} is for ${family}`, 'encap.outer');
    const octets = encap.extensionOctets ?? 0;
    const unit = PSP_EXT_LEN_UNIT_OCTETS;
    if (!Number.isInteger(octets / unit) || octets < 0 || octets > EXTENSION_OCTETS_MAX) {
      report(
        `expected a multiple of ${unit} up to ${EXTENSION_OCTETS_MAX}, got ${octets}`,
        'encap.extensionOctets',
      );
    }
  }
  if (
    encrypt !== undefined &&
    encrypt.cryptoId !== 'entry' &&
    !isCryptoId(encrypt.cryptoId, context.keySlots)
  ) {
    report(`expected a key slot from 1 to ${context.keySlots}, got ${encrypt.cryptoId}`, 'encrypt.cryptoId');
  }
}

/** A packet has one L3 header at each place, so fields of both families cannot be there together. */
export function checkPossible(match: MatchTemplate, report: Report): void {
  const names = Object.keys(match);
  const has = (prefix: string) => names.some((name) => name.startsWith(prefix));
  for (const side of ['outer', 'inner'] as const) {
    const l3Type = match[`parser_meta.${side}_l3_type`]?.value;
    const ip4 = has(`${side}.ip4.`);
    const ip6 = has(`${side}.ip6.`);
    if (ip4 && ip6) report(`fields of ${side}.ip4 and ${side}.ip6 cannot match together`, `${side}.ip4`);
    if (ip4 && typeof l3Type === 'number' && l3Type !== L3_IPV4) {
      report(`${side}.ip4 contradicts it`, `parser_meta.${side}_l3_type`);
    }
    if (ip6 && typeof l3Type === 'number' && l3Type !== L3_IPV6) {
      report(`${side}.ip6 contradicts it`, `parser_meta.${side}_l3_type`);
    }
  }
}

/** All problems of an entry of a control pipe. */
export function checkControlEntry(
  pipe: ControlPipe,
  entry: ControlEntry,
  context: EntryContext,
  name: string | number,
): HalError[] {
  const problems: HalError[] = [];
  const report = reporter(problems, { pipe: pipe.name, entry: entry.label ?? name });
  if (!Number.isInteger(entry.priority) || entry.priority < 0 || entry.priority > PRIORITY_LOWEST) {
    report(`expected 0 (highest) to ${PRIORITY_LOWEST}, got ${entry.priority}`, 'priority');
  }
  checkFields(entry.match, false, report);
  checkWords(Object.keys(entry.match), context, '', report);
  if (entry.condition !== undefined) {
    const { field, value } = entry.condition;
    checkWords([field], context, 'condition.', report);
    if (!isField(field) || FIELDS[field].widthBits > 32) {
      report('a condition compares a field of up to 32 bits', `condition.${field}`);
    } else {
      const problem = valueProblem(field, value);
      if (problem !== undefined) report(problem, `condition.${field}`);
    }
  }
  const actions = entry.actions ?? {};
  checkFields(actions.set ?? {}, false, report);
  if (actions.decap?.ethernetHeader === 'entry' || actions.encrypt?.cryptoId === 'entry') {
    report("'entry' is for templates; a control entry's actions are its own", 'actions');
  }
  checkActionValues(actions, entry.values, context.keySlots, report);
  checkForward(pipe, entry.forward, 'forward', context, report);
  checkMirror(pipe, entry.monitor?.mirror, context, report);
  checkPossible(entry.match, report);
  checkActions(actions, pipe.domain, context, report);
  return problems;
}

/** All problems of an update of a basic pipe's entry. */
export function checkUpdate(
  pipe: BasicPipe,
  actionIndex: number,
  update: { readonly values?: ActionValues; readonly forward?: Forward },
  context: EntryContext,
  name: string | number,
): HalError[] {
  const problems: HalError[] = [];
  const report = reporter(problems, { pipe: pipe.name, entry: name });
  checkParts(update.values, update.forward, report);
  if (problems.length > 0) return problems;
  if (update.values !== undefined) {
    checkActionValues(pipe.actions?.[actionIndex] ?? {}, update.values, context.keySlots, report);
  }
  if (update.forward !== undefined) checkEntryForward(pipe, update.forward, context, report);
  return problems;
}

/** The family that a transport net type is for; undefined for tunnels. */
function netTypeFamily(netType: PspNetType): 'ipv4' | 'ipv6' | undefined {
  if (netType === 'psp-tunnel') return undefined;
  return netType === 'psp-over-ipv4' ? 'ipv4' : 'ipv6';
}
