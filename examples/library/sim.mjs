// A simulated device: a host behind it sends, the device encrypts. On a virtual clock and with a seeded random source every run
// is the same to the octet.
import { createVirtualClock, seededRandom, UPLINK_PORT, VF_PORT } from 'psp-gateway/hal';
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
  summarize,
  writeEthernetHeader,
} from 'psp-gateway/packet';
import { dissectPsp, PSP_HEADER_OCTETS, PSP_UDP_PORT, writePspHeader } from 'psp-gateway/psp';
import { createLink, createVirtualHost, openSimHal } from 'psp-gateway/sim';

const DROP = { to: 'drop' };
const [PF_MAC, VF_MAC, PEER_MAC] = ['02:00:00:00:00:a0', '02:00:00:00:00:01', '02:00:00:00:00:b0'].map(parseMac);
const program = {
  name: 'encrypt',
  pipes: [
    {
      type: 'control',
      name: 'ROOT',
      domain: 'default',
      isRoot: true,
      sizeEntries: 1,
      miss: DROP,
      entries: [
        {
          priority: 0,
          match: { 'parser_meta.port_id': { value: VF_PORT } },
          forward: { to: 'pipe', pipe: 'OUT' },
        },
      ],
    },
    {
      type: 'basic',
      name: 'OUT',
      domain: 'egress',
      isRoot: true,
      sizeEntries: 1,
      match: { 'outer.eth.type': { value: ETHER_TYPE_IPV4 } },
      forward: { to: 'pipe', pipe: 'ENCRYPT' },
      miss: DROP,
      entries: [{}],
    },
    {
      type: 'basic',
      name: 'ENCRYPT',
      domain: 'secure-egress',
      sizeEntries: 16,
      match: { 'outer.ip4.dst_ip': { value: 'entry' } },
      actions: [
        {
          encap: { netType: 'psp-tunnel', outer: 'ipv4', cookie: false },
          encrypt: { cryptoId: 'entry' },
        },
      ],
      forward: { to: 'port', port: UPLINK_PORT },
      miss: DROP,
      monitor: { counter: true },
    },
  ],
};

const clock = createVirtualClock();
const random = seededRandom(1);
const host = createVirtualHost({ clock, mac: VF_MAC, addresses: [parseIpv4('192.168.1.33')] });
const link = createLink({ clock, random, name: 'underlay', mtuOctets: 1500, impairments: { delayMs: 2 } });
await link.ports[1].start((frames) => {
  for (const frame of frames)
    console.log(`${clock.nowMs()} ms: ${summarize(describeFrame(frame, dissectPsp))}`);
});
const hal = await openSimHal({
  clock,
  random,
  uplink: { port: link.ports[0], mac: PF_MAC, ipv4: '192.0.2.1' },
  vf: { port: host.port, mac: PF_MAC },
});
await hal.build(program);

// A session: a key in slot 1, and an entry for the other end. The key would come from the peer.
const { spis, keys } = await hal.generateKeys(32, 1);
await hal.setKeys([{ cryptoId: 1, key: keys }]);
const remote = 0xc0a80137; // 192.168.1.55
const [added] = await hal.apply([
  {
    operation: 'add',
    pipe: 'ENCRYPT',
    entry: { match: { 'outer.ip4.dst_ip': remote }, values: { encapHeader: outerHeader(spis[0]), cryptoId: 1 } },
  },
]);
if ('error' in added) throw added.error;

host.inject([datagramTo('192.168.1.55'), datagramTo('192.168.1.77')]);
await clock.advance(10);
const [encrypted] = await hal.counters([{ id: added.id }]);
console.log(`encrypted: ${encrypted.packets} packet of ${encrypted.octets} octets; the other one has no session`);
await hal.close();

function ethernet(to, from, packet) {
  const frame = new Uint8Array(ETHERNET_HEADER_OCTETS + packet.length);
  writeEthernetHeader(frame, macToOctets(to), macToOctets(from), ETHER_TYPE_IPV4);
  frame.set(packet, ETHERNET_HEADER_OCTETS);
  return frame;
}

function datagram(source, destination, payload) {
  const ends = { source: parseIpv4(source), destination: parseIpv4(destination) };
  return buildIpv4Packet({ ...ends, protocol: PROTOCOL_UDP, ttl: 64, payload });
}

function datagramTo(destination) {
  const udp = buildUdp(40000, 7, new TextEncoder().encode('a secret'));
  return ethernet(PF_MAC, VF_MAC, datagram('192.168.1.33', destination, udp));
}

/** What the device puts before the packet; lengths, checksums, source port and IV are its own. */
function outerHeader(spi) {
  const psp = new Uint8Array(PSP_HEADER_OCTETS);
  writePspHeader(psp, 0, { nextHeader: 4, cryptOffsetWords: 5, version: 1, spi, iv: 0n });
  return ethernet(PEER_MAC, PF_MAC, datagram('192.0.2.1', '192.0.2.2', buildUdp(0, PSP_UDP_PORT, psp)));
}
