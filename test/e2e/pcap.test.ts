import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PcapConfigError, parseDecryptConfig, parseEncryptConfig } from '../../src/cli/pcap-config.js';
import { decryptStep, encryptStep, processCapture } from '../../src/cli/pcap-process.js';
import { pcapHeader, pcapRecord } from '../../src/packet/pcap.js';
import { AEAD_ENGINES } from '../../src/psp/aead-engines.js';
import { countedEngine } from '../support/counted-engine.js';
import { type ReferenceCase, referenceCases, toHex } from '../support/reference-vectors.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'psp-gateway-pcap-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const path = (name: string) => join(folder, name);
const spaced = (key: Uint8Array) => toHex(key).replace(/../g, '$& ');

function configOf(vector: ReferenceCase): string {
  const offset = vector.cryptOffsetWords;
  return `${spaced(vector.masterKeys[0])}\n${spaced(vector.masterKeys[1])}\n${vector.spi.toString(16)}\n${vector.mode}
    aes-gcm-${vector.version === 0 ? 128 : 256}\n${offset} ${offset} ${offset}\n${vector.cookie ? 'vc' : 'no-vc'}\n`;
}

const timeOf = (i: number) => 1_650_000_000_000_000_000n + BigInt(i) * 1_234_567_000n;
const capture = (frames: readonly Uint8Array[], snapOctets = 9014) =>
  Buffer.concat([pcapHeader(snapOctets), ...frames.map((frame, i) => pcapRecord(timeOf(i), frame))]);

describe.each(Object.values(AEAD_ENGINES))('the reference tool, file for file, by $name', (engine) => {
  test.each(referenceCases())('$title', async (vector) => {
    const counted = countedEngine(engine);
    const clear = capture(vector.frames.map(({ cleartext }) => cleartext));
    const encrypted = capture(vector.frames.map(({ encrypted: frame }) => frame));
    writeFileSync(path('clear.pcap'), clear);
    const config = configOf(vector);
    const first = await processCapture({
      input: path('clear.pcap'),
      output: path('encrypted.pcap'),
      step: encryptStep(parseEncryptConfig(config, 'cfg'), false, counted),
    });
    expect(first).toEqual({ written: vector.frames.length, failed: new Map() });
    expect(readFileSync(path('encrypted.pcap')).equals(encrypted)).toBe(true);
    const second = await processCapture({
      input: path('encrypted.pcap'),
      output: path('decrypted.pcap'),
      step: decryptStep(parseDecryptConfig(config, 'cfg'), counted),
    });
    expect(second.failed.size).toBe(0);
    expect(readFileSync(path('decrypted.pcap')).equals(clear)).toBe(true);
    // No other engine has done it.
    expect([counted.sealed, counted.opened]).toEqual([vector.frames.length, vector.frames.length]);
  });
});

describe('what goes wrong', () => {
  const vector = referenceCases()[0]!;

  test('-e makes every packet fail to authenticate, and decrypt says how many', async () => {
    writeFileSync(path('clear.pcap'), capture(vector.frames.map(({ cleartext }) => cleartext)));
    const config = parseEncryptConfig(configOf(vector), 'cfg');
    await processCapture({
      input: path('clear.pcap'),
      output: path('bad.pcap'),
      step: encryptStep(config, true),
    });
    const result = await processCapture({
      input: path('bad.pcap'),
      output: path('out.pcap'),
      step: decryptStep(config),
    });
    expect(result).toEqual({
      written: 0,
      failed: new Map([['authentication failed', vector.frames.length]]),
    });
  });

  test('packets that are not IP are skipped and use up no IV', async () => {
    const frames = vector.frames.map(({ cleartext }) => cleartext);
    const arp = new Uint8Array(60);
    arp.set([8, 6], 12);
    writeFileSync(path('mixed.pcap'), capture([arp, ...frames]));
    const config = parseEncryptConfig(configOf(vector), 'cfg');
    const result = await processCapture({
      input: path('mixed.pcap'),
      output: path('e.pcap'),
      step: encryptStep(config, false),
    });
    expect(result).toEqual({ written: frames.length, failed: new Map([['ARP', 1]]) });
    const record = readFileSync(path('e.pcap')).subarray(24 + 16);
    const expected = vector.frames[0]!.encrypted;
    expect(toHex(record.subarray(0, expected.length))).toBe(toHex(expected));
  });

  test('a damaged capture leaves nothing under the name of the output, nor beside it', async () => {
    const whole = capture(vector.frames.map(({ cleartext }) => cleartext));
    writeFileSync(path('cut.pcap'), whole.subarray(0, whole.length - 1));
    const before = readdirSync(folder);
    const config = parseEncryptConfig(configOf(vector), 'cfg');
    const run = processCapture({
      input: path('cut.pcap'),
      output: path('never.pcap'),
      step: encryptStep(config, false),
    });
    await expect(run).rejects.toThrow(/the file ends/);
    expect(readdirSync(folder)).toEqual(before);
  });

  test('the input is not overwritten', async () => {
    writeFileSync(path('same.pcap'), capture([]));
    const step = decryptStep(vector);
    const run = processCapture({ input: path('same.pcap'), output: path('same.pcap'), step });
    await expect(run).rejects.toThrow(/input file too/);
  });

  test('all problems of a configuration are named with their lines, and no key octet is quoted', () => {
    const key = spaced(vector.masterKeys[0]);
    const text = `${key}\n${key.replace('34', 'zz')}\n0\nsideways\naes-gcm-512\n64 1 x\nmaybe`;
    let error: unknown;
    try {
      parseEncryptConfig(text, 'my.cfg');
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(PcapConfigError);
    const lines = (error as Error).message.split('\n');
    for (const [line, words] of [
      [2, 'octet 1 of master key 1'],
      [3, 'low 31 bits'],
      [4, 'sideways'],
      [5, 'aes-gcm-512'],
      [6, '"64"'],
      [6, '"x"'],
      [7, 'maybe'],
    ] as const) {
      expect(
        lines.some((text) => text.startsWith(`my.cfg:${line}:`) && text.includes(words)),
        words,
      ).toBe(true);
    }
    expect((error as Error).message).not.toContain('zz');
  });
});
