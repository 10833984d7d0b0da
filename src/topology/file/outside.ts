/** Ends of links that are interfaces of the machine: `host:INTERFACE` and `tap:INTERFACE`. */
import { AddressError, type MacAddress, macToOctets, parseMac } from '../../packet/address.js';
import { type EndpointPlan, OUTSIDE_KINDS, type OutsideKind, type OutsidePlan } from '../model.js';
import type { ExpandedLink, ExpandedNode } from './expanded.js';
import type { Names } from './names.js';
import type { Place } from './source.js';

const GROUP_BIT = 0x01;

/** Where an interface stands in the file. */
export interface OutsideSource {
  /** The link's. */
  readonly name: string;
  readonly place: Place;
}

export class OutsideReader {
  /** Where each interface's link is. */
  readonly #used = new Map<string, Place>();
  readonly sources: OutsideSource[] = [];

  constructor(nodes: Names<ExpandedNode>) {
    for (const kind of OUTSIDE_KINDS)
      nodes
        .get(kind)
        ?.place.problem(`in links "${kind}:" stands for this machine; give the node another name`);
  }

  /** Undefined with the problem noted. */
  endpoint(text: string, place: Place): EndpointPlan | undefined {
    const [node, port] = text.split(':') as [OutsideKind, string];
    const other = this.#used.get(port);
    if (other !== undefined) {
      place.problem(`the interface ${port} has a link already (${other.where})`);
      return undefined;
    }
    this.#used.set(port, place);
    place.onlyInRealTime(`${text} is an interface of this machine, which knows no virtual time`);
    return { node, port };
  }

  /** Undefined where both ends are nodes; problems are noted. */
  plan({ endpoints, endpointPlaces, values, place }: ExpandedLink): OutsidePlan | undefined {
    const { mac: text, promiscuous } = values.at(-1)?.value ?? {};
    const kinds = endpoints.map((one) => OUTSIDE_KINDS.find((kind) => one.startsWith(`${kind}:`)));
    const end = kinds.findIndex((kind) => kind !== undefined);
    const kind = kinds[end];
    if (kind === undefined) {
      for (const [key, value] of Object.entries({ mac: text, promiscuous }))
        if (value !== undefined)
          place.at(key).problem('is for links with an end host:INTERFACE or tap:INTERFACE');
      return undefined;
    }
    if (kind === 'tap' && promiscuous !== undefined)
      place.at('promiscuous').problem('is for host:INTERFACE; a TAP interface takes what comes');
    if (kind === 'host' && text !== undefined && promiscuous !== false)
      place.at('mac').problem('the interface takes frames for all MACs; write promiscuous: false beside it');
    const mac = text === undefined ? undefined : unicast(text, place.at('mac'));
    this.sources.push({ name: endpoints.join(' '), place: endpointPlaces[end as 0 | 1] });
    return {
      end: end as 0 | 1,
      kind,
      ...(mac === undefined ? {} : { mac }),
      promiscuous: promiscuous ?? kind === 'host',
    };
  }
}

function unicast(text: string, place: Place): MacAddress | undefined {
  try {
    const mac = parseMac(text);
    const octets = macToOctets(mac);
    if ((octets[0]! & GROUP_BIT) === 0 && octets.some((octet) => octet !== 0)) return mac;
    place.problem(`${text} is the address of no interface`);
  } catch (error) {
    if (!(error instanceof AddressError)) throw error;
    place.problem(error.message);
  }
  return undefined;
}
