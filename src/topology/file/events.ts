/** Events of the scenario: by time, each about nodes, links and workloads that are there. */

import { attempt, parseNetworkIp } from '../../gateway/config/addresses.js';
import { type IpAddress, ipFamily } from '../../packet/address.js';
import { type EventPlan, type GatewayPlan, INSIDER_ACTS, type InsiderPlan } from '../model.js';
import type { NodeDraft } from './drafts.js';
import type { EventForm, NamesForm } from './form.js';
import type { KnownWorkload } from './gateways.js';
import { EVENTS_MAX, TIME_MAX_MS } from './limits.js';
import type { Names } from './names.js';
import { itemsOf } from './shape.js';
import type { Place } from './source.js';
import {
  impairments,
  oobValues,
  packetsPerSecond,
  positivePacketsPerSecond,
  positiveTimeMs,
  ratio,
  timeMs,
} from './values.js';

const DOWN_MS = 1000;
const INSIDER_ACTS_PER_SECOND = 10;

/** Names that events may use. */
export interface EventNames {
  readonly gateways: ReadonlyMap<string, GatewayPlan>;
  readonly insiders: ReadonlyMap<string, InsiderPlan>;
  readonly nodes: Names<NodeDraft>;
  readonly links: Names<string>;
  readonly workloads: Names<KnownWorkload>;
}

/** The events by time, equal times in the order of the file. @param endMs when the run ends at the latest */
export function readEvents(
  forms: readonly EventForm[] | undefined,
  place: Place,
  names: EventNames,
  endMs: number,
): EventPlan[] {
  const everyGateway = [...names.gateways.keys()];
  const read: PlacedEvent[] = [];
  for (const [i, form] of itemsOf(forms)) {
    const at = place.at(i);
    const events = new EventReader(form, at, names, everyGateway).read();
    if (events.some(({ atMs }) => atMs >= endMs))
      at.problem('would be after the run, whose duration is given');
    for (const event of events) read.push({ event, place: at });
    if (read.length > EVENTS_MAX) {
      at.problem(`more than ${EVENTS_MAX} events in all`);
      break;
    }
  }
  read.sort((a, b) => a.event.atMs - b.event.atMs);
  checkReaddressing(read, names.gateways, names.insiders);
  return read.map(({ event }) => event);
}

interface PlacedEvent {
  readonly event: EventPlan;
  readonly place: Place;
}

/** At no time do two nodes have the same underlay address. */
function checkReaddressing(
  events: readonly PlacedEvent[],
  gateways: ReadonlyMap<string, GatewayPlan>,
  insiders: ReadonlyMap<string, InsiderPlan>,
): void {
  const owners = new Map<IpAddress, string>();
  const addresses = new Map<string, { ipv4?: IpAddress; ipv6?: IpAddress }>();
  for (const { name, underlay } of gateways.values()) {
    addresses.set(name, { ...underlay });
    for (const ip of Object.values(underlay)) owners.set(ip, name);
  }
  for (const { name, underlay } of insiders.values())
    for (const ip of Object.values(underlay)) owners.set(ip, name);
  for (const { event, place } of events) {
    if (event.type !== 'readdress') continue;
    const { node, ip } = event;
    const owner = owners.get(ip) ?? node;
    if (owner !== node) {
      place.at('ip').problem(`${ip} is the underlay address of ${owner} then`);
      continue;
    }
    const own = addresses.get(node)!;
    const key = `ipv${ipFamily(ip)}` as const;
    if (own[key] !== undefined) owners.delete(own[key]);
    own[key] = ip;
    owners.set(ip, node);
  }
}

class EventReader {
  readonly #atMs: number;

  constructor(
    private readonly form: EventForm,
    private readonly place: Place,
    private readonly names: EventNames,
    private readonly everyGateway: readonly string[],
  ) {
    this.#atMs = timeMs(form.at, place.at('at'));
  }

  /** None where problems were noted. */
  read(): EventPlan[] {
    const { form, place } = this;
    const atMs = this.#atMs;
    if (form.rotate !== undefined) return this.#eachNode('rotate', form.rotate, {});
    for (const type of ['restart', 'crash'] as const) {
      const nodes = form[type];
      if (nodes === undefined) continue;
      const downMs = form.down === undefined ? DOWN_MS : timeMs(form.down, place.at('down'));
      return this.#eachNode(type, nodes, { downMs });
    }
    for (const type of ['cut', 'mend'] as const) {
      if (form[type] === undefined) continue;
      const link = this.names.links.find(form[type], place.at(type));
      return link === undefined ? [] : [{ atMs, type, link }];
    }
    for (const type of ['add-workload', 'remove-workload'] as const) {
      if (form[type] === undefined) continue;
      const workload = this.names.workloads.find(form[type], place.at(type));
      return workload === undefined ? [] : [{ atMs, type, workload: workload.plan.name }];
    }
    if (form.impair !== undefined) return this.#impair(form.impair);
    if (form.partition !== undefined) return this.#partition(form.partition);
    if (form.heal !== undefined) return [{ atMs, type: 'heal' }];
    if (form.calm !== undefined) return [{ atMs, type: 'calm' }];
    if (form.oob !== undefined) {
      const oob = oobValues(form.oob, place.at('oob'));
      if (Object.keys(oob).length === 0)
        place.at('oob').problem('changes nothing; write delay, jitter or loss');
      return [{ atMs, type: 'oob', oob }];
    }
    if (form.readdress !== undefined) return this.#readdress(form.readdress, form.ip!);
    if (form.attack !== undefined) return this.#attack(form.attack);
    if (form.insider !== undefined) return this.#insider(form.insider);
    if (form['clock-jump'] !== undefined) {
      const node = this.#gateway(form['clock-jump'], place.at('clock-jump'));
      const jumpMs = positiveTimeMs(form.by!, place.at('by'));
      return node === undefined ? [] : [{ atMs, type: 'clock-jump', node: node.name, jumpMs }];
    }
    if (form['lose-port'] !== undefined) {
      const node = this.#gateway(form['lose-port'], place.at('lose-port'));
      const durationMs = positiveTimeMs(form.for!, place.at('for'));
      if (node === undefined) return [];
      return [{ atMs, type: 'lose-port', node: node.name, port: form.port!, durationMs }];
    }
    const node = this.#gateway(form['slow-entries']!, place.at('slow-entries'));
    const delayMs = timeMs(form.delay!, place.at('delay'));
    return node === undefined ? [] : [{ atMs, type: 'slow-entries', node: node.name, delayMs }];
  }

  #gateway(name: string, place: Place): GatewayPlan | undefined {
    const gateway = this.names.gateways.get(name);
    const node = gateway === undefined ? this.names.nodes.find(name, place) : undefined;
    if (node !== undefined) place.problem(`${name} is a ${node.form.kind}; name a gateway`);
    return gateway;
  }

  #insider(name: string): EventPlan[] {
    const { form, place, names } = this;
    const at = place.at('insider');
    const durationMs = positiveTimeMs(form.for!, place.at('for'));
    const actsPerSecond =
      form.rate === undefined
        ? INSIDER_ACTS_PER_SECOND
        : positivePacketsPerSecond(form.rate, place.at('rate'));
    const insider = names.insiders.get(name);
    if (insider?.silent === true) at.problem(`${name} is silent, and does nothing`);
    if (insider !== undefined) {
      const does = form.does ?? INSIDER_ACTS;
      return [{ atMs: this.#atMs, type: 'insider', node: name, durationMs, actsPerSecond, does }];
    }
    const node = names.nodes.find(name, at);
    if (node !== undefined) at.problem(`${name} is a ${node.form.kind}; name an insider`);
    return [];
  }

  /** One event for all nodes; with `every` one after the other. */
  #eachNode<T extends 'rotate' | 'restart' | 'crash'>(
    type: T,
    written: NamesForm,
    values: T extends 'rotate' ? object : { downMs: number },
  ): EventPlan[] {
    const { form, place } = this;
    const nodes =
      written === '*'
        ? this.everyGateway
        : typeof written === 'string'
          ? [written].filter((name) => this.#gateway(name, place.at(type)) !== undefined)
          : this.#gatewayList(written, place.at(type));
    if (written === '*' && nodes.length === 0 && !this.names.nodes.missesSome) {
      place.at(type).problem('there are no gateways');
    }
    if (nodes.length === 0) return [];
    if (form.every === undefined) return [{ atMs: this.#atMs, type, nodes, ...values } as EventPlan];
    const everyMs = positiveTimeMs(form.every, place.at('every'));
    const lastMs = this.#atMs + (nodes.length - 1) * everyMs;
    if (lastMs > TIME_MAX_MS) place.at('every').problem('the last of these events is later than 7d');
    return nodes.map((node, i) => {
      const atMs = this.#atMs + i * everyMs;
      return { atMs, type, nodes: [node], ...values } as EventPlan;
    });
  }

  #gatewayList(names: readonly string[], place: Place, seen = new Set<string>()): string[] {
    return itemsOf(names).flatMap(([i, name]) => {
      if (seen.has(name)) place.at(i).problem(`${name} is there twice`);
      seen.add(name);
      return this.#gateway(name, place.at(i)) === undefined ? [] : [name];
    });
  }

  #impair(written: string): EventPlan[] {
    const { form, place } = this;
    const changes = impairments(form, place);
    if (Object.keys(changes).length === 0) {
      place.problem('changes nothing; write delay, jitter, loss, duplicate, reorder, corrupt or rate');
    }
    const link = this.names.links.find(written, place.at('impair'));
    return link === undefined ? [] : [{ atMs: this.#atMs, type: 'impair', link, impairments: changes }];
  }

  #partition(written: readonly (readonly string[])[]): EventPlan[] {
    const seen = new Set<string>();
    const groups = itemsOf(written).map(([i, group]) =>
      this.#gatewayList(group, this.place.at('partition', i), seen),
    );
    return [{ atMs: this.#atMs, type: 'partition', groups }];
  }

  #readdress(name: string, text: string): EventPlan[] {
    const { place } = this;
    const node = this.#gateway(name, place.at('readdress'));
    const parsed = attempt(() => parseNetworkIp(text));
    if ('reason' in parsed) {
      place.at('ip').problem(parsed.reason);
      return [];
    }
    if (node === undefined) return [];
    const ip = parsed.value;
    if (node.underlay[`ipv${ipFamily(ip)}`] === undefined) {
      place
        .at('ip')
        .problem(`${ip} is IPv${ipFamily(ip)}, and ${name} has no underlay address of that family`);
    }
    return [{ atMs: this.#atMs, type: 'readdress', node: name, ip }];
  }

  #attack(written: string): EventPlan[] {
    const { form, place } = this;
    const link = this.names.links.find(written, place.at('attack'));
    const plan = {
      durationMs: positiveTimeMs(form.for!, place.at('for')),
      replayRatio: form.replay === undefined ? 0 : ratio(form.replay, place.at('replay')),
      forgeRatio: form.forge === undefined ? 0 : ratio(form.forge, place.at('forge')),
      spoofsPerSecond: form.spoof === undefined ? 0 : packetsPerSecond(form.spoof, place.at('spoof')),
    };
    if (plan.replayRatio + plan.forgeRatio + plan.spoofsPerSecond === 0) {
      place.problem('does nothing; write replay, forge or spoof');
    }
    return link === undefined ? [] : [{ atMs: this.#atMs, type: 'attack', link, ...plan }];
  }
}
