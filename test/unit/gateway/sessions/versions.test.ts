/** Which PSP versions a gateway asks for, grants and takes, and what it counts of the others. */
import { describe, expect, test } from 'vitest';
import { Versions } from '../../../../src/gateway/sessions/versions.js';

const refusal = (work: () => unknown) => {
  try {
    return work();
  } catch (error) {
    return (error as Error).message;
  }
};
const READABLE = 'AES-GMAC leaves payload readable';

describe.each([0, 1] as const)('a gateway that asks for version %i', (asked) => {
  test('grants the first of 0 and 1 that a peer accepts', () => {
    const versions = new Versions(asked);
    expect(versions.chosen([3, 2, 9, 1, 0])).toBe(1);
    expect(versions.chosen([2, 0, 1])).toBe(0);
    expect(versions.refused).toEqual({ requests: 0, answers: 0 });
  });

  test.each([2, 3])('refuses and counts version %i, and says why', (version) => {
    const versions = new Versions(asked);
    expect(refusal(() => versions.chosen([version]))).toContain(READABLE);
    expect(refusal(() => versions.assertTaken(version, 'here'))).toContain(READABLE);
    expect(refusal(() => versions.assertAsked(version))).toContain(READABLE);
    expect(versions.refused).toEqual({ requests: 2, answers: 1 });
  });

  test.each([4, 15, 2 ** 31])('of version %i, which nobody has, it says nothing of the kind', (version) => {
    const versions = new Versions(asked);
    expect(refusal(() => versions.chosen([version]))).not.toContain(READABLE);
    expect(refusal(() => versions.assertTaken(version, 'here'))).not.toContain(READABLE);
    expect(refusal(() => versions.assertAsked(version))).not.toContain(READABLE);
    expect(versions.refused).toEqual({ requests: 2, answers: 1 });
  });

  test('takes no answer of the other version either', () => {
    const versions = new Versions(asked);
    versions.assertAsked(asked);
    versions.assertTaken(1 - asked, 'here');
    expect(refusal(() => versions.assertAsked(1 - asked))).toContain('was not asked for');
    expect(versions.refused).toEqual({ requests: 0, answers: 1 });
  });
});

describe.each([2, 3] as const)('a gateway that asks for version %i', (asked) => {
  test('grants any of the four, and none that nobody has', () => {
    const versions = new Versions(asked);
    for (const version of [0, 1, 2, 3]) {
      expect(versions.chosen([7, version])).toBe(version);
      versions.assertTaken(version, 'here');
    }
    expect(refusal(() => versions.chosen([4]))).toMatch(/speaks 0, 1, 2 and 3$/);
    expect(refusal(() => versions.chosen([]))).toMatch(/psp_versions_accepted: none; /);
  });
});
