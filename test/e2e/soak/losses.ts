/** Which packets that were lost in a soak a kill accounts for. */

/** A gateway is back within 2 s on a machine of its own; this is for one that others use as well. */
const AFTER_RETURN_MS = 5000;

/** A packet that has not come back. Wall times in milliseconds. */
export interface Loss {
  readonly sentMs: number;
  readonly family: 4 | 6;
  /** When the first packet that was sent later, over the same family, came back; null: none did in time. */
  readonly overtakenMs: number | null;
}

export interface Kill {
  /** Which gateway. */
  readonly index: number;
  readonly killedMs: number;
  /** Of its return; Infinity until then. */
  upMs: number;
}

export interface Losses<K extends Kill> {
  /** For each kill, in the order in which they came: the packets that it has cost. */
  readonly byKill: ReadonlyMap<K, readonly Loss[]>;
  /** Those that no kill accounts for. */
  readonly outside: readonly Loss[];
}

/**
 * Puts each loss down to the kill that it lies nearest to, of those that it lies around; of two as near, to the earlier one.
 * A packet that was sent before a kill was still under way at the kill exactly if nothing that was sent later had overtaken it:
 * packets of a family keep their order, and on a loaded machine one may lie in a queue for seconds.
 */
export function attributeLosses<K extends Kill>(losses: readonly Loss[], kills: readonly K[]): Losses<K> {
  const byKill = new Map(kills.map((kill): [K, Loss[]] => [kill, []]));
  const outside: Loss[] = [];
  for (const loss of losses) {
    let nearest: K | undefined;
    let nearestMs = Infinity;
    for (const kill of kills) {
      const beforeMs = kill.killedMs - loss.sentMs;
      const afterMs = loss.sentMs - kill.upMs;
      const overtaken = loss.overtakenMs !== null && loss.overtakenMs < kill.killedMs;
      if ((beforeMs > 0 && overtaken) || afterMs > AFTER_RETURN_MS) continue;
      const awayMs = Math.max(0, beforeMs, afterMs);
      if (awayMs >= nearestMs) continue;
      nearest = kill;
      nearestMs = awayMs;
    }
    if (nearest === undefined) outside.push(loss);
    else byKill.get(nearest)!.push(loss);
  }
  return { byKill, outside };
}
