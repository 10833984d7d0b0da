/** What a workload says that is a real host. */
import { choice, name, optional, schemaOf } from './schema-values.js';

/** As the kernel takes them: 15 characters. */
const INTERFACE_PATTERN = '^[A-Za-z0-9_.-]{1,15}$';
const INTERFACE_HINT =
  'write the name of an interface: letters, digits, "-", "_" and ".", 15 characters at most';

const interfaceName = (description: string) =>
  schemaOf<string>({
    type: 'string',
    description,
    pattern: INTERFACE_PATTERN,
    patternErrorMessage: INTERFACE_HINT,
  });

export const HOST = {
  kind: optional(choice('a real host, whose traffic is its own; in real time only', ['host'])),
  namespace: optional(
    name('of a host: the network namespace that it is, made by the run where it is not there'),
  ),
  tap: optional(interfaceName('of a host: the TAP interface that the run makes, behind which it is')),
  interface: optional(interfaceName('of a host: the interface of this machine behind which it is')),
};
