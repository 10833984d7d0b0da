/** Gateways: their addresses, their workloads, and the options that their gateway runs with. */
import { FLAGS } from '../../gateway/config/flags.js';
import { TUNNELS_LISTED_MAX } from '../../gateway/config/limits.js';
import { staticTunnelsProblem } from '../../gateway/config/read-options.js';
import { countPairs } from '../../gateway/directory.js';
import type { GatewayOptions, PeerOptions } from '../../gateway/options.js';
import { DEFAULT_SERVICE_PORT, type ServiceAddress, serviceText } from '../../gateway/rpc/transport.js';
import { type IpAddress, type IpFamily, ipFamily, type MacAddress } from '../../packet/address.js';
import type { ExternalPlan, GatewayPlan, InsiderPlan, WorkloadPlan } from '../model.js';
import { type AddressBooks, claimUnderlay, GENERATED } from './addresses.js';
import { type DeviceRead, readDevice } from './devices.js';
import type { ExpandedNode } from './expanded.js';
import { peerOf, readExternals } from './externals.js';
import { type FlagReader, type GivenFlags, mergeFlags } from './gateway-flags.js';
import { checkHosts, readHost } from './hosts.js';
import { InsiderReader, readServiceAddress } from './insiders.js';
import type { Names } from './names.js';
import type { ParsedGateway } from './parsed.js';
import { itemsOf } from './shape.js';
import type { Place } from './source.js';

/** A workload and where it is. */
export interface KnownWorkload {
  readonly plan: WorkloadPlan;
  readonly gateway: string;
  /** Families that the gateway carries for it. */
  readonly families: readonly IpFamily[];
  /** The segment on which it resolves addresses, in transport mode. */
  readonly segment: string | undefined;
}

/** A gateway while it is being read. */
interface Draft {
  readonly node: ExpandedNode;
  readonly parsed: ParsedGateway;
  /** Its number among the gateways, from 0. */
  readonly index: number;
  readonly flags: GivenFlags;
  readonly device: DeviceRead | undefined;
  readonly base: GatewayOptions | undefined;
  underlay: { ipv4?: IpAddress; ipv6?: IpAddress };
  /** No address of it was wrong. */
  underlayRead: boolean;
  serviceAddress: ServiceAddress | undefined;
  uplinkMac: MacAddress | undefined;
  workloadMac: MacAddress | undefined;
  workloads: WorkloadPlan[] | undefined;
}

const PEER_FLAGS = ['tunnel', 'tunnels-file', 'config'] as const;
const MAX_TUNNELS_HIGHEST = FLAGS.find(({ name }) => name === 'max-tunnels')!.range![1];

export class GatewayReader {
  constructor(
    private readonly books: AddressBooks,
    private readonly workloads: Names<KnownWorkload>,
    private readonly flagReader: FlagReader,
    private readonly segmentOf: (node: string) => string,
    private readonly fromFile: (path: string) => string,
  ) {}

  /** Plans of the gateways, insiders and externals, by name; incomplete where problems were noted. */
  read(nodes: readonly ExpandedNode[]): {
    readonly gateways: Map<string, GatewayPlan>;
    readonly insiders: Map<string, InsiderPlan>;
    readonly externals: Map<string, ExternalPlan>;
  } {
    const expanded = nodes
      .filter(({ parsed }) => parsed.kind === 'gateway')
      .map((node, index) => this.#draft(node, index));
    // Given addresses are taken before any are generated.
    for (const draft of expanded) this.#given(draft);
    const insiderReader = new InsiderReader(this.books, expanded.length);
    insiderReader.given(nodes);
    const externals = readExternals(nodes, this.books, this.fromFile);
    for (const draft of expanded) this.#generate(draft);
    const insiders = insiderReader.generate();
    for (const draft of expanded) this.#register(draft);
    const peers = expanded.map(
      ({ serviceAddress, workloads }): PeerOptions => ({
        serviceAddress: serviceAddress!,
        virtualIps: workloads!.flatMap(({ addresses }) => addresses),
      }),
    );
    for (const { serviceAddress, addresses } of insiders.values())
      peers.push({ serviceAddress, virtualIps: addresses });
    for (const external of externals.values()) {
      peers.push(peerOf(external));
      this.#registerExternal(external, nodes);
    }
    const everywhere = countFamilies(peers.flatMap(({ virtualIps }) => virtualIps));
    return {
      gateways: new Map(expanded.map((draft) => [draft.node.name, this.#plan(draft, peers, everywhere)])),
      insiders,
      externals,
    };
  }

  #registerExternal({ name, workloads }: ExternalPlan, nodes: readonly ExpandedNode[]): void {
    for (const plan of workloads) {
      const other = this.workloads.get(plan.name);
      if (other !== undefined)
        nodes
          .find((node) => node.name === name)!
          .place.at('workloads', plan.name)
          .problem(`there is a workload ${plan.name} behind ${other.gateway} already`);
      const families = FAMILIES.filter((family) => plan.addresses.some((ip) => ipFamily(ip) === family));
      this.workloads.add(plan.name, { plan, gateway: name, families, segment: undefined });
    }
  }

  #draft(node: ExpandedNode, index: number): Draft {
    const flags = mergeFlags(node.flags);
    const dialect = flags.places.get('peer-dialect');
    if (dialect !== undefined && !hasOwnPeers(flags.texts)) {
      dialect.problem(`is for gateways with peers of their own (${PEER_FLAGS.join(', ')})`);
    }
    const parsed = node.parsed as ParsedGateway;
    const device = readDevice(parsed, node.place);
    return {
      node,
      parsed,
      index,
      flags,
      device,
      base: this.flagReader.options(
        device === undefined ? flags : withFlags(flags, device.flags),
        node.place,
      ),
      underlay: {},
      underlayRead: true,
      serviceAddress: undefined,
      uplinkMac: undefined,
      workloadMac: undefined,
      workloads: undefined,
    };
  }

  #given(draft: Draft): void {
    const { parsed, node } = draft;
    const { name, place } = node;
    const { underlay, isRead } = claimUnderlay(this.books, parsed.underlay, name, place);
    draft.underlay = underlay;
    draft.underlayRead = isRead;
    if (parsed.oob !== undefined)
      draft.serviceAddress = readServiceAddress(this.books.oob, parsed.oob, name, place.at('oob'));
    if (parsed.mac !== undefined) draft.uplinkMac = this.books.mac.claim(parsed.mac, name, place.at('mac'));
    if (parsed['workload-mac'] !== undefined) {
      draft.workloadMac = this.books.mac.claim(
        parsed['workload-mac'],
        `the workloads of ${name}`,
        place.at('workload-mac'),
      );
    }
    if (parsed.workloads !== undefined) {
      draft.workloads = Object.entries(parsed.workloads).map(([workload, value]): WorkloadPlan => {
        const at = place.at('workloads', workload);
        const isList = Array.isArray(value);
        const map = isList ? undefined : (value as Exclude<typeof value, readonly string[]>);
        const { addresses, present = true } = map ?? { addresses: value as readonly string[] };
        const host = map === undefined ? undefined : readHost(map, at);
        const listPlace = isList ? at : at.at('addresses');
        const claimed = itemsOf(addresses).flatMap(([i, text]) => {
          const ip = this.books.workload.claim(text, workload, listPlace.at(i));
          if (ip !== undefined) checkFamily(ip, draft, listPlace.at(i));
          return ip ?? [];
        });
        return { name: workload, addresses: claimed, present, ...(host === undefined ? {} : { host }) };
      });
      checkHosts(draft.workloads, { macGiven: draft.workloadMac !== undefined, place });
    }
  }

  #generate(draft: Draft): void {
    const { node, index, parsed, base } = draft;
    const { name } = node;
    const outerFamily = base?.outerFamily ?? 6;
    const key = `ipv${outerFamily}` as const;
    if (parsed.underlay === undefined) {
      const families: IpFamily[] = outerFamily === 4 ? [4, 6] : [6];
      for (const family of families) {
        draft.underlay[`ipv${family}`] = this.books.underlay.generate(
          name,
          index,
          GENERATED.underlay[family],
        );
      }
    } else if (base !== undefined && draft.underlayRead && draft.underlay[key] === undefined) {
      node.place
        .at('underlay')
        .problem(`has no IPv${outerFamily} address, and the flag outer-ip-type is ipv${outerFamily}`);
    }
    draft.serviceAddress ??= {
      host: this.books.oob.generate(name, index, GENERATED.oob),
      port: DEFAULT_SERVICE_PORT,
    };
    draft.uplinkMac ??= this.books.mac.generate(name, index, GENERATED.uplinkMac);
    draft.workloadMac ??= this.books.mac.generate(`the workloads of ${name}`, index, GENERATED.workloadMac);
    draft.workloads ??= Array.from({ length: node.generatedWorkloads }, (_, i): WorkloadPlan => {
      const workload = `${name}-v${i + 1}`;
      const number = index * node.generatedWorkloads + i;
      const addresses = (base?.innerFamilies ?? ([4, 6] as const)).map((family) =>
        this.books.workload.generate(workload, number, GENERATED.workload[family]),
      );
      return { name: workload, addresses, present: true };
    });
  }

  #register(draft: Draft): void {
    const families = draft.base?.innerFamilies ?? [4, 6];
    for (const plan of draft.workloads!) {
      const other = this.workloads.get(plan.name);
      if (other === undefined) {
        this.workloads.add(plan.name, {
          plan,
          gateway: draft.node.name,
          families: families.filter((family) => plan.addresses.some((ip) => ipFamily(ip) === family)),
          segment: draft.base?.mode === 'transport' ? this.segmentOf(draft.node.name) : undefined,
        });
      } else {
        draft.node.place
          .at('workloads', plan.name)
          .problem(`there is a workload ${plan.name} behind ${other.gateway} already`);
      }
    }
  }

  #plan(draft: Draft, peers: readonly PeerOptions[], everywhere: FamilyCounts): GatewayPlan {
    const { node, base, index } = draft;
    const workloads = draft.workloads!;
    const localVirtualIps = workloads.flatMap(({ addresses }) => addresses);
    const flags = { ...draft.flags.texts };
    const first = localVirtualIps[0];
    if (node.staticTunnels && first !== undefined) flags['static-tunnels'] ??= first;
    const plan = {
      kind: 'gateway' as const,
      name: node.name,
      ...(draft.device === undefined ? {} : { doca: draft.device.plan }),
      flags,
      serviceAddress: draft.serviceAddress!,
      uplinkMac: draft.uplinkMac!,
      underlay: draft.underlay,
      workloadMac: draft.workloadMac!,
      workloads,
    };
    // Without options there are problems, and nobody gets the plan.
    if (base === undefined) return { options: {} as GatewayOptions, ...plan };
    if (hasOwnPeers(flags)) this.#checkOwnPeers(draft, base, localVirtualIps);
    const isGiven = draft.flags.texts['static-tunnels'] !== undefined;
    const staticTunnels = isGiven || !node.staticTunnels ? base.staticTunnels : first;
    const maxTunnels = this.#maxTunnels(draft, base, localVirtualIps, staticTunnels, everywhere);
    return {
      // A spread in front would give every gateway's options a hidden class of their own (docs/bench.md).
      options: Object.assign({}, base, {
        serviceAddress: plan.serviceAddress,
        // Callers prove their names in a run: in memory to the network, in real time with certificates.
        insecure: false,
        localVirtualIps,
        peers: hasOwnPeers(flags) ? base.peers : peers.filter((_, i) => i !== index),
        maxTunnels,
        ...(staticTunnels === undefined ? {} : { staticTunnels }),
      }),
      ...plan,
    };
  }

  /** Peers that the flags name are none of the gateway's own addresses. */
  #checkOwnPeers(
    { node, serviceAddress, flags }: Draft,
    { peers }: GatewayOptions,
    own: readonly IpAddress[],
  ): void {
    const place = flags.places.get(PEER_FLAGS.find((name) => flags.texts[name] !== undefined)!) ?? node.place;
    for (const peer of peers) {
      const key = serviceText(peer.serviceAddress);
      if (key === serviceText(serviceAddress!))
        place.problem(`${key} is where ${node.name} serves itself; leave it out`);
      for (const ip of own) {
        if (peer.virtualIps.includes(ip))
          place.problem(`${ip} is an address of a workload of ${node.name}, and no peer's; leave it out`);
      }
    }
  }

  /** The given number, or as many as all pairs of addresses need; static tunnels have to fit. */
  #maxTunnels(
    { node, flags }: Draft,
    base: GatewayOptions,
    localVirtualIps: readonly IpAddress[],
    staticTunnels: GatewayOptions['staticTunnels'],
    everywhere: FamilyCounts,
  ): number {
    const own = countFamilies(localVirtualIps);
    const staticPlace = flags.places.get('static-tunnels');
    const isOneAddress = staticTunnels !== undefined && staticTunnels !== 'all';
    if (staticPlace !== undefined && isOneAddress && !localVirtualIps.includes(staticTunnels)) {
      staticPlace.problem(`${staticTunnels} is no address of a workload of ${node.name}`);
    }
    const maxPlace = flags.places.get('max-tunnels');
    if (maxPlace === undefined) {
      const sessions = base.innerFamilies
        .map((family) => own[family] * (everywhere[family] - own[family]))
        .reduce((sum, count) => sum + count, 0);
      const listed = Math.min(countPairs(base.peers, localVirtualIps), TUNNELS_LISTED_MAX);
      const wanted = hasOwnPeers(flags.texts) ? listed : sessions;
      return Math.min(Math.max(base.maxTunnels, wanted), MAX_TUNNELS_HIGHEST);
    }
    const tooMany = staticTunnelsProblem(
      staticTunnels === undefined ? base : { ...base, staticTunnels },
      localVirtualIps,
    );
    if (tooMany !== undefined && staticTunnelsProblem(base, []) === undefined) maxPlace.problem(tooMany);
    if (staticTunnels !== undefined && !hasOwnPeers(flags.texts)) {
      const from = staticTunnels === 'all' ? own : countFamilies([staticTunnels]);
      const wanted = FAMILIES.map((family) => from[family] * (everywhere[family] - own[family]));
      const sum = wanted[0]! + wanted[1]!;
      if (sum > base.maxTunnels) {
        maxPlace.problem(`${node.name} makes ${sum} static tunnels, ${base.maxTunnels} are allowed`);
      }
    }
    return base.maxTunnels;
  }
}

/** Flags of two sources, none of which is of both. */
function withFlags(one: GivenFlags, other: GivenFlags): GivenFlags {
  return {
    texts: { ...one.texts, ...other.texts },
    places: new Map([...one.places, ...other.places]),
    incomplete: one.incomplete || other.incomplete,
  };
}

function hasOwnPeers(flags: Readonly<Record<string, string>>): boolean {
  return PEER_FLAGS.some((name) => flags[name] !== undefined);
}

const FAMILIES: readonly IpFamily[] = [4, 6];
type FamilyCounts = Readonly<Record<IpFamily, number>>;

function countFamilies(addresses: readonly IpAddress[]): FamilyCounts {
  const ipv4 = addresses.filter((ip) => ipFamily(ip) === 4).length;
  return { 4: ipv4, 6: addresses.length - ipv4 };
}

function checkFamily(ip: IpAddress, { base, node }: Draft, place: Place): void {
  if (base === undefined || base.innerFamilies.includes(ipFamily(ip))) return;
  const [carried] = base.innerFamilies;
  place.problem(
    `${ip} is IPv${ipFamily(ip)}, and ${node.name} carries IPv${carried} only; give it the flag "inner: both"`,
  );
}
