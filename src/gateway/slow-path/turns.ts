/** Work that is done for a few of many at one time, for each key; the others wait, in order, once each. */

interface Line<Item> {
  running: number;
  readonly waiting: Set<Item>;
}

export class Turns<Key, Item> {
  readonly #lines = new Map<Key, Line<Item>>();

  /** `work` must not reject. */
  constructor(
    private readonly atOnce: number,
    private readonly work: (item: Item) => Promise<void>,
  ) {}

  /** Does the work now, or when its turn comes. An item that waits already does not wait twice. */
  take(key: Key, item: Item): void {
    let line = this.#lines.get(key);
    if (line === undefined) {
      line = { running: 0, waiting: new Set() };
      this.#lines.set(key, line);
    }
    if (line.running >= this.atOnce) line.waiting.add(item);
    else this.#run(key, line, item);
  }

  /** The item waits no more. */
  forget(key: Key, item: Item): void {
    this.#lines.get(key)?.waiting.delete(item);
  }

  #run(key: Key, line: Line<Item>, item: Item): void {
    line.running++;
    void this.work(item).then(() => {
      line.running--;
      const [next] = line.waiting;
      if (next !== undefined) {
        line.waiting.delete(next);
        this.#run(key, line, next);
      } else if (line.running === 0) this.#lines.delete(key);
    });
  }
}
