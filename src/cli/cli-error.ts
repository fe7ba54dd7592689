import { exitCodes } from './exit-codes.ts';

/** What a command cannot do and why, for the person at the keyboard; never quotes a secret. */
export class CliError extends Error {
  readonly exitCode: number;
  /** The way out, in a sentence. */
  readonly wayOut: string | undefined;

  constructor(kind: keyof typeof exitCodes, message: string, wayOut?: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'CliError';
    this.exitCode = exitCodes[kind];
    this.wayOut = wayOut;
  }
}
