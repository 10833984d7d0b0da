/** The reference implementation's frames: a device that has the key makes the same of a packet, but for what it decides itself. */
import { UPLINK_PORT, VF_PORT } from '../../hal/program.js';
import { ipFromOctets } from '../../packet/address.js';
import { ipv4HeaderLength } from '../../packet/ipv4.js';
import { PSP_HEADER_OCTETS, pspHeaderLengthOctets } from '../../psp/header.js';
import { gatewayPipeline } from '../gateway-pipeline.js';
import { mustBeFrames, mustEqual, type Property, property } from '../property.js';
import { REFERENCE_FRAMES, type ReferenceFrame } from '../reference-frames.js';
import { install, RIG_DEFAULTS, setKey } from '../rig.js';
import { normalized } from '../wire.js';
import type { World } from '../world.js';

const octetsOf = (hex: string) => Uint8Array.from(Buffer.from(hex, 'hex'));
const CRYPTO_ID = 1;

export const REFERENCE: readonly Property[] = [
  property<readonly ReferenceFrame[]>({
    name: 'reference-frames',
    group: 'sessions',
    title:
      "With the reference implementation's key and header, its packet leaves as its frame, but for what PSP leaves to a device",
    cases: { quick: 1, usual: 1 },
    draw: () => REFERENCE_FRAMES,
    text: (frames) => frames.map(frameText).join('; '),
    smaller: (frames) => (frames.length > 1 ? frames.map((frame) => [frame]) : []),
    async check(frames, world) {
      for (const frame of frames) await mustSeal(frame, world);
    },
  }),
];

function frameText({ mode, family, version, cookies, source }: ReferenceFrame): string {
  return `${mode}, IPv${family}, PSP version ${version}${cookies ? ', cookie' : ''}: frame ${source[1]} of case ${source[0]}`;
}

async function mustSeal(frame: ReferenceFrame, world: World): Promise<void> {
  const { mode, family, version, cookies, ...hex } = frame;
  const [key, cleartext, encrypted] = [hex.key, hex.cleartext, hex.encrypted].map(octetsOf);
  const options = { ...RIG_DEFAULTS, mode, outerFamily: family, innerFamily: family, version, cookies };
  const pipeline = gatewayPipeline.of(options);
  const device = await world.open();
  await using _closed = { [Symbol.asyncDispose]: () => device.hal.close() };
  const { hal } = device;
  await hal.build(pipeline.program);
  await setKey(hal, CRYPTO_ID, key!);
  const [source, destination] = family === 4 ? [12, 16] : [8, 24];
  const localVip = ipFromOctets(cleartext!, 14 + source!, family);
  const remoteVip = ipFromOctets(cleartext!, 14 + destination!, family);
  const udp = 14 + (family === 6 ? 40 : ipv4HeaderLength(encrypted!, 14));
  const header = encrypted!.slice(0, udp + 8 + pspHeaderLengthOctets(encrypted!, udp + 8));
  // The reference's cookie is 0, and on the wire where the crypt offset does not spare it, encrypted.
  header.fill(0, udp + 8 + PSP_HEADER_OCTETS);
  const encapHeader = header.slice(mode === 'tunnel' ? 0 : udp);
  const session = { localVip, remoteVip, encapHeader, cryptoId: CRYPTO_ID };
  const { header: entry, more } = pipeline.egress(session);
  await install(hal, [...pipeline.localVip(localVip), entry, ...more]);
  device.inject(VF_PORT, [cleartext!.slice()]);
  await device.settle();
  const wire = device.takeSent(UPLINK_PORT);
  mustEqual('frames on the wire', wire.length, 1);
  mustBeFrames(
    'the frame, opened',
    wire.map((frame) => normalized(frame, [key!])),
    [normalized(encrypted!, [key!])],
  );
}
