type Growing =
  | Uint8Array<ArrayBuffer>
  | Uint32Array<ArrayBuffer>
  | Int32Array<ArrayBuffer>
  | Float64Array<ArrayBuffer>;

/**
 * `array` itself when it has `lengthMin` elements, else a larger one that begins with its elements: twice as long, or
 * `lengthMin` where that is more. No longer than `lengthMax`, unless `lengthMin` is. The former array stays as it is: who has
 * secrets in it wipes it.
 */
export function enlarged<Elements extends Growing>(
  array: Elements,
  lengthMin: number,
  lengthMax: number = Number.POSITIVE_INFINITY,
): Elements {
  if (array.length >= lengthMin) return array;
  const length = Math.max(lengthMin, Math.min(2 * array.length, lengthMax));
  const larger = new (array.constructor as new (length: number) => Elements)(length);
  larger.set(array);
  return larger;
}
