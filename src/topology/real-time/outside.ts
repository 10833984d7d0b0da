/** Interfaces of this machine at links' ends: whether they can be had, and opening them. */
import { systemClock } from '../../base/clock.js';
import { BUILD_COMMAND, NativePartError } from '../../hal/native-parts.js';
import { openPacketPort, PacketPortError } from '../../hal-sim/ports/packet-socket.js';
import { loadPortsAddon, type PortsAddon } from '../../hal-sim/ports/ports-addon.js';
import { openTapPort, TapPortError } from '../../hal-sim/ports/tap.js';
import type { OutsideSource } from '../file/outside.js';
import { TopologyFileError } from '../file/source.js';
import type { LinkPlan, OutsidePlan, Topology } from '../model.js';
import type { OpenOutside, OutsidePort } from '../nodes/outside-end.js';

type LoadAddon = () => Pick<PortsAddon, 'Tap'> & Partial<Pick<PortsAddon, 'PacketSocket'>>;
type OnState = (trouble: string | undefined) => void;
type OutsideLink = LinkPlan & { readonly outside: OutsidePlan };

/** Notes at their places which interfaces cannot be had, and why. They are left closed. */
export async function lookAtOutside(
  { links }: Pick<Topology, 'links'>,
  sources: readonly OutsideSource[],
  load: LoadAddon = loadPortsAddon,
): Promise<void> {
  for (const link of outsideLinks(links)) {
    try {
      await openOne(link, load, () => {}).close();
    } catch (error) {
      sources.find(({ name }) => name === link.name)?.place.problem(reasonOf(error));
    }
  }
}

/** Opens all of them, by the names of their links; the first call of each has its port. Throws TopologyFileError with all problems. */
export async function openOutside(
  { links }: Pick<Topology, 'links'>,
  load: LoadAddon = loadPortsAddon,
): Promise<ReadonlyMap<string, OpenOutside>> {
  const opened = new Map<string, OpenOutside>();
  const ports: OutsidePort[] = [];
  const problems: string[] = [];
  for (const link of outsideLinks(links)) {
    let hear: OnState = () => {};
    try {
      const port = openOne(link, load, (trouble) => hear(trouble));
      ports.push(port);
      opened.set(link.name, (onState) => {
        hear = onState;
        return port;
      });
    } catch (error) {
      problems.push(`link "${link.name}": ${reasonOf(error)}`);
    }
  }
  if (problems.length > 0) {
    for (const port of ports) await port.close();
    throw new TopologyFileError(problems);
  }
  return opened;
}

function outsideLinks(links: readonly LinkPlan[]): OutsideLink[] {
  return links.filter((link): link is OutsideLink => link.outside !== undefined);
}

function openOne(
  { outside, endpoints, mtuOctets }: OutsideLink,
  load: LoadAddon,
  onState: OnState,
): OutsidePort {
  const name = endpoints[outside.end].port;
  const mac = outside.mac === undefined ? {} : { mac: outside.mac };
  if (outside.kind === 'tap') return tapEnd(openTapPort({ addon: load(), name, mtuOctets, ...mac }), onState);
  const { PacketSocket } = load();
  // What an earlier version has built is loaded all the same, since its TAP interfaces are as good.
  if (PacketSocket === undefined)
    throw new NativePartError(`the native ports are those of an earlier version: ${BUILD_COMMAND}`);
  const port = openPacketPort({
    addon: { PacketSocket },
    clock: systemClock,
    name,
    mtuOctets,
    promiscuous: outside.promiscuous,
    onState,
    ...mac,
  });
  const { interfaceMtuOctets } = port;
  if (interfaceMtuOctets >= mtuOctets) return port;
  void port.close();
  throw new PacketPortError(
    `${name}: its MTU is ${interfaceMtuOctets}, the link's ${mtuOctets}; ip link set dev ${name} mtu ${mtuOctets}, or write mtu: ${interfaceMtuOctets}`,
  );
}

function tapEnd(tap: ReturnType<typeof openTapPort>, onState: OnState): OutsidePort {
  void tap.done.catch(() => onState('it was removed'));
  return {
    name: tap.name,
    mtuOctets: tap.mtuOctets,
    send: (frames) => tap.send(frames),
    start: (receive) => tap.start(receive),
    close: () => tap.close(),
    get counters() {
      return { ...tap.counters, kernelDropped: 0, tooBig: 0, notUnderstood: 0, queueFull: 0 };
    },
  };
}

function reasonOf(error: unknown): string {
  if (error instanceof NativePartError) return error.reason;
  if (error instanceof PacketPortError || error instanceof TapPortError) return error.message;
  throw error;
}
