/** What the program of a gateway follows from. */
import type { IpFamily } from '../../packet/address.js';
import { extensionFields } from '../../psp/extension.js';
import type { GatewayOptions } from '../options.js';

export interface PipelineOptions
  extends Pick<
    GatewayOptions,
    | 'mode'
    | 'outerFamily'
    | 'innerFamilies'
    | 'cookies'
    | 'extensionWords'
    | 'extensionRequired'
    | 'ingressAcl'
    | 'sampleRateLog2'
    | 'maintainOrder'
    | 'sampleBeforeEncryption'
    | 'maxTunnels'
    | 'confirmUnderlay'
  > {
  /** Largest IP packet of the uplink. */
  readonly underlayMtuOctets: number;
  /** Destination and source MAC, and nothing else, of packets decapsulated with the ingress ACL off; 12 octets. */
  readonly decapMacs: Uint8Array;
}

/** What stands in the PSP headers of packets that we send behind the IV, or the cookie; of the same length in all of them. */
export function sentExtension({
  cookies,
  extensionWords = [],
}: Pick<PipelineOptions, 'cookies' | 'extensionWords'>): Uint8Array {
  return extensionFields(extensionWords, cookies);
}

/** Families of the packets that carry PSP. */
export function outerFamilies(
  options: Pick<PipelineOptions, 'mode' | 'outerFamily' | 'innerFamilies'>,
): readonly IpFamily[] {
  return options.mode === 'tunnel' ? [options.outerFamily] : options.innerFamilies;
}

/** Whether packets for addresses that peers have not proved wait; in transport mode there are no such addresses. */
export function holdsUnproved(options: Pick<PipelineOptions, 'mode' | 'confirmUnderlay'>): boolean {
  return options.confirmUnderlay && options.mode === 'tunnel';
}
