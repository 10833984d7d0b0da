/** What PSP adds to a packet, and what of the underlay's MTU it leaves to the workload. */
import type { IpFamily } from '../../packet/address.js';
import { IPV6_MINIMUM_MTU_OCTETS } from '../../packet/ipv6.js';
import { type PipelineOptions, sentExtension } from './pipeline-options.js';

const OUTER_HEADER_OCTETS: Readonly<Record<IpFamily, number>> = { 4: 20, 6: 40 };
const UDP_PSP_ICV_OCTETS = 8 + 16 + 16;
const COOKIE_OCTETS = 8;

/** What of the options decides what PSP adds. */
type OfEnvelope = Pick<PipelineOptions, 'mode' | 'outerFamily' | 'cookies' | 'extensionWords'>;

/** Octets that PSP adds to an IP packet. */
export function overheadOctets(options: OfEnvelope): number {
  const outer = options.mode === 'tunnel' ? OUTER_HEADER_OCTETS[options.outerFamily] : 0;
  return outer + UDP_PSP_ICV_OCTETS + (options.cookies ? COOKIE_OCTETS : 0) + sentExtension(options).length;
}

/** Largest IP packet of a workload that fits the underlay once it is encapsulated. */
export function innerMtuOctets(options: OfEnvelope & Pick<PipelineOptions, 'underlayMtuOctets'>): number {
  return options.underlayMtuOctets - overheadOctets(options);
}

/** Why the underlay's packets are too small for what the workload must be able to send; undefined: they are not. */
export function underlayMtuProblem(
  options: OfEnvelope & Pick<PipelineOptions, 'underlayMtuOctets' | 'innerFamilies'>,
): string | undefined {
  const octets = innerMtuOctets(options);
  if (!options.innerFamilies.includes(6) || octets >= IPV6_MINIMUM_MTU_OCTETS) return undefined;
  const { underlayMtuOctets } = options;
  const needed = IPV6_MINIMUM_MTU_OCTETS + overheadOctets(options);
  return `an MTU of ${underlayMtuOctets} leaves ${octets} octets for the workload's packets, and IPv6 needs ${IPV6_MINIMUM_MTU_OCTETS} (RFC 8200, section 5); make it ${needed}, or carry IPv4 only (--inner=ipv4)`;
}
