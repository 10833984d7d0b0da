/**
 * The simulator: a device behind PipeHAL that is exact to the bit, and what stands behind its ports: links with impairments, hosts,
 * capture files, UDP sockets. With a virtual clock and a seeded random source every run is the same to the byte.
 *
 * @packageDocumentation
 */
export type { FrameLoss, FrameTap, LossKind, ShowFrames } from '../hal/frame-tap.js';
export {
  openSimHal,
  SIM_LIMITS_DEFAULT,
  type SimHal,
  type SimHalLimits,
  type SimHalOptions,
  type SimPortOptions,
} from '../hal-sim/device.js';
export type { SimPort } from '../hal-sim/port.js';
export {
  createVirtualHost,
  HostError,
  type PingOptions,
  type PingResult,
  type VirtualHost,
  type VirtualHostOptions,
} from '../hal-sim/ports/host.js';
export {
  createLink,
  type Impairments,
  type Link,
  type LinkCounters,
  type LinkFate,
  type LinkOptions,
  NO_IMPAIRMENTS,
} from '../hal-sim/ports/link.js';
export { type FrameObserver, observePort } from '../hal-sim/ports/observe.js';
export {
  createPcapPort,
  type PcapPort,
  type PcapPortCounters,
  PcapPortError,
  type PcapPortOptions,
} from '../hal-sim/ports/pcap-port.js';
export {
  createUdpWire,
  type UdpWireCounters,
  UdpWireError,
  type UdpWireOptions,
} from '../hal-sim/ports/udp-wire.js';
export type { Fates } from '../hal-sim/statistics.js';
