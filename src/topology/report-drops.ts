/** Why packets were lost in gateways, for people. */
import type { NodeReport, Report } from './report.js';

/** Packets that did not arrive, by pipe and by reason. Reasons that did not occur are left out. */
export function dropsOf(node: NodeReport): [reason: string, packets: number][] {
  const { slowPath, psp, vacant } = node;
  const reasons: [string, number | undefined][] = [
    ['SYNDROME_STATS: not authenticated, or not allowed', total(node.pipes.SYNDROME_STATS)],
    ['malformed PSP', psp.rxError],
    ['reserved version or SPI', psp.rxBad],
    ['could not be encrypted', psp.txError],
    ['larger than the MTU', psp.portDropped],
    ['queue of the CPU full', psp.rssDropped],
    ['left to the kernel behind the uplink, where none is', psp.kernelDropped],
    ['no peer owns the destination', slowPath.noPeer],
    ['no room for another session', slowPath.noSession],
    ['no packet that a session could carry', slowPath.unusable],
    ['queue for its session full', slowPath.overflowed],
    ['waited too long for its session', slowPath.expired],
    ['session removed', slowPath.abandoned],
    ['missed again and again', slowPath.looping],
    ['too big, answered: fragmentation needed', slowPath.answeredTooBig],
    ['too big', slowPath.tooBigDropped],
    ['fragments of the workload, which transport mode cannot carry', slowPath.fragmentsDropped],
    ['ARP or neighbor discovery that may not pass', slowPath.segmentDropped],
    ['came while the gateway was down', vacant.uplink + vacant.vf],
  ];
  return reasons.flatMap(([reason, count]) => (count === undefined || count === 0 ? [] : [[reason, count]]));
}

const total = (pipe: { packets: number; misses: number } | undefined) =>
  pipe === undefined ? 0 : pipe.packets + pipe.misses;

/** The sum over all gateways. */
export function dropsOfAll({ nodes }: Report): [reason: string, packets: number][] {
  const sums = new Map<string, number>();
  for (const [reason, packets] of Object.values(nodes).flatMap(dropsOf))
    sums.set(reason, (sums.get(reason) ?? 0) + packets);
  return [...sums];
}
