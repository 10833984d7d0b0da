/** Whether the simulator's ports are there: what they say of themselves, kept for whoever looks. */
import type { PortState, PortStatus } from '../hal/hal.js';

export class PortStates {
  readonly #states = new Map<string, PortState>();

  set(name: string, state: PortState): void {
    this.#states.set(name, state);
  }

  /** A port that is there until `done` rejects. */
  follow(name: string, done: Promise<void>): void {
    this.set(name, 'present');
    done.catch(() => this.set(name, 'gone'));
  }

  all(): PortStatus[] {
    return [...this.#states].map(([name, state]) => ({ name, state }));
  }
}

/**
 * The ports of a device behind DOCA, of which the kernel's interfaces are watched where there are some. Which of them is
 * behind which port DPDK does not say, so the rest is named together.
 */
export function docaPortStates(watched: readonly PortStatus[], ports: number): PortStatus[] {
  const others = ports - watched.length;
  if (others <= 0) return [...watched];
  return [...watched, { name: watched.length === 0 ? 'all ports' : 'other ports', state: 'unwatched' }];
}
