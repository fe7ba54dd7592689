/** What is wrong with what the doctor was given; for the person at the keyboard. */
export class DoctorInputError extends Error {
  readonly wayOut: string;

  constructor(problem: string, wayOut: string) {
    super(problem);
    this.name = 'DoctorInputError';
    this.wayOut = wayOut;
  }
}
