/**
 * The front of every PipeHal: takes the calls, refuses the wrong ones, and gives the others to a PipeDevice. So all devices refuse
 * the same, in the same words.
 */
import { isCryptoId, valueProblem } from './check-entry.js';
import { HalError, ProgramError, shutDown } from './errors.js';
import { SYNDROME_BAD_TRAILER, SYNDROME_ICV_FAIL, SYNDROME_OK } from './fields.js';
import type {
  Counter,
  CounterSelector,
  DeviceDescription,
  EntryOperation,
  EntryResult,
  KeyAlgorithm,
  KeyLengthOctets,
  KeySlot,
  PipeHal,
  PspStatistics,
  RssPacket,
  SpiKeyBatch,
  TransmitPacket,
} from './hal.js';
import { KeyLengths } from './key-lengths.js';
import type { LookupPacket, LookupPath } from './lookup/lookup.js';
import type { PipeDevice } from './pipe-device.js';
import { type PipeProgram, UPLINK_PORT, VF_PORT } from './program.js';
import { ProgramBooks } from './program-books.js';
import { describeValue, isObject } from './shapes.js';
import { assertValidProgram } from './validate.js';

const SYNDROMES: readonly number[] = [SYNDROME_OK, SYNDROME_ICV_FAIL, SYNDROME_BAD_TRAILER];

export class CheckedHal implements PipeHal {
  readonly device: DeviceDescription;
  private books: ProgramBooks | null = null;
  private readonly keyLengths = new KeyLengths();
  private building = false;
  private closing: Promise<void> | null = null;

  /** The device is open, has no program, and belongs to this from now on. */
  constructor(private readonly pipeDevice: PipeDevice) {
    this.device = pipeDevice.description;
  }

  async build(program: PipeProgram): Promise<void> {
    this.assertOpen('build');
    if (this.books !== null || this.building) {
      throw new HalError(
        'BAD_STATE',
        `a program is built already; ${describeValue(program?.name)} cannot replace it`,
      );
    }
    // What its owner does to it later changes nothing here.
    const own = assertValidProgram(program, this.device.limits);
    this.building = true;
    try {
      let books: ProgramBooks | null = null;
      await this.pipeDevice.build(own, async (indexes) => {
        books = new ProgramBooks(own, indexes, this.device.limits);
        const batch = books.batchOf(staticEntries(own));
        await this.pipeDevice.perform(batch);
        for (const result of batch.end()) {
          if ('error' in result) throw result.error;
        }
      });
      this.assertOpen('build');
      this.books = books;
    } catch (error) {
      throw error instanceof HalError && error.code !== 'SHUTDOWN'
        ? new ProgramError(own.name, [error])
        : error;
    } finally {
      this.building = false;
    }
  }

  async apply(operations: readonly EntryOperation[]): Promise<EntryResult[]> {
    const books = this.assertBuilt('apply');
    assertList(operations, 'operations');
    const batch = books.batchOf(operations);
    await this.pipeDevice.perform(batch);
    return batch.end();
  }

  async setKeys(slots: readonly KeySlot[]): Promise<(HalError | null)[]> {
    this.assertOpen('setKeys');
    assertList(slots, 'slots');
    let areRight = true;
    for (const slot of slots) areRight &&= this.keySlotError(slot) === null;
    const results = await (areRight ? this.pipeDevice.setKeys(slots) : this.setRightKeys(slots));
    this.keyLengths.set(slots, results);
    return results;
  }

  private async setRightKeys(slots: readonly KeySlot[]): Promise<(HalError | null)[]> {
    const results = Array.from(slots, (slot) => this.keySlotError(slot));
    const errors = (await this.pipeDevice.setKeys(slots.filter((_, i) => results[i] === null))).values();
    return results.map((error) => error ?? errors.next().value!);
  }

  async clearKeys(cryptoIds: readonly number[]): Promise<void> {
    this.assertOpen('clearKeys');
    assertList(cryptoIds, 'cryptoIds');
    // To pass over what cannot be meant would leave a key that its owner believes wiped.
    for (const cryptoId of cryptoIds)
      assertIs(typeof cryptoId === 'number', 'a number', cryptoId, 'cryptoIds');
    const { keySlots } = this.device.limits;
    const inRange = cryptoIds.filter((cryptoId) => isCryptoId(cryptoId, keySlots));
    await this.pipeDevice.clearKeys(inRange);
    this.keyLengths.clear(inRange);
  }

  async generateKeys(
    keyLengthOctets: KeyLengthOctets,
    count: number,
    algorithm: KeyAlgorithm = 'gcm',
  ): Promise<SpiKeyBatch> {
    this.assertOpen('generateKeys');
    const { keysPerBatch } = this.device.limits;
    if (!Number.isInteger(count) || count < 1 || count > keysPerBatch) {
      throw new HalError(
        'INVALID_VALUE',
        `generateKeys of ${describeValue(count)} keys; expected 1 to ${keysPerBatch}`,
      );
    }
    if (keyLengthOctets !== 16 && keyLengthOctets !== 32) {
      throw new HalError(
        'INVALID_VALUE',
        `generateKeys of ${describeValue(keyLengthOctets)} octets; expected 16 or 32`,
      );
    }
    if (algorithm !== 'gcm' && algorithm !== 'gmac') {
      throw new HalError(
        'INVALID_VALUE',
        `generateKeys for ${describeValue(algorithm)}; expected 'gcm' or 'gmac'`,
      );
    }
    if (algorithm === 'gmac' && this.device.gmac !== true)
      throw new HalError('NOT_SUPPORTED', 'generateKeys for AES-GMAC: this device has no such keys');
    try {
      return await this.pipeDevice.generateKeys(keyLengthOctets, count, algorithm);
    } catch (error) {
      if (!(error instanceof HalError) || error.code !== 'EMPTY') throw error;
      // Not every device can tell how many are left.
      const reason = `generateKeys of ${count} keys, but fewer SPIs are left; rotate the master key`;
      throw new HalError('EMPTY', reason);
    }
  }

  async rotateMasterKey(): Promise<void> {
    this.assertOpen('rotateMasterKey');
    return this.pipeDevice.rotateMasterKey();
  }

  async counters(selectors: readonly CounterSelector[]): Promise<Counter[]> {
    const books = this.assertBuilt('counters');
    assertList(selectors, 'selectors');
    for (const selector of selectors) assertIs(isSelector(selector), 'a counter', selector, 'selectors');
    return this.pipeDevice.counters(() => books.counterPlaces(selectors));
  }

  async statistics(): Promise<PspStatistics> {
    this.assertOpen('statistics');
    return this.pipeDevice.statistics();
  }

  lookup(packet: LookupPacket): LookupPath {
    const books = this.assertBuilt('lookup');
    assertIs(isObject(packet), 'a packet', packet, 'packet');
    const { frame, port, packetMeta, syndrome } = packet;
    assertIs(frame instanceof Uint8Array, 'octets', frame, 'frame');
    if (port === undefined && !books.hasEgressRoot) {
      throw new HalError('BAD_STATE', 'lookup of a packet for transmit: the program has no egress root');
    }
    if (port !== undefined && port !== UPLINK_PORT && port !== VF_PORT) {
      throw new HalError('INVALID_VALUE', `lookup: there is no port ${describeValue(port)}`);
    }
    const metaProblem = packetMeta === undefined ? undefined : valueProblem('meta.pkt_meta', packetMeta);
    if (metaProblem !== undefined || (port !== undefined && packetMeta !== undefined)) {
      const reason = metaProblem ?? 'a packet that comes in by a port has none';
      throw new HalError('INVALID_VALUE', `lookup: packetMeta: ${reason}`);
    }
    if (syndrome !== undefined && !SYNDROMES.includes(syndrome)) {
      throw new HalError('INVALID_VALUE', `lookup: there is no syndrome ${describeValue(syndrome)}`);
    }
    return books.lookup(packet, (cryptoId) => this.keyLengths.of(cryptoId), this.device.ports);
  }

  onReceive(handler: (packets: RssPacket[]) => void): void {
    this.assertOpen('onReceive');
    assertIs(typeof handler === 'function', 'a function', handler, 'handler');
    this.pipeDevice.onReceive(handler);
  }

  transmit(packets: readonly TransmitPacket[]): number {
    const { hasEgressRoot } = this.assertBuilt('transmit');
    if (!hasEgressRoot) throw new HalError('BAD_STATE', 'transmit: the program has no egress root');
    assertList(packets, 'packets');
    for (const packet of packets) {
      assertIs(isObject(packet), 'a packet', packet, 'packets');
      const { frame, packetMeta = 0 } = packet;
      assertIs(frame instanceof Uint8Array, 'octets', frame, 'frame');
      assertIs(
        typeof packetMeta === 'number' && packetMeta >>> 0 === packetMeta,
        'a number of 32 bits',
        packetMeta,
        'packetMeta',
      );
    }
    return this.pipeDevice.transmit(packets);
  }

  close(): Promise<void> {
    this.closing ??= this.pipeDevice.close();
    return this.closing;
  }

  /** As `close`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private keySlotError(slot: KeySlot): HalError | null {
    const { keySlots } = this.device.limits;
    const { cryptoId, key } = isObject(slot) ? slot : ({} as Partial<KeySlot>);
    if (!isCryptoId(cryptoId, keySlots)) {
      const reason = `setKeys of slot ${describeValue(cryptoId)}; slots are 1 to ${keySlots}`;
      return new HalError('INVALID_VALUE', reason);
    }
    if (!(key instanceof Uint8Array) || (key.length !== 16 && key.length !== 32)) {
      const reason = `setKeys of slot ${cryptoId}: a key of ${describeValue(key)}; expected 16 or 32`;
      return new HalError('INVALID_VALUE', reason);
    }
    return null;
  }

  private assertOpen(doing: string): void {
    if (this.closing !== null) throw shutDown(doing);
  }

  private assertBuilt(doing: string): ProgramBooks {
    this.assertOpen(doing);
    if (this.books === null) throw new HalError('BAD_STATE', `${doing}: build a program first`);
    return this.books;
  }
}

/** Throws HalError INVALID_VALUE, which names the argument, or the part of it, that is no list. */
function assertList(value: unknown, field: string): void {
  assertIs(Array.isArray(value), 'a list', value, field);
}

function assertIs(holds: boolean, expected: string, value: unknown, field: string): void {
  if (holds) return;
  throw new HalError('INVALID_VALUE', `expected ${expected}, got ${describeValue(value)}`, { field });
}

function isSelector(selector: unknown): boolean {
  if (!isObject(selector)) return false;
  const given = selector as Readonly<Record<string, unknown>>;
  if (given.id !== undefined) return typeof given.id === 'number';
  const whole = given.miss === true || given.total === true;
  return typeof given.pipe === 'string' && (whole || typeof given.label === 'string');
}

/** Those of roots last: no packet finds the pipes before they are complete. */
function staticEntries({ pipes }: PipeProgram): EntryOperation[] {
  const order = [...pipes].sort((a, b) => Number(a.isRoot === true) - Number(b.isRoot === true));
  return order.flatMap(({ name, entries = [] }) =>
    entries.map((entry): EntryOperation => ({ operation: 'add', pipe: name, entry })),
  );
}
