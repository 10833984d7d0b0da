// A UDP datagram from its parts to an Ethernet frame, and what it is in words.
import {
  buildIpv4Packet,
  buildUdp,
  describeFrame,
  ETHER_TYPE_IPV4,
  ETHERNET_HEADER_OCTETS,
  macToOctets,
  PROTOCOL_UDP,
  parseIpv4,
  parseMac,
  renderTree,
  setUdpChecksum,
  summarize,
  writeEthernetHeader,
} from 'psp-gateway/packet';

const packet = buildIpv4Packet({
  source: parseIpv4('192.168.1.33'),
  destination: parseIpv4('192.168.1.55'),
  protocol: PROTOCOL_UDP,
  ttl: 64,
  payload: buildUdp(40000, 7, new TextEncoder().encode('hello')),
});
// The checksum covers addresses of the IP header, so that comes first.
setUdpChecksum(packet, 0, 4, 20);

const frame = new Uint8Array(ETHERNET_HEADER_OCTETS + packet.length);
const [to, from] = ['02:00:00:00:00:02', '02:00:00:00:00:01'].map((mac) => macToOctets(parseMac(mac)));
writeEthernetHeader(frame, to, from, ETHER_TYPE_IPV4);
frame.set(packet, ETHERNET_HEADER_OCTETS);

const layers = describeFrame(frame);
console.log(summarize(layers));
console.log(renderTree(layers));
