/** Flags of tunnels, and of the sampling of their packets. */
import { type Flag, flagsOf } from './flag.js';

export const TUNNELS_FLAGS: readonly Flag[] = flagsOf('Tunnels', {
  cookie: {
    short: 'c',
    kind: 'boolean',
    meaning: 'virtualization cookies in the PSP header, a random one per tunnel',
  },
  'psp-ext': {
    kind: 'text',
    placeholder: 'WORD[,WORD..]',
    meaning:
      "extension fields of the PSP header in all packets that we send: words of 32 bits, decimal or in hex behind 0x, one to four in the header's words 6 to 9 (one to three in 7 to 9 beside --cookie); authenticated, and readable on the way unless --crypt-offset says less",
  },
  'psp-ext-required': {
    kind: 'text',
    placeholder: 'WORD[,WORD..]',
    meaning:
      "words that peers' packets must carry, as with --psp-ext; authenticated ones without are dropped and counted. Not every device can look at them",
  },
  'crypt-offset': {
    short: 'o',
    kind: 'number',
    range: [0, 63],
    placeholder: 'N',
    meaning:
      'octets left readable behind the IV, in units of 4 (default: in tunnel mode the inner IP header: IPv4 5, IPv6 10, with cookie 7, 12; in transport mode 0; with --psp-ext besides that its fields, in transport mode them and the cookie)',
  },
  'psp-version': {
    kind: 'number',
    default: '1',
    range: [0, 3],
    placeholder: '0|1|2|3',
    meaning:
      'version of the tunnels that we ask for: 0 AES-GCM-128, 1 AES-GCM-256; 2 AES-GMAC-128 and 3 AES-GMAC-256 do not encrypt: packets are authenticated, and whoever is on their way READS ALL that workloads send; with 2 or 3 peers may ask for such tunnels as well, otherwise they are refused; not every device has them',
  },
  'static-tunnels': {
    short: 'z',
    kind: 'text',
    valueIfAbsent: 'true',
    placeholder: '[IP]',
    meaning:
      'make all configured tunnels at start-up, from this local virtual address, or from all of ours; of prefixes those that their peers grant',
  },
  'outer-ip-type': {
    kind: 'text',
    choices: ['ipv4', 'ipv6'],
    default: 'ipv6',
    meaning: 'family of the outer header',
  },
  inner: {
    aliases: ['inner-ip-type'],
    kind: 'text',
    choices: ['ipv4', 'ipv6', 'both'],
    default: 'ipv4',
    meaning: "family of the workload's packets",
  },
  mode: {
    kind: 'text',
    choices: ['tunnel', 'transport'],
    default: 'tunnel',
    meaning: 'a new outer header, or UDP and PSP behind the own IP header',
  },
});

export const SAMPLING_FLAGS: readonly Flag[] = flagsOf('Sampling', {
  'sample-rate': {
    kind: 'number',
    default: '0',
    range: [0, 16],
    placeholder: 'N',
    meaning: 'sample one packet in 2^N; 0: none',
  },
  'maintain-order': {
    kind: 'boolean',
    meaning: 'keep the order of packets while sampling on the way out (RoCE)',
  },
  'sample-before-encryption': {
    kind: 'boolean',
    meaning: 'copy packets on the way out before they are encrypted, and not as they leave',
  },
  'sampled-lines-per-second': {
    kind: 'number',
    default: '10',
    range: [0, 10_000],
    placeholder: 'N',
    meaning:
      'sampled packets that the log tells of per second, by their headers (with --sample-rate); 0: none',
  },
  'sampled-octets': {
    kind: 'boolean',
    meaning: 'with all their octets: of packets on the way in, the plaintext of the workload',
  },
});
