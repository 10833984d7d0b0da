// A packet through PSP and back: the receiver gives out an SPI and its key, the sender encrypts, and the receiver finds the key
// again from the packet alone.
import { randomFillSync } from 'node:crypto';
import {
  buildIpv4Packet,
  buildUdp,
  ETHER_TYPE_IPV4,
  ETHERNET_HEADER_OCTETS,
  PROTOCOL_UDP,
  parseIpv4,
  writeEthernetHeader,
} from 'psp-gateway/packet';
import { decapsulate, encapsulate, flowEntropy, MasterKeys, opensslEngine } from 'psp-gateway/psp';

const payload = buildUdp(40000, 7, new TextEncoder().encode('a secret'));
const inner = { protocol: PROTOCOL_UDP, ttl: 64, payload };
const packet = buildIpv4Packet({
  source: parseIpv4('192.168.1.33'),
  destination: parseIpv4('192.168.1.55'),
  ...inner,
});
const frame = new Uint8Array(ETHERNET_HEADER_OCTETS + packet.length);
writeEthernetHeader(frame, new Uint8Array(6), new Uint8Array(6), ETHER_TYPE_IPV4);
frame.set(packet, ETHERNET_HEADER_OCTETS);

const receiver = new MasterKeys({ fillRandom: (octets) => randomFillSync(octets) });
const { spis, keys } = receiver.generate(1, 1);

const sealed = encapsulate(frame, {
  engine: opensslEngine,
  version: 1,
  spi: spis[0],
  key: keys,
  // One key, one IV, once: psp-gateway/psp's IvSource counts them for a device.
  iv: 1n,
  cryptOffsetWords: 5,
  sourcePort: flowEntropy(frame, ETHERNET_HEADER_OCTETS, frame.length),
  // Without it: transport mode.
  outerHeader: outerHeader(),
});
const opened = decapsulate(sealed, {
  engine: opensslEngine,
  deriveKeyInto: (spi, version, out, offset) => receiver.deriveInto(spi, version, out, offset),
});
const isSame = Buffer.compare(opened.frame.subarray(ETHERNET_HEADER_OCTETS), packet) === 0;
console.log(`${frame.length} octets became ${sealed.length}, and again the same packet: ${isSame}`);

sealed[sealed.length - 1] ^= 1;
const forged = decapsulate(sealed, {
  engine: opensslEngine,
  deriveKeyInto: (spi, version, out, offset) => receiver.deriveInto(spi, version, out, offset),
});
console.log(`with one bit changed: ${forged.failure}`);

/** Ethernet and IPv4 between two gateways; lengths and checksum are written when it is used. */
function outerHeader() {
  const ip = buildIpv4Packet({
    source: parseIpv4('192.0.2.1'),
    destination: parseIpv4('192.0.2.2'),
    protocol: PROTOCOL_UDP,
    ttl: 64,
    payload: new Uint8Array(0),
  });
  const header = new Uint8Array(ETHERNET_HEADER_OCTETS + ip.length);
  writeEthernetHeader(header, new Uint8Array(6), new Uint8Array(6), ETHER_TYPE_IPV4);
  header.set(ip, ETHERNET_HEADER_OCTETS);
  return header;
}
