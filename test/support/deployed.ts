/** What deployments are made of, for tests: manifests, a containerlab file, and commands with the files that their containers see. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, parseAllDocuments } from 'yaml';

// biome-ignore lint/suspicious/noExplicitAny: a manifest may be anything, which is what tests look at
export type Manifest = any;

export const manifestsOf = (text: string): Manifest[] =>
  parseAllDocuments(text).map((document) => document.toJS());

/** A container as an engine starts it. */
export interface Container {
  readonly name: string;
  readonly command: readonly string[];
  /** Files by their paths in the container. */
  readonly files: ReadonlyMap<string, string>;
}

/** Containers of pods and Jobs; `$(NAME)` in a command is the variable of that name, as Kubernetes has it. */
export function kubernetesContainers(
  manifests: readonly Manifest[],
  secrets: (name: string) => ReadonlyMap<string, string>,
  environment: Readonly<Record<string, string>> = {},
): Container[] {
  const config = new Map<string, Record<string, string>>(
    manifests.filter(({ kind }) => kind === 'ConfigMap').map(({ metadata, data }) => [metadata.name, data]),
  );
  return manifests.flatMap((manifest) => {
    const spec = manifest.kind === 'Pod' ? manifest.spec : manifest.spec?.template?.spec;
    if (spec === undefined) return [];
    const [container] = spec.containers;
    const files = new Map<string, string>();
    for (const { name, mountPath } of container.volumeMounts) {
      const volume = spec.volumes.find((one: Manifest) => one.name === name);
      const texts =
        volume.configMap !== undefined
          ? Object.entries(config.get(volume.configMap.name) ?? {})
          : volume.secret !== undefined
            ? [...secrets(volume.secret.secretName)]
            : [];
      for (const [file, text] of texts) files.set(join(mountPath, file), text);
    }
    const expanded = container.command.map((word: string) =>
      word.replace(/\$\((\w+)\)/g, (whole, name) => environment[name] ?? whole),
    );
    return [{ name: spec.hostname ?? manifest.metadata.name, command: expanded, files }];
  });
}

/** Containers of a containerlab file in a folder. */
export function containerlabContainers(folder: string, file: string): Container[] {
  const { topology } = parse(readFileSync(join(folder, file), 'utf8'));
  return Object.entries(topology.nodes as Record<string, Manifest>).map(([name, node]) => ({
    name,
    command: [node.entrypoint, ...node.cmd.split(' ')],
    files: new Map(
      node.binds.map((bind: string) => {
        const [from, to] = bind.split(':') as [string, string];
        return [to, readFileSync(join(folder, from), 'utf8')];
      }),
    ),
  }));
}
