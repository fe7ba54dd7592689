import type { CliError } from './cli-error.ts';
import type { exitCodes } from './exit-codes.ts';

/** Why a command has failed. */
export interface Failure {
  /** For programs, such as `not-found`: the API's kind of problem, or the kind of exit code. */
  code: string;
  exitCode: number;
  message: string;
  hint?: string | undefined;
  fields?: CliError['fields'];
  /** More that is wrong of the same kind, each told like the first. */
  others?: readonly string[];
}

/** `notFound` is `not-found`. */
export function codeOf(kind: keyof typeof exitCodes): string {
  return kind.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
