/** The pipes and mirrors of sampling, both ways, and the encryption that stands among them. */
import { SYNDROME_OK } from '../../hal/fields.js';
import {
  type BasicPipe,
  type ControlEntry,
  type ControlPipe,
  type MatchTemplate,
  type Mirror,
  UPLINK_PORT,
} from '../../hal/program.js';
import { FLAG_D, FLAG_S } from '../../psp/header.js';
import { firstAfterDecrypt } from './ingress-pipes.js';
import { tunnelLimits } from './limits.js';
import { CONTROL_PIPE_ENTRIES, COUNT } from './pipe-parts.js';
import type { PipelineOptions } from './pipeline-options.js';

export function mirrors(options: PipelineOptions): Mirror[] {
  const list: Mirror[] = [
    { name: 'INGR_SAMPLED', targets: [{ to: 'pipe', pipe: 'RSS_INGR_SAMPLED' }] },
    { name: 'EGR_SAMPLED', targets: [{ to: 'pipe', pipe: 'RSS_EGR_SAMPLED' }] },
  ];
  // Packets that are not sampled take the same way as those that are, so that they cannot overtake them.
  if (options.maintainOrder) list.push({ name: 'EGR_NOT_SAMPLED', targets: [{ to: 'drop' }] });
  return list;
}

/** S and D are believed of authenticated packets only. */
export function ingressSampling(options: PipelineOptions): ControlPipe {
  const next = { to: 'pipe', pipe: firstAfterDecrypt(options) } as const;
  const match = (flags: number): MatchTemplate => ({
    'parser_meta.psp_syndrome': { value: SYNDROME_OK },
    'tun.psp.s_d_ver_v': { value: flags, mask: FLAG_S | FLAG_D },
  });
  const sampled = { mirror: 'INGR_SAMPLED', ...COUNT };
  return {
    name: 'INGR_SAMPL',
    description: 'S bit: copy to the CPU; D bit: drop',
    type: 'control',
    domain: 'secure-ingress',
    sizeEntries: CONTROL_PIPE_ENTRIES,
    miss: next,
    missCounter: true,
    entries: [
      {
        label: 'sample',
        priority: 0,
        match: match(FLAG_S),
        monitor: sampled,
        forward: next,
      },
      {
        label: 'sample-and-drop',
        priority: 0,
        match: match(FLAG_S | FLAG_D),
        monitor: sampled,
        forward: { to: 'drop' },
      },
      { label: 'drop', priority: 0, match: match(FLAG_D), monitor: COUNT, forward: { to: 'drop' } },
    ],
  };
}

/**
 * EGR_SAMPL copies what leaves. Behind PSP_ENCRYPT the copy is what the wire gets, to the bit; before it, with
 * `sampleBeforeEncryption`, it is the packet in its envelope, readable, without IV and ICV.
 */
export function setSampleBit(options: PipelineOptions): BasicPipe {
  const { maintainOrder, sampleBeforeEncryption, sampleRateLog2 } = options;
  const miss = sampleBeforeEncryption && maintainOrder ? 'EGR_SAMPL' : 'PSP_ENCRYPT';
  return {
    name: 'SET_SAMPLE_BIT',
    description: `one packet in 2^${sampleRateLog2}`,
    type: 'basic',
    domain: 'secure-egress',
    sizeEntries: 1,
    match: { 'parser_meta.random': { value: 1, mask: 2 ** sampleRateLog2 - 1 } },
    actions: [{ set: { 'tun.psp.s_d_ver_v': { value: FLAG_S, mask: FLAG_S } } }],
    forward: { to: 'pipe', pipe: sampleBeforeEncryption ? 'EGR_SAMPL' : 'PSP_ENCRYPT' },
    miss: { to: 'pipe', pipe: miss },
    missCounter: true,
    monitor: COUNT,
    entries: [{ label: 'sample' }],
  };
}

export function egressSampling({ maintainOrder, sampleBeforeEncryption }: PipelineOptions): ControlPipe {
  const entry = (label: string, flags: number, mirror?: string): ControlEntry => ({
    label,
    priority: 0,
    match: { 'tun.psp.s_d_ver_v': { value: flags, mask: FLAG_S } },
    monitor: mirror === undefined ? COUNT : { mirror, ...COUNT },
    forward: sampleBeforeEncryption ? { to: 'pipe', pipe: 'PSP_ENCRYPT' } : { to: 'port', port: UPLINK_PORT },
  });
  const entries = [entry('sampled', FLAG_S, 'EGR_SAMPLED')];
  if (maintainOrder) entries.push(entry('not-sampled', 0, 'EGR_NOT_SAMPLED'));
  // Before encryption they do not come here.
  else if (!sampleBeforeEncryption) entries.push(entry('not-sampled', 0));
  return {
    name: 'EGR_SAMPL',
    description: 'S bit: copy to the CPU',
    type: 'control',
    domain: 'egress',
    sizeEntries: CONTROL_PIPE_ENTRIES,
    miss: { to: 'drop' },
    missCounter: true,
    entries,
  };
}

export function pspEncrypt(options: PipelineOptions): BasicPipe {
  return {
    name: 'PSP_ENCRYPT',
    description: "pkt_meta is the key slot's number",
    type: 'basic',
    domain: 'secure-egress',
    sizeEntries: tunnelLimits(options.maxTunnels).keySlots,
    match: { 'meta.pkt_meta': { value: 'entry' } },
    actions: [{ encrypt: { cryptoId: 'entry' } }],
    forward: options.sampleBeforeEncryption
      ? { to: 'port', port: UPLINK_PORT }
      : { to: 'pipe', pipe: 'EGR_SAMPL' },
    miss: { to: 'drop' },
    missCounter: true,
    monitor: COUNT,
  };
}
