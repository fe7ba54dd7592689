import type { z } from 'zod';

/** The configuration cannot be used. Names every wrong key at once, never a value: values may be secrets. */
export class ConfigError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

/** One line per issue: file, dotted key, what is wrong with it. Zod's messages do not quote the input's values. */
export function listIssues(error: z.ZodError, file: string): string[] {
  return error.issues.flatMap((issue) => {
    const key = issue.path.map(String).join('.');
    if (issue.code === 'unrecognized_keys')
      return issue.keys.map((name) => `${file}: ${key === '' ? name : `${key}.${name}`}: unknown setting`);
    return [`${file}: ${key === '' ? '(whole file)' : key}: ${issue.message}`];
  });
}

/** What a value has to be, by Zod's name of its type. */
const kinds: Readonly<Record<string, string>> = {
  array: 'a list',
  boolean: 'true or false',
  int: 'a whole number',
  null: 'null',
  number: 'a number',
  object: 'an object',
  record: 'an object',
  string: 'text',
};

/**
 * Where Zod says `Invalid input: expected string, received undefined`: what a person is to change. For `error` of safeParse;
 * a schema's own words come first. Never quotes the value.
 */
export const typeWords: z.core.$ZodErrorMap = ({ code, input, ...issue }) => {
  const isTyped = code === 'invalid_type' || code === 'invalid_value' || code === 'invalid_union';
  if (isTyped && input === undefined) return 'is missing';
  // Of forms that one field tells apart, it is that field that is missing or wrong.
  if (code === 'invalid_union' && Array.isArray(issue['options'])) return oneOfWords(issue['options']);
  if (code === 'invalid_union') return 'has none of the forms that are taken here';
  // What a schema allows, and nothing of what was given.
  if (code === 'invalid_value' && Array.isArray(issue['values'])) return oneOfWords(issue['values']);
  const kind = code === 'invalid_type' ? kinds[String(issue['expected'])] : undefined;
  return kind === undefined ? undefined : `must be ${kind}`;
};

function oneOfWords(values: readonly unknown[]): string {
  const named = values.map((value) => JSON.stringify(value));
  return named.length === 1 ? `must be ${named.join('')}` : `must be one of ${named.join(', ')}`;
}
