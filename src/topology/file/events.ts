/** Events of the scenario: by time, each about nodes, links and workloads that are there. */
import { checkReaddressing, type Readdress } from '../events/readdress.js';
import { EVENT_TYPES, EVENTS, type EventPlan, FORMER_NAMES, type ParsedEvent } from '../events/registry.js';
import type { GatewayPlan, InsiderPlan } from '../model.js';
import { type ExpandedNode, kindText } from './expanded.js';
import type { KnownWorkload } from './gateways.js';
import { EVENTS_MAX, TIME_MAX_MS } from './limits.js';
import type { Names } from './names.js';
import type { Quantity } from './quantities.js';
import type { Names as ParsedNames } from './schema-values.js';
import { itemsOf } from './shape.js';
import type { Place } from './source.js';
import { positiveTimeMs, timeMs } from './values.js';

/** Names that events may use. */
export interface EventNames {
  readonly gateways: ReadonlyMap<string, GatewayPlan>;
  readonly insiders: ReadonlyMap<string, InsiderPlan>;
  readonly nodes: Names<ExpandedNode>;
  readonly links: Names<string>;
  readonly workloads: Names<KnownWorkload>;
}

/** The events by time, equal times in the order of the file. @param endMs when the run ends at the latest */
export function readEvents(
  forms: readonly ParsedEvent[] | undefined,
  place: Place,
  names: EventNames,
  endMs: number,
): EventPlan[] {
  const everyGateway = [...names.gateways.keys()];
  const read: PlacedEvent[] = [];
  for (const [i, parsed] of itemsOf(forms)) {
    const at = place.at(i);
    const events = readEvent(parsed, at, names, everyGateway);
    if (events.some(({ atMs }) => atMs >= endMs))
      at.problem('would be after the run, whose duration is given');
    for (const event of events) read.push({ event, place: at });
    if (read.length > EVENTS_MAX) {
      at.problem(`more than ${EVENTS_MAX} events in all`);
      break;
    }
  }
  read.sort((a, b) => a.event.atMs - b.event.atMs);
  checkReaddressing(read.filter(isReaddressing), names);
  return read.map(({ event }) => event);
}

interface PlacedEvent<T extends EventPlan = EventPlan> {
  readonly event: T;
  readonly place: Place;
}

const isReaddressing = (placed: PlacedEvent): placed is PlacedEvent<Readdress> =>
  placed.event.type === 'readdress';

function readEvent(
  parsed: ParsedEvent,
  place: Place,
  names: EventNames,
  everyGateway: readonly string[],
): readonly EventPlan[] {
  const atMs = timeMs(parsed.at, place.at('at'));
  const type = EVENT_TYPES.find((one) => one in parsed);
  if (type !== undefined)
    return EVENTS[type].read(parsed, new EventReading(place, type, atMs, names, everyGateway));
  const [former, now] = [...FORMER_NAMES].find(([name]) => name in parsed)!;
  place.at(former).warning(`is now called ${now}; the old name is still read`);
  const renamed = { ...parsed, [now]: (parsed as Readonly<Record<string, unknown>>)[former] };
  return EVENTS[now].read(renamed, new EventReading(place, former, atMs, names, everyGateway));
}

/** An entry of a file that is being read as an event, and what all kinds need to read it. */
export class EventReading {
  constructor(
    /** Of the entry. */
    readonly place: Place,
    key: string,
    readonly atMs: number,
    readonly names: EventNames,
    private readonly everyGateway: readonly string[],
  ) {
    this.subject = place.at(key);
  }

  /** Place of what the event happens to: the value of the key that names it. */
  readonly subject: Place;

  /** Undefined with the problem noted. */
  readonly gateway = (name: string, place: Place): GatewayPlan | undefined => {
    const gateway = this.names.gateways.get(name);
    const node = gateway === undefined ? this.names.nodes.find(name, place) : undefined;
    if (node !== undefined) place.problem(`${name} is ${kindText(node)}; name a gateway`);
    return gateway;
  };

  /** The gateways of a list, each once. @param seen those that were named before, which are not named again */
  gatewayList(names: readonly string[], place: Place, seen = new Set<string>()): string[] {
    return itemsOf(names).flatMap(([i, name]) => {
      if (seen.has(name)) place.at(i).problem(`${name} is there twice`);
      seen.add(name);
      return this.gateway(name, place.at(i)) === undefined ? [] : [name];
    });
  }

  /** The gateways that the event names, all at once; with `every` one after the other. */
  inTurn(
    written: ParsedNames,
    every: Quantity | undefined,
  ): { readonly atMs: number; readonly nodes: readonly string[] }[] {
    const { atMs, place, subject } = this;
    const nodes =
      written === '*'
        ? this.everyGateway
        : typeof written === 'string'
          ? [written].filter((name) => this.gateway(name, subject) !== undefined)
          : this.gatewayList(written, subject);
    if (written === '*' && nodes.length === 0 && !this.names.nodes.missesSome) {
      subject.problem('there are no gateways');
    }
    if (nodes.length === 0) return [];
    if (every === undefined) return [{ atMs, nodes }];
    const everyMs = positiveTimeMs(every, place.at('every'));
    const lastMs = atMs + (nodes.length - 1) * everyMs;
    if (lastMs > TIME_MAX_MS) place.at('every').problem('the last of these events is later than 7d');
    return nodes.map((node, i) => ({ atMs: atMs + i * everyMs, nodes: [node] }));
  }
}
