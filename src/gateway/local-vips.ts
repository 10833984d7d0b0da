/**
 * Local virtual addresses of IPv6 and the small ids that stand for them in the pipes (meta.u32.2). An address has
 * its entries as long as a session uses it.
 */
import type { EntryId, PipeHal } from '../hal/hal.js';
import { type IpAddress, ipFamily } from '../packet/address.js';
import { applyAll } from './apply.js';
import type { PipelineOptions } from './pipeline.js';
import { localVipEntries } from './pipeline-entries.js';

interface LocalVip {
  readonly id: number;
  users: number;
  entries: readonly EntryId[];
}

/** The id of addresses that need none. */
const NO_ID = 0;

export class LocalVips {
  readonly #vips = new Map<IpAddress, LocalVip>();
  #nextId = 1;

  constructor(
    private readonly hal: PipeHal,
    private readonly pipeline: PipelineOptions,
  ) {}

  /** One more session uses the address. Not to be called again before it has settled. */
  async acquire(localVip: IpAddress): Promise<void> {
    if (ipFamily(localVip) === 4) return;
    const known = this.#vips.get(localVip);
    if (known !== undefined) {
      known.users++;
      return;
    }
    const vip: LocalVip = { id: this.#nextId++, users: 1, entries: [] };
    vip.entries = await applyAll(this.hal, localVipEntries(this.pipeline, localVip, vip.id));
    this.#vips.set(localVip, vip);
  }

  /** One session less; with the last one the entries go. */
  async release(localVip: IpAddress): Promise<void> {
    const vip = this.#vips.get(localVip);
    if (vip === undefined || --vip.users > 0) return;
    this.#vips.delete(localVip);
    await this.hal.apply(vip.entries.map((id) => ({ operation: 'remove', id })));
  }

  /** The id of an acquired address. */
  idOf(localVip: IpAddress): number {
    return this.#vips.get(localVip)?.id ?? NO_ID;
  }
}
