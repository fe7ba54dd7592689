import { validation } from './errors.ts';

interface TextRule {
  readonly min?: number;
  readonly max?: number;
  readonly pattern?: RegExp;
}

/** The members of a request, read strictly: what is not as KMS's model has it is a ValidationException. Values are never quoted. */
export class Input {
  readonly #members: Readonly<Record<string, unknown>>;
  readonly #path: string;

  constructor(members: Readonly<Record<string, unknown>>, path = '') {
    this.#members = members;
    this.#path = path;
  }

  has(name: string): boolean {
    return this.#members[name] !== undefined && this.#members[name] !== null;
  }

  text(name: string, rule: TextRule = {}): string {
    const value = this.optionalText(name, rule);
    if (value === undefined) throw this.#bad(name, 'it is missing');
    return value;
  }

  optionalText(name: string, { min = 1, max = 2048, pattern }: TextRule = {}): string | undefined {
    if (!this.has(name)) return undefined;
    const value = this.#members[name];
    if (typeof value !== 'string') throw this.#bad(name, 'it must be a string');
    if (value.length < min || value.length > max)
      throw this.#bad(name, `it must have ${min} to ${max} characters`);
    if (pattern !== undefined && !pattern.test(value))
      throw this.#bad(name, `it must match the pattern ${pattern.source}`);
    return value;
  }

  oneOf<T extends string>(name: string, values: readonly T[]): T | undefined {
    const value = this.optionalText(name);
    if (value === undefined) return undefined;
    const found = values.find((candidate) => candidate === value);
    if (found === undefined) throw this.#bad(name, `it must be one of ${values.join(', ')}`);
    return found;
  }

  integer(name: string, min: number, max: number): number | undefined {
    if (!this.has(name)) return undefined;
    const value = this.#members[name];
    if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max)
      throw this.#bad(name, `it must be an integer from ${min} to ${max}`);
    return value;
  }

  flag(name: string): boolean {
    if (!this.has(name)) return false;
    const value = this.#members[name];
    if (typeof value !== 'boolean') throw this.#bad(name, 'it must be true or false');
    return value;
  }

  /** A blob: Base64 in JSON. */
  bytes(name: string, min: number, max: number): Buffer {
    const value = this.#members[name];
    if (typeof value !== 'string') throw this.#bad(name, 'it is missing or no blob');
    const bytes = Buffer.from(value, 'base64');
    if (bytes.length < min || bytes.length > max)
      throw this.#bad(name, `it must have ${min} to ${max} bytes`);
    return bytes;
  }

  /** A map of strings; empty if absent. */
  map(name: string): Readonly<Record<string, string>> {
    if (!this.has(name)) return {};
    const value = this.#members[name];
    if (!isObject(value) || Object.values(value).some((one) => typeof one !== 'string'))
      throw this.#bad(name, 'it must be a map of strings');
    return value as Record<string, string>;
  }

  object(name: string): Input | undefined {
    if (!this.has(name)) return undefined;
    const value = this.#members[name];
    if (!isObject(value)) throw this.#bad(name, 'it must be a structure');
    return new Input(value, `${this.#path}${name}.`);
  }

  objects(name: string): Input[] {
    return this.#list(name).map((value, index) => {
      if (!isObject(value)) throw this.#bad(name, 'it must be a list of structures');
      return new Input(value, `${this.#path}${name}.${index + 1}.`);
    });
  }

  texts(name: string): string[] {
    return this.#list(name).map((value) => {
      if (typeof value !== 'string') throw this.#bad(name, 'it must be a list of strings');
      return value;
    });
  }

  #list(name: string): unknown[] {
    if (!this.has(name)) return [];
    const value = this.#members[name];
    if (!Array.isArray(value)) throw this.#bad(name, 'it must be a list');
    return value;
  }

  #bad(name: string, why: string) {
    const member = this.#path + name.charAt(0).toLowerCase() + name.slice(1);
    return validation(`1 validation error detected: the value at '${member}' is not valid: ${why}`);
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
