/** PSP's layer for the description of a frame (src/packet/describe.ts). */
import type { Layer } from '../packet/describe.js';
import {
  algorithmName,
  checkPspHeader,
  PSP_HEADER_OCTETS,
  PSP_ICV_OCTETS,
  PSP_UDP_PORT,
  type PspVersion,
  parsePspHeader,
  pspHeaderLengthOctets,
  spiText,
} from './header.js';

/** Of what is wrong with a header, as `pcap decrypt` has them. */
const WORDS = {
  error: 'lengths that contradict each other',
  bad: 'reserved version or impossible SPI',
} as const;

/** UdpDissector for PSP; what is behind the header is encrypted and only measured. */
export function dissectPsp(
  destinationPort: number,
  octets: Uint8Array,
  offset: number,
  end: number,
  captured = end,
): readonly Layer[] | undefined {
  if (destinationPort !== PSP_UDP_PORT) return undefined;
  const headerSeen =
    offset + PSP_HEADER_OCTETS <= captured && offset + pspHeaderLengthOctets(octets, offset) <= captured;
  if (end > captured && !headerSeen) {
    return [{ name: 'PSP', summary: 'header not captured', fields: [['problem', 'not captured']] }];
  }
  const problem = checkPspHeader(octets, offset, end);
  if (problem === 'truncated') {
    return [
      {
        name: 'PSP',
        summary: `malformed: ${end - offset} octets are too few`,
        fields: [['problem', problem]],
      },
    ];
  }
  if (problem !== undefined) {
    return [{ name: 'PSP', summary: `malformed: ${WORDS[problem]}`, fields: [['problem', problem]] }];
  }
  const header = parsePspHeader(octets, offset);
  const spi = spiText(header.spi);
  const payloadOctets = end - PSP_ICV_OCTETS - offset - pspHeaderLengthOctets(octets, offset);
  const icv =
    end > captured ? 'not captured' : Buffer.from(octets.subarray(end - PSP_ICV_OCTETS, end)).toString('hex');
  return [
    {
      name: 'PSP',
      summary: `SPI ${spi} IV ${header.iv} version ${header.version}, ${payloadOctets} octets`,
      fields: [
        ['nextHeader', header.nextHeader],
        ['hdrExtLen', octets[offset + 1]!],
        ['cryptOffset', header.cryptOffsetWords],
        ['sample', header.sample === true],
        ['drop', header.drop === true],
        ['version', `${header.version} (${algorithmName(header.version as PspVersion)})`],
        ['virtualizationCookie', header.cookie === undefined ? 'none' : `0x${header.cookie.toString(16)}`],
        ...(header.extension === undefined
          ? []
          : [['extension', Buffer.from(header.extension).toString('hex')] as const]),
        ['spi', spi],
        ['iv', String(header.iv)],
        ['payloadLength', payloadOctets],
        ['icv', icv],
      ],
    },
  ];
}
