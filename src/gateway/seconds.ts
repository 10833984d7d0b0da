/** A span of time as people are told it, in whole seconds; one that has not begun is none, since clocks are set. */
export const seconds = (ms: number) => `${Math.max(0, Math.round(ms / 1000))} s`;
