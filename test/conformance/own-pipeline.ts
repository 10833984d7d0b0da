/**
 * A pipeline that the conformance tests have of their own, so that what a device must do is not what the gateway happens to
 * ask of it. Sampled means here that the CPU gets a copy of every packet that leaves; the two orders of sampling are the gateway's
 * and change nothing.
 */
import { type IpAddress, ipFamily, ipToOctets } from '../../src/packet/address.js';
import { ETHERNET_HEADER_OCTETS } from '../../src/packet/ethernet.js';
import type { PipelineUnderTest } from '../../src/verify/rig.js';
import {
  DECAP_ETHERNET_IPV4,
  DECAP_ETHERNET_IPV6,
  egressEntry,
  ingressEntry,
  pspProgram,
  tunnelHeader,
} from '../support/psp-program.js';

const COOKIE = Uint8Array.of(0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88);
const MACS_OCTETS = 12;

/** An address as an entry's match has it: a number for IPv4, octets for IPv6. */
function matchOf(address: IpAddress): number | Uint8Array {
  const octets = ipToOctets(address);
  return octets.length === 4 ? new DataView(octets.buffer, octets.byteOffset).getUint32(0) : octets;
}

export const ownPipeline: PipelineUnderTest = {
  name: 'a pipeline of their own',
  of(options) {
    const { mode, innerFamily: family } = options;
    const outer = options.outerFamily === 4 ? 'ipv4' : 'ipv6';
    const side = mode === 'tunnel' ? 'inner' : 'outer';
    return {
      program: pspProgram({
        mode,
        outer,
        cookie: options.cookies,
        ingressAcl: options.ingressAcl,
        matchDestination: true,
        sample: options.sampleRateLog2 > 0,
        sizeEntries: 64,
      }),
      decapMacs: (of) => (of === 4 ? DECAP_ETHERNET_IPV4 : DECAP_ETHERNET_IPV6).subarray(0, MACS_OCTETS),
      encapHeader(spi) {
        const header = tunnelHeader({
          outer,
          innerFamily: family,
          version: options.version,
          spi,
          cryptOffsetWords: options.cryptOffsetWords,
          ...(options.cookies ? { cookie: COOKIE } : {}),
        });
        const ipOctets = outer === 'ipv4' ? 20 : 40;
        return mode === 'tunnel' ? header : header.slice(ETHERNET_HEADER_OCTETS + ipOctets);
      },
      localVip: (vip) =>
        options.ingressAcl
          ? [
              {
                operation: 'add',
                pipe: `INGR_DST_V${ipFamily(vip)}`,
                entry: { match: { [`${side}.ip${ipFamily(vip)}.dst_ip`]: matchOf(vip) } },
              },
            ]
          : [],
      egress: ({ remoteVip, encapHeader, cryptoId }) => ({
        header: {
          operation: 'add',
          pipe: `EGR_ACL_V${family}`,
          entry: egressEntry(family, matchOf(remoteVip), encapHeader, cryptoId),
        },
        more: [],
      }),
      egressValues: (encapHeader, cryptoId) => ({ encapHeader, cryptoId }),
      ingress({ spi, remoteVip }) {
        const of = ipFamily(remoteVip);
        const entry = ingressEntry(of, spi, matchOf(remoteVip), side);
        return { operation: 'add', pipe: `INGR_ACL_V${of}`, entry };
      },
    };
  },
};
