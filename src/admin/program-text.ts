/** A pipe program as text between a gateway and who draws it, with the octets of its values. */
import type { PipeProgram } from '../hal/program.js';

const OCTETS = '$octets';

/** JSON, in which octets are {"$octets": hex}. */
export function programText(program: PipeProgram): string {
  return JSON.stringify(program, (_, value: unknown) =>
    value instanceof Uint8Array ? { [OCTETS]: Buffer.from(value).toString('hex') } : value,
  );
}

/** The program of a text that programText has made. */
export function programOf(text: string): PipeProgram {
  return JSON.parse(text, (_, value: unknown) => {
    const octets = (value as Readonly<Record<string, unknown>> | null)?.[OCTETS];
    return typeof octets === 'string' ? Uint8Array.from(Buffer.from(octets, 'hex')) : value;
  }) as PipeProgram;
}
