/** Flags of what protects, and of what is let in without it. */
import { type Flag, flagsOf } from './flag.js';

export const SECURITY_FLAGS: readonly Flag[] = flagsOf('Security', {
  'disable-ingress-acl': {
    short: 'a',
    kind: 'boolean',
    meaning: 'let in any packet that decrypts',
  },
  'confirm-underlay': {
    kind: 'boolean',
    meaning:
      'hold packets for a peer back, but for 16 and then one in 10 s, until an authenticated packet has come from the underlay address that it named (not where the session file gives its underlay); one-way traffic needs that file',
  },
  'allow-router': {
    kind: 'list',
    placeholder: 'IP',
    meaning:
      "a router of the workload's segment, by its link-local address, whose advertisements and redirects reach the workload (with --mode=transport); may be given many times",
  },
  'tls-ca': {
    kind: 'text',
    placeholder: 'FILE',
    meaning: "certificate of the authority that signs peers' certificates (PEM)",
  },
  'tls-cert': {
    kind: 'text',
    placeholder: 'FILE',
    meaning: 'our certificate (PEM)',
  },
  'tls-key': { kind: 'text', placeholder: 'FILE', meaning: 'its private key (PEM)' },
  insecure: {
    kind: 'boolean',
    meaning:
      "gRPC in plaintext: whoever can send from a peer's service address gets keys, and whoever is on the way reads them",
  },
  'allow-core-dumps': {
    kind: 'boolean',
    meaning:
      'let the kernel write core dumps, and other processes of the same user read this one; both have keys in them',
  },
  'debug-keys': {
    short: 'k',
    kind: 'boolean',
    meaning: 'print keys to the log, at the default level',
  },
});
