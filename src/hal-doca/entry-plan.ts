/** How the entries of a basic pipe are packed: which values they give, in which order (native/addon/batch.h). */
import { encapHeaderLengthOctets } from '../hal/check-entry.js';
import type { FieldName, FieldValue, WritableFieldName } from '../hal/fields.js';
import type { ActionTemplate, ActionValues, BasicEntry, BasicPipe } from '../hal/program.js';
import { entryFields, fieldOctets, readValue, writeValue } from './program.js';

const ETHERNET_HEADER_OCTETS = 14;
const CRYPTO_ID_OCTETS = 4;

/** The values that entries of an action template give, in their order. */
interface ActionPlan {
  readonly set: readonly WritableFieldName[];
  readonly ethernetHeader: boolean;
  readonly encapOctets: number;
  readonly cryptoId: boolean;
}

export class EntryPlan {
  private readonly match: readonly FieldName[];
  private readonly actions: readonly ActionPlan[];
  readonly forwardOfEntry: boolean;
  /** By action index, what the values of an entry take. */
  private readonly valueOctets: readonly number[];
  /** The largest of them. */
  readonly valueOctetsMax: number;
  /** Most that all of an entry takes. */
  readonly octetsMax: number;
  /** The octets by which the pipe finds the entry whose key was taken last. */
  readonly key: Uint8Array;

  constructor(pipe: BasicPipe) {
    this.match = entryFields(pipe.match);
    this.key = new Uint8Array(this.match.reduce((sum, field) => sum + fieldOctets(field), 0));
    this.actions = (pipe.actions ?? []).map(planOf);
    this.forwardOfEntry = pipe.forward === 'entry';
    this.valueOctets = this.actions.map(valueOctetsOf);
    this.valueOctetsMax = Math.max(0, ...this.valueOctets);
    this.octetsMax = 16 + this.key.length + this.valueOctetsMax;
  }

  /** Makes `key` that of `entry`. Its values lie under the template's masks. */
  takeKey(entry: BasicEntry): void {
    let at = 0;
    for (let i = 0; i < this.match.length; i++) {
      const field = this.match[i]!;
      writeValue(field, entry.match![field] as FieldValue, this.key, at);
      at += fieldOctets(field);
    }
  }

  /** How many octets `writeValues` writes. */
  valueOctetsOf(actionIndex: number): number {
    return this.valueOctets[actionIndex] ?? 0;
  }

  /** Values of a checked entry. */
  writeValues(actionIndex: number, values: ActionValues | undefined, out: Uint8Array, at: number): number {
    const plan = this.actions[actionIndex];
    if (plan === undefined) return at;
    let end = at;
    for (const field of plan.set) {
      writeValue(field, values!.set![field]!, out, end);
      end += fieldOctets(field);
    }
    if (plan.ethernetHeader) {
      out.set(values!.ethernetHeader!, end);
      end += ETHERNET_HEADER_OCTETS;
    }
    if (plan.encapOctets > 0) {
      out.set(values!.encapHeader!, end);
      end += plan.encapOctets;
    }
    if (plan.cryptoId) {
      for (let shift = 0; shift < 32; shift += 8) out[end++] = values!.cryptoId! >>> shift;
    }
    return end;
  }

  /** The values of the fields that entries give, of a key at the beginning of `octets`. */
  matchIn(octets: Uint8Array): NonNullable<BasicEntry['match']> {
    let at = 0;
    const match: Partial<Record<FieldName, FieldValue>> = {};
    for (const field of this.match) {
      match[field] = readValue(field, octets, at);
      at += fieldOctets(field);
    }
    return match;
  }

  /** What `writeValues` has written; undefined where entries give nothing. */
  valuesIn(actionIndex: number, octets: Uint8Array, from: number): ActionValues | undefined {
    const plan = this.actions[actionIndex];
    if (plan === undefined) return undefined;
    let at = from;
    const take = (length: number) => {
      at += length;
      return octets.slice(at - length, at);
    };
    const set: Partial<Record<WritableFieldName, FieldValue>> = {};
    for (const field of plan.set) set[field] = readValue(field, take(fieldOctets(field)), 0);
    const values: ActionValues = {
      ...(plan.set.length === 0 ? {} : { set }),
      ...(plan.ethernetHeader ? { ethernetHeader: take(ETHERNET_HEADER_OCTETS) } : {}),
      ...(plan.encapOctets === 0 ? {} : { encapHeader: take(plan.encapOctets) }),
      ...(plan.cryptoId ? { cryptoId: new DataView(take(CRYPTO_ID_OCTETS).buffer).getUint32(0, true) } : {}),
    };
    return Object.keys(values).length === 0 ? undefined : values;
  }
}

function valueOctetsOf({ set, ethernetHeader, encapOctets, cryptoId }: ActionPlan): number {
  return (
    set.reduce((sum, field) => sum + fieldOctets(field), 0) +
    (ethernetHeader ? ETHERNET_HEADER_OCTETS : 0) +
    encapOctets +
    (cryptoId ? CRYPTO_ID_OCTETS : 0)
  );
}

function planOf(template: ActionTemplate): ActionPlan {
  return {
    set: entryFields(template.set ?? {}),
    ethernetHeader: template.decap?.ethernetHeader === 'entry',
    encapOctets: template.encap === undefined ? 0 : encapHeaderLengthOctets(template.encap),
    cryptoId: template.encrypt?.cryptoId === 'entry',
  };
}
