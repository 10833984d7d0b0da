/**
 * The order in which files of tests begin: those that take minutes first, so that none of them is left for one processor at the
 * end while another has nothing to do. Vitest by itself knows that only where it has run before.
 */
import { relative } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { ROOT } from './root.js';

/** Longest first, as they were measured; the others are as vitest has them. */
export const LONG = [
  'e2e/namespaces',
  'e2e/soak',
  'conformance/differential-3.1',
  'conformance/differential-3.3',
  'conformance/sessions-3.1',
  'conformance/sessions-3.3',
  'e2e/installed',
  'native/sanitizers',
  'unit/topology/fuzz',
  'conformance/hal-doca-hardware',
  'e2e/examples',
  'conformance/faults-3.1',
  'conformance/faults-3.3',
  'native/keys-in-memory',
  'conformance/inside-3.1',
  'conformance/inside-3.3',
  'e2e/command-line',
  'e2e/wireshark',
  'conformance/hal-doca-3.1',
  'conformance/hal-doca-3.3',
  'e2e/topology',
  'native/api',
  'native/robustness',
  'native/releases',
  'native/clang-tidy',
  'e2e/keys-in-memory',
  'e2e/documents',
].map((name) => `test/${name}.test.ts`);

function rankOf({ moduleId }: TestSpecification): number {
  const rank = LONG.indexOf(relative(ROOT, moduleId).replaceAll('\\', '/'));
  return rank < 0 ? LONG.length : rank;
}

export class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const groupOf = ({ project }: TestSpecification) => project.config.sequence.groupOrder;
    return (await super.sort(files)).sort((a, b) => groupOf(a) - groupOf(b) || rankOf(a) - rankOf(b));
  }
}
