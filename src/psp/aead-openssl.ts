/** AES-GCM by node:crypto (OpenSSL, with the processor's AES instructions): the default engine. */
import { createCipheriv, createDecipheriv } from 'node:crypto';
import type { AeadEngine } from './aead.js';
import { PSP_ICV_OCTETS } from './header.js';

function algorithm(key: Uint8Array): 'aes-128-gcm' | 'aes-256-gcm' {
  return key.length === 16 ? 'aes-128-gcm' : 'aes-256-gcm';
}

/** AES-GCM by OpenSSL, with the processor's instructions. */
export const opensslEngine: AeadEngine = {
  name: 'openssl',

  seal(key, nonce, frame, aadStart, encryptStart, end) {
    const cipher = createCipheriv(algorithm(key), key, nonce);
    cipher.setAAD(frame.subarray(aadStart, encryptStart));
    if (end > encryptStart) frame.set(cipher.update(frame.subarray(encryptStart, end)), encryptStart);
    cipher.final();
    frame.set(cipher.getAuthTag(), end);
  },

  open(key, nonce, frame, aadStart, encryptStart, end) {
    const decipher = createDecipheriv(algorithm(key), key, nonce, TAG_OPTIONS);
    decipher.setAAD(frame.subarray(aadStart, encryptStart));
    decipher.setAuthTag(frame.subarray(end, end + PSP_ICV_OCTETS));
    const plaintext = end > encryptStart ? decipher.update(frame.subarray(encryptStart, end)) : undefined;
    try {
      decipher.final();
    } catch {
      return false;
    }
    if (plaintext !== undefined) frame.set(plaintext, encryptStart);
    return true;
  },
};

/** Said once: OpenSSL would also accept shorter tags. */
const TAG_OPTIONS = { authTagLength: PSP_ICV_OCTETS } as const;
