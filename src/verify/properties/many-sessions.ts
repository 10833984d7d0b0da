/** Many sessions at once, under load: some of them get other keys, others go and come back, and none touches another. */

import type { EntryId } from '../../hal/hal.js';
import { type IpAddress, ipFromOctets } from '../../packet/address.js';
import { keyLengthOctets } from '../../psp/header.js';
import type { GatewayRigPipeline } from '../gateway-pipeline.js';
import { frameOf, V1, V2 } from '../inner-packets.js';
import { flowOf, idsOf } from '../packets.js';
import { must, mustEqual, type Property, property } from '../property.js';
import { install, type Rig, setKey } from '../rig.js';
import { drawRigCase, optionsText, type RigCase } from '../rig-cases.js';
import { reKey, remove } from '../rig-changes.js';
import type { Role, World } from '../world.js';

interface ManyCase {
  readonly one: RigCase;
  readonly sessions: number;
  readonly rounds: number;
}

const PACKETS_PER_SESSION = 6;
/** Behind the rig's own slot. */
const FIRST_SLOT = 10;
const FIRST_HOST = 100;

interface Session {
  readonly octets: Uint8Array;
  readonly vip: IpAddress;
  readonly cryptoId: number;
  egress: readonly EntryId[];
  ingress: EntryId;
}

export const MANY_SESSIONS: readonly Property[] = [
  property<ManyCase>({
    name: 'many-sessions',
    group: 'load',
    title:
      'Of many sessions each has its own packets, in order, while others get new keys, go, and come back',
    cases: { quick: 2, usual: 10 },
    draw: (choose) => ({
      one: drawRigCase(choose, { packets: 1, options: { innerFamily: 4 } }),
      sessions: choose.between(8, 24),
      rounds: choose.between(2, 4),
    }),
    text: ({ one, sessions, rounds }) =>
      `the device as sender, then as receiver; ${optionsText(one.options)}; ${sessions} sessions, ${rounds} rounds of ${PACKETS_PER_SESSION} packets of each`,
    smaller: ({ one, sessions, rounds }) => [
      ...(sessions > 2
        ? [
            { one, sessions: 2, rounds },
            { one, sessions: sessions >> 1, rounds },
          ]
        : []),
      ...(rounds > 1 ? [{ one, sessions, rounds: 1 }] : []),
    ],
    async check(drawn, world) {
      for (const role of ['sender', 'receiver'] as const) await inRole(role, drawn, world);
    },
  }),
];

async function inRole(role: Role, { one, sessions: count, rounds }: ManyCase, world: World): Promise<void> {
  await using rig = await world.rig(role, one.options);
  const sessions: Session[] = [];
  for (let i = 0; i < count; i++) sessions.push(await openSession(rig, one, i));
  for (let round = 0; round < rounds; round++) {
    await mustArrive(rig, sessions, `as ${role}, round ${round + 1}`);
    for (const [i, session] of sessions.entries()) {
      if (i % 3 === 0) await otherKey(rig, one, session);
      else if (i % 3 === 1) sessions[i] = await reopened(rig, one, session, i);
    }
  }
  await mustArrive(rig, sessions, `as ${role}, the end`);
}

async function openSession(rig: Rig<GatewayRigPipeline>, one: RigCase, i: number): Promise<Session> {
  const octets = V2[4].slice();
  octets[3] = FIRST_HOST + i;
  const vip = ipFromOctets(octets, 0, 4);
  const cryptoId = FIRST_SLOT + i;
  const [localVip] = rig.vips;
  const { spis, keys } = await rig.b.hal.generateKeys(keyLengthOctets(one.options.version), 1);
  await setKey(rig.a.hal, cryptoId, keys);
  const encapHeader = rig.pipeline.encapHeader(spis[0]!);
  const { header, more } = rig.pipeline.egress({ localVip, remoteVip: vip, encapHeader, cryptoId });
  const [ingress] = await install(rig.b.hal, [
    rig.pipeline.ingress({ spi: spis[0]!, localVip: vip, remoteVip: localVip }),
  ]);
  const egress = await install(rig.a.hal, [header, ...more]);
  return { octets, vip, cryptoId, egress, ingress: ingress! };
}

/** In place: another SPI, another key. */
async function otherKey(rig: Rig<GatewayRigPipeline>, one: RigCase, session: Session): Promise<void> {
  const { vip: remoteVip, egress, cryptoId } = session;
  const ingress = await reKey(rig, one.options.version, { remoteVip, id: egress[0]!, cryptoId });
  await remove(rig.b.hal, [session.ingress]);
  session.ingress = ingress;
}

async function reopened(
  rig: Rig<GatewayRigPipeline>,
  one: RigCase,
  session: Session,
  i: number,
): Promise<Session> {
  await remove(rig.a.hal, session.egress);
  await remove(rig.b.hal, [session.ingress]);
  return openSession(rig, one, i);
}

async function mustArrive(rig: Rig, sessions: readonly Session[], when: string): Promise<void> {
  // One packet of each session after the other.
  const flows = sessions.map(({ octets }) =>
    flowOf(4, PACKETS_PER_SESSION).map((packet) =>
      frameOf({ ...packet, source: V1[4], destination: octets }),
    ),
  );
  const frames = Array.from({ length: PACKETS_PER_SESSION }, (_, id) =>
    flows.map((flow) => flow[id]!),
  ).flat();
  const delivered = await rig.decapsulate(await rig.encapsulate(frames));
  for (const { octets } of sessions) {
    const own = delivered.filter((frame) => Buffer.compare(frame.subarray(14 + 16, 14 + 20), octets) === 0);
    const ids = idsOf(own);
    mustEqual(`packets delivered to ${octets.join('.')}, ${when}`, ids.length, PACKETS_PER_SESSION);
    must(
      ids.every((id, at) => id === at),
      `packets delivered to ${octets.join('.')}, ${when}, are in the order ${ids.join(', ')}`,
    );
  }
  mustEqual(`packets delivered, ${when}`, delivered.length, frames.length);
}
