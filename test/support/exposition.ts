/** Reads the text of metrics: a second reading of the format, for tests. */

/** Samples by name and labels, as they stand, such as `x_total{a="b"}`. */
export type Samples = ReadonlyMap<string, number>;

export function samplesOf(text: string): Samples {
  const samples = new Map<string, number>();
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const [, key, value] = /^(\S+?(?:\{.*\})?) (\S+)$/.exec(line) ?? [];
    if (key === undefined || samples.has(key)) throw new Error(`no sample, or a second one: ${line}`);
    samples.set(key, Number(value));
  }
  return samples;
}

/** Metrics that are declared, by name. */
export function declaredIn(text: string): string[] {
  return [...text.matchAll(/^# TYPE (\S+) /gm)].map(([, name]) => name!);
}
