/** Names of the interfaces that a run makes: "pg", five characters of the process, "-", four of the place, and one of the port; 15 fit. */
const PLACES_MAX = 36 ** 4;

let places = 0;

/** What the names of interfaces at one place begin with, which no other place of this process has, nor another process. */
export function interfaceStem(): string {
  return `pg${process.pid.toString(36)}-${(places++ % PLACES_MAX).toString(36)}`;
}
