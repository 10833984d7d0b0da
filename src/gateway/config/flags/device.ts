/** Flags of the device under the gateway, and of addresses at its ports. */
import { type Flag, flagsOf } from './flag.js';

export const DEVICE_FLAGS: readonly Flag[] = flagsOf('Device', {
  hal: {
    kind: 'text',
    choices: ['sim', 'doca'],
    default: 'sim',
    meaning: 'what is under the gateway: the simulator, or DOCA (of a BlueField-3, or in software)',
  },
  'pci-addr': {
    short: 'p',
    aliases: ['device'],
    kind: 'text',
    placeholder: '[pci/]BDF[,REPR]',
    meaning:
      'PCI address of the uplink, [DDDD:]BB:DD.F, with pci/ before it or not, with a representor behind it or not; required with --hal=doca',
  },
  repr: {
    short: 'r',
    kind: 'text',
    default: '[0]',
    placeholder: 'LIST',
    meaning:
      "the workload's representor: vf0pf0, pf0vf0, sf1, [0], pci/BDF,pf0vf0 or a PCI address; of a list, such as vf[0-3]pf[0-1], the first, which the log names (with --hal=doca)",
  },
  'core-mask': {
    short: 'm',
    kind: 'text',
    default: '0x3',
    placeholder: 'MASK',
    meaning: 'EAL core mask, in hex (a number in JSON: its value; with --hal=doca)',
  },
});

export const ADDRESSES_FLAGS: readonly Flag[] = flagsOf('Addresses', {
  'decap-dmac': {
    kind: 'text',
    placeholder: 'MAC',
    meaning: 'MAC of the workload, to which decapsulated packets go (not with --vf-name)',
  },
  'local-virt-ip': {
    kind: 'text',
    placeholder: 'IP[,IP..]',
    meaning: 'addresses of the VF, of either family (not with --vf-name)',
  },
  'vf-name': {
    short: 'd',
    kind: 'text',
    placeholder: 'NETDEV',
    meaning: 'network device of the VF on this machine, whose MAC and addresses are taken (with --hal=doca)',
  },
  'nexthop-dmac': {
    short: 'n',
    kind: 'text',
    placeholder: 'MAC',
    meaning: "outer destination MAC, instead of the peer's",
  },
  'local-pip': {
    kind: 'text',
    placeholder: 'IP',
    meaning: "outer source address, instead of the uplink's own, of the family of --outer-ip-type",
  },
});
