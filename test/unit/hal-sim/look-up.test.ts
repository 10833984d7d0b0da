/** The compiled pipes against a naive one: every entry tried in turn, every field read from the test's own record. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { FieldName } from '../../../src/hal/fields.js';
import type {
  BasicEntry,
  BasicPipe,
  ControlEntry,
  FieldMatch,
  Forward,
  MatchCondition,
  PipeProgram,
} from '../../../src/hal/program.js';
import { UPLINK_PORT, VF_PORT } from '../../../src/hal/program.js';
import { type Family, frameOf, type InnerPacket } from '../../../src/verify/inner-packets.js';
import { openSimHarness, type SimHarness } from '../../../src/verify/sim-harness.js';

type Values = Readonly<Partial<Record<FieldName, number | Uint8Array>>>;

interface Sample {
  readonly port: number;
  readonly frame: Uint8Array;
  /** What the fields of this packet are; a field that is not here is not in the packet. */
  readonly fields: Values;
}

const MACS = [Uint8Array.from([2, 0, 0, 0, 0, 1]), Uint8Array.from([2, 0, 0, 0, 1, 1])];
const ADDRESSES: Record<Family, Uint8Array[]> = {
  4: [Uint8Array.from([10, 0, 0, 1]), Uint8Array.from([10, 0, 1, 1]), Uint8Array.from([138, 0, 0, 1])],
  6: [1, 2, 3].map((last) =>
    Uint8Array.from([0x20, 1, 0xd, 0xb8, last, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last & 1]),
  ),
};
const PORTS = [53, 1000, 5000];
const number = (octets: Uint8Array) => new DataView(octets.buffer, octets.byteOffset).getUint32(0);

const sample: fc.Arbitrary<Sample> = fc
  .record({
    port: fc.constantFrom(UPLINK_PORT, VF_PORT),
    family: fc.constantFrom<Family>(4, 6),
    source: fc.nat(2),
    destination: fc.nat(2),
    protocol: fc.constantFrom(17, 6, 253),
    sourcePort: fc.constantFrom(...PORTS),
    destinationPort: fc.constantFrom(...PORTS),
    mac: fc.nat(1),
    length: fc.integer({ min: 8, max: 60 }),
  })
  .map(({ port, family, source, destination, protocol, sourcePort, destinationPort, mac, length }) => {
    const payload = new Uint8Array(protocol === 6 ? 20 + length : length).fill(0xee);
    payload.set([sourcePort >> 8, sourcePort & 0xff, destinationPort >> 8, destinationPort & 0xff]);
    payload.set([0, payload.length], 4);
    const packet: InnerPacket = {
      family,
      source: ADDRESSES[family][source],
      destination: ADDRESSES[family][destination],
      protocol,
      payload,
      trafficClass: 0,
      ttl: 9,
    };
    const frame = frameOf(packet, MACS[mac], MACS[0]);
    const isPsp = protocol === 17 && destinationPort === 1000 && payload.length >= 24;
    const fields: Values = {
      'parser_meta.port_id': port,
      'parser_meta.outer_l3_type': family === 4 ? 1 : 2,
      'parser_meta.outer_l4_type': protocol === 17 ? 2 : protocol === 6 ? 1 : 0,
      'parser_meta.inner_l3_type': 0,
      'parser_meta.outer_l3_ok': 1,
      'parser_meta.outer_ip4_checksum_ok': family === 4 ? 1 : 0,
      'meta.pkt_meta': 0,
      'meta.u32.3': 0,
      'outer.eth.src_mac': MACS[mac],
      'outer.eth.dst_mac': MACS[0],
      'outer.eth.type': family === 4 ? 0x800 : 0x86dd,
      ...(family === 4
        ? {
            'outer.ip4.src_ip': number(packet.source),
            'outer.ip4.dst_ip': number(packet.destination),
            'outer.ip4.next_proto': protocol,
            'outer.ip4.total_len': frame.length - 14,
            'outer.ip4.flags_fragment_offset': 0x4000,
          }
        : {
            'outer.ip6.src_ip': packet.source,
            'outer.ip6.dst_ip': packet.destination,
            'outer.ip6.next_proto': protocol,
            'outer.ip6.payload_len': frame.length - 54,
          }),
      ...(protocol === 17 ? { 'outer.udp.src_port': sourcePort, 'outer.udp.dst_port': destinationPort } : {}),
      ...(isPsp
        ? { 'tun.psp.nexthdr': payload[8], 'tun.psp.spi': 0xeeeeeeee, 'tun.psp.s_d_ver_v': 0xee }
        : {}),
    };
    return { port, frame, fields };
  });

/** Fields that tests choose from, with widths in octets and values that packets may have. */
const CHOICES: readonly [FieldName, number, readonly (number | Uint8Array)[]][] = [
  ['parser_meta.port_id', 2, [0, 1]],
  ['parser_meta.outer_l3_type', 1, [1, 2]],
  ['parser_meta.outer_l4_type', 1, [0, 1, 2]],
  ['parser_meta.inner_l3_type', 1, [0, 1]],
  ['parser_meta.psp_syndrome', 1, [0]],
  ['meta.pkt_meta', 4, [0, 1]],
  ['outer.eth.src_mac', 6, MACS],
  ['outer.eth.type', 2, [0x800, 0x86dd]],
  ['outer.ip4.src_ip', 4, ADDRESSES[4].map(number)],
  ['outer.ip4.dst_ip', 4, ADDRESSES[4].map(number)],
  ['outer.ip4.next_proto', 1, [17, 6]],
  ['outer.ip6.dst_ip', 16, ADDRESSES[6]],
  ['outer.ip6.payload_len', 2, [30, 40]],
  ['outer.udp.src_port', 2, PORTS],
  ['outer.udp.dst_port', 2, PORTS],
  ['tun.psp.spi', 4, [0xeeeeeeee, 1]],
  ['inner.ip4.dst_ip', 4, [0]],
];

const octetsOf = (value: number | Uint8Array, octets: number) =>
  typeof value === 'number'
    ? Array.from({ length: octets }, (_, i) => Math.floor(value / 256 ** (octets - 1 - i)) % 256)
    : [...value];

const widthOf = new Map(CHOICES.map(([field, octets]) => [field, octets]));

/** Octet by octet, as slowly as can be. */
function naiveMatch(
  field: FieldName,
  wanted: number | Uint8Array,
  mask: number | Uint8Array | undefined,
  has: Values,
) {
  const value = has[field];
  if (value === undefined) return false;
  const octets = widthOf.get(field)!;
  const masks = mask === undefined ? new Array(octets).fill(255) : octetsOf(mask, octets);
  const [a, b] = [octetsOf(value, octets), octetsOf(wanted, octets)];
  return masks.every((bits, i) => (a[i] & bits) === (b[i] & bits));
}

const masked = (value: number | Uint8Array, mask: number | Uint8Array | undefined) => {
  if (mask === undefined) return value;
  if (typeof value === 'number') return (value & (mask as number)) >>> 0;
  return value.map((octet, i) => octet & (mask as Uint8Array)[i]);
};

const maskFor = (octets: number): fc.Arbitrary<number | Uint8Array | undefined> =>
  octets > 4
    ? fc.option(
        fc
          .uint8Array({ minLength: octets, maxLength: octets })
          .filter((mask) => mask.some((octet) => octet !== 0)),
        { nil: undefined },
      )
    : fc.option(fc.integer({ min: 1, max: 256 ** octets - 1 }), { nil: undefined, freq: 2 });

const fixedMatches = (maxLength: number): fc.Arbitrary<Readonly<Partial<Record<FieldName, FieldMatch>>>> =>
  fc
    .uniqueArray(fc.nat(CHOICES.length - 1), { maxLength })
    .chain((chosen) =>
      fc.tuple(
        ...chosen.map((i) =>
          fc
            .tuple(fc.constantFrom(...CHOICES[i][2]), maskFor(CHOICES[i][1]))
            .map(([value, mask]) => [CHOICES[i][0], match(masked(value, mask), mask)] as const),
        ),
      ),
    )
    .map((entries) => Object.fromEntries(entries))
    .filter(possible);

/** Validation refuses what no packet can be. */
function possible(matches: Readonly<Partial<Record<FieldName, FieldMatch>>>): boolean {
  const names = Object.keys(matches);
  const ip4 = names.some((name) => name.startsWith('outer.ip4.'));
  const ip6 = names.some((name) => name.startsWith('outer.ip6.'));
  const outer = matches['parser_meta.outer_l3_type']?.value;
  const inner = matches['parser_meta.inner_l3_type']?.value;
  return (
    !(ip4 && ip6) &&
    !(ip4 && typeof outer === 'number' && outer !== 1) &&
    !(ip6 && typeof outer === 'number' && outer !== 2) &&
    !('inner.ip4.dst_ip' in matches && typeof inner === 'number' && inner !== 1)
  );
}

const match = (value: FieldMatch['value'], mask: number | Uint8Array | undefined): FieldMatch =>
  mask === undefined ? { value } : { value, mask };

const FORWARDS: readonly Forward[] = [
  { to: 'port', port: UPLINK_PORT },
  { to: 'port', port: VF_PORT },
  { to: 'rss' },
  { to: 'drop' },
  { to: 'kernel' },
];
const MISS: Forward = { to: 'drop' };

interface Tally {
  packets: number;
  octets: number;
}

async function expectFates(harness: SimHarness, expected: readonly Forward[]): Promise<void> {
  const count = (to: string, port?: number) =>
    expected.filter((forward) => forward.to === to && (forward.to !== 'port' || forward.port === port))
      .length;
  expect(harness.hal.fates()).toEqual({
    in: expected.length,
    copies: 0,
    uplink: count('port', UPLINK_PORT),
    vf: count('port', VF_PORT),
    rss: count('rss'),
    rssDropped: 0,
    drop: count('drop'),
    kernel: count('kernel'),
    lost: 0,
    portDropped: 0,
  });
}

test('a basic pipe decides, and counts, as one that tries every entry', async () => {
  const template = fc
    .uniqueArray(fc.nat(CHOICES.length - 1), { maxLength: 4 })
    .chain((chosen) =>
      fc.tuple(
        ...chosen.map((i) =>
          fc.tuple(fc.constant(i), fc.boolean(), fc.constantFrom(...CHOICES[i][2]), maskFor(CHOICES[i][1])),
        ),
      ),
    )
    .filter((fields) => {
      const named = Object.fromEntries(
        fields.map(([i, fixed, value, mask]) => [
          CHOICES[i][0],
          { value: fixed ? masked(value, mask) : ('entry' as const) },
        ]),
      );
      return possible(named);
    });
  const picks = fc.array(fc.tuple(fc.array(fc.nat(2), { minLength: 4, maxLength: 4 }), fc.nat(4)), {
    maxLength: 12,
  });
  await fc.assert(
    fc.asyncProperty(
      template,
      picks,
      fc.array(sample, { maxLength: 30 }),
      async (fields, entries, samples) => {
        const pipe: BasicPipe = {
          type: 'basic',
          name: 'ROOT',
          domain: 'default',
          isRoot: true,
          sizeEntries: 20,
          match: Object.fromEntries(
            fields.map(([i, fixed, value, mask]) => [
              CHOICES[i][0],
              match(fixed ? masked(value, mask) : 'entry', mask),
            ]),
          ),
          forward: 'entry',
          miss: MISS,
          missCounter: true,
          monitor: { counter: true },
        };
        const harness = await openSimHarness();
        await harness.hal.build({ name: 'look-up', pipes: [pipe] });

        const installed: { values: Values; forward: Forward; id: number; tally: Tally }[] = [];
        for (const [chosen, forward] of entries) {
          const values = Object.fromEntries(
            fields
              .filter(([, fixed]) => !fixed)
              .map(([i, , , mask], at) => [
                CHOICES[i][0],
                masked(CHOICES[i][2][chosen[at] % CHOICES[i][2].length], mask),
              ]),
          );
          const same = installed.some((other) =>
            Object.entries(values).every(([field, value]) =>
              naiveMatch(field as FieldName, value, undefined, other.values),
            ),
          );
          const entry: BasicEntry = { match: values, forward: FORWARDS[forward] };
          const [result] = await harness.hal.apply([{ operation: 'add', pipe: 'ROOT', entry }]);
          if (same) {
            expect(result).toMatchObject({ error: { code: 'ALREADY_EXIST' } });
            continue;
          }
          expect(result).toHaveProperty('id');
          const { id } = result as { id: number };
          installed.push({ values, forward: FORWARDS[forward], id, tally: { packets: 0, octets: 0 } });
        }

        const miss: Tally = { packets: 0, octets: 0 };
        const expected = samples.map(({ fields: has, frame }) => {
          const fixedHold = fields.every(
            ([i, fixed, value, mask]) => !fixed || naiveMatch(CHOICES[i][0], value, mask, has),
          );
          const hit = installed.find(({ values }) =>
            fields.every(
              ([i, fixed, , mask]) => fixed || naiveMatch(CHOICES[i][0], values[CHOICES[i][0]]!, mask, has),
            ),
          );
          const tally = fixedHold && hit !== undefined ? hit.tally : miss;
          tally.packets++;
          tally.octets += frame.length;
          return fixedHold && hit !== undefined ? hit.forward : MISS;
        });
        for (const { port, frame } of samples) harness.inject(port, [frame]);
        await expectFates(harness, expected);
        const counters = await harness.hal.counters([
          ...installed.map(({ id }) => ({ id: id as never })),
          { pipe: 'ROOT', miss: true },
        ]);
        expect(
          counters.map(({ packets, octets }) => ({ packets: Number(packets), octets: Number(octets) })),
        ).toEqual([...installed.map(({ tally }) => tally), miss]);
        await harness.hal.close();
      },
    ),
    { numRuns: 300 },
  );
});

test('a control pipe decides by priority, then by age, as one that sorts its entries first', async () => {
  const operations = {
    lt: (a: number, b: number) => a < b,
    le: (a: number, b: number) => a <= b,
    gt: (a: number, b: number) => a > b,
    ge: (a: number, b: number) => a >= b,
    ne: (a: number, b: number) => a !== b,
  };
  const condition: fc.Arbitrary<MatchCondition> = fc.record({
    field: fc.constantFrom<FieldName>('outer.udp.dst_port', 'outer.ip4.src_ip', 'parser_meta.outer_l4_type'),
    operation: fc.constantFrom('lt', 'le', 'gt', 'ge', 'ne'),
    value: fc.constantFrom(0, 1, 53, 200),
  });
  const entry = fc.record({
    priority: fc.integer({ min: 0, max: 6 }),
    matches: fixedMatches(3),
    condition: fc.option(condition, { nil: undefined }),
    forward: fc.nat(4),
    remove: fc.integer({ min: 0, max: 4 }),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(entry, { maxLength: 10 }),
      fc.array(sample, { maxLength: 30 }),
      async (entries, samples) => {
        const program: PipeProgram = {
          name: 'look-up',
          pipes: [
            {
              type: 'control',
              name: 'ROOT',
              domain: 'default',
              isRoot: true,
              sizeEntries: 20,
              miss: { to: 'drop' },
            },
          ],
        };
        const harness = await openSimHarness();
        await harness.hal.build(program);
        const results = await harness.hal.apply(
          entries.map(({ priority, matches, condition, forward }) => {
            const added: ControlEntry = {
              priority,
              match: matches,
              forward: FORWARDS[forward],
              ...(condition === undefined ? {} : { condition }),
            };
            return { operation: 'add', pipe: 'ROOT', entry: added };
          }),
        );
        const ids = results.map((result) => (result as { id: number }).id);
        expect(ids.every((id) => id > 0)).toBe(true);
        const gone = entries.flatMap(({ remove }, i) => (remove === 0 ? [i] : []));
        await harness.hal.apply(gone.map((i) => ({ operation: 'remove', id: ids[i] as never })));
        const order = entries
          .map((one, age) => ({ ...one, age }))
          .filter(({ remove }) => remove !== 0)
          .sort((a, b) => a.priority - b.priority || a.age - b.age);
        const expected = samples.map(({ fields: has }) => {
          const hit = order.find(
            ({ matches, condition }) =>
              Object.entries(matches).every(([field, { value, mask }]) =>
                naiveMatch(field as FieldName, value as number | Uint8Array, mask, has),
              ) &&
              (condition === undefined ||
                (has[condition.field] !== undefined &&
                  operations[condition.operation](has[condition.field] as number, condition.value))),
          );
          return hit === undefined ? MISS : FORWARDS[hit.forward];
        });
        for (const { port, frame } of samples) harness.inject(port, [frame]);
        await expectFates(harness, expected);
        await harness.hal.close();
      },
    ),
    { numRuns: 300 },
  );
});
