/**
 * What would become of a packet, and why: pipe by pipe from the device's books (`lookup` of PipeHal), and then what the gateway knows of
 * the addresses, the session and the peer. Nothing is sent, asked for or counted by it.
 */
import type { Clock } from '../../base/clock.js';
import { SYNDROME_OK } from '../../hal/fields.js';
import type { PipeHal } from '../../hal/hal.js';
import { frameInEnvelope } from '../../hal/lookup/envelope.js';
import type { LookupPath } from '../../hal/lookup/lookup.js';
import { UPLINK_PORT, VF_PORT } from '../../hal/program.js';
import { type IpAddress, ipFamily, ipToOctets, type MacAddress, macToOctets } from '../../packet/address.js';
import { sharedBits } from '../../packet/prefix.js';
import { extensionFields } from '../../psp/extension.js';
import { spiText } from '../../psp/header.js';
import { type Vip, vipFamily, vipText } from '../directory.js';
import { DRAINS, type DrainState } from '../drain-state.js';
import type { GatewayOptions } from '../options.js';
import type { Peer, Peers } from '../peers.js';
import { buildEncapHeader } from '../pipeline/encap-header.js';
import { netTypeOf } from '../pipeline/pipe-parts.js';
import { seconds } from '../seconds.js';
import { type IngressSpi, isNew, isReadable, type Session } from '../sessions/session.js';
import { countersOfSessions } from '../sessions/session-counters.js';
import type { SessionInstaller } from '../sessions/session-installer.js';
import type { UnderlayPolicy } from '../underlay/underlay-policy.js';
import type { Direction, PacketQuestion } from './packet-question.js';
import { type ExplainedStep, stepsOf, verdictOf } from './path-words.js';
import { frameOf } from './question-frame.js';

export interface Explanation {
  readonly direction: Direction;
  /** What becomes of the packet, on one line. */
  readonly verdict: string;
  /** What the gateway knows of it besides, a line each: addresses, peer, session. */
  readonly facts: readonly string[];
  readonly steps: readonly ExplainedStep[];
}

type Answer = Omit<Explanation, 'direction'>;

export interface ExplainerDeps {
  readonly hal: PipeHal;
  readonly clock: Clock;
  readonly options: GatewayOptions;
  readonly peers: Peers;
  readonly drain: Pick<DrainState, 'isDraining'>;
  readonly installer: Pick<SessionInstaller, 'sessions'>;
  readonly underlay: Pick<UnderlayPolicy, 'viewOf'>;
  readonly uplink: { readonly mac: MacAddress; readonly ip: IpAddress };
  readonly workloadMac: MacAddress;
}

export class Explainer {
  constructor(private readonly deps: ExplainerDeps) {}

  /** Rejects with HalError, BAD_STATE before the gateway has been started. */
  async explain(question: PacketQuestion): Promise<Explanation> {
    const { hal, clock, installer } = this.deps;
    const { localVips } = this.deps.peers;
    const { source, destination } = question;
    const isIn = !localVips.has(source) && localVips.has(destination);
    const direction = question.direction ?? (isIn ? 'in' : 'out');
    const isOut = direction === 'out';
    const [localVip, remoteVip] = isOut ? [source, destination] : [destination, source];
    const session = installer.sessions.get(localVip, remoteVip);
    // The read notes when the peer's packets were last let in.
    if (session !== undefined) await countersOfSessions(hal, clock, [session]);
    return { direction, ...(isOut ? this.#out(question, session) : this.#in(question, session)) };
  }

  #out(question: PacketQuestion, session: Session | undefined): Answer {
    const { hal, peers, uplink, workloadMac } = this.deps;
    const { source, destination } = question;
    const frame = frameOf(question, macToOctets(uplink.mac), macToOctets(workloadMac));
    const path = hal.lookup({ frame, port: VF_PORT });
    const facts: string[] = [];
    if (!peers.localVips.has(source)) facts.push(`${source} is no address of our workload`);
    const peer = peers.ownerOf(destination);
    if (peer === undefined) facts.push(`no peer owns ${destination}${this.#nearest(destination)}`);
    else facts.push(`${destination} belongs to peer ${peer.name}`, ...this.#peerFacts(peer));
    const drains = peer && this.#whoDrains(peer);
    if (drains !== undefined) facts.push(drains);
    if (session !== undefined) facts.push(...this.#sessionFacts(session));
    else if (peer !== undefined && peers.localVips.has(source))
      facts.push(
        this.#whoDrains(peer) === undefined
          ? 'there is no tunnel for this pair: its first packet has one asked for, and waits for it'
          : 'there is no tunnel for this pair, and none is made while that lasts',
      );
    const { verdict, ...rest } = answer(path, facts);
    return {
      verdict:
        path.end.end === 'rss'
          ? `${verdict}, ${this.#atGateway(source, peer, session === undefined || isNew(session))}`
          : verdict,
      ...rest,
    };
  }

  /** What the slow path does with a packet that has no egress route. */
  #atGateway(source: IpAddress, peer: Peer | undefined, isUnmade: boolean): string {
    if (peer === undefined) return 'which drops it: no peer owns the destination';
    if (!this.deps.peers.localVips.has(source)) return 'which drops it: the source is no address of ours';
    const drains = isUnmade ? this.#whoDrains(peer) : undefined;
    if (drains !== undefined) return `which drops it: ${drains}`;
    return `where it waits until peer ${peer.name} has given a tunnel`;
  }

  /** Why no new tunnel with a peer is made; undefined: it is. */
  #whoDrains(peer: Peer): string | undefined {
    const { drain, clock } = this.deps;
    if (drain.isDraining) return DRAINS;
    return peer.drainsAt(clock.nowMs()) ? `peer ${peer.name} drains, and makes no new tunnels` : undefined;
  }

  #in(question: PacketQuestion, session: Session | undefined): Answer {
    const { hal, peers } = this.deps;
    const { source, destination } = question;
    const facts: string[] = [];
    const peer = peers.ownerOf(source);
    if (peer === undefined) facts.push(`no peer owns ${source}${this.#nearest(source)}`);
    else facts.push(`${source} belongs to peer ${peer.name}`, ...this.#peerFacts(peer));
    if (!peers.localVips.has(destination)) facts.push(`${destination} is no address of our workload`);
    const ingress = session?.ingress.at(-1);
    if (session === undefined || ingress === undefined) {
      facts.push('no SPI has been given out for this pair: whatever comes for it is not let in');
      return { verdict: 'is not let in: there is no tunnel for this pair', facts, steps: [] };
    }
    facts.push(...this.#sessionFacts(session), `a packet under SPI ${spiText(ingress.spi)} is looked at`);
    const frame = this.#encrypted(question, session, ingress);
    return answer(hal.lookup({ frame, port: UPLINK_PORT, syndrome: SYNDROME_OK }), facts);
  }

  /** The frame that the peer would send us, with the words that it must have; readable, as lookup wants it. */
  #encrypted(question: PacketQuestion, session: Session, { spi, version, cookie }: IngressSpi): Uint8Array {
    const { options, uplink, workloadMac, underlay } = this.deps;
    const { mode, cookies, outerFamily, extensionRequired = [] } = options;
    const extension = extensionFields(extensionRequired, cookies);
    const { family } = session;
    const unspecified = (outerFamily === 4 ? '0.0.0.0' : '::') as IpAddress;
    const encapHeader = buildEncapHeader(
      {
        mac: uplink.mac,
        underlayIp: uplink.ip,
        pspVersion: version,
        spi,
        key: new Uint8Array(),
        cookie: cookie ?? 0n,
      },
      {
        mode,
        innerFamily: family,
        // The whole packet is readable in the frame that is looked up.
        cryptOffsetWords: 0,
        cookies,
        extension,
        sourceMac: uplink.mac,
        sourceIp: underlay.viewOf(session.peer)[0]?.address ?? unspecified,
      },
    );
    const inner = frameOf(question, macToOctets(workloadMac), macToOctets(uplink.mac));
    const outer = mode === 'tunnel' ? outerFamily : family;
    return frameInEnvelope(inner, {
      spi,
      encap: {
        netType: netTypeOf(mode, family),
        outer: outer === 4 ? 'ipv4' : 'ipv6',
        cookie: cookies,
        extensionOctets: extension.length,
      },
      encapHeader,
    });
  }

  /** Of all that peers own, what shares the most leading bits with an address. */
  #nearest(ip: IpAddress): string {
    const octets = ipToOctets(ip);
    let best: { readonly peer: Peer; readonly vip: Vip; readonly bits: number } | undefined;
    for (const peer of this.deps.peers.all) {
      for (const vip of [...peer.virtualIps, ...peer.virtualPrefixes]) {
        if (vipFamily(vip) !== ipFamily(ip)) continue;
        const bits = sharedBits(octets, typeof vip === 'string' ? ipToOctets(vip) : vip.octets);
        if (best === undefined || bits > best.bits) best = { peer, vip, bits };
      }
    }
    return best === undefined ? '' : `; nearest: peer ${best.peer.name} owns ${vipText(best.vip)}`;
  }

  #peerFacts(peer: Peer): string[] {
    const { name, silentSinceMs, silentReason, heardAtMs, receivedAtMs } = peer;
    if (silentSinceMs !== undefined)
      return [`peer ${name} does not answer, for ${this.#since(silentSinceMs)}: ${silentReason ?? '?'}`];
    return [
      Number.isFinite(heardAtMs)
        ? `peer ${name} was last heard of ${this.#since(heardAtMs)} ago`
        : `peer ${name} has not been heard of yet`,
      ...(receivedAtMs === undefined
        ? []
        : [`the last packets of peer ${name} were let in ${this.#since(receivedAtMs)} ago`]),
    ];
  }

  #sessionFacts(session: Session): string[] {
    const { state, egress, ingress, failures, retryAtMs, receivedAtS } = session;
    const spis = ingress.map(({ spi }) => spiText(spi)).join(', ') || 'none';
    const facts = [
      `the tunnel is ${state}: SPI out ${egress === undefined ? 'none' : spiText(egress.spi)}, SPIs in ${spis}`,
    ];
    if (isReadable(session))
      facts.push(
        'its packets are authenticated and not encrypted (AES-GMAC): who is on their way can read them',
      );
    if (egress?.held === true)
      facts.push('its packets wait until the peer has proved its underlay address (--confirm-underlay)');
    if (failures > 0) facts.push(`${failures} exchanges for it have failed in a row`);
    if (state === 'backing-off')
      facts.push(`it is asked for again in ${seconds(Math.max(0, retryAtMs - this.deps.clock.nowMs()))}`);
    facts.push(
      receivedAtS === 0
        ? 'no packet of the peer has been seen to be let in'
        : `packets of the peer were last seen to be let in ${this.#since(1000 * receivedAtS)} ago`,
    );
    return facts;
  }

  #since(atMs: number): string {
    return seconds(this.deps.clock.nowMs() - atMs);
  }
}

function answer(path: LookupPath, facts: readonly string[]): Answer {
  return { verdict: verdictOf(path), facts, steps: stepsOf(path) };
}
