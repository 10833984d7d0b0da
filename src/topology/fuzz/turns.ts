/** The order of draws: what a seed draws depends on it, so that each draw has its place in numbers. */

/** A draw, and its places among others. */
export interface Turn<Draw> {
  /** From 0 on, without gaps over all kinds. A new draw takes the next one, and then every seed draws something else. */
  readonly turns: readonly number[];
  readonly draw: Draw;
}

/** All draws in their order. Throws where two have one place, or none has it. */
export function inTurns<Draw>(all: readonly (Turn<Draw> | undefined)[]): readonly Draw[] {
  const draws: Draw[] = [];
  for (const turn of all) {
    for (const number of turn?.turns ?? []) {
      if (draws[number] !== undefined) throw new Error(`two kinds have the turn ${number}`);
      draws[number] = turn!.draw;
    }
  }
  for (let number = 0; number < draws.length; number++)
    if (draws[number] === undefined) throw new Error(`no kind has the turn ${number}`);
  return draws;
}
