/**
 * A way through a random program, on which the packets of one flow are carried: each pipe of it has an entry that they hit, or
 * lets them pass as a miss, and on the way they are opened, sealed, or first one and then the other.
 */

import type { Choose } from '../../base/choose.js';
import type { FieldName, FieldValue, WritableFieldName } from '../../hal/fields.js';
import { L3_IPV4, L4_NONE } from '../../hal/fields.js';
import {
  type ActionTemplate,
  type ActionValues,
  type FieldMatch,
  type Forward,
  type MatchCondition,
  type MatchTemplate,
  UPLINK_PORT,
  VF_PORT,
} from '../../hal/program.js';
import { completeTunnel } from '../../psp/outer.js';
import { aimOf, aimOfOpened } from './aims.js';
import {
  encapHeader,
  ethernetHeader,
  type HeaderDetails,
  KEY_SLOTS,
  randomActions,
  randomExtension,
  randomValues,
} from './random-actions.js';
import { masked, NO_CONDITION, randomMask } from './random-fields.js';
import type { Plan } from './random-forwards.js';
import { cameAim, type Flow, type Traffic } from './traffic.js';

export type WayKind = 'open' | 'seal' | 'open and seal';

/** What a pipe of the way has for the flow. */
export interface WayPipe {
  readonly type: 'basic' | 'control';
  readonly next: Forward;
  /** undefined: packets of the flow pass as misses, if at all. */
  readonly hit?: WayHit;
}

export interface WayHit {
  /** Fields of the pipe or of the control entry, with the packets' values and masks. */
  readonly match: MatchTemplate;
  readonly condition?: MatchCondition;
  readonly actions: ActionTemplate;
  readonly values: ActionValues | undefined;
}

type Wants = Readonly<Partial<Record<'decrypt' | 'decap' | 'encap' | 'encrypt', true>>>;

interface Station {
  readonly plan: Plan;
  readonly wants: Wants;
}

/** Pipes of a program that has room for such a way. */
export function plansWith(choose: Choose, kind: WayKind | undefined): Plan[] {
  const opens = kind === 'open' || kind === 'open and seal';
  const seals = kind === 'seal' || kind === 'open and seal';
  const ingress = choose.times(choose.between(1, 4), () =>
    choose.pick(['default', 'secure-ingress', 'secure-ingress'] as const),
  );
  if (opens) ingress[0] = 'secure-ingress';
  // Only from there packets go to the egress root.
  if (opens && seals) ingress.push('default');
  const egress = choose.times(choose.between(seals ? 1 : 0, 4), () =>
    choose.pick(['egress', 'secure-egress', 'secure-egress'] as const),
  );
  if (seals) egress[egress.length - 1] = 'secure-egress';
  return [
    { name: 'ROOT', domain: 'default', isRoot: true },
    ...ingress.map((domain, i): Plan => ({ name: `IN${i}`, domain, isRoot: false })),
    { name: 'EGRESS', domain: 'egress', isRoot: true },
    ...egress.map((domain, i): Plan => ({ name: `OUT${i}`, domain, isRoot: false })),
  ];
}

/** By pipe. */
export function randomWay(
  choose: Choose,
  kind: WayKind,
  plans: readonly Plan[],
  traffic: Traffic,
): Map<string, WayPipe> {
  const flow = traffic.pick(choose, kind !== 'seal');
  const stations = route(choose, kind, plans);
  const walk = new Walk(choose, flow);
  return new Map(
    stations.map(({ plan, wants }, i): [string, WayPipe] => {
      const following = stations[i + 1];
      const next: Forward =
        following === undefined ? end(choose, stations) : { to: 'pipe', pipe: following.plan.name };
      const needsHit = Object.keys(wants).length > 0 || next.to !== 'pipe';
      const type = choose.once(3) ? 'control' : 'basic';
      if (!needsHit && choose.once(4)) return [plan.name, { type, next }];
      return [plan.name, { type, next, hit: walk.hit(plan, wants, type) }];
    }),
  );
}

function end(choose: Choose, stations: readonly Station[]): Forward {
  const does = (want: keyof Wants) => stations.some(({ wants }) => wants[want]);
  // What was opened and is in its envelope still must not leave; the CPU may have it.
  const mayLeave = does('encrypt') || does('decap') || choose.once(3);
  if (!mayLeave || (!does('encrypt') && choose.once(4))) return { to: 'rss' };
  return { to: 'port', port: choose.pick([UPLINK_PORT, VF_PORT]) };
}

function route(choose: Choose, kind: WayKind, plans: readonly Plan[]): Station[] {
  const [root, ...rest] = plans;
  const at = rest.findIndex(({ isRoot }) => isRoot);
  const [ingress, egressRoot, egress] = [rest.slice(0, at), rest[at]!, rest.slice(at + 1)];
  const stations: Station[] = [{ plan: root!, wants: {} }];
  if (kind === 'seal') {
    const before = ingress.find(({ domain }) => domain === 'default');
    if (before !== undefined && choose.once(2)) stations.push({ plan: before, wants: {} });
  } else {
    const [opener, ...others] = ingress;
    const later = kind === 'open' ? choose.pick([undefined, ...others]) : others.at(-1)!;
    // Left in its envelope for good, now and then, where nothing follows that needs it bare.
    const inOne = later === undefined || choose.once(2);
    const decaps = kind === 'open and seal' || !choose.once(6);
    const decap: Wants = decaps ? { decap: true } : {};
    stations.push({ plan: opener!, wants: { decrypt: true, ...(inOne ? decap : {}) } });
    if (later !== undefined) stations.push({ plan: later, wants: inOne ? {} : decap });
  }
  if (kind === 'open') return stations;
  stations.push({ plan: egressRoot, wants: {} });
  const before = egress.slice(0, -1).find(() => choose.once(2));
  const inOne = before === undefined || choose.once(2);
  if (before !== undefined) stations.push({ plan: before, wants: inOne ? {} : { encap: true } });
  stations.push({ plan: egress.at(-1)!, wants: { encrypt: true, ...(inOne ? { encap: true } : {}) } });
  return stations;
}

/** A packet of the flow on its way: what is known of its fields. */
class Walk {
  private known: Map<FieldName, FieldValue>;
  private readonly cryptoId: number;

  constructor(
    private readonly choose: Choose,
    private readonly flow: Flow,
  ) {
    this.known = new Map(cameAim(flow));
    this.cryptoId = choose.between(1, KEY_SLOTS);
  }

  hit({ domain }: Plan, wants: Wants, type: WayPipe['type']): WayHit {
    const { choose } = this;
    const inBasic = type === 'basic';
    const match: Partial<Record<FieldName, FieldMatch>> = {};
    const names = [...this.known.keys()];
    for (let count = choose.below(3); count > 0; count--) {
      const field = choose.pick(names);
      const mask = randomMask(choose, field);
      const value = masked(this.known.get(field)!, mask);
      match[field] = mask === undefined ? { value } : { value, mask };
    }
    const condition = inBasic ? undefined : this.condition(names.filter((field) => !(field in match)));
    const set = choose.once(3) ? randomActions(choose, domain, inBasic).set : undefined;
    const actions: ActionTemplate = {
      ...(set === undefined ? {} : { set }),
      ...(wants.decrypt ? { decrypt: true } : {}),
      ...(wants.decap ? { decap: this.decap(inBasic) } : {}),
      ...(wants.encap ? { encap: this.encap() } : {}),
      ...(wants.encrypt
        ? { encrypt: { cryptoId: inBasic && choose.once(2) ? 'entry' : this.cryptoId } }
        : {}),
    };
    const values = this.values(actions);
    this.change(actions, values);
    return { match, actions, values, ...(condition === undefined ? {} : { condition }) };
  }

  /** One that holds. */
  private condition(names: readonly FieldName[]): MatchCondition | undefined {
    const { choose } = this;
    const field = choose.pick(names);
    const value = this.known.get(field)!;
    if (!choose.once(3) || NO_CONDITION.test(field) || typeof value !== 'number') return undefined;
    const held: readonly MatchCondition[] = [
      { field, operation: 'le', value },
      { field, operation: 'ge', value },
      { field, operation: 'ne', value: (value ^ 1) >>> 0 },
      ...(value > 0 ? [{ field, operation: 'gt', value: value - 1 } as const] : []),
    ];
    return choose.pick(held);
  }

  private decap(inBasic: boolean): NonNullable<ActionTemplate['decap']> {
    if (!this.flow.inside!.isTunnel) return { netType: this.transport() };
    return {
      netType: 'psp-tunnel',
      ethernetHeader: inBasic && this.choose.once(2) ? 'entry' : this.ethernetHeader(),
    };
  }

  private ethernetHeader(): Uint8Array {
    const { frame } = this.flow.inside!;
    return ethernetHeader(this.choose, (frame[12]! << 8) | frame[13]!);
  }

  private encap(): NonNullable<ActionTemplate['encap']> {
    const { choose } = this;
    const details = { cookie: choose.once(3), ...randomExtension(choose) };
    // Without an upper layer, of fragments for example, transport mode makes nothing.
    const hasUpperLayer = this.known.get('parser_meta.outer_l4_type') !== L4_NONE;
    if (!choose.once(hasUpperLayer ? 3 : 12))
      return { netType: 'psp-tunnel', outer: choose.pick(['ipv4', 'ipv6'] as const), ...details };
    const netType = this.transport();
    return { netType, outer: netType === 'psp-over-ipv4' ? 'ipv4' : 'ipv6', ...details };
  }

  private transport(): 'psp-over-ipv4' | 'psp-over-ipv6' {
    return this.known.get('parser_meta.outer_l3_type') === L3_IPV4 ? 'psp-over-ipv4' : 'psp-over-ipv6';
  }

  private values(actions: ActionTemplate): ActionValues | undefined {
    const { choose, cryptoId } = this;
    const values = randomValues(choose, actions);
    if (values === undefined) return undefined;
    const details: HeaderDetails = {
      // Keys of odd slots have 32 octets, which versions 1 and 3 take.
      version: (cryptoId & 1) | (2 * choose.below(2)),
      cookie: actions.encap?.cookie === true,
      cryptOffsetWords: choose.pick([0, 0, 1, 2, 4]),
    };
    return {
      ...values,
      ...(values.ethernetHeader === undefined ? {} : { ethernetHeader: this.ethernetHeader() }),
      ...(values.encapHeader === undefined || choose.once(16)
        ? {}
        : { encapHeader: encapHeader(choose, actions.encap!, details) }),
      ...(values.cryptoId === undefined ? {} : { cryptoId }),
    };
  }

  private change({ decrypt, decap, set, encap }: ActionTemplate, values: ActionValues | undefined): void {
    const { flow } = this;
    const { inside } = flow;
    if (decrypt) this.known = aimOfOpened(this.known, inside!.isTunnel ? inside!.frame : undefined);
    if (decap !== undefined) {
      const bare = inside!.frame.slice();
      if (inside!.isTunnel) {
        const header = decap.ethernetHeader === 'entry' ? values!.ethernetHeader! : decap.ethernetHeader!;
        bare.set(header as Uint8Array);
      }
      this.become(bare);
    }
    for (const [name, { value, mask }] of Object.entries(set ?? {}) as [FieldName, FieldMatch][]) {
      const written = value === 'entry' ? values!.set![name as WritableFieldName]! : value;
      const before = this.known.get(name);
      if (before !== undefined) this.known.set(name, overwritten(before, written as FieldValue, mask));
    }
    if (encap === undefined) return;
    if (encap.netType === 'psp-tunnel') this.become(inTunnel(values!.encapHeader!, encap.outer));
    else this.become(new Uint8Array(0));
    for (const field of ['outer.udp.src_port', 'outer.ip4.total_len', 'outer.ip6.payload_len'] as const)
      this.known.delete(field);
  }

  /** Its frame is another one; the rest stays. */
  private become(frame: Uint8Array): void {
    const { known } = this;
    this.known = aimOf(frame, this.flow.port);
    for (const [field, value] of known) {
      if (field.startsWith('meta.') || field === 'parser_meta.psp_syndrome') this.known.set(field, value);
    }
    if (frame.length > 0) return;
    // What is known of a frame whose octets are not.
    for (const field of this.known.keys())
      if (!/^meta\.|psp_syndrome|port_id/.test(field)) this.known.delete(field);
  }
}

/** A packet in a tunnel's envelope; what is inside, and so how long it is, is open. */
function inTunnel(header: Uint8Array, outer: 'ipv4' | 'ipv6'): Uint8Array {
  const frame = new Uint8Array(header.length + 64);
  frame.set(header);
  completeTunnel(frame, 14, 14 + (outer === 'ipv4' ? 20 : 40), frame.length, 0);
  return frame;
}

function overwritten(before: FieldValue, written: FieldValue, mask: FieldValue | undefined): FieldValue {
  if (mask === undefined) return written;
  if (typeof before === 'number')
    return ((before & ~(mask as number)) | ((written as number) & (mask as number))) >>> 0;
  return before.map(
    (octet, i) =>
      (octet & ~(mask as Uint8Array)[i]!) | ((written as Uint8Array)[i]! & (mask as Uint8Array)[i]!),
  );
}
