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
