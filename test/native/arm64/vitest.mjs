// Stands in for vitest where that does not run: under Node 18, which is Debian's. What the tests of this folder use of it, by Node's
// own runner and assertions; what they may not use is not there.
import assert from 'node:assert/strict';
import { describe, test as nodeTest } from 'node:test';

export { describe };

export const test = Object.assign((name, body) => nodeTest(name, body), {
  each: (cases) => (name, body) => {
    for (const one of cases) {
      const rest = Array.isArray(one) ? [...one] : [one];
      const named = name.replace(/\$(\w+)/g, (_, key) => one[key]).replace(/%s/g, () => rest.shift());
      nodeTest(named, () => (Array.isArray(one) ? body(...one) : body(one)));
    }
  },
});

export const expect = (value) => ({
  toBe: (other) => assert.equal(value, other),
  toEqual: (other) => assert.deepEqual(value, other),
  toHaveLength: (other) => assert.equal(value.length, other),
  toBeGreaterThan: (other) => assert.ok(value > other, `${value} is not greater than ${other}`),
  toBeLessThan: (other) => assert.ok(value < other, `${value} is not less than ${other}`),
});
