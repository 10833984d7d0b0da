/** The dissector, by tshark: what it shows is what was put into the packets. */
import { writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseIp } from '../../src/packet/address.js';
import { opensslEngine } from '../../src/psp/aead-openssl.js';
import { encapsulate } from '../../src/psp/encapsulate.js';
import { checkPspHeader, keyLengthOctets, type PspVersion } from '../../src/psp/header.js';
import { type Family, frameOf } from '../../src/verify/inner-packets.js';
import { innerPacket } from '../support/inner-packets.js';
import { datagramTo, outerHeaderTo } from '../support/psp-frames.js';
import { fromHex, toHex } from '../support/reference-vectors.js';
import { describeWithTshark, TsharkFolder } from '../support/tshark.js';

const PACKETS = 60;
const RECEIVER = { 4: parseIp('192.0.2.2'), 6: parseIp('2001:db8::2') };
const datagram = (family: Family, payload: Uint8Array, sourcePort?: number, destinationPort?: number) =>
  datagramTo(RECEIVER[family], payload, sourcePort, destinationPort);

const hex = (value: bigint | number, digits: number) => `0x${value.toString(16).padStart(digits, '0')}`;
const bytes = (octets: Uint8Array) => (octets.length === 0 ? undefined : toHex(octets));
/** tshark has written octets with and without colons. */
const plain = (text: unknown) => (typeof text === 'string' ? text.replaceAll(':', '') : text);

const EXPERTS = [
  ...[
    'too_short',
    'header_past_end',
    'hdrextlen_too_small',
    'offset_past_end',
    'reserved_version',
    'zero_spi',
  ],
  ...['zero_one', 'reserved_set', 'vc_encrypted', 'cut'],
].map((name) => `psp.${name}`);
const NOT_MALFORMED = ['psp.zero_one', 'psp.reserved_set', 'psp.vc_encrypted', 'psp.cut'];

interface Shown {
  readonly fields: Readonly<Record<string, unknown>>;
  readonly experts: readonly string[];
}

/** Every psp.* field of a packet's JSON, and the names of the expert infos. */
function shown(layer: unknown): Shown {
  const fields: Record<string, unknown> = {};
  const experts: string[] = [];
  const walk = (value: unknown) => {
    if (typeof value !== 'object' || value === null) return;
    for (const [name, inside] of Object.entries(value)) {
      if (EXPERTS.includes(name)) experts.push(name);
      else if (name.startsWith('psp.') && !name.endsWith('_tree')) fields[name] = plain(inside);
      walk(inside);
    }
  };
  walk(layer);
  return { fields, experts: experts.sort() };
}

describeWithTshark('the dissector', () => {
  let folder: TsharkFolder;
  beforeAll(() => {
    folder = new TsharkFolder();
  });
  afterAll(() => folder.close());

  function dissect(frames: readonly Uint8Array[]): Shown[] {
    const path = folder.capture(
      'dissect.pcapng',
      frames.map((frame) => ({ frame })),
    );
    const out = folder.run('-X', `lua_script:${folder.script}`, '-r', path, '-T', 'json', '-J', 'psp');
    const packets = JSON.parse(out) as { _source: { layers: Record<string, unknown> } }[];
    return packets.map(({ _source }) => shown(_source.layers.psp));
  }

  const extensionFields = fc
    .integer({ min: 1, max: 4 })
    .chain((units) => fc.uint8Array({ minLength: 8 * units, maxLength: 8 * units }));
  const packet = fc
    .record({
      family: fc.constantFrom<Family>(4, 6),
      underlay: fc.option(fc.constantFrom<Family>(4, 6), { nil: undefined }),
      version: fc.constantFrom<PspVersion>(0, 1, 2, 3),
      spi: fc.integer({ min: 1, max: 0xffff_ffff }).filter((spi) => (spi & 0x7fffffff) !== 0),
      iv: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      cookie: fc.option(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), { nil: undefined }),
      extension: fc.option(extensionFields, { nil: undefined }),
      cryptOffsetWords: fc.nat(63),
      reserved: fc.constantFrom(0, 0, 1, 2, 3),
      sample: fc.boolean(),
      drop: fc.boolean(),
      sourcePort: fc.integer({ min: 49_152, max: 65_535 }),
    })
    .chain((options) =>
      fc.record({
        options: fc.constant(options),
        inner: innerPacket(options.family, 4 * options.cryptOffsetWords),
      }),
    );

  test('shows every field as it was put in, in either mode, version and family', () => {
    fc.assert(
      fc.property(fc.array(packet, { minLength: PACKETS, maxLength: PACKETS }), (packets) => {
        const expected: Shown[] = [];
        const frames = packets.map(({ options, inner }) => {
          const { underlay, cookie, extension, reserved, ...rest } = options;
          const headerOctets = 16 + (cookie === undefined ? 0 : 8) + (extension?.length ?? 0);
          const clearFrame = frameOf(inner);
          const frame = encapsulate(clearFrame, {
            ...rest,
            engine: opensslEngine,
            key: new Uint8Array(keyLengthOctets(rest.version)),
            ...(cookie === undefined ? {} : { cookie }),
            ...(extension === undefined ? {} : { extension }),
            ...(underlay === undefined ? {} : { outerHeader: outerHeaderTo(RECEIVER[underlay]) }),
          });
          const ipOctets = options.family === 4 ? 20 : 40;
          const payload = clearFrame.subarray(underlay === undefined ? 14 + ipOctets : 14);
          const pspAt = frame.length - 16 - payload.length - headerOctets;
          frame[pspAt + 2]! |= reserved << 6;

          const gmac = options.version >= 2;
          const readable = 4 * options.cryptOffsetWords + 16;
          const clearOctets = gmac ? payload.length : Math.max(0, readable - headerOctets);
          const onWire = (from: number, to: number) => frame.subarray(pspAt + from, pspAt + to);
          const payloadEnd = headerOctets + payload.length;
          const tunnelProtocol = options.family === 4 ? 4 : 41;
          const fields = {
            'psp.nexthdr': String(underlay === undefined ? inner.protocol : tunnelProtocol),
            'psp.hdrextlen': String(headerOctets / 8 - 1),
            'psp.reserved': String(reserved),
            'psp.cryptoffset': String(options.cryptOffsetWords),
            'psp.sample': options.sample ? '1' : '0',
            'psp.drop': options.drop ? '1' : '0',
            'psp.version': String(options.version),
            'psp.is_virt': cookie === undefined ? '0' : '1',
            'psp.one': '1',
            'psp.spi': hex(options.spi, 8),
            'psp.iv': hex(options.iv, 16),
            'psp.vc':
              cookie === undefined
                ? undefined
                : readable >= 24 || gmac
                  ? hex(cookie, 16)
                  : `0x${toHex(onWire(16, 24))}`,
            'psp.ext': bytes(onWire(headerOctets - (extension?.length ?? 0), headerOctets)),
            ...Object.fromEntries(
              [6, 7, 8, 9]
                .filter((word) => 4 * word - 4 >= headerOctets - (extension?.length ?? 0))
                .filter((word) => 4 * word <= headerOctets)
                .map((word) => [`psp.dw${word}`, `0x${toHex(onWire(4 * word - 4, 4 * word))}`]),
            ),
            'psp.clear': bytes(payload.subarray(0, clearOctets)),
            'psp.payload': bytes(onWire(headerOctets + clearOctets, payloadEnd)),
            'psp.icv': toHex(onWire(payloadEnd, payloadEnd + 16)),
          };
          const present = Object.entries(fields).filter(([, value]) => value !== undefined);
          expected.push({
            fields: Object.fromEntries(present),
            experts: [
              ...(reserved === 0 ? [] : ['psp.reserved_set']),
              ...(cookie === undefined || gmac || readable >= 24 ? [] : ['psp.vc_encrypted']),
            ],
          });
          return frame;
        });
        expect(dissect(frames)).toEqual(expected);
      }),
      { numRuns: 4, endOnFailure: true },
    );
  });

  const noise = fc.record({
    family: fc.constantFrom<Family>(4, 6),
    octets: fc
      .record({
        nextHeader: fc.nat(255),
        hdrExtLen: fc.oneof(fc.nat(4), fc.nat(255)),
        cryptOffset: fc.nat(255),
        flags: fc.nat(255),
        spi: fc.constantFrom([0, 0, 0, 0], [0x80, 0, 0, 0], [0, 0, 0, 1], [0x80, 0, 0, 1]),
        rest: fc.uint8Array({ maxLength: 90, size: 'max' }),
        cut: fc.option(fc.nat(20), { nil: 0, freq: 4 }),
      })
      .map(({ nextHeader, hdrExtLen, cryptOffset, flags, spi, rest, cut }) => {
        const all = Uint8Array.from([nextHeader, hdrExtLen, cryptOffset, flags, ...spi, ...rest]);
        // No dissector gets to see a datagram without octets.
        return all.subarray(0, Math.max(1, all.length - cut));
      }),
  });

  test('calls malformed what the gateway drops before any cryptography, and nothing else', () => {
    const verdicts = new Set<string>();
    fc.assert(
      fc.property(fc.array(noise, { minLength: 150, maxLength: 150 }), (datagrams) => {
        const seen = dissect(datagrams.map(({ family, octets }) => datagram(family, octets)));
        seen.forEach(({ experts, fields }, i) => {
          const { octets } = datagrams[i]!;
          const problem = checkPspHeader(octets, 0, octets.length);
          const malformed = experts.filter((name) => !NOT_MALFORMED.includes(name));
          expect(malformed.length > 0, `${toHex(octets)}: ${problem} ${malformed}`).toBe(
            problem !== undefined,
          );
          if (problem === 'truncated') expect(malformed).toContain('psp.too_short');
          if (problem === 'bad') {
            expect(malformed.some((name) => /reserved_version|zero_spi/.test(name))).toBe(true);
          }
          if (problem === 'error') {
            expect(malformed).toHaveLength(1);
            expect(malformed[0]).toMatch(/header_past_end|hdrextlen_too_small|offset_past_end/);
          }
          if (octets.length >= 16) {
            const version = (octets[3]! & 0x3c) >> 2;
            expect(fields['psp.version']).toBe(String(version));
          }
          verdicts.add(String(problem));
        });
      }),
      { numRuns: 4, endOnFailure: true },
    );
    expect([...verdicts].sort()).toEqual(['bad', 'error', 'truncated', 'undefined']);
  });

  /** SPI 0x80000001, IV 7, then as many octets as a test wants. */
  const header = (start: string, more: number) =>
    Uint8Array.from([...fromHex(`${start}800000010000000000000007`), ...new Uint8Array(more).fill(0xaa)]);
  /** Octets of clear payload, encrypted payload and ICV that are shown. */
  const sizes = (fields: Shown['fields']) =>
    ['psp.clear', 'psp.payload', 'psp.icv']
      .map((name) => ((fields[name] as string) ?? '').length / 2)
      .join('+');
  const DATAGRAMS = [
    ['a whole packet', header('04010001', 20), [], '0+4+16'],
    ['no payload', header('04010001', 16), [], '0+0+16'],
    ['31 octets', header('04010001', 15), ['psp.too_short'], '0+0+0'],
    ['half a header', header('04010001', 0).subarray(0, 9), ['psp.too_short'], '0+0+0'],
    ['one octet', header('04010001', 0).subarray(0, 1), ['psp.too_short'], '0+0+0'],
    ['a header beyond the payload', header('04020001', 23), ['psp.header_past_end'], '0+0+0'],
    ['Header Extension Length 0', header('04000001', 24), ['psp.hdrextlen_too_small'], '0+0+0'],
    ['V without room for a cookie', header('04010803', 40), ['psp.hdrextlen_too_small'], '0+0+0'],
    ['a crypt offset one word past the end', header('04010201', 20), ['psp.offset_past_end'], '4+0+16'],
    ['a crypt offset at the end', header('04010101', 20), [], '4+0+16'],
    ['the same offset with GMAC, which ignores it', header('04010209', 20), [], '4+0+16'],
    ['version 4', header('04010011', 20), ['psp.reserved_version'], '0+4+16'],
    ['version 15', header('0401003d', 20), ['psp.reserved_version'], '0+4+16'],
    ['no bit that is always one', header('04010000', 20), ['psp.zero_one'], '0+4+16'],
    ['reserved bits', header('0401c001', 20), ['psp.reserved_set'], '0+4+16'],
    ['a cookie that is half encrypted', header('04020103', 30), ['psp.vc_encrypted'], '0+6+16'],
  ] as const;
  const FAMILIES = [4, 6] as const;
  /** Of DATAGRAMS in FAMILIES, all of them at once: tshark takes longer to start than to read them. */
  let dissected: Shown[] | undefined;
  test.each(DATAGRAMS)('%s', (name, _octets, experts, expected) => {
    dissected ??= dissect(DATAGRAMS.flatMap(([, one]) => FAMILIES.map((family) => datagram(family, one))));
    expect(dissected).toHaveLength(DATAGRAMS.length * FAMILIES.length);
    const at = DATAGRAMS.findIndex(([one]) => one === name) * FAMILIES.length;
    for (const one of dissected.slice(at, at + FAMILIES.length)) {
      expect(one.experts).toEqual(experts);
      expect(sizes(one.fields)).toBe(expected);
    }
  });

  test('a capture that was cut shows what is there and says so', () => {
    const whole = datagram(6, header('04020203', 60));
    const names = ['psp.spi', 'psp.vc', 'psp.payload', 'psp.icv', '_ws.expert.message'];
    const cuts = [
      [8 + 15, '', '', '', ''],
      [8 + 16, '0x80000001', '', '', ''],
      [8 + 23, '0x80000001', '', '', ''],
      [8 + 26, '0x80000001', '0xaaaaaaaaaaaaaaaa', 'aaaa', ''],
      [8 + 24 + 44, '0x80000001', '0xaaaaaaaaaaaaaaaa', 'aa'.repeat(36), ''],
    ] as const;
    const path = folder.capture(
      'cut.pcapng',
      cuts.map(([octets]) => ({ frame: whole.subarray(0, 54 + octets), originalOctets: whole.length })),
    );
    const lines = folder.fields(path, names);
    expect(lines).toHaveLength(cuts.length);
    for (const [i, [, ...expected]] of cuts.entries()) {
      expect(lines[i]!.slice(0, 4).map(plain)).toEqual(expected);
      expect(lines[i]![4]).toContain('The packet was captured in part');
    }
  });

  describe('is found by port', () => {
    const good = header('04010001', 30);

    test('1000 as destination, and not as source alone', () => {
      const path = folder.capture('ports.pcapng', [
        { frame: datagram(4, good, 50_000, 1000) },
        { frame: datagram(4, good, 1000, 1000) },
        { frame: datagram(4, good, 1000, 50_000) },
        { frame: datagram(4, good, 50_000, 2000) },
      ]);
      expect(folder.fields(path, ['psp.spi'])).toEqual([['0x80000001'], ['0x80000001'], [''], ['']]);
    });

    test('another one when the preference says so, and then not 1000', () => {
      const path = folder.capture('preference.pcapng', [
        { frame: datagram(4, good, 50_000, 1000) },
        { frame: datagram(4, good, 50_000, 2000) },
      ]);
      expect(folder.fields(path, ['psp.spi'], '-o', 'psp.port:2000')).toEqual([[''], ['0x80000001']]);
    });
  });

  test('its fields filter', () => {
    const path = folder.capture('filter.pcapng', [
      { frame: datagram(4, header('04010001', 30)) },
      { frame: datagram(4, header('04010085', 30)) },
      { frame: datagram(4, header('29020487', 40)) },
      { frame: datagram(4, header('29020043', 40)) },
    ]);
    for (const [filter, numbers] of [
      ['psp', [1, 2, 3, 4]],
      ['psp.spi == 0x80000001 && psp.iv == 7', [1, 2, 3, 4]],
      ['psp.version == 1', [2, 3]],
      ['psp.sample == 1 && psp.is_virt == 1', [3]],
      ['psp.drop == 1', [4]],
      ['psp.nexthdr == 41', [3, 4]],
      ['psp.vc == 0xaaaaaaaaaaaaaaaa && psp.cryptoffset > 1', [3]],
      ['psp.clear', [3]],
    ] as const) {
      expect(folder.fields(path, ['frame.number'], '-Y', filter).flat(), filter).toEqual(numbers.map(String));
    }
  });

  test('the list of packets says SPI, algorithm and what is inside, or that a packet is malformed', () => {
    const path = folder.capture('list.pcapng', [
      { frame: datagram(4, header('04010001', 30)) },
      { frame: datagram(6, header('06010005', 30)) },
      { frame: datagram(6, header('fd010011', 30)) },
      { frame: datagram(4, header('04010001', 2)) },
    ]);
    const lines = folder.run('-X', `lua_script:${folder.script}`, '-r', path).trim().split('\n');
    expect(lines.map((line) => line.replace(/^.* PSP \d+ /, ''))).toEqual([
      'SPI 0x80000001, AES-GCM-128, IPv4 (tunnel mode)',
      'SPI 0x80000001, AES-GCM-256, TCP',
      'SPI 0x80000001, reserved version, next header 253',
      'malformed: 18 octets',
    ]);
  });

  test('loads beside another dissector that owns the name "psp", under the same field names', () => {
    const other = folder.file('other.lua');
    writeFileSync(
      other,
      `local other = Proto("psp", "another plugin")
       other.fields = { ProtoField.uint32("psp.spi", "SPI", base.DEC) }
       function other.dissector(tvb) return tvb:len() end
       DissectorTable.get("udp.port"):add(1000, other)\n`,
    );
    const path = folder.capture('clash.pcapng', [{ frame: datagram(4, header('04010005', 30)) }]);
    const names = ['psp.spi', 'psp.version', 'frame.protocols'];
    const out = folder.run(
      ...['-X', `lua_script:${other}`, '-X', `lua_script:${folder.script}`, '-r', path],
      ...['-T', 'fields', ...names.flatMap((name) => ['-e', name])],
    );
    expect(out.trim().split('\t')).toEqual(['0x80000001', '1', 'eth:ethertype:ip:udp:psp_gateway']);
  });
});
