/**
 * What is left of dead keys in the memory of a process, by a look through all of it: session keys, whole or in part, as they
 * begin AES key schedules as well, and the master keys that they were derived from.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomFillSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { DOCA_ADDON } from '../../src/hal/native-parts.js';
import { KeyDeriver, MASTER_KEY_OCTETS } from '../../src/psp/key-derivation.js';
import { docaIsBuilt } from '../support/doca-harness.js';
import { countKeys, countMasterKeys, type GivenKey } from '../support/memory-search.js';
import { describeOnNative } from '../support/needs.js';
import { ROOT } from '../support/root.js';

const RELEASES = ['3.1', '3.3'] as const;
const KEYS = 32;
const KEY_OCTETS = 32;
const SPI_OCTETS = 4;

/** A process of key-life.mjs or gateway-life.mjs. */
class KeyLife {
  readonly #child: ChildProcess;
  #out = '';
  #errors = '';
  /** What the test waits for or does: said when it fails. */
  #doing = 'starting';
  #said: () => void = () => undefined;
  readonly #given: Promise<GivenKey[]>;

  constructor(script: string, args: readonly string[], environment: Readonly<Record<string, string>>) {
    this.#child = spawn(process.execPath, [join(ROOT, 'test/native', script), ...args], {
      env: { ...process.env, ...environment },
      stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
    });
    this.#child.stdout!.on('data', (chunk) => {
      this.#out += chunk;
      this.#said();
    });
    // Apart, so that a step stays a line of its own whatever a library writes in pieces.
    this.#child.stderr!.on('data', (chunk) => {
      this.#errors += chunk;
    });
    this.#given = readGiven(this.#child.stdio[3] as Readable);
  }

  async reaches(step: string): Promise<void> {
    this.#doing = `waiting for "${step}"`;
    await new Promise<void>((resolve, reject) => {
      this.#said = () => {
        if (this.#out.split('\n').includes(step)) resolve();
      };
      this.#child.once('exit', () =>
        reject(new Error(`ended before "${step}":\n${this.#out}${this.#errors}`)),
      );
      this.#said();
    });
  }

  goOn(): void {
    this.#child.stdin!.write('\n');
  }

  /** What the process holds now: copies of the keys; and, where that is asked for, of their master key. */
  async look(withMasterKey: boolean): Promise<{ keys: number; masterKeys: number }> {
    this.#doing = 'waiting for the keys';
    const given = await this.#given;
    this.#doing = 'looking';
    const { pid } = this.#child;
    const sum = (counts: readonly number[]) => counts.reduce((total, count) => total + count, 0);
    return {
      keys: sum(
        countKeys(
          pid!,
          given.map(({ key }) => key),
        ),
      ),
      masterKeys: withMasterKey ? sum(countMasterKeys(pid!, given.slice(0, 1))) : 0,
    };
  }

  /** Where it stands, of the test and of the kernel, for a failure that nobody can repeat. */
  state(): string {
    const files = ['status', 'wchan', 'syscall', 'stack'].map((name) => {
      try {
        return `${name}: ${readFileSync(`/proc/${this.#child.pid}/${name}`, 'utf8')}`;
      } catch (error) {
        return `${name}: ${(error as Error).message}`;
      }
    });
    return [`${this.#doing}; it said:`, this.#out, this.#errors, ...files].join('\n');
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }
}

async function readGiven(stream: Readable): Promise<GivenKey[]> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream) {
    chunks.push(chunk as Buffer);
    length += (chunk as Buffer).length;
    if (length === KEYS * (SPI_OCTETS + KEY_OCTETS)) break;
  }
  const octets = Buffer.concat(chunks);
  return Array.from({ length: KEYS }, (_, i) => {
    const record = octets.subarray(i * (SPI_OCTETS + KEY_OCTETS));
    return {
      spi: record.readUInt32LE(),
      key: record.subarray(SPI_OCTETS, SPI_OCTETS + KEY_OCTETS),
    };
  });
}

function body(): void {
  const folder = mkdtempSync(join(tmpdir(), 'psp-gateway-keys-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const live = async (
    script: string,
    steps: readonly string[],
    args: readonly string[],
    environment: Readonly<Record<string, string>> = {},
  ) => {
    const life = new KeyLife(script, args, environment);
    // Also after a time-out, so that a process that hangs does not take the next test with it.
    onTestFinished(({ task }) => {
      if (task.result?.state === 'fail') process.stderr.write(`${life.state()}\n`);
      life.kill();
    });
    const found: Record<string, { keys: number; masterKeys: number }> = {};
    for (const step of steps) {
      await life.reaches(step);
      found[step] = await life.look(step !== 'cleared');
      life.goOn();
    }
    return found;
  };
  const liveDevice = (args: readonly string[], environment?: Readonly<Record<string, string>>) =>
    live('key-life.mjs', ['set', 'replaced', 'cleared', 'closed'], args, environment);
  const addon = (release: string) => ({
    [DOCA_ADDON.variable]: join(ROOT, `build/native/addon-${release}/Release/psp_gateway_doca.node`),
  });
  const NOTHING = { keys: 0, masterKeys: 0 };

  describe.each([
    { name: 'the simulator', args: ['sim', folder], environment: {} },
    ...(
      [
        ['3.1', 'ipsec-mb'],
        ['3.1', 'openssl'],
        ['3.3', 'ipsec-mb'],
      ] as const
    ).map(([release, crypto]) => ({
      name: `the software DOCA ${release} with ${crypto}`,
      args: ['doca', folder, `crypto = ${crypto}`],
      environment: addon(release),
    })),
  ])('$name', ({ args, environment }) => {
    test('holds keys that are set, and nothing of them once they are dead', async () => {
      const { set, ...dead } = await liveDevice(args, environment);
      // That the look finds what is there.
      expect(set!.keys).toBeGreaterThanOrEqual(KEYS);
      expect(set!.masterKeys).toBeGreaterThanOrEqual(1);
      expect(dead).toEqual({ replaced: NOTHING, cleared: NOTHING, closed: NOTHING });
    }, 300_000);
  });

  test.each([
    { name: 'the simulator', kind: 'sim', environment: {} },
    { name: 'the software DOCA 3.3', kind: 'doca', environment: addon('3.3') },
  ])(
    'a process whose gateway over $name has stopped holds no key of it',
    async ({ kind, environment }) => {
      const { set, closed } = await live('gateway-life.mjs', ['set', 'closed'], [kind, folder], environment);
      expect(set!.keys).toBeGreaterThanOrEqual(KEYS);
      expect(set!.masterKeys).toBeGreaterThanOrEqual(1);
      expect(closed).toEqual(NOTHING);
    },
    300_000,
  );

  test('of keys that are derived nothing stays but what is given out', async () => {
    const { derived, wiped } = await live('deriver-life.mjs', ['derived', 'wiped'], []);
    expect(derived!.keys).toBe(0);
    expect(derived!.masterKeys).toBeGreaterThanOrEqual(1);
    expect(wiped).toEqual(NOTHING);
  }, 300_000);

  test('a master key is found however much memory stands before it', () => {
    const spi = 7;
    const large = new Uint8Array(8 << 20).fill(1);
    const masterKey = large.subarray(5 << 20).subarray(0, MASTER_KEY_OCTETS);
    randomFillSync(masterKey);
    const deriver = new KeyDeriver(masterKey);
    const key = deriver.deriveMany(Uint32Array.of(spi), 1);
    deriver.wipe();
    expect(countMasterKeys(process.pid, [{ spi, key }])).toEqual([1]);
  });

  test('a device that does not wipe its slots is found', async () => {
    const { replaced } = await liveDevice(
      ['doca', folder, 'crypto = ipsec-mb', 'test-defect = keys-stay'],
      addon('3.1'),
    );
    expect(replaced!.keys).toBeGreaterThanOrEqual(KEYS);
  }, 300_000);
}

describeOnNative(
  'keys in memory',
  process.getuid?.() === 0 && RELEASES.every((release) => docaIsBuilt(release)),
  body,
);
