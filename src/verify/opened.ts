/** Frames of PSP opened in place, by the reference: with the payload readable, or undefined where it is not authentic. */
import { L4_UDP } from '../hal/fields.js';
import { PacketContext } from '../hal/packet/packet-context.js';
import { UPLINK_PORT } from '../hal/program.js';
import { opensslEngine } from '../psp/aead-openssl.js';
import {
  checkPspHeader,
  encryptStart,
  PSP_ICV_OCTETS,
  PSP_IV,
  PSP_SPI,
  type PspVersion,
  pspVersion,
} from '../psp/header.js';

/** `keyOf`: by SPI and version. */
export function opened(
  frame: Uint8Array,
  keyOf: (spi: number, version: PspVersion) => Uint8Array,
): { readonly frame: Uint8Array; readonly pspAt: number } | undefined {
  const packet = new PacketContext();
  const plain = frame.slice();
  packet.load(plain, UPLINK_PORT, 0);
  if (packet.l4Type !== L4_UDP) return undefined;
  const view = new DataView(plain.buffer);
  const pspAt = packet.upperOffset + 8;
  const end = packet.upperOffset + view.getUint16(packet.upperOffset + 4);
  if (end > packet.ipEnd || end < pspAt || checkPspHeader(plain, pspAt, end) !== undefined) return undefined;
  const key = keyOf(view.getUint32(pspAt + PSP_SPI), pspVersion(plain, pspAt) as PspVersion);
  const payloadEnd = end - PSP_ICV_OCTETS;
  const nonce = plain.slice(pspAt + PSP_SPI, pspAt + PSP_IV + 8);
  const start = encryptStart(plain, pspAt, payloadEnd);
  return opensslEngine.open(key, nonce, plain, pspAt, start, payloadEnd)
    ? { frame: plain, pspAt }
    : undefined;
}
