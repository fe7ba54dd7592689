/** What a management act cannot do and why; the text is for the operator. */
export type VaultProblem = 'not-found' | 'conflict' | 'invalid';

export class VaultError extends Error {
  readonly problem: VaultProblem;

  constructor(problem: VaultProblem, message: string) {
    super(message);
    this.name = 'VaultError';
    this.problem = problem;
  }
}
