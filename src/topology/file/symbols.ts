/** The names that a file defines, rightly or wrongly: what refers to them is not wrong too. */

export interface Symbols {
  readonly nodes: ReadonlySet<string>;
  /** Ports that links name. */
  readonly ports: ReadonlySet<string>;
  readonly workloads: ReadonlySet<string>;
  readonly flows: ReadonlySet<string>;
  readonly generators: number;
}

/** Names that a file declares, read before its shape is checked. */
export function symbolsOf(file: unknown): Symbols {
  const topology = member(file, 'topology');
  const nodes = member(topology, 'nodes');
  const links = member(topology, 'links');
  return {
    nodes: new Set(keysOf(nodes)),
    ports: new Set(
      (Array.isArray(links) ? links : [])
        .flatMap((link) => member(link, 'endpoints'))
        .filter((end) => typeof end === 'string'),
    ),
    workloads: new Set(keysOf(nodes).flatMap((name) => keysOf(member(member(nodes, name), 'workloads')))),
    flows: flowSymbols(member(file, 'scenario')),
    generators: countGenerators(topology),
  };
}

/** Flows that a scenario declares. */
export function flowSymbols(scenario: unknown): ReadonlySet<string> {
  return new Set(keysOf(member(scenario, 'traffic')));
}

export function countGenerators(topology: unknown): number {
  return ['full-mesh', 'leaf-spine'].filter((key) => member(topology, key) !== undefined).length;
}

function isMap(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

function member(value: unknown, key: string): unknown {
  return isMap(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}

function keysOf(value: unknown): string[] {
  return isMap(value) ? Object.keys(value) : [];
}
