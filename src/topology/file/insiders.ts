/** Insiders: their addresses, given or made, and what a gateway and an insider have in common on the OOB network. */
import { attempt, parseServiceAddress } from '../../gateway/config/addresses.js';
import { DEFAULT_SERVICE_PORT, type ServiceAddress } from '../../gateway/rpc/transport.js';
import type { IpAddress, MacAddress } from '../../packet/address.js';
import type { InsiderPlan } from '../model.js';
import { type AddressBooks, claimUnderlay, GENERATED } from './addresses.js';
import type { ExpandedNode } from './expanded.js';
import type { ParsedInsider } from './parsed.js';
import { itemsOf } from './shape.js';
import type { Place } from './source.js';

/** Undefined with the problem noted. */
export function readServiceAddress(
  book: AddressBooks['oob'],
  text: string,
  owner: string,
  place: Place,
): ServiceAddress | undefined {
  const parsed = attempt(() => parseServiceAddress(text));
  if ('reason' in parsed) {
    place.problem(parsed.reason);
    return undefined;
  }
  const host = book.claim(parsed.value.host, owner, place);
  return host === undefined ? undefined : parsed.value;
}

interface Draft {
  readonly name: string;
  readonly underlay: { ipv4?: IpAddress; ipv6?: IpAddress };
  readonly underlayGiven: boolean;
  serviceAddress: ServiceAddress | undefined;
  uplinkMac: MacAddress | undefined;
  addresses: readonly IpAddress[] | undefined;
  readonly silent: boolean;
  readonly spoofs: boolean;
}

export class InsiderReader {
  #expanded: Draft[] = [];

  /** @param gateways so many of the made addresses are theirs */
  constructor(
    private readonly books: AddressBooks,
    private readonly gateways: number,
  ) {}

  /** Takes what the file gives. */
  given(nodes: readonly ExpandedNode[]): void {
    const { books } = this;
    this.#expanded = nodes
      .filter(({ parsed }) => parsed.kind === 'insider')
      .map(({ name, parsed: node, place }): Draft => {
        const parsed = node as ParsedInsider;
        const { underlay } = claimUnderlay(books, parsed.underlay, name, place);
        return {
          name,
          underlay,
          underlayGiven: parsed.underlay !== undefined,
          serviceAddress:
            parsed.oob === undefined
              ? undefined
              : readServiceAddress(books.oob, parsed.oob, name, place.at('oob')),
          uplinkMac:
            parsed.mac === undefined ? undefined : books.mac.claim(parsed.mac, name, place.at('mac')),
          addresses:
            parsed.addresses === undefined
              ? undefined
              : itemsOf(parsed.addresses).flatMap(
                  ([i, text]) => books.workload.claim(text, name, place.at('addresses', i)) ?? [],
                ),
          silent: parsed.silent ?? false,
          spoofs: parsed.spoofs ?? true,
        };
      });
  }

  /** Makes up the rest; the plans by name. */
  generate(): Map<string, InsiderPlan> {
    const { books } = this;
    return new Map(
      this.#expanded.map((draft, i) => {
        const { name, underlay } = draft;
        const index = this.gateways + i;
        if (!draft.underlayGiven) {
          for (const family of [4, 6] as const)
            underlay[`ipv${family}`] = books.underlay.generate(name, index, GENERATED.underlay[family]);
        }
        const plan: InsiderPlan = {
          kind: 'insider',
          name,
          serviceAddress: draft.serviceAddress ?? {
            host: books.oob.generate(name, index, GENERATED.oob),
            port: DEFAULT_SERVICE_PORT,
          },
          uplinkMac: draft.uplinkMac ?? books.mac.generate(name, index, GENERATED.uplinkMac),
          underlay,
          addresses:
            draft.addresses ??
            ([4, 6] as const).map((family) =>
              books.workload.generate(name, index, GENERATED.workload[family]),
            ),
          silent: draft.silent,
          spoofs: draft.spoofs,
        };
        return [name, plan];
      }),
    );
  }
}
