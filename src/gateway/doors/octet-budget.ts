/**
 * Octets of messages that are held: from when a message says how long it is until it has been dealt with. Bounded for
 * each party and for all together; a party that holds next to nothing may always hold a little, so that others who
 * have taken everything do not shut it out.
 */

/** Octets that a party may hold although all are in use: a request for a few hundred tunnels. */
export const OCTETS_GUARANTEED = 64 * 1024;

export class OctetBudget {
  /** Now, and the most that there ever was. */
  held = 0;
  heldPeak = 0;
  /** Messages that there was no room for. */
  refused = 0;

  constructor(
    readonly perParty: number,
    readonly inAll: number,
  ) {}

  share(): OctetShare {
    return new OctetShare(this);
  }
}

export class OctetShare {
  held = 0;

  constructor(private readonly budget: OctetBudget) {}

  /** False, and nothing is taken, when there is no room. */
  take(octets: number): boolean {
    const { budget } = this;
    const held = this.held + octets;
    const fits = held <= budget.perParty && budget.held + octets <= budget.inAll;
    if (!fits && held > OCTETS_GUARANTEED) {
      budget.refused++;
      return false;
    }
    this.add(octets);
    return true;
  }

  /** For what exists already, such as an answer: what comes next finds less room. */
  add(octets: number): void {
    const { budget } = this;
    this.held += octets;
    budget.held += octets;
    budget.heldPeak = Math.max(budget.heldPeak, budget.held);
  }

  give(octets: number): void {
    this.held -= octets;
    this.budget.held -= octets;
  }
}
