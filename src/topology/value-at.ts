/**
 * What stands under a path with dots, such as nodes.h1.psp; undefined: nothing. Names may have dots in them, hence the
 * longest key that fits goes first.
 */
export function valueAt(value: unknown, path: string): unknown {
  if (path === '') return value;
  if (typeof value !== 'object' || value === null) return undefined;
  for (let end = path.length; end > 0; end = path.lastIndexOf('.', end - 1)) {
    const key = path.slice(0, end);
    if (!Object.hasOwn(value, key)) continue;
    const found = valueAt((value as Record<string, unknown>)[key], path.slice(end + 1));
    if (found !== undefined) return found;
  }
  return undefined;
}
