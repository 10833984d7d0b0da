/** Gateways: their addresses, their workloads, and the options that their gateway runs with. */
import { attempt, parseServiceAddress } from '../../gateway/config/addresses.js';
import { FLAGS } from '../../gateway/config/flags.js';
import type { GatewayOptions, PeerOptions } from '../../gateway/options.js';
import { DEFAULT_SERVICE_PORT, type ServiceAddress } from '../../gateway/transport.js';
import { type IpAddress, type IpFamily, ipFamily, type MacAddress } from '../../packet/address.js';
import type { GatewayPlan, WorkloadPlan } from '../model.js';
import { type AddressBooks, GENERATED } from './addresses.js';
import type { NodeDraft } from './drafts.js';
import type { GatewayForm } from './form.js';
import { type FlagReader, type GivenFlags, mergeFlags } from './gateway-flags.js';
import type { Names } from './names.js';
import { itemsOf } from './shape.js';
import type { Place } from './source.js';

/** A workload and where it is. */
export interface KnownWorkload {
  readonly plan: WorkloadPlan;
  readonly gateway: string;
  /** Families that the gateway carries for it. */
  readonly families: readonly IpFamily[];
  /** In transport mode: on which segment it resolves addresses. */
  readonly segment: string | undefined;
}

/** A gateway while it is being read. */
interface Draft {
  readonly node: NodeDraft;
  readonly form: GatewayForm;
  /** Its number among the gateways, from 0. */
  readonly index: number;
  readonly flags: GivenFlags;
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
  ) {}

  /** Plans of the gateways, by name; incomplete where problems were noted. */
  read(nodes: readonly NodeDraft[]): Map<string, GatewayPlan> {
    const drafts = nodes
      .filter(({ form }) => form.kind === 'gateway')
      .map((node, index) => this.#draft(node, index));
    // What is given is given before anything is made up.
    for (const draft of drafts) this.#given(draft);
    for (const draft of drafts) this.#generate(draft);
    for (const draft of drafts) this.#register(draft);
    const peers = drafts.map(
      ({ serviceAddress, workloads }): PeerOptions => ({
        serviceAddress: serviceAddress!,
        virtualIps: workloads!.flatMap(({ addresses }) => addresses),
      }),
    );
    const everywhere = countFamilies(peers.flatMap(({ virtualIps }) => virtualIps));
    return new Map(drafts.map((draft) => [draft.node.name, this.#plan(draft, peers, everywhere)]));
  }

  #draft(node: NodeDraft, index: number): Draft {
    const flags = mergeFlags(node.flags);
    const dialect = flags.places.get('peer-dialect');
    if (dialect !== undefined && !hasOwnPeers(flags.texts)) {
      dialect.problem(`is for gateways with peers of their own (${PEER_FLAGS.join(', ')})`);
    }
    return {
      node,
      form: node.form as GatewayForm,
      index,
      flags,
      base: this.flagReader.options(flags, node.place),
      underlay: {},
      underlayRead: true,
      serviceAddress: undefined,
      uplinkMac: undefined,
      workloadMac: undefined,
      workloads: undefined,
    };
  }

  #given(draft: Draft): void {
    const { form, node } = draft;
    const { name, place } = node;
    for (const [i, text] of itemsOf(form.underlay)) {
      const at = place.at('underlay', i);
      const ip = this.books.underlay.claim(text, name, at);
      if (ip === undefined) {
        draft.underlayRead = false;
        continue;
      }
      const key = ipFamily(ip) === 4 ? 'ipv4' : 'ipv6';
      if (draft.underlay[key] !== undefined) at.problem(`${name} has an IPv${ipFamily(ip)} address already`);
      draft.underlay[key] = ip;
    }
    if (form.oob !== undefined) draft.serviceAddress = this.#serviceAddress(form.oob, name, place.at('oob'));
    if (form.mac !== undefined) draft.uplinkMac = this.books.mac.claim(form.mac, name, place.at('mac'));
    if (form['workload-mac'] !== undefined) {
      draft.workloadMac = this.books.mac.claim(
        form['workload-mac'],
        `the workloads of ${name}`,
        place.at('workload-mac'),
      );
    }
    if (form.workloads !== undefined) {
      draft.workloads = Object.entries(form.workloads).map(([workload, value]): WorkloadPlan => {
        const at = place.at('workloads', workload);
        const isList = Array.isArray(value);
        const { addresses, present = true } = isList
          ? { addresses: value as readonly string[] }
          : (value as Exclude<typeof value, readonly string[]>);
        const listPlace = isList ? at : at.at('addresses');
        const claimed = itemsOf(addresses).flatMap(([i, text]) => {
          const ip = this.books.workload.claim(text, workload, listPlace.at(i));
          if (ip !== undefined) checkFamily(ip, draft, listPlace.at(i));
          return ip ?? [];
        });
        return { name: workload, addresses: claimed, present };
      });
    }
  }

  #serviceAddress(text: string, name: string, place: Place): ServiceAddress | undefined {
    const parsed = attempt(() => parseServiceAddress(text));
    if ('reason' in parsed) {
      place.problem(parsed.reason);
      return undefined;
    }
    const host = this.books.oob.claim(parsed.value.host, name, place);
    return host === undefined ? undefined : parsed.value;
  }

  #generate(draft: Draft): void {
    const { node, index, form, base } = draft;
    const { name } = node;
    const outerFamily = base?.outerFamily ?? 6;
    const key = `ipv${outerFamily}` as const;
    if (form.underlay === undefined) {
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
      flags,
      serviceAddress: draft.serviceAddress!,
      uplinkMac: draft.uplinkMac!,
      underlay: draft.underlay,
      workloadMac: draft.workloadMac!,
      workloads,
    };
    // Without options there are problems, and nobody gets the plan.
    if (base === undefined) return { options: {} as GatewayOptions, ...plan };
    const staticTunnels = base.staticTunnels ?? (flags['static-tunnels'] as IpAddress | undefined);
    const maxTunnels = this.#maxTunnels(draft, base, localVirtualIps, staticTunnels, everywhere);
    return {
      // A spread in front would give every gateway's options a hidden class of their own (docs/bench.md).
      options: Object.assign({}, base, {
        serviceAddress: plan.serviceAddress,
        localVirtualIps,
        peers: hasOwnPeers(flags) ? base.peers : peers.filter((_, i) => i !== index),
        maxTunnels,
        ...(staticTunnels === undefined ? {} : { staticTunnels }),
      }),
      ...plan,
    };
  }

  /** As given, or what every pair of addresses needs; static tunnels have to fit. */
  #maxTunnels(
    { node, flags }: Draft,
    base: GatewayOptions,
    localVirtualIps: readonly IpAddress[],
    staticTunnels: IpAddress | undefined,
    everywhere: FamilyCounts,
  ): number {
    const own = countFamilies(localVirtualIps);
    const staticPlace = flags.places.get('static-tunnels');
    if (staticPlace !== undefined && !localVirtualIps.includes(staticTunnels!)) {
      staticPlace.problem(`${staticTunnels} is no address of a workload of ${node.name}`);
    }
    const maxPlace = flags.places.get('max-tunnels');
    if (maxPlace === undefined) {
      const sessions = base.innerFamilies
        .map((family) => own[family] * (everywhere[family] - own[family]))
        .reduce((sum, count) => sum + count, 0);
      return Math.min(Math.max(base.maxTunnels, sessions), MAX_TUNNELS_HIGHEST);
    }
    if (staticTunnels !== undefined && !hasOwnPeers(flags.texts)) {
      const family = ipFamily(staticTunnels);
      const wanted = everywhere[family] - own[family];
      if (wanted > base.maxTunnels) {
        maxPlace.problem(`${node.name} makes ${wanted} static tunnels, ${base.maxTunnels} are allowed`);
      }
    }
    return base.maxTunnels;
  }
}

function hasOwnPeers(flags: Readonly<Record<string, string>>): boolean {
  return PEER_FLAGS.some((name) => flags[name] !== undefined);
}

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
