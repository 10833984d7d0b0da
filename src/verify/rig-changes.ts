/** What becomes of a rig's sessions: keys and headers that change, entries that go. What a device refuses is thrown. */
import type { EntryId, PipeHal } from '../hal/hal.js';
import type { IpAddress } from '../packet/address.js';
import { keyLengthOctets, type PspVersion } from '../psp/header.js';
import type { GatewayRigPipeline } from './gateway-pipeline.js';
import { install, type Rig, setKey } from './rig.js';

export async function remove(hal: PipeHal, ids: readonly EntryId[]): Promise<void> {
  await install(
    hal,
    ids.map((id) => ({ operation: 'remove', id }) as const),
  );
}

/** The sender's entry from now on has another header, or another key slot. */
export async function sendUnder(
  rig: Rig<GatewayRigPipeline>,
  header: Uint8Array,
  { id, cryptoId }: Omit<SessionOfRig, 'remoteVip'> = { id: rig.headerEntry, cryptoId: rig.cryptoId },
): Promise<void> {
  await install(rig.a.hal, [
    { operation: 'update', id, values: rig.pipeline.egressValues(header, cryptoId) },
  ]);
}

/** A session of the sender: the address that it goes to, its entry with the header, and its key slot. */
export interface SessionOfRig {
  readonly remoteVip: IpAddress;
  readonly id: EntryId;
  readonly cryptoId: number;
}

/** In place: another SPI and another key. Returns the entry by which the receiver lets them in, beside the former one. */
export async function reKey(
  rig: Rig<GatewayRigPipeline>,
  version: PspVersion,
  { remoteVip, ...session }: SessionOfRig,
): Promise<EntryId> {
  const { spis, keys } = await rig.b.hal.generateKeys(keyLengthOctets(version), 1);
  const [ingress] = await install(rig.b.hal, [
    rig.pipeline.ingress({ spi: spis[0]!, localVip: remoteVip, remoteVip: rig.vips[0] }),
  ]);
  await sendUnder(rig, rig.pipeline.encapHeader(spis[0]!), session);
  await setKey(rig.a.hal, session.cryptoId, keys);
  return ingress!;
}
