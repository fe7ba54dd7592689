/** What a management act cannot do and why; the text is for the operator. */
export type VaultProblem =
  | 'not-found'
  /** It would clash with another record, or with the state that the record is in. */
  | 'conflict'
  | 'invalid'
  /** The record is not the one that the caller has seen (If-Match). */
  | 'precondition'
  /** Known, and not allowed to. */
  | 'forbidden';

export class VaultError extends Error {
  readonly problem: VaultProblem;
  /** The way out, in a sentence. */
  readonly remediation: string | undefined;

  constructor(problem: VaultProblem, message: string, remediation?: string) {
    super(message);
    this.name = 'VaultError';
    this.problem = problem;
    this.remediation = remediation;
  }
}
