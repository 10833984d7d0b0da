/** Which packets that were lost in a soak a kill accounts for. */

/** Packets sent so long before a kill may be lost, and until so long after the return. */
const BEFORE_KILL_MS = 1000;
/** A gateway is back within 2 s on a machine of its own; this is for one that others use as well. */
const AFTER_RETURN_MS = 5000;

export interface Kill {
  /** Which gateway. */
  readonly index: number;
  readonly killedMs: number;
  /** Of its return; Infinity until then. */
  upMs: number;
}

export interface Losses<K extends Kill> {
  /** For each kill, in the order in which they came: when the packets that it has cost were sent. */
  readonly byKill: ReadonlyMap<K, readonly number[]>;
  /** When those were sent that no kill accounts for. */
  readonly outside: readonly number[];
}

/** Puts each loss down to the kill that it lies nearest to, of those that it lies around; of two as near, the earlier one. */
export function attributeLosses<K extends Kill>(lostMs: readonly number[], kills: readonly K[]): Losses<K> {
  const byKill = new Map(kills.map((kill): [K, number[]] => [kill, []]));
  const outside: number[] = [];
  for (const atMs of lostMs) {
    let nearest: K | undefined;
    let nearestMs = Infinity;
    for (const kill of kills) {
      const beforeMs = kill.killedMs - atMs;
      const afterMs = atMs - kill.upMs;
      if (beforeMs > BEFORE_KILL_MS || afterMs > AFTER_RETURN_MS) continue;
      const awayMs = Math.max(0, beforeMs, afterMs);
      if (awayMs >= nearestMs) continue;
      nearest = kill;
      nearestMs = awayMs;
    }
    if (nearest === undefined) outside.push(atMs);
    else byKill.get(nearest)!.push(atMs);
  }
  return { byKill, outside };
}
