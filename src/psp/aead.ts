/**
 * One interface over the AEADs of PSP: AES-GCM with 128- and 256-bit keys, 96-bit nonce, 128-bit tag
 * (NIST SP 800-38D). AES-GMAC is AES-GCM with nothing to encrypt.
 */
export interface AeadEngine {
  readonly name: 'openssl' | 'noble';

  /**
   * Encrypts frame[encryptStart, end) in place, authenticates frame[aadStart, encryptStart) with it, and writes the
   * ICV's 16 octets at `end`.
   *
   * @param key 16 or 32 octets
   * @param nonce 12 octets: SPI and IV
   */
  seal(
    key: Uint8Array,
    nonce: Uint8Array,
    frame: Uint8Array,
    aadStart: number,
    encryptStart: number,
    end: number,
  ): void;

  /**
   * The inverse: the ICV stands at `end`. False when it does not match; the frame is then unchanged.
   */
  open(
    key: Uint8Array,
    nonce: Uint8Array,
    frame: Uint8Array,
    aadStart: number,
    encryptStart: number,
    end: number,
  ): boolean;
}
