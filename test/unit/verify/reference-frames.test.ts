import { expect, test } from 'vitest';
import { REFERENCE_FRAMES } from '../../../src/verify/reference-frames.js';
import { referenceCases, toHex } from '../../support/reference-vectors.js';

test('frames that verification has are those of the reference implementation, one of each kind of session', () => {
  const cases = referenceCases();
  for (const { source, mode, family, version, cookies, ...hex } of REFERENCE_FRAMES) {
    const { frames, derivedKey, ...one } = cases[source[0]]!;
    expect(one).toMatchObject({ mode, inner: family, version, cookie: cookies });
    expect(hex.key).toBe(toHex(derivedKey));
    expect(hex.cleartext).toBe(toHex(frames[source[1]]!.cleartext));
    expect(hex.encrypted).toBe(toHex(frames[source[1]]!.encrypted));
  }
  const kinds = REFERENCE_FRAMES.map((one) => [one.mode, one.family, one.version, one.cookies].join());
  expect(new Set(kinds).size).toBe(16);
});
