import { inspect } from 'node:util';

/**
 * A value that must not be printed: a PIN, an XKS secret access key.
 * JSON, `util.inspect`, template strings and pino all show `[secret]`; only {@link Secret.reveal} gives the value.
 */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return '[secret]';
  }

  toJSON(): string {
    return '[secret]';
  }

  [inspect.custom](): string {
    return '[secret]';
  }
}
