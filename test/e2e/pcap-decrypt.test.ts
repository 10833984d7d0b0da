/** `pcap decrypt --keys` and `pcap encrypt --write-keys` as users call them. */
import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseIp } from '../../src/packet/address.js';
import { captureOctets } from '../../src/packet/capture-stream.js';
import { pcapHeader, pcapRecord, readCapture } from '../../src/packet/pcap.js';
import { opensslEngine } from '../../src/psp/aead-openssl.js';
import { encapsulate } from '../../src/psp/encapsulate.js';
import { formatSaKey, type SaKey } from '../../src/psp/keys-file.js';
import { askedWithin } from '../support/asked-within.js';
import { DecryptFolder, p0 } from '../support/decrypt.js';
import { outerHeaderTo } from '../support/psp-frames.js';
import { DNS6_FRAME, PING_FRAME } from '../support/real-frames.js';
import { referenceCases, toHex } from '../support/reference-vectors.js';
import { describeWithTshark, TsharkFolder } from '../support/tshark.js';

let folder: DecryptFolder;
beforeEach(() => {
  folder = new DecryptFolder();
});
afterEach(() => folder.close());

const path = (name: string) => join(folder.path, name);

const run = (...argv: string[]) => askedWithin(['pcap', ...argv], folder.path);

const RECEIVER = parseIp('2001:db8::1');
const TUNNEL: SaKey = {
  ...{ spi: 0x8000_0001, version: 1, key: new Uint8Array(32).fill(0xa1) },
  ...{ receivers: [RECEIVER], node: 'h2' },
};
const TRANSPORT: SaKey = { spi: 2, version: 0, key: new Uint8Array(16).fill(0xb2) };
const common = { engine: opensslEngine, iv: 1n, cryptOffsetWords: 0, sourcePort: 50_000 };
const TUNNELED = encapsulate(PING_FRAME, { ...common, ...TUNNEL, outerHeader: outerHeaderTo(RECEIVER) });
const TRANSPORTED = encapsulate(DNS6_FRAME, { ...common, ...TRANSPORT });
const CAPTURE = p0({ frame: TUNNELED }, { frame: PING_FRAME }, { frame: TRANSPORTED });

/** Writes the files of a test. */
function given(keys: readonly SaKey[], capture: Uint8Array = CAPTURE): void {
  writeFileSync(path('keys.jsonl'), keys.map(formatSaKey).join(''));
  writeFileSync(path('in.pcapng'), capture);
}
const decrypt = (...more: string[]) =>
  run('decrypt', '--keys', 'keys.jsonl', 'in.pcapng', 'out.pcapng', ...more);

describe('pcap decrypt --keys', () => {
  test('says what became of the packets, and ends with 0 when nothing with a key failed', async () => {
    given([TUNNEL]);
    expect(await decrypt()).toEqual({
      status: 0,
      out: [
        'decrypted           1',
        'no key              1',
        'ICV does not match  0',
        'malformed           0',
        'captured in part    0',
        'not PSP             1',
        'written to out.pcapng\n',
      ].join('\n'),
      err: '',
    });
    expect(readdirSync(folder.path).sort()).toEqual(['in.pcapng', 'keys.jsonl', 'out.pcapng']);
  });

  test('--json says the same to programs, --verbose each PSP packet to people', async () => {
    given([TUNNEL]);
    const { status, out, err } = await decrypt('--json', '-v');
    expect(status).toBe(0);
    expect(JSON.parse(out)).toEqual({
      output: 'out.pcapng',
      ...{ decrypted: 1, noKey: 1, authFail: 0, malformed: 0, cut: 0, notPsp: 1 },
    });
    expect(err).toBe(
      'packet 1: PSP decrypted: SPI 0x80000001, version 1 (AES-GCM-256) of 2001:db8::1 (h2)\n' +
        'packet 3: PSP not decrypted: no key for SPI 0x00000002, version 0 (AES-GCM-128) of fd00:0:0:1::55\n',
    );
  });

  test('a packet that has a key and does not authenticate makes the status 1, and the output is there', async () => {
    given([{ ...TUNNEL, key: new Uint8Array(32) }, TRANSPORT]);
    const { status, out, err } = await decrypt('--json');
    expect({ status, err }).toEqual({ status: 1, err: '' });
    expect(JSON.parse(out)).toMatchObject({ decrypted: 1, authFail: 1 });
    expect(readFileSync(path('out.pcapng')).length).toBeGreaterThan(CAPTURE.length);
  });

  test('a keys file with mistakes: status 2, every line named, no key said, no output', async () => {
    given([]);
    writeFileSync(
      path('keys.jsonl'),
      `${formatSaKey(TUNNEL)}{"spi":"${toHex(TUNNEL.key)}"}\n${toHex(TUNNEL.key)}\n`,
    );
    const { status, out, err } = await decrypt();
    expect({ status, out }).toEqual({ status: 2, out: '' });
    expect(err.split('\n').map((line) => line.replace(/(:\d+: \w+( JSON)?).*/, '$1'))).toEqual([
      'psp-gateway pcap: keys.jsonl:2: spi',
      'keys.jsonl:2: version',
      'keys.jsonl:2: key',
      'keys.jsonl:3: not JSON',
      '',
    ]);
    expect(err).not.toContain('a1a1');
    expect(readdirSync(folder.path).sort()).toEqual(['in.pcapng', 'keys.jsonl']);
  });

  test('wrong usage: status 2 and a word about it', async () => {
    given([TUNNEL]);
    for (const [argv, word] of [
      [['--keys', 'keys.jsonl'], 'INPUT OUTPUT'],
      [['--keys', 'keys.jsonl', 'in.pcapng'], 'INPUT OUTPUT'],
      [['--keys', 'keys.jsonl', 'in.pcapng', 'out.pcapng', '-c', 'x'], '-c, -i, -o'],
      [['--keys', 'keys.jsonl', 'in.pcapng', 'out.pcapng', '-i', 'x'], '-c, -i, -o'],
      [['--keys', 'keys.jsonl', 'in.pcapng', 'out.pcapng', '-o', 'x'], '-c, -i, -o'],
      [['in.pcapng', 'out.pcapng'], '--keys'],
      [['--keys', 'none.jsonl', 'in.pcapng', 'out.pcapng'], 'none.jsonl'],
      [['--keys', 'keys.jsonl', 'none.pcapng', 'out.pcapng'], 'none.pcapng'],
      [['--keys', 'keys.jsonl', 'in.pcapng', 'in.pcapng'], 'in.pcapng is the input file too'],
      [['--keys', 'keys.jsonl', 'in.pcapng', './keys.jsonl'], 'keys.jsonl is there and is no capture'],
      [['--keys', 'keys.jsonl', 'in.pcapng', 'none/out.pcapng'], 'none/out.pcapng'],
    ] as const) {
      const { status, out, err } = await run('decrypt', ...argv);
      expect({ status, out }, argv.join(' ')).toEqual({ status: 2, out: '' });
      expect(err).toContain(word);
    }
    expect(readdirSync(folder.path).sort()).toEqual(['in.pcapng', 'keys.jsonl']);
    expect(readFileSync(path('in.pcapng')).equals(CAPTURE)).toBe(true);
  });

  test('a damaged capture: status 1, its name, and the output of an earlier run is still there', async () => {
    given([TUNNEL], CAPTURE.subarray(0, CAPTURE.length - 1));
    const earlier = CAPTURE.subarray(0, 100);
    writeFileSync(path('out.pcapng'), earlier);
    const { status, out, err } = await decrypt();
    expect({ status, out }).toEqual({ status: 1, out: '' });
    expect(err).toMatch(/^psp-gateway pcap: in\.pcapng: the file ends .*\(at octet \d+\)\n$/);
    expect(readFileSync(path('out.pcapng')).equals(earlier)).toBe(true);
    expect(readdirSync(folder.path)).toHaveLength(3);
  });
});

describe('pcap encrypt --write-keys', () => {
  const vector = referenceCases().find(({ mode, version }) => mode === 'tunnel' && version === 1)!;
  const spaced = (key: Uint8Array) => toHex(key).replace(/../g, '$& ');

  test('writes the key that decrypts what it wrote, for its owner alone', async () => {
    const offset = vector.cryptOffsetWords;
    writeFileSync(
      path('cfg'),
      `${vector.masterKeys.map(spaced).join('\n')}\n${vector.spi.toString(16)}\ntunnel\naes-gcm-256
       ${offset} ${offset} ${offset}\n${vector.cookie ? 'vc' : 'no-vc'}\n`,
    );
    const records = vector.frames.map(({ cleartext }, i) => pcapRecord(BigInt(i) * 1000n, cleartext));
    writeFileSync(path('clear.pcap'), Buffer.concat([pcapHeader(), ...records]));
    writeFileSync(path('keys.jsonl'), '');
    chmodSync(path('keys.jsonl'), 0o644);
    const files = ['-c', 'cfg', '-i', 'clear.pcap', '-o', 'in.pcapng', '--write-keys', 'keys.jsonl'];
    expect(await run('encrypt', ...files)).toMatchObject({ status: 0, err: '' });
    expect(statSync(path('keys.jsonl')).mode & 0o777).toBe(0o600);
    expect(readFileSync(path('keys.jsonl'), 'utf8')).toBe(
      formatSaKey({ spi: vector.spi, version: 1, key: vector.derivedKey }),
    );

    expect(await decrypt('--json')).toMatchObject({ status: 0 });
    const frames: string[] = [];
    for await (const { frame } of readCapture(captureOctets(path('out.pcapng')))) {
      frames.push(toHex(frame));
    }
    const both = vector.frames.flatMap(({ encrypted, cleartext }) => [encrypted, cleartext]);
    expect(frames).toEqual(both.map(toHex));
  });

  test('writes neither where both are to go to one file', async () => {
    writeFileSync(path('clear.pcap'), pcapHeader());
    writeFileSync(path('cfg'), `${'00 '.repeat(64)} 1 tunnel aes-gcm-256 0 0 0 no-vc`);
    const files = ['-c', 'cfg', '-i', 'clear.pcap', '-o', 'out', '--write-keys', './out'];
    expect(await run('encrypt', ...files)).toMatchObject({
      status: 2,
      err: 'psp-gateway pcap: two outputs go to ./out; name two files\n',
    });
    expect(readdirSync(folder.path).sort()).toEqual(['cfg', 'clear.pcap']);
  });

  test('writes no key when it could not encrypt', async () => {
    writeFileSync(path('cfg'), 'nothing');
    const { status } = await run('encrypt', '-c', 'cfg', '--write-keys', 'keys.jsonl');
    expect(status).toBe(2);
    expect(readdirSync(folder.path)).toEqual(['cfg']);
  });
});

describe('the status of pcap encrypt, as its help says it', () => {
  const arp = new Uint8Array(60);
  arp.set([8, 6], 12);
  const key = '00 '.repeat(32);
  test.each([
    [
      'some packets were skipped',
      [arp, PING_FRAME],
      0,
      'encrypted 1 packets in out.pcap, skipped 1 packets\n  1: ARP\n',
    ],
    ['all were skipped', [arp, arp], 1, 'encrypted 0 packets in out.pcap, skipped 2 packets\n  2: ARP\n'],
    ['there were none', [], 0, 'encrypted 0 packets in out.pcap, skipped 0 packets\n'],
  ])('%s', async (_what, frames, status, out) => {
    writeFileSync(path('cfg'), `${key}\n${key}\n1\ntunnel\naes-gcm-128\n0 0 0\nno-vc\n`);
    const records = frames.map((frame) => pcapRecord(0n, frame));
    writeFileSync(path('in.pcap'), Buffer.concat([pcapHeader(), ...records]));
    expect(await run('encrypt', '-c', 'cfg', '-i', 'in.pcap', '-o', 'out.pcap')).toEqual({
      status,
      out,
      err: '',
    });
  });

  test('is that of its help', async () => {
    const { out } = await run('encrypt', '--help');
    expect(out).toContain(
      'Exit status: 0 all others were encrypted, 1 all were skipped or the capture is damaged,',
    );
  });
});

describeWithTshark('a decrypted capture, in tshark', async () => {
  let tshark: TsharkFolder;
  beforeEach(() => {
    tshark = new TsharkFolder();
  });
  afterEach(() => tshark.close());

  test('has each packet and what was inside next to each other, with interfaces, times and comments', async () => {
    given([TUNNEL, TRANSPORT], p0({ frame: TUNNELED, comment: 'lost' }, { frame: TRANSPORTED }));
    const output = tshark.file('out.pcapng');
    expect((await run('decrypt', '--keys', 'keys.jsonl', 'in.pcapng', output)).status).toBe(0);
    chmodSync(output, 0o644);
    const names = [
      'frame.interface_name',
      'frame.time_epoch',
      'psp.spi',
      'icmp.type',
      'dns.qry.name',
      'frame.comment',
    ];
    const time = '0.000000005';
    expect(tshark.fields(output, names)).toEqual([
      ['p0', time, '0x80000001', '', '', 'lost'],
      [
        'p0 decrypted',
        time,
        '',
        '8',
        '',
        expect.stringContaining('PSP decrypted: SPI 0x80000001, version 1'),
      ],
      ['p0', time, '0x00000002', '', '', ''],
      ['p0 decrypted', time, '', '', 'v2.example', expect.stringContaining('PSP decrypted: SPI 0x00000002')],
    ]);
  });
});
