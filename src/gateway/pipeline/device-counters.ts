/**
 * What a device has counted, read in two calls: its own counters, and those of the gateway's pipes. Where a device cannot count what the
 * PSP specification asks for, as DOCA cannot, the pipes' counters are summed instead.
 */
import type { Counter, CounterSelector, PipeHal, PspStatistics } from '../../hal/hal.js';
import type { Pipe } from '../../hal/program.js';
import type { IpFamily } from '../../packet/address.js';
import { ETHERNET_HEADER_OCTETS } from '../../packet/ethernet.js';
import { IP_HEADER_OCTETS } from '../../packet/ip.js';
import { UDP_HEADER_OCTETS } from '../../packet/udp.js';
import { PSP_COOKIE_OCTETS, PSP_HEADER_OCTETS, PSP_ICV_OCTETS } from '../../psp/header.js';
import { EXTENSION_PIPE, WITHOUT_WORDS } from './ingress-pipes.js';
import { buildPipeline } from './pipeline.js';
import { outerFamilies, type PipelineOptions, sentExtension } from './pipeline-options.js';

/** One pipe of the program. */
export interface PipeCounters {
  readonly pipe: string;
  /** What its entries have matched, entries that are gone among them. */
  readonly hits: Counter;
  /** What they have not; absent: the pipe does not count it. */
  readonly misses?: Counter;
  /** Entries that it always has, by label, where there are several. */
  readonly entries: readonly { readonly label: string; readonly hits: Counter }[];
}

/**
 * Packets that came as PSP and were not let in, by the syndrome of their decryption; authentic ones that no session lets in; and those
 * without the words of extension fields that are required.
 */
export interface NotLetIn {
  readonly icvFail: Counter;
  readonly badTrailer: Counter;
  readonly notAllowed: Counter;
  readonly withoutWords: Counter;
}

export interface DeviceCounters {
  /** null: neither the device can tell, nor can it be summed. */
  readonly psp: PspStatistics;
  readonly notLetIn: NotLetIn;
  /** In the order of the program. */
  readonly pipes: readonly PipeCounters[];
}

/** Reads a device that has built the pipeline of these options. Rejects with HalError. */
export async function readDeviceCounters(hal: PipeHal, options: PipelineOptions): Promise<DeviceCounters> {
  const own = await hal.statistics();
  const pipes = await readPipes(hal, buildPipeline(options).pipes);
  return { psp: { ...own, ...summed(own, pipes, options) }, notLetIn: notLetIn(pipes), pipes };
}

/** Packets that tunnels have let in and taken out so far. Rejects with HalError. */
export async function tunnelPackets(hal: PipeHal, options: PipelineOptions): Promise<bigint> {
  const { psp, notLetIn: refused } = await readDeviceCounters(hal, options);
  return psp.rxPackets! - refused.notAllowed.packets - refused.withoutWords.packets + psp.txPackets!;
}

/** Authenticated packets so far that lacked the words that peers must send. Rejects with HalError. */
export async function packetsWithoutWords(
  hal: Pick<PipeHal, 'counters'>,
  { extensionRequired }: Pick<PipelineOptions, 'extensionRequired'>,
): Promise<number> {
  if (extensionRequired === undefined) return 0;
  const [counter] = await hal.counters([{ pipe: EXTENSION_PIPE, label: WITHOUT_WORDS }]);
  return Number(counter!.packets);
}

async function readPipes(hal: PipeHal, program: readonly Pipe[]): Promise<PipeCounters[]> {
  const selectors: CounterSelector[] = [];
  /** Gives the place of a counter among those that are read together. */
  const read = (selector: CounterSelector) => selectors.push(selector) - 1;
  const places = program.map(({ name: pipe, entries = [], missCounter }) => ({
    pipe,
    hits: read({ pipe, total: true }),
    misses: missCounter === true ? read({ pipe, miss: true }) : undefined,
    entries:
      entries.length < 2
        ? []
        : entries.map(({ label }) => ({ label: label!, hits: read({ pipe, label: label! }) })),
  }));
  const counters = await hal.counters(selectors);
  return places.map(({ pipe, hits, misses, entries }) => ({
    pipe,
    hits: counters[hits]!,
    ...(misses === undefined ? {} : { misses: counters[misses]! }),
    entries: entries.map(({ label, hits: at }) => ({ label, hits: counters[at]! })),
  }));
}

function notLetIn(pipes: readonly PipeCounters[]): NotLetIn {
  const found = (pipe: string) => pipes.find((one) => one.pipe === pipe);
  const hitsOf = (pipe: string, label: string) =>
    found(pipe)?.entries.find((entry) => entry.label === label)?.hits;
  return {
    icvFail: hitsOf('SYNDROME_STATS', 'icv-fail')!,
    badTrailer: hitsOf('SYNDROME_STATS', 'bad-trailer')!,
    notAllowed: found('SYNDROME_STATS')!.misses!,
    // Without a pipe that looks for them, no packet lacks them.
    withoutWords: hitsOf(EXTENSION_PIPE, WITHOUT_WORDS) ?? { packets: 0n, octets: 0n },
  };
}

/** Between the outer IP header and the first octet after the IV, and behind the payload. */
const ENVELOPE_OCTETS = UDP_HEADER_OCTETS + PSP_HEADER_OCTETS + PSP_ICV_OCTETS;

type Summed = Omit<PspStatistics, 'keyRotations' | 'rssDropped' | 'portDropped' | 'kernelDropped'>;

/**
 * The specification's counters, each as the device tells it or, where it does not, from pipes that a packet passes once: what is let in
 * and what is not allowed, or lacks words, has been authenticated, and what has hit a session's way out is encrypted. A device that tells two
 * syndromes only counts whatever it could not open as an authentication failure, unless its trailer was cut off. Octets count from
 * the first one after the IV to the end of the payload: those of frames are reduced by headers without options or
 * extensions. Those that are not let in may be of two outer families, of which nobody tells them apart; then their octets do not count.
 */
function summed(own: PspStatistics, pipes: readonly PipeCounters[], options: PipelineOptions): Summed {
  const { mode, outerFamily, cookies } = options;
  const { length: extensionOctets } = sentExtension(options);
  const receivedHeaders = (outer: IpFamily) =>
    ETHERNET_HEADER_OCTETS + IP_HEADER_OCTETS[outer] + ENVELOPE_OCTETS;
  const letIn = sumOf(pipes, /^INGR_ACL_/, (family) =>
    receivedHeaders(mode === 'tunnel' ? outerFamily : family),
  );
  const { icvFail, badTrailer, notAllowed, withoutWords } = notLetIn(pipes);
  const [outer, ...others] = outerFamilies(options);
  const refused = {
    packets: notAllowed.packets + withoutWords.packets,
    octets: notAllowed.octets + withoutWords.octets,
  };
  const refusedOctets = others.length > 0 ? 0n : without(refused, receivedHeaders(outer!));
  const sent = sumOf(
    pipes,
    /^EGR_ACL_|^EGR_TRIAL$/,
    (family) =>
      ETHERNET_HEADER_OCTETS +
      (mode === 'transport' ? IP_HEADER_OCTETS[family] : 0) -
      (cookies ? PSP_COOKIE_OCTETS : 0) -
      extensionOctets,
  );
  return {
    rxPackets: own.rxPackets ?? letIn.packets + refused.packets,
    rxBytes: own.rxBytes ?? letIn.octets + refusedOctets,
    rxAuthFail: own.rxAuthFail ?? icvFail.packets,
    rxError: own.rxError ?? badTrailer.packets,
    rxBad: own.rxBad,
    txPackets: own.txPackets ?? sent.packets,
    txBytes: own.txBytes ?? sent.octets,
    txError: own.txError,
  };
}

/** Packets and octets of the pipes whose names match, with each packet shorter by `headerOctets`. */
function sumOf(
  pipes: readonly PipeCounters[],
  names: RegExp,
  headerOctets: (family: IpFamily) => number,
): Counter {
  const some = pipes.filter(({ pipe }) => names.test(pipe));
  return {
    packets: some.reduce((sum, { hits }) => sum + hits.packets, 0n),
    octets: some.reduce((sum, { pipe, hits }) => sum + without(hits, headerOctets(familyOf(pipe))), 0n),
  };
}

/** The family whose packets come to a pipe, by its name; 6 where they may be of both, which is in tunnel mode only. */
const familyOf = (pipe: string): IpFamily => (pipe.endsWith('_IPV4') ? 4 : 6);

const without = ({ packets, octets }: Counter, headerOctets: number): bigint =>
  octets - packets * BigInt(headerOctets);
