/** Events that happen to several gateways, at once or one after the other. */
import { optional, positiveTime } from '../file/schema-values.js';
import type { At } from './kind.js';

export interface InTurn extends At {
  readonly nodes: readonly string[];
}

export const EVERY = {
  every: optional(positiveTime('between the nodes of a list or "*": one after the other')),
};

/** What documentation and editors say of the gateways that such an event names. */
export const gatewaysText = (what: string): string => `${what}: a gateway, a list of them, or "*"`;
