/**
 * Local virtual addresses of IPv6 and the small ids that stand for them in the pipes (meta.u32.2). An address has
 * its entries as long as a session uses it, and its id for ever: an id is never that of another address. They are as
 * many as addresses of ours that have ever been asked for.
 */
import type { EntryId, PipeHal } from '../../hal/hal.js';
import { type IpAddress, ipFamily } from '../../packet/address.js';
import { applyAll } from './apply.js';
import type { Leftovers } from './leftovers.js';
import { localVipEntries } from './pipeline-entries.js';
import type { PipelineOptions } from './pipeline-options.js';

interface LocalVip {
  readonly id: number;
  users: number;
  entries: readonly EntryId[];
}

/** The id of addresses that need none. */
const NO_ID = 0;

export class LocalVips {
  readonly #vips = new Map<IpAddress, LocalVip>();

  constructor(
    private readonly hal: PipeHal,
    private readonly leftovers: Leftovers,
    private readonly pipeline: PipelineOptions,
  ) {}

  /** One more session uses the address. Not to be called again before it has settled. */
  async acquire(localVip: IpAddress): Promise<void> {
    if (ipFamily(localVip) === 4) return;
    let vip = this.#vips.get(localVip);
    if (vip === undefined) {
      vip = { id: this.#vips.size + 1, users: 0, entries: [] };
      this.#vips.set(localVip, vip);
    }
    if (vip.users === 0) {
      // The entries of its last use must be gone before they can be added again.
      await this.leftovers.retry();
      vip.entries = await applyAll(
        this.hal,
        this.leftovers,
        localVipEntries(this.pipeline, localVip, vip.id),
      );
    }
    vip.users++;
  }

  /** One session less; with the last one the entries go. */
  async release(localVip: IpAddress): Promise<void> {
    const vip = this.#vips.get(localVip);
    if (vip === undefined || vip.users === 0 || --vip.users > 0) return;
    await this.leftovers.takeBack(vip.entries.map((id) => ({ operation: { operation: 'remove', id } })));
  }

  /** The id of an address that has been acquired. */
  idOf(localVip: IpAddress): number {
    return this.#vips.get(localVip)?.id ?? NO_ID;
  }
}
