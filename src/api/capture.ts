/**
 * Capture files: pcap and pcapng are read record by record, in both byte orders and resolutions, also compressed with gzip, and
 * written.
 *
 * @packageDocumentation
 */
export { captureOctets, STANDARD_STREAM } from '../packet/capture-stream.js';
export { type Captured, ethernetFrameOf } from '../packet/link-type.js';
export {
  CaptureError,
  type CaptureRecord,
  LINK_TYPE_ETHERNET,
  type PcapResolution,
  pcapHeader,
  pcapRecord,
  readCapture,
} from '../packet/pcap.js';
export { type PcapngPacket, PcapngWriter } from '../packet/pcapng.js';
