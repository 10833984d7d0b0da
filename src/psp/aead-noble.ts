/** AES-GCM by @noble/ciphers, in TypeScript alone: the reference engine. */
import { gcm } from '@noble/ciphers/aes.js';
import type { AeadEngine } from './aead.js';
import { PSP_ICV_OCTETS } from './header.js';

/** AES-GCM by @noble/ciphers: the same octets as OpenSSL's, to compare with. */
export const nobleEngine: AeadEngine = {
  name: 'noble',

  seal(key, nonce, frame, aadStart, encryptStart, end) {
    const aad = frame.subarray(aadStart, encryptStart);
    // Ciphertext and ICV stand next to each other on the wire, as the library gives them.
    frame.set(gcm(key, nonce, aad).encrypt(frame.slice(encryptStart, end)), encryptStart);
  },

  open(key, nonce, frame, aadStart, encryptStart, end) {
    const aad = frame.subarray(aadStart, encryptStart);
    try {
      frame.set(gcm(key, nonce, aad).decrypt(frame.slice(encryptStart, end + PSP_ICV_OCTETS)), encryptStart);
    } catch {
      return false;
    }
    return true;
  },
};
