import { ServiceError } from '../service-error.ts';

interface Form {
  readonly min?: number;
  readonly max?: number;
  readonly pattern?: RegExp;
}

/** Forms that IAM's API reference gives for its parameters. */
export const FORMS = {
  userName: { max: 64, pattern: /^[\w+=,.@-]+$/ },
  roleName: { max: 64, pattern: /^[\w+=,.@-]+$/ },
  policyName: { max: 128, pattern: /^[\w+=,.@-]+$/ },
  path: { max: 512, pattern: /^(\/|\/[\u0021-\u007e]+\/)$/ },
  pathPrefix: { max: 512, pattern: /^\/[\u0021-\u007f]*$/ },
  accessKeyId: { min: 16, max: 128, pattern: /^\w+$/ },
  policyDocument: { max: 131_072, pattern: /^[\t\n\r\u0020-\u00ff]+$/ },
  arn: { min: 20, max: 2048, pattern: /^[\u0020-\u007e]+$/ },
} satisfies Record<string, Form>;

/** The parameters of a query call; what is wrong is a ValidationError that names the parameter, never its value. */
export class Parameters {
  readonly #input: Readonly<Record<string, unknown>>;

  constructor(input: Readonly<Record<string, unknown>>) {
    this.#input = input;
  }

  has(name: string): boolean {
    return Object.keys(this.#input).some((key) => key === name || key.startsWith(`${name}.`));
  }

  optional(name: string, form: Form = {}): string | undefined {
    const value = this.#input[name];
    if (typeof value !== 'string') return undefined;
    const { min = 1, max = 2048, pattern } = form;
    if (value.length < min) throw invalid(name, `must have length greater than or equal to ${min}`);
    if (value.length > max) throw invalid(name, `must have length less than or equal to ${max}`);
    if (pattern?.test(value) === false)
      throw invalid(name, 'must have the form that the API reference gives');
    return value;
  }

  required(name: string, form: Form = {}): string {
    const value = this.optional(name, form);
    if (value === undefined) throw invalid(name, 'must not be null');
    return value;
  }

  integer(name: string, min: number, max: number): number | undefined {
    const text = this.optional(name);
    if (text === undefined) return undefined;
    const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= min && value <= max)) throw invalid(name, `must be a whole number from ${min} to ${max}`);
    return value;
  }

  /** `Name.member.1`, `Name.member.2`, … */
  list(name: string, form: Form = {}): string[] {
    const values: string[] = [];
    while (values.length < 1000) {
      const value = this.optional(`${name}.member.${values.length + 1}`, form);
      if (value === undefined) break;
      values.push(value);
    }
    return values;
  }

  /** `Tags.member.1.Key` and `.Value`. */
  tags(): { Key: string; Value: string }[] {
    const tags: { Key: string; Value: string }[] = [];
    for (let index = 1; this.has(`Tags.member.${index}`) && index <= 50; index += 1)
      tags.push({
        Key: this.required(`Tags.member.${index}.Key`, { max: 128 }),
        Value: this.optional(`Tags.member.${index}.Value`, { min: 0, max: 256 }) ?? '',
      });
    return tags;
  }

  /** For CloudTrail: all but Action and Version, with a small first letter. */
  forTrail(): Record<string, unknown> {
    return Object.fromEntries(
      Object.entries(this.#input)
        .filter(([name]) => name !== 'Action' && name !== 'Version' && !name.startsWith('X-Amz-'))
        .map(([name, value]) => [name.slice(0, 1).toLowerCase() + name.slice(1), value]),
    );
  }
}

function invalid(name: string, rule: string): ServiceError {
  const member = name.slice(0, 1).toLowerCase() + name.slice(1);
  return new ServiceError(
    'ValidationError',
    400,
    `1 validation error detected: Value at '${member}' ${rule}`,
  );
}
