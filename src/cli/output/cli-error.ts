import { exitCodes } from './exit-codes.ts';

export interface FieldProblem {
  where: string;
  detail: string;
}

/** What a command cannot do and why, for the person at the keyboard; never quotes a secret. */
export class CliError extends Error {
  readonly exitCode: number;
  /** What kind of failure, in one word for programs. */
  readonly failure: keyof typeof exitCodes;
  /** The way out, in a sentence. */
  readonly remediation: string | undefined;
  /** One line each: what is wrong where, or what there is to choose from. */
  readonly fields: readonly FieldProblem[] = [];

  constructor(kind: keyof typeof exitCodes, message: string, remediation?: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'CliError';
    this.exitCode = exitCodes[kind];
    this.failure = kind;
    this.remediation = remediation;
  }
}
