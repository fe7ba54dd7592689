/** What is wrong with what the doctor was given; for the person at the keyboard. */
export class DoctorInputError extends Error {
  readonly remediation: string;

  constructor(problem: string, remediation: string) {
    super(problem);
    this.name = 'DoctorInputError';
    this.remediation = remediation;
  }
}
