/** The bounds of the readers that are not the configuration's: keys, captures, the reference tool's file, certificates. */
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CONFIG_OCTETS_MAX, PcapConfigError, parseEncryptConfig } from '../../src/cli/pcap-config.js';
import { PEM_OCTETS_MAX, readTlsFiles, TlsFilesError } from '../../src/gateway/rpc/grpc-tls.js';
import { AddressError, parseIp, parseMac } from '../../src/packet/address.js';
import {
  CaptureError,
  COMMENTS_MAX,
  INTERFACE_NAMES_CHARACTERS_MAX,
  readCapture,
} from '../../src/packet/pcap.js';
import { PcapngWriter } from '../../src/packet/pcapng.js';
import { CANDIDATES_MAX, KeyRing, KeyRingError } from '../../src/psp/key-ring.js';
import { formatSaKey, KeysFileError, parseKeysFile, type SaKey } from '../../src/psp/keys-file.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'psp-gateway-limits-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const KEY: SaKey = { spi: 1, version: 0, key: new Uint8Array(16) };

function thrownBy(work: () => unknown): Error {
  try {
    work();
  } catch (error) {
    return error as Error;
  }
  throw new Error('nothing was thrown');
}

describe('a keys file', () => {
  const line = formatSaKey(KEY);

  test('has so many keys and no more', () => {
    expect(parseKeysFile(line.repeat(10), 'keys', 10)).toHaveLength(10);
    const error = thrownBy(() => parseKeysFile(line.repeat(10_000), 'keys', 10));
    expect(error).toBeInstanceOf(KeysFileError);
    expect(error.message).toBe('keys:11: more than 10 keys up to here');
  });

  test('has lines of bounded length, and what is said of it does not show them', () => {
    const blank = ' '.repeat(4096 - line.length + 1);
    expect(parseKeysFile(`${blank}${line}`, 'keys')).toHaveLength(1);
    const { message } = thrownBy(() => parseKeysFile(` ${blank}${line}`, 'keys'));
    expect(message).toBe('keys:1: the line is longer than 4096 characters');
    expect(thrownBy(() => parseKeysFile('['.repeat(10_000_000), 'keys')).message).toBe(message);
  });

  test('nested as deeply as a line allows is no keys file', () => {
    expect(thrownBy(() => parseKeysFile(`${'['.repeat(4096)}\n`, 'keys')).message).toBe('keys:1: not JSON');
  });

  test('of empty lines has no keys, and a million lines that are none are counted, not kept', () => {
    expect(parseKeysFile('\n'.repeat(1_000_000), 'keys')).toEqual([]);
    const error = thrownBy(() => parseKeysFile('x\n'.repeat(100_000), 'keys')) as KeysFileError;
    expect(error.problems).toHaveLength(50);
    expect(error.message).toMatch(/\nkeys: and 99950 more$/);
  });

  test('names 16 receivers of a key at most', () => {
    const receivers = (count: number) => Array.from({ length: count }, (_, i) => parseIp(`192.0.2.${i}`));
    expect(parseKeysFile(formatSaKey({ ...KEY, receivers: receivers(16) }), 'keys')).toHaveLength(1);
    const error = thrownBy(() => parseKeysFile(formatSaKey({ ...KEY, receivers: receivers(17) }), 'keys'));
    expect(error.message).toContain('16 at most');
  });

  test('has so many keys under one SPI that are tried on a packet', () => {
    const keys = (count: number) => Array.from({ length: count }, () => KEY);
    const association = { receiver: parseIp('192.0.2.1'), spi: 1, version: 0 as const };
    expect(new KeyRing(keys(CANDIDATES_MAX)).find(association)).toHaveLength(CANDIDATES_MAX);
    expect(() => new KeyRing(keys(CANDIDATES_MAX + 1))).toThrow(KeyRingError);
    expect(() => new KeyRing(keys(CANDIDATES_MAX + 1))).toThrow(
      /more than 1024 keys for SPI 0x0*1 of receiver any/,
    );
  });
});

describe('a capture', () => {
  async function read(write: (writer: PcapngWriter) => void): Promise<number> {
    const blocks: Uint8Array[] = [];
    write(new PcapngWriter((octets) => blocks.push(octets)));
    async function* source() {
      yield* blocks;
    }
    let records = 0;
    for await (const _ of readCapture(source())) records++;
    return records;
  }

  test.each([
    [INTERFACE_NAMES_CHARACTERS_MAX, undefined],
    [INTERFACE_NAMES_CHARACTERS_MAX + 1, /names of interfaces of more than 4194304 characters in a section/],
  ])('whose interfaces have names of %d characters', async (characters, refused) => {
    const reading = read((writer) => {
      for (let left = characters; left > 0; left -= 65_535)
        writer.addInterface('n'.repeat(Math.min(left, 65_535)));
    });
    if (refused === undefined) expect(await reading).toBe(0);
    else await expect(reading).rejects.toThrow(refused);
  });

  test.each([
    [COMMENTS_MAX, undefined],
    [COMMENTS_MAX + 1, /more than 1000 comments on a packet/],
  ])('with %d comments on a packet', async (count, refused) => {
    const reading = read((writer) => {
      const interfaceIndex = writer.addInterface('p0');
      const comment = Array.from({ length: count }, () => '');
      writer.write({ interfaceIndex, timestampNs: 0n, frame: new Uint8Array(60), comment });
    });
    if (refused === undefined) expect(await reading).toBe(1);
    else await expect(reading).rejects.toThrow(refused);
  });

  test('that is one endless stream of zeros ends after four octets', async () => {
    let chunks = 0;
    async function* zeros() {
      for (;;) {
        chunks++;
        yield new Uint8Array(65_536);
      }
    }
    const reading = (async () => {
      for await (const _ of readCapture(zeros())) throw new Error('a record');
    })();
    await expect(reading).rejects.toThrow(CaptureError);
    expect(chunks).toBe(1);
  });
});

describe('the reference tool’s configuration', () => {
  test('is quoted in short', () => {
    const text = `${'00 '.repeat(64)}${'x'.repeat(CONFIG_OCTETS_MAX)} bridge`;
    const error = thrownBy(() => parseEncryptConfig(text, 'cfg'));
    expect(error).toBeInstanceOf(PcapConfigError);
    expect(error.message.length).toBeLessThan(600);
  });

  test('takes no word for one of its own that an object happens to have', () => {
    const text = `${'00 '.repeat(64)}1 constructor aes-gcm-128 0 0 0 toString`;
    expect(thrownBy(() => parseEncryptConfig(text, 'cfg')).message).toBe(
      'cfg:1: the mode "constructor" is not one of transport, tunnel\ncfg:1: the cookie "toString" is not one of no-vc, vc',
    );
  });
});

describe('a file of certificates', () => {
  const problemsOf = (path: string): readonly string[] => {
    const error = thrownBy(() => readTlsFiles({ caPath: path, certificatePath: path, keyPath: path }, 0));
    expect(error).toBeInstanceOf(TlsFilesError);
    return (error as TlsFilesError).problems;
  };

  test('of 1 GB is not read', () => {
    const path = join(folder, 'big.pem');
    writeFileSync(path, '');
    truncateSync(path, 2 ** 30);
    expect(problemsOf(path)[0]).toBe(
      `authority ${path} has 1073741824 octets, and at most ${PEM_OCTETS_MAX} octets are read here; is it the right file? Otherwise make it smaller`,
    );
  });

  test('is no device and no folder', () => {
    expect(problemsOf('/dev/zero')).toEqual(
      ['authority', 'certificate', 'key'].map((what) => `${what} /dev/zero is a device; name a file`),
    );
    expect(problemsOf(folder)[0]).toBe(`authority ${folder} is a folder; name a file`);
  });
});

test('a text that is no address is not shown whole, and not read', () => {
  for (const parse of [parseIp, parseMac]) {
    for (const text of ['1'.repeat(1_000_000), ':'.repeat(1_000_000), `${'0'.repeat(1_000_000)}::1`]) {
      const error = thrownBy(() => parse(text));
      expect(error).toBeInstanceOf(AddressError);
      expect(error.message.length).toBeLessThan(200);
    }
  }
  const longest = '2001:0db8:0000:0000:0000:0000:192.168.100.100';
  expect(parseIp(longest)).toBe('2001:db8::c0a8:6464');
  expect(() => parseIp(`0${longest}`)).toThrow(AddressError);
});
