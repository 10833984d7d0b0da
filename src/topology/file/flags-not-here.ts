/** Gateway flags whose value the topology decides, or that make no sense in one, and what to do instead. */

const TLS =
  'is not for topologies: there is no TLS in virtual time, and --real-time makes its own certificates';
const PORTS = "is not for topologies: a gateway's ports are its link and its workloads";
const METRICS = "is not for topologies: a run reports its gateways' counters when it ends";
const RECORD = 'is not for topologies: a run repeats itself from its seed';
const DEVICE = 'is no flag of topologies: write it as a field of the node, beside "hal: doca"';
const VF = 'is not for topologies: write the addresses under "workloads" of the node';

export const FLAGS_NOT_HERE: Readonly<Record<string, string>> = {
  hal: DEVICE,
  'pci-addr': DEVICE,
  repr: DEVICE,
  'core-mask': DEVICE,
  'vf-name': VF,
  'sim-wire': PORTS,
  'sim-vf': PORTS,
  'tls-ca': TLS,
  'tls-cert': TLS,
  'tls-key': TLS,
  insecure: TLS,
  'svc-addr': 'is not for topologies: write the address as "oob" of the node',
  'local-virt-ip': 'is not for topologies: write the addresses under "workloads" of the node',
  'local-pip': 'is not for topologies: write the address as "underlay" of the node',
  'nexthop-dmac': 'is not for topologies: the next hop is found on the links',
  'allow-core-dumps': 'is not for topologies: it is about the process that runs a gateway',
  'state-file': 'is not for topologies: a gateway that starts again in one knows nothing of its former life',
  record: RECORD,
  'record-payload': RECORD,
  'record-size': RECORD,
  metrics: METRICS,
  'metrics-per-peer': METRICS,
  admin: 'is not for topologies: their gateways have no process of their own to ask, or are seen by the run',
  'capture-rate': 'is not for topologies: `topology run` writes captures of all links',
  ping: 'is not for topologies: write traffic with "type: ping" in the scenario',
  'ping-count': 'is not for topologies: write traffic with "type: ping" in the scenario',
  snaplen: 'is not for topologies: `topology run --snaplen` cuts all captures of a run',
};
