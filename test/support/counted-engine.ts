/** An AEAD engine that counts: which one was really used shows in nothing else, as all of them give the same octets. */
import type { AeadEngine } from '../../src/psp/aead.js';

export interface CountedEngine extends AeadEngine {
  sealed: number;
  opened: number;
}

export function countedEngine(engine: AeadEngine): CountedEngine {
  return {
    name: engine.name,
    sealed: 0,
    opened: 0,
    seal(...given) {
      this.sealed++;
      engine.seal(...given);
    },
    open(...given) {
      this.opened++;
      return engine.open(...given);
    },
  };
}
