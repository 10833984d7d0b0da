/**
 * The order in which files of tests begin: those that take minutes first, so that none of them is left for one processor at the
 * end while another has nothing to do, which vitest by itself knows only where it has run before. Then those that share processes,
 * project by project: vitest ends a shared process as soon as the next file is of another project.
 */
import { relative } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { ROOT } from './root.js';

/** Longest first, as they were measured; the others are as vitest has them. */
export const LONG = [
  'unit/topology/fuzz',
  'e2e/namespaces',
  'conformance/differential-3.3',
  'conformance/differential-3.1',
  'e2e/installed',
  'e2e/soak',
  'e2e/examples',
  'native/sanitizers',
  'e2e/certificates-reload',
  'e2e/strings-of-others',
  'e2e/topology',
  'conformance/inside-3.3',
  'conformance/inside-3.1',
  'conformance/faults-3.3',
  'conformance/faults-3.1',
  'e2e/command-line',
  'e2e/mistakes',
  'e2e/wireshark',
  'e2e/documents',
  'native/releases',
  'native/keys-in-memory',
  'native/api',
  'native/robustness',
  'native/clang-tidy',
  'e2e/keys-in-memory',
  'conformance/hal-doca-hardware',
  'conformance/hal-doca-3.3',
  'conformance/hal-doca-3.1',
  'conformance/sessions-3.3',
  'conformance/sessions-3.1',
  'conformance/gateways-3.3',
  'conformance/gateways-3.1',
].map((name) => `test/${name}.test.ts`);

function rankOf({ moduleId }: TestSpecification): number {
  const rank = LONG.indexOf(relative(ROOT, moduleId).replaceAll('\\', '/'));
  return rank < 0 ? LONG.length : rank;
}

const sharesProcesses = ({ project }: TestSpecification) => project.config.isolate === false;

/** Which files come first: groups in their order, and of a group the long ones, those that share processes, the rest. */
function stageOf(file: TestSpecification): [group: number, stage: number, project: string] {
  const group = file.project.config.sequence.groupOrder;
  if (sharesProcesses(file)) return [group, 1, file.project.name];
  return [group, rankOf(file) < LONG.length ? 0 : 2, ''];
}

function compare(a: TestSpecification, b: TestSpecification): number {
  const [groupA, stageA, projectA] = stageOf(a);
  const [groupB, stageB, projectB] = stageOf(b);
  return (
    groupA - groupB || stageA - stageB || projectA.localeCompare(projectB, 'en') || rankOf(a) - rankOf(b)
  );
}

export class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return (await super.sort(files)).sort(compare);
  }
}
