/**
 * The addon's own table of fields (native/addon/fields.cc) against PipeHAL's: values travel to it as octets without names,
 * so that a table that differs would match and write other octets than were asked for.
 */
import { FIELDS, type FieldDefinition } from '../hal/fields.js';
import { BUILD_COMMAND, NativePartError } from '../hal/native-parts.js';

/** A field as the addon has it. */
export interface AddonField extends FieldDefinition {
  readonly name: string;
}

/** Throws NativePartError, which names every field that differs. `addon`: its path. */
export function checkAddonFields(addon: string, fields: readonly AddonField[] | undefined): void {
  const mistakes = fields === undefined ? ['it does not tell its fields'] : differences(fields);
  if (mistakes.length === 0) return;
  throw new NativePartError(
    `${addon} belongs to another version of this program: ${mistakes.join('; ')}; build it again: ${BUILD_COMMAND}`,
  );
}

function differences(fields: readonly AddonField[]): string[] {
  const mistakes: string[] = [];
  const own: Readonly<Record<string, FieldDefinition>> = FIELDS;
  const told = new Map(fields.map((field) => [field.name, field]));
  for (const [name, { widthBits, writable }] of Object.entries(own)) {
    const field = told.get(name);
    if (field === undefined) mistakes.push(`it has no field ${name}`);
    else if (field.widthBits !== widthBits) {
      mistakes.push(`field ${name} has ${field.widthBits} bits there and ${widthBits} here`);
    } else if (field.writable !== writable) {
      mistakes.push(`field ${name} can be written ${field.writable ? 'there' : 'here'} alone`);
    }
  }
  for (const { name } of told.values()) {
    if (!Object.hasOwn(own, name)) mistakes.push(`field ${name} is not known here`);
  }
  if (told.size < fields.length) mistakes.push('it has a field twice');
  return mistakes;
}
