/** Topologies from texts instead of files. */
import { type ReadTopologyOptions, readTopology, TopologyFileError } from '../../src/topology/file/read.js';
import type { GatewayPlan, Topology } from '../../src/topology/model.js';

/** Reads `t.yaml` from a text; other files by name. */
export function topologyOf(
  text: string,
  files: Readonly<Record<string, string>> = {},
  options: ReadTopologyOptions = {},
): Topology {
  return readTopology(
    't.yaml',
    (path) => {
      const found = path === 't.yaml' ? text : files[path];
      if (found === undefined) throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
      return found;
    },
    options,
  );
}

/** Everything that is wrong with the files; none when they can be read. */
export function problemsOf(...given: Parameters<typeof topologyOf>): readonly string[] {
  try {
    topologyOf(...given);
    return [];
  } catch (error) {
    if (error instanceof TopologyFileError) return error.problems;
    throw error;
  }
}

export function gatewayOf(topology: Topology, name: string): GatewayPlan {
  const node = topology.nodes.find((one) => one.name === name);
  if (node?.kind !== 'gateway') throw new Error(`no gateway ${name}`);
  return node;
}
