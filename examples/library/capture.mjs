// Reads a capture, of any kind that Wireshark writes, and makes a pcap of its first ten frames in memory.
import { fileURLToPath } from 'node:url';
import { captureOctets, ethernetFrameOf, pcapHeader, pcapRecord, readCapture } from 'psp-gateway/capture';
import { describeFrame, summarize } from 'psp-gateway/packet';

const path = process.argv[2] ?? fileURLToPath(new URL('../traffic/v1-v2.pcap', import.meta.url));
const written = [pcapHeader()];
let frames = 0;
let octets = 0;
for await (const record of readCapture(captureOctets(path))) {
  frames++;
  octets += record.originalOctets;
  const frame = ethernetFrameOf(record);
  if (frame === undefined || written.length > 10) continue;
  console.log(summarize(describeFrame(frame)));
  written.push(pcapRecord(record.timestampNs, frame, record.originalOctets));
}
console.log(`${frames} frames, ${octets} octets; the first ten are a pcap of ${Buffer.concat(written).length} octets`);
