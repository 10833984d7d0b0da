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
      throw new HalError('BAD_STATE', `a program is built already; "${program.name}" cannot replace it`);
    }
    assertValidProgram(program, this.device.limits);
    // Callers may use theirs again.
    const own = structuredClone(program);
    this.building = true;
    try {
      let books: ProgramBooks | null = null;
      await this.pipeDevice.build(program, async (indexes) => {
        books = new ProgramBooks(own, indexes, this.device.limits.keySlots);
        for (const result of await this.perform(books, staticEntries(program))) {
          if ('error' in result) throw result.error;
        }
      });
      this.assertOpen('build');
      this.books = books;
    } catch (error) {
      throw error instanceof HalError && error.code !== 'SHUTDOWN'
        ? new ProgramError(program.name, [error])
        : error;
    } finally {
      this.building = false;
    }
  }

  async apply(operations: readonly EntryOperation[]): Promise<EntryResult[]> {
    return this.perform(this.assertBuilt('apply'), operations);
  }

  private async perform(books: ProgramBooks, operations: readonly EntryOperation[]): Promise<EntryResult[]> {
    const results: EntryResult[] = new Array(operations.length);
    await this.pipeDevice.perform(books.batchOf(operations, results));
    return results;
  }

  async setKeys(slots: readonly KeySlot[]): Promise<(HalError | null)[]> {
    this.assertOpen('setKeys');
    const results = await this.setCheckedKeys(slots);
    this.keyLengths.set(slots, results);
    return results;
  }

  private async setCheckedKeys(slots: readonly KeySlot[]): Promise<(HalError | null)[]> {
    if (slots.every((slot) => this.keySlotError(slot) === null)) return this.pipeDevice.setKeys(slots);
    const results = slots.map((slot) => this.keySlotError(slot));
    const errors = (await this.pipeDevice.setKeys(slots.filter((_, i) => results[i] === null))).values();
    return results.map((error) => error ?? errors.next().value!);
  }

  async clearKeys(cryptoIds: readonly number[]): Promise<void> {
    this.assertOpen('clearKeys');
    const { keySlots } = this.device.limits;
    const inRange = cryptoIds.filter((cryptoId) => isCryptoId(cryptoId, keySlots));
    await this.pipeDevice.clearKeys(inRange);
    this.keyLengths.clear(inRange);
  }

  async generateKeys(keyLengthOctets: KeyLengthOctets, count: number): Promise<SpiKeyBatch> {
    this.assertOpen('generateKeys');
    const { keysPerBatch } = this.device.limits;
    if (!Number.isInteger(count) || count < 1 || count > keysPerBatch) {
      throw new HalError('INVALID_VALUE', `generateKeys of ${count} keys; expected 1 to ${keysPerBatch}`);
    }
    if (keyLengthOctets !== 16 && keyLengthOctets !== 32) {
      throw new HalError('INVALID_VALUE', `generateKeys of ${keyLengthOctets} octets; expected 16 or 32`);
    }
    return this.pipeDevice.generateKeys(keyLengthOctets, count).catch((error: unknown) => {
      if (!(error instanceof HalError) || error.code !== 'EMPTY') throw error;
      // Not every device can tell how many are left.
      const reason = `generateKeys of ${count} keys, but fewer SPIs are left; rotate the master key`;
      throw new HalError('EMPTY', reason);
    });
  }

  async rotateMasterKey(): Promise<void> {
    this.assertOpen('rotateMasterKey');
    return this.pipeDevice.rotateMasterKey();
  }

  async counters(selectors: readonly CounterSelector[]): Promise<Counter[]> {
    const books = this.assertBuilt('counters');
    return this.pipeDevice.counters(() => books.counterPlaces(selectors));
  }

  async statistics(): Promise<PspStatistics> {
    this.assertOpen('statistics');
    return this.pipeDevice.statistics();
  }

  lookup(packet: LookupPacket): LookupPath {
    const books = this.assertBuilt('lookup');
    const { port, packetMeta, syndrome } = packet;
    if (port === undefined && !books.hasEgressRoot) {
      throw new HalError('BAD_STATE', 'lookup of a packet for transmit: the program has no egress root');
    }
    if (port !== undefined && port !== UPLINK_PORT && port !== VF_PORT) {
      throw new HalError('INVALID_VALUE', `lookup: there is no port ${port}`);
    }
    const metaProblem = packetMeta === undefined ? undefined : valueProblem('meta.pkt_meta', packetMeta);
    if (metaProblem !== undefined || (port !== undefined && packetMeta !== undefined)) {
      const reason = metaProblem ?? 'a packet that comes in by a port has none';
      throw new HalError('INVALID_VALUE', `lookup: packetMeta: ${reason}`);
    }
    if (syndrome !== undefined && !SYNDROMES.includes(syndrome)) {
      throw new HalError('INVALID_VALUE', `lookup: there is no syndrome ${syndrome}`);
    }
    return books.lookup(packet, (cryptoId) => this.keyLengths.of(cryptoId), this.device.ports);
  }

  onReceive(handler: (packets: RssPacket[]) => void): void {
    this.assertOpen('onReceive');
    this.pipeDevice.onReceive(handler);
  }

  transmit(packets: readonly TransmitPacket[]): number {
    const { hasEgressRoot } = this.assertBuilt('transmit');
    if (!hasEgressRoot) throw new HalError('BAD_STATE', 'transmit: the program has no egress root');
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

  private keySlotError({ cryptoId, key }: KeySlot): HalError | null {
    const { keySlots } = this.device.limits;
    if (!isCryptoId(cryptoId, keySlots)) {
      return new HalError('INVALID_VALUE', `setKeys of slot ${cryptoId}; slots are 1 to ${keySlots}`);
    }
    if (key.length !== 16 && key.length !== 32) {
      const reason = `setKeys of slot ${cryptoId}: a key of ${key.length} octets; expected 16 or 32`;
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

/** Those of roots last: no packet finds the pipes before they are complete. */
function staticEntries({ pipes }: PipeProgram): EntryOperation[] {
  const order = [...pipes].sort((a, b) => Number(a.isRoot === true) - Number(b.isRoot === true));
  return order.flatMap(({ name, entries = [] }) =>
    entries.map((entry): EntryOperation => ({ operation: 'add', pipe: name, entry })),
  );
}
