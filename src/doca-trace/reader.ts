/** Reads the lines of a trace. What is wrong with one is told by its number and field, and the others are read. */
import { Ajv, type ValidateFunction } from 'ajv';
import { DEPTH_MAX, FORMAT, LINE_OCTETS_MAX, LINE_SCHEMAS, type TraceLine } from './lines.js';

/** Problems of one file that are told; what is behind them is not read. */
export const PROBLEMS_MAX = 20;
const QUOTED_CHARACTERS_MAX = 60;

/** A line that is not as it must be. */
export class TraceLineError extends Error {
  override readonly name = 'TraceLineError';
}

export class TraceReader {
  #lines = 0;

  /** Throws TraceLineError, which names line and field. Nothing is a trace whose first line is not that of one. */
  read(octets: Buffer): TraceLine {
    this.#lines++;
    const line = this.#parsed(octets);
    if (this.#lines === 1) {
      if (line.type !== 'start') this.#wrong('type', 'a trace of the software DOCA begins with "start"');
      if (line.format !== FORMAT)
        this.#wrong('format', `is ${line.format}; this psp-gateway reads format ${FORMAT}`);
    }
    return line;
  }

  /** What the last line is that has no end. */
  cut(octets: Buffer): TraceLineError {
    return new TraceLineError(`line ${this.#lines + 1}: is cut behind ${octets.length} octets`);
  }

  #parsed(octets: Buffer): TraceLine {
    if (octets.length > LINE_OCTETS_MAX) this.#wrong('', `has more than ${LINE_OCTETS_MAX} octets`);
    let value: unknown;
    try {
      value = JSON.parse(octets.toString('utf8'));
    } catch {
      this.#wrong('', `is no JSON: ${quoted(octets.toString('utf8'))}`);
    }
    if (typeof value !== 'object' || value === null || Array.isArray(value)) this.#wrong('', 'is no object');
    if (isDeeper(value, DEPTH_MAX)) this.#wrong('', `is deeper than ${DEPTH_MAX} objects within each other`);
    const { type } = value as { type?: unknown };
    if (typeof type !== 'string' || !Object.hasOwn(LINE_SCHEMAS, type))
      this.#wrong('type', `${quoted(JSON.stringify(type) ?? 'nothing')} is no type of lines`);
    const validate = validatorOf(type as TraceLine['type']);
    if (!validate(value)) {
      const [error] = validate.errors!;
      const { instancePath, message, keyword, params } = error!;
      const expected = keyword === 'enum' ? ` ${params.allowedValues.join(', ')}` : '';
      this.#wrong(pathOf(instancePath), `${message}${expected}`);
    }
    return value as TraceLine;
  }

  #wrong(field: string, reason: string): never {
    throw new TraceLineError(`line ${this.#lines}: ${field === '' ? '' : `${field}: `}${reason}`);
  }
}

const AJV = new Ajv({ strict: false, validateSchema: false });
const validators = new Map<string, ValidateFunction>();

/** Compiled when the first line of the type comes. */
function validatorOf(type: TraceLine['type']): ValidateFunction {
  const known = validators.get(type);
  if (known !== undefined) return known;
  const compiled = AJV.compile(LINE_SCHEMAS[type]);
  validators.set(type, compiled);
  return compiled;
}

/** "/way/0/entry" as "way[0].entry". */
function pathOf(instancePath: string): string {
  const steps = instancePath.split('/').slice(1);
  const path = steps.map((step) => (/^\d+$/.test(step) ? `[${step}]` : `.${step}`)).join('');
  return quoted(path.replace(/^\./, ''));
}

const quoted = (text: string) =>
  text.length > QUOTED_CHARACTERS_MAX ? `${text.slice(0, QUOTED_CHARACTERS_MAX)}...` : text;

function isDeeper(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return depth === 0 || Object.values(value).some((member) => isDeeper(member, depth - 1));
}
