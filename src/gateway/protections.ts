/** Which of the gateway's protections the operator has switched off: what the program says of each at start. */
import { algorithmName, isGmac } from '../psp/header.js';
import type { GatewayOptions } from './options.js';

/** One protection that is off. */
export interface ProtectionOff {
  /** The flag that switched it off, as users write it. */
  readonly flag: string;
  /** The consequence, for the operator. */
  readonly consequence: string;
}

type ProtectionOptions = Pick<
  GatewayOptions,
  'insecure' | 'ingressAcl' | 'debugKeys' | 'sampledOctets' | 'mode' | 'aead' | 'pspVersion'
> & {
  readonly allowCoreDumps: boolean;
};

/** The protections that `options` switch off, in the order of how much depends on them; empty when all are on. */
export function protectionsOff(options: ProtectionOptions): ProtectionOff[] {
  const off: ProtectionOff[] = [];
  if (options.insecure) {
    off.push({
      flag: '--insecure',
      consequence:
        "gRPC is in plaintext: who can read the OOB network can read all keys, and who can send from a peer's address on it is that peer",
    });
  }
  if (isGmac(options.pspVersion)) {
    off.push({
      flag: `--psp-version=${options.pspVersion}`,
      consequence: `${algorithmName(options.pspVersion)} authenticates and does not encrypt: who is on the underlay can read all that workloads send, and peers may ask for such tunnels as well`,
    });
  }
  if (!options.ingressAcl) {
    off.push({
      flag: '--disable-ingress-acl',
      consequence:
        'every packet that decrypts is let in: any peer may send with the inner addresses of any other one',
    });
  }
  if (options.debugKeys) {
    off.push({
      flag: '--debug-keys',
      consequence:
        'keys are printed to the log, at the default level: who reads the log can read and forge the traffic',
    });
  }
  if (options.sampledOctets) {
    off.push({
      flag: '--sampled-octets',
      consequence:
        'packets that are sampled on the way in are printed to the log: who reads it reads what workloads send',
    });
  }
  if (options.allowCoreDumps) {
    off.push({
      flag: '--allow-core-dumps',
      consequence:
        'core dumps may be written, and processes of the same user may read this one: keys are in both',
    });
  }
  if (options.aead === 'noble') {
    off.push({
      flag: '--aead=noble',
      consequence:
        'AES-GCM in TypeScript leaves what it has made of keys in the memory of the process, where nothing wipes it',
    });
  }
  if (options.mode === 'transport') {
    off.push({
      flag: '--mode=transport',
      consequence:
        'IP headers of the workload, ARP and neighbor discovery stay readable on the underlay (docs/security.md)',
    });
  }
  return off;
}
