import { describe, expect, it } from 'vitest';
import { onAbort } from '../../../src/base/abort.js';

describe('callbacks on an abort', () => {
  it('are called once, all of them', () => {
    const stopping = new AbortController();
    const called: string[] = [];
    onAbort(stopping.signal, () => called.push('a'));
    onAbort(stopping.signal, () => called.push('b'));
    stopping.abort();
    stopping.abort();
    expect(called).toEqual(['a', 'b']);
  });

  it('are not called once they are taken out, even while others are called', () => {
    const stopping = new AbortController();
    const called: string[] = [];
    const releases: (() => void)[] = [];
    onAbort(stopping.signal, () => called.push('gone'))();
    onAbort(stopping.signal, () => {
      called.push('first');
      for (const release of releases) release();
    });
    releases.push(onAbort(stopping.signal, () => called.push('second')));
    stopping.abort();
    expect(called).toEqual(['first']);
  });

  it('leave those alone that came in their place', () => {
    const stopping = new AbortController();
    const called: string[] = [];
    const release = onAbort(stopping.signal, () => called.push('a'));
    release();
    onAbort(stopping.signal, () => called.push('b'));
    release();
    stopping.abort();
    expect(called).toEqual(['b']);
  });

  it('keep signals apart', () => {
    const [one, other] = [new AbortController(), new AbortController()];
    const called: string[] = [];
    onAbort(one.signal, () => called.push('one'));
    onAbort(other.signal, () => called.push('other'));
    other.abort();
    expect(called).toEqual(['other']);
  });
});
